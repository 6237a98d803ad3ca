"""What a process has handled, and when that is one share too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from coldshare.errors import EXIT_REFUSED
from coldshare.handling import Before, Registry, Several, SeveralSharesError, Whose, process


@dataclass(frozen=True)
class Share:
    party: str
    threshold: int = 2
    generation: bytes = b"first"
    vault: bytes = b"vault"
    name: str = "Savings"


PHONE, LAPTOP, TABLET = Share("Phone"), Share("Laptop"), Share("Tablet")


class Person:
    """Gives that answer, and remembers what was asked."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[Several] = []

    def __call__(self, several: Several) -> bool:
        self.asked.append(several)
        return self.answer


@contextmanager
def refused() -> Iterator[pytest.ExceptionInfo[SeveralSharesError]]:
    with pytest.raises(SeveralSharesError) as caught:
        yield caught


def test_the_share_that_reaches_the_threshold_is_refused() -> None:
    registry = Registry()
    registry.take(PHONE)
    with refused() as caught:
        registry.take(LAPTOP)
    error = caught.value
    assert (error.code, error.exit_status) == ("single_host", EXIT_REFUSED)
    for word in ("Phone", "Laptop", "'Savings'", "any 2 shares"):
        assert word in error.message
    assert "--single-host" in error.next_step


@pytest.mark.parametrize("threshold", [2, 3, 4, 7])
def test_one_less_than_the_threshold_may_come(threshold: int) -> None:
    registry = Registry()
    for number in range(threshold - 1):
        registry.take(Share(f"party {number}", threshold))
    for name in ("one more", "another one"):  # none of those that were refused takes the room of the next
        with refused() as caught:
            registry.take(Share(name, threshold))
        assert len(caught.value.several.others) == threshold - 1
    for number in range(threshold - 1):
        registry.take(Share(f"party {number}", threshold))


def test_the_same_party_counts_once() -> None:
    registry = Registry()
    for _ in range(5):
        registry.check(PHONE)
        registry.take(PHONE)
        registry.opened(PHONE)


def test_one_share_alone_is_never_too_many() -> None:
    """Where one signs alone, nothing is gained by keeping it from itself; its like is one too many all the same."""
    registry = Registry()
    registry.take(Share("Phone", threshold=1))
    with refused():
        registry.take(Share("Laptop", threshold=1))


@pytest.mark.parametrize("other", [Share("Laptop", generation=b"second"), Share("Laptop", vault=b"other vault")])
def test_generations_and_vaults_are_counted_apart(other: Share) -> None:
    registry = Registry()
    registry.take(PHONE)
    registry.take(other)
    with refused():
        registry.check(LAPTOP)


def test_to_check_is_not_to_handle() -> None:
    registry = Registry()
    registry.check(PHONE)
    registry.check(LAPTOP)
    registry.take(LAPTOP)
    with refused():
        registry.check(PHONE)


def test_what_was_opened_counts_though_it_is_refused() -> None:
    registry = Registry()
    registry.take(PHONE)
    with refused() as caught:
        registry.opened(LAPTOP)
    assert caught.value.several.opened
    assert "was opened now" in caught.value.message
    # From now on either of the two is one too many, until that is accepted.
    for share in (LAPTOP, PHONE):
        with refused() as caught:
            registry.take(share)
        assert "Nobody has accepted that" in caught.value.message
        assert "Laptop" in caught.value.message
        assert "Phone" in caught.value.message


def test_who_says_no_is_asked_again_and_who_says_yes_is_not() -> None:
    person = Person(False)
    registry = Registry(person)
    registry.take(PHONE)
    assert not person.asked
    for _ in range(2):
        with refused():
            registry.take(LAPTOP)
    assert len(person.asked) == 2
    person.answer = True
    registry.take(LAPTOP)
    registry.take(TABLET)
    registry.opened(PHONE)
    assert len(person.asked) == 3
    several = person.asked[-1]
    assert (several.share, several.others, several.again, several.opened) == (LAPTOP, ("Phone",), False, False)
    assert several.sentence == (
        "Whoever controls this computer, now or later, can then sign alone: with 2 shares of 'Savings' it holds as "
        "much as the whole key."
    )


def test_to_accept_is_for_one_generation() -> None:
    person = Person(True)
    registry = Registry(person)
    for generation in (b"first", b"second"):
        for party in ("Phone", "Laptop"):
            registry.take(Share(party, generation=generation))
    assert [several.share.generation for several in person.asked] == [b"first", b"second"]


def test_what_the_computer_did_before_counts() -> None:
    reads = 0

    def read() -> Before:
        nonlocal reads
        reads += 1
        return Before(frozenset({(PHONE.vault, PHONE.generation, "Phone")}), {b"id": LAPTOP, b"own": PHONE})

    registry, person = Registry(), Person(False)
    with registry.watching(person, read):
        assert reads == 0, "nobody has asked yet"
        registry.take(PHONE)
        registry.expect(b"own")
        registry.expect(b"a stranger's")
        for ask in (lambda: registry.take(LAPTOP), lambda: registry.expect(b"id")):
            with refused():
                ask()
        assert (reads, len(person.asked)) == (2, 2), "looked at anew for each share that is in the clear"
    registry.expect(b"id")
    with refused():  # this process itself has handled the phone's
        registry.take(LAPTOP)
    assert len(person.asked) == 2


@pytest.mark.parametrize("come", [Registry.take, Registry.opened])
def test_what_another_process_did_meanwhile_counts(come: Callable[[Registry, Share], None]) -> None:
    """Between the first look and the share itself a person types a password."""
    handled: set[tuple[bytes, bytes, str]] = set()
    registry, person = Registry(), Person(False)
    with registry.watching(person, lambda: Before(frozenset(handled))):
        registry.check(LAPTOP)
        handled.add((PHONE.vault, PHONE.generation, "Phone"))
        with refused():
            come(registry, LAPTOP)
    assert [several.others for several in person.asked] == [("Phone",)]


def test_what_was_opened_is_told_where_a_command_breaks_off() -> None:
    registry, told = Registry(Person(True)), list[Whose]()
    with registry.watching(Person(True), Before, told.append):
        registry.opened(PHONE)
    assert told == [], "it has come to its end, and records what it did itself"
    with pytest.raises(KeyboardInterrupt), registry.watching(Person(True), Before, told.append):  # noqa: PT012
        registry.take(TABLET)
        registry.opened(LAPTOP)
        raise KeyboardInterrupt
    assert told == [LAPTOP]


def test_a_fresh_start_ends() -> None:
    registry = Registry()
    registry.take(PHONE)
    with registry.fresh(Person(True)):
        registry.take(LAPTOP)
        registry.take(TABLET)
    with refused():
        registry.take(TABLET)
    registry.take(PHONE)


def test_the_one_of_this_process_refuses_by_itself() -> None:
    assert isinstance(process, Registry)
    process.take(PHONE)
    with refused():
        process.take(LAPTOP)
