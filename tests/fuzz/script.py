"""Arbitrary bytes read as a script, so that most of them lead somewhere behind the first check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Script:
    """Reads from the front. Past the end everything is zero or empty, so that every script can be followed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def number(self, width: int = 1) -> int:
        """An unsigned integer of `width` bytes, big-endian."""
        return int.from_bytes(self.take(width), "big")

    def take(self, count: int) -> bytes:
        """Up to `count` bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def string(self) -> bytes:
        """Bytes behind their length in one byte."""
        return self.take(self.number())

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data))

    def pick(self, choices: Sequence[_T]) -> _T:
        return choices[self.number() % len(choices)]

    def flag(self) -> bool:
        return self.number() & 1 == 1

    def edit(self, data: bytes) -> bytes:
        """`data` with splices: as many as the script asks for, at most 8, each of a place, a removal and an insertion.

        Places are relative to the front, or to the end.
        """
        for _ in range(self.number() % 9):
            at = self.number(2) % (len(data) + 1)
            if self.flag():
                at = len(data) - at
            remove = self.number()
            data = data[:at] + self.string() + data[at + remove :]
        return data

    def value(self, depth: int = 3) -> object:
        """A value of the CBOR profile, as small as the script makes it."""
        kind = self.number()
        if kind < 0x40:
            return kind
        match kind & 7:
            case 0:
                return self.number(self.number() % 9)
            case 1:
                return self.string()
            case 2:
                return self.string().decode(errors="replace")
            case 3:
                return (None, True, False, -1 - self.number())[kind >> 3 & 3]
            case 4:
                return bytes([self.number()]) * (8, 16, 32, 33)[kind >> 3 & 3]
            case 5 if depth:
                return [self.value(depth - 1) for _ in range(kind >> 3 & 3)]
            case 6 if depth:
                return {self.number() & 15: self.value(depth - 1) for _ in range(kind >> 3 & 3)}
        return self.number(4)
