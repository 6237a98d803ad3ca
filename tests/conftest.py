"""Shared by every test: where the real vault files and the published vectors are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _folder(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: {what} are not at hand")
    path = Path(value)
    if not path.is_dir():
        pytest.fail(f"{variable} is set, but {value} is no folder")
    return path


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Vault files written by the vendors' own apps and libraries (`COLDSHARE_FIXTURES`)."""
    return _folder("COLDSHARE_FIXTURES", "real vault files")


@pytest.fixture(scope="session")
def vectors_dir() -> Path:
    """Test vectors that nobody here wrote (`COLDSHARE_VECTORS`)."""
    return _folder("COLDSHARE_VECTORS", "published test vectors")
