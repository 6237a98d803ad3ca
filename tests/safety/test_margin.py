"""How much may be lost, against the loss of every set of carriers there is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.ledger.events import Place
from coldshare.safety.carriers import Carrier, margin

PARTIES = ("Phone", "Laptop", "Tablet", "Desk", "Server-1")
THINGS: tuple[Carrier, ...] = ("Phone", "Laptop", *(Place(1, bytes([number]) * 8) for number in range(5)))


def stands(carriers: Mapping[str, set[Carrier]], threshold: int, always: set[str], lost: set[Carrier]) -> bool:
    return len({party for party, them in carriers.items() if party in always or them - lost} | always) >= threshold


def truth(carriers: Mapping[str, set[Carrier]], threshold: int, always: set[str]) -> int | None:
    """The most that may be lost, whichever it is; all there is, when nothing that can be lost matters."""
    things = set().union(*(them for party, them in carriers.items() if party not in always))
    if not stands(carriers, threshold, always, set()):
        return None
    for count in range(1, len(things) + 1):
        if any(not stands(carriers, threshold, always, set(lost)) for lost in combinations(things, count)):
            return count - 1
    return len(things)


worlds = st.dictionaries(st.sampled_from(PARTIES), st.sets(st.sampled_from(THINGS), max_size=4), max_size=5)


@settings(max_examples=100)
@given(worlds, st.integers(1, 5), st.sets(st.sampled_from(PARTIES), max_size=2))
def test_never_too_high_and_told_exactly_when_there_is_one(
    carriers: dict[str, set[Carrier]], threshold: int, always: set[str]
) -> None:
    found, true = margin(carriers, threshold, always=always), truth(carriers, threshold, always)
    assert (found is None) == (true is None)
    if found is not None and true is not None:
        assert 0 <= found <= true


@st.composite
def apart(draw: st.DrawFn) -> dict[str, set[Carrier]]:
    """Nothing carries the shares of two parties."""
    counts = draw(st.dictionaries(st.sampled_from(PARTIES), st.integers(0, 3), max_size=5))
    return {
        party: {Place(1, f"{party}{number}".encode()) for number in range(count)} for party, count in counts.items()
    }


@settings(max_examples=100)
@given(apart(), st.integers(1, 5), st.sets(st.sampled_from(PARTIES), max_size=2))
def test_exact_where_nothing_carries_two_parties(
    carriers: dict[str, set[Carrier]], threshold: int, always: set[str]
) -> None:
    assert margin(carriers, threshold, always=always) == truth(carriers, threshold, always)


def test_the_figures_that_people_will_see() -> None:
    a, b, c = (Place(1, bytes([number]) * 8) for number in range(3))
    alive: dict[str, list[Carrier]] = {"Phone": ["Phone"], "Laptop": ["Laptop"], "Tablet": ["Tablet"]}
    assert margin(alive, 2) == 1
    both: dict[str, list[Carrier]] = {"Phone": ["Phone", a], "Laptop": ["Laptop", b], "Tablet": ["Tablet", c]}
    assert margin(both, 2) == 3
    assert margin(both, 3) == 1
    together: dict[str, list[Carrier]] = {"Phone": ["Phone", a], "Laptop": ["Laptop", a], "Tablet": ["Tablet", c]}
    assert margin(together, 2) in (1, 2)
    assert margin({"Phone": [a]}, 2) is None
    assert margin({}, 0) == 0


def test_one_thing_that_carries_everything() -> None:
    safe = Place(1, bytes(8))
    for threshold in (1, 2, 3):
        assert margin({party: [safe] for party in PARTIES[:3]}, threshold) == 0


def test_a_party_that_is_always_there_costs_nobody_anything() -> None:
    assert margin({"Phone": ["Phone"]}, 2, always=["Server-1"]) == 0
    assert margin({"Phone": ["Phone", Place(1, bytes(8))]}, 2, always=["Server-1"]) == 1
    assert margin({"Server-1": ["Laptop"]}, 1, always=["Server-1"]) == 0  # what it has besides changes nothing


_THRESHOLD, _ALWAYS = st.integers(1, 5), st.sets(st.sampled_from(PARTIES), max_size=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "made"),
    [
        (test_never_too_high_and_told_exactly_when_there_is_one, worlds),
        (test_exact_where_nothing_carries_two_parties, apart()),
    ],
    ids=["never too high", "exact"],
)
def test_more_often(test: Any, made: Any) -> None:
    settings(max_examples=1000)(given(made, _THRESHOLD, _ALWAYS)(test.hypothesis.inner_test))()
