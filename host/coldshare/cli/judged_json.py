"""Judgements of `coldshare.safety` in JSON. Times are UTC, to the second; what is not known is null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli.judged import kind
from coldshare.cli.when import moment

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.ledger.queries import Backup
    from coldshare.safety.apart import Together
    from coldshare.safety.carriers import Copy
    from coldshare.safety.due import Reminder
    from coldshare.safety.rehearsal import Rehearsal
    from coldshare.safety.standing import Finding, PartyStanding, Standing

__all__ = ["backup_json", "copy_json", "standing_json"]


def standing_json(standing: Standing) -> dict[str, Json]:
    from coldshare.declare import library_name

    generation = standing.generation
    return {
        "vault": {"name": standing.vault.name, "public_key_ecdsa": standing.vault.vault.hex()},
        "library": library_name(standing.vault.library),
        "threshold": None if generation is None else generation.threshold,
        "parties": None if generation is None else generation.parties,
        "generation": None if generation is None else generation.generation.hex(),
        "reshared": None if generation is None else generation.reshared,
        "candidates": [one.generation.hex() for one in standing.candidates],
        "verdict": standing.verdict,
        "sentence": standing.sentence,
        "exit_status": standing.exit_status,
        "margin": standing.margin,
        "reachable": sum(one.reachable for one in standing.parties),
        "unknown_parties": standing.unknown,
        "members": [_party_json(one, standing.given_up) for one in standing.parties],
        "strangers": [copy_json(one) for one in standing.strangers],
        "findings": [_finding_json(one) for one in standing.findings],
        "reminders": [_reminder_json(one) for one in standing.reminders],
        "together": [_together_json(one) for one in standing.together],
        "rehearsal": _rehearsal_json(standing.rehearsal),
    }


def _rehearsal_json(one: Rehearsal) -> dict[str, Json]:
    """The verdict alone; `coldshare drill --list` has every backup."""
    return {
        "verdict": one.verdict,
        "words": list(one.words),
        "proved_by": [{"party": party, "drilled": moment(at)} for party, at in one.proved_by],
        "until": moment(one.until),
        "next_due": moment(one.next_due),
    }


def _party_json(one: PartyStanding, given_up: frozenset[bytes]) -> dict[str, Json]:
    return {
        "party": one.party,
        "index": one.number,
        "device": {
            "state": one.device,
            "awaited": one.awaited,
            "in_doubt": one.in_doubt,
            "name": one.device_name,
            "lost": moment(one.lost),
            "restored": moment(one.restored),
        },
        "reachable": one.reachable,
        "verified": moment(one.verified),
        "drilled": moment(one.drilled),
        "backups": [copy_json(copy) for copy in one.copies],
        "older": [copy_json(copy) for copy in one.older if copy.backup.generation not in given_up],
        "given_up": [copy_json(copy) for copy in one.older if copy.backup.generation in given_up],
    }


def copy_json(copy: Copy) -> dict[str, Json]:
    backup, info = copy.backup, copy.place
    return {
        **backup_json(backup),
        "usable": copy.usable,
        "fault": copy.fault,
        "rests_on": str(copy.rests_on),
        "lost_with": str(copy.carrier),
        "place": {
            "place": str(info.place),
            "kind": kind(info.place),
            "title": info.title,
            "location": info.location,
            "custodian": info.custodian,
            "account": info.account,
            "lost": moment(info.lost),
        },
    }


def backup_json(backup: Backup) -> dict[str, Json]:
    """Of a backup what the ledger knows."""
    from coldshare.ledger.events import STATES

    return {
        "backup_id": backup.backup_id.hex(),
        "party": backup.party,
        "generation": None if backup.generation is None else backup.generation.hex(),
        "state": STATES.get(backup.state, str(backup.state)),
        "sealed_size": backup.size,
        "recovery": backup.recovery,
        "stored": moment(backup.stored),
        "read_back": moment(backup.read_back),
        "opened": moment(backup.opened),
        "restored": moment(backup.restored),
        "drilled": moment(backup.drilled),
        "failed": moment(backup.failed),
        "failed_code": backup.failed_code,
    }


def _finding_json(one: Finding) -> dict[str, Json]:
    return {
        "code": one.code,
        "counts": one.counts,
        "words": one.words,
        "next": one.next_step,
        "parties": list(one.parties),
        "backups": [backup.backup_id.hex() for backup in one.backups],
    }


def _reminder_json(one: Reminder) -> dict[str, Json]:
    return {
        "what": one.what,
        "backup_id": one.backup.backup_id.hex(),
        "place": str(one.backup.place),
        "party": one.backup.party,
        "last": moment(one.last),
        "due": moment(one.due or None),
        "believable": one.believable,
    }


def _together_json(one: Together) -> dict[str, Json]:
    return {
        "by": one.by,
        "what": one.what,
        "generation": None if one.generation is None else one.generation.hex(),
        "threshold": one.threshold,
        "parties": list(one.parties),
        "places": [str(place) for place in one.places],
        "serious": one.serious,
        "accepted": one.accepted,
        "words": one.words,
    }
