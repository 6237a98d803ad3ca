"""Every test here has a home of its own, so that no real pairing key is ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives
from support.desk import Desk, quick_argon2id


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("COLDSHARE_HOME", str(folder))
    return folder


@pytest.fixture
def real_kdf() -> None:
    """For tests that pay what a password really costs."""


@pytest.fixture(autouse=True)
def quick_kdf(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals in no time, except where a test asks for the real thing."""
    if "real_kdf" in request.fixturenames:
        return
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)
