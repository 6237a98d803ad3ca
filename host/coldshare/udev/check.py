"""Whether the rules are installed, are the present ones, and count."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coldshare.udev.rules import NAME

#: Where udev looks. Of two files with the same name the one in the earlier folder counts.
FOLDERS = tuple(Path(root) / "udev/rules.d" for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))
# The files of udev itself between which ours must be read: the first sets the mode of every USB device, the second
# gives what is tagged to the person at the seat.
_AFTER, _BEFORE = "50-udev-default.rules", "73-seat-late.rules"
_SIZE_MAX = 64 * 1024

CURRENT = "current"
DIFFERENT = "different"
MASKED = "masked"
MISSING = "missing"
UNREADABLE = "unreadable"

#: Said of files that are misplaced.
NUMBERS = "the number in its name must be above 50 and below 73."
_INSTALL = "coldshare udev install"


@dataclass(frozen=True)
class Installed:
    """`state` is one of the words above; `path` the file that counts, if there is one.

    `misplaced` are files for coldshare whose names make udev read them too early or too late; `shadowed` are files of
    the right name that another one stands in front of.
    """

    state: str
    path: Path | None = None
    misplaced: tuple[Path, ...] = ()
    shadowed: tuple[Path, ...] = ()


def check(shipped: bytes, folders: Sequence[Path]) -> Installed:
    """Compare what is installed with `shipped`. Needs no privilege and changes nothing."""
    ours = [path for path in _rules(folders) if path.name == NAME]
    misplaced = tuple(path for path in _rules(folders) if not _AFTER < path.name < _BEFORE)
    if not ours:
        return Installed(MISSING, None, misplaced)
    return Installed(_state(ours[0], shipped), ours[0], misplaced, tuple(ours[1:]))


def _rules(folders: Sequence[Path]) -> Iterator[Path]:
    """Every rules file with our name in it, in the order of the folders."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            status = folder.stat()
            paths = sorted(folder.iterdir())
        except OSError:
            continue
        # /lib is a link to /usr/lib nearly everywhere.
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (path for path in paths if "coldshare" in path.name and path.suffix == ".rules")


def _state(path: Path, shipped: bytes) -> str:
    try:
        # Opened first, or it could be exchanged for something that never ends.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return MASKED if path.samefile(os.devnull) else UNREADABLE
            data = os.read(descriptor, _SIZE_MAX)
        finally:
            os.close(descriptor)
    except OSError:
        return UNREADABLE
    if not data:
        return MASKED
    return CURRENT if data == shipped else DIFFERENT


def says(found: Installed) -> str:
    """`found` as a sentence."""
    return {
        CURRENT: f"The rules are installed: {found.path}",
        DIFFERENT: f"{found.path} is another version of the rules.",
        MASKED: f"{found.path} turns the rules off on purpose.",
        MISSING: "The rules are not installed.",
        UNREADABLE: f"{found.path} cannot be read, so nobody knows what it says.",
    }[found.state]


def mend(found: Installed) -> str:
    """The next step; empty when all is well."""
    if found.state == CURRENT:
        return ""
    return f"if you want them, remove that file; then {_INSTALL}" if found.state == MASKED else _INSTALL
