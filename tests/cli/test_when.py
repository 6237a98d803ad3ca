"""Times for a person."""

from __future__ import annotations

import pytest

from coldshare.cli.when import ago, date, moment, when
from coldshare.ledger.events import TIME_MAX
from coldshare.safety.due import HALF_YEAR

DAY = 86_400 * 1_000_000
#: 2023-11-14 22:13:20 UTC.
NOW = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "today"),
        (1, "yesterday"),
        (-1, "tomorrow"),
        (2, "2 days ago"),
        (59, "59 days ago"),
        (60, "2 months ago"),
        (182, "6 months ago"),
        (213, "7 months ago"),
        (365, "12 months ago"),
        (715, "23 months ago"),
        (731, "2 years ago"),
        (3650, "10 years ago"),
        (-12, "in 12 days"),
        (-182, "in 6 months"),
    ],
)
def test_days_in_words(days: int, words: str) -> None:
    assert ago(NOW - days * DAY, NOW) == words


def test_a_day_ends_at_midnight_utc() -> None:
    midnight = NOW - NOW % DAY
    assert ago(midnight, midnight + DAY - 1) == "today"
    assert ago(midnight - 1, midnight) == "yesterday"
    assert (date(midnight - 1), date(midnight)) == ("2023-11-13", "2023-11-14")


def test_a_clock_that_was_wrong_is_no_error() -> None:
    assert date(0) == "1970-01-01"
    assert date(TIME_MAX + HALF_YEAR) == "9999-12-31"
    assert ago(TIME_MAX, NOW) == "in 7976 years"


def test_a_moment_has_seconds_and_no_fraction() -> None:
    assert moment(NOW + 999_999) == "2023-11-14 22:13:20"
    assert moment(None) is None


def test_both() -> None:
    assert when(NOW - 12 * DAY, NOW) == "12 days ago (2023-11-02)"
