"""A ledger against what a place itself says that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coldshare.ledger import events as e
from coldshare.ledger.events import BackupGone, BackupState, Body, GenerationNewer, Place, Share
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.ledger.queries import Backup, View
    from coldshare_iface.messages import Contents, Declaration

__all__ = ["Listed", "held", "news", "share_of", "state_of"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A backup as its place lists it. `share` is None where the place cannot tell; `size` in bytes."""

    backup_id: bytes
    share: Share | None
    size: int
    state: int


_STATES: Final = {
    wire.BACKUP_PENDING: e.UNCONFIRMED,
    wire.BACKUP_ACTIVE: e.ACTIVE,
    wire.BACKUP_NEXT: e.NEXT,
    wire.BACKUP_RETIRED: e.RETIRED,
    wire.BACKUP_KEYLESS: e.KEYLESS,
}


def state_of(state: int, *, named: bool = True) -> int:
    """The ledger's word for the state in which a token lists a backup."""
    if not named and state not in (wire.BACKUP_KEYLESS, wire.BACKUP_RETIRED):
        return e.DAMAGED
    return _STATES.get(state, e.DAMAGED)


def share_of(declaration: Declaration) -> Share:
    return Share(
        vault=declaration.vault,
        name=declaration.name,
        party=declaration.party,
        generation=declaration.generation,
        threshold=declaration.threshold,
        parties=declaration.parties,
        library=declaration.library,
    )


def held(contents: Contents) -> list[Listed]:
    """What a token lists."""
    return [
        *(Listed(one.backup_id, share_of(one.declaration), one.size, state_of(one.state)) for one in contents.backups),
        *(Listed(one.backup_id, None, one.size, state_of(one.state, named=False)) for one in contents.unnamed),
    ]


def news(view: View, place: Place, listed: Sequence[Listed]) -> list[Body]:
    """What the ledger does not have so: backups it does not know there or knows in another state, those that it
    believes there and are not, and which generation the place has as the newer of two."""
    known: dict[bytes, Backup] = {one.backup_id: one for one in view.backups(place=place)}
    found: list[Body] = [
        BackupState(place, one.backup_id, one.share, one.size, one.state)
        for one in listed
        if one.backup_id not in known or _differs(known[one.backup_id], one)
    ]
    there = {one.backup_id for one in listed}
    found += [BackupGone(place, backup_id, e.MISSING) for backup_id in known if backup_id not in there]
    return found + _orders(view, listed)


#: Of two generations of one share at one place, that of the higher rank is the newer: a person was asked, there.
_RANKS: Final = {e.RETIRED: 0, e.ACTIVE: 1, e.NEXT: 2}


def _orders(view: View, listed: Sequence[Listed]) -> list[Body]:
    """Which generation replaced which, as far as the place shows it and the ledger has nothing to say of the two."""
    found: dict[GenerationNewer, None] = {}
    for older in listed:
        for newer in listed:
            if older.share is None or newer.share is None or older.share.generation == newer.share.generation:
                continue
            same = (older.share.vault, older.share.party) == (newer.share.vault, newer.share.party)
            if same and _RANKS.get(older.state, 9) < _RANKS.get(newer.state, -1):
                found[GenerationNewer(older.share.vault, newer.share.generation, older.share.generation)] = None
    return [one for one in found if not _ordered(view, one)]


def _ordered(view: View, order: GenerationNewer) -> bool:
    told = {one.generation: one.newer_than for one in view.generations(order.vault)}
    return order.older in told.get(order.newer, ()) or order.newer in told.get(order.older, ())


def _differs(known: Backup, listed: Listed) -> bool:
    if (known.state, known.size) != (listed.state, listed.size):
        return True
    share = listed.share
    return share is not None and (known.vault, known.party, known.generation) != (
        share.vault,
        share.party,
        share.generation,
    )
