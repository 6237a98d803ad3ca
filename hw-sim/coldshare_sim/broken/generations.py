"""What may stand beside what."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_RETIRED, S_STATE
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_sim.broken.making import (
    FLAWS,
    Job,
    around,
    flaw,
    instead_of,
    no_is_hold,
    operations,
    press_is_hold,
    slot_state,
)

FLAWS["generation-retire"] = no_is_hold("RETIRE old share?", "It retires a generation although NO was pressed.")
FLAWS["generation-retire-held"] = press_is_hold("RETIRE old share?", "It retires after a short press.")
FLAWS["generation-un-retire-held"] = press_is_hold("Take OLD share back?", "It takes back after a short press.")
FLAWS["generation-destroy-held"] = press_is_hold("DESTROY old share?", "It destroys after a short press.")
FLAWS["policy-party"] = instead_of(
    wire.OP_RESERVE, wire.STATUS_OTHER_PARTY, wire.STATUS_OTHER_GENERATION, "It calls another party another generation."
)
FLAWS["generation-stale"] = instead_of(
    wire.OP_RESERVE, wire.STATUS_RETIRED, wire.STATUS_OTHER_GENERATION, "It does not say that a share is stale."
)
FLAWS["generation-un-retire"] = instead_of(
    wire.OP_UN_RETIRE, wire.STATUS_NOT_FOUND, {}, "It takes back what was not retired."
)
FLAWS["generation-destroy"] = instead_of(
    wire.OP_DESTROY, wire.STATUS_BAD_STATE, {}, "It says that it has destroyed what is not retired."
)
FLAWS["generation-retire-verified"] = instead_of(
    wire.OP_RETIRE,
    wire.STATUS_BAD_STATE,
    {},
    "It retires for a newer share that was not read back.",
    lambda token, values: slot_state(token, values[0]) == wire.BACKUP_PENDING,
)
FLAWS["generation-retire-itself"] = instead_of(
    wire.OP_RETIRE,
    wire.STATUS_BAD_STATE,
    {},
    "It retires the generation of the share that retires it.",
    lambda token, values: slot_state(token, values[0]) == wire.BACKUP_ACTIVE,
)


@flaw("policy-generation")
def _generation(token: Any) -> None:
    """It takes every other generation for a newer one."""

    def run(original: Any, op: int, values: list[Any]) -> Any:
        return original(wire.OP_RESERVE_NEXT if op == wire.OP_RESERVE else op, values)

    around(token._ops, "run", run)


@flaw("generation-remove-active")
@operations(wire.OP_REMOVE)
def _remove_active(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It forgets that the generation it removes is older than the one behind it."""
    reply = yield from job()
    token._keys.change({F_RETIRED: []})
    return reply


@flaw("generation-same-refresh")
@operations(wire.OP_RESERVE)
def _same_refresh(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refreshes the old generation while a newer one waits."""
    try:
        return (yield from job())
    except OpError as error:
        waits = any(slot[S_STATE] == wire.BACKUP_NEXT for slot in token._keys.slots)
        if error.status != wire.STATUS_OTHER_GENERATION or not waits:
            raise
        return {1: bytes(16), 2: bytes(32)}


@flaw("generation-first")
@operations(wire.OP_RESERVE_NEXT)
def _first(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It takes nothing for newer where there is nothing."""
    if not token._keys.slots:
        raise OpError(wire.STATUS_BAD_STATE)
    return (yield from job())


@flaw("generation-third")
@operations(wire.OP_RESERVE_NEXT)
def _third(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It takes no third generation while one waits."""
    if any(slot[S_STATE] == wire.BACKUP_NEXT for slot in token._keys.slots):
        raise OpError(wire.STATUS_OTHER_GENERATION)
    return (yield from job())


@flaw("generation-retire-again")
@operations(wire.OP_RETIRE)
def _retire_again(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refuses to retire what is retired already."""
    if [slot[S_STATE] for slot in token._keys.slots].count(wire.BACKUP_RETIRED):
        raise OpError(wire.STATUS_BAD_STATE)
    return (yield from job())


@flaw("generation-un-retire-absent")
@operations(wire.OP_UN_RETIRE)
def _un_retire_absent(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It finds a retired generation only where a backup of it is."""
    if len(token._keys.slots) == 1:
        raise OpError(wire.STATUS_NOT_FOUND)
    return (yield from job())
