"""What is told of the devices with the live shares. As in `record`, nothing here raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.record import Say, keep

if TYPE_CHECKING:
    from coldshare.ledger.events import Body
    from coldshare.ledger.store import Ledger

__all__ = ["Devices", "found", "lost"]

#: The parties whose devices they are, each with its vault.
Devices: TypeAlias = Sequence[tuple[bytes, str]]


def lost(say: Say, devices: Devices) -> None:
    """They are lost. Of one that is lost already nothing is told again."""
    keep(say, lambda ledger: [e.DeviceLost(*one) for one in devices if not _is_lost(ledger, *one)], begin=False)


def found(say: Say, devices: Devices) -> None:
    """They have been found. Only of one that is lost that tells anything."""

    def build(ledger: Ledger) -> list[Body]:
        return [e.DeviceFound(*one) for one in devices if _is_lost(ledger, *one)]

    keep(say, build, begin=False)


def _is_lost(ledger: Ledger, vault: bytes, party: str) -> bool:
    return any(one.party == party and one.lost is not None for one in ledger.view().parties(vault))
