"""Whose turn it is at a token: one coldshare process at a time, over whichever carrier.

HID shows every report to every process that has the token open, and a session on the token ends when another one
begins. So a process takes a lock by the token's serial in this computer's home before it opens the token, and others
wait. The lock is the kernel's: a process that dies leaves none behind. On Windows there is none.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from coldshare.device.errors import TokenInUseError
from coldshare.home import home

#: Hears for how many seconds the token has been waited for, ten times a second. What it raises ends the waiting.
OnWait = Callable[[float], None]

#: Seconds.
_LONGEST = 10.0
_SLICE = 0.1


class Turn:
    """A turn at one token, until it is closed."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def take(
    serial: str,
    on_wait: OnWait | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Turn:
    """Wait for up to ten seconds until no other process has the token. Raises TokenInUseError.

    Where nothing can be locked (no home that can be written, a network folder) two commands at the same moment are
    the person's care: a token must not become useless because a disk is full.
    """
    if sys.platform == "win32":
        return Turn(None)
    path = _path(serial)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Somebody else's link in its place would have us make a file where it points.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return Turn(None)
    try:
        start = clock()
        while not _locked(descriptor, alone=True):
            waited = clock() - start
            if waited >= _LONGEST:
                raise TokenInUseError("Another coldshare uses this token, and did not finish in ten seconds.")
            if on_wait is not None:
                on_wait(waited)
            sleep(_SLICE)
    except BaseException:
        os.close(descriptor)
        raise
    return Turn(descriptor)


def taken(serial: str) -> bool:
    """Whether some process, this one included, has its turn at the token now. Makes and changes nothing."""
    if sys.platform == "win32":
        return False
    try:
        descriptor = os.open(_path(serial), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _locked(descriptor, alone=False)
    finally:
        os.close(descriptor)


def _path(serial: str) -> Path:
    return home() / "turns" / f"{serial.lower()}.lock"


def _locked(descriptor: int, *, alone: bool) -> bool:
    """False when somebody else has the lock. What cannot be locked counts as locked."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
