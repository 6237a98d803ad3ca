"""Tokens in the two states that most tests begin with."""

from __future__ import annotations

import pytest

from support.client import Bench


@pytest.fixture
def bench() -> Bench:
    """A new token, powered up for the first time."""
    return Bench()


@pytest.fixture(scope="session")
def _ready() -> Bench:
    return Bench().make_ready()


@pytest.fixture
def ready(_ready: Bench) -> Bench:
    """A token that is set up and paired, unlocked in an open session, with no backup on it."""
    bench = _ready.clone()
    bench.host.again()
    bench.person.screens.clear()
    return bench
