"""What rehearsals have come to, in words and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coldshare.cli.render import table
from coldshare.cli.when import date, moment, when
from coldshare.errors import EXIT_ATTEND, EXIT_DANGER
from coldshare.safety import commands
from coldshare.safety.elsewhere import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coldshare.cli.render import Json
    from coldshare.safety.rehearsal import Rehearsal, Rehearsed

__all__ = ["lines_of", "next_of", "rehearsal_json", "status_of"]

_HEAD: Final = ["BACKUP", "SHARE OF", "PLACE", "LAST DRILL", "BY", "DUE"]


def status_of(found: Iterable[Rehearsal], now: int) -> int:
    """The exit status: 0 when all are proved and nothing is due, else that of the worst."""
    worst = 0
    for one in found:
        if one.verdict == "wrong":
            worst = EXIT_DANGER
        elif one.verdict != "proved" or one.due(now):
            worst = max(worst, EXIT_ATTEND)
    return worst


def lines_of(one: Rehearsal, now: int, vault: str) -> list[str]:
    """The verdict, and every backup with its date. `vault` is what to call the vault."""
    head, *rest = one.words
    head = f"{vault}: {head.removeprefix(f'{one.name}: ')}"
    rows = [_row(backup, now) for backup in one.backups]
    return [head, *(table(_HEAD, rows) if rows else []), *rest, *next_of(one, now)]


def _row(one: Rehearsed, now: int) -> list[str]:
    last = "never" if one.drill is None else when(one.drill.time, now)
    if one.wrong is not None:
        last += ", WRONG"
    due = "-" if one.due is None else when(one.due, now)
    if one.due is not None and one.due <= now:
        due = "elsewhere" if one.elsewhere or one.only_at is not None else "now"
    return [one.copy.backup.backup_id.hex()[:8], one.party, one.copy.place.title, last, one.by or "-", due]


def next_of(one: Rehearsal, now: int) -> list[str]:
    """What to drill next, and with which command."""
    waiting = one.due(now)
    if not waiting:
        upcoming = one.next_due
        return [] if upcoming is None else [f"Next drill: {date(upcoming)}."]
    first = waiting[0]
    if first.wrong is not None:
        return [f"Next: make another backup of the share of {first.party}, drill that, and then remove this one."]
    where = sentence(first.elsewhere, first.only_at)
    command = commands.drill(first.copy.backup, first.copy.place)
    return [" ".join(filter(None, (f"Next: {first.title}.", where, command)))]


def rehearsal_json(one: Rehearsal, now: int) -> dict[str, Json]:
    return {
        "vault": {"name": one.vault.name, "public_key_ecdsa": one.vault.vault.hex()},
        "generation": None if one.generation is None else one.generation.generation.hex(),
        "threshold": None if one.generation is None else one.generation.threshold,
        "verdict": one.verdict,
        "proved_by": [{"party": party, "drilled": moment(at)} for party, at in one.proved_by],
        "since": moment(one.since),
        "until": moment(one.until),
        "next_due": moment(one.next_due),
        "rehearsed": list(one.fresh),
        "to_rehearse": list(one.open),
        "without_backup": list(one.without),
        "odd": list(one.odd),
        "in_question": list(one.in_question),
        "unproved": list(one.unproved),
        "words": list(one.words),
        "backups": [_backup_json(backup, now) for backup in one.backups],
    }


def _backup_json(one: Rehearsed, now: int) -> dict[str, Json]:
    return {
        "backup_id": one.copy.backup.backup_id.hex(),
        "party": one.copy.backup.party,
        "place": str(one.copy.place.place),
        "title": one.copy.place.title,
        "drilled": None if one.drill is None else moment(one.drill.time),
        "by": one.by,
        "good": None if one.drill is None else one.good is not None,
        "wrong": one.wrong,
        "due": moment(one.due),
        "due_now": one.due is not None and one.due <= now,
        "elsewhere": one.elsewhere,
        "only_at": one.only_at,
    }
