"""Whose word a report is: of which computer a key was compared, and what a computer that was compared cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare.identity import fingerprint
from coldshare.ledger import events as e
from coldshare.ledger.queries import Reshare
from coldshare.ledger.store import Ledger
from coldshare.reshare import steps
from coldshare.reshare.errors import KeyTakenBackError, NoSuchKeyError
from coldshare.reshare.progress import progress
from coldshare.reshare.report import Signed, sign
from coldshare.reshare.whose import check_own, counts, doubt, keys_like, same_fingerprint, signed_by
from ledger.samples import Clock
from reshare.story import NOW, SECOND, Told, computer, identity, plan_of, reported, reports, two

OLD, NEW = two()
PLAN = plan_of(OLD, NEW)
PHONE, LAPTOP, WATCH = reports(NEW, OLD.generation)


def by(signed: Signed, key: int, host: int | None = None) -> Signed:
    """The same report with the key of another computer, and perhaps its id."""
    told = signed.report if host is None else replace(signed.report, host=computer(host), host_name=f"desk {host}")
    return sign(told, identity(key))


def begun(*numbers: int) -> Told:
    """The reshare is under way, and the keys of these computers were compared. Computer 3 looks at it."""
    return Told().stored(OLD, 0, 1, 2).started(PLAN).compared(*numbers)


def why(told: Told, signed: Signed, host: int = 3) -> str | None:
    found = doubt(told.view(host), signed)
    return None if found is None else found.why


def states(told: Told) -> list[str]:
    return [one.state for one in progress(told.view(3), told.plan(PLAN)).parties]


# --- a compared computer says more than it may


def test_a_key_counts_for_the_computer_that_was_compared() -> None:
    told = begun(0)
    assert (why(told, PHONE), counts(told.view(), PHONE)) == (None, True)
    assert (why(told, LAPTOP), counts(told.view(), LAPTOP)) == ("stranger", False)
    assert why(told, by(PHONE, 7)) == "other_key"


#: What the Phone's computer can sign with its key of the Laptop, what is said of it, and how the parties then stand.
FORGED = {
    "as the Laptop's computer": (by(LAPTOP, 0), "other_computer", ["reported", "stranger", "awaited"]),
    "of the Laptop's share": (by(LAPTOP, 0, 0), "other_party", ["reported", "reported", "awaited"]),
    "of its own share, as the Laptop's computer": (
        by(PHONE, 0, 1),
        "other_computer",
        ["reported", "awaited", "awaited"],
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_by_a_compared_computer(name: str) -> None:
    """At the door, where a person is asked; and in a ledger, into which somebody let it all the same."""
    lie, expected, standing = FORGED[name]
    told = begun(0).reported(PLAN, PHONE)
    found = doubt(told.view(3), lie)
    assert found is not None
    assert (found.why, found.final) == (expected, False)
    assert repr(lie.report.host_name) in found.words
    told.reported(PLAN, lie)
    assert states(told) == standing
    # The Laptop's own report comes: it counts, or the two contradict each other.
    told.compared(1).reported(PLAN, LAPTOP)
    now = progress(told.view(3), told.plan(PLAN))
    if expected == "other_party":
        (said,) = now.joined.objections
        assert (said.code, said.party) == ("two_computers", "Laptop")
        for number in (0, 1):
            assert f"'desk {number}' ({fingerprint(identity(number).public)})" in said.words
        assert [one.state for one in now.parties] == ["reported", "rejected", "awaited"]
        assert not progress(told.compared(2).reported(PLAN, WATCH).view(3), told.plan(PLAN)).ready
    else:
        assert now.joined.objections == ()
        assert [one.state for one in now.parties] == ["reported", "reported", "awaited"]


def test_nobody_else_speaks_for_this_computer() -> None:
    told = begun(0, 1, 2)
    assert why(told, PHONE, host=0) is None
    found = doubt(told.view(0), by(PHONE, 1))
    assert found is not None
    assert (found.why, found.final) == ("ours", True)
    # And this one may report of two parties, if a person has accepted that.
    assert why(told.reported(PLAN, PHONE), by(LAPTOP, 0, 0), host=0) is None


def test_another_party_in_another_reshare() -> None:
    """The phone was replaced, and its computer stays: nothing to be asked."""
    newer = NEW.reshared(("Desk", "Laptop", "Watch"), 2)
    told = begun(0).reported(PLAN, PHONE)
    desk = reported(newer, 0, NEW.generation)
    assert desk.report.party == "Desk"
    assert why(told, desk) is None
    assert why(told, by(LAPTOP, 0, 0)) == "other_party"
    # What it was let to say once, it may say again; here, and not where only a ledger has told of it.
    assert why(told.reported(PLAN, by(LAPTOP, 0, 0)), by(LAPTOP, 0, 0)) == "other_party"
    assert why(told.reported(PLAN, by(LAPTOP, 0, 0), by=3), by(LAPTOP, 0, 0)) is None


# --- a key that is taken back


def test_what_it_has_signed_counts_no_more() -> None:
    told = begun(0, 1, 2).reported(PLAN, PHONE, LAPTOP, WATCH)
    assert progress(told.view(3), told.plan(PLAN)).ready
    told.tell(e.IdentityTakenBack(identity(1).public))
    now = progress(told.view(3), told.plan(PLAN))
    assert [one.state for one in now.parties] == ["reported", "awaited", "reported"]
    assert (now.ready, now.taken_back, now.joined.missing) == (False, (LAPTOP,), ("Laptop",))
    found = doubt(told.view(3), LAPTOP)
    assert found is not None
    assert (found.why, found.final) == ("taken_back", True)
    # It is in nobody's way: the same computer reports with another key.
    again = by(replace(LAPTOP, report=replace(LAPTOP.report, time=LAPTOP.report.time + SECOND)), 5)
    assert why(told, again) == "stranger"
    told.tell(e.IdentityCompared(computer(1), "desk 1", identity(5).public)).reported(PLAN, again)
    now = progress(told.view(3), told.plan(PLAN))
    assert (now.ready, now.taken_back) == (True, (LAPTOP,))


def test_it_ends_a_contradiction() -> None:
    told = begun(0, 1, 2).reported(PLAN, PHONE, LAPTOP, WATCH, by(LAPTOP, 0, 0))
    assert not progress(told.view(3), told.plan(PLAN)).ready
    told.tell(e.IdentityTakenBack(identity(0).public))
    now = progress(told.view(3), told.plan(PLAN))
    assert now.joined.objections == ()
    assert [one.state for one in now.parties] == ["awaited", "reported", "reported"]
    assert sorted(one.report.party for one in now.taken_back) == ["Laptop", "Phone"]


@pytest.mark.parametrize("before", [True, False])
def test_no_comparison_of_another_ledger_brings_it_back(tmp_path: Path, before: bool) -> None:
    """Earlier or later by its clock, and whoever joins whose."""
    told = begun(0, 1, 2).reported(PLAN, PHONE, LAPTOP, WATCH)
    with Ledger(tmp_path / "ours", now=Clock(NOW)) as ours, Ledger(tmp_path / "theirs", now=Clock(NOW)) as theirs:
        for one in (ours, theirs):
            one.merge(told.events)
        steps.take_back(ours, identity(1).public)
        elsewhere = NOW - 10**15 if before else NOW + 10**15
        compared = e.IdentityCompared(computer(1), "desk 1", identity(1).public)
        theirs.merge([e.Event(b"e" * 16, elsewhere, elsewhere, computer(7), compared)])
        ours.merge(theirs.events())
        theirs.merge(ours.events())
        for one in (ours, theirs):
            assert one.check() == []
            now = progress(one.view(), steps.again(one.view(), PLAN))
            assert [party.state for party in now.parties] == ["reported", "awaited", "reported"]


def test_by_its_fingerprint() -> None:
    told = begun(0).reported(PLAN, PHONE, LAPTOP)
    view = told.view(3)
    for number in (0, 1):  # the second one was not compared, and has signed
        key = fingerprint(identity(number).public)
        for typed in (key, key.lower(), key.replace("-", ""), key.replace("-", " ")):
            assert keys_like(view, typed) == [identity(number).public]
            assert same_fingerprint(key, typed)
    for typed in ("", "GR2Q", fingerprint(identity(2).public)):
        with pytest.raises(NoSuchKeyError, match="of 'desk 0'"):
            keys_like(view, typed)
    assert signed_by(view, identity(1).public, view.reshares()) == [LAPTOP]


# --- this computer's own


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite", now=Clock(NOW)) as ledger:
        ledger.merge(begun().events)
        yield ledger
        assert ledger.check() == []


def plan_in(ledger: Ledger) -> Reshare:
    return steps.again(ledger.view(), PLAN)


def test_a_new_key_takes_the_place_of_the_own_one(ledger: Ledger) -> None:
    """Its file was lost. Nobody has to take the old one back on this computer."""
    first = sign(replace(PHONE.report, host=ledger.host), identity(0))
    second = sign(replace(first.report, time=first.report.time + SECOND), identity(5))
    steps.report(ledger, plan_in(ledger), first)
    check_own(ledger.view(), identity(0).public)
    view = steps.report(ledger, plan_in(ledger), second)
    now = progress(view, plan_in(ledger))
    assert (now.parties[0].state, now.parties[0].report, now.taken_back) == ("reported", second, (first,))
    check_own(view, identity(5).public)
    with pytest.raises(KeyTakenBackError, match=fingerprint(identity(0).public)):
        check_own(view, identity(0).public)
