"""Who reads the token's screen and presses its buttons."""

from __future__ import annotations

import os
import select
import sys
from typing import IO, Protocol

from coldshare_firmware.person import BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_sim.errors import NoPersonError


class Person(Protocol):
    """`show` is called for every new screen, `button` whenever the firmware looks at its buttons."""

    def show(self, lines: list[str], question: bool) -> None: ...
    def button(self) -> int: ...
    def close(self) -> None: ...


class ScriptedPerson:
    """Answers every question the same way, at once, and remembers what was on the screen."""

    def __init__(self, answer: int) -> None:
        self._answer = answer
        self._pending = BUTTON_NONE
        self.screens: list[list[str]] = []

    def show(self, lines: list[str], question: bool) -> None:
        self.screens.append(lines)
        self._pending = self._answer if question else BUTTON_NONE

    def button(self) -> int:
        pressed, self._pending = self._pending, BUTTON_NONE
        return pressed

    def close(self) -> None:
        pass


class AbsentPerson:
    """Nobody is there. Fine until the token asks something."""

    def __init__(self) -> None:
        self._asked = False

    def show(self, lines: list[str], question: bool) -> None:
        self._asked = question

    def button(self) -> int:
        if self._asked:
            raise NoPersonError
        return BUTTON_NONE

    def close(self) -> None:
        pass


_KEYS = {"y": BUTTON_YES, "Y": BUTTON_YES, "\r": BUTTON_YES, "\n": BUTTON_YES, "n": BUTTON_NO, "N": BUTTON_NO}


class TerminalPerson:
    """Draws the screen on standard error and takes single keys from standard input: y is YES, n is NO."""

    def __init__(self, keys: IO[str], screen: IO[str]) -> None:
        self._keys = keys
        self._screen = screen
        self._asked = False
        self._mode: list[object] | None = None

    def show(self, lines: list[str], question: bool) -> None:
        self._restore()
        if question or self._asked:
            self._screen.write(draw(lines))
            self._screen.flush()
        self._asked = question
        if question:
            self._cbreak()

    def button(self) -> int:
        if not self._asked or sys.platform == "win32":
            return BUTTON_NONE
        ready, _, _ = select.select([self._keys], [], [], 0)
        if not ready:
            return BUTTON_NONE
        return _KEYS.get(os.read(self._keys.fileno(), 1).decode("ascii", "replace"), BUTTON_NONE)

    def _cbreak(self) -> None:
        """Single keys, unechoed; Ctrl-C still works."""
        if sys.platform != "win32" and self._mode is None:
            import termios
            import tty

            self._mode = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys, termios.TCSANOW)

    def _restore(self) -> None:
        if sys.platform != "win32" and self._mode is not None:
            import termios

            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._mode)  # type: ignore[arg-type]
            self._mode = None

    def close(self) -> None:
        self._restore()


def draw(lines: list[str]) -> str:
    """The token's display in a terminal."""
    width = max(24, *(len(line) for line in lines))
    edge = "-" * (width + 2)
    body = "\n".join(f"  | {line:<{width}} |" for line in lines)
    return f"\n  +{edge}+   the token's screen\n{body}\n  +{edge}+   keys: y = YES, n = NO\n"


def person_for(user: str | None) -> Person:
    """The person an address asks for: `approve`, `reject`, or whoever sits at the terminal."""
    if user == "approve":
        return ScriptedPerson(BUTTON_YES)
    if user == "reject":
        return ScriptedPerson(BUTTON_NO)
    if sys.stdin.isatty() and sys.platform != "win32":
        return TerminalPerson(sys.stdin, sys.stderr)
    return AbsentPerson()
