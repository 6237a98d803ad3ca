"""After a reshare: which generation of a vault counts on a token, and what becomes of the old one (rule 5).

Generations have no order of their own. A person says which one is newer, on the token's screen; nothing here decides
it. What is retired is kept and opens: old shares still work with each other, and a reshare can turn out to have failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from coldshare.errors import InputError, RefusedError
from coldshare.restore import choose, everything
from coldshare_iface import wire
from coldshare_iface.errors import BadStateError, ColdshareError, NoSuchBackupError
from coldshare_iface.messages import Backup

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.restore import Held
    from coldshare_iface.messages import Contents, Declaration

__all__ = [
    "AlreadyRetiredError",
    "NoNewerError",
    "NotRetiredError",
    "Step",
    "UnknownGenerationError",
    "destroyable",
    "named",
    "newer_than",
    "retire",
    "retired",
    "say_what_is_here",
    "un_retire",
]


class NoNewerError(RefusedError):
    """There is no newer backup on this token that could take the place of the old one."""

    code: ClassVar[str] = "no_newer"
    next_step = (
        "An old share is retired only beside a newer one of the same party that was read back. Back that up first: "
        "coldshare backup FILE --newer"
    )


class NotRetiredError(RefusedError):
    """This backup is not retired."""

    code: ClassVar[str] = "not_retired"
    next_step = "Only a retired backup is destroyed so. To destroy any other one: coldshare remove ID"


class AlreadyRetiredError(RefusedError):
    """This backup is retired already."""

    code: ClassVar[str] = "already_retired"
    next_step = "To destroy it: coldshare destroy ID. To take it back: coldshare un-retire ID"


class UnknownGenerationError(InputError):
    """The token does not know any more of which generation this backup is."""

    code: ClassVar[str] = "unknown_generation"
    next_step = "Name the generation with --generation HEX and the backup that is newer with --newer ID."


@dataclass(frozen=True, slots=True)
class Step:
    """A generation that was retired or taken back. `old` is the token's backup of it, if it has one; `newer` the backup
    of the other generation. Both as they stand now."""

    generation: bytes
    old: Backup | None
    newer: Backup


def named(contents: Contents, prefix: str) -> Backup:
    """The backup whose id begins so. Raises InputError, UnknownGenerationError for one without a name."""
    held = choose(everything(contents), prefix)
    if not isinstance(held, Backup):
        raise UnknownGenerationError(
            f"Backup {held.backup_id.hex()[:8]} is damaged: the token has lost its generation."
        )
    return held


def newer_than(contents: Contents, old: Backup) -> Backup:
    """The backup that would take the place of `old`. Raises NoNewerError."""
    others = [
        held
        for held in contents.backups
        if held.declaration.vault == old.declaration.vault
        and held.declaration.generation != old.declaration.generation
        and held.state != wire.BACKUP_RETIRED
    ]
    active = next((held for held in others if held.state == wire.BACKUP_ACTIVE), None)
    if active is not None and old.state in (wire.BACKUP_NEXT, wire.BACKUP_PENDING):
        # A person has said so at the token. Whoever means the opposite names generation and backup by hand.
        retire_older = f"To retire the older one: coldshare retire {_short(active)}"
        finish = f"Finish it first: coldshare verify --backup {_short(old)}. "
        raise NoNewerError(
            f"Backup {_short(old)} is the newer one of the two on this token.",
            next_step=(finish if old.pending else "") + retire_older,
        )
    for held in others:
        if held.state in (wire.BACKUP_NEXT, wire.BACKUP_ACTIVE):
            return held
    if others:
        raise NoNewerError(
            f"Backup {_short(others[0])} of the other generation was never read back, so it may not replace anything.",
            next_step=f"Finish it first: coldshare verify --backup {_short(others[0])}",
        )
    raise NoNewerError


def retire(client: TokenClient, newer: Backup, generation: bytes) -> Step:
    """Let `generation` count as older than `newer`, with a button that is held.

    Raises NoNewerError for a `newer` that was not read back, is itself retired, or is of that generation.
    """
    if newer.declaration.generation == generation:
        raise NoNewerError(f"Backup {_short(newer)} is itself of the generation {generation.hex()[:8]}.")
    if newer.state not in (wire.BACKUP_ACTIVE, wire.BACKUP_NEXT):
        words = "is retired itself" if newer.retired else "was never read back"
        raise NoNewerError(f"Backup {_short(newer)} {words}.")
    client.retire(newer.backup_id, generation)
    return _after(client, newer, generation)


def un_retire(client: TokenClient, of_vault: Backup, generation: bytes) -> Step:
    """Take that back for the vault of that backup, with a button that is held.

    Raises NotRetiredError when that generation is not retired there, RefusedError when another backup is waiting.
    """
    try:
        client.un_retire(of_vault.backup_id, generation)
    except NoSuchBackupError as error:
        raise NotRetiredError(
            f"Generation {generation.hex()[:8]} of {of_vault.declaration.name!r} is not retired on this token.",
            next_step="See what it holds: coldshare list",
        ) from error
    except BadStateError as error:
        error.args = ("Two newer backups of this share are on the token already: one active, one waiting beside it.",)
        error.next_step = (
            "Settle that first: coldshare list shows them; coldshare verify, coldshare retire or coldshare remove."
        )
        raise
    return _after(client, of_vault, generation)


def _after(client: TokenClient, other: Backup, generation: bytes) -> Step:
    held = client.backups()
    newer = next((one for one in held if one.backup_id == other.backup_id), other)
    of_vault = [one for one in held if one.declaration.vault == newer.declaration.vault]
    old = next((one for one in of_vault if one.declaration.generation == generation), None)
    if newer.declaration.generation == generation:
        newer = next((one for one in of_vault if one.declaration.generation != generation and not one.retired), newer)
    return Step(generation, old, newer)


def retired(contents: Contents) -> list[Held]:
    """All that `destroy` may be asked for."""
    return [held for held in everything(contents) if held.state == wire.BACKUP_RETIRED]


def destroyable(contents: Contents, prefix: str) -> Held:
    """The retired backup whose id begins so. Raises NotRetiredError."""
    held = choose(everything(contents), prefix)
    if held.state != wire.BACKUP_RETIRED:
        raise NotRetiredError(f"Backup {_short(held)} is not retired.")
    return held


def say_what_is_here(error: ColdshareError, wanted: Declaration, held: Sequence[Backup]) -> None:
    """Put the names of what the token holds into its refusal of another generation: it knows keyed tags only."""
    here = [one for one in held if one.declaration.vault == wanted.vault and one.declaration.party == wanted.party]
    if not here:
        return
    listed = "; ".join(f"generation {_generation(one)} as {_short(one)}{_STANDS.get(one.state, '')}" for one in here)
    mine = wanted.generation.hex()[:8]
    error.args = (
        f"{error} Given was the share of {wanted.party} of {wanted.name!r}, generation {mine}; on the token: {listed}.",
    )
    active = next((one for one in here if one.state == wire.BACKUP_ACTIVE), None)
    waiting = next((one for one in here if one.state in (wire.BACKUP_NEXT, wire.BACKUP_PENDING)), None)
    if active is not None and waiting is not None and active.declaration.generation == wanted.generation:
        error.next_step = (
            "A share of another generation waits beside the one that counts. If that is the newer one, this one is "
            f"stale: coldshare retire {_short(active)}. If it should not be there: coldshare remove {_short(waiting)}"
        )


_STANDS = {
    wire.BACKUP_PENDING: " (unconfirmed)",
    wire.BACKUP_NEXT: " (next)",
    wire.BACKUP_RETIRED: " (retired)",
}


def _short(held: Held) -> str:
    return held.backup_id.hex()[:8]


def _generation(held: Backup) -> str:
    return held.declaration.generation.hex()[:8]
