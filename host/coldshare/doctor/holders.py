"""Who has a file open. Linux tells that of one's own processes, and of all of them to root."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """`name` is what the program calls itself."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


@dataclass(frozen=True)
class Holders:
    """Other processes that have it open. There may be more of them unless `complete`."""

    found: tuple[Holder, ...]
    complete: bool

    def __str__(self) -> str:
        named = ", ".join(str(one) for one in self.found)
        hidden = "" if self.complete else "a process of another account, which only root sees"
        return " or ".join(part for part in (named, hidden) if part) or "nobody that can be seen"


def who(paths: Collection[str]) -> dict[str, Holders]:
    """The holders of each of `paths`, this process left out. Nothing is opened and nobody is asked."""
    found: dict[str, list[Holder]] = {path: [] for path in paths}
    complete = True
    for process in _processes():
        try:
            descriptors = list((process / "fd").iterdir())
        except PermissionError:
            complete = False
            continue
        except OSError:  # it has ended, or this is no /proc
            continue
        for target in {_target(one) for one in descriptors} & set(found):
            found[target].append(Holder(int(process.name), _name(process)))
    return {path: Holders(tuple(sorted(one, key=lambda holder: holder.pid)), complete) for path, one in found.items()}


def _processes() -> list[Path]:
    try:
        return [entry for entry in _PROC.iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]
    except OSError:
        return []


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
