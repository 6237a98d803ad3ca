"""What carries the shares of a vault: live devices, and the places with backups that would open.

A carrier is a thing that is lost as a whole. Loss is counted in carriers, not in backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import Backup, PlaceInfo, View

__all__ = [
    "DAMAGED",
    "DISPUTED",
    "FAILED",
    "FAULTS",
    "KEYLESS",
    "NEEDS_TOKEN",
    "PLACE_LOST",
    "UNCONFIRMED",
    "Carrier",
    "Copy",
    "computers",
    "copies",
    "margin",
]

# Why a backup would not open, as far as the ledger knows.
PLACE_LOST: Final = "place_lost"
FAILED: Final = "failed"
DAMAGED: Final = "damaged"
UNCONFIRMED: Final = "unconfirmed"
KEYLESS: Final = "keyless"
NEEDS_TOKEN: Final = "needs_token"
DISPUTED: Final = "disputed"
#: Each with what a person reads.
FAULTS: Final[Mapping[str, str]] = {
    PLACE_LOST: "its place is lost",
    FAILED: "it FAILED when it was read last",
    DAMAGED: "its record is damaged",
    UNCONFIRMED: "it was never confirmed",
    KEYLESS: "its token has destroyed its keys, and no recovery code is known",
    NEEDS_TOKEN: "it opens only with its token, which does not have it any more, and no recovery code is known",
    DISPUTED: "it was told to be two different shares",
}

#: A party's live device, or a place.
Carrier: TypeAlias = Place | str


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup that is there, with its place. `fault` is why it would not open (a key of FAULTS), None if it would.
    `rests_on` is the place that takes it along when it is lost: for most its own."""

    backup: Backup
    place: PlaceInfo
    fault: str | None
    rests_on: Place

    @property
    def usable(self) -> bool:
        return self.fault is None

    @property
    def carrier(self) -> Place:
        """What counts as one thing to lose. What is on one computer goes with it."""
        within = computers(self.place)
        return Place(e.COMPUTER, within[0]) if within and self.rests_on == self.place.place else self.rests_on


def computers(info: PlaceInfo) -> tuple[bytes, ...]:
    """The computers with which that place is lost, when all of them are: of a folder those on whose own disk it is, of
    a file those that reach it, until somebody says where it is kept. Such a folder is kept where its computer is."""
    if info.place.kind == e.FOLDER:
        return info.built_into
    said = info.location or info.custodian or info.account
    return info.hosts if info.place.kind == e.FILE and not said else ()


def copies(view: View, vault: bytes) -> list[Copy]:
    """Every backup of that vault that is not gone, of all generations."""
    places = {info.place: info for info in view.places()}
    everywhere: dict[bytes, list[Backup]] = {}
    for one in view.backups(gone=True):
        everywhere.setdefault(one.backup_id, []).append(one)
    return [_copy(one, everywhere[one.backup_id], places) for one in view.backups(vault)]


def _copy(backup: Backup, same: Iterable[Backup], places: Mapping[Place, PlaceInfo]) -> Copy:
    info = places[backup.place]
    rests_on = backup.place
    fault = _fault(backup, _is_lost(info, places))
    tokens = [one for one in same if one.place.kind == e.TOKEN]
    if fault is None and backup.place.kind != e.TOKEN and tokens and not backup.recovery:
        # An export: its password opens it together with the token's factor only.
        with_factor = [
            one for one in tokens if one.gone is None and one.state != e.KEYLESS and places[one.place].lost is None
        ]
        if with_factor:
            rests_on = with_factor[0].place
        else:
            fault = NEEDS_TOKEN
    return Copy(backup, info, fault, rests_on)


def _is_lost(info: PlaceInfo, places: Mapping[Place, PlaceInfo]) -> bool:
    """What is nowhere else goes with the computer that it is on."""
    if info.lost is not None:
        return True
    within = [places.get(Place(e.COMPUTER, host)) for host in computers(info)]
    return bool(within) and all(one is not None and one.lost is not None for one in within)


def _fault(backup: Backup, lost: bool) -> str | None:
    if backup.disputed:
        return DISPUTED
    if lost:
        return PLACE_LOST
    if backup.failed_code is not None:
        return FAILED
    if backup.state == e.DAMAGED:
        return DAMAGED
    if backup.state == e.UNCONFIRMED:
        return UNCONFIRMED
    if backup.state == e.KEYLESS and not backup.recovery:
        return KEYLESS
    return None


def margin(carriers: Mapping[str, Iterable[Carrier]], threshold: int, *, always: Iterable[str] = ()) -> int | None:
    """How many carriers may be lost, whichever they are, so that `threshold` parties still have one.

    `carriers` are those of each party, `always` are parties that are there whatever is lost. None when there are fewer
    than `threshold` already. Exact where no carrier serves two parties, and never too high: a carrier of k parties
    counts as 1/k for each, so the parties that are cheapest to lose never cost more than that.
    """
    standing = set(always)
    sets = {party: set(them) for party, them in carriers.items() if party not in standing}
    sets = {party: them for party, them in sets.items() if them}
    have = len(sets) + len(standing)
    if have < threshold:
        return None
    must_fall = have - threshold + 1
    if must_fall > len(sets):
        # Those that are always there are enough. Nothing that can be lost matters.
        return len(set[Carrier]().union(*sets.values()))
    serves: dict[Carrier, int] = {}
    for them in sets.values():
        for one in them:
            serves[one] = serves.get(one, 0) + 1
    cost = sorted(sum((Fraction(1, serves[one]) for one in them), Fraction()) for them in sets.values())
    return ceil(sum(cost[:must_fall], Fraction())) - 1
