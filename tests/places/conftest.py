"""Every test here has a home of its own, and seals in no time."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives
from support.desk import quick_argon2id


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    return tmp_path / ".home"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder
