"""Which reshares of a vault are under way, by what a ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldshare.ledger.queries import Reshare, View

__all__ = ["under_way"]


def under_way(view: View, vault: bytes) -> list[Reshare]:
    """Those that are neither finished nor given up, oldest first. Where two computers have begun the same one, that it
    was finished on one of them counts for both."""
    found = view.reshares(vault)
    current = view.current(vault)
    counts = None if current is None else current.generation
    # Where what was finished was given up again, the next attempt leaves the same generation.
    done = {one.older for one in found if one.finished is not None} - {counts}
    return [one for one in found if one.open and one.older not in done]
