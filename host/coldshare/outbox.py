"""Sealed shares on their way to a token, kept on this computer until the token has confirmed them.

A backup that is sealed once more is another one, so without this a broken link would mean to start over. `backup`
keeps what it sends from just before the first chunk; `resume` goes on with it, and whoever learns that it is of no
use any more drops it: it was confirmed, refused, given up, or the token has forgotten it.

What is kept is what the token gets, ciphertext, and beside it what the token was told: the names of vault and party
stand in the clear. The token's factor and the password are never kept. Mode 0600, in `coldshare.home`.

Each entry is a file of its own, replaced whole, so processes need no lock between them. The worst that two of them
can do to one another is an entry too many, which `resume` finds done.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Final

from coldshare.errors import InputError
from coldshare.files import OutputError, write_private
from coldshare.home import home
from coldshare_iface import codec, wire
from coldshare_iface.errors import ColdshareError
from coldshare_iface.messages import Declaration

__all__ = ["Entry", "Outbox", "OutboxError", "Waiting", "outbox_path"]

_FORMAT: Final = 1
#: Bytes. A sealed share, a declaration, and room for the rest.
_SIZE_MAX: Final = wire.BLOB_MAX + wire.DECLARATION_MAX + 256
_NAME: Final = re.compile(
    rf"([0-9a-f]{{{2 * wire.SERIAL_SIZE}}})-([0-9a-f]{{{2 * wire.BACKUP_ID_SIZE}}})\.cbor", re.ASCII
)

# Keys of the map in a file; protocol.cddl has the same types.
_KEY_FORMAT, _KEY_SERIAL, _KEY_ID, _KEY_DECLARED, _KEY_SEALED, _KEY_RECOVERY, _KEY_COMMITTED, _KEY_DIGEST = range(8)


class OutboxError(InputError):
    """An unfinished backup that this computer kept cannot be used."""

    code: ClassVar[str] = "outbox_unreadable"
    next_step = (
        "Nothing is lost but time. Drop it with coldshare resume --forget, and back the share up again: "
        "coldshare backup FILE"
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the name of a file says: an entry for the token `serial`, whether or not it can be read."""

    serial: bytes
    backup_id: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A sealed share on its way. `declared` is what the token was told, `recovery` says whether a recovery code opens
    it, `committed` that the token has stored it and did not confirm it yet, as far as this computer knows."""

    serial: bytes
    backup_id: bytes
    declared: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    recovery: bool
    committed: bool = False

    @property
    def declaration(self) -> Declaration:
        return Declaration.decode(self.declared)

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.serial, self.backup_id)

    def encode(self) -> bytes:
        """Deterministic CBOR, and at its end the digest of all the rest."""
        fields: dict[int, codec.Encodable] = {
            _KEY_FORMAT: _FORMAT,
            _KEY_SERIAL: self.serial,
            _KEY_ID: self.backup_id,
            _KEY_DECLARED: self.declared,
            _KEY_SEALED: self.sealed,
            _KEY_RECOVERY: self.recovery,
            _KEY_COMMITTED: self.committed,
        }
        digest = hashlib.sha256(codec.encode(fields, limit=_SIZE_MAX)).digest()
        return codec.encode({**fields, _KEY_DIGEST: digest}, limit=_SIZE_MAX)

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """Raises a ColdshareError or ValueError for anything that `encode` did not write."""
        match codec.decode(data, limit=_SIZE_MAX):
            case {
                0: 1,
                1: bytes(serial),
                2: bytes(backup_id),
                3: bytes(declared),
                4: bytes(sealed),
                5: bool(recovery),
                6: bool(committed),
                7: bytes(),
            }:
                entry = cls(serial, backup_id, declared, sealed, recovery, committed)
            case _:
                raise ValueError
        # Rot on a disk must not become the backup. As one value has one encoding, this holds the digest, too.
        if not hmac.compare_digest(entry.encode(), data):
            raise ValueError
        if (len(serial), len(backup_id)) != (wire.SERIAL_SIZE, wire.BACKUP_ID_SIZE):
            raise ValueError
        from coldshare.seal import parse

        envelope = parse(sealed)
        bound = envelope.declaration_digest == hashlib.sha256(declared).digest()
        if envelope.backup_id != backup_id or not bound:
            raise ValueError
        Declaration.decode(declared)
        return entry


def outbox_path() -> Path:
    return home() / "outbox"


def _silent(words: str) -> None:
    pass


class Outbox:
    """The entries in that folder. `say` hears, in a sentence, what went wrong without being a reason to stop."""

    def __init__(self, folder: Path, say: Callable[[str], None] = _silent) -> None:
        self.folder = folder
        self._say = say

    def keep(self, entry: Entry) -> bool:
        """Write the entry, over an earlier state of it. False when that was not possible, and then it has been said."""
        with self.spoken("After a broken link this backup starts over, because this computer cannot keep it meanwhile"):
            for last in (False, True):
                try:
                    self._make_folder()
                    write_private(self._path(entry.waiting), entry.encode(), replace=True)
                except OutputError:
                    # Another process may have tidied the folder away in between.
                    self._tidy()
                    if last:
                        raise
                else:
                    return True
        return False

    def mark_committed(self, entry: Entry) -> None:
        """Note that the token has stored it. The token knows it anyway, so a failure is no news."""
        with suppress(ColdshareError):
            write_private(self._path(entry.waiting), replace(entry, committed=True).encode(), replace=True)

    def drop(self, waiting: Waiting) -> None:
        """Remove the entry, if it is there. Raises OutputError."""
        path = self._path(waiting)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise OutputError(f"{path} cannot be removed: {os.strerror(error.errno or 0)}.") from error
        self._tidy()

    def waiting(self, serial: bytes | None = None) -> list[Waiting]:
        """The entries for that token, or all, by their names. Raises OutboxError for a folder that cannot be read."""
        try:
            names = sorted(path.name for path in self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OutboxError(
                f"{self.folder} cannot be looked at: {os.strerror(error.errno or 0)}.",
                next_step="Move it away, and back the share up again: coldshare backup FILE",
            ) from error
        found = [Waiting(*map(bytes.fromhex, match.groups())) for match in map(_NAME.fullmatch, names) if match]
        return [waiting for waiting in found if serial in (None, waiting.serial)]

    def load(self, waiting: Waiting) -> Entry:
        """Raises OutboxError for what is damaged or no entry at all."""
        path = self._path(waiting)
        try:
            with path.open("rb") as file:
                data = file.read(_SIZE_MAX + 1)
        except OSError as error:
            raise OutboxError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
        try:
            entry = Entry.decode(data)
        except (ColdshareError, ValueError):
            entry = None
        if entry is None or entry.waiting != waiting:
            raise OutboxError(f"{path} is not an unfinished backup of coldshare, or is damaged.")
        return entry

    @contextmanager
    def spoken(self, what: str) -> Iterator[None]:
        """What fails in here is said, as the reason why `what`, and stops nothing."""
        try:
            yield
        except ColdshareError as error:
            self._say(f"Note: {what}. {error.message}")

    def _path(self, waiting: Waiting) -> Path:
        return self.folder / f"{waiting.serial.hex()}-{waiting.backup_id.hex()}.cbor"

    def _make_folder(self) -> None:
        try:
            for folder in (self.folder.parent, self.folder):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(f"The folder {self.folder} cannot be made: {os.strerror(error.errno or 0)}.") from error

    def _tidy(self) -> None:
        """After the last entry nothing stays, not even what a process that was killed had half written."""
        with suppress(OSError):
            paths = list(self.folder.iterdir())
            if all(path.name.startswith(".coldshare-") and path.suffix == ".part" for path in paths):
                for path in paths:
                    path.unlink(missing_ok=True)
                self.folder.rmdir()
