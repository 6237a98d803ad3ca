"""Which sealed files this computer knows, so that no folder gets the shares of two parties of one vault (rule 1).

Nothing in a sealed file tells, without a factor, whose share it holds. So this computer remembers: for each backup's
id a tag of its vault, a tag of its party, and the files that it was exported to. The tags are HMAC-SHA256 under a
random key in the same file. The index names no vault and no party, and the indexes of two computers have nothing in
common. It is no secret store: whoever has the file can test a guess at a name. Mode 0600, in `coldshare.home`.

What decides is what is in the folder: a record alone refuses nothing, because files are moved and a stick's folder
is another stick's folder tomorrow. What cannot be decided is handed back, to be said: sealed files that this computer
does not know, and files of other parties of the vault that went elsewhere.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from coldshare.declare import DeclarationMismatchError
from coldshare.errors import InputError, RefusedError
from coldshare.files import OutputError, locked, write_private
from coldshare.home import home
from coldshare.seal import profile

__all__ = ["ExportIndex", "ExportIndexError", "Neighbours", "OtherPartyInFolderError", "export_index_path"]

_FORMAT: Final = 1
_KEY_LEN: Final = 32
_TAG_LEN: Final = 32
#: Bytes; room for more than ten thousand backups.
_SIZE_MAX: Final = 4 << 20
#: Files remembered for one backup, the latest.
_FILES_MAX: Final = 16


class ExportIndexError(InputError):
    """The file in which this computer keeps what it exported cannot be used."""

    code: ClassVar[str] = "export_index_unreadable"
    next_step = (
        "Restore it from a backup, or move it away. Then coldshare does not know the sealed files that it exported "
        "before: keep the shares of one vault in different places yourself."
    )


class OtherPartyInFolderError(RefusedError):
    """This folder holds the sealed share of another party of the same vault."""

    code: ClassVar[str] = "other_party_in_folder"
    vendor: ClassVar[str] = "OTHER_DEVICE_SHARE"
    next_step = (
        "Choose a folder on another drive or in another account: two shares of one vault in one place can be lost or "
        "stolen together."
    )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a person should hear of, though it is no reason to refuse.

    `unknown` are sealed files in the same folder that this computer cannot tell anything about. `elsewhere` are
    files that shares of other parties of the same vault were exported to; they may have been moved since.
    """

    unknown: tuple[Path, ...]
    elsewhere: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    vault: bytes
    party: bytes
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Index:
    key: bytes = field(repr=False)
    backups: dict[bytes, _Known]

    def tagged(self, vault: bytes, party: str) -> _Known:
        vault_tag = hmac.digest(self.key, b"vault\0" + vault, "sha256")
        return _Known(vault_tag, hmac.digest(self.key, b"party\0" + vault_tag + party.encode(), "sha256"))


def export_index_path() -> Path:
    return home() / "exports.json"


class ExportIndex:
    """The index in that file. Each change rewrites it, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out, so that nothing changes between a look and a write. Not reentrant."""
        self._make_folder()
        with locked(self.path):
            yield

    def check(
        self, backup_id: bytes, vault: bytes, party: str, found: Sequence[tuple[Path, bytes | None]]
    ) -> Neighbours:
        """Apply rule 1 to a folder that a share is to go to.

        `vault` and `party` are those of its declaration; `found` are the sealed files in the folder, each with the
        backup id that it names, None where it cannot be read as one. Raises `OtherPartyInFolderError`,
        `ExportIndexError`, and `DeclarationMismatchError` when this backup is known as another share.
        """
        index = self._load()
        wanted = index.tagged(vault, party)
        _same(index, backup_id, wanted)
        return _neighbours(index, backup_id, wanted, found)

    def check_known(self, backup_id: bytes, found: Sequence[tuple[Path, bytes | None]]) -> Neighbours | None:
        """As `check`, for a backup of which nobody else knows whose it is; None if this computer does not either."""
        index = self._load()
        wanted = index.backups.get(backup_id)
        return None if wanted is None else _neighbours(index, backup_id, wanted, found)

    def files(self, backup_id: bytes) -> tuple[Path, ...]:
        """The files that this backup was exported to, as far as this computer knows. Raises `ExportIndexError`."""
        known = self._load().backups.get(backup_id)
        return tuple(Path(file) for file in known.files) if known is not None else ()

    def remember(self, backup_id: bytes, vault: bytes, party: str, file: Path | None = None) -> None:
        """Remember whose share a backup holds, and the file that it is exported to, if it is.

        Known backups are recognised in any folder, so this is worth calling for each backup that is made or opened.
        Raises `ExportIndexError`, `OutputError`, `DeclarationMismatchError`.
        """
        index = self._load()
        wanted = index.tagged(vault, party)
        _same(index, backup_id, wanted)
        self._keep(index, backup_id, index.backups.get(backup_id, wanted), file)

    def remember_file(self, backup_id: bytes, file: Path) -> None:
        """As `remember`, for a backup of which only this computer may know whose it is. If it does not, nothing is
        kept."""
        index = self._load()
        if backup_id in index.backups:
            self._keep(index, backup_id, index.backups[backup_id], file)

    def _keep(self, index: _Index, backup_id: bytes, before: _Known, file: Path | None) -> None:
        files = before.files
        if file is not None:
            named = str(file)
            files = (*(other for other in files if other != named), named)[-_FILES_MAX:]
        after = replace(before, files=files)
        if index.backups.get(backup_id) != after:
            self._save(_Index(index.key, {**index.backups, backup_id: after}))

    def _save(self, index: _Index) -> None:
        entries = [
            {"backup": backup_id.hex(), "vault": known.vault.hex(), "party": known.party.hex(), "files": [*known.files]}
            for backup_id, known in sorted(index.backups.items())
        ]
        text = json.dumps({"format": _FORMAT, "key": index.key.hex(), "backups": entries}, indent=1) + "\n"
        if len(text) > _SIZE_MAX:
            raise ExportIndexError(f"{self.path} is full.")
        self._make_folder()
        write_private(self.path, text.encode(), replace=True)

    def _make_folder(self) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"The folder {folder} cannot be made: {os.strerror(error.errno or 0)}.") from error

    def _load(self) -> _Index:
        try:
            with self.path.open("rb") as file:
                data = file.read(_SIZE_MAX + 1)
        except FileNotFoundError:
            return _Index(secrets.token_bytes(_KEY_LEN), {})
        except OSError as error:
            raise ExportIndexError(
                f"{self.path} cannot be read: {os.strerror(error.errno or 0)}.",
                next_step="It may be whole. See that you may read it, and try again.",
            ) from error
        try:
            return _parse(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ExportIndexError(f"{self.path} is not a list of exports, or is damaged.") from None


def _neighbours(
    index: _Index, backup_id: bytes, wanted: _Known, found: Sequence[tuple[Path, bytes | None]]
) -> Neighbours:
    unknown = []
    for path, other_id in found:
        other = index.backups.get(other_id) if other_id is not None else None
        if other_id == backup_id:
            continue
        if other is None:
            unknown.append(path)
        elif other.vault == wanted.vault and other.party != wanted.party:
            raise OtherPartyInFolderError(
                f"{path.parent} already holds {path.name}, the sealed share of another party of this vault."
            )
    elsewhere = [
        Path(file)
        for other in index.backups.values()
        if other.vault == wanted.vault and other.party != wanted.party
        for file in other.files
    ]
    return Neighbours(tuple(unknown), tuple(elsewhere))


def _same(index: _Index, backup_id: bytes, wanted: _Known) -> None:
    known = index.backups.get(backup_id)
    if known is not None and (known.vault, known.party) != (wanted.vault, wanted.party):
        raise DeclarationMismatchError("This computer knows a backup of this id already, and it is another share.")


def _parse(data: bytes) -> _Index:
    if len(data) > _SIZE_MAX:
        raise ValueError
    document: Any = json.loads(data)
    key = bytes.fromhex(document["key"])
    if document["format"] != _FORMAT or len(key) != _KEY_LEN:
        raise ValueError
    # Whole or not at all: an entry that is passed over here would be lost with the next change.
    backups: dict[bytes, _Known] = {}
    for entry in document["backups"]:
        backup_id, vault, party = (bytes.fromhex(entry[name]) for name in ("backup", "vault", "party"))
        files = entry["files"]
        if (len(backup_id), len(vault), len(party)) != (profile.BACKUP_ID_LEN, _TAG_LEN, _TAG_LEN):
            raise ValueError
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files) or backup_id in backups:
            raise ValueError
        backups[backup_id] = _Known(vault, party, tuple(files))
    return _Index(key, backups)
