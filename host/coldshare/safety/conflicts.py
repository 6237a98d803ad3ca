"""What a ledger tells that cannot all be true, in words, and what settles it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coldshare.ledger.queries import Backup, PlaceInfo, View
from coldshare.safety import commands
from coldshare.safety.elsewhere import do

__all__ = ["Conflict", "conflicts"]

_APART: Final = "two computers recorded it, and neither had the other's ledger."


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two things in the ledger that cannot both be true. `code` is stable, `words` are for a person."""

    code: str
    words: str


def conflicts(view: View) -> list[Conflict]:
    """In a fixed order."""
    places = view.places()
    out = [
        Conflict("backup_twice", f"Backup {one.hex()[:8]} was told to be two different shares.")
        for one in view.disputed()
    ]
    for vault in view.vaults():
        for generation in view.generations(vault.vault):
            named = f"Generation {generation.generation.hex()[:8]} of {vault.name!r}"
            if generation.disputed:
                words = f"{named} was told with different numbers of parties or signers."
                out.append(Conflict("generation_twice", words))
            if generation.generation in generation.newer_than:
                words = f"{named} was called both newer and older than another one."
                out.append(Conflict("generation_order", words))
    out += _unordered(view, places)
    for number, info in enumerate(places):
        for other in places[:number]:
            if info.called is not None and info.called == other.called and not (info.wiped or other.wiped):
                words = f"{info.place} and {other.place} are both called {info.called!r}."
                out.append(Conflict("place_twice", words))
    return out


def _unordered(view: View, places: list[PlaceInfo]) -> Iterator[Conflict]:
    known = {info.place: info for info in places}
    for about in view.unordered():
        if isinstance(about, PlaceInfo):
            yield Conflict(
                "place_unordered",
                f"Nothing tells whether {about.title} was lost before it was found, or after: {_APART} It counts as "
                f"lost. If it is there: coldshare place found {commands.named(about, places)}",
            )
        elif isinstance(about, Backup):
            info = known[about.place]
            again = do(view, about, info, "Verify it once more", commands.verify(about, info))
            yield Conflict(
                "backup_unordered",
                f"Nothing tells whether backup {about.backup_id.hex()[:8]} failed before it was good, or after: "
                f"{_APART} It counts as failed. {again}",
            )
        else:
            yield Conflict(
                "device_unordered",
                f"Nothing tells whether the device of {about} was lost before it was found or replaced, or after: "
                f"{_APART} It counts as lost. If it is there: {commands.found(about)}",
            )
