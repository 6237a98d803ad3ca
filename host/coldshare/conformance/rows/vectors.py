"""The contract's vectors of requests and of frames, sent for real.

Of the requests, what must be refused is, and nothing else is called malformed. Of the frames, those that only a host
receives or that a carrier does not let through (a short report) are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import REFUSE, CannotError
from coldshare.conformance.rules import (
    ANY,
    HID,
    PAIRED,
    READY,
    Row,
    add,
    expect,
    expect_equal,
    expect_error,
    expect_status,
)
from coldshare.conformance.speaker import as_map, status_name
from coldshare_iface import wire

_STATES = {"plain": ANY, "pairing": PAIRED, "session": READY}
_SET_UP = "set-up-request"  # judged before the token has a PIN
_COUNTED = ("unlock-request", "change-pin-request")  # the PIN in them may be a wrong one
_MALFORMED = (wire.STATUS_BAD_REQUEST, wire.STATUS_UNKNOWN_OP)


def _vectors(kind: str) -> Iterator[dict[str, Any]]:
    folder = files("coldshare_iface").joinpath("vectors", kind)
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        yield json.loads(entry.read_text(encoding="utf-8"))


def _status(bench: Bench, vector: dict[str, Any]) -> int:
    host = bench.host
    request = bytes.fromhex(vector["hex"])
    if vector["where"] == "plain":
        return int(as_map(host.call(wire.CMD_PLAIN, request))[0])
    if vector["where"] == "pairing":
        host.handshake()
    elif vector["rule"] == _SET_UP:
        host.open()
    if host.session is None:
        raise RuntimeError("the bench has opened no channel")
    return int(host.opened(host.call(wire.CMD_RECORD, host.session.seal(request)))[0])


def _row(vector: dict[str, Any]) -> Row:
    def check(bench: Bench) -> None:
        bench.operator.answer = REFUSE
        status = _status(bench, vector)
        if vector["expect"] == "ok":
            expect(status not in _MALFORMED, f"it is refused as malformed: {status_name(status)}")
        else:
            expect_status(status, getattr(wire, f"STATUS_{vector['expect']}"))

    op = vector["rule"].removesuffix("-request")
    right = f"{vector['comment']}: not called malformed"
    what = right if vector["expect"] == "ok" else f"{op}: {vector['reason']}: {vector['expect']}"
    state = PAIRED if vector["rule"] == _SET_UP else _STATES[vector["where"]]
    spoils = vector["expect"] == "ok" and vector["rule"] in _COUNTED
    return Row(f"vector-{vector['name']}", what, "vectors", state, spoils, check)


def _frames(vector: dict[str, Any]) -> Row:
    """Its channels are replaced by such as this token has given out."""
    reports = [bytes.fromhex(report) for report in vector["reports"]]

    def check(bench: Bench) -> None:
        if bench.token.report_size != vector["report_size"]:
            raise CannotError(f"the vector has reports of {vector['report_size']} bytes")
        hosts = {cid: bench.speaker() for cid in sorted({report[:4] for report in reports})}
        for report in reports:
            bench.token.write(hosts[report[:4]].cid + report[4:])
        if vector["expect"] != "ok":
            cmd, data = hosts[bytes.fromhex(vector["error"]["cid"])].read()
            code = data[0] if cmd == wire.CMD_ERROR else 0
            expect_error(code, getattr(wire, f"ERR_{vector['expect']}"))
        for message in vector["messages"]:
            if message["cmd"] == wire.CMD_CANCEL:
                continue
            cmd, data = hosts[bytes.fromhex(message["cid"])].read()
            expect_equal(cmd, message["cmd"], "the command of the answer")
            sent = bytes.fromhex(message["data"])
            expect_equal(data[: len(sent)], sent, "the answer")

    what = vector["comment"] if vector["expect"] == "ok" else f"{vector['reason']}: {vector['expect']}"
    return Row(f"vector-frames-{vector['name']}", what, "vectors", ANY, False, check, carrier=HID)


for _vector in _vectors("frames"):
    if not _vector["split"] and _vector["name"] != "short-report":
        add(_frames(_vector))
for _vector in _vectors("messages"):
    if _vector["rule"].endswith("-request") and _vector["where"] in _STATES:
        add(_row(_vector))
