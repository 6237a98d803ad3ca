"""The process that runs the firmware: who may use the file, what ends it, and what is said when it goes wrong."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare_iface import wire
from coldshare_sim import flash
from coldshare_sim.errors import DamagedTokenError, NoSuchTokenError, NotATokenError, TokenBusyError
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.errors import CrashedError
from coldshare_sim.mpy.process import MpyToken
from coldshare_sim.token import SoftToken
from support.client import PIN, Puppet, secrets
from support.mpy import Desks

_KEEP = """
import sys
from pathlib import Path
from coldshare_sim.mpy.engine import find
from coldshare_sim.mpy.process import MpyToken
from coldshare_sim.person import AbsentPerson

token = MpyToken(Path(sys.argv[1]), AbsentPerson(), find(), create=True)
print("up", flush=True)
sys.stdin.read()
"""


def log_of(error: CrashedError) -> Path:
    assert error.log is not None
    assert str(error.log) in error.message
    return error.log


def test_one_process_at_a_time(desks: Desks) -> None:
    desk = desks()
    for open_again in (lambda: desks(), lambda: SoftToken(desk.path, Puppet())):
        with pytest.raises(TokenBusyError):
            open_again()
    desk.token.close()
    SoftToken(desk.path, Puppet()).close()


def test_the_file_is_a_token(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NoSuchTokenError):
        MpyToken(tmp_path / "none", Puppet(), engine)
    short = tmp_path / "short"
    short.write_bytes(b"x")
    with pytest.raises(NotATokenError):
        MpyToken(short, Puppet(), engine)
    assert short.read_bytes() == b"x"


def test_a_damaged_one_is_left_as_it_is(desks: Desks, engine: Engine) -> None:
    desk = desks().make_ready()
    desk.token.close()
    image = bytearray(desk.path.read_bytes())
    for at in range(flash.KEY_SIZE, flash.KEY_SIZE + 2 * flash.BLOCK):
        image[at] &= 0x55
    desk.path.write_bytes(image)
    with pytest.raises(DamagedTokenError):
        MpyToken(desk.path, Puppet(), engine)
    assert desk.path.read_bytes() == image


def test_it_dies_with_whoever_started_it(tmp_path: Path, engine: Engine) -> None:
    """However that ended; and the file is free again."""
    path = tmp_path / "a.token"
    parent = subprocess.Popen([sys.executable, "-c", _KEEP, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    with path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert parent.stdin is not None
        parent.stdin.close()
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for the process that had inherited the lock


def test_the_terminals_signals_do_not_reach_it(desks: Desks) -> None:
    desk = desks()
    assert os.getsid(desk.token.pid) == desk.token.pid != os.getsid(0)


def test_it_is_killed(desks: Desks) -> None:
    desk = desks().make_ready()
    os.kill(desk.token.pid, signal.SIGKILL)
    with pytest.raises(CrashedError, match="has stopped") as crashed:
        desk.host.call(wire.CMD_PING, bytes(7000))
    assert crashed.value.next_step
    log_of(crashed.value).unlink()
    # Power is what brings it back.
    desk.power_cycle()
    desk.host.again()


def test_a_crash_leaves_a_traceback_and_no_secret(desks: Desks, engine: Engine, tmp_path: Path) -> None:
    """The firmware runs out of memory where it cannot do without: while it starts."""
    desk = desks().make_ready()
    desk.token.close()
    with pytest.raises(CrashedError) as crashed:
        MpyToken(desk.path, Puppet(), replace(engine, heap=100 * 1024))
    log = log_of(crashed.value)
    said = log.read_text(encoding="utf-8")
    log.unlink()
    assert "MemoryError" in said
    assert ".py" in said
    assert secrets(said.encode(), desk.host.psk, desk.host.psk.hex().encode(), PIN.encode()) == []


def test_what_runs_is_not_the_firmware(tmp_path: Path, engine: Engine) -> None:
    flash.create(tmp_path / "a.token")
    with pytest.raises(CrashedError) as crashed:
        MpyToken(tmp_path / "a.token", Puppet(), replace(engine, modules=tmp_path))
    log_of(crashed.value).unlink()
