"""How many rows of the conformance kit there are, and how many pass on each engine that runs our firmware."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.figures import Figure
from coldshare.conformance.bench import Bench
from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.run import PASS, SKIP, run
from coldshare.conformance.simulated import mpy_bench, sim_bench
from coldshare.device.address import Address
from coldshare_iface.errors import ColdshareError
from coldshare_sim.mpy import engine


def _passed(open_bench: Callable[[Address], Bench], token: str) -> int:
    """Rows that pass. Those that are about another carrier are tried over that one."""
    rows, passed = catalogue(), 0
    for carrier in ("hid", "bulk"):
        with closing(open_bench(Address.parse(f"{token}?carrier={carrier}"))) as bench:
            outcomes = list(run(bench, rows))
        passed += sum(outcome.result == PASS for outcome in outcomes)
        for outcome in outcomes:
            if outcome.result != PASS:
                print(f"{carrier}: {outcome.row.name}: {outcome.result}: {outcome.why}", file=sys.stderr)
        rows = [outcome.row for outcome in outcomes if outcome.result == SKIP]
    return passed


def measure(folder: Path) -> list[Figure]:
    """Without MicroPython there is no figure for it."""
    figures = [
        Figure("conformance_rows", len(catalogue()), "rows of coldshare-conformance, vectors included"),
        Figure(
            "conformance_passed_cpython",
            _passed(sim_bench, f"sim:{folder / 'conformance.token'}"),
            "of these, the firmware under CPython, over HID or over bulk",
        ),
    ]
    try:
        engine.find()
    except ColdshareError:
        return figures
    passed = _passed(mpy_bench, f"sim+mpy:{folder / 'conformance-micropython.token'}")
    return [*figures, Figure("conformance_passed_micropython", passed, "the same under MicroPython")]
