"""The way back: read a sealed share from a token, open it, hold it against what the token was told, write the file."""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare import declare
from coldshare.backup import OnStep, _silent
from coldshare.errors import InputError, IntegrityError
from coldshare.files import OutputError, OutputExistsError, write_private
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.seal import AllowCost, Content
    from coldshare_iface.messages import Backup, Declaration


class NothingToRestoreError(InputError):
    """There is no backup on this token."""

    code = "no_backup"
    next_step = "Check that this is the right token: coldshare list"


class AmbiguousBackupError(InputError):
    """There are several backups on this token."""

    code = "which_backup"
    next_step = "Say which with --backup and the first characters of its id; coldshare list shows them."


class ReadBackError(IntegrityError):
    """The file that was written does not read back as it should; it has been removed."""

    code = "file_read_back"
    next_step = "The disk may be failing. Restore to another one; the backup on the token is unharmed."


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was read back whole. `original` is the vault file; `opened` says whether the seal was opened,
    `confirmed` whether this made it count; `backup` is as it stands now."""

    backup: Backup
    opened: bool
    sealed_size: int
    original: bytes = field(repr=False)
    confirmed: bool = False


def choose(backups: Sequence[Backup], prefix: str | None) -> Backup:
    """The backup whose id begins with `prefix`, or the only one. Raises InputError."""
    wanted = (prefix or "").lower().replace("-", "")
    found = [held for held in backups if held.backup_id.hex().startswith(wanted)]
    if not found:
        if backups:
            raise NothingToRestoreError(f"No backup on this token has an id that begins with {wanted!r}.")
        raise NothingToRestoreError
    if len(found) > 1:
        names = "; ".join(
            f"{held.backup_id.hex()[:8]} ({held.declaration.party}{', unconfirmed' if held.pending else ''})"
            for held in found
        )
        raise AmbiguousBackupError(f"Several backups on this token fit: {names}.")
    return found[0]


def verify(
    client: TokenClient,
    held: Backup,
    password: str | None,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> Checked:
    """Read a backup back whole. With the password its seal is opened too, as a restore would do.

    A backup whose making was interrupted after the token had stored it is confirmed once it has proved good.
    """
    checked = _read(client, held, wire.PURPOSE_VERIFY, password, allow_cost, on_step)
    if held.pending and checked.opened:
        client.confirm(held.backup_id)
        return replace(checked, backup=replace(held, pending=False), confirmed=True)
    return checked


def restore(
    client: TokenClient,
    held: Backup,
    password: str,
    out: Path,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> Checked:
    """Write the vault file to `out`: mode 0600, atomically, never over an existing file, and read back."""
    check_out(out)
    checked = _read(client, held, wire.PURPOSE_RESTORE, password, allow_cost, on_step)
    write_private(out, checked.original, replace=False)
    try:
        good = out.read_bytes() == checked.original
    except OSError:
        good = False
    if not good:
        out.unlink(missing_ok=True)
        raise ReadBackError
    return checked


def check_out(out: Path) -> None:
    """What can be known before anybody is asked for anything. Raises OutputExistsError, OutputError."""
    if os.path.lexists(out):
        raise OutputExistsError(f"{out} exists already; coldshare never overwrites a file.")
    if not out.parent.is_dir():
        raise OutputError(f"{out} cannot be written: there is no folder {out.parent}.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{out} cannot be written: you may not write in the folder {out.parent}.")


def _read(
    client: TokenClient,
    held: Backup,
    purpose: int,
    password: str | None,
    allow_cost: AllowCost | None,
    on_step: OnStep,
) -> Checked:
    from coldshare.seal import Factors, parse, unpack

    on_step("confirming", 0, 0)
    opened = client.open(held.backup_id, purpose)
    if opened.declared != held.declared:
        raise declare.DeclarationMismatchError("The token lists this backup as another one than it releases.")
    sealed = client.get(held.backup_id, opened.size, opened.digest, lambda done, total: on_step("reading", done, total))
    envelope = parse(sealed)
    if envelope.backup_id != held.backup_id:
        raise declare.DeclarationMismatchError("The token returned the sealed share of another backup.")
    if not hmac.compare_digest(envelope.declaration_digest, declare.digest(opened.declared)):
        raise declare.DeclarationMismatchError
    if password is None:
        return Checked(held, opened=False, sealed_size=len(sealed), original=b"")
    on_step("opening", 0, len(sealed))
    content = unpack(envelope.open(Factors(password=password, token=opened.factor), allow_cost=allow_cost))
    _compare(content, opened.declared, held.declaration)
    client.check_cancelled()  # opening took a while, and a file that nobody wants any more must not be written
    return Checked(held, opened=True, sealed_size=len(sealed), original=content.original)


def _compare(content: Content, declared: bytes, declaration: Declaration) -> None:
    """What was sealed, what the token says it was told, and what the file itself says must be one story."""
    from coldshare.vault import read_share
    from coldshare.vault.errors import NotYetSupportedError, VaultPasswordNeededError

    if content.declaration != declared:
        raise declare.DeclarationMismatchError
    try:
        facts = read_share(content.original).facts
    except VaultPasswordNeededError:
        # Its own password is not ours to ask for here; what was recorded when it was known is in the seal.
        declare.agree_record(declaration, content.record)
        return
    except NotYetSupportedError:
        raise
    except ColdshareError as error:
        raise declare.DeclarationMismatchError(
            f"What is sealed in this backup is not the share that the token was told of. {error}"
        ) from error
    declare.agree(declaration, facts)
