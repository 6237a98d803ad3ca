"""Shared by every test: where the real vault files and the published vectors are, and the watch over secrets."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from coldshare import handling
from coldshare.places import surroundings
from support import quick, watch

# A busy machine is no failure: tests never judge by the clock. `make fuzz` tries far more.
settings.register_profile("coldshare", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("coldshare")


@pytest.hookimpl(tryfirst=True)  # before markers select
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs MicroPython has a target of its own, `make test-micropython`, which gets it."""
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.micropython)


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


def pytest_collection_finish() -> None:
    """What is here now stays: thousands of tests that wait are nothing to look through for garbage, again and again."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    quick.files_in_memory()
    watch.install()


@pytest.fixture(scope="session", autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """No test meets the records of whoever runs it, and none is added to them. One computer stands for all parties',
    and folders on its disk for their sticks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLDSHARE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("COLDSHARE_SINGLE_HOST", "1")
        patch.setattr(handling.process, "accept", lambda several: True)
        patch.setattr(surroundings, "built_in", lambda place: False)
        quick.passwords_scored_once(patch)
        yield


@pytest.fixture(autouse=True)
def nothing_handled() -> Generator[None]:
    """Every test is a process of its own, as far as rule 1 goes."""
    with handling.process.fresh(lambda several: True):
        yield


@pytest.fixture(scope="module", autouse=True)
def _secrets_of_this_module() -> None:
    watch.watch.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return (yield from watch.report(item, call))
