"""Who sits at the terminal presses the buttons of a token under MicroPython; Ctrl-C ends the host and not its step."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare_iface import wire
from coldshare_sim.look import look
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.process import _Carrier
from support.client import LABEL
from support.desk import PIN
from support.mpy import Desks
from support.terminal import CTRL_C, Terminal

AT = "sim+mpy:a.token"


@pytest.fixture
def folder(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    (tmp_path / "pin").write_text(PIN, encoding="utf-8")
    return tmp_path


def test_a_person_at_the_terminal(folder: Path) -> None:
    with Terminal("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin", cwd=folder) as terminal:
        on_token = terminal.until("same on the computer?")
        asked = terminal.until("Are the two the same, every character? [y/N]: ")
        code = next(line.strip() for line in asked.splitlines() if line.startswith("    "))
        assert code[:11] in on_token
        terminal.type("y\n")
        terminal.until("y = YES, n = NO")
        terminal.press("y")
        terminal.until("Set up this token?")
        terminal.press("y")
        assert terminal.finish() == 0
        assert terminal.sane


def test_ctrl_c_at_a_question(folder: Path) -> None:
    """The token hears that nobody wants an answer any more, and is as it was."""
    with Terminal("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin", cwd=folder) as terminal:
        terminal.until("Are the two the same, every character? [y/N]: ")
        terminal.type("y\n")
        terminal.until("y = YES, n = NO")
        terminal.press(CTRL_C)
        assert terminal.finish() == 130
        assert terminal.sane
        assert "Traceback" not in terminal.screen
    facts = look(folder / "a.token")
    assert (facts.state, facts.pairings) == ("new", 0)


def test_a_request_goes_on_after_an_interrupted_wait(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever Ctrl-C finds the host, the token's answer is whole when it is asked for again."""
    desk = desks().make_ready()
    host = desk.host
    host.start(wire.OP_LABEL, "Safe B")
    real = desk.token._fetch
    hits: list[int] = []

    def interrupted(carrier: _Carrier) -> None:
        real(carrier)
        hits.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(desk.token, "_fetch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        host.finish()
    assert hits
    monkeypatch.undo()
    assert host.finish()[0] == wire.STATUS_OK
    assert desk.person.screen[1] == "Safe B" != LABEL
