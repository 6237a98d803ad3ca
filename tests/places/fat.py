"""A disk with a file system that promises no more than FAT on a cheap stick, for `coldshare.places.folder`.

What was not waited for may be lost, torn, emptied or filled with rubbish when the power goes, each file by itself and
in any order; a name may be there or not. What was waited for stays.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from coldshare.places.files import Found

Image = dict[str, bytes]
RUBBISH = b"\xf6" * 48


class PowerCutError(Exception):
    """Not an OSError: nothing runs any more, so nothing may catch it and go on."""


@dataclass
class _File:
    data: bytes
    #: What is surely on the disk; None when nothing is.
    durable: bytes | None
    named: bool

    @property
    def outcomes(self) -> list[bytes | None]:
        """What can be there after a cut; None: no such name."""
        found: list[bytes | None] = [] if self.named else [None]
        if self.data == self.durable:
            return [*found, self.data]
        old = self.durable or b""
        half = len(self.data) // 2
        torn = self.data[:half] + old[half:]
        return [*found, *dict.fromkeys((old, self.data, torn, b"", RUBBISH))]


class FatDisk:
    """`cut` is the number of the operation that never happens; `fails` maps such numbers to errnos."""

    def __init__(self, image: Image | None = None, cut: int | None = None, fails: dict[int, int] | None = None) -> None:
        self._files = {name: _File(data, data, named=True) for name, data in (image or {}).items()}
        self._gone: dict[str, list[bytes | None]] = {}
        self._handles: dict[int, str] = {}
        self._cut = cut
        self._fails = fails or {}
        self.room: int | None = None
        self.done = 0

    def _step(self) -> None:
        if self.done == self._cut:
            raise PowerCutError
        self.done += 1
        if self.done in self._fails:
            raise OSError(self._fails[self.done], "as the test says")

    def images(self) -> Iterator[Image]:
        """Every state in which the disk can be found after a cut here."""
        names = sorted({*self._files, *self._gone})
        choices = [
            [*(self._gone.get(name, [])), *(self._files[name].outcomes if name in self._files else [])]
            for name in names
        ]
        for outcome in itertools.product(*choices):
            yield {name: data for name, data in zip(names, outcome, strict=True) if data is not None}

    @property
    def image(self) -> Image:
        """What a process sees."""
        return {name: file.data for name, file in self._files.items()}

    # --- Files

    def scan(self) -> list[Found]:
        return [Found(name, len(file.data), plain=True) for name, file in self._files.items()]

    def read(self, name: str, limit: int) -> bytes:
        if name not in self._files:
            raise OSError(errno.ENOENT, name)
        return self._files[name].data[: limit + 1]

    def create(self, name: str) -> int:
        self._step()
        if name in self._files:
            raise OSError(errno.EEXIST, name)
        self._files[name] = _File(b"", None, named=False)
        return self._handle(name)

    def open(self, name: str) -> int:
        if name not in self._files:
            raise OSError(errno.ENOENT, name)
        return self._handle(name)

    def write(self, handle: int, data: bytes) -> None:
        self._step()
        file = self._files[self._handles[handle]]
        if self.room is not None:
            used = sum(len(other.data) for other in self._files.values()) - len(file.data)
            if used + max(len(data), len(file.data)) > self.room:
                file.data = data[: max(0, self.room - used)]
                raise OSError(errno.ENOSPC, "full")
        file.data = data + file.data[len(data) :]

    def truncate(self, handle: int, size: int) -> None:
        self._step()
        file = self._files[self._handles[handle]]
        file.data = file.data[:size].ljust(size, b"\0")

    def sync(self, handle: int) -> None:
        self._step()
        file = self._files[self._handles[handle]]
        file.durable = file.data

    def close(self, handle: int) -> None:
        del self._handles[handle]

    def remove(self, name: str) -> None:
        self._step()
        file = self._files.pop(name)
        # Gone, still there, or a name whose clusters are somebody else's by now.
        self._gone[name] = list(dict.fromkeys([None, *file.outcomes, b"", RUBBISH]))

    def sync_names(self) -> None:
        self._step()
        self._gone.clear()
        for file in self._files.values():
            file.named = True

    def _handle(self, name: str) -> int:
        handle = max(self._handles, default=2) + 1
        self._handles[handle] = name
        return handle
