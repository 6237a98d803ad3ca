"""A token made of software: the real firmware on a simulated chip, spoken to in this process."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.token import Token
from coldshare_firmware.types import Files, KeyFlash
from coldshare_iface import wire
from coldshare_iface.primitives import NativeAes
from coldshare_iface.types import Aes
from coldshare_sim import flash as flash_file
from coldshare_sim.clock import Clock, RealClock, VirtualClock
from coldshare_sim.errors import DamagedTokenError, TokenExistsError
from coldshare_sim.flash import Chip, Flash, KeyBlocks
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.person import Person

#: Seconds between two looks at a token that waits for its person.
SLICE = 0.01
#: The same where time is virtual: nobody feels how soon it sees its person, and every look costs real time.
_VIRTUAL_SLICE = 0.05
#: Reports that are fetched at a time: as many as Linux keeps for a program that reads a HID device.
_QUEUE = 64
#: The command byte of the message after which a channel hears nothing of what it did not fetch before.
_FRESH_START = bytes((0x80 | wire.CMD_INIT,))


class SimHal:
    """What a board would provide (`coldshare_firmware.types.Hal`)."""

    model = "coldshare-sim"

    def __init__(
        self,
        chip: Chip,
        person: Person,
        clock: Clock,
        random: Callable[[int], bytes],
        report_size: int = wire.REPORT_FS,
    ) -> None:
        self.report_size = report_size
        self.settle_ms: int = getattr(person, "settle_ms", 0)
        self.aes: Aes = NativeAes()
        self.keys: KeyFlash = KeyBlocks(chip)
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
    """A token living in one file, or on a chip in memory. Opening it is power-up, closing it pulls the plug.

    Raises the classes of `coldshare_sim.errors`. `report_size` is 64 (full speed) or 1024 (high speed).
    """

    def __init__(
        self,
        where: Path | Chip,
        person: Person,
        *,
        create: bool = False,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = os.urandom,
        report_size: int = wire.REPORT_FS,
    ) -> None:
        self.person = person
        #: Whether Ctrl-C raises where this token is driven. A loop that only takes note of it sets this to False.
        self.interruptible = True
        self.report_size = report_size
        self.clock = clock or RealClock()
        self._random = random
        #: From the firmware and not yet to the host, on HID and on bulk: what a kernel would hold for the host.
        self._fetched: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
        if isinstance(where, Path):
            if create:
                with suppress(TokenExistsError):
                    flash_file.create(where)
            self.chip: Chip = Flash(where)
        else:
            self.chip = where
        try:
            self._token = self._power_up()
        except BaseException:
            self.chip.close()
            raise

    def _power_up(self) -> Token:
        try:
            hal = SimHal(self.chip, self.person, self.clock, self._random, self.report_size)
            return Token(hal)
        except (StorageError, OSError) as error:
            self.chip.check()
            raise DamagedTokenError(f"The firmware cannot use this software token: {error}.") from error

    def power_cycle(self) -> None:
        """Pull the plug and put it back: what is not on the chip is gone."""
        self._token = self._power_up()
        self._fetched = (deque(), deque())

    def write(self, report: bytes) -> None:
        """One report to the token."""
        self.chip.check()
        if self._fetched[0] and report[4:5] == _FRESH_START:
            kept = [one for one in self._fetched[0] if one[:4] != report[:4]]
            self._fetched = (deque(kept), self._fetched[1])
        self._token.feed(report)

    def write_bulk(self, frame: bytes) -> None:
        """One frame to the token's bulk interface."""
        self.chip.check()
        self._token.feed(frame, bulk=True)

    def poll_bulk(self) -> bytes | None:
        """What `poll` is for reports, for frames of the bulk interface."""
        return self._poll(bulk=True)

    def drop_bulk(self) -> None:
        """Forget what was not fetched on bulk: the host has cleared the halt of that endpoint."""
        self._fetched[1].clear()
        self._token.drop_bulk()

    def info(self) -> bytes:
        """The token's answer to `info`, without asking over the wire."""
        return self._token.info()

    def read(self, timeout: float) -> bytes | None:
        """The token's next report; None after `timeout` seconds without one."""
        return self._read(self.poll, timeout)

    def read_bulk(self, timeout: float) -> bytes | None:
        """The same for frames of the bulk interface."""
        return self._read(self.poll_bulk, timeout)

    def _read(self, poll: Callable[[], bytes | None], timeout: float) -> bytes | None:
        end = self.clock.now_ms() + timeout * 1000
        longest = _VIRTUAL_SLICE if isinstance(self.clock, VirtualClock) else SLICE
        while True:
            report = poll()
            if report is not None:
                return report
            if self.busy:
                continue
            left = end - self.clock.now_ms()
            if left <= 0:
                return None
            # A token that is not waiting for anything will never speak first: let the time pass at once.
            self.clock.sleep(min(longest, left / 1000) if self.waiting else left / 1000)

    @property
    def waiting(self) -> bool:
        """Whether `poll` may have more to say later without a `write`."""
        return self._token.waiting or any(self._fetched)

    @property
    def busy(self) -> bool:
        """Whether the firmware has work to do at the very next `poll`."""
        return self._token.busy

    def poll(self) -> bytes | None:
        """What the token has to say now, and its next step in whatever it is doing. Never waits."""
        return self._poll(bulk=False)

    def _poll(self, *, bulk: bool) -> bytes | None:
        fetched = self._fetched[bulk]
        if not fetched and not (self._token.waiting and self.interruptible):
            said = self._say(bulk)
            self.chip.check()
            return said
        if not fetched:
            with _uninterrupted():  # which takes longer than fetching a report does
                for _ in range(1 if bulk else _QUEUE):
                    said = self._say(bulk)
                    if said is not None:
                        fetched.append(said)
                    if not self._token.sending(bulk):
                        break
            self.chip.check()
        return fetched.popleft() if fetched else None

    def _say(self, bulk: bool) -> bytes | None:
        said = self._token.poll(bulk)
        return None if said is None else bytes(said)  # a frame may be a part of the firmware's own memory

    def close(self) -> None:
        self.person.close()
        self.chip.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the firmware has finished its step: a real token is another computer and never feels it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: caught.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
        if caught and callable(handler):
            handler(*caught[0])
