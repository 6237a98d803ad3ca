"""A board's console: MicroPython's unix port at the other end of a pseudo-terminal, with a chip in a file.

mpremote talks to it as to a board, and littlefs, hashes and the interpreter are MicroPython's own. The raw console
itself and the names of the machine are `device/rig.py`'s: the unix port has none.
"""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coldshare_iface import wire
from coldshare_iface.stream import Frames, frame
from coldshare_sim.mpy.engine import Engine

DEVICE = Path(__file__).parent / "device"
#: Bytes of heap. A Pico has 250 kB, in words of four bytes; here a word has eight, and the rig takes some.
HEAP = 448 * 1024
BLANK = b"\xff" * 4096 * 352


def blank(path: Path) -> Path:
    """The chip of a new board."""
    path.write_bytes(BLANK)
    return path


def _start(engine: Engine, code: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*engine.command, "-X", f"heapsize={HEAP}", "-c", code],
        env={"MICROPYPATH": str(DEVICE)},
        **options,  # type: ignore[call-overload]
    )


@contextmanager
def console(engine: Engine, image: Path, **identity: object) -> Iterator[str]:
    """The port of a board with that chip. `identity` may say another machine, version, and whether it has USBDevice."""
    board, port = pty.openpty()
    tty.setraw(port)
    tty.setraw(board)
    said = "".join(f", {name}={value!r}" for name, value in identity.items())
    process = _start(engine, f"import rig; rig.console({str(image)!r}{said})", stdin=board, stdout=board)
    os.close(board)
    try:
        yield os.ttyname(port)
    finally:
        process.kill()
        process.wait()
        os.close(port)


class PluggedIn:
    """A board that runs what is on its chip, at a computer (`coldshare.conformance.speaker.Wire`)."""

    report_size = wire.REPORT_FS

    def __init__(self, engine: Engine, image: Path) -> None:
        self._socket, far = socket.socketpair()
        with far:
            os.set_inheritable(far.fileno(), True)
            self._process = _start(
                engine,
                f"import rig; rig.power_up({str(image)!r}, {far.fileno()})",
                pass_fds=[far.fileno()],
                stderr=subprocess.STDOUT,
                stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
            )
        self._frames = Frames(1, 512)
        self.hello = self.read(60)

    def write(self, report: bytes) -> None:
        self._socket.sendall(frame(report))

    def read(self, timeout: float) -> bytes | None:
        self._socket.settimeout(timeout)
        while True:
            data = self._frames.next()
            if data is not None:
                return data
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                return None
            if not received:
                assert self._process.stdout is not None
                raise EOFError(self._process.stdout.read().decode(errors="replace"))
            self._frames.feed(received)

    def unplug(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.close()
        with suppress(OSError):
            assert self._process.stdout is not None
            self._process.stdout.close()
