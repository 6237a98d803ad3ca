"""Ctrl-C when all is done: what was done is recorded and told, and the exit status is that of the answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

import click
import pytest

from coldshare.interrupts import afterwards
from coldshare.ledger.events import BackupVerified, Body, Event
from coldshare.ledger.store import Ledger
from places.test_place_command import ready, shell
from support.ledgers import kinds
from support.shell import Shell

__all__ = ["ready", "shell"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
VERIFY = ("verify", "--password-file", "pw", "--at", "folder:stick")


def test_it_is_recorded_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Ledger.record

    def interrupted(self: Ledger, bodies: Sequence[Body]) -> list[Event]:
        if any(isinstance(one, BackupVerified) for one in bodies):
            signal.raise_signal(signal.SIGINT)
        return record(self, bodies)

    monkeypatch.setattr(Ledger, "record", interrupted)
    said = shell(*VERIFY)
    assert (said.status, said.out) == (130, "")
    assert kinds()[-1] == "backup_verified"


def test_it_is_told_first(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    echo, before = click.echo, shell(*VERIFY).out

    def interrupted(text: str, *, err: bool = False) -> None:
        echo(text, err=err)
        if text.startswith("Good"):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(click, "echo", interrupted)
    said = shell(*VERIFY)
    assert (said.status, said.out) == (0, before)


def test_nobody_has_to_wait_for_the_answer(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    echo = click.echo

    def interrupted(text: str, *, err: bool = False) -> None:
        echo(text, err=err)
        if not err:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(click, "echo", interrupted)
    said = shell(*VERIFY)
    assert (said.status, len(said.out.splitlines())) == (130, 2)


def test_while_the_interpreter_clears_up() -> None:
    """Whatever else has asked to be called at the end."""
    program = (
        "import atexit, signal; atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "from coldshare.cli import main; main(['--version'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("coldshare")


def test_a_thread_takes_no_signals() -> None:
    """Python lets only the main one say what becomes of them."""
    before = signal.getsignal(signal.SIGINT)
    during = []

    def work() -> None:
        with afterwards():
            during.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert during == [before]
