"""What carries the shares of a vault: live devices, and the places with backups that would open.

A carrier is a thing that is lost as a whole. Loss is counted in carriers, not in backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, Literal, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import Backup, Party, PlaceInfo, View
from coldshare.vault.facts import is_server_id

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
    "Device",
    "copies",
    "device",
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

#: "alive": the party's own device, as far as anybody has said otherwise; "restored": a new one has its share; "stale":
#: a new one, or one that went along with a reshare that was given up, has a share of a generation that does not count;
#: "server": the vendor's.
Device: TypeAlias = Literal["alive", "restored", "stale", "lost", "server"]
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
        """What counts as one thing to lose. Files on one computer go with it, until somebody says where each is."""
        if self.rests_on == self.place.place and _only_on_computers(self.place):
            return Place(e.COMPUTER, self.place.hosts[0])
        return self.rests_on


def _only_on_computers(info: PlaceInfo) -> bool:
    """Whether it is a file of which nobody has said that it is kept anywhere else."""
    return info.place.kind == e.FILE and bool(info.hosts) and not (info.location or info.custodian or info.account)


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
    """A file that is nowhere else goes with the computer that it is on."""
    if info.lost is not None:
        return True
    computers = [places.get(Place(e.COMPUTER, host)) for host in info.hosts]
    return _only_on_computers(info) and all(one is not None and one.lost is not None for one in computers)


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


def device(view: View, party: Party, generation: bytes) -> Device:
    """What has become of the device with that party's share of `generation`."""
    if party.lost is not None:
        return "lost"
    if _went_along(view, party, generation):
        return "stale"
    if party.restored is None:
        # The server's share on a device of one's own is as easily lost as any other.
        return "server" if is_server_id(party.party) else "alive"
    if party.restored_generation == generation or _has_moved_on(view, party, party.restored, generation):
        return "restored"
    return "stale"


def _went_along(view: View, party: Party, generation: bytes) -> bool:
    """Whether the device took part in a reshare away from `generation` that was given up: its app keeps no old share.

    An old share comes back onto it by `restore --onto`, and not by a backup of it: that can be sealed anew any time.
    """
    given_up = view.given_up(party.vault)
    if not given_up:
        return False
    failed = {
        one.generation
        for one in view.generations(party.vault)
        if one.generation in given_up and generation in one.newer_than
    }
    return any(
        one.party == party.party and one.generation in failed and (one.stored or 0) > (party.restored or 0)
        for one in (view.backups(party.vault, gone=True) if failed else ())
    )


def _has_moved_on(view: View, party: Party, restored: int, generation: bytes) -> bool:
    """Whether the device took part in the reshare that made `generation`, after it had got an older share.

    Then a share of that generation was backed up since, and none of any party before: a backup from before can be
    exported or sealed anew at any time, and says nothing of the device.
    """
    there = [one for one in view.backups(party.vault, gone=True) if one.generation == generation]
    own = [one.stored for one in there if one.party == party.party]
    before = any(one.stored is not None and one.stored < restored for one in there)
    return bool(own) and not before and None not in own


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
