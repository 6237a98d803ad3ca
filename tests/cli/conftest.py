"""Every test here has a folder and a home of its own, so that no real pairing key is ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives
from support.desk import PASSWORD, PIN, quick_argon2id, vault
from support.shell import Shell


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def quick_kdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in this process seal in no time; those that run in their own pay what a password costs."""
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)


@pytest.fixture
def shell(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """With the files `pin` and `pw`, and the vault files `phone.vult`, `laptop.vult` and `tablet.vult`."""
    shell = Shell(folder, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    for share in vault():
        shell.write(f"{share.party.lower()}.vult", share.vult)
        shell.secrets.add_share(share.vult)
    return shell
