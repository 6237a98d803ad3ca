"""A finger on a software token's buttons that does what it was told last, whatever the token asks."""

from __future__ import annotations

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold

_BUTTONS = {"agree": BUTTON_YES, "press": BUTTON_YES, "refuse": BUTTON_NO, "nobody": BUTTON_NONE}


class Finger:
    """A `coldshare_sim.person.Person`. `answer` holds for every question until it is changed.

    `agree` is YES, held where the screen asks for that; `press` a short YES in any case; `refuse` NO; `nobody` nothing.
    """

    def __init__(self) -> None:
        self.answer = "agree"
        #: What is on the screen.
        self.lines: list[str] = []
        self._pending = BUTTON_NONE

    def show(self, lines: list[str], question: bool) -> None:
        self.lines = lines
        self._pending = _BUTTONS[self.answer] if question else BUTTON_NONE
        if self._pending == BUTTON_YES and self.answer == "agree" and asks_to_hold(lines):
            self._pending = BUTTON_HELD

    def button(self) -> int:
        pressed, self._pending = self._pending, BUTTON_NONE
        return pressed

    def close(self) -> None:
        pass
