"""All rows, in the order in which they are run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from coldshare.conformance import rows as modules
from coldshare.conformance.presses import PRESSES, TIRING
from coldshare.conformance.rules import ANY, NEW, PAIRED, READY, ROWS, Row

#: Anchors of firmware_iface/README.md, as they come there.
SECTIONS = (
    "frames",
    "channel-ids",
    "bulk",
    "rules-for-the-receiver",
    "while-a-request-is-under-way",
    "channel",
    "cipher-a128cbc-hs256-behind-a-counter",
    "pairing",
    "session",
    "cbor",
    "messages",
    "versions-and-capabilities",
    "transfer",
    "pin",
    "burnt",
    "wipe",
    "what-a-token-decides",
    "generations",
    "audit-ring",
    "screens",
    "limits",
    "vectors",
)
_STATES = (ANY, NEW, PAIRED, READY)
#: Presses that it takes to bring a token into a state: wipe, pair, set up.
_MAKE: dict[str, int] = {ANY: 0, NEW: 1, PAIRED: 2, READY: 3}


def catalogue() -> list[Row]:
    """Section by section; in each one first what leaves the token as it was, so that it is rarely made anew."""
    for found in pkgutil.iter_modules(modules.__path__):
        importlib.import_module(f"{modules.__name__}.{found.name}")
    return sorted(ROWS.values(), key=lambda row: (SECTIONS.index(row.section), _STATES.index(row.needs), row.spoils))


def presses(rows: Iterable[Row]) -> int:
    """About how many times somebody has to press if the token cannot be put back to an earlier state."""
    total, pristine = 0, ""
    for row in rows:
        if PRESSES.get(row.name, 0) > TIRING:
            continue
        if row.needs not in (ANY, pristine):
            total += _MAKE[row.needs]
            pristine = row.needs
        total += PRESSES.get(row.name, 0)
        if row.spoils:
            pristine = ""
    return total
