"""Power cut at every operation on files: what was acknowledged is there, and what was not is there or not, never half.

Every state that a disk can be left in is looked at, on a file system that keeps no promise that was not waited for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from coldshare.places.errors import NoFolderPlaceError
from coldshare.places.folder import Folder, Kept
from coldshare.places.format import Retired, State
from places.fat import FatDisk, Image, PowerCutError

VAULT, OTHER = b"\x02" * 33, b"\x03" * 33
OLD, NEW = b"o" * 32, b"n" * 32

#: What counts: for each backup its state and its sealed share, and how many generations are retired.
Held = tuple[frozenset[tuple[str, State, bytes]], int]
Step = Callable[[Folder], object]
NOTHING: Held = (frozenset(), 0)


def sealed(number: int) -> bytes:
    return hashlib.shake_256(b"sealed %d" % number).digest(60 + number)


def identity(number: int) -> bytes:
    return hashlib.shake_256(b"id %d" % number).digest(16)


def folder(disk: FatDisk) -> Folder:
    return Folder(disk, "the stick", random=lambda count: b"r" * count)


def held(place: Folder) -> Held:
    """Reads every share. An unlisted one would be something that nobody acknowledged."""
    try:
        contents = place.contents()
    except NoFolderPlaceError:
        return NOTHING
    return (
        frozenset((one.backup_id.hex()[:8], one.state, place.read(one)) for one in contents.backups),
        len(contents.retired),
    )


def find(place: Folder, number: int) -> Kept:
    return next(one for one in place.contents().backups if one.backup_id == identity(number))


def store(number: int, generation: bytes = OLD, vault: bytes = VAULT, newer: bool = False) -> Step:
    return lambda place: place.store(identity(number), sealed(number), vault, "Phone", generation, newer=newer)


def retire(number: int, generation: bytes) -> Step:
    def step(place: Folder) -> None:
        newer = find(place, number)
        place.retire(newer, Retired.of(newer.record, generation))

    return step


def un_retire(number: int, generation: bytes) -> Step:
    return lambda place: place.un_retire(Retired.of(find(place, number).record, generation))


def remove(*numbers: int) -> Step:
    return lambda place: place.remove([find(place, number) for number in numbers])


STORY: tuple[Step, ...] = (
    store(1),
    store(2),
    store(3, vault=OTHER),
    store(4, NEW, newer=True),
    retire(4, OLD),
    un_retire(4, OLD),
    retire(4, OLD),
    store(5, NEW),
    remove(3),
    remove(2),
)


@cache
def told() -> tuple[tuple[int, Image, Held], ...]:
    """The story without a cut: after each step how many operations it took, the disk and what it holds."""
    disk = FatDisk()
    after = [(0, disk.image, NOTHING)]
    for step in STORY:
        disk = FatDisk(disk.image)
        step(folder(disk))
        after.append((disk.done, disk.image, held(folder(FatDisk(disk.image)))))
    return tuple(after)


def states(number: int, cut: int) -> Iterator[Image]:
    """Everything that a cut before operation `cut` of step `number` can leave."""
    disk = FatDisk(told()[number][1], cut)
    with pytest.raises(PowerCutError):
        STORY[number](folder(disk))
    yield from disk.images()


def judge(number: int, image: Image) -> FatDisk:
    """Old or new; and whatever is done next works, and leaves nothing behind."""
    before, after = told()[number][2], told()[number + 1][2]
    found = held(folder(FatDisk(image)))
    assert found in (before, after), (number, image)
    disk = FatDisk(image)
    place = folder(disk)
    place.store(identity(99), sealed(99), b"\x04" * 33, "Phone", OLD)
    assert held(place)[0] - found[0] == {(identity(99).hex()[:8], State.ACTIVE, sealed(99))}
    assert found[0] <= held(place)[0]
    assert [one for one in place.scrub() if one.name != "readme.txt"] == []
    place.repair()
    assert place.scrub() == []
    return disk


def cuts() -> list[tuple[int, int]]:
    return [(number, cut) for number in range(len(STORY)) for cut in range(told()[number + 1][0])]


def test_the_story_does_what_it_says() -> None:
    ends = [sorted((name, state.name) for name, state, _ in after[2][0]) for after in told()]
    names = {number: identity(number).hex()[:8] for number in range(1, 6)}
    assert ends[0] == []
    assert ends[1] == [(names[1], "ACTIVE")]
    assert ends[2] == [(names[2], "ACTIVE")]
    assert ends[4] == sorted([(names[2], "ACTIVE"), (names[3], "ACTIVE"), (names[4], "NEXT")])
    assert ends[5] == sorted([(names[2], "RETIRED"), (names[3], "ACTIVE"), (names[4], "ACTIVE")])
    assert ends[6] == sorted([(names[2], "ACTIVE"), (names[3], "ACTIVE"), (names[4], "NEXT")])
    assert ends[8] == sorted([(names[2], "RETIRED"), (names[3], "ACTIVE"), (names[5], "ACTIVE")])
    assert ends[10] == [(names[5], "ACTIVE")]
    assert told()[-1][2][1] == 1, "a retired generation outlives its backups"


def test_the_model_loses_what_is_not_waited_for() -> None:
    """A storage that forgets to wait is caught: this is no disk that forgives."""

    class Hasty(FatDisk):
        def sync(self, handle: int) -> None:
            pass

    disk = Hasty(told()[1][1])
    STORY[1](folder(disk))
    assert any(held_or_none(image) not in (told()[1][2], told()[2][2]) for image in disk.images())


def held_or_none(image: Image) -> Held | None:
    from coldshare.errors import ColdshareError

    try:
        return held(folder(FatDisk(image)))
    except ColdshareError:
        return None


def test_a_cut_at_every_operation_in_a_sample_of_states() -> None:
    looked_at = 0
    for number, cut in cuts():
        for at, image in enumerate(states(number, cut)):
            if at % 9 == (number + cut) % 9:
                judge(number, image)
                looked_at += 1
    assert looked_at > 100


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(STORY)))
def test_every_state_after_a_cut_at_every_operation(number: int) -> None:
    for cut in range(told()[number + 1][0]):
        for image in states(number, cut):
            judge(number, image)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(STORY)))
def test_a_second_cut_while_the_first_one_is_cleared_up(number: int) -> None:
    for cut in range(told()[number + 1][0]):
        for at, image in enumerate(states(number, cut)):
            if at % 7 != cut % 7:
                continue
            found = held(folder(FatDisk(image)))
            whole = FatDisk(image)
            store(98, vault=b"\x05" * 33)(folder(whole))
            after = held(folder(FatDisk(whole.image)))
            for second in range(0, whole.done, 3):
                disk = FatDisk(image, second)
                with pytest.raises(PowerCutError):
                    store(98, vault=b"\x05" * 33)(folder(disk))
                for where, left in enumerate(disk.images()):
                    if where % 4 == second % 4:
                        assert held(folder(FatDisk(left))) in (found, after)


def test_what_was_acknowledged_survives_any_cut_right_after() -> None:
    for number, step in enumerate(STORY):
        disk = FatDisk(told()[number][1])
        step(folder(disk))
        for image in disk.images():
            assert held(folder(FatDisk(image))) == told()[number + 1][2]


@pytest.mark.parametrize("lost", [["index.a"], ["index.b"], ["index.a", "index.b"], ["a"], ["b"], ["tag"]])
def test_a_cut_while_something_is_mended(lost: list[str]) -> None:
    """What is good is never at stake: a bad copy is written anew while the good one stays."""
    whole = told()[4][1]
    before = held(folder(FatDisk(whole)))
    stem = identity(2).hex()[:8]
    image = {**whole, **{name if "." in name else f"{stem}.{name}": b"rot" for name in lost}}
    mended = FatDisk(image)
    folder(mended).repair()
    shares = {(name, share) for name, _, share in before[0]}
    for cut in range(mended.done):
        disk = FatDisk(image, cut)
        with pytest.raises(PowerCutError):
            folder(disk).repair()
        for left in disk.images():
            again = FatDisk(left)
            folder(again).repair()
            assert folder(again).scrub() == []
            after = held(folder(again))
            assert {(name, share) for name, _, share in after[0]} == shares
            if len(lost) == 1:
                assert after == before
