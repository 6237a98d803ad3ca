"""Software tokens of this process under test, `sim:` and `sim+mpy:`: their operator can do everything.

Time is virtual at `sim:`. Under MicroPython it is real, but for long waits, which are skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import Operator
from coldshare.conformance.speaker import Wire
from coldshare.device.address import Address
from coldshare.device.transport.mpy import MpyTransport
from coldshare.device.transport.sim import SimTransport, report_size, soft_token
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare_sim.finger import Finger
    from coldshare_sim.mpy.process import MpyToken
    from coldshare_sim.token import SoftToken

#: Seconds that a token under MicroPython is moved on at each keepalive, 250 ms apart, of a long wait.
_SKIP = 2.0
#: Keepalives of a question that come in their own time: so many are counted and timed.
_TIMED = 12


class _Finger(Protocol):
    answer: str
    lines: list[str]


class _Token(Protocol):
    report_size: int


_T = TypeVar("_T", bound=_Token)


class _InProcess:
    """What both kinds have in common. `finger` is the token's person."""

    by_hand = False
    reads_screen = True

    def __init__(self, finger: _Finger) -> None:
        self._finger = finger

    @property
    def answer(self) -> str:
        return self._finger.answer

    @answer.setter
    def answer(self, what: str) -> None:
        self._finger.answer = what

    def begins(self, title: str) -> None:
        """Nobody has to be told."""

    def asked(self, *, new: bool) -> None:
        """The finger has seen the screen already."""

    def screen(self) -> list[str]:
        return list(self._finger.lines)


class SimOperator(_InProcess):
    """Of a token whose firmware runs under this Python, on a clock that does not really wait."""

    def __init__(self, token: SoftToken, finger: Finger) -> None:
        super().__init__(finger)
        self._token = token

    def passing(self) -> None:
        """Virtual time passes by itself."""

    def power_cycle(self) -> None:
        self._token.power_cycle()

    def now_ms(self) -> int:
        return self._token.clock.now_ms()

    def save(self) -> bytes | None:
        return bytes(self._token.chip.image)

    def load(self, image: bytes) -> None:
        self._token.chip.leave(0, image)
        self.power_cycle()

    def close(self) -> None:
        self._token.close()


class MpyOperator(_InProcess):
    """Of a token whose firmware runs under MicroPython."""

    def __init__(self, token: MpyToken, finger: Finger) -> None:
        super().__init__(finger)
        self._token = token
        self._skipped = 0
        self._heard = 0

    def asked(self, *, new: bool) -> None:
        self._heard = 1 if new else self._heard + 1
        if self._heard > _TIMED:
            self.passing()

    def passing(self) -> None:
        self._token.skip(_SKIP)
        self._skipped += int(_SKIP * 1000)

    def power_cycle(self) -> None:
        self._token.power_cycle()

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self._skipped

    def save(self) -> bytes | None:
        return self._token.path.read_bytes()

    def load(self, image: bytes) -> None:
        self._token.kill()
        self._token.path.write_bytes(image)
        self._token.power_cycle()

    def close(self) -> None:
        self._token.close()


def sim_bench(address: Address) -> Bench:
    """The token of a `sim:` address; a blank one is made where there is none. Raises what `open_transport` raises."""
    from coldshare_sim.clock import VirtualClock
    from coldshare_sim.finger import Finger

    finger = Finger()
    return bench_of(soft_token(address, finger, VirtualClock(), create=True), finger, report_size(address))


def bench_of(token: SoftToken, finger: Finger, size: int) -> Bench:
    """A software token of this process on a bench, over the carrier whose reports have that size."""
    return _on_both(SimTransport, token, size, SimOperator(token, finger))


def _on_both(way: Callable[[_T, int, bool], Wire], token: _T, size: int, operator: Operator) -> Bench:
    """The other carrier is there, too."""
    other = token.report_size if size == wire.BULK_FRAME_MAX else wire.BULK_FRAME_MAX
    return Bench(way(token, size, True), operator, other=way(token, other, True))


def mpy_bench(address: Address) -> Bench:
    """The same for `sim+mpy:`."""
    from coldshare.device.transport.mpy import mpy_token
    from coldshare_sim.finger import Finger

    finger = Finger()
    token = mpy_token(address, finger, create=True)
    return _on_both(MpyTransport, token, report_size(address), MpyOperator(token, finger))
