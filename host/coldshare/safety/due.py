"""When a backup should be looked at again: half a year after it was last proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from coldshare.ledger.queries import Backup
from coldshare.safety.carriers import Copy

__all__ = ["HALF_YEAR", "Reminder", "drill_due", "reminders", "verify_due"]

#: 182 days, in microseconds.
HALF_YEAR: Final = 182 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Reminder:
    """`what` should be done with that backup since `due`, microseconds since 1970; `last` is when it was done last."""

    what: Literal["verify", "drill"]
    backup: Backup
    last: int | None
    due: int


def verify_due(backup: Backup) -> int:
    """When its seal should be opened again. At once, if nobody ever has; 0 where nothing tells when that was."""
    if backup.opened is None:
        return backup.stored or backup.read_back or 0
    return backup.opened + HALF_YEAR


def drill_due(backup: Backup) -> int:
    """When it should be rehearsed. The first time is half a year after it was made or came to be known."""
    known = backup.drilled or backup.stored or backup.opened or backup.read_back
    return 0 if known is None else known + HALF_YEAR


def reminders(found: Iterable[Copy], now: int) -> list[Reminder]:
    """What is overdue for those that would open. A drill proves what `verify` does, so it is asked for alone."""
    out = []
    for one in found:
        if one.fault is not None:
            continue
        backup = one.backup
        if drill_due(backup) <= now:
            out.append(Reminder("drill", backup, backup.drilled, drill_due(backup)))
        elif verify_due(backup) <= now:
            out.append(Reminder("verify", backup, backup.opened, verify_due(backup)))
    return sorted(out, key=lambda one: (one.due, one.backup.party or "", one.backup.backup_id))
