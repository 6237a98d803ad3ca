"""What is possible after a loss, for a script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from coldshare.cli.judged_json import copy_json

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.safety.advice import Note
    from coldshare.safety.sources import Source
    from coldshare.safety.ways import OldSet, Survivor, Ways

__all__ = ["ways_json"]


def ways_json(ways: Ways) -> dict[str, Json]:
    generation = ways.generation
    return {
        "vault": {"name": ways.vault.name, "public_key_ecdsa": ways.vault.vault.hex()},
        "party": ways.party,
        "device": ways.device_name,
        "generation": None if generation is None else generation.generation.hex(),
        "candidates": [one.generation.hex() for one in ways.candidates],
        "threshold": None if generation is None else generation.threshold,
        "parties": None if generation is None else generation.parties,
        "member": ways.member,
        "reach": ways.reach,
        "verdict": ways.verdict,
        "recommended": {"destroyed": ways.recommended.destroyed, "stolen": ways.recommended.stolen},
        "import": {
            "possible": ways.import_.possible,
            "onto": ways.import_.onto,
            "backups": [_source(one) for one in ways.import_.sources],
            "also": [_survivor(one) for one in ways.import_.also],
        },
        "reshare": {
            "possible": ways.reshare.possible,
            "under_way": ways.reshare.under_way,
            "command": ways.reshare.command or None,
            "ready": [_survivor(one) for one in ways.reshare.ready],
            "first": [_survivor(one) for one in ways.reshare.first],
            "spare": [_survivor(one) for one in ways.reshare.spare],
            "unknown": ways.reshare.unknown,
            "notes": _notes(ways.reshare.notes),
        },
        "missing": _notes(ways.missing),
        "never": _notes(ways.never),
        "after": _notes(ways.after),
        "older": [_old(one) for one in ways.older],
    }


def _source(one: Source) -> dict[str, Json]:
    return {
        **copy_json(one.copy),
        "at_hand": one.at_hand,
        "out": one.out,
        "openings": [
            {
                "by": way.by,
                "command": way.command,
                "places": [str(info.place) for info in way.places],
                "absent": [str(info.place) for info in way.absent],
            }
            for way in one.openings
        ],
    }


def _survivor(one: Survivor) -> dict[str, Json]:
    return {
        "party": one.party,
        "device": one.device,
        "name": one.name,
        "onto": None if one.ready else one.onto,
        "backups": [_source(source) for source in one.sources],
    }


def _old(one: OldSet) -> dict[str, Json]:
    return {
        "generation": one.generation.generation.hex(),
        "threshold": one.generation.threshold,
        "parties": one.generation.parties,
        "live": [*one.live],
        "backups": [_source(source) for sources in one.sources.values() for source in sources],
    }


def _notes(notes: Iterable[Note]) -> list[Json]:
    return [
        {
            "code": one.code,
            "rule": one.rule,
            "words": one.words,
            "command": one.command or None,
            "parties": [*one.parties],
            "backups": [{"backup_id": backup.backup_id.hex(), "place": str(backup.place)} for backup in one.backups],
        }
        for one in notes
    ]
