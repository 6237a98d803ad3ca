"""Every party has a computer of its own, and nobody has accepted anything: the rules are tried as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.people import People
from support.desk import PASSWORD, PIN, quick_argon2id
from support.reshare import generations


@pytest.fixture
def people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_handled: None
) -> People:
    """With the files `pin` and `pw`, and the vault files of two generations: phone.vult, phone-2.vult, ...

    Each party has a set-up token (`phone.token`, ...), which all computers are paired with, and an empty stick.
    """
    from coldshare.seal import primitives

    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG", "COLDSHARE_SINGLE_HOST"):
        monkeypatch.delenv(name, raising=False)
    people = People(tmp_path, monkeypatch, capsys)
    people.write("pin", PIN, secret="PIN")
    people.write("pw", PASSWORD, secret="password")
    for suffix, run in zip(("", "-2"), generations(2), strict=True):
        for share in run:
            people.write(f"{share.party.lower()}{suffix}.vult", share.vult)
            people.secrets.add_share(share.vult)
    people.sit_down_everywhere()
    return people
