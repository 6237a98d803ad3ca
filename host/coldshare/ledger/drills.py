"""What a drill tells the ledger; as `record`, for all three kinds of places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from coldshare.errors import EXIT_INTEGRITY, ColdshareError
from coldshare.ledger import events as e
from coldshare.ledger.differences import share_of
from coldshare.ledger.events import Body, Place
from coldshare.ledger.folders import here, listed, place_and_contents
from coldshare.ledger.record import Say, file_place, has_code, keep, named, overwritten, token, vault_seen
from coldshare.paths import label as path_label

if TYPE_CHECKING:
    from coldshare.drill import Drilled
    from coldshare.ledger.store import Ledger

__all__ = ["At", "at_file", "at_folder", "at_token", "drilled", "file_failed"]

#: Where it was, when the ledger is open: the place, what is to be told of it, and the state of the backup there.
At: TypeAlias = "Callable[[Ledger], tuple[Place, list[Body], int]]"


def at_token(serial: bytes, label: str, state: int) -> At:
    """`state` is the ledger's word for it."""
    return lambda ledger: (token(serial), named(token(serial), label), state)


def at_folder(where: str, backup_id: bytes) -> At:
    def look(ledger: Ledger) -> tuple[Place, list[Body], int]:
        place, contents = place_and_contents(where)
        states = {one.backup_id: one.state for one in listed(contents)}
        return place, here(place, where), states.get(backup_id, e.ACTIVE)

    return look


def at_file(path: Path) -> At:
    def look(ledger: Ledger) -> tuple[Place, list[Body], int]:
        place = file_place(ledger.host, path)
        return place, named(place, path_label(path.absolute())), e.ACTIVE

    return look


def drilled(say: Say, at: At, done: Drilled) -> None:
    """Good or not, it is a result. A good one is a verification, too: it tells what opens the backup."""
    share = share_of(done.declaration)

    def build(ledger: Ledger) -> list[Body]:
        place, told, state = at(ledger)
        held = place, done.backup_id, share, done.sealed_size, state
        return [
            *told,
            *([] if done.facts is None else vault_seen(share, done.facts)),
            e.ShareHandled(share, e.VERIFIED),
            *(overwritten(ledger, place, done.backup_id) if place.kind == e.FILE else []),
            e.BackupState(*held)
            if done.facts is None
            else e.BackupVerified(*held, recovery=has_code(done.slots), opened=True),
            e.DrillResult(
                place,
                done.backup_id,
                share,
                done.facts is not None,
                done.public_share_ecdsa,
                done.public_share_eddsa,
                done.digest,
            ),
        ]

    keep(say, build)


def file_failed(say: Say, path: Path, backup_id: bytes, error: ColdshareError) -> None:
    """As `record.failed`, for an exported file."""
    if error.exit_status == EXIT_INTEGRITY:
        keep(say, lambda ledger: [e.BackupFailed(file_place(ledger.host, path), backup_id, error.code)])
