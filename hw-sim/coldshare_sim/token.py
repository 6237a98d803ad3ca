"""A token made of software: the real firmware on a simulated chip, spoken to in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from coldshare_firmware.token import Token
from coldshare_firmware.types import Files, KeyFlash
from coldshare_iface import wire
from coldshare_iface.primitives import NativeAes
from coldshare_iface.types import Aes
from coldshare_sim import flash
from coldshare_sim.clock import Clock, RealClock
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.person import Person

_SLICE = 0.01  # seconds between two looks at a token that waits for its person


class SimHal:
    """What a board would provide (`coldshare_firmware.types.Hal`)."""

    model = "coldshare-sim"

    def __init__(
        self,
        chip: flash.Flash,
        person: Person,
        clock: Clock,
        random: Callable[[int], bytes],
        report_size: int = wire.REPORT_FS,
    ) -> None:
        self.report_size = report_size
        self.aes: Aes = NativeAes()
        self.keys: KeyFlash = flash.KeyBlocks(chip)
        self.files: Files = LittleFiles(chip)
        self._person = person
        self._clock = clock
        self._random = random

    def random(self, n: int) -> bytes:
        return self._random(n)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def show(self, lines: list[str], question: bool) -> None:
        self._person.show(lines, question)

    def button(self) -> int:
        return self._person.button()


class SoftToken:
    """A token living in one file. Opening it is power-up, closing it pulls the plug.

    Raises the classes of `coldshare_sim.errors`.
    """

    def __init__(
        self,
        path: Path,
        person: Person,
        *,
        create: bool = False,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = os.urandom,
        report_size: int = wire.REPORT_FS,
    ) -> None:
        self.path = path
        self.person = person
        self._clock = clock or RealClock()
        if create and not path.exists():
            flash.create(path)
        self._chip = flash.Flash(path)
        try:
            self._token = Token(SimHal(self._chip, person, self._clock, random, report_size))
        except BaseException:
            self._chip.close()
            raise

    def write(self, report: bytes) -> None:
        """One report to the token."""
        self._token.feed(report)

    def read(self, timeout: float) -> bytes | None:
        """The token's next report; None after `timeout` seconds without one."""
        end = self._clock.now_ms() + timeout * 1000
        while True:
            report = self._token.poll()
            if report is not None:
                return report
            left = end - self._clock.now_ms()
            if left <= 0:
                return None
            # A token that is not waiting for anything will never speak first: let the time pass at once.
            self._clock.sleep(min(_SLICE, left / 1000) if self._token.waiting else left / 1000)

    def close(self) -> None:
        self.person.close()
        self._chip.close()
