"""When a backup should be looked at again."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.safety.carriers import copies
from coldshare.safety.due import HALF_YEAR, Reminder, drill_due, reminders, verify_due
from safety.story import SAFE_A, SAFE_B, STICK_A, VAULT, Story, backup_id, share

ID = backup_id(1)
DAY = 86_400 * 1_000_000


def due(story: Story, now: int) -> list[Reminder]:
    return reminders(copies(story.view(), VAULT), now)


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
    drill = drill_due(story.backup(1, SAFE_A))
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
    assert verify_due(story.backup(1, SAFE_A)) == drill_due(story.backup(1, SAFE_A)) == story.now + HALF_YEAR
    assert due(story, story.now + HALF_YEAR - 1) == []


def test_of_what_nothing_is_known_everything_is_due() -> None:
    story = Story().tell(e.BackupState(SAFE_A, ID, share(), 1000, e.ACTIVE))
    assert verify_due(story.backup(1, SAFE_A)) == drill_due(story.backup(1, SAFE_A)) == 0
    assert [(one.what, one.last, one.due) for one in due(story, 0)] == [("drill", None, 0)]


def test_a_drill_that_failed_proves_nothing() -> None:
    story = Story().stored(1, SAFE_A)
    before = drill_due(story.backup(1, SAFE_A))
    story.now += DAY
    story.tell(drilled(good=False))
    assert drill_due(story.backup(1, SAFE_A)) == before
    assert due(story, before) == []  # it is no reminder that it needs: it is wrong
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=False))
    assert due(story, before) == []  # to read the same bytes again does not mend it
    story.tell(e.BackupVerified(SAFE_A, ID, share(), 1000, e.ACTIVE, None, opened=True))
    assert [one.what for one in due(story, before)] == ["drill"]


def test_restored_from_is_as_good_as_opened() -> None:
    story = Story().stored(1, SAFE_A, opened=False).tell(e.BackupRestored(SAFE_A, ID, share(), 1000))
    assert verify_due(story.backup(1, SAFE_A)) == story.now + HALF_YEAR


def test_a_clock_that_was_turned_back_makes_nothing_due_that_is_not() -> None:
    story = Story().stored(1, SAFE_A)
    assert due(story, 0) == due(story, story.now - 1) == []


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
