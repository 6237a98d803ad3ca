"""The command line drives a token under MicroPython: `sim+mpy:PATH`."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives
from coldshare_sim.mpy import interpreter
from coldshare_sim.mpy.engine import Engine
from support.desk import PASSWORD, PIN, quick_argon2id, vault
from support.shell import Said, Shell, failed

AT = "sim+mpy:a.token?user=approve"
SIM = "sim:a.token?user=approve"
KEYS = ("--pin-file", "pin", "--password-file", "pw")


@pytest.fixture
def shell(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A folder with the files `pin` and `pw`, and a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    return shell


@pytest.fixture
def quick_kdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)


def steps(at: str) -> dict[str, tuple[str, ...]]:
    return {
        "init": ("init", "--at", at, "--label", "Safe A", "--pin-file", "pin"),
        "backup": ("backup", "share.vult", "--at", at, "--no-recovery", *KEYS),
        "verify": ("verify", "--at", at, *KEYS),
        "restore": ("restore", "--at", at, "--out", "back.vult", *KEYS),
    }


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


def test_a_real_share_is_backed_up_and_restored(shell: Shell, fixtures_dir: Path) -> None:
    data = (fixtures_dir / "real" / "TestDKLS1of2.vult").read_bytes()
    shell.secrets.add_share(data)
    shell.write("share.vult", data)
    for name in ("init", "backup", "restore"):
        good(shell.spawn(*steps(AT)[name]))
    assert (shell.folder / "back.vult").read_bytes() == data


def test_the_other_engine_goes_on(shell: Shell, quick_kdf: None) -> None:
    """What the one has backed up the other one verifies and restores."""
    data = vault()[0].vult
    shell.secrets.add_share(data)
    shell.write("share.vult", data)
    for first, second in ((AT, SIM), (SIM, AT)):
        (shell.folder / "a.token").unlink(missing_ok=True)
        for name in ("init", "backup"):
            good(shell(*steps(first)[name]))
        for name in ("verify", "restore"):
            good(shell(*steps(second)[name]))
        assert (shell.folder / "back.vult").read_bytes() == data
        (shell.folder / "back.vult").unlink()


def test_nobody_is_there(shell: Shell, quick_kdf: None) -> None:
    shell.write("share.vult", vault()[0].vult)
    for name in ("init", "backup"):
        good(shell(*steps(AT)[name]))
    failed(shell(*steps("sim+mpy:a.token")["verify"]), "no_person", 6, as_json=False)
    good(shell(*steps(AT)["verify"]))


def test_user_reject(shell: Shell) -> None:
    said = shell("init", "--at", "sim+mpy:a.token?user=reject", "--label", "Safe A", "--pin-file", "pin")
    failed(said, "rejected", 5, as_json=False)


def test_no_token(shell: Shell) -> None:
    failed(shell("list", "--at", AT, "--pin-file", "pin"), "no_such_token", 6, as_json=False)


def test_no_micropython(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is downloaded by itself: the error says how to get it."""
    monkeypatch.setattr(interpreter, "cache", lambda: tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(interpreter.VARIABLE, raising=False)
    said = shell("init", "--at", AT, "--label", "A", "--pin-file", "pin", "--json")
    assert "python -m coldshare_sim.mpy" in failed(said, "no_micropython", 6, as_json=True)
    monkeypatch.setenv(interpreter.VARIABLE, str(tmp_path / "pin"))
    said = shell("init", "--at", AT, "--label", "A", "--pin-file", "pin", "--json")
    assert "COLDSHARE_MICROPYTHON" in failed(said, "no_micropython", 6, as_json=True)
    assert not (tmp_path / "cache").exists()
