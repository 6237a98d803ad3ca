"""As a person meets it: prompts, the token's screen, its buttons, Ctrl-C. Real processes on terminals of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coldshare.cli.ui import Ui
from support.desk import PASSWORD, PIN, Desk, vault
from support.shell import Shell, failed, holds
from support.terminal import CTRL_C, Terminal

# Processes, terminals and real key derivation take their time; tests/host has the same without them.
pytestmark = pytest.mark.slow

AT = "sim:a.token"


def backup(at: str = AT) -> list[str]:
    """One that asks for nothing but what the token asks; recovery codes are tested apart."""
    return ["backup", "phone.vult", "--no-recovery", "--at", at, "--pin-file", "pin", "--password-file", "pw"]


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """A token that is set up and holds nothing."""
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    return shell


def test_from_a_new_token_to_a_restored_file(shell: Shell, folder: Path) -> None:
    with Terminal("init", "--at", AT, "--label", "Safe A", cwd=folder) as terminal:
        terminal.answer("New PIN (4 to 12 digits): ", "12")
        terminal.until("A PIN has 4 to 12 digits and nothing else.")
        terminal.answer("New PIN (4 to 12 digits): ", PIN)
        terminal.answer("The same once more: ", "483921")
        terminal.until("The two are not the same.")
        terminal.answer("New PIN (4 to 12 digits): ", PIN)
        terminal.answer("The same once more: ", PIN)
        # The token shows its code before the computer asks about it, and both show the same one.
        on_token = terminal.until("same on the computer?")
        asked = terminal.until("Are the two the same, every character? [y/N]: ")
        code = next(line.strip() for line in asked.splitlines() if line.startswith("    "))
        assert code[:11] in on_token
        assert code[12:] in on_token
        terminal.type("y\n")
        assert code[:11] in terminal.until("y = YES, n = NO")
        terminal.press("y")
        terminal.until("Set up this token?")
        terminal.press("y")
        assert terminal.finish() == 0
        assert "is set up and paired with this computer" in terminal.screen
        assert terminal.sane
        shell.check(terminal.raw)

    with Terminal("backup", "phone.vult", "--no-recovery", "--at", AT, cwd=folder) as terminal:
        terminal.until("Savings: the share of Phone, 2 of 3, checked.")
        terminal.answer("PIN of the token: ", PIN)
        terminal.answer("Password for this backup: ", "sunshine")
        terminal.until("This password is too easy to guess.")
        terminal.answer("Password for this backup: ", PASSWORD)
        terminal.answer("The same once more: ", PASSWORD)
        terminal.until("Sealing")
        assert "━" in terminal.until("Store this share?")  # a bar, because this is a terminal
        terminal.until("share of Phone")
        terminal.press("y")
        terminal.until("Reading back")
        assert terminal.finish() == 0
        assert "Backed up" in terminal.screen
        assert terminal.sane
        shell.check(terminal.raw)

    with Terminal("restore", "--at", AT, "--out", "back.vult", cwd=folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.answer("Password of the backup: ", PASSWORD)
        terminal.until("share of Phone")
        terminal.press("y")
        assert terminal.finish() == 0
        assert terminal.sane
        shell.check(terminal.raw)
    assert (folder / "back.vult").read_bytes() == vault()[0].vult


def test_codes_that_differ(shell: Shell, folder: Path) -> None:
    with Terminal("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin", cwd=folder) as terminal:
        terminal.answer("Are the two the same, every character? [y/N]: ", "n")
        assert terminal.finish() == 5
        assert "Error (code_rejected)" in terminal.screen
        assert "Pair with" not in terminal.screen
    assert not (shell.home / "pairings.json").exists()


def test_no_on_the_token(ready: Shell, folder: Path) -> None:
    before = holds(folder / "a.token")
    with Terminal(*backup(), cwd=folder) as terminal:
        terminal.press("n")
        assert terminal.finish() == 5
        assert "Error (rejected)" in terminal.screen
        assert terminal.sane
    assert holds(folder / "a.token") == before


def test_json_for_a_script_with_a_person_beside_it(ready: Shell, folder: Path) -> None:
    """Prompts and the token's screen are on the terminal; standard output is one object."""
    script = f"coldshare list --json --at {AT} > answer.json"
    path = str(Path(sys.executable).parent)
    with Terminal(cwd=folder, program=["/bin/sh", "-c", f"PATH={path}:$PATH; {script}"]) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        assert terminal.finish() == 0
    assert (folder / "answer.json").read_text().startswith('{\n  "ok": true')


# --- Ctrl-C


def test_ctrl_c_while_the_token_waits_for_its_button(ready: Shell, folder: Path) -> None:
    before = holds(folder / "a.token")
    with Terminal(*backup(), cwd=folder) as terminal:
        terminal.press(CTRL_C)
        assert terminal.finish() == 130
        assert "Error (cancelled)" in terminal.screen
        assert "Nothing was changed" in terminal.screen
        assert terminal.sane
        ready.check(terminal.raw)
    assert holds(folder / "a.token") == before, "a reservation is left behind"
    assert ready("list", "--at", AT, "--pin-file", "pin").status == 0, "the token's file is still locked"


@pytest.mark.parametrize("prompt", ["PIN of the token: ", "Password for this backup: "])
def test_ctrl_c_at_a_prompt(ready: Shell, folder: Path, prompt: str) -> None:
    before = holds(folder / "a.token")
    secret = ["--pin-file", "pin"] if prompt.startswith("Password") else []
    with Terminal("backup", "phone.vult", "--no-recovery", "--at", AT, *secret, cwd=folder) as terminal:
        terminal.until(prompt)
        assert terminal.interrupt() == 130
        assert "Error (interrupted)" in terminal.screen
        assert terminal.sane
    assert holds(folder / "a.token") == before


def test_ctrl_c_at_the_comparison(shell: Shell, folder: Path) -> None:
    with Terminal("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin", cwd=folder) as terminal:
        terminal.until("Are the two the same, every character? [y/N]: ")
        assert terminal.interrupt() == 130
        assert terminal.sane
    assert not (shell.home / "pairings.json").exists()
    assert shell("init", "--at", AT + "?user=approve", "--label", "Safe A", "--pin-file", "pin").status == 0


STEPS = [("sealing", 0), ("writing", 60_000), ("confirming", 0), ("reading", 60_000)]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(("step", "done"), STEPS)
def test_ctrl_c_in_the_middle_of_the_work(
    ready: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, done: int, as_json: bool
) -> None:
    """The signal comes when the work is that far: a token in this process is too fast for a stopwatch."""
    on_step = Ui.on_step
    fired: list[str] = []

    def interrupted(ui: Ui, now: str, count: int, total: int) -> None:
        on_step(ui, now, count, total)
        if now == step and count >= done and not fired:
            fired.append(now)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Ui, "on_step", interrupted)
    argv = backup(AT + "?user=approve")
    said = ready(*argv, *(["--json"] if as_json else []))
    text = failed(said, "cancelled", 130, as_json=as_json)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    state = holds(folder / "a.token")
    assert isinstance(state, tuple)
    if step == "reading":
        assert [held for _, held in state[2]] == [2]
        assert "coldshare verify" in text
        verified = ready("verify", *argv[3:], "--json").json
        assert verified["backups"][0]["confirmed_now"] is True
        assert verified["backups"][0]["state"] == "active"
    else:
        assert state[2] == []
        assert "Nothing was changed" in text
    assert ready(*argv).status == 0


def test_a_second_ctrl_c_stops_at_once(ready: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_step = Ui.on_step
    fired: list[str] = []

    def twice(ui: Ui, now: str, count: int, total: int) -> None:
        on_step(ui, now, count, total)
        if now == "writing" and not fired:
            fired.append(now)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Ui, "on_step", twice)
    argv = backup(AT + "?user=approve")
    failed(ready(*argv), "interrupted", 130, as_json=False)
    assert holds(folder / "a.token") == (1, "Safe A", [])


@pytest.mark.parametrize(("step", "done"), [("writing", 60_000), ("confirming", 0), ("reading", 60_000)])
def test_killed_in_the_middle_the_command_works_the_next_time(ready: Shell, folder: Path, step: str, done: int) -> None:
    script = f"""
import os, signal, sys
from coldshare.cli.app import run
from coldshare.cli.ui import Ui
from coldshare.seal import primitives
from support.desk import quick_argon2id
primitives.argon2id = quick_argon2id
def on_step(ui, step, done, total):
    if step == {step!r} and done >= {done}:
        os.kill(os.getpid(), signal.SIGKILL)
Ui.on_step = on_step
sys.exit(run(sys.argv[1:]))
"""
    argv = backup(AT + "?user=approve")
    killed = subprocess.run(
        [sys.executable, "-c", script, *argv],
        capture_output=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert ready(*argv).status == 0
    (held,) = ready("list", "--at", AT, "--pin-file", "pin", "--json").json["backups"]
    assert held["state"] == "active"
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []
