"""The token's files: littlefs itself, on the simulated chip (`coldshare_firmware.types.Files`)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext, lfs
from littlefs.lfs import LFSFileFlag

from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.flash import BLOCK, FILE_BLOCKS, KEY_SIZE, PAGE, SIZE, Chip

# littlefs 2.0's disk format: what MicroPython 1.23 can mount, so that images move between the two.
_DISK_VERSION = 0x00020000
# lfs.h: LFS_O_RDONLY; WRONLY | CREAT | TRUNC; WRONLY | CREAT | APPEND
_READ = LFSFileFlag(0x001)
_WRITE = LFSFileFlag(0x502)
_APPEND = LFSFileFlag(0x902)
_HARMLESS = (LittleFSError.Error.LFS_ERR_NOENT, LittleFSError.Error.LFS_ERR_EXIST)
_ERR_IO = int(LittleFSError.Error.LFS_ERR_IO)


class _Blocks(UserContext):
    """littlefs' view of the chip: everything behind the raw key area."""

    def __init__(self, flash: Chip) -> None:
        super().__init__(0)
        self._flash = flash
        self.fault: BaseException | None = None

    def _try(self, action: Callable[[], None]) -> int:
        # An exception cannot cross littlefs' C code: it would be printed, forgotten, and taken for success.
        try:
            action()
        except BaseException as error:
            self.fault = error
            return _ERR_IO
        return 0

    def read(self, cfg: Any, block: int, off: int, size: int) -> bytearray:
        return bytearray(self._flash.read(KEY_SIZE + block * BLOCK + off, size))

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        return self._try(lambda: self._flash.program(KEY_SIZE + block * BLOCK + off, data))

    def erase(self, cfg: Any, block: int) -> int:
        return self._try(lambda: self._flash.erase(KEY_SIZE + block * BLOCK))

    def sync(self, cfg: Any) -> int:
        return 0


class LittleFiles:
    """A mounted file system. A blank chip is formatted; one that was used and cannot be mounted is left as it is."""

    def __init__(self, flash: Chip) -> None:
        self._blocks = _Blocks(flash)
        self._broken = False
        try:
            self._fs = self._mount()
        except LittleFSError as error:
            # The keys are written after the first format: without any, nothing can be lost here.
            keys, files = flash.read(0, KEY_SIZE), flash.read(KEY_SIZE, SIZE - KEY_SIZE)
            if keys.count(0xFF) != len(keys) and files.count(0xFF) != len(files):
                raise DamagedTokenError("The files of this software token cannot be read.") from error
            with self._errors():
                self._fs = self._littlefs(_DISK_VERSION)
                self._fs.format()
                self._fs.mount()

    def _littlefs(self, disk_version: int) -> LittleFS:
        return LittleFS(
            context=self._blocks,
            mount=False,
            block_size=BLOCK,
            block_count=FILE_BLOCKS,
            read_size=32,
            prog_size=PAGE,
            cache_size=PAGE,
            lookahead_size=48,
            disk_version=disk_version,
        )

    def _mount(self) -> LittleFS:
        # A newer MicroPython formats with a newer minor version, and littlefs mounts none newer than it is told.
        fs = self._littlefs(_DISK_VERSION)
        try:
            fs.mount()
        except LittleFSError as error:
            if error.code != LittleFSError.Error.LFS_ERR_INVAL:
                raise
            fs = self._littlefs(0)
            fs.mount()
        return fs

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """OSError with a positive errno for everything that littlefs or the chip under it has to complain about."""
        try:
            if self._broken:
                self._fs = self._mount()
                self._broken = False
            yield
        except LittleFSError as error:
            # After such an error littlefs asserts about the state of its caches, which ends the process: mount anew.
            self._broken = error.code not in _HARMLESS
            self._raise_fault()
            raise OSError(-error.code, os.strerror(-error.code)) from error
        except FileNotFoundError as error:  # littlefs-python leaves the errno out
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
        self._raise_fault()

    def _raise_fault(self) -> None:
        fault, self._blocks.fault = self._blocks.fault, None
        if fault is not None:
            self._broken = True
            raise fault

    def mkdir(self, path: str) -> None:
        with self._errors():
            self._fs.makedirs(path, exist_ok=True)

    def listdir(self, path: str) -> list[str]:
        with self._errors():
            return sorted(self._fs.listdir(path))

    def size(self, path: str) -> int:
        with self._errors():
            return int(self._fs.stat(path).size)

    def read(self, path: str, offset: int, length: int) -> bytes:
        with self._file(path, _READ) as file:
            lfs.file_seek(self._fs.fs, file, offset, os.SEEK_SET)
            return bytes(lfs.file_read(self._fs.fs, file, length))

    def write(self, path: str, data: bytes) -> None:
        self._store(path, _WRITE, data)

    def append(self, path: str, data: bytes) -> None:
        self._store(path, _APPEND, data)

    def _store(self, path: str, how: LFSFileFlag, data: bytes) -> None:
        with self._file(path, how) as file:
            if lfs.file_write(self._fs.fs, file, data) != len(data):
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    @contextmanager
    def _file(self, path: str, flags: LFSFileFlag) -> Iterator[lfs.LFSFile]:
        # Not through LittleFS.open: when closing fails, its file object closes once more as it is collected, and
        # littlefs ends the process over that.
        with self._errors():
            file = lfs.file_open(self._fs.fs, path, flags)
            try:
                yield file
            finally:
                lfs.file_close(self._fs.fs, file)

    def rename(self, old: str, new: str) -> None:
        with self._errors():
            self._fs.rename(old, new)

    def remove(self, path: str) -> None:
        with self._errors():
            self._fs.remove(path)

    def free(self) -> int:
        with self._errors():
            return (FILE_BLOCKS - int(self._fs.used_block_count)) * BLOCK
