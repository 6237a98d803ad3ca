"""The few operations on files that a folder needs, and how a system does them.

There is no rename among them, no link and no mode: FAT has no links and no modes, and its rename is no single step. The
storage is built from new files, overwriting in place, removal and two ways to wait for the disk. So a test can put a
disk in the place of `OsFiles` that loses, tears and reorders what was not waited for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from coldshare.places.errors import FolderForeignError

__all__ = ["ENTRIES_MAX", "Files", "Found", "OnWait", "OsFiles"]

#: Names in one folder that are looked at.
ENTRIES_MAX: Final = 4096
#: fcntl's command of macOS: do not keep what is read.
_F_NOCACHE: Final = 48

#: Called once when another process has the folder and is waited for.
OnWait = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A name in the folder. `size` in bytes; `plain` is True for a regular file and nothing else."""

    name: str
    size: int
    plain: bool


class Files(Protocol):
    """One folder. Names have no path in them. Every operation raises OSError as the system does.

    What `write`, `truncate` and `create` did may be lost, in part or in any order, until `sync` of that file, and a
    name that was made or removed until `sync_names`.
    """

    def scan(self) -> list[Found]:
        """All names, at most `ENTRIES_MAX`. Raises FolderForeignError for more."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The regular file, from the disk rather than from memory where the system can; at most `limit` + 1 bytes.
        Raises FolderForeignError for what is no regular file."""
        ...

    def create(self, name: str) -> int:
        """A new empty file, open for writing. Fails when the name is taken."""
        ...

    def open(self, name: str) -> int:
        """A regular file, open to be overwritten in place. Raises FolderForeignError for anything else."""
        ...

    def write(self, handle: int, data: bytes) -> None:
        """All of it, from the start of the file."""
        ...

    def truncate(self, handle: int, size: int) -> None: ...

    def sync(self, handle: int) -> None:
        """Wait until what the file holds is on the disk."""
        ...

    def close(self, handle: int) -> None: ...

    def remove(self, name: str) -> None: ...

    def sync_names(self) -> None:
        """Wait until the names are on the disk."""
        ...


class OsFiles:
    """A real folder. It is held open, so that what is at its path later cannot take its place.

    The folder's own flock keeps other processes out: it leaves nothing on the stick and works on one that is
    read-only. Windows and some network folders have none; then two commands at the same moment are the person's care.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        exclusive: bool = False,
        lock: bool = True,
        on_wait: OnWait | None = None,
    ) -> None:
        """Raises OSError, FileNotFoundError when there is no such folder and not `create`, and FolderForeignError for
        a link or a file in its place. Waits for other processes, unless there is no `lock`."""
        self.path = path
        self._base: int | None = None
        if create:
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
                _sync_folder(path.parent)
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise FolderForeignError(f"{path} is a link or a file, and no folder.")
        if os.open in os.supports_dir_fd:
            self._base = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
            if lock:
                self._lock(exclusive, on_wait)

    def _lock(self, exclusive: bool, on_wait: OnWait | None) -> None:
        if sys.platform == "win32" or self._base is None:
            return
        import fcntl

        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(self._base, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            try:
                fcntl.flock(self._base, kind)
            except BaseException:
                self.release()
                raise
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise

    def release(self) -> None:
        """Let the folder and its lock go."""
        base, self._base = self._base, None
        if base is not None:
            os.close(base)

    def scan(self) -> list[Found]:
        with os.scandir(self.path if self._base is None else self._base) as entries:
            first = list(islice(entries, ENTRIES_MAX + 1))
            if len(first) > ENTRIES_MAX:
                raise FolderForeignError(f"{self.path} holds more than {ENTRIES_MAX} files, and coldshare has few.")
            found = []
            for entry in first:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    found.append(Found(entry.name, status.st_size, stat.S_ISREG(status.st_mode)))
            return found

    def read(self, name: str, limit: int) -> bytes:
        handle = self._open(name, os.O_RDONLY)
        try:
            _forget(handle)
            pieces, missing = [], limit + 1
            while missing and (piece := os.read(handle, missing)):
                pieces.append(piece)
                missing -= len(piece)
            return b"".join(pieces)
        finally:
            os.close(handle)

    def create(self, name: str) -> int:
        return self._raw(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def open(self, name: str) -> int:
        return self._open(name, os.O_WRONLY)

    def write(self, handle: int, data: bytes) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        os.fsync(handle)
        if sys.platform == "darwin":
            import fcntl

            # There fsync only hands it to the drive.
            with contextlib.suppress(OSError):
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)

    def close(self, handle: int) -> None:
        os.close(handle)

    def remove(self, name: str) -> None:
        if self._base is None:
            (self.path / name).unlink()
        else:
            os.unlink(name, dir_fd=self._base)

    def sync_names(self) -> None:
        if self._base is not None:
            _sync_handle(self._base)

    def _open(self, name: str, flags: int) -> int:
        # Without O_NONBLOCK somebody's pipe in the place of a file would be waited for.
        handle = self._raw(name, flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FolderForeignError(f"{self.path / name} is no regular file.")
        return handle

    def _raw(self, name: str, flags: int) -> int:
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        if self._base is None:
            return os.open(self.path / name, flags, 0o600)
        return os.open(name, flags, 0o600, dir_fd=self._base)


def _forget(handle: int) -> None:
    """See that what is read comes from the disk. What is on it by now is all that can be forgotten."""
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(handle, _F_NOCACHE, 1)
    elif hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(path: Path) -> None:
    if os.open in os.supports_dir_fd:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _sync_handle(handle)
        finally:
            os.close(handle)


def _sync_handle(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems have no such thing for folders. A disk that fails is another matter.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP):
            raise
