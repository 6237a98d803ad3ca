"""Tokens whose firmware runs under MicroPython.

`make test-micropython` gets MicroPython first and then runs this folder. Without it these tests are skipped.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coldshare_iface import wire
from coldshare_sim.errors import SimulatorError
from coldshare_sim.mpy.engine import Engine, find
from coldshare_sim.mpy.process import MpyToken
from support.client import LABEL, PIN, Host, Puppet


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


class Desk:
    """A token under MicroPython, the person at it and the host on its cable."""

    def __init__(self, path: Path, engine: Engine, **options: Path) -> None:
        self.path = path
        self.person = Puppet()
        self.token = MpyToken(path, self.person, engine, create=True, **options)
        try:
            self.host = Host(self.token).hello()
        except BaseException:
            self.token.close()
            raise

    def make_ready(self) -> Desk:
        """Paired, set up, unlocked."""
        self.host.pair()
        self.host.open()
        self.host.ok(wire.OP_SET_UP, PIN, LABEL)
        self.host.again()
        return self

    def power_cycle(self) -> Host:
        self.token.power_cycle()
        return self.host


class Desks:
    """Makes them, and clears them away."""

    def __init__(self, folder: Path, engine: Engine, stack: ExitStack) -> None:
        self._folder, self._engine, self._stack = folder, engine, stack

    def __call__(self, name: str = "a.token", engine: Engine | None = None, **options: Path) -> Desk:
        desk = Desk(self._folder / name, engine or self._engine, **options)
        self._stack.callback(desk.token.close)
        return desk


@pytest.fixture
def desks(engine: Engine, tmp_path: Path) -> Iterator[Desks]:
    with ExitStack() as stack:
        yield Desks(tmp_path, engine, stack)
