"""How long a test of another project waits for its first token: from asking for the fixture to an unlocked token."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure

_ROUNDS = 7
_PEER = [sys.executable, "-c", "import cryptography"]
# Measured inside of pytest: its own start is not ours. The imports that the fixture needs are.
_TEST = """
import json, time
from pathlib import Path

def test_first(request):
    start = time.perf_counter()
    request.getfixturevalue("coldshare_token")
    Path("first").write_text(json.dumps((time.perf_counter() - start) * 1000))
"""


def measure(folder: Path) -> list[Figure]:
    """The median over new processes. The token is paired, set up, connected and unlocked; no password is derived."""
    place = folder / "plugin"
    place.mkdir()
    (place / "test_first.py").write_text(_TEST)
    ours: list[float] = []
    peers: list[float] = []
    for number in range(_ROUNDS + 1):
        first, peer = _first(place), _peer()
        if number:  # the first one compiles
            ours.append(first)
            peers.append(peer)
    mine, theirs = statistics.median(ours), statistics.median(peers)
    against = f'python -c "import cryptography": {theirs:.0f} ms, {mine / theirs:.1f} times that'
    return [Figure("pytest_plugin_first_token_ms", mine, against)]


def _first(place: Path) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_first.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(command, cwd=place, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return float(json.loads((place / "first").read_text()))


def _peer() -> float:
    start = time.perf_counter()
    subprocess.run(_PEER, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000
