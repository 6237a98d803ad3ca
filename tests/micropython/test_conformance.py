"""The conformance kit against the firmware under MicroPython."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.rules import BULK, HID, Row
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


carriers = pytest.mark.parametrize("carrier", [HID, BULK])


def failures(folder: Path, rows: list[Row], carrier: str) -> list[tuple[str, str]]:
    """Rows about the other carrier are left out."""
    ours = [row for row in rows if row.carrier in ("", carrier)]
    with closing(mpy_bench(Address.parse(f"sim+mpy:{folder / 'a.token'}?carrier={carrier}"))) as bench:
        return [(one.row.name, one.why) for one in run(bench, ours) if one.result != PASS]


@carriers
def test_a_sample_of_the_rows(carrier: str, engine: Engine, tmp_path: Path) -> None:
    assert failures(tmp_path, [row for row in catalogue() if row.name in SAMPLE], carrier) == []


def test_frames_on_bulk(engine: Engine, tmp_path: Path) -> None:
    assert failures(tmp_path, [row for row in catalogue() if row.section == "bulk"], BULK) == []


@pytest.mark.slow
@carriers
def test_all_rows(carrier: str, engine: Engine, tmp_path: Path) -> None:
    assert failures(tmp_path, catalogue(), carrier) == []
