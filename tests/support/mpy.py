"""Tokens whose firmware runs under MicroPython, on a desk."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from coldshare_iface import wire
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.process import MpyToken
from support.client import LABEL, PIN, Host, Puppet


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
