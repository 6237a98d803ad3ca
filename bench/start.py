"""How long `coldshare` takes to say its version, against the least that a command line with click takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure

_ROUNDS = 31


def measure() -> list[Figure]:
    """The median of the ratios of neighbouring runs: what else the machine does weighs on both of a pair."""
    script = Path(sys.executable).with_name("coldshare")
    ours = [str(script), "--version"]
    peer = [sys.executable, "-c", "import click"]
    for command in (ours, peer):  # once unmeasured, so that both have their bytecode on disk and in the cache
        _seconds(command)
    pairs: list[tuple[float, float]] = []
    for number in range(_ROUNDS):
        if number % 2:
            theirs = _seconds(peer)
            pairs.append((_seconds(ours), theirs))
        else:
            pairs.append((_seconds(ours), _seconds(peer)))
    mine, theirs = (min(column) for column in zip(*pairs, strict=True))
    against = f"import click {version('click')}, {theirs * 1000:.0f} ms; ours {mine * 1000:.0f} ms"
    return [Figure("cli_start_over_click", statistics.median(a / b for a, b in pairs), against)]


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
