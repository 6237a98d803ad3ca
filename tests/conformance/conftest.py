"""Benches for the kit: software tokens in memory, good ones and broken ones, and one that is served."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coldshare.conformance.bench import Bench
from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.rules import Row
from coldshare.conformance.simulated import bench_of
from coldshare_iface import wire
from coldshare_sim.broken.token import BrokenToken
from coldshare_sim.clock import RealClock, VirtualClock
from coldshare_sim.faults import FaultyToken, parse
from coldshare_sim.finger import Finger
from coldshare_sim.flash import Chip
from coldshare_sim.listen import listen_unix
from coldshare_sim.panel import Panel
from coldshare_sim.server import Server
from coldshare_sim.token import SoftToken
from support.served import Served


def sim_bench(flaw: str | None = None, fault: str | None = None, size: int = wire.REPORT_FS) -> Bench:
    """A token in memory on a virtual clock; with `flaw` it breaks that rule, with `fault` its cable is bad. `size` is
    that of a report on the carrier."""
    finger, clock = Finger(), VirtualClock()
    reports = wire.REPORT_FS if size == wire.BULK_FRAME_MAX else size
    token: SoftToken
    if flaw is not None:
        token = BrokenToken(Chip(), finger, flaw, clock=clock, report_size=reports)
    elif fault is not None:
        token = FaultyToken(Chip(), finger, parse(fault), clock=clock, report_size=reports)
    else:
        token = SoftToken(Chip(), finger, clock=clock, report_size=reports)
    return bench_of(token, finger, size)


def rows(*names: str) -> list[Row]:
    """Those rows, in their order; all but the vectors without names."""
    return [row for row in catalogue() if (row.name in names if names else row.section != "vectors")]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a unix socket."""
    with tempfile.TemporaryDirectory(prefix="cs-") as folder:
        yield Path(folder)


@pytest.fixture
def serve(short: Path) -> Iterator[Callable[..., Served]]:
    """Serves a token, in real time, whose buttons are pressed through its control socket only."""
    with ExitStack() as stack:

        def serve(flaw: str | None = None) -> Served:
            listener, controls = listen_unix(short / "token"), listen_unix(short / "control")
            panel = Panel(None)
            token = SoftToken(Chip(), panel) if flaw is None else BrokenToken(Chip(), panel, flaw, clock=RealClock())
            server = Server(token, panel, listener, controls)
            stack.enter_context(server.in_background())
            return Served(server, panel, token, controls)

        yield serve
