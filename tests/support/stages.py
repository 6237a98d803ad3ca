"""Worlds that take a while to make: each is made once in a run, and copied wherever a test begins like another one."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

#: When every file was changed that a world begins with.
_BEFORE = 1_000_000_000

#: What a command does also depends on these.
_ENVIRONMENT = ("COLDSHARE_HOME", "COLDSHARE_SINGLE_HOST", "COLDSHARE_AT")


def same_folder(factory: pytest.TempPathFactory) -> Path:
    """An empty folder, which has one name for every test that asks: ledgers and pairings remember paths."""
    folder = factory.getbasetemp() / "stage"
    if folder.exists():
        for path, names, _ in os.walk(folder):
            for name in names:
                if not (Path(path) / name).is_symlink():
                    (Path(path) / name).chmod(0o700)  # a test may have closed it
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


@dataclass(frozen=True)
class Step:
    """What a step came to: the files that it wrote, copied to `copies`, those that it took away, its folders with their
    modes, and what it returned."""

    copies: Path
    written: tuple[str, ...]
    gone: tuple[str, ...]
    folders: dict[str, int]
    result: Any

    def again(self, folder: Path) -> None:
        for name in self.gone:
            (folder / name).unlink()
        for name, mode in self.folders.items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(mode)
        for number, name in enumerate(self.written):
            shutil.copy2(self.copies / str(number), folder / name)


#: Of this run, by where its folders are and all that had been done in the one that a world was made in.
_made: dict[tuple[Path, tuple[Hashable, ...]], Step] = {}


class Stages:
    """The steps in which a test's world is made, in a `folder` that holds a few files, or nothing. Nothing but that
    folder may matter to them, and nothing but it may change; the clock is the real one."""

    def __init__(self, folder: Path, factory: pytest.TempPathFactory) -> None:
        self._folder = folder
        self._base = factory.getbasetemp()
        for name in self._content():
            os.utime(folder / name, (_BEFORE, _BEFORE))
        self._left = self._content()
        begun = frozenset((name, sha256((folder / name).read_bytes()).digest()) for name in self._left)
        self._done: tuple[Hashable, ...] | None = (folder, begun)

    def step(self, name: Hashable, build: Callable[[], T]) -> T:
        """What `build` returns. It is not called where another test has done the same after the same; `name` tells what
        it does, with all arguments. Once the test has done anything else in the folder, it always is."""
        if self._done is None or self._content() != self._left:
            self._done = None
            return build()
        done = (*self._done, (name, tuple(map(os.environ.get, _ENVIRONMENT))))
        step = _made.get((self._base, done))
        if step is None:
            step = _made[self._base, done] = self._first(build)
        else:
            step.again(self._folder)
        self._done = done
        self._left = self._content()
        result: T = step.result
        return result

    def _first(self, build: Callable[[], T]) -> Step:
        before = self._left
        result = build()
        after = self._content()
        copies = self._base / "stages made" / str(len(_made))
        copies.mkdir(parents=True)
        written = tuple(name for name, mark in after.items() if before.get(name) != mark)
        for number, name in enumerate(written):
            shutil.copy2(self._folder / name, copies / str(number))
        folders = {
            str(path.relative_to(self._folder)): stat.S_IMODE(path.stat().st_mode)
            for path in sorted(self._folder.rglob("*"))
            if path.is_dir()
        }
        return Step(copies, written, tuple(before.keys() - after.keys()), folders, result)

    def _content(self) -> dict[str, tuple[int, int]]:
        """Of every file when it was changed, and how long it is: a copy keeps both."""
        found = (path for path in self._folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self._folder)): (it.st_mtime_ns, it.st_size) for path in found for it in [path.stat()]
        }
