"""Tokens whose firmware runs under MicroPython.

`make test-micropython` gets MicroPython first and then runs this folder. Without it these tests are skipped.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coldshare_sim.errors import SimulatorError
from coldshare_sim.mpy.engine import Engine, find
from support.mpy import Desks


@pytest.fixture(scope="session")
def engine() -> Engine:
    """MicroPython and the compiled firmware, at the heap it has to get along with."""
    try:
        return find()
    except SimulatorError as error:
        pytest.skip(f"{error.message} {error.next_step}")


@pytest.fixture
def micropython(engine: Engine) -> Callable[[str], str]:
    """Runs code in MicroPython, beside the firmware and what is in device/, and gives what it prints."""

    def run(code: str) -> str:
        done = subprocess.run(
            [*engine.command, "-X", f"heapsize={engine.heap}", "-c", code],
            env={"MICROPYPATH": f"{engine.modules}:{Path(__file__).parent / 'device'}"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def desks(engine: Engine, tmp_path: Path) -> Iterator[Desks]:
    with ExitStack() as stack:
        yield Desks(tmp_path, engine, stack)
