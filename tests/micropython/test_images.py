"""A flash image is a token, whichever engine has written it and whichever runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from coldshare_iface import wire
from coldshare_sim.look import look
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.process import MpyToken
from coldshare_sim.token import SoftToken
from support.client import LABEL, PIN, Host, Puppet, blob, declaration

LONGEST = {"name": "n" * 96, "party": "p" * 96}
#: Sizes around what littlefs keeps inside its metadata, and around its blocks.
SIZES = (1, 255, 256, 257, 450, 512, 513, 1023, 1024, 4096, 20_000)

Plug = Callable[[Path], MpyToken | SoftToken]


@pytest.fixture
def engines(engine: Engine) -> dict[str, Plug]:
    return {
        "micropython": lambda path: MpyToken(path, Puppet(), engine, create=True),
        "cpython": lambda path: SoftToken(path, Puppet(), create=True),
    }


@contextmanager
def plugged(plug: Plug, path: Path, known: Host | None = None) -> Iterator[Host]:
    """The token in that file, unlocked; the first time set up."""
    with closing(plug(path)) as token:
        host = Host(token).hello()
        if known is None:
            host.pair()
            host.open()
            host.ok(wire.OP_SET_UP, PIN, LABEL)
        else:
            host.psk_id, host.psk = known.psk_id, known.psk
        host.again()
        yield host


@pytest.mark.parametrize(("first", "second"), [("cpython", "micropython"), ("micropython", "cpython")])
def test_one_goes_on_with_what_the_other_wrote(
    first: str, second: str, engines: dict[str, Plug], tmp_path: Path
) -> None:
    path = tmp_path / "a.token"
    kept = {}
    with plugged(engines[first], path) as host:
        for size in SIZES:
            backup_id, _ = host.put(blob(size, size), declaration(vault=b"%05d" % size, **LONGEST))
            kept[backup_id] = size
    with plugged(engines[second], path, host) as host:
        assert {entry[1]: entry[3] for entry in host.list()} == kept
        for backup_id, size in kept.items():
            assert host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)[1] == size
            assert host.get(backup_id, size) == blob(size, size)
        host.ok(wire.OP_LABEL, "Safe B")
    with plugged(engines[first], path, host) as host:
        assert host.ok(wire.OP_UNLOCK, PIN)[1] == "Safe B"
        assert len(host.list()) == len(SIZES)


@pytest.mark.parametrize(("first", "second"), [("cpython", "micropython"), ("micropython", "cpython")])
@pytest.mark.parametrize("step", [300, 2000, 7456])
def test_one_goes_on_with_a_transfer_the_other_began(
    first: str, second: str, step: int, engines: dict[str, Plug], tmp_path: Path
) -> None:
    """A chunk each, in turn, onto what the other has staged."""
    path, data = tmp_path / "a.token", blob(5 * step + 17)
    with plugged(engines[first], path) as host:
        backup_id, _ = host.reserve()
        host.begin(backup_id, data)
    for at in range(0, len(data), step):
        with plugged(engines[second if at // step % 2 == 0 else first], path, host) as host:
            assert host.begin(backup_id, data) == at
            host.ok(wire.OP_CHUNK, at, data[at : at + step])
    with plugged(engines[first], path, host) as host:
        host.send(backup_id, data)
        host.ok(wire.OP_COMMIT, backup_id)
        assert host.get(backup_id, len(data)) == data
        host.ok(wire.OP_CONFIRM, backup_id)


def test_the_simulator_looks_at_it(engines: dict[str, Plug], tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    with plugged(engines["micropython"], path) as host:
        host.put(blob(700))
    facts = look(path)
    assert (facts.state, facts.pairings, facts.backups) == ("ready", 1, 1)
