"""When a backup should be looked at again."""

from __future__ import annotations

import pytest

from coldshare.ledger import events as e
from coldshare.safety import due as safety_due
from coldshare.safety.carriers import copies
from coldshare.safety.due import HALF_YEAR, Reminder, latest, reminders, to_come
from safety.story import SAFE_A, SAFE_B, STICK_A, VAULT, Story, backup_id, share

ID = backup_id(1)
DAY = 86_400 * 1_000_000


def due(story: Story, now: int) -> list[Reminder]:
    return reminders(copies(story.view(), VAULT), now)


def verify_due(story: Story) -> int:
    return safety_due.verify_due(story.backup(1, SAFE_A), story.now)


def drill_due(story: Story) -> int:
    return safety_due.drill_due(story.backup(1, SAFE_A), story.now)


def drilled(*, good: bool = True) -> e.DrillResult:
    return e.DrillResult(SAFE_A, ID, share(), good, None, None, bytes(32))


def test_half_a_year() -> None:
    assert HALF_YEAR == 182 * DAY


def test_never_opened_is_due_at_once() -> None:
    story = Story().stored(1, SAFE_A, opened=False)
    (one,) = due(story, story.now)
    assert (one.what, one.last, one.due) == ("verify", None, story.now)


def test_to_read_it_back_whole_does_not_open_it() -> None:
    story = Story().stored(1, SAFE_A, opened=False)
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=False))
    assert [one.what for one in due(story, story.now)] == ["verify"]


def test_half_a_year_to_the_microsecond_after_it_was_opened() -> None:
    story = Story().stored(1, SAFE_A)  # stored, and opened a second later
    opened = story.now
    drill = drill_due(story)
    assert drill == opened - 1_000_000 + HALF_YEAR
    assert due(story, drill - 1) == []
    assert [(one.what, one.due, one.last) for one in due(story, drill)] == [("drill", drill, None)]
    # Drilled since: then it is proved as well, and both begin anew.
    story.now += HALF_YEAR
    story.tell(drilled())
    again = story.now + HALF_YEAR
    assert due(story, again - 1) == []
    assert [(one.what, one.due, one.last) for one in due(story, again)] == [("drill", again, story.now)]


def test_verified_later_than_drilled_asks_for_the_drill() -> None:
    story = Story().stored(1, SAFE_A).tell(drilled())
    drill = story.now + HALF_YEAR
    story.now += 100 * DAY
    story.stored(1, SAFE_A)
    assert due(story, drill - 1) == []
    assert [one.what for one in due(story, drill)] == ["drill"]


def test_verified_long_ago_and_drilled_never_but_new() -> None:
    """Found on a token that was rescanned: nobody knows since when it is there."""
    story = Story().tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True))
    assert verify_due(story) == drill_due(story) == story.now + HALF_YEAR
    assert due(story, story.now + HALF_YEAR - 1) == []


def test_of_what_nothing_is_known_everything_is_due() -> None:
    story = Story().tell(e.BackupState(SAFE_A, ID, share(), 1000, e.ACTIVE))
    assert verify_due(story) == drill_due(story) == 0
    assert [(one.what, one.last, one.due) for one in due(story, 0)] == [("drill", None, 0)]


def test_a_drill_that_failed_proves_nothing() -> None:
    story = Story().stored(1, SAFE_A)
    before = drill_due(story)
    story.now += DAY
    story.tell(drilled(good=False))
    assert drill_due(story) == before
    assert due(story, before) == []  # it is no reminder that it needs: it is wrong
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=False))
    assert due(story, before) == []  # to read the same bytes again does not mend it
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True))
    assert [one.what for one in due(story, before)] == ["drill"]


def test_restored_from_is_as_good_as_opened() -> None:
    story = Story().stored(1, SAFE_A, opened=False).tell(e.BackupRestored(SAFE_A, ID, share(), 1000))
    assert verify_due(story) == story.now + HALF_YEAR


def test_a_clock_that_was_turned_back_a_little_makes_nothing_due_that_is_not() -> None:
    story = Story().stored(1, SAFE_A)
    assert due(story, story.now - DAY) == due(story, story.now - 1) == []
    assert [one.believable for one in due(story, story.now - DAY - 1)] == [False]


# --- a clock that was far ahead


def ahead(body: e.Body, by: int) -> Story:
    """A backup that was proved half an hour ago, and once more by a clock that was ahead."""
    story = Story().stored(1, SAFE_A)
    told = story.now + 1800 * 1_000_000
    story.now = told + by
    story.tell(body)
    story.now = told
    return story


def opened() -> e.BackupVerified:
    return e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True)


@pytest.mark.parametrize("years", [1, 10, 7000])
def test_a_date_that_is_still_to_come_counts_for_nothing(years: int) -> None:
    story = ahead(opened(), 365 * years * DAY)
    (one,) = due(story, story.now)
    assert (one.what, one.due, one.believable) == ("verify", 0, False)
    assert one.last is not None
    assert one.last > story.now
    (later,) = due(story, story.now + 2 * HALF_YEAR) if years > 1 else (one,)
    assert later.believable is False or later.what == "drill"
    # Done once more by a right clock, all is well.
    assert due(story.tell(opened()), story.now) == []


def test_a_clock_that_is_an_hour_ahead_is_believed() -> None:
    story = ahead(opened(), 3600 * 1_000_000)
    assert due(story, story.now) == []


def test_a_drill_that_is_still_to_come() -> None:
    story = ahead(drilled(), 3650 * DAY)
    (one,) = due(story, story.now)
    assert (one.what, one.due, one.believable) == ("drill", 0, False)
    # To verify it is no drill.
    assert [one.what for one in due(story.tell(opened()), story.now)] == ["drill"]
    assert due(story.tell(drilled()), story.now) == []


def test_what_was_stored_by_a_clock_far_ahead_is_due_for_what_it_lacks() -> None:
    story = Story()
    story.now += 3650 * DAY
    story.stored(1, SAFE_A, opened=False)
    story.now -= 3650 * DAY
    assert [(one.what, one.last) for one in due(story, story.now)] == [("drill", None)]
    # When it is verified by a right clock, it is known since then.
    assert due(story.tell(opened()), story.now) == []


def test_of_several_dates_the_last_that_can_be_believed() -> None:
    assert latest([], 0) is None
    assert latest([None, 5, 3 * DAY, 7], 10) == 7
    assert latest([3 * DAY, None, 4 * DAY], 10) == 4 * DAY
    assert not to_come(DAY + 10, 10)
    assert to_come(DAY + 11, 10)
    assert not to_come(None, 10)


def test_status_says_it_and_another_copy_still_counts() -> None:
    story = Story().seen().all_backed_up()
    before = story.now
    story.now += 3650 * DAY
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True))
    story.stored(9, STICK_A)
    story.now = before
    standing = story.standing()
    assert (standing.verdict, standing.exit_status) == ("safe", 8)
    (told,) = (one for one in standing.findings if one.code == "to_come")
    assert told.words == (
        "A clock was wrong, or this computer's is: 00000000 at token:0101010101010101 (verified 2033-11-11), 00000000 "
        "at folder:01010101010101010101010101010101 (verified 2033-11-11). These dates are still to come, so nobody "
        "knows when it was, and they count for nothing."
    )
    assert "coldshare verify --backup 00000000" in told.next_step
    assert {one.place for one in told.backups} == {SAFE_A, STICK_A}
    assert {one.backup.place for one in standing.reminders} == {SAFE_A, STICK_A}
    phone = next(one for one in standing.parties if one.party == "Phone")
    assert to_come(phone.verified, story.now)
    story.stored(10, SAFE_A)
    phone = next(one for one in story.standing().parties if one.party == "Phone")
    assert phone.verified == story.now, "the one that can be believed is told"


def test_what_would_not_open_is_not_to_be_rehearsed() -> None:
    story = Story().stored(1, SAFE_A).stored(2, STICK_A).tell(e.PlaceLost(SAFE_A))
    assert [one.backup.place for one in due(story, story.now + 2 * HALF_YEAR)] == [STICK_A]


def test_the_one_that_is_longest_overdue_comes_first() -> None:
    story = Story().stored(1, SAFE_A)
    story.now += DAY
    story.stored(2, SAFE_B)
    story.tell(e.BackupState(STICK_A, backup_id(3), share(), 1000, e.ACTIVE))
    found = due(story, story.now + HALF_YEAR)
    assert [one.backup.place for one in found] == [STICK_A, SAFE_A, SAFE_B]
    assert [one.due for one in found] == sorted(one.due for one in found)
