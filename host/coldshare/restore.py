"""The way back: read a sealed share from a token or a file, open it, hold it against what the token was told, write the
vault file."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union

from coldshare import declare
from coldshare.backup import OnStep, _silent
from coldshare.errors import InputError, IntegrityError
from coldshare.files import OutputError, OutputExistsError, write_private
from coldshare.handling import process
from coldshare.recovery import RecoveryCode, RecoveryFile, short_id
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.token import TokenClient
    from coldshare.seal import AllowCost, Content, Envelope, MissingFactorError, Slot
    from coldshare_iface.codec import Value
    from coldshare_iface.messages import Backup, Contents, Declaration, Unnamed

#: What a token lists: with the name of its owner, or without.
Held: TypeAlias = "Backup | Unnamed"
_H = TypeVar("_H", bound="Backup | Unnamed")

#: Hears whose share was opened, and the vault file, before that is written. What it raises keeps it from being written.
OnOpened: TypeAlias = "Callable[[Declaration, bytes], None]"

#: What opens a backup: its password, which needs the token too, or its recovery code, which needs nothing else.
Key: TypeAlias = Union[str, RecoveryCode, RecoveryFile]  # noqa: UP007


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
    vendor = "PERSISTENCE_FAILED"
    next_step = "The disk may be failing. Restore to another one; the backup on the token is unharmed."


class NotOnThisTokenError(InputError):
    """This token has no secret for that sealed file."""

    code = "export_not_on_token"
    next_step = (
        "Use the token that it was exported from. If a later backup or a reseal has replaced it there, only its "
        "recovery code still opens it: --recovery-file FILE"
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup that was read back whole. `original` is the vault file; `opened` says whether the seal was opened,
    `confirmed` whether this made it count; `backup` is as it stands now; `slots` are the ways to open it.

    `declaration` is what the token was told, by the token itself or by what was sealed; None where the token does not
    know it any more and the seal stayed closed.
    """

    backup: Held
    declaration: Declaration | None
    opened: bool
    sealed_size: int
    original: bytes = field(repr=False)
    slots: tuple[Slot, ...]
    confirmed: bool = False


def told(checked: Checked) -> Declaration:
    """Whose share it is. For one whose seal was opened: then that is known, whatever the token has forgotten."""
    if checked.declaration is None:
        raise ValueError("a backup without a name whose seal stayed closed")
    return checked.declaration


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A sealed share from a file, opened. `declaration` is what its token was told, `record` lies with the share."""

    backup_id: bytes
    declaration: Declaration
    sealed_size: int
    original: bytes = field(repr=False)
    slots: tuple[Slot, ...]
    record: dict[int, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A sealed share as a token gave it out, held against what the token says of it. It is not opened yet.

    `declared` is empty where the token does not know any more whose share it is, `factor` where its keys are gone.
    """

    backup: Held
    sealed: bytes = field(repr=False)
    envelope: Envelope = field(repr=False)
    declared: bytes = field(repr=False)
    factor: bytes = field(repr=False)


def everything(contents: Contents) -> list[Held]:
    """All that can be chosen from."""
    return [*contents.backups, *contents.unnamed]


def live(backups: Sequence[_H]) -> list[_H]:
    """Those that are not retired; all of them, if all are."""
    return [held for held in backups if held.state != wire.BACKUP_RETIRED] or list(backups)


def choose(backups: Sequence[_H], prefix: str | None) -> _H:
    """The backup whose id begins with `prefix`. Without one the only backup there is; a retired one does not count
    beside one that is not (rule 5). Raises InputError."""
    wanted = (prefix or "").lower().replace("-", "")
    found = [held for held in (backups if wanted else live(backups)) if held.backup_id.hex().startswith(wanted)]
    if not found:
        if backups:
            raise NothingToRestoreError(f"No backup on this token has an id that begins with {wanted!r}.")
        raise NothingToRestoreError
    if len(found) > 1:
        raise AmbiguousBackupError(f"Several backups on this token fit: {'; '.join(_name(held) for held in found)}.")
    return found[0]


def _name(held: Held) -> str:
    from coldshare_iface.messages import Backup

    words = {wire.BACKUP_PENDING: "unconfirmed", wire.BACKUP_NEXT: "next", wire.BACKUP_RETIRED: "retired"}
    told = [held.declaration.party] if isinstance(held, Backup) else ["unnamed"]
    told += [words[held.state]] if held.state in words else []
    return f"{held.backup_id.hex()[:8]} ({', '.join(told)})"


def check_parties(held: Held) -> None:
    """Raise `handling.SeveralSharesError` for a share that may not be opened here, as far as its token or this
    computer's records tell whose it is: before anybody types, presses or waits."""
    from coldshare_iface.messages import Backup

    if isinstance(held, Backup):
        process.check(held.declaration)
    else:
        process.expect(held.backup_id)


def verify(
    client: TokenClient,
    held: Held,
    key: Key | None,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> Checked:
    """Read a backup back whole. With its password or recovery code its seal is opened too, as a restore would do.

    A backup whose making was interrupted after the token had stored it is confirmed once it has proved good. Raises
    `handling.SeveralSharesError` where the share is one too many for this process (rule 1).
    """
    checked = _read(client, held, wire.PURPOSE_VERIFY, key, allow_cost, on_step)
    if held.state == wire.BACKUP_PENDING and checked.opened:
        client.confirm(held.backup_id)
        after = next((one for one in everything(client.contents()) if one.backup_id == held.backup_id), held)
        return replace(checked, backup=after, confirmed=True)
    return checked


def verify_sealed(
    sealed: bytes,
    key: Key,
    *,
    client: TokenClient | None = None,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
) -> CheckedFile:
    """As `verify`, for an exported file. Its recovery code opens it alone; with a password `client` is the unlocked
    token that holds the same backup, and is asked for its secret. Raises NotOnThisTokenError."""
    return _read_sealed(sealed, key, wire.PURPOSE_VERIFY, client, allow_cost, on_step)


def restore(
    client: TokenClient,
    held: Held,
    key: Key,
    out: Path,
    *,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
    on_opened: OnOpened | None = None,
) -> Checked:
    """Write the vault file to `out`: mode 0600, atomically, never over an existing file, and read back."""
    check_out(out)
    checked = _read(client, held, wire.PURPOSE_RESTORE, key, allow_cost, on_step)
    if on_opened is not None:
        on_opened(told(checked), checked.original)
    write_out(out, checked.original)
    return checked


def restore_sealed(
    sealed: bytes,
    key: Key,
    out: Path,
    *,
    client: TokenClient | None = None,
    allow_cost: AllowCost | None = None,
    on_step: OnStep = _silent,
    on_opened: OnOpened | None = None,
) -> CheckedFile:
    """As `restore`, for an exported file; see `verify_sealed`."""
    check_out(out)
    checked = _read_sealed(sealed, key, wire.PURPOSE_RESTORE, client, allow_cost, on_step)
    if on_opened is not None:
        on_opened(checked.declaration, checked.original)
    write_out(out, checked.original)
    return checked


def write_out(out: Path, original: bytes) -> None:
    """Write a vault file, never over an existing one, and read it back. Raises ReadBackError and what `write_private`
    raises."""
    write_private(out, original, replace=False)
    try:
        good = out.read_bytes() == original
    except OSError:
        good = False
    if not good:
        out.unlink(missing_ok=True)
        raise ReadBackError


def check_out(out: Path) -> None:
    """What can be known before anybody is asked for anything. Raises OutputExistsError, OutputError."""
    if os.path.lexists(out):
        raise OutputExistsError(
            f"{out} exists already; coldshare never overwrites a file.", next_step="Name another file with --out."
        )
    if not out.parent.is_dir():
        raise OutputError(f"{out} cannot be written: there is no folder {out.parent}.")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{out} cannot be written: you may not write in the folder {out.parent}.")


def fetch(client: TokenClient, held: Held, purpose: int, *, on_step: OnStep = _silent) -> Fetched:
    """Read a sealed share from the token, with a press. Raises DeclarationMismatchError for another one than `held`."""
    from coldshare.seal import parse
    from coldshare_iface.messages import Backup, Declaration

    on_step("confirming", 0, 0)
    opened = client.open(held.backup_id, purpose)
    if isinstance(held, Backup):
        same = opened.declared == held.declared and Declaration.decode(opened.declared) == held.declaration
    else:
        same = not opened.declared
    if not same:
        raise declare.DeclarationMismatchError("The token lists this backup as another one than it releases.")
    sealed = client.get(held.backup_id, opened.size, opened.digest, lambda done, total: on_step("reading", done, total))
    envelope = parse(sealed)
    if envelope.backup_id != held.backup_id:
        raise declare.DeclarationMismatchError("The token returned the sealed share of another backup.")
    if opened.declared:
        _bound(envelope, opened.declared)
    return Fetched(held, sealed, envelope, opened.declared, opened.factor)


def open_fetched(
    fetched: Fetched, key: Key, *, allow_cost: AllowCost | None = None, on_step: OnStep = _silent
) -> Content:
    """Open what was fetched and hold what is inside against what the token was told.

    Where the token does not know that any more, the seal's own header says what it was. Raises as `open_envelope`,
    MissingFactorError for a password where the token's factor is gone, and `handling.SeveralSharesError`.
    """
    from coldshare_iface.messages import Declaration

    if fetched.declared:
        process.check(Declaration.decode(fetched.declared))
    if isinstance(key, str) and not fetched.factor:
        raise only_by_code(fetched.envelope.slots)
    on_step("opening", 0, len(fetched.sealed))
    content = open_envelope(fetched.envelope, key, fetched.factor, allow_cost)
    if not fetched.declared:
        _bound(fetched.envelope, content.declaration)
    _compare(content, fetched.declared or content.declaration)
    process.opened(Declaration.decode(content.declaration))
    return content


def only_by_code(slots: Sequence[Slot] = ()) -> MissingFactorError:
    """What to raise for a password when the token's factor for a backup is gone. `slots` are the ways to open it."""
    from coldshare.seal import Factor, MissingFactorError

    error = MissingFactorError(
        "The token has destroyed its secret for this backup, and the password opens it only together with that.",
        [slot.names if slot.known else () for slot in slots],
    )
    if slots and not any(slot.factors == Factor.RECOVERY for slot in slots):
        error.next_step = (
            "It was made without a recovery code, so nothing opens it any more. Use another backup of this share, or "
            "reshare the vault from its other devices."
        )
    else:
        error.next_step = (
            "Open it with its recovery code: --recovery to type it, --recovery-file FILE to read it. If it was made "
            "without one, use another backup of this share, or reshare the vault from its other devices."
        )
    return error


def open_envelope(envelope: Envelope, key: Key, factor: bytes | None, allow_cost: AllowCost | None = None) -> Content:
    """Open a sealed share with its recovery code, or with its password and the token's `factor`.

    Raises as `Envelope.open`, with a next step that fits the key.
    """
    from coldshare.seal import Factors, KdfCostError, MissingFactorError, WrongFactorError, unpack

    if isinstance(key, str):
        try:
            return unpack(envelope.open(Factors(password=key, token=factor), allow_cost=allow_cost))
        except KdfCostError as error:
            error.next_step = "If you know who sealed it, and this computer has the memory: the same with --allow-cost"
            raise
    file = key if isinstance(key, RecoveryFile) else RecoveryFile(key, None)
    this = short_id(envelope.backup_id)
    try:
        return unpack(envelope.open(Factors(recovery=file.code.factor()), allow_cost=allow_cost))
    except WrongFactorError as error:
        if file.short_id is not None and file.short_id != this:
            error.next_step = (
                f"The file with the code says backup {file.short_id}, and this is {this}. Use its own code."
            )
        else:
            error.next_step = (
                f"The code is well-formed, so it is that of another backup, or of this share before a reseal. "
                f"This is backup {this}: compare the id beside the code."
            )
        raise
    except MissingFactorError as error:
        error.next_step = "This backup was made without a recovery code. Use its password, with its token."
        raise


def _read(
    client: TokenClient,
    held: Held,
    purpose: int,
    key: Key | None,
    allow_cost: AllowCost | None,
    on_step: OnStep,
) -> Checked:
    from coldshare_iface.messages import Declaration

    if key is not None:
        check_parties(held)
    fetched = fetch(client, held, purpose, on_step=on_step)
    size, slots = len(fetched.sealed), fetched.envelope.slots
    declared = fetched.declared
    original = b""
    if key is not None:
        content = open_fetched(fetched, key, allow_cost=allow_cost, on_step=on_step)
        declared, original = content.declaration, content.original
        client.check_cancelled()  # opening took a while, and a file that nobody wants any more must not be written
    declaration = Declaration.decode(declared) if declared else None
    return Checked(held, declaration, opened=key is not None, sealed_size=size, original=original, slots=slots)


def _read_sealed(
    sealed: bytes,
    key: Key,
    purpose: int,
    client: TokenClient | None,
    allow_cost: AllowCost | None,
    on_step: OnStep,
) -> CheckedFile:
    from coldshare.seal import parse
    from coldshare_iface.messages import Declaration

    envelope = parse(sealed)
    process.expect(envelope.backup_id)
    factor: bytes | None = None
    if isinstance(key, str) and client is not None:
        held = [held for held in everything(client.contents()) if held.backup_id == envelope.backup_id]
        if not held:
            raise NotOnThisTokenError(
                f"This token does not hold backup {short_id(envelope.backup_id)}, so it has no secret for that file."
            )
        on_step("confirming", 0, 0)
        opened = client.open(envelope.backup_id, purpose)
        if opened.declared:
            _bound(envelope, opened.declared)
        if not opened.factor:
            raise only_by_code(envelope.slots)
        factor = opened.factor
    on_step("opening", 0, len(sealed))
    content = open_envelope(envelope, key, factor, allow_cost)
    _bound(envelope, content.declaration)
    declaration = Declaration.decode(content.declaration)
    _compare(content, content.declaration)
    process.opened(declaration)
    if client is not None:
        client.check_cancelled()
    return CheckedFile(envelope.backup_id, declaration, len(sealed), content.original, envelope.slots, content.record)


def _bound(envelope: Envelope, declared: bytes) -> None:
    """The seal's header names what the token was told."""
    if not hmac.compare_digest(envelope.declaration_digest, declare.digest(declared)):
        raise declare.DeclarationMismatchError


def _compare(content: Content, declared: bytes) -> None:
    """What was sealed, what the token says it was told, and what the file itself says must be one story."""
    from coldshare.vault import read_share
    from coldshare.vault.errors import NotYetSupportedError, VaultPasswordNeededError
    from coldshare_iface.messages import Declaration

    if content.declaration != declared:
        raise declare.DeclarationMismatchError
    declaration = Declaration.decode(declared)
    try:
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
    except declare.DeclarationMismatchError as error:
        error.inside = declaration, hashlib.sha256(content.original).digest()
        raise
