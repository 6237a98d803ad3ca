"""One MicroPython process that is a token: its flash file, its cable, its screen and buttons."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from coldshare_iface import stream, wire
from coldshare_iface.stream import Frames, Hello, StreamError, frame
from coldshare_sim import flash as flash_file
from coldshare_sim.errors import DamagedTokenError, SimulatorError, TokenExistsError
from coldshare_sim.flash import Flash
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.errors import CrashedError
from coldshare_sim.person import Person

#: Seconds between two looks at the person while the token asks.
SLICE = 0.01
_START = 30.0
_WRITE = 10.0
_STOP = 10.0
_SCREEN_MAX = 4096
_READ_SIZE = 65536
_RUN = "from coldshare_sim.mpy.device import main; main.run({image}, {cable}, {bulk}, {panel}, {trace})"


class _Carrier:
    """One way to the firmware: its socket, what has come, and what Ctrl-C has left unsent."""

    def __init__(self, frames: Frames) -> None:
        self.socket, self.other_end = socket.socketpair()
        self.frames = frames
        self.unsent = bytearray()

    def close(self) -> None:
        self.socket.close()
        self.other_end.close()


class MpyToken:
    """A token in a file, like `coldshare_sim.token.SoftToken`, with its firmware under MicroPython.

    Opening it is power-up, closing it pulls the plug. The process ends with this one, whatever ends that, and Ctrl-C
    does not reach it. What MicroPython has to say when it fails is in the file `log`, by default one that is named in
    the error and kept only then. `trace` takes down every operation on the flash.

    Raises the classes of `coldshare_sim.errors` and `coldshare_sim.mpy.errors`.
    """

    report_size = wire.REPORT_FS

    def __init__(
        self,
        path: Path,
        person: Person,
        engine: Engine,
        *,
        create: bool = False,
        trace: Path | None = None,
    ) -> None:
        self.path = path
        self.person = person
        self._engine = engine
        self._trace = trace
        if create:
            with suppress(TokenExistsError):
                flash_file.create(path)
        self._power_up()

    @property
    def pid(self) -> int:
        """The process that runs the firmware."""
        return self._process.pid

    # --- power
    def _power_up(self) -> None:
        self._screens = Frames(1, _SCREEN_MAX)
        self._number = b""
        self._asked = False
        self._log: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        with ExitStack() as stack:
            stack.callback(self._log.close)
            self._hid = _Carrier(Frames(1, stream.HELLO_MAX))
            stack.callback(self._hid.close)
            self._bulk = _Carrier(Frames(1, wire.BULK_FRAME_MAX))
            stack.callback(self._bulk.close)
            self._panel, panel = socket.socketpair()
            stack.callback(self._panel.close)
            with self._hid.other_end as cable, self._bulk.other_end as bulk, panel:
                self._start(cable.fileno(), bulk.fileno(), panel.fileno())
            self._hello()
            stack.pop_all()

    def _start(self, cable: int, bulk: int, panel: int) -> None:
        with ExitStack() as stack:
            # The process inherits the file, and with it the lock.
            image = Flash(self.path)
            stack.callback(image.close)
            descriptors = [image.fileno(), cable, bulk, panel]
            if self._trace is not None:
                descriptors.append(stack.enter_context(self._trace.open("ab")).fileno())
            names = dict(zip(("image", "cable", "bulk", "panel", "trace"), [*descriptors, -1], strict=False))
            engine = self._engine
            # Arguments are fixed; a session of its own keeps the terminal's signals away.
            self._process = subprocess.Popen(  # noqa: S603
                [*engine.command, "-X", f"heapsize={engine.heap}", "-c", _RUN.format(**names)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={"MICROPYPATH": str(engine.modules)},
                pass_fds=descriptors,
                start_new_session=True,
            )

    def _hello(self) -> None:
        try:
            first = self._receive(self._hid, _START)
            if first is None:
                raise CrashedError("The firmware does not start under MicroPython.")
            self.report_size = Hello.decode(first).report_size
            self._hid.frames.smallest = self._hid.frames.largest = self.report_size
        except StreamError as error:
            self._stop()
            raise CrashedError("What MicroPython runs is not the firmware.") from error
        except BaseException:
            self._stop()
            raise

    def power_cycle(self) -> None:
        """Pull the plug and put it back: what is not on flash is gone."""
        self._unplug()
        self._power_up()

    def kill(self) -> None:
        """Cut the power at this very instant."""
        self._process.kill()
        self._unplug()

    def close(self) -> None:
        self.person.close()
        self._unplug()

    def _unplug(self) -> None:
        self._hid.close()
        self._bulk.close()
        self._panel.close()
        self._stop()
        self._log.close()

    def _stop(self) -> None:
        """The end of the cable ends the process, after the step it is in."""
        with suppress(OSError):
            self._hid.socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # --- the cable
    def write(self, report: bytes) -> None:
        """One report to the token."""
        self._send(self._hid, report)

    def write_bulk(self, data: bytes) -> None:
        """One frame to its bulk interface."""
        self._send(self._bulk, data)

    def read(self, timeout: float) -> bytes | None:
        """The token's next report; None after `timeout` seconds without one."""
        return self._receive(self._hid, timeout)

    def read_bulk(self, timeout: float) -> bytes | None:
        """The same for frames of its bulk interface."""
        return self._receive(self._bulk, timeout)

    def _send(self, carrier: _Carrier, data: bytes) -> None:
        # What Ctrl-C leaves unsent goes out before the next report: half a report would shift all that follow.
        carrier.unsent += frame(data)
        carrier.socket.settimeout(_WRITE)
        try:
            while carrier.unsent:
                del carrier.unsent[: carrier.socket.send(carrier.unsent)]
        except OSError as error:
            raise self._failure() from error

    def _receive(self, carrier: _Carrier, timeout: float) -> bytes | None:
        end = time.monotonic() + timeout
        while True:
            data = carrier.frames.next()
            if data is not None:
                # What is on the screen by now was there before the report, or came with it.
                self._look()
                return data
            left = end - time.monotonic()
            if left < 0:
                return None
            wait = min(left, SLICE) if self._asked else left
            ready, _, _ = select.select([carrier.socket, self._panel], [], [], max(wait, 0))
            if self._panel in ready and not self._look():
                raise self._failure()
            if carrier.socket in ready:
                self._fetch(carrier)
            self._attend()

    def _fetch(self, carrier: _Carrier) -> None:
        try:
            received = carrier.socket.recv(_READ_SIZE)
        except OSError as error:
            raise self._failure() from error
        if not received:
            raise self._failure()
        carrier.frames.feed(received)

    # --- screen and buttons
    def _look(self) -> bool:
        """Take every screen that is there; False at the end of them."""
        while select.select([self._panel], [], [], 0)[0]:
            try:
                received = self._panel.recv(_READ_SIZE)
            except OSError:
                return False
            if not received:
                return False
            self._screens.feed(received)
            while (message := self._screens.next()) is not None:
                self._shown(message)
        return True

    def _shown(self, message: bytes) -> None:
        if message[:1] == b"X":
            why = message[1:].decode(errors="replace")
            raise DamagedTokenError(f"The firmware cannot use this software token: {why}.")
        if message[:1] == b"M":
            self._memory = int.from_bytes(message[1:5], "big")
            return
        self._number, self._asked = message[1:5], message[5] == 1
        self.person.show(message[6:].decode().split("\n"), self._asked)

    def _attend(self) -> None:
        """Let the person look at the buttons, if the token asks."""
        if not self._asked:
            return
        try:
            pressed = self.person.button()
        except BaseException:
            self._asked = False
            self._say(b"N")
            raise
        if pressed:
            self._asked = False
            self._say(b"P" + self._number + bytes((pressed,)))

    def skip(self, seconds: float) -> None:
        """Let time pass at once, as the token sees it."""
        self._say(b"T" + int(seconds * 1000).to_bytes(4, "big"))

    def memory(self) -> int:
        """Bytes of heap in use, garbage apart. The token must have nothing to say."""
        self._memory = -1
        self._say(b"M")
        while self._memory < 0:
            if not select.select([self._panel], [], [], _START)[0] or not self._look():
                raise self._failure()
        return self._memory

    def _say(self, message: bytes) -> None:
        try:
            self._panel.sendall(frame(message))
        except OSError as error:
            raise self._failure() from error

    # --- trouble
    def _failure(self) -> SimulatorError:
        """Why the process is gone. Raises what it said itself."""
        self._look()
        self._stop()
        with tempfile.NamedTemporaryFile(prefix="coldshare-micropython-", suffix=".log", delete=False) as kept:
            size = self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, size - _READ_SIZE))
            kept.write(self._log.read())
        return CrashedError(
            f"The firmware under MicroPython has stopped. What it said is in {kept.name}.", Path(kept.name)
        )
