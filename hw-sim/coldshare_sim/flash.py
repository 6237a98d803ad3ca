"""A token's flash chip, kept in one file: NOR semantics, the board's layout, one owner at a time."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from coldshare_sim.errors import NoSuchTokenError, NotATokenError, TokenBusyError, TokenFileError

BLOCK = 4096
PAGE = 256
KEY_BLOCKS = 2
FILE_BLOCKS = 352  # what MicroPython's official Pico image leaves for files
SIZE = (KEY_BLOCKS + FILE_BLOCKS) * BLOCK
_BLANK = b"\xff"


def create(path: Path) -> None:
    """Make a blank flash image. Atomic: the file is there whole or not at all, and nothing is overwritten."""
    directory = path.parent
    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix=f".{path.name}.", delete=False) as new:
            temporary = Path(new.name)
            try:
                new.write(_BLANK * SIZE)
                new.flush()
                os.fsync(new.fileno())
                os.link(temporary, path)
            finally:
                temporary.unlink()
    except FileExistsError:
        raise TokenFileError(f"there is a file at {path} already") from None
    except OSError as error:
        raise TokenFileError(f"cannot make a software token at {path}: {error.strerror}") from error


class Flash:
    """The chip: `program` can only clear bits, `erase` sets a whole block to 0xFF. Offsets and sizes in bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open(path)
        try:
            _lock(self._file, path)
            self.image = bytearray(self._file.read(SIZE + 1))
            if len(self.image) != SIZE:
                raise NotATokenError(f"{path} is not a software token: it has {path.stat().st_size} bytes, not {SIZE}")
        except BaseException:
            self._file.close()
            raise

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.image[offset : offset + size])

    def program(self, offset: int, data: bytes) -> None:
        old = self.image[offset : offset + len(data)]
        both = int.from_bytes(old, "big") & int.from_bytes(data, "big")
        self._put(offset, both.to_bytes(len(data), "big"))

    def erase(self, offset: int) -> None:
        self._put(offset, _BLANK * BLOCK)

    def _put(self, offset: int, data: bytes) -> None:
        self._file.seek(offset)
        self._file.write(data)
        self.image[offset : offset + len(data)] = data

    def close(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


def _open(path: Path) -> BinaryIO:
    try:
        # Unbuffered: a killed process loses nothing that the token has been told is programmed.
        return path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise NoSuchTokenError(f"there is no software token at {path}") from None
    except OSError as error:
        raise TokenFileError(f"cannot open the software token at {path}: {error.strerror}") from error


def _lock(file: BinaryIO, path: Path) -> None:
    """One process at a time: two firmwares on one flash would tear it apart."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise TokenBusyError(f"another program is using the software token at {path}") from None


class KeyBlocks:
    """The raw key area of the chip (`coldshare_firmware.types.KeyFlash`)."""

    block_size = BLOCK

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    def read(self, block: int) -> bytes:
        return self._flash.read(block * BLOCK, BLOCK)

    def erase(self, block: int) -> None:
        self._flash.erase(block * BLOCK)

    def program(self, block: int, offset: int, data: bytes) -> None:
        self._flash.program(block * BLOCK + offset, data)
