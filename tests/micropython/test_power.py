"""Power cuts at every instant, on MicroPython's own littlefs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[[str], str]


@pytest.mark.parametrize("mode", ["clean", "half", "done"])
def test_a_file_is_replaced_whole_or_not_at_all(mode: str, micropython: Run, tmp_path: Path) -> None:
    """20 kB on 40 blocks, piece by piece and then renamed, cut in every operation."""
    places = ", ".join(repr(str(tmp_path / name)) for name in ("image", "saved"))
    total, old, new, neither = map(int, micropython(f"import powercut; powercut.run({places}, {mode!r})").split())
    assert total > 100
    assert (old + new, neither) == (total, 0)
    # It is the new one only from the rename on: the very last operation, or not even that.
    assert new <= 1
