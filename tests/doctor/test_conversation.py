"""Round trips in a process of their own, with real software tokens and with what never answers."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from coldshare.device.address import Address
from coldshare.doctor import conversation
from coldshare.doctor.conversation import ask, converse
from coldshare_iface import wire
from coldshare_sim.person import person_for
from coldshare_sim.token import SoftToken


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.token"
    SoftToken(path, person_for("approve"), create=True).close()
    return path


def test_a_token_in_a_process_of_its_own(token: Path) -> None:
    answer = ask(Address.parse("sim:a.token?user=approve"))
    assert answer.failed == ""
    assert (answer.state, answer.report_size, len(answer.serial)) == (wire.TOKEN_NEW, wire.REPORT_FS, 16)
    assert 0 < answer.usual <= answer.slowest


@pytest.mark.parametrize("carrier", ["hid", "hid-hs", "bulk"])
def test_every_carrier(carrier: str, token: Path) -> None:
    assert converse(Address.parse(f"sim:a.token?carrier={carrier}&user=approve")).failed == ""


def test_an_error_of_ours_comes_back_with_its_next_step(token: Path) -> None:
    answer = ask(Address.parse("sim:none.token"))
    assert answer.failed == "no_such_token"
    assert "none.token" in answer.message
    assert answer.next_step


def test_what_hangs_is_given_up_on(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation.sys, "executable", str(_program(token.parent, "exec sleep 600")))
    answer = ask(Address.parse("sim:a.token"), limit=0.2)
    assert answer.failed == "no_end"
    assert "Unplug" in answer.next_step


def test_what_not_even_dies_is_left_behind(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel can keep a process that waits for a device; here a kill does nothing instead."""
    children: list[subprocess.Popen[bytes]] = []

    def kill(child: subprocess.Popen[bytes]) -> None:
        children.append(child)

    monkeypatch.setattr(conversation.sys, "executable", str(_program(token.parent, "exec sleep 600")))
    with monkeypatch.context() as patched:
        patched.setattr(subprocess.Popen, "kill", kill)
        assert ask(Address.parse("sim:a.token"), limit=0.1).failed == "no_end"
    (child,) = children
    # Python does not complain of it, and nobody waits for it.
    assert child.poll() is not None
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)


@pytest.mark.parametrize("script", ["exit 139", "echo nonsense", "echo '[1]'", "echo '{\"strange\": 1}'", "kill -9 $$"])
def test_what_crashes_is_a_line(script: str, token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation.sys, "executable", str(_program(token.parent, script)))
    assert ask(Address.parse("sim:a.token")).failed == "broke_off"


def test_a_name_of_ours_in_the_present_folder_is_not_run(token: Path) -> None:
    Path("coldshare.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    assert ask(Address.parse("sim:a.token?user=approve")).failed == ""


def _program(folder: Path, script: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o700)
    return path
