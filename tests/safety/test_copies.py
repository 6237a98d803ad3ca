"""Which backups would open, and what takes them along when it is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coldshare.ledger import events as e
from coldshare.safety import carriers as c
from coldshare.safety.carriers import FAULTS, Copy, copies
from safety.story import (
    DESK,
    FILE_A,
    LAP,
    OTHER_VAULT,
    SAFE_A,
    SAFE_B,
    STICK_A,
    VAULT,
    Story,
    backup_id,
    share,
    vault_seen,
)

ID = backup_id(1)


def at(story: Story) -> dict[e.Place, Copy]:
    return {one.backup.place: one for one in copies(story.view(), VAULT)}


def test_what_is_there_and_was_never_doubted_would_open() -> None:
    for place in (SAFE_A, STICK_A, FILE_A):
        (copy,) = copies(Story().stored(1, place, opened=False).view(), VAULT)
        assert (copy.usable, copy.fault, copy.rests_on) == (True, None, place)


def test_only_those_of_the_vault_and_only_while_they_are_there() -> None:
    story = Story().stored(1, SAFE_A).stored(2, STICK_A, whose=share(vault=OTHER_VAULT))
    assert set(at(story)) == {SAFE_A}
    for why in e.GONE:
        assert at(Story().stored(1, SAFE_A).tell(e.BackupGone(SAFE_A, ID, why))) == {}
    assert at(story.tell(e.PlaceWiped(SAFE_A, bytes(8)))) == {}


Tell = Callable[[Story], object]
#: What can befall a backup on a token: what it does to it, and what makes it good again.
BEFALLS: dict[str, tuple[Tell, Tell | None]] = {
    c.PLACE_LOST: (lambda s: s.tell(e.PlaceLost(SAFE_A)), lambda s: s.tell(e.PlaceFound(SAFE_A))),
    c.FAILED: (
        lambda s: s.tell(e.BackupFailed(SAFE_A, ID, "seal_damaged")),
        lambda s: s.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True)),
    ),
    c.DAMAGED: (
        lambda s: s.tell(e.BackupState(SAFE_A, ID, None, 1000, e.DAMAGED)),
        lambda s: s.tell(e.BackupState(SAFE_A, ID, share(), 1000, e.ACTIVE)),
    ),
    c.UNCONFIRMED: (
        lambda s: s.tell(e.BackupState(SAFE_A, ID, share(), 1000, e.UNCONFIRMED)),
        lambda s: s.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=False)),
    ),
    c.KEYLESS: (lambda s: s.tell(e.BackupState(SAFE_A, ID, None, 1000, e.KEYLESS)), None),
    c.DISPUTED: (lambda s: s.stored(1, SAFE_A, "Laptop"), None),
}


@pytest.mark.parametrize("fault", BEFALLS)
def test_a_fault_counts_until_it_is_mended(fault: str) -> None:
    befalls, mends = BEFALLS[fault]
    story = Story().stored(1, SAFE_A)
    befalls(story)
    assert at(story)[SAFE_A].fault == fault
    assert not at(story)[SAFE_A].usable
    if mends is not None:
        mends(story)
        assert at(story)[SAFE_A].fault is None
    else:
        story.tell(e.BackupVerified(SAFE_A, ID, None, 1000, e.KEYLESS, None, opened=False))
        assert at(story)[SAFE_A].fault == fault


def test_every_fault_has_its_words_and_its_scenario() -> None:
    assert set(FAULTS) == {*BEFALLS, c.NEEDS_TOKEN}
    assert len(set(FAULTS.values())) == len(FAULTS)


def test_a_failed_drill_is_a_failure_until_a_good_one() -> None:
    drill = e.DrillResult(SAFE_A, ID, share(), False, None, None, bytes(32))
    story = Story().stored(1, SAFE_A).tell(drill)
    assert at(story)[SAFE_A].fault == c.FAILED
    story.tell(e.DrillResult(SAFE_A, ID, share(), True, None, None, bytes(32)))
    assert at(story)[SAFE_A].fault is None


def test_to_be_listed_does_not_prove_what_failed() -> None:
    story = Story().stored(1, SAFE_A).tell(e.BackupFailed(SAFE_A, ID, "integrity"))
    story.tell(e.BackupState(SAFE_A, ID, share(), 1000, e.ACTIVE), e.PlaceFound(SAFE_A))
    assert at(story)[SAFE_A].fault == c.FAILED


def test_a_code_opens_what_a_burnt_token_still_hands_out() -> None:
    story = Story().stored(1, SAFE_A, recovery=True).tell(e.BackupState(SAFE_A, ID, None, 1000, e.KEYLESS))
    assert at(story)[SAFE_A].fault is None


# --- files exported from a token: password and token together open them, or a recovery code alone


def exported(*, recovery: bool | None = False) -> Story:
    return Story().stored(1, SAFE_A, recovery=recovery).stored(1, FILE_A, recovery=recovery, opened=False)


def test_an_exported_file_rests_on_its_token() -> None:
    for recovery in (False, None):
        file = at(exported(recovery=recovery))[FILE_A]
        assert (file.usable, file.rests_on) == (True, SAFE_A)


def test_with_a_recovery_code_it_stands_alone() -> None:
    story = exported(recovery=True)
    assert at(story)[FILE_A].rests_on == FILE_A
    story.tell(e.PlaceWiped(SAFE_A, None))
    assert (at(story)[FILE_A].usable, at(story)[FILE_A].rests_on) == (True, FILE_A)


LOSES_THE_KEY: dict[str, e.Body] = {
    "token lost": e.PlaceLost(SAFE_A),
    "token wiped": e.PlaceWiped(SAFE_A, bytes(8)),
    "token burnt": e.BackupState(SAFE_A, ID, None, 1000, e.KEYLESS),
    "the token replaced it": e.BackupGone(SAFE_A, ID, e.REPLACED),
    "destroyed on the token": e.BackupGone(SAFE_A, ID, e.DESTROYED),
    "removed from the token": e.BackupGone(SAFE_A, ID, e.REMOVED),
    "missing on the token": e.BackupGone(SAFE_A, ID, e.MISSING),
}


@pytest.mark.parametrize("what", LOSES_THE_KEY)
def test_without_its_token_an_exported_file_is_locked_for_good(what: str) -> None:
    story = exported().tell(LOSES_THE_KEY[what])
    assert at(story)[FILE_A].fault == c.NEEDS_TOKEN
    # ... unless a recovery code turns out to be known.
    story.tell(e.BackupVerified(FILE_A, ID, share(), 1000, e.ACTIVE, recovery=True, opened=True))
    assert at(story)[FILE_A].fault is None


def test_the_token_may_be_found_again() -> None:
    story = exported().tell(e.PlaceLost(SAFE_A), e.PlaceFound(SAFE_A))
    assert at(story)[FILE_A].fault is None


def test_a_blob_that_the_token_cannot_read_back_leaves_the_file_what_it_is() -> None:
    """The key for it is kept elsewhere on the token."""
    story = exported().tell(e.BackupFailed(SAFE_A, ID, "integrity"))
    assert (at(story)[SAFE_A].fault, at(story)[FILE_A].fault) == (c.FAILED, None)


def test_a_copy_of_a_file_in_a_folder_rests_on_the_token_too() -> None:
    story = exported().stored(1, STICK_A, opened=False).tell(e.PlaceLost(SAFE_A))
    assert at(story)[STICK_A].fault == c.NEEDS_TOKEN


def test_a_file_exported_from_a_folder_needs_nothing_but_its_password() -> None:
    story = Story().stored(1, STICK_A).stored(1, FILE_A, opened=False)
    assert at(story)[FILE_A].rests_on == FILE_A
    story.tell(e.PlaceLost(STICK_A))
    assert (at(story)[FILE_A].usable, at(story)[STICK_A].fault) == (True, c.PLACE_LOST)


def test_another_token_is_no_help() -> None:
    story = exported().stored(2, SAFE_B).tell(e.PlaceLost(SAFE_A))
    assert at(story)[FILE_A].fault == c.NEEDS_TOKEN


def test_lost_comes_before_what_else_is_wrong_and_disputed_before_all() -> None:
    story = Story().stored(1, SAFE_A).tell(e.BackupFailed(SAFE_A, ID, "integrity"), e.PlaceLost(SAFE_A))
    assert at(story)[SAFE_A].fault == c.PLACE_LOST
    assert at(story.stored(1, SAFE_A, "Tablet"))[SAFE_A].fault == c.DISPUTED


def test_a_vault_without_backups_has_none() -> None:
    assert copies(Story(vault_seen(share(), ("Phone",))).view(), VAULT) == []


# --- files on a computer


def test_a_file_goes_with_its_computer_unless_it_is_kept_elsewhere() -> None:
    computer = e.Place(e.COMPUTER, DESK)
    story = Story().stored(1, FILE_A).tell(e.PlaceLost(computer))
    assert at(story)[FILE_A].fault == c.PLACE_LOST
    story.tell(e.PlaceReached(FILE_A, LAP, reaches=True))  # a disk that two computers share
    assert at(story)[FILE_A].fault is None
    story.tell(e.PlaceReached(FILE_A, LAP, reaches=False))
    story.tell(e.PlaceDescribed(FILE_A, None, None, None, "Ada's cloud", None))
    assert at(story)[FILE_A].fault is None
    assert at(Story().stored(1, FILE_A).tell(e.PlaceLost(computer), e.PlaceFound(computer)))[FILE_A].fault is None


def test_a_stick_does_not_go_with_a_computer() -> None:
    story = Story().stored(1, STICK_A).stored(2, SAFE_A).tell(e.PlaceLost(e.Place(e.COMPUTER, DESK)))
    assert [one.fault for one in at(story).values()] == [None, None]
