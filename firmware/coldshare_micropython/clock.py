"""The time since power-up. Portable subset."""

import time


class Clock:
    """Milliseconds since power-up, out of a counter that wraps after some days."""

    def __init__(self) -> None:
        self._last = time.ticks_ms()  # type: ignore[attr-defined, unused-ignore]
        self._now = 0

    def now_ms(self) -> int:
        ticks = time.ticks_ms()  # type: ignore[attr-defined, unused-ignore]
        self._now += time.ticks_diff(ticks, self._last)  # type: ignore[attr-defined, unused-ignore]
        self._last = ticks
        return self._now
