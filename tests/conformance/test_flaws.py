"""A token with one rule broken fails the row of that rule, and no other one."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.conformance.catalogue import catalogue
from coldshare.conformance.rules import BULK
from coldshare.conformance.run import FAIL, PASS, SKIP, run
from coldshare.device.address import Address
from coldshare.device.errors import AddressError
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare_firmware import x25519
from coldshare_iface import wire
from coldshare_sim import broken
from coldshare_sim.flash import create, read_image
from conformance.conftest import rows, sim_bench
from support.agreement import quick_x25519

#: One of each kind; all of them are for `make test-slow`.
SAMPLE = ("channel-record-replayed", "backup-replaced", "audit-kept")


def check(flaw: str) -> None:
    """Over the carrier that the row is about; rows about another one are skipped."""
    (of,) = rows(flaw)
    size = wire.BULK_FRAME_MAX if of.carrier == BULK else wire.REPORT_FS
    outcomes = list(run(sim_bench(flaw, size=size), rows()))
    assert {one.row.name: (one.result, one.why) for one in outcomes if one.result not in (PASS, SKIP)}.keys() == {flaw}
    assert next(one.result for one in outcomes if one.row.name == flaw) == FAIL
    assert all(one.row.carrier for one in outcomes if one.result == SKIP)


@pytest.mark.parametrize("flaw", SAMPLE)
def test_a_broken_rule_fails_its_row(flaw: str) -> None:
    check(flaw)


@pytest.fixture
def quick_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who breaks a rule does it whoever multiplies; a quarter of the time goes there otherwise."""
    monkeypatch.setattr(x25519, "x25519", quick_x25519)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_agreement")
@pytest.mark.parametrize("flaw", [name for name in broken.names() if name not in SAMPLE])
def test_every_broken_rule_fails_its_row(flaw: str) -> None:
    check(flaw)


def test_vectors_find_flaws_too() -> None:
    vectors = [row for row in catalogue() if row.section == "vectors"]
    failed = [one.row.name for one in run(sim_bench("requests-extra-field"), vectors) if one.result != PASS]
    assert failed == ["vector-pairings-start"]


def test_flaws_are_called_like_rows_and_every_section_has_some() -> None:
    by_name = {row.name: row for row in catalogue()}
    assert set(broken.names()) <= by_name.keys()
    sections = {row.section for row in rows()}
    # A token cannot have too little room for every chip.
    assert sections - {by_name[name].section for name in broken.names()} == {"limits"}
    assert len(broken.names()) >= 120


@pytest.mark.parametrize("name", broken.names())
def test_a_flaw_has_a_sentence(name: str) -> None:
    assert broken.sentence(name).endswith(".")
    assert len(broken.sentence(name).split()) >= 3


def test_a_broken_token_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    transport = open_transport(Address.parse(f"sim:{path}?user=approve&break=pin-three"), create=True)
    with TokenClient(transport) as client:
        assert client.info.model == broken.MODEL
    bench = sim_bench("pin-three")
    assert bench.operator.screen()[-1] == "BROKEN: pin-three"


def test_it_is_good_again_without_the_word(tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    for query, model in (("&break=pin-three", broken.MODEL), ("", "coldshare-sim")):
        with TokenClient(open_transport(Address.parse(f"sim:{path}?user=approve{query}"), create=True)) as client:
            assert client.info.model == model


def test_faults_and_a_broken_rule_go_together(tmp_path: Path) -> None:
    address = f"sim:{tmp_path / 'a.token'}?user=approve&break=pin-three&fault=drop:to-host:1"
    transport = open_transport(Address.parse(address), create=True)
    try:
        transport.write(bytes.fromhex("ffffffff860008") + bytes(57))
        assert transport.read(0.5) is None
    finally:
        transport.close()


def test_a_rule_that_there_is_not_is_named_and_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    create(path)
    before = read_image(path)
    for where in (path, tmp_path / "new.token"):
        with pytest.raises(AddressError, match="'pin-thirteen'") as raised:
            open_transport(Address.parse(f"sim:{where}?user=approve&break=pin-thirteen"), create=True)
        assert "coldshare-sim flaws" in raised.value.next_step
    assert read_image(path) == before
    assert not (tmp_path / "new.token").exists()
