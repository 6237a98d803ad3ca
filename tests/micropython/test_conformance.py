"""The conformance kit against the firmware under MicroPython."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.rules import Row
from coldshare.conformance.run import PASS, run
from coldshare.conformance.simulated import mpy_bench
from coldshare.device.address import Address
from coldshare_sim.mpy.engine import Engine

#: One of each kind that does not take long.
SAMPLE = (
    "frames-ping",
    "frames-cancel",
    "channel-record-altered",
    "pairing-code",
    "cbor-tag",
    "backup-resume",
    "pin-back-off",
    "generation-retire",
    "wipe-held",
    "audit-events",
)


def failures(folder: Path, rows: list[Row]) -> list[tuple[str, str]]:
    with closing(mpy_bench(Address.parse(f"sim+mpy:{folder / 'a.token'}"))) as bench:
        return [(one.row.name, one.why) for one in run(bench, rows) if one.result != PASS]


def test_a_sample_of_the_rows(engine: Engine, tmp_path: Path) -> None:
    assert failures(tmp_path, [row for row in catalogue() if row.name in SAMPLE]) == []


@pytest.mark.slow
def test_all_rows(engine: Engine, tmp_path: Path) -> None:
    assert failures(tmp_path, catalogue()) == []
