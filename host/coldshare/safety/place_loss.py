"""What it means that a place is lost, or found again: whose shares are left without a backup."""

from __future__ import annotations

from dataclasses import dataclass

from coldshare.ledger.events import Place
from coldshare.ledger.queries import Party, Vault, View
from coldshare.safety.carriers import Copy, copies
from coldshare.safety.devices import Device, device

__all__ = ["Touched", "touched"]


@dataclass(frozen=True, slots=True)
class Touched:
    """A share of which a backup rests on the place.

    `others` are its backups that would open without the place. `older` when another generation has replaced that of the
    share. `device` is what became of the device with the share.
    """

    vault: Vault
    party: str
    generation: bytes
    older: bool
    device: Device
    others: tuple[Copy, ...]


def touched(there: View, without: View, place: Place) -> list[Touched]:
    """Every share of which that place has a backup that would open, or that another one would not open without.

    `there` is the ledger with the place, `without` the same one when the place is lost.
    """
    out = []
    for vault in there.vaults():
        held = [one for one in copies(there, vault.vault) if one.usable]
        left = [one for one in copies(without, vault.vault) if one.usable]
        parties = {one.party: one for one in there.parties(vault.vault)}
        replaced = {one.generation for one in there.generations(vault.vault) if one.older_than - {one.generation}}
        shares = {_share(one) for one in held if place in (one.place.place, one.rests_on, one.carrier)}
        for party, generation in sorted(share for share in shares if share is not None):
            known = parties.get(party) or Party(vault.vault, party, None, None, None, None)
            out.append(
                Touched(
                    vault,
                    party,
                    generation,
                    generation in replaced,
                    device(there, known, generation),
                    tuple(one for one in left if _share(one) == (party, generation)),
                )
            )
    return out


def _share(one: Copy) -> tuple[str, bytes] | None:
    party, generation = one.backup.party, one.backup.generation
    return None if party is None or generation is None else (party, generation)
