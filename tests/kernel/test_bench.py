"""The figures of `make bench-kernel` by hand. Never how fast anything is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `python -m bench.kernel` runs, too

from bench.kernel import figures, missed

ROUND = {"get": 3.0, "sink": 0.1}
SPLIT = {
    "put": 8.0,
    "host_code": 1.0,
    "host_library": 1.0,
    "token_firmware": 2.0,
    "token_flash": 2.0,
    "token_bus": 1.0,
}


def measured(raw: float = 2.0) -> dict[str, Any]:
    carrier = {"rounds": [ROUND | {"put": 6.0, "raw": 9.0}, ROUND | {"put": 4.0, "raw": raw}], "split": SPLIT}
    looks = {"discovery": 0.3, "enumerate": 0.2}
    return {"bulk": carrier, "hid_hs": carrier, "hid_fs": carrier, "discovery": looks}


def test_the_best_round_counts_and_the_token_s_own_work_is_shown_apart() -> None:
    values = {figure.name: figure.value for figure in figures(measured(), 4096)}
    assert values["hid_hs_over_raw"] == 2.0
    # Half of a put is firmware and flash, whatever the timers have added to it.
    assert values["kernel_hid_hs_over_raw_token_apart"] == 1.0
    assert values["kernel_bulk_put_kib_per_second"] == 1.0
    assert values["discovery_over_enumerate"] == pytest.approx(1.5)
    shares = [value for name, value in values.items() if name.startswith("kernel_hid_fs_share_")]
    assert sum(shares) == pytest.approx(1.0)
    assert values["kernel_hid_fs_share_rest"] == 1 / 8


def test_a_bound_is_missed_when_the_token_s_work_does_not_explain_it() -> None:
    assert missed(figures(measured(), 4096)) == []
    # A put of 4 against 1.1: 3.6 with the token's work, 1.8 without.
    assert missed(figures(measured(raw=1.1), 4096)) == ["hid_fs_over_raw"]
    assert "discovery_over_enumerate" in missed([])
