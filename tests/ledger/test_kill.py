"""Killed at any point, and two processes at once: what was acknowledged is there, and all of it follows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.events import BackupVerified
from coldshare.ledger.store import Ledger, ledger_path
from ledger.samples import SAFE, SHARE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

_CHILD = Path(__file__).with_name("child.py")
_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[1])}


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(_CHILD), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | _ENVIRONMENT,
    )


def recorded(ledger: Ledger, writer: int) -> list[int]:
    """The numbers that this writer has recorded: each backup id names writer and number."""
    return [
        int.from_bytes(event.body.backup_id[8:], "big")
        for event in ledger.events()
        if isinstance(event.body, BackupVerified) and event.body.backup_id[7] == writer
    ]


def killed_at(path: Path, writer: int, calls: str) -> tuple[int, list[int]]:
    """Run a writer that kills itself at that call of the system's; what it had acknowledged before."""
    with start(str(path), str(writer), calls) as child:
        out, _ = child.communicate(timeout=120)
    return child.returncode, [int(line) for line in out.split()]


_QUICK = (3, 17, 60)


@pytest.mark.parametrize(
    "point", [*_QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in range(0, 240, 8) if n not in _QUICK)]
)
def test_killed_at_many_points(point: int) -> None:
    """At the step number `point` of making the ledger or of writing into it, in SQLite's own words."""
    path = ledger_path()
    status, acknowledged = killed_at(path, 1, f"kill:{point}")
    assert status == -signal.SIGKILL
    with Ledger(path) as ledger:
        assert ledger.check() == []
        there = recorded(ledger, 1)
        # All that was acknowledged, in order; and of what came next all or nothing.
        assert there[: len(acknowledged)] == acknowledged
        assert len(there) <= len(acknowledged) + 2
        ledger.record([e.BackupVerified(SAFE, bytes(16), SHARE, 1, e.ACTIVE, None, opened=True)])
        assert ledger.check() == []
    assert sorted(one.name for one in path.parent.iterdir()) == ["ledger.lock", "ledger.sqlite"]


def test_killed_from_outside_while_it_writes() -> None:
    path = ledger_path()
    for writer in (1, 2):
        with start(str(path), str(writer), "endless") as child:
            assert child.stdout is not None
            acknowledged = [int(child.stdout.readline()) for _ in range(5)]
            child.kill()
            acknowledged += [int(line) for line in child.stdout.read().split(b"\n")[:-1]]
        with Ledger(path) as ledger:
            assert ledger.check() == []
            there = recorded(ledger, writer)
            assert there[: len(acknowledged)] == acknowledged
            assert len(there) <= len(acknowledged) + 2


def test_two_processes_at_once() -> None:
    """Both begin with no ledger at all."""
    path = ledger_path()
    writers = [start(str(path), str(number), "ten") for number in (1, 2)]
    for child in writers:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
    for child in writers:
        assert child.stdin is not None
        child.stdin.close()
    for child in writers:
        assert child.wait(timeout=120) == 0
        assert child.stdout is not None
        child.stdout.close()
    with Ledger(path) as ledger:
        assert recorded(ledger, 1) == recorded(ledger, 2) == list(range(20))
        assert ledger.check() == []
        assert len({event.host for event in ledger.events()}) == 1
        positions = [event.position for event in ledger.events()]
        assert positions == sorted(set(positions))
