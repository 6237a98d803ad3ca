"""Whoever stands at the token while it is tested: presses its buttons, reads its screen, pulls its plug."""

from __future__ import annotations

from typing import Protocol

#: What the token's next questions get.
AGREE = "agree"  # a press, or a button held where the screen asks for that
PRESS = "press"  # a short press, whatever the screen asks for
REFUSE = "refuse"
NOBODY = "nobody"


class CannotError(Exception):
    """This operator has no way to do that; the row is skipped, and says why."""


class Operator(Protocol):
    """One person, or what takes its place."""

    #: True where somebody has to stand up for every press, so that rows of hundreds are left out.
    by_hand: bool
    reads_screen: bool

    @property
    def answer(self) -> str:
        """What every question gets until it is changed."""
        ...

    @answer.setter
    def answer(self, what: str) -> None: ...

    def begins(self, title: str) -> None:
        """A row begins."""
        ...

    def asked(self, *, new: bool) -> None:
        """The token says that it waits for a person, again or for the first time in this request."""
        ...

    def passing(self) -> None:
        """The token says that it is at work, or lets time pass."""
        ...

    def screen(self) -> list[str]:
        """The lines that are on the screen, where `reads_screen`."""
        ...

    def power_cycle(self) -> None:
        """Pull the plug and put it back. Raises CannotError."""
        ...

    def now_ms(self) -> int:
        """Time as it passes for the token."""
        ...

    def save(self) -> bytes | None:
        """The token's flash, where it can be had at no cost; saves a person a hundred presses."""
        ...

    def load(self, image: bytes) -> None:
        """Put back what `save` gave, and power up."""
        ...

    def close(self) -> None: ...
