"""A lost device has been found: what its share is worth now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coldshare.ledger.queries import Generation, Party, Vault, View
from coldshare.safety import commands
from coldshare.safety.advice import Note
from coldshare.safety.devices import device
from coldshare.safety.unsettled import unsettled

if TYPE_CHECKING:
    from coldshare.ledger.devices import Had

__all__ = ["found", "is_last"]


def is_last(party: Party, which: Had) -> bool:
    """Whether no other device had the share of that party after it."""
    return which.name == (party.device or party.party)


def found(view: View, vault: Vault, party: Party, which: Had | None = None) -> Note:
    """What it means that the device of `party` has turned up. `view` is the ledger from before that was recorded.

    `which` one it is, where that was said. Without it the one that had the share first may be meant, or the last.
    Its code is `stale_share`, `two_devices`, `unordered`, `half_reshared`, `not_lost` or `found`; all is well with the
    last two.
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
    half = unsettled(view, vault.vault)
    if half is not None:
        return Note(
            "half_reshared",
            f"{half.words} Leave the device as it is until that is settled: its share may be one that is needed. "
            f"What is awaited: {commands.reshare_status(view, vault)}. If the app has failed: "
            f"{commands.reshare_abort(view, vault)}",
            rule=7,
            parties=(party.party,),
        )
    member = party.party in {one.party for one in current.members} or len(current.members) < current.parties
    if not member or _is_old(view, party, which, current):
        return Note(
            "stale_share",
            "The vault has been reshared without it. Its share is old: it does not sign together with the newer ones, "
            "and it still does with other old ones. Remove the vault from that device. Never replace a newer share "
            "with this one.",
            rule=5,
            parties=(party.party,),
        )
    if party.restored is not None and (which is None or (party.lost is None and not is_last(party, which))):
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
    words = (
        "Its share counts again. If somebody else may have had the device meanwhile, they may have copied its share: "
        "then reshare."
    )
    if party.restored is not None:
        words += " Another device had this share, too. If that one turns up, remove the vault from one of the two."
    return Note("found", words, parties=(party.party,))


def _is_old(view: View, party: Party, which: Had | None, current: Generation) -> bool:
    """Whether the device has a share of another generation, as far as anything tells."""
    if which is None:
        return party.restored is not None and party.restored_generation != current.generation
    if is_last(party, which):
        return device(view, replace(party, lost=None), current.generation) == "stale"
    return which.share is None or which.share.generation != current.generation
