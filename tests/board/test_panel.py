"""Screen, light and buttons together: what has to be on the screen before a press can be an answer."""

from __future__ import annotations

import pytest

from coldshare_firmware import screens
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_iface import wire
from coldshare_pico import led
from coldshare_pico.buttons import OneButton, TwoButtons
from coldshare_pico.panel import PAGE_MS, Panel

SHORT = ["Set up this token?", "Safe A", screens.CONFIRM]
LONG = ["Store this share?", "V" * 96, "share of " + "P" * 96, "2 of 3 / gen 00010203", screens.CONFIRM]
WIPE = screens.wipe(wire.TOKEN_READY, "Safe A", 2)


class Glass:
    """A display that remembers."""

    def __init__(self) -> None:
        self.shown: list[list[str]] = []
        self.gone = False

    def draw(self, rows: list[str]) -> None:
        if self.gone:
            raise OSError(5)
        self.shown.append(rows)


class Desk:
    """A panel with a clock and a finger."""

    def __init__(self, display: Glass | None, buttons: OneButton | TwoButtons) -> None:
        self.now = 0
        self.yes = self.no = False
        self.lights: list[bool] = []
        self.panel = Panel(display, self.lights.append, lambda: (self.yes, self.no), buttons)

    def show(self, lines: list[str], question: bool = True) -> None:
        self.panel.show(self.now, lines, question)

    def wait(self, milliseconds: int) -> int:
        """What the buttons say at the end."""
        for _ in range(0, milliseconds, 5):
            self.now += 5
            self.panel.tick(self.now)
        return self.panel.button(self.now)


@pytest.fixture
def glass() -> Glass:
    return Glass()


@pytest.fixture
def desk(glass: Glass) -> Desk:
    return Desk(glass, TwoButtons())


def test_a_question_is_shown_and_answered(desk: Desk, glass: Glass) -> None:
    desk.show(SHORT)
    assert glass.shown[-1] == ["Set up this", "token?", "Safe A", "Press YES or NO"]
    assert desk.wait(100) == BUTTON_NONE
    desk.yes = True
    assert desk.wait(100) == BUTTON_YES
    assert desk.wait(wire.HOLD_MS) == BUTTON_HELD


def test_a_press_from_before_the_question_is_none(desk: Desk) -> None:
    desk.show(["coldshare"], False)
    desk.yes = True
    assert desk.wait(100) == BUTTON_YES  # the level, as it is now
    desk.show(SHORT)
    assert desk.wait(wire.HOLD_MS + 500) == BUTTON_NONE
    desk.yes = False
    desk.wait(100)
    desk.yes = True
    assert desk.wait(100) == BUTTON_YES


def test_the_question_is_there_once_its_last_page_was_shown(desk: Desk, glass: Glass) -> None:
    desk.show(LONG)
    count = int(glass.shown[-1][-1].split()[3])
    assert count > 2
    desk.yes = True
    for _ in range(count - 2):
        assert desk.wait(PAGE_MS) == BUTTON_NONE
    assert desk.wait(PAGE_MS + 500) == BUTTON_NONE  # the last page is there; this press is older
    assert screens.CONFIRM in glass.shown[-1]
    desk.yes = False
    desk.wait(50)
    desk.yes = True
    assert desk.wait(50) == BUTTON_YES
    rows = [row for page in glass.shown[:count] for row in page[:-1]]
    assert "".join(rows).replace(" ", "") == "".join(LONG).replace(" ", "")


def test_no_counts_on_every_page(desk: Desk) -> None:
    desk.show(LONG)
    desk.wait(50)
    desk.no = True
    assert desk.wait(50) == BUTTON_NO


def test_pages_go_round(desk: Desk, glass: Glass) -> None:
    desk.show(LONG)
    count = int(glass.shown[-1][-1].split()[3])
    desk.wait(PAGE_MS * count + 100)
    assert glass.shown[count] == glass.shown[0]


def test_a_hold_goes_on_when_only_the_last_line_says_more(desk: Desk, glass: Glass) -> None:
    """The firmware says "keep it down" in the middle of a press."""
    desk.show(WIPE)
    desk.wait(50)
    desk.yes = True
    assert desk.wait(500) == BUTTON_YES
    desk.show([*WIPE[:-1], screens.HOLD_ON])
    assert any(screens.HOLD_ON in " ".join(page) for page in glass.shown[-1:])
    assert desk.wait(wire.HOLD_MS) == BUTTON_HELD


def test_another_question_ends_a_hold(desk: Desk) -> None:
    desk.show(WIPE)
    desk.wait(50)
    desk.yes = True
    desk.wait(1500)
    desk.show(SHORT)
    assert desk.wait(wire.HOLD_MS) == BUTTON_NONE


def test_without_its_screen_a_question_has_no_yes(desk: Desk, glass: Glass) -> None:
    glass.gone = True
    desk.show(SHORT)
    desk.wait(50)
    desk.yes = True
    assert desk.wait(PAGE_MS * 2) == BUTTON_NONE
    glass.gone = False
    assert desk.wait(PAGE_MS) == BUTTON_NONE  # it is back; this press is older
    desk.yes = False
    desk.wait(50)
    desk.yes = True
    assert desk.wait(50) == BUTTON_YES
    desk.yes = False
    desk.wait(50)
    glass.gone = True
    desk.show(WIPE)
    desk.wait(50)
    desk.no = True
    assert desk.wait(100) == BUTTON_NO


def test_a_display_that_was_gone_begins_at_the_first_page(desk: Desk, glass: Glass) -> None:
    desk.show(LONG)
    first = glass.shown[-1]
    desk.wait(PAGE_MS + 50)
    glass.gone = True
    desk.wait(PAGE_MS)
    glass.gone = False
    desk.wait(PAGE_MS)
    assert glass.shown[-1] == first
    desk.yes = True
    assert desk.wait(50) == BUTTON_NONE


def test_a_light_alone() -> None:
    desk = Desk(None, OneButton())
    assert not desk.panel.has_screen
    desk.show(LONG)
    desk.wait(sum(led.ASK) * 3)
    changes = len(desk.lights)
    assert changes >= 5
    desk.yes = True
    assert desk.wait(1100) == BUTTON_YES


def test_one_button_says_how() -> None:
    glass = Glass()
    desk = Desk(glass, OneButton())
    desk.show(SHORT)
    assert glass.shown[-1][-2:] == ["Press YES or NO", "tap NO, 1 s YES"]
    desk.show(["coldshare"], False)
    assert glass.shown[-1] == ["coldshare"]


def test_every_screen_of_the_contract_fits_on_one_page_or_more(desk: Desk, glass: Glass) -> None:
    desk.show(WIPE)
    assert all(len(row) <= 16 for row in glass.shown[-1])
    assert len(glass.shown[-1]) <= 8
