"""Answers that the state machine does not look at: devices, drills, members, names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.store import Ledger
from ledger.samples import BODIES, HOST, ID, NEW, OLD, PLAN, SAFE, SHARE, STICK, VAULT, Clock

SEEN = BODIES[1]
assert isinstance(SEEN, e.VaultSeen)


def test_a_vault_is_put_together_from_what_each_share_tells(ledger: Ledger) -> None:
    ledger.record([SEEN])
    laptop = replace(SEEN.share, party="Laptop")
    ledger.record([replace(SEEN, share=laptop, point_eddsa=b"\2", public_share_eddsa=bytes([13]) * 32)])
    (generation,) = ledger.view().generations(VAULT)
    assert [(one.party, one.number, one.point_ecdsa, one.public_share_eddsa) for one in generation.members] == [
        ("Phone", 0, b"\1", bytes([11]) * 32),
        ("Laptop", 1, b"\2", bytes([13]) * 32),
        ("Tablet", 2, b"\3", None),
    ]
    assert generation.reshared is True
    assert [one.party for one in ledger.view().parties(VAULT)] == ["Laptop", "Phone", "Tablet"]


def test_a_device_is_lost_and_another_one_takes_its_place(ledger: Ledger, clock: Clock) -> None:
    ledger.record([e.DeviceLost(VAULT, "Phone")])
    (party,) = ledger.view().parties(VAULT)
    assert party.lost == clock.now
    ledger.record([e.DeviceRestored(VAULT, "Phone", "new phone", OLD, ID)])
    (party,) = ledger.view().parties(VAULT)
    assert (party.lost, party.restored, party.device, party.restored_generation) == (None, clock.now, "new phone", OLD)
    ledger.record([e.DeviceLost(VAULT, "Phone"), e.DeviceFound(VAULT, "Phone")])
    assert ledger.view().parties(VAULT)[0].lost is None


def test_the_last_drill_of_each_backup(ledger: Ledger, clock: Clock) -> None:
    good = next(body for body in BODIES if isinstance(body, e.DrillResult))
    assert isinstance(good, e.DrillResult)
    ledger.record([replace(good, good=False)])
    (backup,) = ledger.view().backups()
    assert (backup.drilled, backup.failed_code) == (None, "drill")
    ledger.record([good])
    (drill,) = ledger.view().drills(VAULT)
    assert (drill.good, drill.time, drill.host, drill.digest) == (True, clock.now, ledger.host, good.digest)
    assert (drill.place, drill.backup_id, drill.party) == (SAFE, ID, "Phone")
    (backup,) = ledger.view().backups()
    assert (backup.drilled, backup.opened, backup.failed) == (clock.now, clock.now, None)
    assert ledger.view().drills(NEW) == []


def _verified(*, opened: bool) -> e.BackupVerified:
    return e.BackupVerified(SAFE, ID, SHARE, 1000, e.ACTIVE, None, opened=opened)


@pytest.mark.parametrize(
    ("failure", "by_reading"),
    [
        (e.DrillResult(SAFE, ID, SHARE, False, None, None, bytes(32)), False),
        (e.BackupFailed(SAFE, ID, "seal_damaged"), False),
        (e.BackupFailed(SAFE, ID, "share_arithmetic"), False),
        (e.BackupFailed(SAFE, ID, "a_code_of_tomorrow"), False),
        (e.BackupFailed(SAFE, ID, "integrity"), True),
        (e.BackupFailed(SAFE, ID, "folder_damaged"), True),
    ],
    ids=lambda one: getattr(one, "code", "drill") if isinstance(one, e.Body) else "",
)
def test_what_was_found_inside_is_answered_by_opening_it_alone(
    ledger: Ledger, failure: e.Body, by_reading: bool
) -> None:
    stored = e.BackupStored(SAFE, ID, SHARE, 1000, e.ACTIVE, None)
    ledger.record([stored, failure])
    for body in (_verified(opened=False), stored, e.BackupState(SAFE, ID, SHARE, 1000, e.NEXT)):
        ledger.record([failure, body])
        (backup,) = ledger.view().backups()
        assert (backup.failed is None) == (backup.failed_code is None)
        assert (backup.failed is None) == (by_reading and not isinstance(body, e.BackupState)), body
    for body in (_verified(opened=True), e.BackupRestored(SAFE, ID, SHARE, 1000)):
        ledger.record([failure, body])
        (backup,) = ledger.view().backups()
        assert (backup.failed, backup.failed_code) == (None, None)


def test_what_a_place_is_called(ledger: Ledger) -> None:
    ledger.record([e.BackupStored(SAFE, ID, SHARE, 1, e.ACTIVE, None)])
    assert [one.title for one in ledger.view().places()] == [str(SAFE)]
    ledger.record([e.PlaceNamed(SAFE, "Safe A")])
    assert [one.title for one in ledger.view().places()] == ["Safe A"]
    ledger.record([e.PlaceDescribed(SAFE, "the grey one", None, None, None, None)])
    assert [one.title for one in ledger.view().places()] == ["the grey one"]
    assert ledger.view().place(STICK) is None


def test_which_computers_reach_a_place(ledger: Ledger) -> None:
    ledger.record([e.BackupState(SAFE, ID, SHARE, 1, e.ACTIVE)])
    ledger.record([e.PlaceReached(SAFE, HOST, reaches=True)])
    (place,) = ledger.view().places()
    assert set(place.hosts) == {ledger.host, HOST}
    ledger.record([e.PlaceReached(SAFE, HOST, reaches=False), e.PlaceReached(SAFE, ledger.host, reaches=False)])
    assert ledger.view().places()[0].hosts == ()
    ledger.record([e.BackupVerified(SAFE, ID, None, 1, e.ACTIVE, None, opened=False)])  # it was there all the same
    assert ledger.view().places()[0].hosts == (ledger.host,)
    # To describe a place nobody has to be there.
    ledger.record([e.PlaceDescribed(STICK, "x", None, None, None, None), e.PlaceLost(STICK)])
    (stick,) = (one for one in ledger.view().places() if one.place == STICK)
    assert stick.hosts == ()
    assert stick.lost is not None


def test_retired_everywhere_counts_no_more(ledger: Ledger) -> None:
    ledger.record([SEEN])
    assert ledger.view().current(VAULT) is not None
    ledger.record([e.GenerationRetired(VAULT, OLD, SAFE)])
    current = ledger.view().current(VAULT)
    assert current is not None  # one place alone cannot say that for all
    assert current.retired_at == (SAFE,)
    ledger.record([e.GenerationRetired(VAULT, OLD, None)])
    assert ledger.view().current(VAULT) is None
    ledger.record([e.GenerationUnRetired(VAULT, OLD, None)])
    assert ledger.view().current(VAULT) is not None


def test_a_newer_generation_that_was_given_up_lets_the_older_one_count_again(ledger: Ledger) -> None:
    newer = replace(SHARE, generation=NEW)
    ledger.record(
        [e.ShareHandled(SHARE, e.BACKED_UP), e.ShareHandled(newer, e.BACKED_UP), e.GenerationNewer(VAULT, NEW, OLD)]
    )
    assert ledger.view().current(VAULT) == ledger.view().generations(VAULT)[1]
    ledger.record([e.GenerationRetired(VAULT, NEW, None)])
    current = ledger.view().current(VAULT)
    assert current is not None
    assert (current.generation, current.older_than) == (OLD, frozenset())
    ledger.record([e.GenerationUnRetired(VAULT, NEW, None)])
    current = ledger.view().current(VAULT)
    assert current is not None
    assert current.generation == NEW


def test_a_reshare_and_its_reports(ledger: Ledger, clock: Clock) -> None:
    ledger.record([e.ReshareStarted(PLAN, VAULT, OLD, ("Phone", "Laptop"), ("Watch",), 2, 3)])
    (one,) = ledger.view().reshares(VAULT)
    assert (one.staying, one.joining, one.threshold, one.parties) == (("Phone", "Laptop"), ("Watch",), 2, 3)
    assert (one.started, one.host, one.open) == (clock.now, ledger.host, True)
    ledger.record([e.ReshareStarted(PLAN, VAULT, NEW, ("Mallory",), (), 1, 1)])
    assert ledger.view().reshares(VAULT) == [one]
    ledger.record([e.ReshareReported(PLAN, "Phone", b"first"), e.ReshareReported(PLAN, "Phone", b"second")])
    assert [stored.report for stored in ledger.view().reports(PLAN)] == [b"first", b"second"]
    ledger.record([e.ReshareFinished(PLAN, NEW)])
    (one,) = ledger.view().reshares()
    assert (one.finished, one.generation, one.open) == (clock.now, NEW, False)
    ledger.record([e.ReshareAborted(PLAN)])
    assert ledger.view().reshares()[0].aborted is None


def test_what_a_vault_has_besides_its_keys(ledger: Ledger) -> None:
    ledger.record([e.VaultExtras(VAULT, OLD, ("ML-DSA",), ("Bitcoin", "Solana"))])
    assert ledger.view().extras(VAULT, OLD) == (("ML-DSA",), ("Bitcoin", "Solana"))
    assert ledger.view().extras(VAULT, NEW) == ((), ())
