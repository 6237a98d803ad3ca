"""A reshare that one computer has given up while others went on with it: what counts when their ledgers meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.queries import Reshare, View
from coldshare.ledger.record import vault_seen
from coldshare.ledger.store import Ledger
from coldshare.reshare import steps
from coldshare.reshare.errors import NoReshareError, ReshareNewShareError
from coldshare.reshare.plan import prepare
from coldshare.reshare.progress import progress, reshare_of
from coldshare.reshare.report import Signed, sign
from coldshare.safety.resharing import under_way
from ledger.samples import Clock
from reshare.story import AFTER, NOW, Run, backup_id, identity, report_on, share_of, token, two

OLD, NEW = two()
AGAIN = OLD.reshared(AFTER, 2, seed="again")
VAULT = OLD.facts[0].public_key_ecdsa
HOUR = 3_600 * 1_000_000


class Desk:
    """A party's computer, with a ledger of its own."""

    def __init__(self, path: Path, number: int) -> None:
        self.clock = Clock(NOW)
        self.number = number
        self.ledger = Ledger(path / f"{number}.sqlite", now=self.clock)
        share = share_of(OLD.facts[number])
        kept = e.BackupStored(token(number), backup_id(number, OLD.generation), share, 1000, e.ACTIVE, False)
        self.ledger.record([*vault_seen(share, OLD.facts[number]), kept])

    def start(self) -> Reshare:
        view = self.view
        return steps.begin(self.ledger, prepare(view, view.vaults()[0], NOW, leaving=("Tablet",), joining=("Watch",)))

    def next(self, run: Run = NEW) -> Signed:
        """As `reshare next`: its new share is backed up and reported."""
        share = share_of(run.facts[self.number])
        plan = steps.plan_for(self.ledger, share, run.parties)
        kept = e.BackupStored(token(self.number), backup_id(self.number, run.generation), share, 1000, e.NEXT, False)
        self.ledger.record([*vault_seen(share, run.facts[self.number]), kept])
        told = report_on(run, self.number, OLD.generation, host=self.ledger.host, time=self.clock())
        signed = sign(told, identity(self.number))
        steps.report(self.ledger, plan, signed)
        return signed

    def abort(self) -> View:
        return steps.abort(self.ledger, reshare_of(self.view, VAULT))

    def join(self, *others: Desk) -> None:
        for one in others:
            self.ledger.merge(one.ledger.events())
        assert self.ledger.check() == []

    @property
    def view(self) -> View:
        return self.ledger.view()

    @property
    def counts(self) -> bytes | None:
        current = self.view.current(VAULT)
        return None if current is None else current.generation

    @property
    def going(self) -> list[bytes]:
        return [one.plan for one in under_way(self.view, VAULT)]

    def states(self) -> dict[str, str]:
        now = progress(self.view, reshare_of(self.view, VAULT))
        return {one.party: one.state for one in now.parties}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[[int], Desk]]:
    with ExitStack() as stack:

        def make(number: int) -> Desk:
            made = Desk(tmp_path, number)
            stack.callback(made.ledger.close)
            return made

        yield make


@pytest.fixture
def phone(desk: Callable[[int], Desk]) -> Desk:
    """It knows the backups of all old shares."""
    phone = desk(0)
    share = share_of(OLD.facts[1])
    phone.ledger.record([*vault_seen(share, OLD.facts[1])])
    phone.ledger.record([e.BackupStored(token(1), backup_id(1, OLD.generation), share, 1000, e.ACTIVE, False)])
    return phone


@pytest.fixture
def laptop(desk: Callable[[int], Desk]) -> Desk:
    return desk(1)


def both(one: Desk, other: Desk) -> None:
    one.join(other)
    other.join(one)


def given_up(*desks: Desk) -> None:
    for one in desks:
        assert one.going == []
        assert one.counts == OLD.generation
        with pytest.raises(NoReshareError):
            reshare_of(one.view, VAULT)


@pytest.mark.parametrize("told", [True, False], ids=["of the plan", "of nothing"])
def test_who_has_not_given_it_up_does_not_reopen_it(phone: Desk, laptop: Desk, told: bool) -> None:
    """The Laptop's computer has gone on: with that plan, or with one that it has begun for itself. The one that gives
    it up has never heard of the new generation."""
    phone.start()
    if told:
        laptop.join(phone)
    laptop.next()
    assert laptop.counts == NEW.generation
    phone.clock.now = laptop.clock.now + HOUR
    phone.abort()
    given_up(phone)
    both(phone, laptop)
    given_up(phone, laptop)
    assert phone.view.given_up(VAULT) == laptop.view.given_up(VAULT) == {NEW.generation}
    # Its share is refused from then on, on every computer.
    for one in (phone, laptop):
        with pytest.raises(ReshareNewShareError, match="given up"):
            steps.plan_for(one.ledger, share_of(NEW.facts[one.number]), NEW.parties)


def test_nor_does_who_goes_on_with_it_later(phone: Desk, laptop: Desk) -> None:
    """It has the plan, and nobody has told it that it was given up."""
    phone.start()
    laptop.join(phone)
    phone.abort()
    laptop.clock.now = phone.clock.now + HOUR
    laptop.next()
    both(phone, laptop)
    given_up(phone, laptop)
    # All apps have finished it after all: it is taken up again.
    later = laptop.clock.now + HOUR
    for one in (phone, laptop):
        one.clock.now = later
        steps.take_up(one.ledger, share_of(NEW.facts[one.number]))
        one.next()
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.counts == NEW.generation
        assert one.states() == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}


def test_but_not_where_it_was_begun_anew_meanwhile(phone: Desk, laptop: Desk) -> None:
    phone.start()
    laptop.join(phone)
    phone.abort()
    phone.start()
    phone.next()
    laptop.clock.now = phone.clock.now + HOUR
    laptop.next()
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.counts == NEW.generation
        assert one.states()["Phone"] == "reported"


@pytest.mark.parametrize("offset", [-10_000 * HOUR, 10_000 * HOUR], ids=["behind", "ahead"])
def test_what_it_knew_is_older_whatever_the_clock_says(phone: Desk, laptop: Desk, offset: int) -> None:
    laptop.clock.now += offset
    laptop.next()
    phone.start()
    phone.join(laptop)
    phone.abort()
    both(phone, laptop)
    given_up(phone, laptop)


@pytest.mark.parametrize("run", [AGAIN, NEW], ids=["made again", "planned otherwise"])
def test_begun_anew_it_is_not_blocked(phone: Desk, laptop: Desk, run: Run) -> None:
    """The app has made another one; or only the plan was wrong, and the shares are those that the Laptop told of."""
    laptop.next()
    phone.start()
    phone.clock.now = laptop.clock.now + HOUR
    phone.abort()
    phone.start()
    phone.next(run)
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.counts == run.generation
        assert one.states() == {"Phone": "reported", "Laptop": "awaited", "Watch": "awaited"}
    laptop.next(run)
    phone.join(laptop)
    assert phone.states() == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}


def test_a_report_from_before_is_taken_in_afterwards(phone: Desk, laptop: Desk) -> None:
    """Whoever gives a plan up has not given up what he has not heard of; and it stays so when the ledgers meet."""
    report = laptop.next()
    phone.start()
    phone.clock.now = laptop.clock.now + HOUR
    phone.abort()
    steps.take(phone.ledger, report)
    assert phone.states()["Laptop"] == "reported"
    phone.next()
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.counts == NEW.generation
        assert one.states() == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}


def test_begun_anew_on_both_computers(phone: Desk, laptop: Desk) -> None:
    """Each has given it up for itself, and begun again without the other."""
    for one in (phone, laptop):
        one.next()
        one.abort()
    later = max(phone.clock.now, laptop.clock.now) + HOUR
    for one in (phone, laptop):
        one.clock.now = later
        one.next(AGAIN)
    both(phone, laptop)
    for one in (phone, laptop):
        assert len(one.going) == 2
        assert one.counts == AGAIN.generation
        assert one.states() == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}


def finished_by(laptop: Desk, *reports: Signed) -> None:
    """It has all reports, and lets the new generation count."""
    for one in reports:
        steps.take(laptop.ledger, one)
    steps.finish(laptop.ledger, reshare_of(laptop.view, VAULT))
    assert laptop.counts == NEW.generation


def watch() -> Signed:
    return sign(report_on(NEW, 2, OLD.generation), identity(2))


@pytest.mark.parametrize("first", ["aborted", "finished"])
def test_given_up_by_one_and_finished_by_another(phone: Desk, laptop: Desk, first: str) -> None:
    """Every party has reported, so the vault has moved: whoever gave up did not know. In whatever order."""
    phone.start()
    report = phone.next()
    laptop.next()
    if first == "aborted":
        phone.abort()
        laptop.clock.now = phone.clock.now + HOUR
    finished_by(laptop, report, watch())
    if first == "finished":
        phone.clock.now = laptop.clock.now + HOUR
        phone.abort()
    assert phone.counts == OLD.generation
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.going == []
        assert one.counts == NEW.generation
        assert reshare_of(one.view, VAULT).generation == NEW.generation
        assert one.view.given_up(VAULT) == {OLD.generation}


def test_giving_up_the_second_one_leaves_the_first(phone: Desk, laptop: Desk) -> None:
    """What was finished before, and on other computers, is no part of it."""
    report = phone.next()
    laptop.next()
    finished_by(laptop, report, watch())
    both(phone, laptop)
    last = NEW.reshared(AFTER, 2, seed="last")
    view = phone.view
    (vault,) = view.vaults()
    steps.begin(phone.ledger, prepare(view, vault, NOW))
    share = share_of(last.facts[0])
    phone.ledger.record([*vault_seen(share, last.facts[0])])
    told = report_on(last, 0, NEW.generation, host=phone.ledger.host, time=phone.clock())
    steps.report(phone.ledger, reshare_of(phone.view, VAULT), sign(told, identity(0)))
    assert phone.counts == share.generation
    phone.abort()
    both(phone, laptop)
    for one in (phone, laptop):
        assert one.counts == NEW.generation
        assert one.view.given_up(VAULT) == {OLD.generation, last.generation}
