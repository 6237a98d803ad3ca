"""When a backup should be looked at again: half a year after it was last proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from coldshare.ledger.events import TIME_MAX
from coldshare.ledger.queries import Backup
from coldshare.safety.carriers import Copy

__all__ = ["HALF_YEAR", "Reminder", "day", "drill_due", "latest", "reminders", "to_come", "verify_due"]

_DAY: Final = 86_400 * 1_000_000
#: 182 days, in microseconds.
HALF_YEAR: Final = 182 * _DAY


@dataclass(frozen=True, slots=True)
class Reminder:
    """`what` should be done with that backup since `due`, microseconds since 1970; `last` is when it was done last, as
    it was written down. `believable` is False where that date is still to come."""

    what: Literal["verify", "drill"]
    backup: Backup
    last: int | None
    due: int
    believable: bool


def day(at: int) -> str:
    """That date, in UTC: `2026-05-01`."""
    return datetime.fromtimestamp(min(at, TIME_MAX) // 1_000_000, UTC).date().isoformat()


def to_come(at: int | None, now: int) -> bool:
    """Whether that date is so far ahead, more than a day, that a clock was wrong when it was written down. Nobody knows
    then when it was, so it counts for nothing."""
    return at is not None and at > now + _DAY


def latest(dates: Iterable[int | None], now: int) -> int | None:
    """The last of them that can be believed; one that cannot only where there is no other."""
    return max((one for one in dates if one is not None), key=lambda one: (not to_come(one, now), one), default=None)


def verify_due(backup: Backup, now: int) -> int:
    """When its seal should be opened again. At once, if nobody ever has; 0 where nothing tells when that was."""
    if backup.opened is None:
        return _first((backup.stored, backup.read_back), now) or 0
    return 0 if to_come(backup.opened, now) else backup.opened + HALF_YEAR


def drill_due(backup: Backup, now: int) -> int:
    """When it should be rehearsed. The first time is half a year after it was made or came to be known; 0 where nothing
    tells when that was."""
    never = backup.drilled is None
    known = _first((backup.stored, backup.opened, backup.read_back) if never else (backup.drilled,), now)
    return 0 if known is None else known + HALF_YEAR


def _first(dates: Iterable[int | None], now: int) -> int | None:
    return next((one for one in dates if one is not None and not to_come(one, now)), None)


def reminders(found: Iterable[Copy], now: int) -> list[Reminder]:
    """What is overdue for those that would open. A drill proves what `verify` does, so it is asked for alone."""
    out = []
    for one in found:
        if one.fault is not None:
            continue
        backup = one.backup
        drill, verify = drill_due(backup, now), verify_due(backup, now)
        # To open it once more is less work than a drill, and tells the right date again.
        first = backup.drilled is None and to_come(backup.opened, now)
        if drill <= now and not first:
            out.append(Reminder("drill", backup, backup.drilled, drill, not to_come(backup.drilled, now)))
        elif verify <= now:
            out.append(Reminder("verify", backup, backup.opened, verify, not to_come(backup.opened, now)))
    return sorted(out, key=lambda one: (one.due, one.backup.party or "", one.backup.backup_id))
