"""How many rows of the conformance kit there are, and how many pass on each engine that runs our firmware."""

from __future__ import annotations

import sys
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

_CARRIERS = ("hid", "bulk")


def _passed(*benches: Bench) -> int:
    """Rows that pass over the carrier that they are about, and fail over none. A line for each that does not pass."""
    passed: set[str] = set()
    failed: set[str] = set()
    skipped: set[str] = set()
    for bench in benches:
        with closing(bench):
            for outcome in run(bench, catalogue()):
                {PASS: passed, SKIP: skipped}.get(outcome.result, failed).add(outcome.row.name)
                if outcome.result not in (PASS, SKIP):
                    print(f"{outcome.row.name}: {outcome.result}: {outcome.why}", file=sys.stderr)
    for name in sorted(skipped - passed - failed):
        print(f"{name}: {SKIP}", file=sys.stderr)
    return len(passed - failed)


def measure(folder: Path) -> list[Figure]:
    """Without MicroPython there is no figure for it."""
    figures = [
        Figure("conformance_rows", len(catalogue()), "rows of coldshare-conformance, vectors included"),
        Figure(
            "conformance_passed_cpython",
            _passed(*(sim_bench(Address.parse(f"sim:{folder / carrier}?carrier={carrier}")) for carrier in _CARRIERS)),
            "of these, the firmware under CPython, over HID and over bulk",
        ),
    ]
    try:
        engine.find()
    except ColdshareError:
        return figures
    bench = mpy_bench(Address.parse(f"sim+mpy:{folder / 'conformance-micropython.token'}"))
    return [*figures, Figure("conformance_passed_micropython", _passed(bench), "the same under MicroPython")]
