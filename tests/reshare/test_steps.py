"""The steps of a reshare in a ledger on disk: each whole or not at all, none twice; how far reports are believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.queries import Reshare, View
from coldshare.ledger.record import vault_seen
from coldshare.ledger.store import Ledger
from coldshare.reshare import steps
from coldshare.reshare.errors import NoReshareError, ReshareIncompleteError, ReshareNewShareError
from coldshare.reshare.plan import prepare
from coldshare.reshare.progress import progress
from coldshare.reshare.report import Signed, sign
from coldshare.safety.resharing import under_way
from ledger.samples import Clock
from reshare.story import AFTER, NOW, SECOND, Run, identity, made, report_on, reports, share_of, token, two


def opened(path: Path, clock: Clock) -> Ledger:
    return Ledger(path, now=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    with opened(tmp_path / "ledger.sqlite", clock) as ledger:
        yield ledger
        assert ledger.check() == []


def backed_up(ledger: Ledger, run: Run, *numbers: int, at: int = 0) -> None:
    for number in numbers:
        share = share_of(run.facts[number])
        ledger.record(
            [
                *vault_seen(share, run.facts[number]),
                e.BackupStored(token(number + at), bytes([number + at]) * 16, share, 1000, e.ACTIVE, False),
            ]
        )


def begun(ledger: Ledger, old: Run) -> Reshare:
    backed_up(ledger, old, 0, 1, 2)
    view = ledger.view()
    return steps.begin(ledger, prepare(view, view.vaults()[0], NOW, leaving=("Tablet",), joining=("Watch",)))


def counts(ledger: Ledger, run: Run) -> bytes | None:
    current = ledger.view().current(run.facts[0].public_key_ecdsa)
    return None if current is None else current.generation


def altered(signed: Signed, number: int, **other: object) -> Signed:
    return sign(replace(signed.report, **other), identity(number))  # type: ignore[arg-type]


def test_from_begin_to_finish(ledger: Ledger) -> None:
    old, new = two()
    plan = begun(ledger, old)
    assert (plan.older, plan.staying, plan.joining) == (old.generation, ("Phone", "Laptop"), ("Watch",))
    assert (plan.threshold, plan.parties, plan.host, plan.open) == (2, 3, ledger.host, True)
    assert counts(ledger, old) == old.generation
    good = reports(new, old.generation)
    own = sign(replace(good[0].report, host=ledger.host), identity(0))
    assert steps.plan_for(ledger, own.report.share, new.parties) == plan
    view = steps.report(ledger, plan, own)
    assert [one.state for one in progress(view, plan).parties] == ["reported", "awaited", "awaited"]
    for signed in good[1:]:
        before = len(ledger.events())
        with pytest.raises(ReshareIncompleteError):
            steps.finish(ledger, plan)
        assert len(ledger.events()) == before
        assert steps.take(ledger, signed).plan == plan.plan
    now = steps.finish(ledger, plan)
    assert now.plan.generation == counts(ledger, old) == new.generation
    assert sorted(one.copy.backup.party or "" for one in now.leftovers) == ["Laptop", "Phone", "Tablet"]
    assert ledger.view().given_up(plan.vault) == {old.generation}
    assert under_way(ledger.view(), plan.vault) == []
    before = len(ledger.events())
    assert steps.finish(ledger, steps.again(ledger.view(), plan)).plan == now.plan
    assert len(ledger.events()) == before
    with pytest.raises(NoReshareError, match="finished"):
        steps.abort(ledger, now.plan)
    with pytest.raises(ReshareNewShareError, match="finished already"):
        steps.plan_for(ledger, own.report.share, new.parties)


def test_a_fast_vault_has_one_report(ledger: Ledger) -> None:
    """Nobody else tells that the new generation is newer: its own report does."""
    old = made(("Phone", "Server-12345"))
    new = old.reshared(("Phone", "Server-12345"), 2)
    backed_up(ledger, old, 0)
    view = ledger.view()
    plan = steps.begin(ledger, prepare(view, view.vaults()[0], NOW))
    backed_up(ledger, new, 0, at=10)
    assert counts(ledger, old) is None, "nothing orders the two yet"
    own = sign(report_on(new, 0, old.generation, host=ledger.host), identity(0))
    view = steps.report(ledger, plan, own)
    assert [one.state for one in progress(view, plan).parties] == ["reported", "server"]
    assert counts(ledger, old) == new.generation
    steps.finish(ledger, plan)
    assert counts(ledger, old) == new.generation
    assert [one.newer_than for one in ledger.view().generations(plan.vault)] == [set(), {old.generation}]


def test_broken_off_between_two_writings(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is there, and what it tells is not: the same once more puts that right."""
    old, new = two()
    (first, *_) = reports(new, old.generation)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "merge", _broken)
        with pytest.raises(KeyboardInterrupt):
            steps.take(ledger, first)
    assert ledger.view().backups() == []
    before = ledger.view().reshares()
    assert len(before) == 1
    steps.take(ledger, first)
    assert ledger.view().reshares() == before
    assert [one.party for one in ledger.view().backups()] == ["Phone"]


def _broken(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_wrong_file_begins_no_reshare(ledger: Ledger) -> None:
    old, new = two()
    backed_up(ledger, old, 0, 1, 2)
    before = ledger.events()
    seen: list[Reshare] = []

    def no(view: View, plan: Reshare) -> None:
        seen.append(plan)
        raise ReshareNewShareError

    with pytest.raises(ReshareNewShareError):
        steps.plan_for(ledger, new.share("Phone"), new.parties, no)
    assert ledger.events() == before
    plan = steps.plan_for(ledger, new.share("Phone"), new.parties, lambda view, plan: seen.append(plan))
    with pytest.raises(ReshareNewShareError):
        steps.plan_for(ledger, new.share("Phone"), new.parties, no)
    told = [(one.older, one.staying, one.joining, one.threshold, one.parties, one.host) for one in (*seen, plan)]
    assert told == [(old.generation, ("Phone", "Laptop"), ("Watch",), 2, 3, ledger.host)] * 4


def test_a_report_tells_what_it_stands_for(ledger: Ledger) -> None:
    """On a computer that knows nothing: the vault, its parties, the backups there, and the reshare itself."""
    old, new = two()
    first = reports(new, old.generation)[0]
    plan = steps.take(ledger, first)
    assert (plan.older, plan.staying, plan.joining) == (old.generation, AFTER, ())
    view = ledger.view()
    (vault,) = view.vaults()
    assert vault.public_key_eddsa == new.facts[0].public_key_eddsa
    assert vault.chain_code_digest == first.report.chain_code_digest
    (backup,) = view.backups()
    assert (backup.party, backup.generation, backup.state) == ("Phone", new.generation, e.NEXT)
    assert (backup.stored, backup.read_back) == (first.report.time, first.report.time)
    assert [info.label for info in view.places()] == ["Safe 0"]
    (generation,) = view.generations(vault.vault)
    assert [one.party for one in generation.members] == list(AFTER)
    assert generation.newer_than == {old.generation}
    assert [(one.host, one.public_key) for one in view.identities()] == [(first.report.host, first.public_key)]
    assert [one.name for one in view.hosts() if one.host == first.report.host] == ["desk 0"]
    # The others go into the same one, and a new device's computer reports to it.
    assert steps.take(ledger, reports(new, old.generation)[1]).plan == plan.plan
    assert steps.plan_for(ledger, new.share("Watch"), new.parties).plan == plan.plan


def test_nothing_is_told_twice(ledger: Ledger, tmp_path: Path, clock: Clock) -> None:
    old, new = two()
    good = reports(new, old.generation)
    for signed in good:
        steps.take(ledger, signed)
    before = ledger.events()
    for signed in good:
        steps.take(ledger, signed)
    assert ledger.events() == before
    # Two computers that took the same reports have them in common.
    with opened(tmp_path / "other.sqlite", clock) as other:
        for signed in reversed(good):
            steps.take(other, signed)
        of_reports = {one.uuid for one in before if one.host != ledger.host}
        assert {one.uuid for one in other.events() if one.host != other.host} == of_reports
        assert len(of_reports) == 3 * 5
        other.merge(before)
        view = other.view()
        assert progress(view, under_way(view, old.facts[0].public_key_ecdsa)[-1]).ready
        assert other.check() == []


def test_its_own_report_tells_it_nothing(ledger: Ledger) -> None:
    old, new = two()
    own = sign(report_on(new, 0, old.generation, host=ledger.host), identity(0))
    steps.take(ledger, own)
    assert {one.host for one in ledger.events()} == {ledger.host}
    assert ledger.view().backups() == []


@pytest.mark.parametrize(
    "change",
    [
        {"public_key_eddsa": made(seed="another").facts[0].public_key_eddsa},
        {"chain_code_digest": b"x" * 32},
        {"points_ecdsa": (b"\3", b"\2", b"\1")},
        {"public_shares_ecdsa": ()},
        {"signers": ("Phone", "Tablet", "Watch")},
        {"point_eddsa": b"\7"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_goes_against_the_plan_is_not_taken_over(ledger: Ledger, change: dict[str, object]) -> None:
    old, new = two()
    plan = begun(ledger, old)
    good = reports(new, old.generation)
    (vault,) = ledger.view().vaults()
    generations = ledger.view().generations(plan.vault)
    assert steps.take(ledger, altered(good[1], 1, **change)).plan == plan.plan
    view = ledger.view()
    assert view.vaults() == [vault]
    assert view.generations(plan.vault) == generations
    assert {one.generation for one in view.backups()} == {old.generation}
    assert [one.state for one in progress(view, plan).parties] == ["awaited", "rejected", "awaited"]
    assert counts(ledger, old) == old.generation
    # The right one comes later.
    steps.take(ledger, altered(good[1], 1, time=good[1].report.time + SECOND))
    assert progress(ledger.view(), plan).parties[1].state == "reported"


def test_a_report_on_what_is_over(ledger: Ledger) -> None:
    oldest, old = two()
    new = old.reshared(("Phone", "Laptop", "Desk"), 2)
    backed_up(ledger, old, 0, 1, 2)
    backed_up(ledger, new, 0, at=10)
    ledger.record([e.GenerationNewer(old.facts[0].public_key_ecdsa, new.generation, old.generation)])
    before = ledger.events()
    for signed in reports(old, oldest.generation):
        with pytest.raises(NoReshareError, match="replaced or given up already"):
            steps.take(ledger, signed)
    assert ledger.events() == before


def test_given_up(ledger: Ledger) -> None:
    old, new = two()
    plan = begun(ledger, old)
    good = reports(new, old.generation)
    steps.take(ledger, good[1])
    assert counts(ledger, old) == new.generation
    view = steps.abort(ledger, plan)
    assert counts(ledger, old) == old.generation
    assert under_way(view, plan.vault) == []
    before = ledger.events()
    for signed in good:
        with pytest.raises(NoReshareError, match="given up already"):
            steps.take(ledger, signed)
    with pytest.raises(ReshareNewShareError, match="given up"):
        steps.plan_for(ledger, new.share("Phone"), new.parties)
    assert ledger.events() == before
    # Another attempt: neither the parties nor the older generation differ.
    again = old.reshared(AFTER, 2, seed="again")
    second = steps.plan_for(ledger, again.share("Phone"), again.parties)
    assert (second.plan != plan.plan, second.older) == (True, old.generation)
    for signed in (*reports(again, old.generation), *good):
        steps.take(ledger, signed)
    now = progress(ledger.view(), second)
    assert now.ready
    assert steps.finish(ledger, second).plan.generation == again.generation
