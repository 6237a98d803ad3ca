"""Times for a person. All are UTC, so that the same ledger reads the same wherever it is looked at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["ago", "date", "moment", "now", "when"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Microseconds since 1970; a clock that was wrong, and what is due after it, must not end in an error.
_LAST: Final = 253_402_300_799_999_999
_MONTH: Final = 365.25 / 12


def _moment(then: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(then, 0), _LAST))


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def moment(then: int | None) -> str | None:
    """To the second, for JSON: `2026-05-01 12:00:00`. `then` is in microseconds since 1970."""
    return None if then is None else _moment(then).strftime("%Y-%m-%d %H:%M:%S")


def date(then: int) -> str:
    """The day, `2026-05-01`. `then` is in microseconds since 1970."""
    return _moment(then).date().isoformat()


def ago(then: int, now: int) -> str:
    """How long before `now` that day is, or after it: `today`, `12 days ago`, `in 7 months`. Both in microseconds since
    1970."""
    days = (_moment(now).date() - _moment(then).date()).days
    if days == 0:
        return "today"
    if abs(days) == 1:
        return "yesterday" if days > 0 else "tomorrow"
    many = _many(abs(days))
    return f"{many} ago" if days > 0 else f"in {many}"


def when(then: int, now: int) -> str:
    """Both: `12 days ago (2026-05-01)`."""
    return f"{ago(then, now)} ({date(then)})"


def _many(days: int) -> str:
    if days < 60:
        return f"{days} days"
    months = round(days / _MONTH)
    if months < 24:
        return f"{months} months"
    return f"{round(days / 365.25)} years"
