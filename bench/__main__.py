"""Measure every figure, print the table, write `results.json`. Exit status 1 when a figure misses its bound."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from bench import conformance, frames, layers, micropython, plugin, start, stored, wire
from bench.figures import Figure, results, table, unmeasured
from bench.record import rewrite
from bench.share import share


def machine() -> dict[str, str]:
    return {
        "machine_cpus": str(os.cpu_count()),
        "machine_platform": f"{platform.system()} {platform.machine()}",
        "machine_python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def measure(folder: Path) -> list[Figure]:
    vault = share()
    if vault.suffix:
        print("COLDSHARE_FIXTURES is not set: figures of a made-up vault, marked _synthetic.\n", file=sys.stderr)
    return [
        *stored.measure(folder, vault),
        *wire.measure(folder, vault),
        *frames.measure(),
        *start.measure(),
        *layers.measure(folder, vault),
        *plugin.measure(folder),
        *micropython.measure(folder),
        *conformance.measure(folder),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="coldshare-bench-") as folder:
        figures = measure(Path(folder))
    facts = machine()
    print(table(figures))
    print(f"\n{', '.join(facts.values())} (cpus, platform, python)")
    rewrite(results(figures, facts))
    missed = [figure.name for figure in figures if figure.missed] + unmeasured(figures)
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


sys.exit(main())
