"""A software token in this process as the token under test: its operator has all abilities, and time is virtual."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coldshare.conformance.operator import AGREE, NOBODY, PRESS

if TYPE_CHECKING:
    from coldshare_sim.token import SoftToken


class Finger:
    """A person (`coldshare_sim.person.Person`) who does at every question what `answer` says."""

    def __init__(self) -> None:
        self.answer = AGREE
        self.lines: list[str] = []
        self._pending = 0

    def show(self, lines: list[str], question: bool) -> None:
        from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
        from coldshare_firmware.screens import asks_to_hold

        self.lines = lines
        self._pending = BUTTON_NONE
        if question and self.answer != NOBODY:
            if self.answer == AGREE:
                self._pending = BUTTON_HELD if asks_to_hold(lines) else BUTTON_YES
            else:
                self._pending = BUTTON_YES if self.answer == PRESS else BUTTON_NO

    def button(self) -> int:
        pressed, self._pending = self._pending, 0
        return pressed

    def close(self) -> None:
        pass


class SimOperator:
    """`token` must have been opened with `finger` as its person, and a clock that does not really wait."""

    def __init__(self, token: SoftToken, finger: Finger, revive: Callable[[], None] | None = None) -> None:
        self._token = token
        self._finger = finger
        self._revive = revive

    @property
    def answer(self) -> str:
        return self._finger.answer

    @answer.setter
    def answer(self, what: str) -> None:
        self._finger.answer = what

    def asked(self) -> None:
        """The finger has seen the screen already."""

    def screen(self) -> list[str]:
        return list(self._finger.lines)

    def power_cycle(self) -> None:
        self._token.power_cycle()
        if self._revive is not None:
            self._revive()

    def now_ms(self) -> int:
        return self._token.clock.now_ms()

    def wait(self, milliseconds: int) -> None:
        self._token.clock.sleep(milliseconds / 1000)

    def save(self) -> bytes | None:
        return bytes(self._token.chip.image)

    def load(self, image: bytes) -> None:
        self._token.chip.image[:] = image
        self.power_cycle()

    def close(self) -> None:
        self._token.close()
