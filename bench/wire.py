"""A real backup's reports, counted, and what they would take on a cable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.patch import AnyCall, all_patched
from bench.share import Share
from bench.token import KDF, PASSWORD, PIN, new_token, power_up
from bench.wiremodel import Report, cost, floor_ms, ms_by_operation, without
from coldshare.backup import backup
from coldshare.device.token import TokenClient
from coldshare.device.transport import Transport
from coldshare_sim.clock import VirtualClock

#: What a backup asks of a token, as the host names it. `get` is the read-back.
_OPERATIONS = ("connect", "unlock", "backups", "reserve", "put", "commit", "get", "confirm")
_READ_BACK = ("get",)


class CountingTransport:
    """Passes every report on, and notes its direction and what the host was doing."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.report_size = inner.report_size
        self.unattended = inner.unattended
        self.operation = "open"
        self.log: list[Report] = []

    def write(self, report: bytes) -> None:
        self.log.append(Report("out", self.operation))
        self._inner.write(report)

    def read(self, timeout: float) -> bytes | None:
        report = self._inner.read(timeout)
        if report is not None:
            self.log.append(Report("in", self.operation))
        return report

    def close(self) -> None:
        self._inner.close()

    def during(self, operation: str) -> Callable[[AnyCall], AnyCall]:
        """Reports that a function causes are noted under `operation`."""

        def wrap(function: AnyCall) -> AnyCall:
            def run(*args: Any, **kwargs: Any) -> Any:
                self.operation = operation
                return function(*args, **kwargs)

            return run

        return wrap


def record(path: Path, share: Share) -> tuple[list[Report], int]:
    """The reports of one whole backup from the first INIT on, and the size of what was sealed."""
    where, store = new_token(path, "wire")
    # Time stands still on this token: it sends no keepalive because this computer happens to be busy.
    transport = CountingTransport(power_up(where, clock=VirtualClock()))
    with TokenClient(transport) as client, all_patched((client, op, transport.during(op)) for op in _OPERATIONS):
        client.connect(store)
        client.unlock(PIN)
        done = backup(client, share.plain, PASSWORD, kdf=KDF)
    return transport.log, done.sealed_size


def measure(folder: Path, share: Share) -> list[Figure]:
    log, sealed = record(folder, share)
    counted = without(log, _READ_BACK)
    put, whole = cost(counted), cost(log)
    floor = floor_ms(sealed)
    figure = partial(_figure, share.suffix)
    parts = ms_by_operation(counted)
    return [
        figure("wire_over_floor", put.ms / floor, f"{sealed:,} B at 64 B/ms; 2 ms per change of direction"),
        figure("wire_over_floor_per_exchange", put.ms_per_exchange / floor, "the same; 2 ms per exchange"),
        figure("wire_readback_over_floor", (whole.ms - put.ms) / floor, "what the read-back adds; 2 ms per change"),
        figure("wire_floor_ms", floor, f"{sealed:,} B at 64 B/ms"),
        figure("wire_ms", put.ms, f"{put.reports} reports, {put.turnarounds} changes, {put.exchanges} exchanges"),
        *(figure(f"wire_ms_{operation}", ms, "part of wire_ms") for operation, ms in parts.items()),
    ]


def _figure(suffix: str, name: str, value: float, against: str) -> Figure:
    return Figure(name + suffix, value, against)
