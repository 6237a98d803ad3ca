"""The PIN."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_FAILS
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_sim.broken.making import FLAWS, Job, around, flaw, instead_of, no_is_yes, operations, press_is_hold

FLAWS["pin-button"] = no_is_yes("Try another PIN?", "It tries a PIN although NO was pressed.")
FLAWS["pin-set-up"] = no_is_yes("Set up this token?", "It is set up although NO was pressed.")
FLAWS["pin-change"] = no_is_yes("Change the PIN?", "It changes its PIN although NO was pressed.")
FLAWS["pin-burnt-copies"] = press_is_hold("to copy sealed shares", "Burnt, it pairs after a short press.")


@flaw("pin-format")
@operations(wire.OP_UNLOCK)
def _pin_format(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """What is no PIN costs an attempt."""
    try:
        return (yield from job())
    except OpError as error:
        if error.status == wire.STATUS_PIN_FORMAT and token._keys.record[F_FAILS] == 0:
            token._keys.change({F_FAILS: 1})
        raise


@flaw("pin-counts")
@operations(wire.OP_UNLOCK)
def _pin_counts(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A wrong PIN does not lock what was unlocked."""
    unlocked = token._ops._unlocked
    try:
        return (yield from job())
    finally:
        token._ops._unlocked = token._ops._unlocked or unlocked


@flaw("pin-resets")
@operations(wire.OP_UNLOCK)
def _pin_resets(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """The right PIN does not give the attempts back."""
    fails = token._keys.record[F_FAILS]
    reply = yield from job()
    if fails:
        token._keys.change({F_FAILS: fails})
    return reply


@flaw("pin-three")
@operations(wire.OP_UNLOCK)
def _pin_three(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It takes as many PINs as it gets without being unplugged."""
    token._ops._gate._wrong_since_power_up = 0
    return (yield from job())


@flaw("pin-back-off")
@operations(wire.OP_UNLOCK)
def _pin_back_off(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not wait between PINs."""
    token._ops._gate._back_off_from = -1_000_000
    return (yield from job())


FLAWS["pin-burnt"] = instead_of(
    wire.OP_UNLOCK,
    wire.STATUS_BURNT,
    wire.STATUS_PIN_WRONG,
    "It does not say that the last PIN has burnt it.",
    lambda token, values: token._ops._gate._wrong_since_power_up,
)
FLAWS["pin-not-set-up"] = instead_of(
    wire.OP_UNLOCK, wire.STATUS_NOT_SET_UP, {1: ""}, "It says that it is unlocked before it has a PIN."
)


@flaw("pin-locked")
def _pin_locked(token: Any) -> None:
    """It stays unlocked for the next session."""

    def new_session(original: Any, *args: Any) -> None:
        unlocked = token._ops._unlocked
        original(*args)
        token._ops._unlocked = unlocked

    around(token._ops, "new_session", new_session)


FLAWS["pin-change-format"] = instead_of(
    wire.OP_CHANGE_PIN,
    wire.STATUS_PIN_FORMAT,
    wire.STATUS_BAD_REQUEST,
    "It calls a bad new PIN a bad request.",
)
