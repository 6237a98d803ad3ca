"""Life with a token."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_PAIRINGS, F_SERIAL, F_SLOTS, S_ID, S_VAULT
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_sim.broken.making import FLAWS, Job, around, flaw, no_is_hold, no_is_yes, operations, press_is_hold

FLAWS["manage-label"] = no_is_yes("New label?", "It changes its label although NO was pressed.")
FLAWS["manage-remove-held"] = press_is_hold("DESTROY this share?", "It removes after a short press.")
FLAWS["wipe-held"] = press_is_hold("WIPE this token?", "It is wiped after a short press.")


@flaw("manage-pairings")
@operations(wire.OP_PAIRINGS)
def _pairings(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not know the names of its hosts."""
    reply = yield from job()
    for entry in reply[1]:
        entry[2] = "?"
    return reply


@flaw("manage-unpair")
@operations(wire.OP_UNPAIR)
def _unpair(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It says to a host that it has forgotten it, and has not."""
    if values == [token._psk_id, wire.UNPAIR_ONE]:
        return {}
    return (yield from job())


@flaw("manage-remove")
@operations(wire.OP_REMOVE)
def _remove(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It removes the backups of other vaults too."""
    vaults = [slot[S_VAULT] for slot in token._keys.slots if slot[S_ID] == values[0]]
    reply = yield from job()
    token._keys.change({F_SLOTS: [slot for slot in token._keys.slots if slot[S_VAULT] in vaults]})
    return reply


@flaw("wipe-all")
def _wipe_all(token: Any) -> None:
    """A wiped token keeps its serial."""

    def found(original: Any) -> None:
        serial = token._keys.record[F_SERIAL]
        original()
        token._keys.change({F_SERIAL: serial})

    around(token._keys, "found", found)


FLAWS["wipe-no"] = no_is_hold("WIPE this token?", "It is wiped although NO was pressed.")


@flaw("manage-unpair-others")
@operations(wire.OP_UNPAIR)
def _unpair_others(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It complains when there is no other host to forget."""
    if values[1] == wire.UNPAIR_OTHERS and len(token._keys.record[F_PAIRINGS]) == 1:
        raise OpError(wire.STATUS_NOT_FOUND)
    return (yield from job())
