"""A token's screen and buttons within reach of more than one hand: a script or a terminal, and the control socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coldshare_firmware.person import BUTTON_NONE
from coldshare_sim.person import Person


@dataclass(frozen=True, slots=True)
class Screen:
    """What is on the token's screen. `number` counts the screens since the start, so that none is mixed up."""

    number: int
    lines: tuple[str, ...]
    question: bool


class Panel:
    """A person (`inner`), whose buttons others can press too. `on_screen` hears every new screen."""

    def __init__(self, inner: Person | None) -> None:
        self.screen = Screen(0, (), False)
        self.on_screen: Callable[[Screen], None] | None = None
        self.settle_ms: int = getattr(inner, "settle_ms", 0)
        self._inner = inner
        self._pressed = BUTTON_NONE

    def press(self, button: int) -> bool:
        """False where nothing is asked: a press from before a question is no answer to it."""
        if not self.screen.question:
            return False
        self._pressed = button
        return True

    def show(self, lines: list[str], question: bool) -> None:
        self._pressed = BUTTON_NONE
        self.screen = Screen(self.screen.number + 1, tuple(lines), question)
        if self._inner is not None:
            self._inner.show(lines, question)
        if self.on_screen is not None:
            self.on_screen(self.screen)

    def dark(self) -> None:
        """The token has no power: nothing is on its screen, and nothing is asked."""
        self.show([], False)

    def button(self) -> int:
        pressed, self._pressed = self._pressed, BUTTON_NONE
        if pressed == BUTTON_NONE and self._inner is not None:
            return self._inner.button()
        return pressed

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()
