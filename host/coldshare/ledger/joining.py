"""Two ledgers before they become one: whether they have anything to do with each other, and what they tell differently.

The union itself has no conflicts: every event stays, and what counts is for `projection` and `order` to say. But where
two people have described the same thing in two ways, neither knew of the other, and one of the two will be surprised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coldshare.ledger.events import HEADS_MAX, UUID_SIZE, Event, Head, Place, ReshareReported
from coldshare.ledger.projection import fold

if TYPE_CHECKING:
    from coldshare.ledger.history import Names

__all__ = ["Differing", "differing", "foreign", "heads", "stood_for"]

_STOOD_FOR: Final = b"coldshare report event\0"
_TOLD: Final = ("called", "location", "custodian", "account", "note")


@dataclass(frozen=True, slots=True)
class Differing:
    """A place of which the two ledgers say different things; `values` are both, in alphabetical order."""

    place: Place
    what: str
    values: tuple[str, str]

    def words(self, names: Names) -> str:
        one, other = self.values
        called = "is called" if self.what == "called" else f"has the {self.what}"
        return f"{names.place(self.place)} {called} {one!r} in one ledger and {other!r} in the other; the later counts."


def stood_for(report: bytes, number: int) -> bytes:
    """The id of an event that a report of another computer stands for, which nobody has taken from its ledger."""
    return hashlib.sha256(_STOOD_FOR + bytes([number]) + report).digest()[:UUID_SIZE]


def heads(events: Sequence[Event], host: bytes) -> tuple[Head, ...]:
    """Up to where the events of every other computer are known, in whole ledgers, to the computer `host`."""
    reports = [one.body.report for one in events if isinstance(one.body, ReshareReported)]
    apart = {stood_for(report, number) for report in reports for number in range(256)}
    last: dict[bytes, int] = {}
    for one in events:
        if one.host != host and one.uuid not in apart:
            last[one.host] = max(last.get(one.host, 0), one.position)
    return tuple(Head(*one) for one in sorted(last.items())[:HEADS_MAX])


def foreign(ours: Sequence[Event], theirs: Sequence[Event]) -> bool:
    """Whether the two have no event in common, though neither is empty."""
    known = {event.uuid for event in ours}
    return bool(ours) and bool(theirs) and not any(event.uuid in known for event in theirs)


def differing(ours: Sequence[Event], theirs: Sequence[Event]) -> list[Differing]:
    """What both say of a place, and not the same. The same whoever asks.

    Nothing where one of the two is a part of the other: then the longer one goes on from the shorter one.
    """
    a, b = {event.uuid for event in ours}, {event.uuid for event in theirs}
    if a <= b or b <= a:
        return []
    left, right = fold(ours), fold(theirs)
    found = []
    for row in left.all("place"):
        other = right.get("place", row["kind"], row["ident"])
        if other is None:
            continue
        for what in _TOLD:
            both: list[str] = [value for value in (row[what], other[what]) if value is not None]
            if len(both) == 2 and both[0] != both[1]:
                found.append(Differing(Place(row["kind"], row["ident"]), what, (min(both), max(both))))
    return found
