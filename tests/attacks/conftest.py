"""Every attack is run against the real host client and the real firmware, each test in a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives
from support.desk import PASSWORD, PIN, Desk, quick_argon2id, vault
from support.shell import Shell


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(folder))
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    return folder


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A command line in the home of `desk`, with the files `pin`, `pw` and `phone.vult`."""
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    shell.write("phone.vult", vault()[0].vult)
    return shell
