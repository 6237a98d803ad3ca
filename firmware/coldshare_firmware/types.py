"""What the firmware needs from the board, as types. Read by type checkers only, never at run time."""

from __future__ import annotations

from typing import Any, Protocol

from coldshare_iface.types import Aes

#: A message or a persisted record: unsigned integer keys.
Map = dict[int, Any]


class KeyFlash(Protocol):
    """The raw key area: two erase blocks of NOR flash outside any file system."""

    block_size: int

    def read(self, block: int, offset: int, size: int) -> bytes: ...
    def erase(self, block: int) -> None: ...
    def program(self, block: int, offset: int, data: bytes) -> None: ...


class Files(Protocol):
    """A power-safe file system (littlefs): `write`, `append`, `rename` and `remove` happen whole or not at all.

    Failures are OSError with a positive errno: ENOENT for a missing file (`append` and `write` make it), ENOSPC when
    there is no room. `rename` replaces.
    """

    def mkdir(self, path: str) -> None: ...
    def listdir(self, path: str) -> list[str]: ...
    def size(self, path: str) -> int: ...
    def read(self, path: str, offset: int, length: int) -> bytes: ...
    def write(self, path: str, data: bytes) -> None: ...
    def append(self, path: str, data: bytes) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def remove(self, path: str) -> None: ...
    def free(self) -> int: ...


class Hal(Protocol):
    """Everything that differs between boards.

    `now_ms` never goes back and starts at nought or later. `show` draws the lines; with `question` the buttons are
    about them. `button` is what is down now (`person.BUTTON_*`): BUTTON_YES as soon as YES is down, BUTTON_HELD once
    it has been down without a break for `wire.HOLD_MS`. A question must have been there for `settle_ms`, with no button
    down at the end of it, before a press counts: `wire.SETTLE_MS` where fingers press, 0 where a script does.

    Two things a board may have on top: `has_screen`, false where nothing can be read on it; and `progress()`, which is
    called over and over in the middle of a key agreement, for a board that needs seconds for one to say that it lives.
    """

    model: str
    report_size: int
    settle_ms: int
    aes: Aes
    keys: KeyFlash
    files: Files

    def random(self, n: int) -> bytes: ...
    def now_ms(self) -> int: ...
    def show(self, lines: list[str], question: bool) -> None: ...
    def button(self) -> int: ...
