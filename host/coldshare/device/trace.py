"""What crosses the link to a token, for whoever looks for a fault: one JSON object a line.

What is inside of messages is left out unless somebody asks for it: what is written down by default can be posted. A
line says when, which way, on which channel, which command and how long; what a keepalive, an error or an INIT says;
and of what travels in the clear the name of the operation or the status. Reading a trace needs no key, and no line
helps anybody who has one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TextIO

from coldshare import __version__
from coldshare.device.transport import Transport
from coldshare.errors import ColdshareError
from coldshare.files import open_private
from coldshare_iface import framing, wire

FORMAT = 1
OUT, IN = "out", "in"
#: What somebody who asks for whole reports should know.
RAW_HOLDS = (
    "This trace holds whole reports: the token's serial and what it says in the clear, the id of this computer's "
    "pairing, and the encrypted messages. It holds no PIN, no password and no key. Give it to nobody you do not trust."
)

_INIT_HEADER, _CONT_HEADER = 7, 5
# A token talks on one channel at a time. Whatever comes, this does not grow.
_CHANNELS_MAX = 64

Fields = Mapping[str, "str | int | float | bool"]
_Said = dict[str, "str | int | float | bool"]


@cache
def _names(prefix: str) -> dict[int, str]:
    return {value: name.removeprefix(prefix) for name, value in vars(wire).items() if name.startswith(prefix)}


def _name(prefix: str, number: int) -> str:
    return _names(prefix).get(number, f"0x{number:02x}")


def _word(prefix: str, number: int) -> str:
    """As the contract spells operations and statuses."""
    return _name(prefix, number).lower().replace("_", "-")


class Reader:
    """Says what reports are, one direction, nothing inside of them. Takes any bytes at all. Sans-IO."""

    def __init__(self, direction: str, report_size: int) -> None:
        self._direction = direction
        self._size = report_size
        self._bulk = report_size == wire.BULK_FRAME_MAX
        # Per channel: the command under way, the next sequence, and how many continuations its message has.
        self._under_way: dict[bytes, tuple[int, int, int]] = {}

    def read(self, report: bytes) -> Fields | None:
        """What to write down about `report`; None for a continuation that is as expected and not the last one."""
        cid = report[:4]
        said: _Said = {"dir": self._direction, "channel": cid.hex()}
        if len(report) < _CONT_HEADER or (not self._bulk and len(report) != self._size):
            return {**said, "fault": "a report of the wrong size", "size": len(report)}
        if not report[4] & 0x80:
            return self._continued(said, cid, report[4])
        if len(report) < _INIT_HEADER:
            return {**said, "fault": "a report of the wrong size", "size": len(report)}
        return self._began(said, cid, report)

    def _began(self, said: _Said, cid: bytes, report: bytes) -> Fields:
        cmd, length = report[4] & 0x7F, report[5] << 8 | report[6]
        said |= {"cmd": _name("CMD_", cmd), "length": length}
        dropped = self._under_way.pop(cid, None)
        if dropped is not None:
            said["dropped"] = _name("CMD_", dropped[0])
        rest = 0 if self._bulk or length > wire.MESSAGE_MAX else framing.count(length, self._size) - 1
        if rest:
            if len(self._under_way) >= _CHANNELS_MAX:
                self._under_way.clear()
            self._under_way[cid] = cmd, 0, rest
            said["reports"] = rest + 1
        data = report[_INIT_HEADER : _INIT_HEADER + length]
        if length > wire.MESSAGE_MAX or (self._bulk and len(report) - _INIT_HEADER != length):
            said["fault"] = "not as long as it says" if length <= wire.MESSAGE_MAX else "longer than a message may be"
        return said | self._open(cmd, data)

    def _continued(self, said: _Said, cid: bytes, sequence: int) -> Fields | None:
        under_way = None if self._bulk else self._under_way.pop(cid, None)
        if under_way is None:
            return {**said, "fault": "a continuation of nothing", "sequence": sequence}
        cmd, expected, count = under_way
        if sequence != expected:
            fault: _Said = {"fault": "a continuation out of order", "sequence": sequence, "expected": expected}
            return said | {"cmd": _name("CMD_", cmd)} | fault
        if sequence + 1 < count:
            self._under_way[cid] = cmd, sequence + 1, count
            return None
        return {**said, "cmd": _name("CMD_", cmd), "end": True}

    def _open(self, cmd: int, data: bytes) -> _Said:
        """What travels in the clear and names nobody."""
        if cmd == wire.CMD_KEEPALIVE and data:
            return {"status": _word("KEEPALIVE_", data[0])}
        if cmd == wire.CMD_ERROR and data:
            return {"error": _name("ERR_", data[0])}
        if cmd == wire.CMD_INIT and self._direction == IN and len(data) >= wire.INIT_NONCE + 8:
            given = data[wire.INIT_NONCE :]
            return {"given": given[:4].hex(), "firmware": ".".join(str(part) for part in given[5:8])}
        if cmd == wire.CMD_PLAIN:
            number = _first_field(data)
            if number is not None and self._direction == OUT:
                return {"op": _word("OP_", number)}
            if number is not None:
                return {"status": _word("STATUS_", number)}
        return {}


def _first_field(message: bytes) -> int | None:
    """The value of key 0 of a CBOR map, which comes first in a deterministic one; None when it is no small number."""
    if len(message) < 3 or message[0] >> 5 != 5 or message[1] != 0:
        return None
    if message[2] < 24:
        return message[2]
    return message[3] if message[2] == 24 and len(message) > 3 else None


class Trace:
    """A file that is written line by line, so that what was written is there whatever happens next.

    A trace that cannot be written any more is no reason to break off what is being traced: `failed` says why.
    """

    def __init__(self, path: Path, *, raw: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises OutputExistsError and OutputError."""
        self.raw = raw
        self.failed: str | None = None
        self._file: TextIO | None = open_private(path)
        self._clock = clock
        self._start = clock()
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        head: _Said = {"trace": FORMAT, "coldshare": __version__, "begun": begun, "raw": raw}
        self._line(head | ({"holds": RAW_HOLDS} if raw else {}))

    def write(self, fields: Fields) -> None:
        self._line({"t": round(self._clock() - self._start, 6), **fields})

    def _line(self, fields: Fields) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(fields) + "\n")
        except OSError as error:
            self.failed = error.strerror or type(error).__name__
            self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self.failed = error.strerror or type(error).__name__


class TracedTransport:
    """Another transport, with everything that crosses it written down. `carrier` is how the token is reached."""

    #: Only where the other one has one: whoever waits asks for it.
    clock: Callable[[], float]

    def __init__(self, inner: Transport, trace: Trace, carrier: str) -> None:
        self.report_size = inner.report_size
        self.unattended = inner.unattended
        clock = getattr(inner, "clock", None)
        if clock is not None:
            self.clock = clock
        self._inner = inner
        self._trace = trace
        self._out = Reader(OUT, inner.report_size)
        self._in = Reader(IN, inner.report_size)
        trace.write({"event": "open", "carrier": carrier, "report_size": inner.report_size})

    def write(self, report: bytes) -> None:
        self._note(self._out, report)
        try:
            self._inner.write(report)
        except ColdshareError as error:
            self._trace.write({"dir": OUT, "failed": error.code})
            raise

    def read(self, timeout: float) -> bytes | None:
        try:
            report = self._inner.read(timeout)
        except ColdshareError as error:
            self._trace.write({"dir": IN, "failed": error.code})
            raise
        if report is not None:
            self._note(self._in, report)
        return report

    def _note(self, reader: Reader, report: bytes) -> None:
        fields = reader.read(bytes(report))
        if self._trace.raw:
            direction = OUT if reader is self._out else IN
            fields = {**(fields or {"dir": direction, "channel": bytes(report[:4]).hex()}), "raw": bytes(report).hex()}
        if fields is not None:
            self._trace.write(fields)

    def close(self) -> None:
        self._trace.write({"event": "close"})
        self._inner.close()
