"""The token's files: littlefs itself, on the simulated chip (`coldshare_firmware.types.Files`)."""

from __future__ import annotations

from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from coldshare_sim.flash import BLOCK, FILE_BLOCKS, KEY_BLOCKS, PAGE, Flash

_START = KEY_BLOCKS * BLOCK
# littlefs 2.0's disk format: what MicroPython 1.23 can mount, so that images move between the two.
_DISK_VERSION = 0x00020000
_ERR_EXISTS = -17


class _Blocks(UserContext):
    """littlefs' view of the chip: everything behind the raw key area."""

    def __init__(self, flash: Flash) -> None:
        super().__init__(0)
        self._flash = flash

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        return bytearray(self._flash.read(_START + block * BLOCK + off, size))

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        self._flash.program(_START + block * BLOCK + off, data)
        return 0

    def erase(self, cfg: Any, block: int) -> int:
        self._flash.erase(_START + block * BLOCK)
        return 0

    def sync(self, cfg: Any) -> int:
        return 0


class LittleFiles:
    """A mounted file system; formats the chip when it holds none."""

    def __init__(self, flash: Flash) -> None:
        self._fs = LittleFS(
            context=_Blocks(flash),
            mount=False,
            block_size=BLOCK,
            block_count=FILE_BLOCKS,
            read_size=32,
            prog_size=PAGE,
            cache_size=PAGE,
            lookahead_size=48,
            disk_version=_DISK_VERSION,
        )
        try:
            self._fs.mount()
        except LittleFSError:
            self._fs.format()
            self._fs.mount()

    def mkdir(self, path: str) -> None:
        try:
            self._fs.mkdir(path)
        except LittleFSError as error:
            if error.code != _ERR_EXISTS:
                raise OSError(error.code, error.name) from error
        except FileExistsError:
            pass

    def listdir(self, path: str) -> list[str]:
        return sorted(self._fs.listdir(path))

    def size(self, path: str) -> int:
        try:
            return int(self._fs.stat(path).size)
        except LittleFSError as error:
            raise OSError(error.code, error.name) from error

    def read(self, path: str, offset: int, length: int) -> bytes:
        with self._fs.open(path, "rb") as file:
            file.seek(offset)
            return bytes(file.read(length))

    def write(self, path: str, data: bytes) -> None:
        with self._fs.open(path, "wb") as file:
            file.write(data)

    def append(self, path: str, data: bytes) -> None:
        try:
            file = self._fs.open(path, "ab")
        except FileNotFoundError:  # littlefs-python does not create here, MicroPython does
            file = self._fs.open(path, "wb")
        with file:
            file.write(data)

    def rename(self, old: str, new: str) -> None:
        self._fs.rename(old, new)

    def remove(self, path: str) -> None:
        try:
            self._fs.remove(path)
        except LittleFSError as error:
            raise OSError(error.code, error.name) from error

    def free(self) -> int:
        return (FILE_BLOCKS - int(self._fs.used_block_count)) * BLOCK
