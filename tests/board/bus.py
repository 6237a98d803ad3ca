"""A computer's side of `machine.USBDevice`, which calls back as MicroPython's sources do."""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

_IN, _OUT = 0x81, 0x01
_SETUP, _DATA, _ACK = 1, 2, 3


class UsbDevice:
    """What the board's code holds, and the computer that tests play. Nothing happens by itself.

    `result` is what a transfer ends with: TinyUSB's 0 for success, or another number.
    """

    BUILTIN_NONE = object()
    builtin_driver: Any = "cdc"

    def __init__(self) -> None:
        self.running = False
        self.starts = 0
        self.strings: list[str | None] = []
        self.armed: dict[int, Any] = {}  # what the hardware may write to or read from, by its endpoint
        self.refuse = False  # answer false, as after a reset that nobody was told of
        self.busy = False
        self.queue: deque[tuple[Callable[[Any], None], Any]] = deque()
        self.full = False  # MicroPython's queue of callbacks

    # --- machine.USBDevice
    def active(self, value: bool, /) -> None:
        self.running = value
        self.armed = {}

    def config(
        self, device: bytes, configuration: bytes, strings: Any, opened: Any, reset: Any, control: Any, done: Any, /
    ) -> None:
        assert not self.running
        self.starts += 1
        self.device, self.configuration, self.strings = device, configuration, strings
        self.opened, self.reset, self.control, self.done = opened, reset, control, done

    def submit_xfer(self, ep: int, buffer: Any, /) -> bool:
        assert self.running
        if self.busy or ep in self.armed:
            raise OSError(errno.EBUSY)
        if self.refuse:
            return False
        self.armed[ep] = buffer
        return True

    # --- micropython.schedule
    def schedule(self, function: Callable[[Any], None], argument: Any) -> None:
        if self.full:
            raise RuntimeError("schedule queue full")
        self.queue.append((function, argument))

    def run_scheduled(self) -> None:
        while self.queue:
            function, argument = self.queue.popleft()
            function(argument)

    # --- the computer
    def configure(self) -> None:
        assert self.running
        self.opened(memoryview(self.configuration)[9:])

    def reset_bus(self) -> None:
        self.armed = {}
        self.reset()

    def request(self, kind: int, request: int, value: int, length: int = 64) -> bytes | bool:
        """A control transfer to interface 0; what comes back, False for a STALL."""
        setup = memoryview(struct.pack("<BBHHH", kind, request, value, 0, length))
        answer = self.control(_SETUP, setup)
        if answer is False:
            return False
        if answer is not True:
            assert self.control(_DATA, setup)
        assert self.control(_ACK, setup)
        return True if answer is True else bytes(answer)[:length]

    @property
    def listening(self) -> bool:
        return _OUT in self.armed

    def send(self, report: bytes, result: int = 0) -> bool:
        """One report to the board; False while it does not listen, and the computer waits."""
        buffer = self.armed.pop(_OUT, None)
        if buffer is None:
            return False
        size = min(len(report), len(buffer))
        buffer[:size] = report[:size]
        self.done(_OUT, result, size)
        return True

    def fetch(self, result: int = 0) -> bytes | None:
        """The report that the board has put there, if there is one."""
        buffer = self.armed.pop(_IN, None)
        if buffer is None:
            return None
        data = bytes(buffer)
        self.done(_IN, result, len(data))
        return data
