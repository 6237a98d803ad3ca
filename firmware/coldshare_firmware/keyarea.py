"""The raw key area: the only place on the token where secrets live. Portable subset.

Two erase blocks, A and B. A change is written whole into the blank one, read back, and only then is the old one
erased, before anybody is told of success: an instant of power loss leaves the old state or the new one, and no
bytes of a destroyed key survive. littlefs cannot promise the latter, hence this file.

A block is `magic [4] | sequence [4] | length [2] | CBOR record | SHA-256 of all that [32]`, the rest blank (0xFF).
"""

from coldshare_firmware import cbor
from coldshare_iface.suite import sha256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.types import KeyFlash, Map

_MAGIC = b"csk1"
_HEAD = 10
_PAGE = 256
_BLANK = b"\xff" * _PAGE
_SHA = 32


class StorageError(Exception):
    """The flash did not keep what was written."""


class KeyArea:
    """A record that is replaced whole. `load` first; then `store`."""

    def __init__(self, flash: "KeyFlash") -> None:
        self._flash = flash
        self._active = -1
        self._sequence = 0

    def load(self, repair: bool = True) -> "Map | None":
        """The newest whole record; None when there is none. `repair` finishes what a power cut interrupted."""
        active = -1
        sequence = 0
        record = None
        for i in range(2):
            candidate = self._parse(i)
            if candidate is not None and candidate[0] > sequence:
                sequence, record = candidate
                active = i
        if record is None:
            # Nothing is erased: what cannot be read here may still be legible to somebody with more time.
            return None
        self._active = active
        self._sequence = sequence
        if repair:
            self._clear(1 - active)
        return record

    def _is_blank(self, block: int) -> bool:
        # By the page: a small heap may have no room for a block.
        pages = range(0, self._flash.block_size, _PAGE)
        return all([self._flash.read(block, at, _PAGE) == _BLANK for at in pages])

    def _clear(self, block: int) -> None:
        """Leave no bit of an old record."""
        if self._is_blank(block):
            return
        self._flash.erase(block)
        if not self._is_blank(block):
            raise StorageError("the key area did not erase")

    def store(self, record: "Map") -> None:
        """Replace the record. After StorageError or OSError only `load` knows which of the two stands."""
        sequence = self._sequence + 1
        # A record is a tenth of a small heap: there is one image of it, and no copy.
        image = bytearray(_MAGIC + sequence.to_bytes(4, "big") + bytes(2))
        for part in cbor.parts(record):
            image += part
        image[8:_HEAD] = (len(image) - _HEAD).to_bytes(2, "big")
        image += sha256(image)
        if len(image) > self._flash.block_size:
            raise StorageError("the key area is full")
        target = 1 if self._active == 0 else 0
        self._clear(target)
        for at in range(0, len(image), _PAGE):
            page = bytes(image[at : at + _PAGE])
            self._flash.program(target, at, page + _BLANK[len(page) :])
        for at in range(0, len(image), _PAGE):
            page = bytes(image[at : at + _PAGE])
            if self._flash.read(target, at, len(page)) != page:
                self._flash.erase(target)
                raise StorageError("the key area did not take a write")
        self._active = target
        self._sequence = sequence
        self._clear(1 - target)

    def _parse(self, block: int) -> "tuple[int, Map] | None":
        head = self._flash.read(block, 0, _HEAD)
        if head[:4] != _MAGIC:
            return None
        end = _HEAD + int.from_bytes(head[8:], "big")
        if end + _SHA > self._flash.block_size:
            return None
        data = memoryview(self._flash.read(block, 0, end + _SHA))
        if sha256(data[:end]) != bytes(data[end:]):
            return None
        try:
            record = cbor.decode(data[_HEAD:end])
        except cbor.CborError:
            return None
        if not isinstance(record, dict):
            return None
        return int.from_bytes(head[4:8], "big"), record
