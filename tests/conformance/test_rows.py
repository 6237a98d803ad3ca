"""Every row against the software token, and what the catalogue promises of itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coldshare.conformance.catalogue import SECTIONS, catalogue, presses
from coldshare.conformance.presses import PRESSES
from coldshare.conformance.rules import BULK, HID
from coldshare.conformance.run import PASS, SKIP, run
from coldshare_iface import wire
from conformance.conftest import rows, sim_bench

CONTRACT = Path(__file__).parents[2] / "firmware_iface" / "README.md"


@pytest.mark.parametrize(
    ("size", "elsewhere"),
    [
        (wire.REPORT_FS, BULK),
        pytest.param(wire.REPORT_HS, BULK, marks=pytest.mark.slow),
        (wire.BULK_FRAME_MAX, HID),
    ],
)
def test_the_software_token_keeps_to_the_contract(size: int, elsewhere: str) -> None:
    outcomes = list(run(sim_bench(size=size), catalogue()))
    skipped = {one.row.name for one in outcomes if one.result == SKIP}
    others = {row.name for row in catalogue() if row.carrier == elsewhere}
    vectors = {name for name in skipped if name.startswith("vector-frames-")}  # of reports of 64 bytes
    assert skipped == others | (vectors if size == wire.REPORT_HS else set())
    assert len(others) >= 7
    assert [(one.row.name, one.why) for one in outcomes if one.result not in (PASS, SKIP)] == []
    assert {one.row.name: one.presses for one in outcomes if one.presses} == PRESSES


def test_every_rule_can_be_tried_over_some_carrier() -> None:
    assert {row.carrier for row in catalogue()} == {"", HID, BULK}


def test_only_one_carrier_is_at_hand() -> None:
    bench = sim_bench()
    bench._other = None
    (outcome,) = run(bench, rows("bulk-half"))
    assert (outcome.result, outcome.why) == (SKIP, "only one of the token's carriers is at hand here")


def test_there_are_rows_enough() -> None:
    assert len(rows()) >= 60
    assert len(catalogue()) - len(rows()) >= 80


def test_rows_have_names_that_can_be_typed_and_titles_that_can_be_read() -> None:
    for row in catalogue():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name), row.name
        assert len(row.title.split()) >= 2, row
        assert len(row.title) <= 120, row
        assert not row.title.endswith("."), row


def test_sections_are_those_of_the_contract_in_its_order() -> None:
    titles = re.findall(r"^#+ (.+)$", CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles]
    places = [anchors.index(section) for section in SECTIONS]
    assert places == sorted(places)


def test_rows_come_section_by_section() -> None:
    places = [SECTIONS.index(row.section) for row in catalogue()]
    assert places == sorted(places)
    assert set(SECTIONS) == {row.section for row in catalogue()}


def test_presses_are_added_up() -> None:
    assert presses([]) == 0
    assert presses(rows("frames-ping")) == 0
    # Wipe, pair, set up.
    assert presses(rows("requests-true", "requests-size")) == 3
    # The first leaves another label there, so the second needs a token made anew; each asks once or twice by itself.
    assert (
        presses(rows("manage-label", "manage-remove-held"))
        == 6 + PRESSES["manage-label"] + PRESSES["manage-remove-held"]
    )
    assert presses(rows("audit-kept")) == 0  # nobody is asked for that


def test_rows_can_be_run_alone_and_in_any_order() -> None:
    some = rows("audit-chain", "pin-change-format", "frames-ping", "pairing-press", "clear-state", "backup-pending")
    for order in (some, some[::-1]):
        assert [one.result for one in run(sim_bench(), order)] == [PASS] * len(some)
