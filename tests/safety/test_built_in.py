"""A folder on a computer's own disk is lost together with that computer."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.safety import commands
from coldshare.safety.carriers import PLACE_LOST, Copy, copies
from coldshare.safety.place_loss import touched
from safety.story import DESK, FILE_A, LAP, SAFE_A, STICK_A, STICK_B, TABLE, VAULT, Story

DESKTOP, LAPTOP = Place(e.COMPUTER, DESK), Place(e.COMPUTER, LAP)


def built_in(*, host: bytes = DESK, place: Place = STICK_A) -> Story:
    """The phone's share is in a folder on that computer's disk."""
    return Story().seen().tell(e.PlaceBuiltIn(place, built_in=True), host=host).stored(1, place)


def only(story: Story) -> Copy:
    (copy,) = copies(story.view(), VAULT)
    return copy


def test_it_is_one_thing_to_lose_with_its_computer() -> None:
    assert only(Story().stored(1, STICK_A)).carrier == STICK_A
    assert only(built_in()).carrier == DESKTOP
    lost = built_in().tell(e.PlaceLost(DESKTOP))
    assert only(lost).fault == PLACE_LOST
    assert only(lost.tell(e.PlaceFound(DESKTOP))).usable


def test_two_folders_of_one_computer_are_one_thing() -> None:
    """With a share in each, and no device that is alive, the computer takes both."""
    story = built_in().stored(2, STICK_B, "Laptop")
    story.tell(e.DeviceLost(VAULT, "Phone"), e.DeviceLost(VAULT, "Laptop"), e.DeviceLost(VAULT, "Tablet"))
    assert story.standing().margin == 0
    story.stored(3, SAFE_A, "Tablet")
    assert story.standing().margin == 1
    story.tell(e.PlaceBuiltIn(STICK_B, built_in=True))
    assert story.standing().margin == 0


def test_where_it_is_kept_makes_no_difference() -> None:
    """It is where the computer is. A file is elsewhere when somebody says so: it may be in a drive in the clouds."""
    said = (None, "bank", None, None, None)
    assert only(built_in().tell(e.PlaceDescribed(STICK_A, *said))).carrier == DESKTOP
    assert only(Story().stored(1, FILE_A)).carrier == DESKTOP
    assert only(Story().stored(1, FILE_A).tell(e.PlaceDescribed(FILE_A, *said))).carrier == FILE_A


@pytest.mark.parametrize(
    "taken_back", [e.PlaceBuiltIn(STICK_A, built_in=False), e.PlaceReached(STICK_A, DESK, reaches=False)]
)
def test_it_is_taken_back_where_it_was_seen_and_by_a_person(taken_back: e.Body) -> None:
    story = built_in().tell(taken_back)
    assert only(story).carrier == STICK_A
    assert only(story.tell(e.PlaceLost(DESKTOP))).usable


def test_another_computer_sees_it_on_no_disk_of_its_own() -> None:
    """It may be shared over the network. The one that has it takes it along."""
    story = built_in().tell(e.PlaceBuiltIn(STICK_A, built_in=False), host=LAP)
    assert only(story).carrier == DESKTOP
    assert not only(story.tell(e.PlaceLost(DESKTOP))).usable


def test_a_copy_on_each_of_two_computers() -> None:
    story = built_in().tell(e.PlaceBuiltIn(STICK_A, built_in=True), host=LAP)
    assert only(story).carrier in (DESKTOP, LAPTOP)
    assert only(story.tell(e.PlaceLost(DESKTOP))).usable
    assert not only(story.tell(e.PlaceLost(LAPTOP))).usable


def test_what_is_lost_is_the_computer() -> None:
    before = built_in().tell(e.PlaceReached(STICK_A, LAP, reaches=True), e.PlaceLost(LAPTOP))
    after = Story()
    after.events, after.now = [*before.events], before.now
    after.tell(e.PlaceLost(DESKTOP))
    view = after.view()
    missing = commands.missing(only(after).place, view.places())
    assert missing.place == DESKTOP
    (one,) = touched(before.view(), view, DESKTOP)
    assert (one.party, one.others) == ("Phone", ())


def every(things: list[Place | str]) -> list[tuple[Place | str, ...]]:
    return list(chain.from_iterable(combinations(things, count) for count in range(len(things) + 1)))


#: Of each backup: whose share, in which folder, and on the disk of which computer that folder is.
homes = st.lists(st.tuples(st.sampled_from(TABLE), st.integers(1, 4)), min_size=1, max_size=4)
disks = st.dictionaries(st.integers(1, 4), st.sampled_from((DESK, LAP)), max_size=4)


@given(homes, disks, st.sets(st.sampled_from(TABLE)))
def test_never_too_high(homes: list[tuple[str, int]], disks: dict[int, bytes], gone: set[str]) -> None:
    story = Story().seen()
    for number, host in disks.items():
        story.tell(e.PlaceBuiltIn(Place(e.FOLDER, bytes([number]) * 16), built_in=True), host=host)
    for number, (party, folder) in enumerate(homes, start=1):
        story.stored(number, Place(e.FOLDER, bytes([folder]) * 16), party)
    story.tell(*(e.DeviceLost(VAULT, party) for party in sorted(gone)))
    # What is really lost as a whole: devices, computers with what is on their disks, and sticks.
    things: list[Place | str] = [*TABLE, DESKTOP, LAPTOP, *(Place(e.FOLDER, bytes([one]) * 16) for one in range(1, 5))]

    def there(lost: set[Place | str]) -> int:
        reached = {party for party in TABLE if party not in gone and party not in lost}
        for party, folder in homes:
            disk = Place(e.COMPUTER, disks[folder]) if folder in disks else None
            if Place(e.FOLDER, bytes([folder]) * 16) not in lost and disk not in lost:
                reached.add(party)
        return len(reached)

    margin = story.standing().margin
    assert (margin is None) == (there(set()) < 2)
    if margin is not None:
        bad = [len(lost) for lost in every(things) if there({*lost}) < 2]
        assert margin < min(bad)
