"""The firmware's main loop under MicroPython's unix port. Runs in MicroPython only.

`run` gets open file descriptors: the flash image; a socket for reports, framed as in `coldshare_iface.stream`, whose
end is the end of power; one for the frames of bulk, framed likewise but without a hello; and a socket for the screen
and the buttons. On the last one every message is a length of two bytes, big-endian, and that many bytes, of which the
first says what it is:

- `S` from here: a new screen: its number [4], 1 for a question, its lines.
- `X` from here: the firmware cannot use this flash, and why.
- `P` to here: the number of a screen [4] and the button pressed at it.
- `N` to here: nobody is there to press anything; the job that asks is dropped.
- `T` to here: milliseconds [4] that pass at once.
- `M` to here: asks for an `M` from here: bytes of heap [4] in use once garbage is collected.
"""

import gc
import select
import sys

from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.token import Token
from coldshare_iface import wire
from coldshare_sim.mpy.device.hal import Flash, Hal, NobodyError

_REPORT = 64
_HELLO = b'{"coldshare-sim":1,"report_size":64}'
_SLICE = 10  # milliseconds between two looks at a token that waits for its person
_DAMAGED = 3


class Panel:
    """Screen and buttons."""

    def __init__(self, fd: int) -> None:
        self._file = open(fd, "r+b")  # noqa: SIM115 - a descriptor, held for life
        self._number = 0
        self._pressed = 0
        self._nobody = False

    def _send(self, data: bytes) -> None:
        self._file.write(len(data).to_bytes(2, "big") + data)

    def show(self, lines: "list[str]", question: bool) -> None:
        self._number += 1
        self._pressed = 0
        text = "\n".join(lines).encode()
        self._send(b"S" + self._number.to_bytes(4, "big") + (b"\x01" if question else b"\x00") + text)

    def button(self) -> int:
        if self._nobody:
            self._nobody = False
            raise NobodyError
        pressed, self._pressed = self._pressed, 0
        return pressed

    def refuse(self, why: str) -> None:
        self._send(b"X" + why.encode())

    def listen(self, hal: Hal) -> bool:
        """Take one message; False once the other end is gone."""
        head = self._file.read(2)
        if len(head) != 2:
            return False
        data = self._file.read(int.from_bytes(head, "big"))
        kind = data[:1]
        number = int.from_bytes(data[1:5], "big")
        if kind == b"P" and number == self._number:
            self._pressed = data[5]
        elif kind == b"N":
            self._nobody = True
        elif kind == b"T":
            hal.skip(number)
        elif kind == b"M":
            gc.collect()
            self._send(b"M" + gc.mem_alloc().to_bytes(4, "big"))  # type: ignore[attr-defined]
        return True


def _flash(image: int, trace: int) -> Flash:
    if trace < 0:
        return Flash(image)
    from coldshare_sim.mpy.device.trace import TracedFlash

    return TracedFlash(image, trace)


def run(image: int, reports: int, frames: int, panel_fd: int, trace: int = -1) -> None:
    panel = Panel(panel_fd)
    try:
        hal = Hal(_flash(image, trace), panel)
        token = Token(hal)
    except (StorageError, OSError) as error:
        panel.refuse(str(error))
        sys.exit(_DAMAGED)
    cable = open(reports, "r+b")  # noqa: SIM115
    bulk = open(frames, "r+b")  # noqa: SIM115
    cable.write(len(_HELLO).to_bytes(2, "big") + _HELLO)
    poller = select.poll()
    poller.register(panel_fd, select.POLLIN)
    poller.register(reports, select.POLLIN)
    poller.register(frames, select.POLLIN)
    framed = bytearray(2 + _REPORT)
    inner = memoryview(framed)[2:]
    out = bytearray(2 + _REPORT)
    out[1] = _REPORT
    frame_in = memoryview(b"")  # memory for those who come over bulk
    while True:
        at_work = token.busy
        try:
            report = token.poll()
            if report is not None:
                out[2:] = report
                cable.write(out)
            frame = token.poll(True)
            if frame is not None:
                bulk.write(len(frame).to_bytes(2, "big"))
                bulk.write(frame)
        except NobodyError:
            continue
        # With something to do or to say, only look; else wait, and a while only for a person or for time. What a step
        # at one carrier has to say may be for the other one.
        said = report is not None or frame is not None
        wait = 0 if said or at_work or token.busy else _SLICE if token.waiting else -1
        ready = [event[0] for event in poller.poll(wait)]
        # What the person does is older than what the host sends after it.
        if panel_fd in ready:
            if not panel.listen(hal):
                return
        elif reports in ready:
            if cable.readinto(framed) != len(framed):
                return
            token.feed(bytes(inner))
        elif frames in ready:
            head = bulk.read(2)
            if len(head) != 2:
                return
            size = int.from_bytes(head, "big")
            if not frame_in:
                frame_in = memoryview(bytearray(wire.BULK_FRAME_MAX))
            if size > len(frame_in):
                token.feed(bulk.read(size), True)  # the firmware refuses it
            else:
                bulk.readinto(frame_in[:size])
                token.feed(frame_in[:size], True)
