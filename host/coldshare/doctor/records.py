"""This computer's own records: may they be read and written, by us and by nobody else."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from coldshare.device.pairings import PairingStore
from coldshare.doctor.finding import Finding
from coldshare.doctor.holders import who
from coldshare.home import home, pairings_path


def folder() -> Iterator[Finding]:
    """COLDSHARE_HOME, or what stands for it."""
    path = home()
    try:
        status = path.stat()
    except FileNotFoundError:
        yield Finding("home", "ok", "none_yet", f"{path} is made when it is needed.")
        return
    if sys.platform != "win32":
        yield from _wrong(path, status)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "home",
            "fail",
            "not_writable",
            f"{path} cannot be read and written, so no pairing can be kept.",
            "See that the disk is not full or read-only, and that the folder is yours.",
        )
        return
    known = len(PairingStore(pairings_path()).all())  # raises what is wrong with the file
    yield Finding("home", "ok", "usable", f"{path}, {known} pairings", facts={"pairings": known})


def _wrong(path: Path, status: os.stat_result) -> Iterator[Finding]:
    quoted = shlex.quote(str(path))
    if status.st_uid != os.geteuid():
        yield Finding(
            "home",
            "fail",
            "not_ours",
            f"{path} belongs to another account: a command was run there as root, perhaps.",
            f'Take it back: sudo chown -R "$(id -u)" {quoted}',
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        yield Finding(
            "home",
            "warn",
            "others_may_write",
            f"Others may write to {path}, where the pairing keys are.",
            f"Close it: chmod 700 {quoted}",
            facts={"mode": f"{mode:04o}"},
        )


def turns() -> Iterator[Finding]:
    """Tokens that another coldshare process has at this moment. A process that died has none: the kernel sees to it."""
    from coldshare.device import turn

    locks = sorted((home() / "turns").glob("*.lock"))
    taken = [lock for lock in locks if turn.taken(lock.stem)]
    holders = who([str(lock) for lock in taken])
    for lock in taken:
        yield Finding(
            "turns",
            "warn",
            "taken",
            f"Another coldshare uses the token {lock.stem} now: {holders[str(lock)]}.",
            "Wait until it has finished. If it hangs, end that process.",
            serial=lock.stem,
            facts={"holders": len(holders[str(lock)].found)},
        )
