"""The board under MicroPython's unix port: a flash chip in a file, a screen and buttons at the other end of a socket.

Runs in MicroPython only. The layout of the file is the simulator's (`coldshare_sim.flash`): two raw key blocks, then
littlefs, which is MicroPython's own.
"""

import os

import vfs  # type: ignore[import-not-found]

from coldshare_micropython import files as littlefs
from coldshare_micropython.aes import Aes
from coldshare_micropython.clock import Clock

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
_EIO = 5


class NobodyError(Exception):
    """Nobody is there to press a button, and somebody said so."""


class Flash:
    """The chip: `program` can only clear bits, `erase` sets a whole block to 0xFF. `fd` is an open file descriptor."""

    def __init__(self, fd: int) -> None:
        self._file = open(fd, "r+b")  # noqa: SIM115 - a descriptor, held for life
        self._page = bytearray(littlefs.PAGE)
        self._blank = b"\xff" * littlefs.PAGE

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
        for offset in range(block * _BLOCK, (block + count) * _BLOCK, littlefs.PAGE):
            self.read(offset, self._page)
            if self._page != self._blank:
                return False
        return True

    def program(self, offset: int, data: "bytes | bytearray") -> None:
        page = self._page
        for at in range(0, len(data), littlefs.PAGE):
            size = min(littlefs.PAGE, len(data) - at)
            part = memoryview(page)[:size]
            self.read(offset + at, part)
            for i in range(size):
                page[i] &= data[at + i]
            self._file.seek(offset + at)
            self._file.write(part)

    def erase(self, offset: int) -> None:
        self._file.seek(offset)
        for _ in range(0, _BLOCK, littlefs.PAGE):
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


class Files(littlefs.Files):
    """littlefs. A blank chip is formatted; one that was used and cannot be mounted is left as it is."""

    def __init__(self, blocks: Blocks) -> None:
        try:
            littlefs.Files.__init__(self, blocks)
        except OSError:
            if blocks.lost():
                raise
            device: Any = blocks
            vfs.VfsLfs2.mkfs(device, progsize=littlefs.PAGE)
            littlefs.Files.__init__(self, blocks)


class Hal:
    """What the firmware asks of a board (`coldshare_firmware.types.Hal`)."""

    model = "coldshare-sim"
    settle_ms = 0  # what presses here is a script
    report_size = 64

    def __init__(self, flash: Flash, panel: "Panel") -> None:
        self._panel = panel
        self._clock = Clock()
        self._skipped = 0
        self.aes: AnyAes = Aes()
        self.keys: types.KeyFlash = KeyBlocks(flash)
        self.files: types.Files = Files(Blocks(flash))

    def random(self, n: int) -> bytes:
        return os.urandom(n)

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._skipped

    def skip(self, milliseconds: int) -> None:
        """Let time pass at once."""
        self._skipped += milliseconds

    def show(self, lines: "list[str]", question: bool) -> None:
        self._panel.show(lines, question)

    def button(self) -> int:
        return self._panel.button()
