"""What is possible after a loss, against a model that only counts."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import Place, Share
from coldshare.safety.ways import Ways, ways
from safety.story import DESK, NEW, OLD, VAULT, Story, vault_seen

NAMES = ("Phone", "Laptop", "Server-77", "Ada's Mac", "Watch")


@dataclass(frozen=True)
class Told:
    """One party: what became of its device, and its backups, each with whether it would open and is at hand."""

    lost: bool
    current: tuple[tuple[bool, bool], ...]
    older: tuple[bool, ...]


parties = st.builds(
    Told,
    st.booleans(),
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=2).map(tuple),
    st.lists(st.booleans(), max_size=1).map(tuple),
)
worlds = st.lists(parties, min_size=2, max_size=5)


def story(world: list[Told], threshold: int) -> tuple[Story, dict[Place, str]]:
    names = NAMES[: len(world)]

    def share(party: str, generation: bytes) -> Share:
        return Share(VAULT, "Savings", party, generation, threshold, len(world), 2)

    told = Story(vault_seen(share(names[0], OLD), names), vault_seen(share(names[0], NEW), names))
    told.tell(e.GenerationNewer(VAULT, NEW, OLD))
    reached: dict[Place, str] = {}
    number = 0
    for name, one in zip(names, world, strict=True):
        held = [(good, near, NEW) for good, near in one.current] + [(good, False, OLD) for good in one.older]
        for good, near, generation in held:
            number += 1
            place = Place(e.TOKEN, bytes([number]) * 8)
            told.stored(number, place, whose=share(name, generation))
            if not good:
                told.tell(e.PlaceLost(place))
            if near:
                reached[place] = f"--at hid:{number}"
        if one.lost:
            told.tell(e.DeviceLost(VAULT, name))
    return told, reached


def judged(world: list[Told], threshold: int, who: int) -> Ways:
    told, reached = story(world, threshold)
    view = told.view()
    (vault,) = view.vaults()
    return ways(view, vault, NAMES[who], reached, host=DESK)


@settings(max_examples=60)
@given(worlds, st.data())
def test_it_only_counts(world: list[Told], data: st.DataObject) -> None:
    threshold = data.draw(st.integers(1, len(world)))
    who = data.draw(st.integers(0, len(world) - 1))
    found = judged(world, threshold, who)
    others = [one for number, one in enumerate(world) if number != who]
    live = sum(not one.lost for one in others)
    sealed = sum(one.lost and any(good for good, _ in one.current) for one in others)
    own = any(good for good, _ in world[who].current)
    assert found.reach == live + sealed + own
    assert found.import_.possible == (own and live + sealed + 1 >= threshold)
    assert found.reshare.possible == (live + sealed >= threshold)
    assert found.helped == (found.import_.possible or found.reshare.possible)
    assert len(found.reshare.ready) == live
    if found.reshare.possible:
        # As many as are needed come back first, and none of them is alive or the lost one.
        assert len(found.reshare.first) == max(threshold - live, 0)
        assert len(found.reshare.ready) + len(found.reshare.first) + len(found.reshare.spare) == live + sealed
    if found.import_.possible:
        assert 1 + live + len(found.import_.also) >= min(threshold, 1 + live + sealed)
        assert len(found.import_.also) == max(threshold - 1 - live, 0)
    both = found.import_.possible and found.reshare.possible
    assert (found.recommended.destroyed != found.recommended.stolen) == both


@settings(max_examples=60)
@given(worlds, st.data())
def test_no_rule_is_broken_by_what_is_said(world: list[Told], data: st.DataObject) -> None:
    threshold = data.draw(st.integers(1, len(world)))
    who = data.draw(st.integers(0, len(world) - 1))
    found = judged(world, threshold, who)
    party = NAMES[who]
    lost = {NAMES[number] for number, one in enumerate(world) if one.lost} | {party}
    told = [(party, found.import_.sources)]
    told += [(one.party, one.sources) for one in (*found.import_.also, *found.reshare.first, *found.reshare.spare)]
    onto = []
    for name, sources in told:
        assert name in lost  # rule 3
        for source in sources:
            assert source.copy.backup.party == name
            assert source.copy.backup.generation == NEW  # rule 5
            assert source.copy.usable
            for way in source.openings:
                words = shlex.split(way.command)
                device = words[words.index("--onto") + 1]
                assert device not in NAMES  # rule 4
                onto.append((device, name))
    assert len({device for device, _ in onto}) == len({name for _, name in onto})  # a device for each
    # At hand comes first.
    near = [one.at_hand for one in found.import_.sources]
    assert near == sorted(near, reverse=True)
    # Rules 3, 4, 5 and 7 are said exactly where somebody could break them.
    said = {note.code: note for note in found.never}
    others = [(NAMES[number], one) for number, one in enumerate(world) if number != who]
    alive = [name for name, one in others if not one.lost and not name.startswith("Server-")]
    sealed = [
        name for name, one in others if name in alive and (any(good for good, _ in one.current) or any(one.older))
    ]
    assert ("other_device_share" in said) == (found.import_.possible and bool(alive))
    assert ("party_alive" in said) == (bool(sealed) and not found.older)
    if "party_alive" in said:
        assert set(said["party_alive"].parties) == set(sealed)
    old = [one for one in world if one.older]
    assert ("stale_share" in said) == (bool(old) and not found.older)
    whole = sum(any(one.older) for one in world)
    assert bool(found.older) == (not found.helped and whole >= max(threshold, 1))
    assert ("mixed_generations" in said) == bool(found.older)


@pytest.mark.slow
@pytest.mark.parametrize("test", [test_it_only_counts, test_no_rule_is_broken_by_what_is_said])
def test_more_often(test: Any) -> None:
    settings(max_examples=400)(given(worlds, st.data())(test.hypothesis.inner_test))()
