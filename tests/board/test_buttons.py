"""What counts as a press."""

from __future__ import annotations

import pytest

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_iface import wire
from coldshare_pico.buttons import BOUNCE_MS, GAP_MS, ONE_NO_MS, ONE_YES_MS, OneButton, TwoButtons

STEP = 5


class Finger:
    """Presses for so many milliseconds and notes what the buttons say at every sample."""

    def __init__(self, buttons: OneButton | TwoButtons) -> None:
        self.buttons = buttons
        self.now = 1000
        self.buttons.sample(self.now, False, False)

    def does(self, milliseconds: int, yes: bool = False, no: bool = False) -> list[int]:
        """The levels that were seen, each once in a row."""
        seen: list[int] = []
        for _ in range(0, milliseconds, STEP):
            self.now += STEP
            self.buttons.sample(self.now, yes, no)
            level = self.buttons.level()
            if seen[-1:] != [level]:
                seen.append(level)
        return seen

    def is_away(self, milliseconds: int) -> None:
        self.now += milliseconds


def test_yes_counts_as_soon_as_it_is_down_and_becomes_held() -> None:
    finger = Finger(TwoButtons())
    assert finger.does(wire.HOLD_MS + BOUNCE_MS + 50, yes=True) == [BUTTON_NONE, BUTTON_YES, BUTTON_HELD]
    assert finger.does(100) == [BUTTON_HELD, BUTTON_NONE]


def test_it_is_held_after_the_time_of_the_contract_and_not_before() -> None:
    finger = Finger(TwoButtons())
    finger.does(BOUNCE_MS + STEP, yes=True)
    assert finger.buttons.level() == BUTTON_YES
    assert finger.does(wire.HOLD_MS - STEP, yes=True) == [BUTTON_YES]
    assert finger.does(STEP, yes=True) == [BUTTON_HELD]


def test_a_hold_with_a_break_begins_again() -> None:
    finger = Finger(TwoButtons())
    finger.does(wire.HOLD_MS - 100, yes=True)
    assert finger.does(BOUNCE_MS + STEP)[-1] == BUTTON_NONE
    assert finger.does(wire.HOLD_MS - 100, yes=True) == [BUTTON_NONE, BUTTON_YES]


def test_bounces_are_nothing() -> None:
    finger = Finger(TwoButtons())
    for _ in range(20):
        assert finger.does(BOUNCE_MS // 2, yes=True) == [BUTTON_NONE]
        assert finger.does(BOUNCE_MS // 2) == [BUTTON_NONE]
    finger.does(100, yes=True)
    for _ in range(20):  # nor do they end a press
        assert finger.does(BOUNCE_MS // 2) == [BUTTON_YES]
        assert finger.does(BOUNCE_MS // 2, yes=True) == [BUTTON_YES]


def test_no_and_both_at_once_are_no() -> None:
    finger = Finger(TwoButtons())
    assert finger.does(100, no=True) == [BUTTON_NONE, BUTTON_NO]
    assert finger.does(wire.HOLD_MS + 100, yes=True, no=True) == [BUTTON_NO]


@pytest.mark.parametrize("buttons", [TwoButtons(), OneButton()], ids=["two", "one"])
def test_what_was_down_before_the_question_counts_for_nothing_until_it_is_let_go(
    buttons: OneButton | TwoButtons,
) -> None:
    finger = Finger(buttons)
    finger.does(200, yes=True)
    buttons.bar()
    assert finger.does(2 * wire.HOLD_MS, yes=True) == [BUTTON_NONE]
    assert finger.does(100) == [BUTTON_NONE]
    assert finger.does(wire.HOLD_MS + 100, yes=True)[-1] == BUTTON_HELD


@pytest.mark.parametrize("buttons", [TwoButtons(), OneButton()], ids=["two", "one"])
def test_nobody_knows_that_it_stayed_down_who_did_not_look(buttons: OneButton | TwoButtons) -> None:
    finger = Finger(buttons)
    finger.does(wire.HOLD_MS - 100, yes=True)
    finger.is_away(GAP_MS + STEP)
    assert BUTTON_HELD not in finger.does(wire.HOLD_MS - 100, yes=True)
    assert finger.does(200, yes=True)[-1] == BUTTON_HELD


# --- one button
def test_a_short_press_of_the_only_button_is_no() -> None:
    finger = Finger(OneButton())
    assert finger.does(300, yes=True) == [BUTTON_NONE]
    assert finger.does(ONE_NO_MS + 100) == [BUTTON_NONE, BUTTON_NO, BUTTON_NONE]


def test_a_second_is_yes_and_two_are_held() -> None:
    finger = Finger(OneButton())
    assert finger.does(ONE_YES_MS - 50, yes=True) == [BUTTON_NONE]
    assert finger.does(wire.HOLD_MS, yes=True) == [BUTTON_NONE, BUTTON_YES, BUTTON_HELD]
    assert finger.does(500) == [BUTTON_HELD, BUTTON_NONE]  # letting go of a YES is no NO


def test_a_short_press_before_the_question_is_no_answer_to_it() -> None:
    finger = Finger(OneButton())
    finger.does(300, yes=True)
    finger.does(30)
    assert finger.buttons.level() == BUTTON_NO
    finger.buttons.bar()
    assert finger.does(500) == [BUTTON_NONE]


def test_a_short_press_that_began_before_the_question_is_no_answer_to_it() -> None:
    finger = Finger(OneButton())
    finger.does(200, yes=True)
    finger.buttons.bar()
    finger.does(200, yes=True)
    assert finger.does(500) == [BUTTON_NONE]
