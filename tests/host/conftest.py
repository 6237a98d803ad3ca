"""Every test here has a home of its own, so that no real pairing key is ever touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.seal import primitives

from .desk import Desk


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
    """Argon2id with less memory. There is no option for it in coldshare, so it is put in place of the function."""
    if "real_kdf" in request.fixturenames:
        return
    argon2id = primitives.argon2id

    def quick(password: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
        return argon2id(password, salt, memory_kib=8 * lanes, passes=1, lanes=lanes)

    monkeypatch.setattr(primitives, "argon2id", quick)


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)
