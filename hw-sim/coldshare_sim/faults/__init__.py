"""Everything that can go wrong between a host and a software token: bad cables, pulled plugs, cut power.

`parse` reads the words for it (docs/simulator.md), `FaultyToken` is a software token to which it happens.
"""

from coldshare_sim.faults.cable import FaultyToken, Passed, UnpluggedError
from coldshare_sim.faults.spec import DIRECTIONS, KINDS, TO_HOST, TO_TOKEN, Fault, FaultSpecError, parse

__all__ = [
    "DIRECTIONS",
    "KINDS",
    "TO_HOST",
    "TO_TOKEN",
    "Fault",
    "FaultSpecError",
    "FaultyToken",
    "Passed",
    "UnpluggedError",
    "parse",
]
