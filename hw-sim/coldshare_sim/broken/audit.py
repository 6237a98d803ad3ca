"""The audit ring."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_LABEL
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_sim.broken.making import FLAWS, Flaw, Job, around, flaw, operations, with_words


def _silent(event: int, words: str) -> Flaw:
    """That event is not entered."""

    def flaw(token: Any) -> None:
        def change(original: Any, updates: dict[int, Any], what: int, *rest: Any) -> None:
            if what == event:
                token._keys.change(updates or {F_LABEL: token._keys.record[F_LABEL]})
            else:
                original(updates, what, *rest)

        around(token._ops._audit, "change", change)

    return with_words(flaw, words)


FLAWS["audit-chain"] = _silent(wire.EVENT_SET_UP, "It does not enter that it was set up.")
FLAWS["audit-events"] = _silent(wire.EVENT_RELEASED, "It does not enter that a share was released.")
FLAWS["audit-wrong-pins"] = _silent(wire.EVENT_WRONG_PINS, "It does not enter wrong PINs.")


@flaw("audit-kept")
@operations(wire.OP_AUDIT)
def _audit_kept(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It gives the last 128 entries only."""
    reply = yield from job()
    oldest = reply[1] - 127
    if reply[3] < oldest:
        first, before, entries = token._ops._audit.read(oldest)
        return {**reply, 3: first, 4: before, 5: entries}
    return reply


FLAWS["audit-life"] = _silent(wire.EVENT_UNPAIRED, "It does not enter that a host was forgotten.")
FLAWS["audit-generations"] = _silent(wire.EVENT_UN_RETIRED, "It does not enter that a generation was taken back.")


@flaw("audit-unlock")
@operations(wire.OP_UNLOCK)
def _audit_unlock(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not say the head of its ring when it is unlocked."""
    reply = yield from job()
    return {**reply, 3: bytes(32)}


@flaw("audit-pages")
@operations(wire.OP_AUDIT)
def _audit_pages(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refuses to tell what comes after its last entry but one."""
    reply = yield from job()
    if values[0] > reply[1] + 1:
        raise OpError(wire.STATUS_NOT_FOUND)
    return reply


@flaw("audit-confirm")
@operations(wire.OP_CONFIRM)
def _audit_confirm(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not count the entry of the confirm that it answers."""
    reply = yield from job()
    return {**reply, 1: reply[1] - 1}
