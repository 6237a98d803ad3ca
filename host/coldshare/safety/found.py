"""A lost device has been found: what its share is worth now."""

from __future__ import annotations

from coldshare.ledger.queries import Party, Vault, View
from coldshare.safety.advice import Note
from coldshare.safety.devices import device

__all__ = ["found"]


def found(view: View, vault: Vault, party: Party) -> Note:
    """What it means that the device of `party` has turned up. `view` is the ledger from before that was recorded.

    Its code is `stale_share`, `two_devices`, `unordered`, `not_lost` or `found`; all is well with the last two.
    """
    current = view.current(vault.vault)
    if current is None:
        return Note(
            "unordered",
            "Nothing tells which generation of this vault counts, so nobody knows whether the share on it does. Do not "
            "sign with it yet.",
            rule=7,
            parties=(party.party,),
        )
    member = party.party in {one.party for one in current.members} or len(current.members) < current.parties
    if not member or (party.restored is not None and party.restored_generation != current.generation):
        return Note(
            "stale_share",
            "The vault has been reshared without it. Its share is old: it does not sign together with the newer ones, "
            "and it still does with other old ones. Remove the vault from that device. Never replace a newer share "
            "with this one.",
            rule=5,
            parties=(party.party,),
        )
    if party.restored is not None:
        return Note(
            "two_devices",
            f"The share of {party.party} was restored onto {party.device}. If the device that was found is another "
            "one, two devices have one share now, and that brings no party back: remove the vault from one of them, "
            "and reshare if somebody else may have had the one that was lost.",
            rule=3,
            parties=(party.party,),
        )
    if device(view, party, current.generation) != "lost":
        return Note("not_lost", "The ledger did not have it as lost.", parties=(party.party,))
    return Note(
        "found",
        "Its share counts again. If somebody else may have had the device meanwhile, they may have copied its share: "
        "then reshare.",
        parties=(party.party,),
    )
