"""How long `coldshare` takes to say its version, against the least that a command line with click takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure

_ROUNDS = 21


def measure() -> list[Figure]:
    """Median of interleaved runs each."""
    script = Path(sys.executable).with_name("coldshare")
    ours = [str(script), "--version"]
    peer = [sys.executable, "-c", "import click"]
    for command in (ours, peer):  # once unmeasured, so that both have their bytecode on disk and in the cache
        _seconds(command)
    runs = [(_seconds(ours), _seconds(peer)) for _ in range(_ROUNDS)]
    mine = statistics.median(run[0] for run in runs)
    theirs = statistics.median(run[1] for run in runs)
    against = f"import click {version('click')}, {theirs * 1000:.0f} ms; ours {mine * 1000:.0f} ms"
    return [Figure("cli_start_over_click", mine / theirs, against)]


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
