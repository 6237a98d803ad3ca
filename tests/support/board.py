"""A board in memory, for the real firmware to run on. Nothing of the simulator is in it."""

from __future__ import annotations

import hashlib

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_firmware.types import Files as TokenFiles
from coldshare_firmware.types import KeyFlash
from coldshare_iface import wire
from coldshare_iface.primitives import NativeAes
from coldshare_iface.types import Aes


class Blocks:
    """The key area of a chip: erasing sets a block to 0xFF, programming only clears bits."""

    block_size = 4096

    def __init__(self, images: tuple[str, ...]) -> None:
        self.blocks = [bytes.fromhex(image).ljust(self.block_size, b"\xff") for image in images]

    def read(self, block: int, offset: int, size: int) -> bytes:
        return self.blocks[block][offset : offset + size]

    def erase(self, block: int) -> None:
        self.blocks[block] = b"\xff" * self.block_size

    def program(self, block: int, offset: int, data: bytes) -> None:
        old = self.blocks[block]
        end = offset + len(data)
        both = int.from_bytes(old[offset:end], "big") & int.from_bytes(data, "big")
        self.blocks[block] = old[:offset] + both.to_bytes(len(data), "big") + old[end:]


class Files:
    """A file system in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def mkdir(self, path: str) -> None:
        pass

    def listdir(self, path: str) -> list[str]:
        return [name.rpartition("/")[2] for name in self.files if name.startswith(path + "/")]

    def size(self, path: str) -> int:
        return len(self._file(path))

    def read(self, path: str, offset: int, length: int) -> bytes:
        return self._file(path)[offset : offset + length]

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = bytes(data)

    def append(self, path: str, data: bytes) -> None:
        self.files[path] = self.files.get(path, b"") + data

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self._file(old)
        del self.files[old]

    def remove(self, path: str) -> None:
        self._file(path)
        del self.files[path]

    def free(self) -> int:
        return 1 << 21

    def _file(self, path: str) -> bytes:
        if path not in self.files:
            raise OSError(2, path)
        return self.files[path]


class Board:
    """A board with a person who answers at once (`coldshare_firmware.types.Hal`)."""

    model = "test"
    settle_ms = 0
    report_size = wire.REPORT_FS

    def __init__(self, images: tuple[str, ...] = ("", "")) -> None:
        self.aes: Aes = NativeAes()
        self.blocks, self.kept = Blocks(images), Files()
        self.keys: KeyFlash = self.blocks
        self.files: TokenFiles = self.kept
        self.answer = BUTTON_YES
        self._asked = False
        self._hold = False
        self._now = 0
        self._count = 0

    def random(self, n: int) -> bytes:
        self._count += 1
        return hashlib.shake_128(self._count.to_bytes(4, "big")).digest(n)

    def now_ms(self) -> int:
        self._now += 100  # time passes when somebody looks
        return self._now

    def show(self, lines: list[str], question: bool) -> None:
        self._asked = question
        self._hold = question and asks_to_hold(lines)

    def button(self) -> int:
        if not self._asked:
            return BUTTON_NONE
        self._asked = False
        return BUTTON_HELD if self._hold and self.answer == BUTTON_YES else self.answer
