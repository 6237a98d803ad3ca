"""Vault files to read: those of the vendor's apps where they are at hand, and throw-away ones always."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coldshare.vault.synthetic import SyntheticShare, make_vault


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if value is None:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of vault files that nobody in this project wrote."""
    return _folder("COLDSHARE_FIXTURES")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of test vectors that nobody in this project wrote."""
    return _folder("COLDSHARE_VECTORS")


@pytest.fixture(scope="session")
def shares() -> list[SyntheticShare]:
    """A 2-of-3 vault, made once."""
    return make_vault("Test vault", ["phone", "laptop", "tablet"], 2, created_at=1_700_000_000)


@pytest.fixture(scope="session")
def vult(shares: list[SyntheticShare]) -> bytes:
    """The file of party 0 of that vault."""
    return shares[0].vult
