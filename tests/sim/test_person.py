"""The person at the terminal: keys, and a terminal that is put back whatever happens."""

from __future__ import annotations

import io
import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import HOLD, HOLD_ON
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import NoPersonError
from coldshare_sim.flash import Chip
from coldshare_sim.person import ScriptedPerson, TerminalPerson, draw
from coldshare_sim.token import SoftToken
from support.client import Host
from support.terminal import CTRL_C, Terminal

QUESTION = ["Store this share?", "Savings"]


class Desk:
    """A terminal, seen from the keyboard."""

    def __init__(self) -> None:
        self.keyboard, self._terminal = os.openpty()
        self.keys: IO[str] = open(self._terminal)  # noqa: SIM115, PTH123
        self.screen = io.StringIO()
        self.person = TerminalPerson(self.keys, self.screen)
        self.before = termios.tcgetattr(self._terminal)

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    @property
    def mode(self) -> list[object]:
        return termios.tcgetattr(self._terminal)[:4]

    @property
    def sane(self) -> bool:
        return self.mode == self.before[:4]

    def button(self, seconds: float = 0.03) -> int:
        """What is pressed, once the key has come through the terminal."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pressed = self.person.button()
            if pressed != BUTTON_NONE:
                return pressed
        return BUTTON_NONE

    def close(self) -> None:
        self.person.close()
        self.keys.close()
        os.close(self.keyboard)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.mark.parametrize(
    ("key", "pressed"),
    [
        (b"y", BUTTON_YES),
        (b"Y", BUTTON_YES),
        (b"\n", BUTTON_YES),
        (b"\r", BUTTON_YES),
        (b"n", BUTTON_NO),
        (b"N", BUTTON_NO),
        (b"h", BUTTON_HELD),
        (b"H", BUTTON_HELD),
        (b"x", BUTTON_NONE),
        (b" ", BUTTON_NONE),
        (b"\x1b[A", BUTTON_NONE),
        (b"\xff", BUTTON_NONE),
        (b"xn", BUTTON_NO),
    ],
)
def test_keys(desk: Desk, key: bytes, pressed: int) -> None:
    desk.person.show(QUESTION, True)
    desk.type(key)
    assert desk.button(5 if pressed != BUTTON_NONE else 0.03) == pressed


def test_single_keys_only_while_it_asks(desk: Desk) -> None:
    desk.person.show(["coldshare"], False)
    assert desk.sane
    desk.type(b"y")
    assert desk.button() == BUTTON_NONE
    desk.person.show(QUESTION, True)
    assert not desk.sane
    desk.person.show(["coldshare"], False)
    assert desk.sane


def test_a_key_from_before_the_question_is_no_answer(desk: Desk) -> None:
    desk.type(b"yyy")
    assert os.read(desk.keyboard, 3) == b"yyy", "the echo: the keys have come through the terminal"
    desk.person.show(QUESTION, True)
    assert desk.button() == BUTTON_NONE
    desk.type(b"n")
    assert desk.button(5) == BUTTON_NO


def test_a_key_too_many_answers_no_later_question(desk: Desk) -> None:
    desk.person.show(QUESTION, True)
    desk.type(b"yyyy")
    assert desk.button(5) == BUTTON_YES
    desk.person.show(["Another question?"], True)
    assert desk.button() == BUTTON_NONE


def test_a_key_too_many_is_not_left_for_the_next_reader(desk: Desk) -> None:
    desk.person.show(QUESTION, True)
    desk.type(b"yyyy")
    assert desk.button(5) == BUTTON_YES
    desk.person.show(["coldshare"], False)
    desk.type(b"password\n")
    assert os.read(desk.keys.fileno(), 100) == b"password\n"


def test_what_is_drawn(desk: Desk) -> None:
    """The idle screen it wakes up with is not; every question and everything after it is, each once."""
    desk.person.show(["coldshare", "Safe A"], False)
    assert desk.screen.getvalue() == ""
    desk.person.show(["Pair? Compare:", "AAAAA BBBBB"], False)
    desk.person.show(QUESTION, True)
    desk.person.show(QUESTION, True)
    desk.person.show(["coldshare", "Safe A"], False)
    desk.person.show(["coldshare", "Safe A"], False)
    text = desk.screen.getvalue()
    assert [text.count(line) for line in ("Compare", "Store this share?", "Safe A")] == [1, 2, 1]
    assert text.count("keys: y = YES, n = NO") == 2


def test_draw() -> None:
    assert draw(["Sure?", "a"], True) == (
        "\n"
        "  +--------------------------+   the token's screen\n"
        "  | Sure?                    |\n"
        "  | a                        |\n"
        "  +--------------------------+   keys: y = YES, n = NO\n"
    )


def test_what_is_to_be_held_is_drawn_so() -> None:
    for last in (HOLD, HOLD_ON):
        assert draw(["Sure?", last], True).endswith("keys: h = HOLD YES, n = NO\n")
        assert "keys" not in draw(["Sure?", last], False)


def test_a_script_holds_where_that_is_asked() -> None:
    approves, rejects = ScriptedPerson(BUTTON_YES), ScriptedPerson(BUTTON_NO)
    for lines, pressed in ((QUESTION, BUTTON_YES), (["Sure?", HOLD], BUTTON_HELD), (["Sure?", HOLD_ON], BUTTON_HELD)):
        approves.show(lines, True)
        rejects.show(lines, True)
        assert (approves.button(), approves.button()) == (pressed, BUTTON_NONE)
        assert rejects.button() == BUTTON_NO
    approves.show(["Sure?", HOLD], False)
    assert approves.button() == BUTTON_NONE


def test_a_terminal_that_went_away(desk: Desk) -> None:
    desk.person.show(QUESTION, True)
    desk.type(b"\x04")  # the end of input is a key like any other while single keys are read
    assert desk.button() == BUTTON_NONE
    primary, secondary = os.pipe()
    os.close(secondary)
    with open(primary) as keys:  # noqa: PTH123
        gone = TerminalPerson(keys, io.StringIO())
        gone._asked = True
        with pytest.raises(NoPersonError):
            gone.button()


def test_a_whole_question_at_the_terminal(desk: Desk) -> None:
    token = SoftToken(Chip(), desk.person, clock=VirtualClock())
    host = Host(token).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    assert host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    assert not desk.sane
    desk.type(b"y")
    assert host.finish()[0] == wire.STATUS_OK
    assert desk.sane
    assert "Pair with desk?" in desk.screen.getvalue()


# Asks, says so, and waits. argv: what to do then.
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
from coldshare_sim.person import TerminalPerson
person = TerminalPerson(sys.stdin, sys.stderr)
person.show(["coldshare"], False)
person.show(["Sure?"], True)
print("asked", flush=True)
if sys.argv[1] == "wait":
    for _ in range(1200):
        time.sleep(0.05)  # a signal in the instant before it falls asleep is heard when it wakes up
elif sys.argv[1] == "raise":
    raise RuntimeError("out of the blue")
elif sys.argv[1] == "exit":
    sys.exit(3)
"""


@pytest.mark.parametrize("way", ["return", "exit", "raise", "ctrl-c", "sigterm", "sighup"])
def test_the_terminal_is_put_back_on_every_way_out(way: str, tmp_path: Path) -> None:
    what = way if way in ("return", "exit", "raise") else "wait"
    with Terminal("-c", PROGRAM, what, cwd=tmp_path, program=[sys.executable]) as terminal:
        terminal.until("asked")
        if what == "wait":
            assert not terminal.sane
            if way == "ctrl-c":
                terminal.type(CTRL_C)
            else:
                terminal.process.send_signal(signal.SIGTERM if way == "sigterm" else signal.SIGHUP)
        status = terminal.finish()
        assert terminal.sane
    expected = {"return": 0, "exit": 3, "raise": 1, "sigterm": -signal.SIGTERM, "sighup": -signal.SIGHUP}
    assert status == expected.get(way, -signal.SIGINT)
