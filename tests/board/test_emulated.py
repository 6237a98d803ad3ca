"""The real MicroPython image with our firmware on it, in an emulated RP2040: USB from the first reset to a backup.

Opt-in: COLDSHARE_UF2 names the official image for the Pico, and PyPI's rp2040py is installed. It takes many minutes, as
the emulator executes every instruction.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coldshare_board import release
from coldshare_iface import wire
from coldshare_iface.stream import Frames, frame
from coldshare_pico import descriptors
from support.client import LABEL, PIN, Host, blob

IMAGE = os.environ.get("COLDSHARE_UF2", "")
#: Seconds of waiting for one report; the emulator may need a hundred for one of its own.
PATIENCE = 3600.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="COLDSHARE_UF2 names no MicroPython image for the Pico"),
    pytest.mark.skipif(importlib.util.find_spec("rp2040py") is None, reason="rp2040py is not installed"),
]


def files_of_a_board(path: Path) -> None:
    """The file region of a board's flash after `coldshare-board install`."""
    from littlefs import LittleFS

    ours = release.build()
    # Disk version 2.0, as MicroPython's littlefs.
    files = LittleFS(
        block_size=4096, block_count=352, prog_size=256, read_size=256, cache_size=256, disk_version=0x00020000
    )
    files.makedirs(ours.folder, exist_ok=True)
    for folder in sorted({name.split("/")[0] for name in ours.files}):
        files.mkdir(f"{ours.folder}/{folder}")
    everything = {f"{ours.folder}/{name}": data for name, data in ours.files.items()}
    for name, data in {**everything, release.MAIN: release.main(), release.BOOT: release.boot(ours, "pins")}.items():
        with files.open(name, "wb") as file:
            file.write(data)
    path.write_bytes(bytes(files.context.buffer))  # type: ignore[attr-defined]


class Emulated:
    """A board in the emulator (`coldshare.conformance.speaker.Wire`)."""

    report_size = wire.REPORT_FS

    def __init__(self, folder: Path) -> None:
        files_of_a_board(folder / "files")
        script = Path(__file__).with_name("emulated.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), IMAGE, str(folder / "files"), str(folder / "cable")],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.found = self._line()
        assert "serving" in self._line()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(folder / "cable"))
        self._frames = Frames(1, 512)
        self.read(PATIENCE)

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the emulator has stopped"
        found: dict[str, Any] = json.loads(line)
        return found

    def write(self, report: bytes) -> None:
        self._socket.sendall(frame(report))

    def read(self, timeout: float) -> bytes | None:
        end = time.monotonic() + timeout
        while (data := self._frames.next()) is None:
            assert self.process.stdout is not None
            ready, _, _ = select.select([self._socket, self.process.stdout], [], [], end - time.monotonic())
            if self.process.stdout in ready:
                self.process.stdout.readline()  # keepalives; the pipe must not fill up
            if self._socket in ready:
                received = self._socket.recv(65536)
                assert received, "the emulator has stopped"
                self._frames.feed(received)
            if not ready:
                return None
        return data


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    emulated = Emulated(tmp_path_factory.mktemp("emulated"))
    yield emulated
    emulated.process.kill()
    emulated.process.wait()


def test_a_pico(board: Emulated) -> None:
    """What it says on the bus, and a life: paired, set up, a share in and out."""
    assert board.found["device"] == descriptors.device().hex()
    assert board.found["configuration"] == descriptors.configuration().hex()
    assert board.found["report"] == descriptors.report().hex()
    host = Host(board)
    host.patience = PATIENCE
    host.hello()
    serial = host.read_info()[4].hex()
    assert board.found["strings"] == [descriptors.MANUFACTURER, wire.USB_PRODUCT_STRING, serial]
    assert host.pair()[0] == wire.STATUS_OK
    host.open()
    assert wire.KEEPALIVE_PROCESSING in host.keepalives  # it says so itself in the middle of the handshake
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    data = blob(20_000)
    backup_id, _ = host.put(data)
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert host.get(backup_id, len(data)) == data
