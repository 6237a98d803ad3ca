"""What has become of the devices with the live shares."""

from __future__ import annotations

from typing import Literal, TypeAlias

from coldshare.ledger.queries import Party, View
from coldshare.vault.facts import is_server_id

__all__ = ["Device", "device"]

#: "alive": the party's own device, as far as anybody has said otherwise; "restored": a new one has its share; "stale":
#: a new one, or one that went along with a reshare that was given up, has a share of a generation that does not count;
#: "server": the vendor's.
Device: TypeAlias = Literal["alive", "restored", "stale", "lost", "server"]


def device(view: View, party: Party, generation: bytes) -> Device:
    """What has become of the device with that party's share of `generation`."""
    if party.lost is not None:
        return "lost"
    if _went_along(view, party, generation):
        return "stale"
    if party.restored is None:
        # The server's share on a device of one's own is as easily lost as any other.
        return "server" if is_server_id(party.party) else "alive"
    if party.restored_generation == generation or _has_moved_on(view, party, party.restored, generation):
        return "restored"
    return "stale"


def _went_along(view: View, party: Party, generation: bytes) -> bool:
    """Whether the device took part in a reshare away from `generation` that was given up: its app keeps no old share.

    An old share comes back onto it by `restore --onto`, and not by a backup of it: that can be sealed anew any time.
    """
    given_up = view.given_up(party.vault)
    if not given_up:
        return False
    failed = {
        one.generation
        for one in view.generations(party.vault)
        if one.generation in given_up and generation in one.newer_than
    }
    return any(
        one.party == party.party and one.generation in failed and (one.stored or 0) > (party.restored or 0)
        for one in (view.backups(party.vault, gone=True) if failed else ())
    )


def _has_moved_on(view: View, party: Party, restored: int, generation: bytes) -> bool:
    """Whether the device took part in the reshare that made `generation`, after it had got an older share.

    Then a share of that generation was backed up since, and none of any party before: a backup from before can be
    exported or sealed anew at any time, and says nothing of the device.
    """
    there = [one for one in view.backups(party.vault, gone=True) if one.generation == generation]
    own = [one.stored for one in there if one.party == party.party]
    before = any(one.stored is not None and one.stored < restored for one in there)
    return bool(own) and not before and None not in own
