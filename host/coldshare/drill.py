"""A rehearsal of one backup: its seal is opened, the share inside is checked, and public values of it are all that is
kept.

It goes as far as a restore does, but for the file: nothing is written, and nothing of two parties is ever here at once.
What the drills of several parties come to is for `coldshare.safety.rehearsal`, which needs the public values only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from coldshare import declare
from coldshare import restore as use_case
from coldshare.backup import OnStep, _silent
from coldshare.errors import IntegrityError, SecretError
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.places.folder import Folder, Kept
    from coldshare.restore import Checked, CheckedFile, Held, Key
    from coldshare.seal import AllowCost, Slot
    from coldshare.vault import ShareFacts, VaultShare
    from coldshare_iface.messages import Declaration

__all__ = ["DrillFailedError", "Drilled", "Opened", "at_token", "examine", "in_file", "in_folder"]

_T = TypeVar("_T")

#: Reads a vault file with all its checks, and asks for the password that the file itself may have.
Read = Callable[[bytes], "VaultShare"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A seal that was opened, and held against what was declared. `original` is the vault file, and secret."""

    backup_id: bytes
    declaration: Declaration
    original: bytes = field(repr=False)
    sealed_size: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found: public values only.

    `facts` are those of the share, None where it is not good. `digest` is SHA-256 of the vault file, `sealed_size` in
    bytes; `slots` are the ways to open the seal, as far as they were looked at.
    """

    backup_id: bytes
    declaration: Declaration
    facts: ShareFacts | None = field(repr=False)
    digest: bytes
    sealed_size: int
    slots: tuple[Slot, ...] = ()

    @property
    def public_share_ecdsa(self) -> bytes | None:
        return None if self.facts is None else self.facts.public_shares_ecdsa[self.facts.index]

    @property
    def public_share_eddsa(self) -> bytes | None:
        return None if self.facts is None else self.facts.public_share_eddsa


class DrillFailedError(IntegrityError):
    """The seal opens, but the share inside is not good: it could not sign."""

    code = "drill_failed"
    next_step = (
        "Do not rely on this backup: make a new one of the share that is on the device, and drill that. What is left "
        "without it: coldshare drill --list"
    )

    def __init__(self, message: str, drilled: Drilled) -> None:
        super().__init__(message)
        self.drilled = drilled


def at_token(
    client: TokenClient, held: Held, key: Key, *, allow_cost: AllowCost | None = None, on_step: OnStep = _silent
) -> tuple[Opened, Checked]:
    """Open a backup on a token. Raises as `restore.verify`, and DrillFailedError."""
    checked = _failing(
        held.backup_id,
        held.size,
        lambda: use_case.verify(client, held, key, allow_cost=allow_cost, on_step=on_step),
    )
    opened = Opened(held.backup_id, use_case.told(checked), checked.original, checked.sealed_size, checked.slots)
    return opened, checked


def in_folder(
    folder: Folder, kept: Kept, key: Key, *, allow_cost: AllowCost | None = None, on_step: OnStep = _silent
) -> Opened:
    """Open a backup in a folder. Raises as `places.shares.verify`, and DrillFailedError."""
    from coldshare.places import shares

    return _opened(
        _failing(
            kept.backup_id,
            kept.record.size,
            lambda: shares.verify(folder, kept, key, allow_cost=allow_cost, on_step=on_step),
        )
    )


def in_file(
    sealed: bytes,
    key: Key,
    *,
    client: TokenClient | None = None,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> Opened:
    """Open an exported file. Raises as `restore.verify_sealed`, and DrillFailedError."""
    from coldshare.seal import parse

    return _opened(
        _failing(
            parse(sealed).backup_id,
            len(sealed),
            lambda: use_case.verify_sealed(sealed, key, client=client, allow_cost=allow_cost, on_step=on_step),
        )
    )


def _opened(checked: CheckedFile) -> Opened:
    return Opened(checked.backup_id, checked.declaration, checked.original, checked.sealed_size, checked.slots)


def _failing(backup_id: bytes, size: int, opening: Callable[[], _T]) -> _T:
    """A share that is not the declared one is a result. That somebody lied about whose it is is none."""
    try:
        return opening()
    except declare.DeclarationMismatchError as error:
        if error.inside is None:
            raise
        declaration, digest = error.inside
        raise DrillFailedError(error.message, Drilled(backup_id, declaration, None, digest, size)) from error


def examine(opened: Opened, read: Read) -> Drilled:
    """Read the share with all its checks, and forget it.

    Raises DrillFailedError, and what `read` raises about the vault file's own password.
    """
    from coldshare.vault.errors import NotYetSupportedError

    digest = hashlib.sha256(opened.original).digest()
    try:
        facts = read(opened.original).facts
        declare.agree(opened.declaration, facts)
    except (SecretError, NotYetSupportedError):
        raise
    except ColdshareError as error:
        failed = Drilled(opened.backup_id, opened.declaration, None, digest, opened.sealed_size)
        raise DrillFailedError(error.message, failed) from error
    return Drilled(opened.backup_id, opened.declaration, facts, digest, opened.sealed_size, opened.slots)
