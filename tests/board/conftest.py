"""Boards: MicroPython's unix port, and the real image in an emulator where one is named."""

from __future__ import annotations

import pytest

from coldshare_sim.errors import SimulatorError
from coldshare_sim.mpy.engine import Engine, find


@pytest.fixture(scope="session")
def engine() -> Engine:
    """MicroPython. `make test-micropython` gets it; without it what needs it is skipped."""
    try:
        return find()
    except SimulatorError as error:
        pytest.skip(f"{error.message} {error.next_step}")
