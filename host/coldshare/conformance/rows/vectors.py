"""The contract's vectors of requests, sent for real: what must be refused is, and nothing else is called malformed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import REFUSE
from coldshare.conformance.rules import ANY, PAIRED, READY, Row, add, expect, expect_equal
from coldshare.conformance.speaker import as_map
from coldshare_iface import wire

_STATES = {"plain": ANY, "pairing": PAIRED, "session": READY}
_SET_UP = "set-up-request"  # judged before the token has a PIN
_MALFORMED = (wire.STATUS_BAD_REQUEST, wire.STATUS_UNKNOWN_OP)


def _vectors() -> Iterator[dict[str, Any]]:
    folder = files("coldshare_iface").joinpath("vectors", "messages")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        vector: dict[str, Any] = json.loads(entry.read_text(encoding="utf-8"))
        if vector["rule"].endswith("-request") and vector["where"] in _STATES:
            yield vector


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
            expect(status not in _MALFORMED, f"it is refused as malformed (status {status})")
        else:
            expect_equal(status, getattr(wire, f"STATUS_{vector['expect']}"), "the status")

    what = vector["comment"] if vector["expect"] == "ok" else f"{vector['reason']}: {vector['expect']}"
    state = PAIRED if vector["rule"] == _SET_UP else _STATES[vector["where"]]
    return Row(f"vector-{vector['name']}", what, "messages", state, True, check)


for _vector in _vectors():
    add(_row(_vector))
