"""A ledger against what a place itself says that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coldshare.ledger import events as e
from coldshare.ledger.events import BackupGone, BackupState, Body, Place, Share
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
    """What the ledger does not have so: backups it does not know there or knows in another state, and those that it
    believes there and are not."""
    known: dict[bytes, Backup] = {one.backup_id: one for one in view.backups(place=place)}
    found: list[Body] = [
        BackupState(place, one.backup_id, one.share, one.size, one.state)
        for one in listed
        if one.backup_id not in known or _differs(known[one.backup_id], one)
    ]
    there = {one.backup_id for one in listed}
    return found + [BackupGone(place, backup_id, e.MISSING) for backup_id in known if backup_id not in there]


def _differs(known: Backup, listed: Listed) -> bool:
    if (known.state, known.size) != (listed.state, listed.size):
        return True
    share = listed.share
    return share is not None and (known.vault, known.party, known.generation) != (
        share.vault,
        share.party,
        share.generation,
    )
