"""What the light says."""

from __future__ import annotations

import itertools

from coldshare_firmware import screens
from coldshare_iface import wire
from coldshare_pico import led

SERIAL = bytes(range(8))


def test_each_kind_of_screen_has_its_pattern() -> None:
    shown = [
        (screens.idle(wire.TOKEN_READY, "Safe A", SERIAL, 8), False, led.IDLE),
        (screens.idle(wire.TOKEN_BURNT, "", SERIAL, 0), False, led.LOST),
        (screens.idle(wire.TOKEN_BURNT, "", bytes(8), 0), False, led.LOST),
        (screens.identify("Safe A", SERIAL), False, led.IDENTIFY),
        (screens.compare("ABCDE FGHIJ KLMNO PQRST"), False, led.COMPARE),
        (screens.set_up("Safe A"), True, led.ASK),
        (screens.wipe(wire.TOKEN_READY, "Safe A", 2), True, led.HOLD),
        ([*screens.wipe(wire.TOKEN_READY, "Safe A", 2)[:-1], screens.HOLD_ON], True, led.HOLD),
    ]
    for lines, question, expected in shown:
        assert led.pattern(lines, question) == expected, lines


def test_no_two_patterns_are_alike() -> None:
    """Over three seconds, seen every 10 ms."""
    every = [led.IDLE, led.ASK, led.HOLD, led.IDENTIFY, led.COMPARE, led.LOST, led.FAULT, led.MAINTENANCE]
    seen = [tuple(led.lit(steps, at) for at in range(0, 3000, 10)) for steps in every]
    for one, other in itertools.combinations(seen, 2):
        assert sum(a != b for a, b in zip(one, other, strict=True)) > 20


def test_a_pattern_repeats() -> None:
    assert [led.lit((100, 50), at) for at in (0, 99, 100, 149, 150, 249, 250)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
