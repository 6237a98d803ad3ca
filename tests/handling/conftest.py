"""Every test here is a process and a computer of its own, and nobody has accepted anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coldshare.handling import process
from coldshare.seal import primitives
from support.desk import quick_argon2id
from support.stages import Stages, same_folder


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def stages(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path, tmp_path_factory)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_handled: None) -> Iterator[Path]:
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    monkeypatch.delenv("COLDSHARE_SINGLE_HOST")
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    with process.fresh():
        yield tmp_path / ".home"
