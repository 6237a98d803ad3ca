"""Who reads the token's screen and presses its buttons."""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
from types import FrameType
from typing import IO, Any, Protocol

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_sim.errors import NoPersonError, UnknownPersonError


class Person(Protocol):
    """`show` is called for every new screen, `button` whenever the firmware looks at its buttons.

    One with a `settle_ms` needs so many milliseconds to read a question; a press before that is no answer to it. None
    of those here has: what a script or a terminal types cannot have been meant for the question before.
    """

    def show(self, lines: list[str], question: bool) -> None: ...
    def button(self) -> int: ...
    def close(self) -> None: ...


class ScriptedPerson:
    """Answers every question the same way, at once, and remembers what was on the screen. YES is held where the screen
    asks for that."""

    def __init__(self, answer: int) -> None:
        self._answer = answer
        self._pending = BUTTON_NONE
        self.screens: list[list[str]] = []

    def show(self, lines: list[str], question: bool) -> None:
        self.screens.append(lines)
        self._pending = self._answer if question else BUTTON_NONE
        if self._pending == BUTTON_YES and asks_to_hold(lines):
            self._pending = BUTTON_HELD

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


_KEYS = {
    b"y": BUTTON_YES,
    b"Y": BUTTON_YES,
    b"\r": BUTTON_YES,
    b"\n": BUTTON_YES,
    b"n": BUTTON_NO,
    b"N": BUTTON_NO,
    b"h": BUTTON_HELD,
    b"H": BUTTON_HELD,
}


class TerminalPerson:
    """Draws the screen on `screen` and takes single keys from the terminal `keys`: y or Enter is YES, n is NO, h is
    YES held down.

    The terminal is in single-key mode only while the token asks, and is put back on every way out: an answer, Ctrl-C,
    the end of the process, SIGTERM and SIGHUP.
    """

    def __init__(self, keys: IO[str], screen: IO[str]) -> None:
        self._keys = keys
        self._screen = screen
        self._lines: list[str] | None = None
        self._asked = False
        self._single = _SingleKeys(keys.fileno())

    def show(self, lines: list[str], question: bool) -> None:
        self._single.end()
        # The idle screen a token wakes up with is no news. Whatever comes after it is.
        if question or (self._lines is not None and lines != self._lines):
            self._screen.write(draw(lines, question))
            self._screen.flush()
        self._lines = lines
        self._asked = question
        if question:
            self._single.begin()

    def button(self) -> int:
        if not self._asked:
            return BUTTON_NONE
        ready, _, _ = select.select([self._keys], [], [], 0)
        if not ready:
            return BUTTON_NONE
        key = os.read(self._keys.fileno(), 1)
        if not key:  # the terminal is gone, and nobody with it
            raise NoPersonError
        return _KEYS.get(key, BUTTON_NONE)

    def close(self) -> None:
        self._single.end()


class _SingleKeys:
    """Single, unechoed keys on a terminal; Ctrl-C still works. Both ends drop what was typed and not read: a key from
    before the question must not answer it, and one too many must not end up in the next password."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._mode: list[Any] | None = None
        self._handlers: dict[int, Any] = {}

    def begin(self) -> None:
        if sys.platform == "win32" or self._mode is not None:
            return
        import termios
        import tty

        self._mode = termios.tcgetattr(self._terminal)
        atexit.register(self.end)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, self._on_signal)
        tty.setcbreak(self._terminal, termios.TCSAFLUSH)

    def end(self) -> None:
        if sys.platform == "win32" or self._mode is None:
            return
        import termios

        mode, self._mode = self._mode, None
        termios.tcsetattr(self._terminal, termios.TCSAFLUSH, mode)
        atexit.unregister(self.end)
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.end()
        os.kill(os.getpid(), number)  # and now what would have happened without us


def draw(lines: list[str], question: bool) -> str:
    """The token's display in a terminal."""
    width = max([24, *(len(line) for line in lines)])
    edge = "-" * (width + 2)
    body = "\n".join(f"  | {line:<{width}} |" for line in lines)
    yes = "h = HOLD YES" if question and asks_to_hold(lines) else "y = YES"
    keys = f"   keys: {yes}, n = NO" if question else ""
    return f"\n  +{edge}+   the token's screen\n{body}\n  +{edge}+{keys}\n"


def person_for(user: str | None) -> Person:
    """`approve`, `reject`, `terminal` or `absent`; by default whoever sits at the terminal, if there is one."""
    if user == "approve":
        return ScriptedPerson(BUTTON_YES)
    if user == "reject":
        return ScriptedPerson(BUTTON_NO)
    terminal = sys.stdin.isatty() and sys.platform != "win32"
    if user == "absent" or (user is None and not terminal):
        return AbsentPerson()
    if user not in (None, "terminal"):
        raise UnknownPersonError(f"There is no {user!r} to press a software token's buttons.")
    if not terminal:
        raise NoPersonError
    return TerminalPerson(sys.stdin, sys.stderr)
