"""The story of `coldshare demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from coldshare import demo, demo_reshare


@pytest.mark.usefixtures("real_kdf")
def test_the_story_ends_well_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    result = demo.run(told.append)
    assert result.identical
    assert (result.tokens, result.restored) == (3, "Tablet")
    assert result.seconds < 20
    assert not list(tmp_path.iterdir()), "files are left behind"
    assert not home.exists(), "the person's own pairing keys were touched"
    story = "\n".join(told)
    for word in ("Safe A", "Safe C", "already holds the share of Phone", "Tablet is lost"):
        assert word in story
    assert not any("\n" in line for line in told), "the renderer takes a line break for a trick"


def test_a_demo_that_gets_something_else_back_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_play", lambda on: False)
    with pytest.raises(demo.DemoFailedError):
        demo.run(lambda text: None)


@pytest.mark.usefixtures("real_kdf")
def test_the_story_of_a_reshare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[str] = []
    result = demo_reshare.run(told.append)
    assert result.complete
    assert result.older != result.newer
    assert result.seconds < 30
    assert not list(tmp_path.iterdir()), "files are left behind"
    assert not home.exists(), "the person's own keys were touched"
    story = "\n".join(told)
    for word in (
        "Watch joins",
        "another generation",
        "does not count",
        "retired on this token",
        "still sign with each other",
    ):
        assert word in story
    assert not any("\n" in line for line in told)
