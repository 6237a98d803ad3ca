"""A reshare under way, as ledgers tell it: who is waited for, whom nobody knows, when it is done, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.cli.reshared import _STATES
from coldshare.ledger import events as e
from coldshare.ledger.events import Event
from coldshare.ledger.queries import Reshare, View
from coldshare.ledger.store import Ledger
from coldshare.reshare.errors import NoReshareError
from coldshare.reshare.progress import Progress, State, progress, reshare_of
from coldshare.reshare.report import Signed, sign
from coldshare.safety.resharing import under_way
from reshare.story import AFTER, SECOND, Run, Told, backup_id, identity, made, plan_of, reported, reports, token, two

States = list[tuple[str, str]]


def states(now: Progress) -> States:
    return [(one.party, one.state) for one in now.parties]


def of(told: Told, plan: Reshare) -> Progress:
    return progress(told.view(), told.plan(plan))


def begun(old: Run, new: Run) -> tuple[Told, Reshare, list[Signed]]:
    """Planned, with the backups of the old shares known; computers 0, 1 and 2 are compared."""
    plan = plan_of(old, new)
    told = Told().stored(old, *range(len(old.parties))).started(plan).compared(0, 1, 2)
    return told, plan, reports(new, old.generation)


def altered(signed: Signed, number: int, **other: object) -> Signed:
    return sign(replace(signed.report, **other), identity(number))  # type: ignore[arg-type]


# --- who is waited for


def test_from_the_first_to_the_last() -> None:
    told, plan, good = begun(*two())
    now = of(told, plan)
    assert states(now) == [("Phone", "awaited"), ("Laptop", "awaited"), ("Watch", "awaited")]
    assert [one.joining for one in now.parties] == [False, False, True]
    assert (now.unknown, now.ready, now.leftovers, now.joined.generation) == (0, False, (), None)
    for number, expected in enumerate(
        (["reported", "awaited", "awaited"], ["reported", "reported", "awaited"], ["reported"] * 3)
    ):
        told.reported(plan, good[number])
        now = of(told, plan)
        assert [state for _, state in states(now)] == expected
        assert now.parties[number].report == good[number]
        assert now.parties[number].objections == ()
        assert now.ready is (number == 2)
        assert now.plan == told.plan(plan)


def test_a_device_that_never_completes() -> None:
    told, plan, good = begun(*two())
    told.reported(plan, good[0], good[2])
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Laptop", "awaited"), ("Watch", "reported")]
    assert not now.ready
    assert under_way(told.view(), plan.vault) == [told.plan(plan)]


def test_new_devices_of_which_nobody_knows_the_names() -> None:
    old = made()
    new = old.reshared(("Phone", "Laptop", "Watch", "Desk"), 3)
    plan = plan_of(old, new, joining=("Watch",))
    told = Told().started(plan).compared(0, 1, 2, 3)
    now = of(told, plan)
    assert (states(now), now.unknown) == ([("Phone", "awaited"), ("Laptop", "awaited"), ("Watch", "awaited")], 1)
    good = reports(new, old.generation)
    told.reported(plan, good[0])
    now = of(told, plan)
    assert states(now)[3] == ("Desk", "awaited")
    assert [one.joining for one in now.parties] == [False, False, True, True]
    assert (now.unknown, now.ready) == (0, False)
    told.reported(plan, *good[1:])
    assert of(told, plan).ready


def test_a_stranger_is_not_believed() -> None:
    told, plan, good = begun(*two())
    told = Told(*(one.body for one in told.events if not isinstance(one.body, e.IdentityCompared)))
    told.reported(plan, *good)
    now = of(told, plan)
    assert states(now) == [("Phone", "stranger"), ("Laptop", "stranger"), ("Watch", "stranger")]
    assert [one.report for one in now.parties] == good, "so that their fingerprints can be compared"
    assert (now.ready, now.joined.generation, now.joined.missing, now.leftovers) == (False, None, AFTER, ())
    told.compared(0, 1)
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Laptop", "reported"), ("Watch", "stranger")]
    assert not now.ready
    told.compared(2)
    assert of(told, plan).ready


def test_what_counts_by_another_ledger_only() -> None:
    """All was compared and taken in by computer 0; the key of computer 1 speaks for the Watch, too."""
    told, plan, good = begun(*two())
    both = [good[1], sign(replace(good[2].report, host=good[1].report.host), identity(1))]
    told.reported(plan, good[0], *both)
    now = of(told, plan)
    assert (now.ready, now.compared_elsewhere, now.unasked) == (True, (), ())
    now = progress(told.view(5), told.plan(plan))
    assert (now.ready, now.compared_elsewhere, now.unasked) == (True, (good[0], *both), (tuple(both),))
    told.tell(e.IdentityCompared(both[0].report.host, "desk 1", both[0].public_key), by=5)
    told.tell(e.ReshareReported(plan.plan, "Laptop", both[0].data), by=5)
    now = progress(told.view(5), told.plan(plan))
    assert (now.compared_elsewhere, now.unasked) == ((good[0],), (tuple(both),))
    told.tell(e.ReshareReported(plan.plan, "Watch", both[1].data), by=5)
    assert progress(told.view(5), told.plan(plan)).unasked == ()


def test_a_stranger_stands_before_nobody() -> None:
    """Whoever can bring a ledger can write what he likes, of any date."""
    told, plan, good = begun(*two())
    late = plan.started + 10**12
    forged = [altered(one, 7, time=late, chain_code_digest=b"x" * 32) for one in good]
    told.reported(plan, *forged)
    assert states(of(told, plan)) == [("Phone", "stranger"), ("Laptop", "stranger"), ("Watch", "stranger")]
    told.reported(plan, *good)
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Laptop", "reported"), ("Watch", "reported")]
    assert [one.report for one in now.parties] == good
    assert now.ready


def test_a_backup_at_a_lost_place_is_none() -> None:
    """The share of whom nothing else is backed up would be gone with its device."""
    told, plan, good = begun(*two())
    told.reported(plan, *good)
    told.tell(e.PlaceNamed(token(2), "grey stick"), e.PlaceLost(token(2)))
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Laptop", "reported"), ("Watch", "rejected")]
    assert not now.ready
    (objection,) = now.joined.objections
    assert (objection.code, objection.party) == ("no_backup", "Watch")
    assert "'grey stick' is lost" in objection.words
    told.tell(e.PlaceFound(token(2)))
    assert of(told, plan).ready
    # Gone from there, it is no better; another backup of the same share is.
    share = good[2].report.share
    kept = good[2].report.kept[0].backup_id
    told.tell(e.BackupStored(token(2), kept, share, 1000, e.NEXT, None), by=2)
    assert of(told, plan).ready
    told.tell(e.BackupGone(token(2), kept, e.DESTROYED), by=2)
    (objection,) = of(told, plan).joined.objections
    assert "'grey stick' has it no more" in objection.words
    told.tell(e.BackupStored(token(7), backup_id(7), share, 1000, e.NEXT, None), by=2)
    assert of(told, plan).ready
    told.tell(e.PlaceLost(token(7)))
    assert not of(told, plan).ready
    # What was finished before stays so.
    told.tell(e.ReshareFinished(plan.plan, share.generation))
    assert of(told, plan).joined.objections == ()


def test_a_report_that_does_not_count() -> None:
    told, plan, good = begun(*two())
    for wrong, code in (
        (altered(good[1], 1, point_eddsa=b"\7"), "unsound"),
        (altered(good[1], 1, chain_code_digest=b"x" * 32), "other_keys"),
        (altered(good[1], 1, share=replace(good[1].report.share, generation=b"x" * 32)), "disagrees"),
        (altered(good[1], 1, kept=()), "no_backup"),
        (altered(good[1], 1, older=b"x" * 32), "other_reshare"),
        (altered(good[1], 1, share=replace(good[1].report.share, generation=plan.older)), "older_generation"),
    ):
        here = Told(*(one.body for one in told.events)).reported(plan, good[0], wrong, good[2])
        now = of(here, plan)
        assert states(now) == [("Phone", "reported"), ("Laptop", "rejected"), ("Watch", "reported")]
        assert [one.code for one in now.parties[1].objections] == [code]
        assert now.parties[1].report == wrong
        assert not now.ready
        # Put right, a moment later.
        here.reported(plan, altered(good[1], 1, time=good[1].report.time + SECOND))
        assert of(here, plan).ready


def test_what_is_no_report_is_passed_over() -> None:
    told, plan, good = begun(*two())
    damaged = bytearray(good[0].data)
    damaged[100] ^= 1
    for data in (b"x", bytes(damaged), good[0].data[:-1], b"\xa4"):
        told.tell(e.ReshareReported(plan.plan, "Phone", data))
    assert states(of(told, plan))[0] == ("Phone", "awaited")
    # Under whose name it was recorded says nothing: what was signed does.
    told.tell(e.ReshareReported(plan.plan, "Watch", good[0].data))
    assert states(of(told, plan)) == [("Phone", "reported"), ("Laptop", "awaited"), ("Watch", "awaited")]


def test_the_server_is_not_waited_for() -> None:
    old = made(("Phone", "Server-12345"))
    new = old.reshared(("Phone", "Server-12345", "Laptop"), 2)
    told, plan, good = begun(old, new)
    assert states(of(told, plan)) == [("Phone", "awaited"), ("Server-12345", "server"), ("Laptop", "awaited")]
    told.reported(plan, good[0], good[2])
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Server-12345", "server"), ("Laptop", "reported")]
    assert now.ready


def test_a_party_that_left_reports() -> None:
    old, new = two()
    told, plan, good = begun(old, new)
    stray = reported(old, 2, old.generation)
    told.reported(plan, stray)
    assert states(of(told, plan))[3:] == [("Tablet", "rejected")]
    told.reported(plan, *good)
    now = of(told, plan)
    assert states(now) == [("Phone", "reported"), ("Laptop", "reported"), ("Watch", "reported")]
    assert now.ready


def test_every_state_has_words() -> None:
    """Among them the server's: a fast vault's status shows it."""
    assert set(get_args(State)) == set(_STATES)


# --- begun, finished, given up


def test_none_is_under_way() -> None:
    old, new = two()
    vault = old.facts[0].public_key_ecdsa
    told = Told().stored(old, 0, 1, 2)
    assert under_way(told.view(), vault) == []
    with pytest.raises(NoReshareError):
        reshare_of(told.view(), vault)
    plan = plan_of(old, new)
    told.started(plan)
    assert reshare_of(told.view(), vault) == told.plan(plan)
    with pytest.raises(NoReshareError):
        reshare_of(told.view(), made(seed="another vault").facts[0].public_key_ecdsa)
    told.tell(e.ReshareAborted(plan.plan))
    assert under_way(told.view(), vault) == []
    with pytest.raises(NoReshareError):
        reshare_of(told.view(), vault)


def finish(told: Told, plan: Reshare, new: Run) -> None:
    """As `reshare finish` records it."""
    told.tell(
        e.GenerationNewer(plan.vault, new.generation, plan.older),
        e.GenerationRetired(plan.vault, plan.older, None),
        e.ReshareFinished(plan.plan, new.generation),
    )


def test_finished_it_stays_to_be_seen() -> None:
    old, new = two()
    told, plan, good = begun(old, new)
    told.reported(plan, *good).stored(new, 0, 1, 2, at=10)
    finish(told, plan, new)
    assert under_way(told.view(), plan.vault) == []
    shown = reshare_of(told.view(), plan.vault)
    assert (shown.plan, shown.generation, shown.open) == (plan.plan, new.generation, False)
    now = progress(told.view(), shown)
    assert now.ready
    assert len(now.leftovers) == 3
    # Reports that come late and are wrong do not make what is left vanish.
    for number, one in enumerate(good):
        told.reported(plan, altered(one, number, time=one.report.time + SECOND, chain_code_digest=b"x" * 32))
    late = of(told, plan)
    assert (late.ready, late.joined.generation) == (False, None)
    assert late.leftovers == now.leftovers


def test_begun_on_two_computers() -> None:
    """Neither knew of the other: it is one reshare, whoever is reported to, and whoever finishes it."""
    old, new = two()
    told, plan, good = begun(old, new)
    other = replace(plan, plan=b"o" * 16)
    told.started(other, by=1)
    told.reported(plan, good[0]).reported(other, good[1], good[2])
    assert [one.plan for one in under_way(told.view(), plan.vault)] == [plan.plan, other.plan]
    for one in (plan, other):
        now = of(told, one)
        assert [state for _, state in states(now)] == ["reported"] * 3
        assert now.ready
    finish(told, plan, new)
    assert under_way(told.view(), plan.vault) == []
    assert reshare_of(told.view(), plan.vault).plan == plan.plan
    assert of(told, plan).ready


def test_given_up_and_begun_again() -> None:
    """What was reported of the first attempt does not finish the second."""
    old, new = two()
    told, first, good = begun(old, new)
    told.reported(first, *good)
    told.tell(e.ReshareAborted(first.plan), e.GenerationRetired(first.vault, new.generation, None))
    again = old.reshared(AFTER, 2, seed="again")
    second = plan_of(old, again)
    told.started(second)
    assert states(of(told, second)) == [(name, "awaited") for name in AFTER]
    # Somebody finds the old reports in a folder and joins them.
    told.reported(second, *good)
    now = of(told, second)
    assert states(now) == [(name, "rejected") for name in AFTER]
    assert {one.code for one in now.joined.objections} == {"older_generation"}
    assert (now.ready, now.joined.generation) == (False, None)
    told.reported(second, *reports(again, old.generation))
    now = of(told, second)
    assert now.ready
    assert now.joined.generation == again.generation


def test_finished_and_given_up_and_begun_again() -> None:
    """The new shares could not sign: the older generation counts again, and the next attempt leaves it once more."""
    old, new = two()
    told, first, good = begun(old, new)
    told.reported(first, *good).stored(new, 0, 1, 2, at=10)
    finish(told, first, new)
    told.tell(
        e.GenerationRetired(first.vault, new.generation, None), e.GenerationUnRetired(first.vault, old.generation, None)
    )
    again = old.reshared(AFTER, 2, seed="again")
    second = plan_of(old, again)
    told.started(second)
    assert [one.plan for one in under_way(told.view(), first.vault)] == [second.plan]
    assert reshare_of(told.view(), first.vault).plan == second.plan
    assert states(of(told, second)) == [(name, "awaited") for name in AFTER]
    told.reported(second, *reports(again, old.generation))
    now = of(told, second)
    assert now.joined.generation == again.generation
    assert now.ready


def test_two_reshares_one_after_the_other() -> None:
    oldest, old = two()
    new = old.reshared(("Phone", "Watch", "Desk"), 2)
    told, first, good = begun(oldest, old)
    told.stored(old, 0, 1, 2, at=10).reported(first, *good)
    finish(told, first, old)
    second = plan_of(old, new)
    told.started(second)
    assert reshare_of(told.view(), first.vault).plan == second.plan
    now = of(told, second)
    assert states(now) == [("Phone", "awaited"), ("Watch", "awaited"), ("Desk", "awaited")]
    # The reports of the first one are joined once more, to the second one.
    told.reported(second, *good)
    now = of(told, second)
    assert states(now)[:2] == [("Phone", "rejected"), ("Watch", "rejected")]
    assert not now.ready
    told.reported(second, *reports(new, old.generation)).stored(new, 0, 1, 2, at=20)
    now = of(told, second)
    assert [state for _, state in states(now)] == ["reported"] * 3
    assert now.ready
    assert {one.copy.backup.generation for one in now.leftovers} == {oldest.generation, old.generation}
    assert len(now.leftovers) == 6
    finish(told, second, new)
    assert [one.plan for one in told.view().reshares()] == [first.plan, second.plan]
    assert reshare_of(told.view(), first.vault).plan == second.plan
    # Looked at again, the first one never says that what came after it is to be destroyed.
    back = of(told, first)
    assert {one.copy.backup.generation for one in back.leftovers} == {oldest.generation}
    assert back.joined.generation == old.generation


def test_a_generation_that_was_replaced_is_not_the_new_one() -> None:
    """Nobody has retired it, and it is known to be older all the same."""
    oldest, old = two()
    new = old.reshared(("Phone", "Watch", "Desk"), 2)
    told, plan, good = begun(old, new)
    told.stored(oldest, 0, at=20).tell(e.GenerationNewer(plan.vault, old.generation, oldest.generation))
    lie = altered(good[0], 0, share=replace(good[0].report.share, generation=oldest.generation))
    told.reported(plan, lie)
    assert [(one.code, one.party) for one in of(told, plan).joined.objections] == [("older_generation", "Phone")]
    told.reported(plan, *good)
    assert of(told, plan).ready


def test_what_was_known_of_the_vault() -> None:
    """All reports agree, and not with the vault from before."""
    told, plan, good = begun(*two())
    told.reported(plan, *(altered(one, k, chain_code_digest=b"x" * 32) for k, one in enumerate(good)))
    now = of(told, plan)
    assert [state for _, state in states(now)] == ["rejected"] * 3
    assert {one.code for one in now.joined.objections} == {"other_keys"}
    assert not now.ready
    assert progress(
        Told(*(one.body for one in told.events if not isinstance(one.body, e.VaultSeen))).view(), plan
    ).ready


# --- what is left


def test_what_is_left_of_the_older_shares() -> None:
    old, new = two()
    told, plan, good = begun(old, new)
    told.stored(new, 0, 1, 2, at=10)
    assert of(told, plan).leftovers == (), "nobody has reported: nothing is old yet"
    told.reported(plan, *good)
    now = of(told, plan)
    assert len(now.leftovers) == 3
    assert {(one.copy.backup.party, one.copy.place.place, one.retired) for one in now.leftovers} == {
        (party, token(number), False) for number, party in enumerate(old.parties)
    }
    share = old.share("Phone")
    told.tell(e.BackupState(token(0), backup_id(0, old.generation), share, 1000, e.RETIRED))
    told.tell(e.BackupGone(token(1), backup_id(1, old.generation), e.DESTROYED))
    told.tell(e.PlaceLost(token(2)))
    now = of(told, plan)
    assert [(one.copy.backup.party, one.retired) for one in now.leftovers] == [("Phone", True), ("Tablet", False)]
    assert now.leftovers[1].copy.fault == "place_lost", "whoever finds it has it"


def test_what_nothing_orders_is_nothing_to_destroy() -> None:
    """Perhaps it is newer: somebody has reshared once more, and this computer was not told."""
    old, new = two()
    stranger = made().reshared(AFTER, 2, seed="elsewhere")
    told, plan, good = begun(old, new)
    told.stored(new, 0, at=10).stored(stranger, 0, at=20).reported(plan, *good)
    assert {one.copy.backup.generation for one in of(told, plan).leftovers} == {old.generation}
    told.tell(e.GenerationNewer(plan.vault, new.generation, stranger.generation))
    assert {one.copy.backup.generation for one in of(told, plan).leftovers} == {old.generation, stranger.generation}
    told.tell(e.GenerationNewer(plan.vault, stranger.generation, new.generation))
    assert {one.copy.backup.generation for one in of(told, plan).leftovers} == {old.generation}


# --- ledgers together


def _united(folder: Path, name: str, parts: Sequence[Sequence[Event]]) -> View:
    path = folder / f"{name}.sqlite"
    with Ledger(path, now=lambda: 0) as ledger:
        for part in parts:
            ledger.merge(list(part))
        assert ledger.check() == []
        return ledger.view()


def _for_anybody(view: View, plan: Reshare) -> Progress:
    """Without what a computer was asked itself."""
    return replace(progress(view, plan), compared_elsewhere=(), unasked=())


@settings(max_examples=8)
@given(st.data())
def test_ledgers_joined_in_either_order(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    old, new = two()
    told, plan, good = begun(old, new)
    other = replace(plan, plan=b"o" * 16)
    told.started(other, by=1)
    pool = [
        *good,
        altered(good[0], 0, digest=b"x" * 32),
        altered(good[1], 7, time=plan.started + 10**12),
        altered(good[2], 2, time=good[2].report.time + 1, chain_code_digest=b"x" * 32),
        reported(old, 2, old.generation),
    ]
    for signed in data.draw(st.lists(st.sampled_from(pool), min_size=2, max_size=8)):
        told.reported(data.draw(st.sampled_from([plan, other])), signed)
    told.stored(new, 0, 1, at=10)
    if data.draw(st.booleans()):
        told.tell(e.ReshareAborted(other.plan), by=1)
    sides = [data.draw(st.integers(0, 1)) for _ in told.events]
    parts = [[event for event, at in zip(told.events, sides, strict=True) if at == side] for side in (0, 1)]
    folder = tmp_path_factory.mktemp("joined")
    one = _united(folder, "one", parts)
    two_ = _united(folder, "two", parts[::-1])
    expected = [_for_anybody(told.view(), found) for found in told.view().reshares()]
    for view in (one, two_):
        assert [_for_anybody(view, found) for found in view.reshares()] == expected
        assert under_way(view, plan.vault) == under_way(told.view(), plan.vault)
