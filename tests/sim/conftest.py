"""Tokens that are served in the background."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coldshare_sim.flash import Chip
from coldshare_sim.listen import listen_tcp, listen_unix
from coldshare_sim.panel import Panel
from coldshare_sim.person import person_for
from coldshare_sim.server import Server
from coldshare_sim.token import SoftToken
from support.served import Served


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a unix socket."""
    with tempfile.TemporaryDirectory(prefix="cs-") as folder:
        yield Path(folder)


@pytest.fixture
def serve(short: Path) -> Iterator[Callable[..., Served]]:
    """Serves a chip: at a unix socket, or over TCP; `user` presses."""
    with contextlib.ExitStack() as stack:

        def serve(chip: Chip | None = None, *, tcp: bool = False, user: str | None = "approve") -> Served:
            listener = listen_tcp("127.0.0.1:0") if tcp else listen_unix(short / "token")
            controls = listen_tcp("127.0.0.1:0") if tcp else listen_unix(short / "control")
            panel = Panel(person_for(user) if user is not None else None)
            token = SoftToken(chip or Chip(), panel)
            server = Server(token, panel, listener, controls, user)
            stack.enter_context(server.in_background())
            return Served(server, panel, token, controls)

        yield serve


@pytest.fixture(params=["unix", "tcp"])
def served(request: pytest.FixtureRequest, serve: Callable[..., Served]) -> Served:
    """A new token whose questions are all answered YES, over each kind of socket."""
    return serve(tcp=request.param == "tcp")
