"""What can be said of a software token from its file alone, without a PIN and without changing a byte."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_FAILS, F_PAIRINGS, F_SERIAL, RESERVED, S_STATE, Keys
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.flash import Chip, read_image
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal

_STATES = {wire.TOKEN_NEW: "new", wire.TOKEN_READY: "ready", wire.TOKEN_BURNT: "burnt"}


@dataclass(frozen=True, slots=True)
class Facts:
    """`state` is new, ready, burnt, or keys_lost when there are sealed shares and no readable keys."""

    state: str
    serial: str | None
    attempts_left: int
    pairings: int
    backups: int
    free: int


def look(path: Path) -> Facts:
    """Raises the classes of `coldshare_sim.errors`."""
    # On a copy: powering a token up finishes what a power cut interrupted, and looking should not.
    return look_at(Chip(read_image(path)), f"The software token at {path}")


def look_at(chip: Chip, what: str = "This software token") -> Facts:
    """The same for a chip that nothing else uses. `what` begins the sentence about one that is damaged."""
    hal = SimHal(chip, AbsentPerson(), VirtualClock(), os.urandom)
    try:
        keys = Keys(hal)
        store = Store(hal, keys)
        blobs = len(hal.files.listdir("/b"))
        free = hal.files.free()
        if keys.fresh:
            return Facts("keys_lost" if store.has_blobs() else "new", None, wire.PIN_ATTEMPTS, 0, blobs, free)
    except (StorageError, OSError) as error:
        raise DamagedTokenError(f"{what} is damaged: {error}.") from error
    burnt = keys.state == wire.TOKEN_BURNT
    kept = [slot for slot in keys.slots if slot[S_STATE] != RESERVED]
    return Facts(
        state=_STATES.get(keys.state, "unknown"),
        serial=keys.record[F_SERIAL].hex(),
        attempts_left=wire.PIN_ATTEMPTS - keys.record[F_FAILS],
        pairings=len(keys.record[F_PAIRINGS]),
        backups=blobs if burnt else len(kept),
        free=free,
    )
