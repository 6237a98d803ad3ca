"""Time, as the token and the driver see it; tests replace it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int: ...
    def sleep(self, seconds: float) -> None: ...


class RealClock:
    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class VirtualClock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self._ms = 0.0

    def now_ms(self) -> int:
        return int(self._ms)

    def sleep(self, seconds: float) -> None:
        self._ms += seconds * 1000
