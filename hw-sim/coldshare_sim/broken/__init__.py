"""Tokens with one rule of the contract broken on purpose, to test what tests tokens.

Each flaw is named like the row of the conformance kit that must fail, and alone fail, because of it. It is put into
the running firmware at every power-up; the firmware itself knows nothing of it. The model and the screens of such a
token say BROKEN, so that none is taken for a good one.
"""

from __future__ import annotations

import inspect
from typing import Any

from coldshare_sim.broken import audit, backup, bulk, channel, clear, frames, generations, manage, pin, requests
from coldshare_sim.broken.making import FLAWS, around
from coldshare_sim.errors import SimulatorError

MODEL = "coldshare-sim BROKEN"
_SECTIONS = (frames, bulk, clear, requests, channel, pin, backup, generations, manage, audit)


class UnknownFlawError(SimulatorError):
    """There is no such rule that a software token could break."""

    code = "unknown_flaw"
    exit_status = 2
    next_step = "See which there are: coldshare-sim flaws"


def names() -> list[str]:
    """All flaws, by the parts of the contract."""
    return sorted(FLAWS)


def check(name: str) -> str:
    """`name`, if it is a flaw. Raises UnknownFlawError."""
    if name not in FLAWS:
        raise UnknownFlawError(f"There is no rule {name!r} that a software token could break.")
    return name


def sentence(name: str) -> str:
    """What such a token does wrong. Raises UnknownFlawError."""
    return (inspect.getdoc(FLAWS[check(name)]) or "").splitlines()[0]


def break_rule(token: Any, name: str) -> None:
    """Put the flaw into a `coldshare_firmware.token.Token` that has just been powered up. Raises UnknownFlawError."""
    check(name)
    token._hal.model = MODEL
    around(token, "_put", lambda original, lines: original([*lines, f"BROKEN: {name}"]))
    token._idle()
    FLAWS[name](token)


__all__ = ["FLAWS", "MODEL", "UnknownFlawError", "break_rule", "check", "names", "sentence"]
