"""Small parts: the pool of randomness and the display's driver."""

from __future__ import annotations

from itertools import count

import pytest

from coldshare_pico.entropy import Pool
from coldshare_pico.oled import COLUMNS, ROWS, Oled


def pool(urandom: bytes = b"", ticks: int = 0) -> Pool:
    """One whose sources all stand still, but for what is given."""
    return Pool(lambda n: (urandom * n).ljust(n, b"\0")[:n], lambda: ticks)


def test_random_bytes_are_as_many_as_asked_for_and_never_the_same() -> None:
    one = pool()
    for n in (0, 1, 31, 32, 33, 100):
        assert len(one.random(n)) == n
    assert len({one.random(16) for _ in range(1000)}) == 1000


def test_every_source_counts_alone() -> None:
    """A guesser has to know all of them."""
    given = pool().random(32)
    assert pool().random(32) == given
    assert pool(urandom=b"\x01").random(32) != given
    assert pool(ticks=1).random(32) != given
    stirred = pool()
    stirred.stir(b"the key area")
    assert stirred.random(32) != given


def test_when_something_came_counts_as_well() -> None:
    ticks = count()
    one = Pool(lambda n: bytes(n), lambda: next(ticks))
    other = Pool(lambda n: bytes(n), lambda: next(ticks))
    one.stir(b"same")
    other.stir(b"same")
    assert one.random(32) != other.random(32)


class Wires:
    """An I2C bus that notes every transfer."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.dead = False

    def writeto(self, address: int, data: bytes) -> None:
        if self.dead:
            raise OSError(5)
        self.sent.append((address, bytes(data)))


class Picture:
    """What MicroPython's `framebuf` does, as far as it is needed: a letter is its code, eight times."""

    def __init__(self, buffer: memoryview, width: int, height: int, mode: int) -> None:
        assert (len(buffer), width, height, mode) == (1024, 128, 64, 0)
        self.buffer = buffer

    def fill(self, colour: int) -> None:
        self.buffer[:] = bytes(len(self.buffer))

    def text(self, text: str, x: int, y: int, colour: int) -> None:
        for at, char in enumerate(text):
            start = y // 8 * 128 + x + at * 8
            self.buffer[start : start + 8] = bytes((ord(char),)) * 8


def memory(wires: Wires) -> bytes:
    """What the display shows: the last transfer of data."""
    address, data = wires.sent[-1]
    assert (address, data[0], len(data)) == (0x3C, 0x40, 1025)
    return data[1:]


def test_rows_of_letters() -> None:
    wires = Wires()
    oled = Oled(wires, Picture, 0, 0x3C)
    assert memory(wires) == bytes(1024)
    oled.draw(["A" * COLUMNS] * ROWS)
    assert memory(wires) == b"A" * 1024
    oled.draw(["AB"])
    assert memory(wires) == (b"A" * 8 + b"B" * 8).ljust(1024, b"\0")


def test_it_is_set_up_once_and_again_after_a_failure() -> None:
    wires = Wires()
    oled = Oled(wires, Picture, 0, 0x3C)
    on = (0x3C, b"\x80\xaf")
    assert wires.sent.count(on) == 1
    oled.draw(["x"])
    assert wires.sent.count(on) == 1
    wires.dead = True
    with pytest.raises(OSError, match="5"):
        oled.draw(["x"])
    wires.dead = False
    oled.draw(["x"])
    assert wires.sent.count(on) == 2
