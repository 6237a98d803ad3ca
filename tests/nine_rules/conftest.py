"""Every party has a computer of its own, and nobody has accepted anything: the rules are tried as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from nine_rules.people import People
from support.desk import PASSWORD, PIN, quick_argon2id
from support.reshare import generations
from support.stages import Stages, same_folder


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def people(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nothing_handled: None,
) -> People:
    """With the files `pin` and `pw`, and the vault files of two generations: phone.vult, phone-2.vult, ...

    Each party has a set-up token (`phone.token`, ...), which all computers are paired with, and an empty stick.
    """
    from coldshare.seal import primitives

    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG", "COLDSHARE_SINGLE_HOST"):
        monkeypatch.delenv(name, raising=False)
    people = People(tmp_path, monkeypatch, capsys, Stages(tmp_path, tmp_path_factory))
    people.secrets.add("PIN", PIN)
    people.secrets.add("password", PASSWORD)
    for run in generations(2):
        for share in run:
            people.secrets.add_share(share.vult)
    people.sit_down_everywhere()
    return people
