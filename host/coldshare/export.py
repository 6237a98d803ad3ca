"""A sealed share as a file, for a cloud drive, a stick or a password manager.

The file is the envelope itself, byte for byte what a token stores: COSE_Encrypt with a random id and no name. It can
be read by anybody and opened by whoever has its factors; usually that is the recovery code, because the token's
factor stays on the token. `docs/recover.py` opens it without coldshare.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from coldshare import declare
from coldshare.errors import InputError, RefusedError
from coldshare.export_index import ExportIndex, Neighbours
from coldshare.files import OutputError, write_private
from coldshare.places.neighbours import check_above
from coldshare.recovery import short_id
from coldshare.restore import ReadBackError, check_out
from coldshare.seal import SealTooLargeError, parse, profile
from coldshare_iface.errors import ColdshareError
from coldshare_iface.messages import Declaration

if TYPE_CHECKING:
    from coldshare.seal import Envelope

__all__ = [
    "ExportNameError",
    "ExportUnreadableError",
    "Exported",
    "TooManyExportsError",
    "UnnamedNeighbourError",
    "check_export",
    "check_name",
    "export",
    "export_unnamed",
    "exports_in",
    "file_name",
    "read_export",
    "read_sealed",
]

SUFFIX: Final = ".seal"
#: Sealed files in one folder. Each is read to see which backup it is.
_EXPORTS_MAX: Final = 1000


class ExportNameError(InputError):
    """The name of an exported file must end with .seal."""

    code: ClassVar[str] = "export_name"
    next_step = (
        "Name it so, because that is how coldshare finds it and keeps the shares of one vault apart; or name a folder "
        "that is there, and coldshare chooses the name."
    )


class ExportUnreadableError(InputError):
    """The exported file cannot be read."""

    code: ClassVar[str] = "export_unreadable"
    next_step = "Check the path, and that the drive is connected and the file is really on this computer."


class TooManyExportsError(RefusedError):
    """There are so many sealed files in this folder that coldshare cannot look at them all."""

    code: ClassVar[str] = "too_many_exports"
    next_step = "Choose another folder."


class UnnamedNeighbourError(RefusedError):
    """It is not known whose share this backup holds, and the folder holds another sealed share already."""

    code: ClassVar[str] = "unnamed_neighbour"
    next_step = (
        "Choose a folder without sealed shares: two shares of one vault in one place can be lost or stolen together. "
        "coldshare verify with the recovery code finds out whose share it is; after that this computer knows it."
    )


@dataclass(frozen=True, slots=True)
class Exported:
    """A sealed share that was written to a file and read back. `size` in bytes.

    `unknown` and `elsewhere` are those of `export_index.Neighbours`: a person should be told of them.
    """

    path: Path
    backup_id: bytes
    size: int
    unknown: tuple[Path, ...]
    elsewhere: tuple[Path, ...]


def file_name(backup_id: bytes) -> str:
    """Return the name for an exported file, `coldshare-1a2b3c4d.seal`: nothing in it tells of vault or party."""
    return f"coldshare-{short_id(backup_id)}{SUFFIX}"


def export(sealed: bytes, out: Path, *, declared: bytes, index: ExportIndex) -> Exported:
    """Write the sealed share to `out`, or into it under `file_name` when it is a folder.

    Mode 0600, whole or not at all, never over an existing file, and read back. `declared` is the encoded declaration
    of this backup, as the token or the opened seal gives it; the seal's header must bind it. Its vault and party are
    held against the sealed files in the folder (rule 1) and remembered in `index`, before anything is written.

    Raises what `seal.parse` raises, `DeclarationMismatchError`, `ExportNameError`, `OutputError`,
    `OutputExistsError`, `OtherPartyInFolderError`, `FolderOtherPartyError`, `TooManyExportsError`,
    `ExportIndexError`, `ReadBackError`, and `ReplyError` for what is no declaration.
    """
    envelope = parse(sealed)
    if not hmac.compare_digest(envelope.declaration_digest, declare.digest(declared)):
        raise declare.DeclarationMismatchError
    declaration = Declaration.decode(declared)
    backup_id, vault, party = envelope.backup_id, declaration.vault, declaration.party
    path, folder = _destination(out, backup_id)
    with index.locked():
        neighbours = index.check(backup_id, vault, party, exports_in(folder))
        check_above(folder, vault, party)
        # Before the write: a file that nobody remembers would be worse than a record without its file.
        index.remember(backup_id, vault, party, folder / path.name)
        _write(path, sealed)
    return Exported(path, backup_id, len(sealed), neighbours.unknown, neighbours.elsewhere)


def _write(path: Path, sealed: bytes) -> None:
    write_private(path, sealed, replace=False)
    try:
        good = path.read_bytes() == sealed
    except OSError:
        good = False
    if not good:
        path.unlink(missing_ok=True)
        raise ReadBackError(next_step="The disk may be failing. Export to another one; the backup is unharmed.")


def export_unnamed(sealed: bytes, out: Path, *, index: ExportIndex) -> Exported:
    """As `export`, for a backup whose token does not know any more whose share it is.

    Where this computer does not know it either, the folder must hold no other sealed share: nobody could say that it
    is not one of another party of the same vault. Raises also UnnamedNeighbourError.
    """
    envelope = parse(sealed)
    path, folder = _destination(out, envelope.backup_id)
    with index.locked():
        neighbours = _check_unnamed(envelope.backup_id, folder, index)
        index.remember_file(envelope.backup_id, folder / path.name)
        _write(path, sealed)
    return Exported(path, envelope.backup_id, len(sealed), neighbours.unknown, neighbours.elsewhere)


def _check_unnamed(backup_id: bytes, folder: Path, index: ExportIndex) -> Neighbours:
    found = exports_in(folder)
    neighbours = index.check_known(backup_id, found)
    if neighbours is not None:
        return neighbours
    others = [path.name for path, other_id in found if other_id != backup_id]
    if others:
        raise UnnamedNeighbourError(
            f"Nobody here knows whose share backup {short_id(backup_id)} holds, and {folder} holds {others[0]}."
        )
    return Neighbours((), ())


def check_export(out: Path, backup_id: bytes, declaration: Declaration | None, index: ExportIndex) -> None:
    """What `export` would refuse, or with None `export_unnamed`, before anybody presses a button for it. Writes
    nothing."""
    _, folder = _destination(out, backup_id)
    if declaration is None:
        _check_unnamed(backup_id, folder, index)
    else:
        index.check(backup_id, declaration.vault, declaration.party, exports_in(folder))
        check_above(folder, declaration.vault, declaration.party)


def _destination(out: Path, backup_id: bytes) -> tuple[Path, Path]:
    """The file to write and the folder it really goes to."""
    path = out / file_name(backup_id) if out.is_dir() else out
    check_name(path)
    check_out(path)
    try:
        return path, path.parent.resolve(strict=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {os.strerror(error.errno or 0)}.") from error


def check_name(out: Path) -> None:
    """Raise `ExportNameError` for a file that would not be found again; a folder is fine."""
    if not out.is_dir() and not out.name.lower().endswith(SUFFIX):
        raise ExportNameError


def read_export(path: Path) -> Envelope:
    """Return the envelope in an exported file. Proves nothing, as `seal.parse`, and raises what that raises.

    Also raises `ExportUnreadableError`. Reads at most 1.1 MiB.
    """
    return parse(read_sealed(path))


def read_sealed(path: Path) -> bytes:
    """Return the bytes of an exported file, unparsed. Raises `ExportUnreadableError`, `SealTooLargeError`."""
    try:
        with path.open("rb") as file:
            data = file.read(profile.SEALED_MAX + 1)
    except OSError as error:
        raise ExportUnreadableError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
    except ValueError:  # a path with a NUL in it
        raise ExportUnreadableError("This is not a path that can be opened.") from None
    if len(data) > profile.SEALED_MAX:
        raise SealTooLargeError(f"{path} is larger than a sealed file can be, {profile.SEALED_MAX} bytes.")
    return data


def exports_in(folder: Path) -> list[tuple[Path, bytes | None]]:
    """Return the files in `folder` that end with .seal, each with its backup id, None where it cannot be read.

    Looks into the folder, not into those below it. Raises `OutputError` when that is not allowed and
    `TooManyExportsError` above 1000 files.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.lower().endswith(SUFFIX) and path.is_file())
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be looked at: {os.strerror(error.errno or 0)}.",
            next_step="coldshare looks for other shares of the same vault there. Choose a folder that you may read.",
        ) from error
    if len(paths) > _EXPORTS_MAX:
        raise TooManyExportsError
    return [(path, _backup_id(path)) for path in paths]


def _backup_id(path: Path) -> bytes | None:
    try:
        return read_export(path).backup_id
    except ColdshareError:
        return None
