"""Reports over USB, straight on `machine.USBDevice`. Portable subset; the machine's part is handed in.

MicroPython calls back between two byte codes of whatever runs. All that arms the endpoint to the board runs in such
a callback, one after the other; the main loop only takes from `_ready` and gives back to `_free`, in single steps.

Traps that this file steps around (MicroPython 1.23 to 1.29):
- A transfer's result is TinyUSB's number, 0 for success; the manual up to 1.28 says that true is success.
- MicroPython forgets a buffer as soon as its transfer is done or given up, and may collect it while the hardware still
  writes there: every buffer that is handed over is kept here as well.
- An exception in a callback vanishes when there is no console: it is kept in `fault`, and the main loop raises it.
"""

from coldshare_pico import descriptors

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coldshare_pico.types import UsbDevice

SIZE = descriptors.SIZE
_DEPTH = 4  # reports that may lie here unread; the computer waits while they do
_SUCCESS = 0
_SETUP = 1

# Requests of USB and of HID, with their direction, kind and recipient.
_FROM_INTERFACE = 0x81
_CLASS_IN = 0xA1
_CLASS_OUT = 0x21
_GET_DESCRIPTOR = 0x06
_GET_REPORT = 0x01
_GET_IDLE = 0x02
_SET_IDLE = 0x0A


class HidPort:
    """One HID interface. `schedule(function, argument)` runs a function as a callback (`micropython.schedule`)."""

    def __init__(self, device: "UsbDevice", schedule: "Callable[[Any, Any], None]") -> None:
        self._device = device
        self._schedule = schedule
        self._free = [bytearray(SIZE) for _ in range(_DEPTH)]
        self._ready: list[bytearray] = []
        self._armed: bytearray | None = None  # the buffer that the next report goes into
        self._out = bytearray(SIZE)
        self._sending = False
        self._hid = descriptors.hid()
        self._report = descriptors.report()
        self._zeros = bytes(SIZE)
        self._idle = bytes(1)
        self.open = False  # whether a computer has configured the device
        self.fault: BaseException | None = None

    def start(self, serial: str) -> None:
        """Appear on the bus, alone: no console, no drive. Called in boot.py it is the first the computer sees."""
        device = self._device
        device.active(False)
        self._reset()
        device.builtin_driver = device.BUILTIN_NONE
        device.config(
            descriptors.device(),
            descriptors.configuration(),
            descriptors.strings(serial),
            self._opened,
            self._reset,
            self._control,
            self._transferred,
        )
        device.active(True)

    # --- for the main loop
    def read(self) -> "bytearray | None":
        """The next report from the computer, to be given back with `done`."""
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return self._ready.pop(0) if self._ready else None

    def done(self, buffer: bytearray) -> None:
        self._free.append(buffer)
        if self._armed is None:
            try:
                self._schedule(self._arm, None)
            except RuntimeError:
                pass  # the queue is full; `poke` tries again

    def poke(self) -> None:
        """To be called now and then: wakes an endpoint that could not be armed."""
        if self.open and self._armed is None and self._free:
            try:
                self._schedule(self._arm, None)
            except RuntimeError:
                pass

    def write(self, report: bytes) -> bool:
        """Send a report; False when the one before has not gone yet."""
        if self._sending or not self.open:
            return False
        self._out[:] = report
        self._sending = True
        try:
            if self._device.submit_xfer(descriptors.IN, self._out):
                return True
        except OSError:
            pass  # EBUSY: a transfer from before a reset of the bus
        self._sending = False
        return False

    # --- callbacks
    def _arm(self, _: object) -> None:
        if not self.open or self._armed is not None or not self._free:
            return
        buffer = self._free.pop()
        self._armed = buffer
        try:
            if self._device.submit_xfer(descriptors.OUT, buffer):
                return
        except OSError:
            pass
        self._armed = None
        self._free.append(buffer)

    def _opened(self, _: object) -> None:
        self.open = True
        self._arm(None)

    def _reset(self) -> None:
        self.open = False
        self._sending = False
        if self._armed is not None:
            self._free.append(self._armed)
            self._armed = None

    def _control(self, stage: int, request: "Any") -> "Any":
        if stage != _SETUP:
            return True
        try:
            return self._answer(bytes(request))
        except BaseException as error:
            self.fault = error
            return False

    def _answer(self, request: bytes) -> "Any":
        """What goes to the computer; True for nothing, False for a STALL."""
        kind = request[0], request[1]
        if kind == (_FROM_INTERFACE, _GET_DESCRIPTOR):
            return {descriptors.HID: self._hid, descriptors.REPORT: self._report}.get(request[3], False)
        if kind == (_CLASS_OUT, _SET_IDLE):
            return True
        if kind == (_CLASS_IN, _GET_IDLE):
            return self._idle
        if kind == (_CLASS_IN, _GET_REPORT):
            return self._zeros
        return False

    def _transferred(self, endpoint: int, result: int, size: int) -> None:
        try:
            if endpoint != descriptors.OUT:
                self._sending = False
                return
            buffer, self._armed = self._armed, None
            if buffer is not None:
                whole = result == _SUCCESS and size == SIZE
                (self._ready if whole else self._free).append(buffer)
            self._arm(None)
        except BaseException as error:
            self.fault = error
