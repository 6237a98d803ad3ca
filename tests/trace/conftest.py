from __future__ import annotations

from pathlib import Path
from typing import TextIO

import pytest

from support.desk import PASSWORD, PIN, vault
from support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """With a token that is set up, and the files `pin` and `pw`; `phone.vult` is a vault file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.setenv("COLDSHARE_AT", "sim:a.token?user=approve")
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    phone = next(share for share in vault() if share.party == "Phone")
    shell.write("phone.vult", phone.vult)
    shell.secrets.add_share(phone.vult)
    return shell


def always_full() -> TextIO:
    """A file on a disk that is full."""
    return Path("/dev/full").open("w", buffering=1, encoding="utf-8")
