"""How many rows of the conformance kit there are, and how many pass on each engine that runs our firmware."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from bench.figures import Figure
from coldshare.conformance.bench import Bench
from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.run import PASS, run
from coldshare.conformance.simulated import mpy_bench, sim_bench
from coldshare.device.address import Address
from coldshare_iface.errors import ColdshareError
from coldshare_sim.mpy import engine


def _passed(bench: Bench) -> int:
    passed = 0
    with closing(bench):
        for outcome in run(bench, catalogue()):
            passed += outcome.result == PASS
            if outcome.result != PASS:
                print(f"{outcome.row.name}: {outcome.result}: {outcome.why}", file=sys.stderr)
    return passed


def measure(folder: Path) -> list[Figure]:
    """Without MicroPython there is no figure for it."""
    figures = [
        Figure("conformance_rows", len(catalogue()), "rows of coldshare-conformance, vectors included"),
        Figure(
            "conformance_passed_cpython",
            _passed(sim_bench(Address.parse(f"sim:{folder / 'conformance.token'}"))),
            "of these, the firmware under CPython",
        ),
    ]
    try:
        engine.find()
    except ColdshareError:
        return figures
    bench = mpy_bench(Address.parse(f"sim+mpy:{folder / 'conformance-micropython.token'}"))
    return [*figures, Figure("conformance_passed_micropython", _passed(bench), "the same under MicroPython")]
