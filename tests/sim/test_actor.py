"""The person who follows a script: what scripts may do, and that every way of going wrong is loud."""

from __future__ import annotations

import pytest

from coldshare_firmware.person import BUTTON_NONE
from coldshare_firmware.screens import HOLD as HOLD_LINE
from coldshare_sim.errors import NotATokenError
from coldshare_sim.flash import SIZE, Chip
from coldshare_sim.testing import HOLD, NO, NOBODY, YES, Actor, FlashProbe, Script, ScriptError, Shown

QUESTION = ["Store this share?", "Savings"]


def asked(actor: Actor, lines: list[str] = QUESTION) -> int:
    """What is pressed when the token asks this."""
    actor.show(lines, True)
    return actor.button()


def one_press() -> Script:
    screen = yield
    assert "Savings" in screen.text
    yield YES


@pytest.mark.parametrize("default", [YES, NO, NOBODY])
def test_without_a_script(default: int) -> None:
    actor = Actor(default)
    assert [asked(actor), actor.button()] == [default, BUTTON_NONE]
    actor.finish()


def test_yes_is_held_where_it_must_be() -> None:
    assert asked(Actor(), ["Wipe?", HOLD_LINE]) == HOLD
    assert asked(Actor(NO), ["Wipe?", HOLD_LINE]) == NO


def test_a_script_sees_questions_only_and_presses() -> None:
    actor = Actor(NO)
    with actor.follow(one_press):
        actor.show(["coldshare"], False)
        assert actor.button() == BUTTON_NONE
        assert [asked(actor), actor.button()] == [YES, BUTTON_NONE]
    assert asked(actor) == NO
    assert actor.screens[0].text == "coldshare"
    assert actor.questions == [Shown(QUESTION), Shown(QUESTION)]


def test_a_script_may_leave_a_question_open() -> None:
    def script() -> Script:
        yield
        screen = yield
        assert screen[0] == "Again?"
        yield HOLD

    actor = Actor()
    with actor.follow(script()):
        assert asked(actor) == BUTTON_NONE
        assert asked(actor, ["Again?"]) == HOLD


def test_a_question_after_the_end() -> None:
    actor = Actor()
    actor.follow(one_press)
    asked(actor)
    with pytest.raises(ScriptError, match="has ended, and the token asks: Another / one"):
        asked(actor, ["Another", "one"])
    actor.finish()


def test_a_screen_that_never_came() -> None:
    actor = Actor()
    actor.follow(one_press)
    with pytest.raises(ScriptError, match=r"still waits for a screen \(.*test_actor.py:\d+\). The last one: none"):
        actor.finish()
    with pytest.raises(ScriptError, match="still waits"), actor.follow(one_press):
        pass
    with pytest.raises(ZeroDivisionError), actor.follow(one_press):
        _ = 1 / 0
    assert asked(actor) == YES


def test_a_new_script_needs_the_old_one_to_have_ended() -> None:
    actor = Actor()
    actor.follow(one_press)
    with pytest.raises(ScriptError, match="still waits"):
        actor.follow(one_press)


def test_what_a_script_asserts_fails_where_the_token_asked() -> None:
    actor = Actor()
    actor.follow(one_press)
    actor.show(["Store this share?", "Other"], True)
    with pytest.raises(AssertionError, match="Savings"):
        actor.button()
    actor.finish()  # it has said so once


def test_presses_that_press_nothing() -> None:
    def early() -> Script:
        yield YES

    def twice() -> Script:
        yield
        yield YES
        yield NO

    def what() -> Script:
        yield
        yield 17

    with pytest.raises(ScriptError, match=r"presses YES .*the token asks nothing"):
        Actor().follow(early)
    for script, says in ((twice, "presses NO .*asks nothing"), (what, "presses 17 .*no button")):
        actor = Actor()
        actor.follow(script)
        with pytest.raises(ScriptError, match=says):
            asked(actor)


def test_a_flash_probe() -> None:
    probe = FlashProbe(Chip())
    before = probe.image
    with probe.trace() as trace:
        probe.chip.program(0, b"\0")
    probe.chip.program(1, b"\0")
    assert len(trace.operations) == 1
    assert probe.image != before
    probe.restore(before)
    assert probe.image == before
    with pytest.raises(NotATokenError):
        probe.restore(bytes(SIZE - 1))
