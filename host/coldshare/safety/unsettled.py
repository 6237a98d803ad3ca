"""A reshare that has made new shares, of which not every party has reported yet."""

from __future__ import annotations

from dataclasses import dataclass

from coldshare.ledger.queries import Reshare, View
from coldshare.reshare.progress import progress
from coldshare.safety.resharing import under_way

__all__ = ["Unsettled", "unsettled"]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Nothing tells yet which shares are on the devices, those from before `plan` or those of `generation`: the app may
    have come to its end, or have failed. `reported` are the parties of which it is known, `awaited` the others that
    have a name."""

    plan: Reshare
    generation: bytes
    reported: tuple[str, ...]
    awaited: tuple[str, ...]

    @property
    def words(self) -> str:
        return (
            f"A reshare of this vault is under way, away from generation {self.plan.older.hex()[:8]}, and not every "
            f"party has reported its new share, of {self.generation.hex()[:8]}. Nobody knows yet which of the two the "
            "other devices have, and shares of two generations never sign together."
        )


def unsettled(view: View, vault: bytes) -> Unsettled | None:
    """None while there are only shares from before the reshare, and when every party has reported."""
    current = view.current(vault)
    if current is None:
        return None
    for plan in reversed(under_way(view, vault)):
        now = progress(view, plan) if plan.older in current.newer_than else None
        if now is not None and not now.ready:
            told = {one.party for one in now.parties if one.state in ("reported", "server")}
            names = [one.party for one in now.parties] or [one.party for one in current.members]
            return Unsettled(
                plan,
                current.generation,
                tuple(one for one in names if one in told),
                tuple(one for one in names if one not in told),
            )
    return None
