"""What is told of the devices with the live shares: which ones a party had, and what to record of them.

As in `record`, nothing that records raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.record import Say, keep

if TYPE_CHECKING:
    from coldshare.ledger.events import Body, Event
    from coldshare.ledger.store import Ledger

__all__ = ["Devices", "Had", "found", "had", "lost", "returned"]

#: The parties whose devices they are, each with its vault.
Devices: TypeAlias = Sequence[tuple[bytes, str]]


@dataclass(frozen=True, slots=True)
class Had:
    """A device that had the share of a party. The first one is called as the party is.

    `restored` when the share came onto it from a backup, None for the first; `lost` when it was last told to be lost,
    None while it is not. `share` is the restoration that tells which share it has. Of the first one that is a backup of
    it that was restored later, None while none was.
    """

    name: str
    restored: int | None
    lost: int | None
    share: e.DeviceRestored | None


def had(events: Iterable[Event], vault: bytes, party: str, current: bytes | None) -> list[Had]:
    """Every device that had the share of that party, the last one at the end; of two of one name the later one.

    `current` is the generation that counts. The first device had the share that was restored first, and which one that
    was follows from clocks; so where one of another generation was ever restored, it is taken to have that.
    """
    devices = [Had(party, None, None, None)]
    came: list[e.DeviceRestored] = []
    for event in sorted(events, key=lambda one: one.order):
        body, last = event.body, devices[-1]
        if not isinstance(body, e.DeviceLost | e.DeviceFound | e.DeviceRestored):
            continue
        if (body.vault, body.party) != (vault, party):
            continue
        if isinstance(body, e.DeviceRestored):
            came.append(body)
            devices.append(Had(body.device, event.time, None, body))
        else:
            devices[-1] = replace(last, lost=event.time if isinstance(body, e.DeviceLost) else None)
    if came:
        share = next((one for one in came if one.generation != current), came[0])
        devices[0] = replace(devices[0], share=share)
    return list({one.name: one for one in reversed(devices)}.values())[::-1]


def lost(say: Say, devices: Devices) -> None:
    """They are lost. Of one that is lost already nothing is told again."""
    keep(say, lambda ledger: [e.DeviceLost(*one) for one in devices if not _is_lost(ledger, *one)], begin=False)


def found(say: Say, devices: Devices) -> None:
    """They have been found. Only of one that is lost that tells anything."""

    def build(ledger: Ledger) -> list[Body]:
        return [e.DeviceFound(*one) for one in devices if _is_lost(ledger, *one)]

    keep(say, build, begin=False)


def returned(say: Say, devices: Sequence[e.DeviceRestored]) -> None:
    """A device that had the share before the last one has been found, and takes its place: what came onto it is told
    once more."""
    keep(say, lambda ledger: devices, begin=False)


def _is_lost(ledger: Ledger, vault: bytes, party: str) -> bool:
    return any(one.party == party and one.lost is not None for one in ledger.view().parties(vault))
