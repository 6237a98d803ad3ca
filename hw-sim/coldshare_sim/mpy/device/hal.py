"""The board under MicroPython's unix port: a flash chip in a file, a screen and buttons at the other end of a socket.

Runs in MicroPython only. The layout of the file is the simulator's (`coldshare_sim.flash`): two raw key blocks, then
littlefs, which is MicroPython's own.
"""

import os
import time

import vfs  # type: ignore[import-not-found]
from cryptolib import aes  # type: ignore[import-not-found]

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any, Protocol

    from coldshare_firmware import types
    from coldshare_iface.types import Aes as AnyAes

    class Panel(Protocol):
        def show(self, lines: "list[str]", question: bool) -> None: ...
        def button(self) -> int: ...


_BLOCK = 4096
_KEY_BLOCKS = 2
_FILE_BLOCKS = 352
# What a Pico programs at once. littlefs gets it as its smallest write, as on the board.
_PAGE = 256
_ECB = 1
_CBC = 2
_EIO = 5
_EEXIST = 17
_HARMLESS = (2, _EEXIST)  # ENOENT


class NobodyError(Exception):
    """Nobody is there to press a button, and somebody said so."""


class Flash:
    """The chip: `program` can only clear bits, `erase` sets a whole block to 0xFF. `fd` is an open file descriptor."""

    def __init__(self, fd: int) -> None:
        self._file = open(fd, "r+b")  # noqa: SIM115 - a descriptor, held for life
        self._page = bytearray(_PAGE)
        self._blank = b"\xff" * _PAGE

    def read(self, offset: int, buffer: "bytearray | memoryview") -> None:
        self._file.seek(offset)
        if self._file.readinto(buffer) != len(buffer):
            raise OSError(_EIO)

    def bytes_at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data: bytes = self._file.read(size)
        if len(data) != size:
            raise OSError(_EIO)
        return data

    def is_blank(self, block: int, count: int) -> bool:
        """Whether nothing was written in those blocks since they were erased."""
        for offset in range(block * _BLOCK, (block + count) * _BLOCK, _PAGE):
            self.read(offset, self._page)
            if self._page != self._blank:
                return False
        return True

    def program(self, offset: int, data: "bytes | bytearray") -> None:
        page = self._page
        for at in range(0, len(data), _PAGE):
            size = min(_PAGE, len(data) - at)
            part = memoryview(page)[:size]
            self.read(offset + at, part)
            for i in range(size):
                page[i] &= data[at + i]
            self._file.seek(offset + at)
            self._file.write(part)

    def erase(self, offset: int) -> None:
        self._file.seek(offset)
        for _ in range(0, _BLOCK, _PAGE):
            self._file.write(self._blank)

    def barrier(self) -> None:
        """Everything so far outlives a crash of the computer."""
        self._file.flush()


class KeyBlocks:
    """The raw key area of the chip (`coldshare_firmware.types.KeyFlash`)."""

    block_size = _BLOCK

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    def read(self, block: int, offset: int, size: int) -> bytes:
        return self._flash.bytes_at(block * _BLOCK + offset, size)

    def erase(self, block: int) -> None:
        # The record that replaces this one, and the files that it speaks of, must be there before this one goes.
        self._flash.barrier()
        self._flash.erase(block * _BLOCK)

    def program(self, block: int, offset: int, data: bytes) -> None:
        self._flash.program(block * _BLOCK + offset, data)


class Blocks:
    """littlefs' view of the chip: everything behind the raw key area (MicroPython's extended block protocol)."""

    def __init__(self, flash: Flash, count: int = _FILE_BLOCKS) -> None:
        self._flash = flash
        self._count = count

    def lost(self) -> bool:
        """Whether something was kept here: the keys are written after the first format, so both are blank before."""
        return not self._flash.is_blank(0, _KEY_BLOCKS) and not self._flash.is_blank(_KEY_BLOCKS, self._count)

    # An exception must not cross littlefs' C code, which would be left in the middle of something: -EIO is returned.
    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> int:
        try:
            self._flash.read((_KEY_BLOCKS + block) * _BLOCK + offset, buffer)
        except OSError:
            return -_EIO
        return 0

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> int:
        try:
            self._flash.program((_KEY_BLOCKS + block) * _BLOCK + offset, buffer)
        except OSError:
            return -_EIO
        return 0

    def ioctl(self, op: int, argument: int) -> int:
        if op == 4:
            return self._count
        if op == 5:
            return _BLOCK
        if op == 6:
            try:
                self._flash.erase((_KEY_BLOCKS + argument) * _BLOCK)
            except OSError:
                return -_EIO
        return 0


class Files:
    """littlefs (`coldshare_firmware.types.Files`). A blank chip is formatted; one that was used and cannot be mounted
    is left as it is."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks: Any = blocks
        self._mounted: Any = None
        try:
            self._fs()
        except OSError:
            if blocks.lost():
                raise
            vfs.VfsLfs2.mkfs(self._blocks, progsize=_PAGE)
            self._fs()

    def _fs(self) -> "Any":
        if self._mounted is None:
            self._mounted = vfs.VfsLfs2(self._blocks, progsize=_PAGE)
        return self._mounted

    def _do(self, name: str, *arguments: "Any") -> "Any":
        try:
            return getattr(self._fs(), name)(*arguments)
        except OSError as error:
            self._check(error)
            raise

    def _check(self, error: OSError) -> None:
        # What littlefs has in memory after such an error is not to be trusted: mount anew.
        if error.args[0] not in _HARMLESS:
            self._mounted = None

    def mkdir(self, path: str) -> None:
        try:
            self._do("mkdir", path)
        except OSError as error:
            if error.args[0] != _EEXIST:
                raise

    def listdir(self, path: str) -> "list[str]":
        return sorted([entry[0] for entry in self._do("ilistdir", path)])

    def size(self, path: str) -> int:
        size: int = self._do("stat", path)[6]
        return size

    def read(self, path: str, offset: int, length: int) -> bytes:
        try:
            with self._fs().open(path, "rb") as file:
                file.seek(offset)
                data: bytes = file.read(length)
                return data
        except OSError as error:
            self._check(error)
            raise

    def write(self, path: str, data: bytes) -> None:
        self._store(path, "wb", data)

    def append(self, path: str, data: bytes) -> None:
        self._store(path, "ab", data)

    def _store(self, path: str, mode: str, data: bytes) -> None:
        try:
            with self._fs().open(path, mode) as file:
                if file.write(data) != len(data):
                    raise OSError(_EIO)
        except OSError as error:
            self._check(error)
            raise

    def rename(self, old: str, new: str) -> None:
        self._do("rename", old, new)

    def remove(self, path: str) -> None:
        self._do("remove", path)

    def free(self) -> int:
        facts = self._do("statvfs", "/")
        free: int = facts[0] * facts[3]
        return free


class Aes:
    """AES-128 in C (`coldshare_iface.types.Aes`)."""

    def ecb_encrypt(self, key: bytes, block: bytes) -> bytes:
        out: bytes = aes(key, _ECB).encrypt(block)
        return out

    def cbc_encrypt(self, key: bytes, iv: bytes, data: "bytes | memoryview") -> bytes:
        out: bytes = aes(key, _CBC, iv).encrypt(data)
        return out

    def cbc_decrypt(self, key: bytes, iv: bytes, data: "bytes | memoryview") -> bytes:
        out: bytes = aes(key, _CBC, iv).decrypt(data)
        return out


class Clock:
    """Milliseconds since power-up, out of a counter that wraps. `skip` lets time pass at once."""

    def __init__(self) -> None:
        self._last = time.ticks_ms()  # type: ignore[attr-defined]
        self._now = 0

    def now_ms(self) -> int:
        ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._now += time.ticks_diff(ticks, self._last)  # type: ignore[attr-defined]
        self._last = ticks
        return self._now

    def skip(self, milliseconds: int) -> None:
        self._now += milliseconds


class Hal:
    """What the firmware asks of a board (`coldshare_firmware.types.Hal`)."""

    model = "coldshare-sim"
    settle_ms = 0  # what presses here is a script
    report_size = 64

    def __init__(self, flash: Flash, panel: "Panel") -> None:
        self._panel = panel
        self._clock = Clock()
        self.aes: AnyAes = Aes()
        self.keys: types.KeyFlash = KeyBlocks(flash)
        self.files: types.Files = Files(Blocks(flash))

    def random(self, n: int) -> bytes:
        return os.urandom(n)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def skip(self, milliseconds: int) -> None:
        """Let time pass at once."""
        self._clock.skip(milliseconds)

    def show(self, lines: "list[str]", question: bool) -> None:
        self._panel.show(lines, question)

    def button(self) -> int:
        return self._panel.button()
