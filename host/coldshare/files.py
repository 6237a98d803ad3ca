"""Writing files that must not be lost, half-written, readable by others, or on top of something else."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from coldshare.errors import InputError


class OutputError(InputError):
    """The file cannot be written."""

    code = "output_failed"
    vendor = "PERSISTENCE_FAILED"
    next_step = "Check that the folder exists, that you may write there and that the disk is not full."


class OutputExistsError(InputError):
    """There is a file of that name already, and coldshare never overwrites one."""

    code = "output_exists"
    next_step = "Name another file."


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Write `data` to `path`, mode 0600: whole or not at all, and on disk before this returns.

    Without `replace` an existing file is left alone, even one that appears while we write. Raises OutputError or
    OutputExistsError, and then nothing of ours is left behind.
    """
    if not replace and os.path.lexists(path):
        raise OutputExistsError(f"{path} exists already; coldshare never overwrites a file.")
    temporary = path.with_name(f".coldshare-{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                _move_without_replacing(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise OutputExistsError(f"{path} exists already; coldshare never overwrites a file.") from None
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {os.strerror(error.errno or 0)}.") from error


def open_private(path: Path) -> TextIO:
    """A new text file, mode 0600, in which every line that is written is there at once, whatever happens next.

    Raises OutputExistsError and OutputError.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    except FileExistsError:
        raise OutputExistsError(f"{path} exists already; coldshare never overwrites a file.") from None
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {os.strerror(error.errno or 0)}.") from error
    return os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes out while `path` is read and rewritten. Its folder must exist. Not reentrant.

    The lock is a file beside it, because `path` itself is replaced. On Windows there is none. Raises OutputError.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        # Somebody else's link in its place would have us make a file where it points.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path.with_suffix(".lock"), flags, 0o600)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be written: {os.strerror(error.errno or 0)}.") from error
    try:
        # Some network folders cannot lock. Then two commands at the same moment are the person's care.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _move_without_replacing(temporary: Path, path: Path) -> None:
    try:
        # A hard link, unlike a rename, fails when the name is taken.
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network folders have no hard links: take the name first, then move over our own empty file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            temporary.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """See that a name that was just given or taken there is on disk, as far as the file system can."""
    if os.name == "posix":
        # Some file systems cannot do it; the file itself is on disk by now.
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
