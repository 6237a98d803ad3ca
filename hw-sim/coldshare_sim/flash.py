"""A token's flash chip: NOR semantics, the board's layout; in memory, or in a file with one owner at a time."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from coldshare_sim.errors import (
    NoSuchTokenError,
    NotATokenError,
    TokenBusyError,
    TokenExistsError,
    TokenFileError,
)

BLOCK = 4096
PAGE = 256
KEY_BLOCKS = 2
FILE_BLOCKS = 352  # what MicroPython's official Pico image leaves for files
KEY_SIZE = KEY_BLOCKS * BLOCK
SIZE = KEY_SIZE + FILE_BLOCKS * BLOCK
_BLANK = b"\xff"
# File systems without hard links; a link is how a whole file appears under its name at once.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


class Operation(NamedTuple):
    """What the firmware asks of the chip. For an erase, `data` is the blank block."""

    kind: str  # "program" or "erase"
    offset: int
    data: bytes


class Chip:
    """The chip: `program` can only clear bits, `erase` sets a whole block to 0xFF. Offsets and sizes in bytes.

    `before` is called with every operation before it happens; what it raises, the firmware's flash driver sees.
    """

    def __init__(self, image: bytes | None = None) -> None:
        self.image = bytearray(_BLANK * SIZE if image is None else image)
        if len(self.image) != SIZE:
            raise NotATokenError(f"An image of {len(self.image)} bytes is not a token's: that has {SIZE}.")
        self.before: Callable[[Operation], None] | None = None

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.image[offset : offset + size])

    def program(self, offset: int, data: bytes) -> None:
        if self.before is not None:
            self.before(Operation("program", offset, bytes(data)))
        self._put(offset, cleared(self.read(offset, len(data)), data))

    def erase(self, offset: int) -> None:
        if self.before is not None:
            self.before(Operation("erase", offset, _BLANK * BLOCK))
        self._put(offset, _BLANK * BLOCK)

    def barrier(self) -> None:
        """Everything so far outlives a crash of the computer; nothing after has happened yet."""

    def leave(self, offset: int, data: bytes) -> None:
        """What an operation that power was cut in has left there. It is no operation itself."""
        self._put(offset, data)

    def _put(self, offset: int, data: bytes) -> None:
        self.image[offset : offset + len(data)] = data

    def check(self) -> None:
        """Raise TokenFileError once a write has failed."""

    def close(self) -> None:
        pass


def cleared(old: bytes, data: bytes) -> bytes:
    """`old` with every bit cleared that is clear in `data`: what programming does to NOR flash."""
    both = int.from_bytes(old, "big") & int.from_bytes(data, "big")
    return both.to_bytes(len(data), "big")


def create(path: Path, image: bytes = _BLANK * SIZE) -> None:
    """Make a flash image, a blank one by default. The file is there whole or not at all; nothing is overwritten."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
            temporary = Path(new.name)
            try:
                new.write(image)
                new.flush()
                os.fsync(new.fileno())
                _name(temporary, path, image)
            finally:
                temporary.unlink()
    except FileExistsError:
        raise TokenExistsError(f"There is something at {path} already.") from None
    except OSError as error:
        raise TokenFileError(f"A software token cannot be made at {path}: {error.strerror}.") from error


def _name(temporary: Path, path: Path, image: bytes) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with path.open("xb") as file:
            try:
                file.write(image)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink()
                raise


class Flash(Chip):
    """The chip in a file. Only one process has it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failure: OSError | None = None
        self._file = _open(path)
        try:
            _lock(self._file, path)
            try:
                image = self._file.read(SIZE + 1)
                size = os.fstat(self._file.fileno()).st_size
            except OSError as error:
                raise TokenFileError(f"The software token at {path} cannot be read: {error.strerror}.") from error
            if size != SIZE or len(image) != SIZE:
                raise NotATokenError(f"{path} is not a software token: it has {size} bytes instead of {SIZE}.")
            super().__init__(image)
        except BaseException:
            self._file.close()
            raise

    def fileno(self) -> int:
        """The file's descriptor: whoever inherits it inherits the lock."""
        return self._file.fileno()

    def _put(self, offset: int, data: bytes) -> None:
        # What is in memory never gets ahead of the file: the firmware reads back what it wrote, and must see this.
        try:
            if self.failure is not None:
                raise self.failure
            self._write(offset, data)
        except OSError as error:
            self.failure = error
            self._reread(offset, len(data))
            raise OSError(errno.EIO, f"the flash did not take a write: {error.strerror}") from error
        super()._put(offset, data)

    def _write(self, offset: int, data: bytes) -> None:
        self._file.seek(offset)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def _reread(self, offset: int, size: int) -> None:
        try:
            self._file.seek(offset)
            held = self._file.read(size)
        except OSError:
            return
        super()._put(offset, held)

    def barrier(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self.failure = error
            raise OSError(errno.EIO, f"the flash did not take a write: {error.strerror}") from error

    def close(self) -> None:
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise TokenFileError(_cannot_write(self.path, error)) from error
            finally:
                self._file.close()

    def check(self) -> None:
        if self.failure is not None:
            raise TokenFileError(_cannot_write(self.path, self.failure))


def _cannot_write(path: Path, error: OSError) -> str:
    return f"The software token at {path} cannot be written: {error.strerror}."


def read_image(path: Path) -> bytes:
    """The flash image in that file, which stays as it is. Raises like opening it would."""
    try:
        _check_kind(path)
        with path.open("rb", buffering=0) as file:
            _lock(file, path, shared=True)
            image = file.read(SIZE + 1)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if size != SIZE or len(image) != SIZE:
        raise NotATokenError(f"{path} is not a software token: it has {size} bytes instead of {SIZE}.")
    return image


def _open(path: Path) -> BinaryIO:
    try:
        _check_kind(path)
        # Unbuffered: a killed process loses nothing that the token has been told is programmed.
        return path.open("r+b", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_kind(path: Path) -> None:
    """A pipe or a device would answer later, or never."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise NotATokenError(f"{path} is not a file, so it is no software token.")


def _unreadable(path: Path, error: OSError) -> NoSuchTokenError | NotATokenError | TokenFileError:
    if isinstance(error, FileNotFoundError):
        return NoSuchTokenError(f"There is no software token at {path}.")
    if isinstance(error, IsADirectoryError):
        return NotATokenError(f"{path} is a folder, not a software token.")
    return TokenFileError(f"The software token at {path} cannot be opened: {error.strerror}.")


def _lock(file: BinaryIO, path: Path, *, shared: bool = False) -> None:
    """One process at a time: two firmwares on one flash would tear it apart."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        raise TokenBusyError(f"Another program is using the software token at {path}.") from None


class KeyBlocks:
    """The raw key area of the chip (`coldshare_firmware.types.KeyFlash`)."""

    block_size = BLOCK

    def __init__(self, flash: Chip) -> None:
        self._flash = flash

    def read(self, block: int, offset: int, size: int) -> bytes:
        return self._flash.read(block * BLOCK + offset, size)

    def erase(self, block: int) -> None:
        # The record that replaces this one, and the files that it speaks of, must be there before this one goes.
        self._flash.barrier()
        self._flash.erase(block * BLOCK)

    def program(self, block: int, offset: int, data: bytes) -> None:
        self._flash.program(block * BLOCK + offset, data)
