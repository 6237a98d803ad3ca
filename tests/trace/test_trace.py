"""The file, and the transport that writes it while another one does the work."""

from __future__ import annotations

import itertools
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coldshare.device.errors import TokenGoneError
from coldshare.device.link import Link
from coldshare.device.trace import Trace, TracedTransport
from coldshare.files import OutputError, OutputExistsError
from coldshare_iface import wire

from .conftest import always_full


class Echo:
    """A token that answers every message on its channel with itself, and is pulled out at the end."""

    report_size = wire.REPORT_FS
    unattended = True

    def __init__(self) -> None:
        self.queue: list[bytes] = []
        self.closed = False

    def write(self, report: bytes) -> None:
        self.queue.append(report)

    def read(self, timeout: float) -> bytes | None:
        if not self.queue:
            raise TokenGoneError
        return self.queue.pop(0)

    def close(self) -> None:
        self.closed = True


class Clocked(Echo):
    def clock(self) -> float:
        return 42.0


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_conversation(tmp_path: Path) -> None:
    ticks = itertools.count(5.0, 0.5)
    path = tmp_path / "trace"
    trace = Trace(path, raw=False, clock=lambda: next(ticks))
    inner = Echo()
    transport = TracedTransport(inner, trace, "hid")
    transport.write(b"\0\0\0\1\x81\0\x05hello".ljust(64, b"\0"))
    assert transport.read(0.1) == b"\0\0\0\1\x81\0\x05hello".ljust(64, b"\0")
    with pytest.raises(TokenGoneError):
        transport.read(0.1)
    transport.close()
    assert inner.closed
    head, *lines = written(path)
    assert (head["trace"], head["raw"]) == (1, False)
    assert lines == [
        {"t": 0.5, "event": "open", "carrier": "hid", "report_size": 64},
        {"t": 1.0, "dir": "out", "channel": "00000001", "cmd": "PING", "length": 5},
        {"t": 1.5, "dir": "in", "channel": "00000001", "cmd": "PING", "length": 5},
        {"t": 2.0, "dir": "in", "failed": "token_gone"},
        {"t": 2.5, "event": "close"},
    ]
    trace.close()


def test_whole_reports_for_whoever_asks(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    trace = Trace(path, raw=True)
    transport = TracedTransport(Echo(), trace, "hid")
    reports = [b"\0\0\0\1\xc3\0\xc8".ljust(64, b"a"), b"\0\0\0\1\0".ljust(64, b"b")]
    for report in reports:
        transport.write(report)
    trace.close()
    head, _, *lines = written(path)
    assert "no PIN" in head["holds"]
    assert [bytes.fromhex(line["raw"]) for line in lines] == reports


def test_whoever_waits_sees_the_clock_that_is_behind_it(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace", raw=False)
    assert TracedTransport(Clocked(), trace, "sim").clock() == 42.0
    # None where there is none: a link then takes the computer's own.
    assert not hasattr(TracedTransport(Echo(), trace, "hid"), "clock")
    assert TracedTransport(Echo(), trace, "hid").unattended is True
    trace.close()


def test_a_link_notices_nothing(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace", raw=False)

    class Token(Echo):
        def write(self, report: bytes) -> None:
            if report[4] == 0x80 | wire.CMD_INIT:
                answer = report[7:15] + b"\0\0\0\x09\x02\0\0\0\0"
                report = (report[:4] + bytes((report[4], 0, len(answer))) + answer).ljust(64, b"\0")
            super().write(report)

    link = Link(TracedTransport(Token(), trace, "hid"))
    assert link.call(wire.CMD_PING, bytes(range(200))) == bytes(range(200))
    trace.close()
    assert [line.get("cmd") for line in written(tmp_path / "trace")[2:]] == ["INIT"] * 2 + ["PING"] * 4


def test_it_is_private_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    before = os.umask(0)
    try:
        Trace(path, raw=False).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    old = path.read_bytes()
    with pytest.raises(OutputExistsError):
        Trace(path, raw=False)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputExistsError):
        Trace(tmp_path / "link", raw=False)
    with pytest.raises(OutputError):
        Trace(tmp_path / "none" / "trace", raw=False)
    assert path.read_bytes() == old
    assert not (tmp_path / "elsewhere").exists()


def test_every_line_is_there_when_the_process_dies(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from coldshare.device.trace import Trace\n"
        "trace = Trace(Path(sys.argv[1]), raw=False)\n"
        "trace.write({'event': 'the last one'}); os._exit(9)"
    )
    path = tmp_path / "trace"
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert written(path)[-1]["event"] == "the last one"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_does_not_break_off_what_is_traced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("coldshare.device.trace.open_private", lambda path: always_full())
    trace = Trace(tmp_path / "trace", raw=False)
    transport = TracedTransport(Echo(), trace, "hid")
    transport.write(bytes(64))
    assert transport.read(0.1) == bytes(64)
    assert trace.failed == os.strerror(28)
    trace.close()
