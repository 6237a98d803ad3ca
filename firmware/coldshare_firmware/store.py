"""Sealed shares and their records on littlefs. No secret lives here. Portable subset.

`/b/ID` is a sealed share, `/r/ID` its declaration encrypted under a key from the key area, `/s/blob` and `/s/meta`
the one transfer under way. The key area decides what exists: files without a slot are leftovers and are swept.
"""

import hashlib

from coldshare_firmware import cbor
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import RESERVED, S_ID, S_STATE
from coldshare_firmware.person import BUSY
from coldshare_iface import wire
from coldshare_iface.suite import A128cbcHs256, TagError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Generator

    from coldshare_firmware.keys import Keys
    from coldshare_firmware.types import Hal

_BLOBS = "/b"
_RECORDS = "/r"
_STAGE = "/s"
_STAGED_BLOB = "/s/blob"
_STAGED_META = "/s/meta"
_READ = 4096
# littlefs copies on write: one spare block for data, a few for metadata.
_SPARE = 8 * 4096
_ENOSPC = 28
_EIO = 5
# Slices between two keepalive chances while a blob is hashed: 64 kB, a fifth of a second on a board.
_SLICES = 16


class Store:
    """The files of one token."""

    def __init__(self, hal: "Hal", keys: "Keys") -> None:
        self._hal = hal
        self._files = hal.files
        self._keys = keys
        for path in (_BLOBS, _RECORDS, _STAGE):
            self._files.mkdir(path)

    def has_blobs(self) -> bool:
        return self.blobs() > 0

    def blobs(self) -> int:
        """How many sealed shares there are, whoever knows of them."""
        return len(self._files.listdir(_BLOBS))

    def ids(self) -> "list[bytes]":
        """Their backup ids, ascending, for a token that has no slots any more."""
        out = []
        for name in self._files.listdir(_BLOBS):
            try:
                backup_id = bytes.fromhex(name)
            except ValueError:
                continue
            if len(backup_id) == wire.BACKUP_ID_SIZE and backup_id.hex() == name:
                out.append(backup_id)
        return sorted(out)

    def sweep(self) -> None:
        """Remove what no slot knows, and a staged transfer whose reservation is gone. Never fails: a leftover holds no
        secret, counts for nothing, and is swept at the next power-up if it cannot be now."""
        try:
            self._sweep()
        except OSError:
            pass

    def _sweep(self) -> None:
        kept = [_hex(slot[S_ID]) for slot in self._keys.slots if slot[S_STATE] != RESERVED]
        reserved = [_hex(slot[S_ID]) for slot in self._keys.slots if slot[S_STATE] == RESERVED]
        for folder, known in ((_BLOBS, kept), (_RECORDS, kept + reserved)):
            for name in self._files.listdir(folder):
                if name not in known:
                    self._files.remove(folder + "/" + name)
        meta = self.staged()
        if meta is None or _hex(meta[0]) not in reserved:
            self.drop_staged()

    # --- records
    def _aead(self, backup_id: bytes) -> A128cbcHs256:
        return A128cbcHs256(self._hal.aes, self._keys.names_key(backup_id))

    def write_record(self, backup_id: bytes, declaration: bytes) -> None:
        """Keep the declaration of a new backup. The key is used for this one text, so nonce 0 never repeats."""
        sealed = self._aead(backup_id).encrypt(0, backup_id, declaration)
        self._files.write(_RECORDS + "/" + _hex(backup_id), sealed)

    def read_record(self, backup_id: bytes) -> bytes:
        """The declaration. Raises StorageError when it is damaged or gone."""
        path = _RECORDS + "/" + _hex(backup_id)
        try:
            sealed = self._files.read(path, 0, self._files.size(path))
            return self._aead(backup_id).decrypt(0, backup_id, sealed)
        except (OSError, TagError):
            raise StorageError("the record of a backup is damaged")

    # --- the transfer under way
    def staged(self) -> "tuple[bytes, int, bytes] | None":
        """(backup id, size, digest) of the staged transfer."""
        try:
            data = self._files.read(_STAGED_META, 0, self._files.size(_STAGED_META))
            meta = cbor.decode(data)
        except (OSError, cbor.CborError):
            return None
        if not isinstance(meta, list) or len(meta) != 3:
            return None
        backup_id, size, digest = meta
        if not isinstance(backup_id, bytes) or len(backup_id) != wire.BACKUP_ID_SIZE:
            return None
        if not isinstance(size, int) or not isinstance(digest, bytes):
            return None
        return backup_id, size, digest

    def staged_size(self) -> int:
        try:
            return self._files.size(_STAGED_BLOB)
        except OSError:
            return 0

    def stage(self, backup_id: bytes, size: int, digest: bytes) -> int:
        """Open or resume a transfer; the offset at which it goes on. Raises OSError (ENOSPC) when there is no room."""
        if self.staged() == (backup_id, size, digest):
            have = self.staged_size()
            if have <= size:
                return have
        self.drop_staged()
        if self.staged_size():
            raise OSError(_EIO)  # what is left there would be taken for the beginning of the new one
        if self._files.free() < size + _SPARE:
            raise OSError(_ENOSPC)
        self._files.write(_STAGED_META, cbor.encode([backup_id, size, digest]))
        return 0

    def append(self, data: bytes) -> None:
        self._files.append(_STAGED_BLOB, data)

    def drop_staged(self) -> None:
        for path in (_STAGED_META, _STAGED_BLOB):
            try:
                self._files.remove(path)
            except OSError:
                pass

    def staged_digest(self) -> "Generator[int, None, bytes]":
        return self._digest(_STAGED_BLOB)

    def keep_staged(self, backup_id: bytes) -> None:
        """Move the staged blob to its place; the slot in the key area makes it count."""
        self._files.rename(_STAGED_BLOB, _BLOBS + "/" + _hex(backup_id))

    # --- blobs
    def size(self, backup_id: bytes) -> int:
        return self._files.size(_BLOBS + "/" + _hex(backup_id))

    def size_or_nought(self, backup_id: bytes) -> int:
        """The size of a sealed share; 0 where the flash has lost it."""
        try:
            return self.size(backup_id)
        except OSError:
            return 0

    def digest(self, backup_id: bytes) -> "Generator[int, None, bytes]":
        return self._digest(_BLOBS + "/" + _hex(backup_id))

    def read(self, backup_id: bytes, offset: int, length: int) -> bytes:
        return self._files.read(_BLOBS + "/" + _hex(backup_id), offset, length)

    def _digest(self, path: str) -> "Generator[int, None, bytes]":
        # In slices: a board has no room for a blob in memory.
        h = hashlib.sha256()
        size = self._files.size(path)
        for at in range(0, size, _READ):
            if at and at % (_SLICES * _READ) == 0:
                yield BUSY
            h.update(self._files.read(path, at, min(_READ, size - at)))
        return h.digest()


def _hex(backup_id: "bytes | int") -> str:
    if isinstance(backup_id, int) or len(backup_id) != wire.BACKUP_ID_SIZE:
        raise StorageError("a backup id of the wrong kind")
    return backup_id.hex()
