"""The operator of a real token: a person, who is told here what to press there."""

from __future__ import annotations

import time
from collections.abc import Callable

from coldshare.conformance.operator import AGREE, NOBODY, PRESS, REFUSE, CannotError

_WORDS = {
    AGREE: "Answer YES: press it, or hold it for two seconds where the screen says HOLD.",
    PRESS: "Press YES for a moment and let go at once, although the screen says HOLD. Then press Enter here",
    REFUSE: "Press NO.",
    NOBODY: "Press nothing.",
}
#: Keepalives, a quarter of a second apart, after which a person is told again.
_AGAIN = 40
_NO_POWER = "nobody can cut its power here"


class TerminalOperator:
    """`say` shows a line; `ask` shows a question and waits for the line that answers it; `now_ms` is the time."""

    by_hand = True
    reads_screen = False

    def __init__(
        self, say: Callable[[str], None], ask: Callable[[str], str], now_ms: Callable[[], int] | None = None
    ) -> None:
        self.answer = AGREE
        self._say = say
        self._ask = ask
        self._title = ""
        self._heard = 0
        self._powerless = False
        self._now_ms = now_ms or _now_ms

    def begins(self, title: str) -> None:
        self._title = title

    def asked(self, *, new: bool) -> None:
        self._heard = 1 if new else self._heard + 1
        if self._heard % _AGAIN != 1:
            return
        if self._title:
            self._say(f"\n{self._title}.")
            self._title = ""
        if self.answer != PRESS:
            self._say(f"  {_WORDS[self.answer]}")
        elif new:
            self._ask(f"  {_WORDS[PRESS]}")

    def passing(self) -> None:
        """The person waits, too."""

    def screen(self) -> list[str]:
        raise CannotError("nobody here can read the token's screen for the kit")

    def power_cycle(self) -> None:
        if not self._powerless:
            said = self._ask("  Unplug the token, plug it in again, then press Enter; or type s and Enter to skip this")
            self._powerless = said.strip().lower().startswith("s")
        if self._powerless:
            raise CannotError(_NO_POWER)

    def now_ms(self) -> int:
        return self._now_ms()

    def save(self) -> bytes | None:
        return None

    def load(self, image: bytes) -> None:
        raise CannotError("it saves nothing")

    def close(self) -> None:
        """The terminal stays."""


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
