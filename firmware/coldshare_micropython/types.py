"""What is needed of MicroPython. Read by type checkers only, never at run time."""

from __future__ import annotations

from typing import Any, Protocol


class BlockDevice(Protocol):
    """A block device of MicroPython's, extended interface."""

    def readblocks(self, block: int, buffer: Any, offset: int = 0, /) -> Any: ...
    def writeblocks(self, block: int, buffer: Any, offset: int = 0, /) -> Any: ...
    def ioctl(self, op: int, argument: int, /) -> Any: ...
