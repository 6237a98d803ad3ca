"""The token's flash on a board whose whole file region is one littlefs. Portable subset.

The official MicroPython image mounts all of that region when it starts, and formats it if it finds a file system of
another size there. So the raw key area cannot lie beside the file system. It lies in two blocks of it that littlefs
has given away: those of a file of three blocks. littlefs keeps the data of a file where it is as long as nobody writes
to that file, and looks at them for one thing only, to know which blocks are taken. For that it reads the last of the
three, which names the other two, and not those two. They are erased and programmed past littlefs, which never notices.

The last block holds a mark that is this file's alone, by which the three are found on the chip at power-up.
"""

import vfs  # type: ignore[import-not-found, unused-ignore]

from coldshare_micropython import files as littlefs

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coldshare_micropython.types import BlockDevice

BLOCK = 4096
_BLOCK_COUNT = 4
_ERASE = 6
_ENOENT = 2

#: The file whose first two blocks are the key area.
RESERVATION = "/coldshare.keys"
_NEW = "/coldshare.new"
_POINTER = 4
_SECOND = BLOCK - _POINTER  # the second block begins with one pointer, the last one with two
_MARK_AT = 2 * _POINTER
_MARK = b"coldshare key area 1\n"
_NONCE = 32
_MARK_SIZE = len(_MARK) + _NONCE
_FILE_SIZE = BLOCK + _SECOND + _MARK_SIZE


class LayoutError(Exception):
    """The key area cannot be found, or is not where it ought to be."""


class Files(littlefs.Files):
    """`coldshare_micropython.files`, mounted as MicroPython's root as well, so that there is one only."""

    def mount(self) -> "Any":
        mounted = littlefs.Files.mount(self)
        try:
            vfs.umount("/")
        except OSError:
            pass
        vfs.mount(mounted, "/")
        return mounted


class KeyBlocks:
    """The raw key area (`coldshare_firmware.types.KeyFlash`), in any two blocks of the chip."""

    block_size = BLOCK

    def __init__(self, flash: "BlockDevice", blocks: "tuple[int, int]") -> None:
        self._flash = flash
        self.blocks = blocks

    def read(self, block: int, offset: int, size: int) -> bytes:
        buffer = bytearray(size)
        self._flash.readblocks(self.blocks[block], buffer, offset)
        return bytes(buffer)

    def erase(self, block: int) -> None:
        self._flash.ioctl(_ERASE, self.blocks[block])

    def program(self, block: int, offset: int, data: bytes) -> None:
        # A copy in memory: with the flash busy, nothing can be read out of it.
        self._flash.writeblocks(self.blocks[block], bytearray(data), offset)


def find(flash: "BlockDevice", files: "Files") -> "tuple[int, int] | None":
    """The two blocks of the key area; None when there is none yet. Raises LayoutError for one that is damaged."""
    try:
        if files.size(RESERVATION) != _FILE_SIZE:
            raise LayoutError("the file of the key area has another size")
    except OSError as error:
        if error.args[0] != _ENOENT:
            raise
        return None
    # This reads the last block only: the way from the end of the file to there is nil.
    mark = files.read(RESERVATION, BLOCK + _SECOND, _MARK_SIZE)
    if mark[: len(_MARK)] != _MARK:
        raise LayoutError("the file of the key area has no mark")
    count = flash.ioctl(_BLOCK_COUNT, 0)
    buffer = bytearray(_MARK_AT + _MARK_SIZE)
    found = []
    for block in range(count):
        flash.readblocks(block, buffer, 0)
        if buffer[_MARK_AT:] == mark:
            found.append((int.from_bytes(buffer[4:8], "little"), int.from_bytes(buffer[0:4], "little"), block))
    if len(found) != 1:
        raise LayoutError("the mark of the key area is there " + str(len(found)) + " times")
    first, second, last = found[0]
    # Blocks 0 and 1 are the file system's own.
    if len({first, second, last}) != 3 or not (1 < first < count and 1 < second < count):
        raise LayoutError("the key area is said to be where it cannot be")
    return first, second


def reserve(flash: "BlockDevice", files: "Files", random: "Callable[[int], bytes]") -> "tuple[int, int]":
    """The two blocks of the key area, made if need be. Raises LayoutError and OSError."""
    blocks = find(flash, files)
    if blocks is not None:
        return blocks
    try:
        files.remove(_NEW)  # from a power cut on the way
    except OSError as error:
        if error.args[0] != _ENOENT:
            raise
    files.write(_NEW, b"\xff" * (BLOCK + _SECOND) + _MARK + random(_NONCE))
    files.rename(_NEW, RESERVATION)
    blocks = find(flash, files)
    if blocks is None:
        raise LayoutError("the key area was made and is not there")
    for block in blocks:
        flash.ioctl(_ERASE, block)  # the second one began with littlefs' own number
    return blocks
