"""What has become of the devices with the live shares."""

from __future__ import annotations

from typing import Literal, TypeAlias

from coldshare.ledger.order import Mark
from coldshare.ledger.queries import Backup, Party, Restoration, View
from coldshare.reshare.whose import counts, readable
from coldshare.vault.facts import is_server_id

__all__ = ["Device", "device", "doubt", "in_doubt", "left_behind"]

#: "alive": the party's own device, as far as anybody has said otherwise; "restored": a new one has its share; "stale":
#: a new one, or one that went along with a reshare that was given up, has a share of a generation that does not count;
#: "server": the vendor's.
Device: TypeAlias = Literal["alive", "restored", "stale", "lost", "server"]


#: Whether a device took part in the reshare that made a generation.
_Took: TypeAlias = Literal["yes", "no", "unknown"]


def device(view: View, party: Party, generation: bytes) -> Device:
    """What has become of the device with that party's share of `generation`."""
    if party.lost is not None:
        return "lost"
    if _went_along(view, party, generation) != "no":
        return "stale"
    if not party.last:
        # The server's share on a device of one's own is as easily lost as any other.
        return "server" if is_server_id(party.party) else "alive"
    return "restored" if all(_has(view, party, one, generation) == "yes" for one in party.last) else "stale"


def in_doubt(view: View, party: Party, generation: bytes) -> bool:
    """Whether a device is called stale only because nothing tells what came first."""
    if device(view, party, generation) != "stale":
        return False
    along = _went_along(view, party, generation)
    return along != "yes" and all(_has(view, party, one, generation) != "no" for one in party.last)


def left_behind(view: View, party: Party, generation: bytes) -> bool:
    """Whether a lost device has the share of `generation` still, and another one has that share in its place.

    One that was lost before anybody had told of that generation has an older share.
    """
    came = [one.mark for one in party.last if one.generation == generation]
    sights = [one.mark for one in view.sights(party.vault, generation)]
    return any(
        any(view.before(lost, mark) for mark in came) and not all(view.before(lost, mark) for mark in sights)
        for lost in party.gone
    )


def doubt(name: str) -> str:
    """What there is to say of that device then."""
    return (
        f"Nothing tells whether the share on {name} is of the generation that counts: two computers recorded what it "
        "got and what was reshared, and neither had the other's ledger. It counts as a share of another generation."
    )


def _has(view: View, party: Party, came: Restoration, generation: bytes) -> _Took:
    """Whether the device that got a share from a backup has that of `generation`."""
    return "yes" if came.generation == generation else _took_part(view, party, came, generation)


def _went_along(view: View, party: Party, generation: bytes) -> _Took:
    """Whether the device took part in a reshare away from `generation` that was given up: its app keeps no old share.

    It did when a share of it was backed up. An old share comes back onto it by `restore --onto`, and that it did so
    after the reshare is certain where anybody had told of the new generation by then. Not by a backup of the old
    share: that can be sealed anew any time.
    """
    given_up = view.given_up(party.vault)
    failed = {
        one.generation
        for one in (view.generations(party.vault) if given_up else ())
        if one.generation in given_up and generation in one.newer_than
    }
    backed_up = {one.generation for one in _of(view, party)} if failed else set()
    found: _Took = "no"
    for one in failed & backed_up:
        sights = view.sights(party.vault, one)
        since = [any(view.before(sight.mark, came.mark) for sight in sights) for came in party.last]
        if since and all(since):
            continue
        if not since or any(view.before(came.mark, sight.mark) for came in party.last for sight in sights):
            return "yes"
        found = "unknown"
    return found


def _took_part(view: View, party: Party, came: Restoration, generation: bytes) -> _Took:
    """Whether the device took part in the reshare that made `generation`, after it had got a share of another one.

    Then its share of that generation was backed up since, and nobody had told of that generation before: a backup from
    before can be exported or sealed anew at any time, and says nothing of the device. What other computers told is in
    no order with that, as a rule, whatever their clocks say; then its own report to that reshare is what counts.
    """
    own = [one.stored for one in _of(view, party) if one.generation == generation]
    sights = view.sights(party.vault, generation)
    if not own or None in own or any(view.before(one.mark, came.mark) for one in sights):
        return "no"
    if all(view.before(came.mark, one.mark) for one in sights):
        return "yes"
    return "yes" if _reported(view, party, came, generation) else "unknown"


def _reported(view: View, party: Party, came: Restoration, generation: bytes) -> bool:
    """Whether a computer has reported its share of `generation` after it had told of that restoration, or heard of it.

    The time of a report comes after all that its computer had recorded, however the clock was turned.
    """
    whose = party.vault, party.party, generation
    return any(
        (one.report.share.vault, one.report.share.party, one.report.share.generation) == whose
        and view.before(came.mark, Mark(one.report.host, one.report.time))
        and counts(view, one)
        for plan in view.reshares(party.vault)
        if plan.aborted is None
        for one in readable(view.reports(plan.plan))
    )


def _of(view: View, party: Party) -> list[Backup]:
    """All backups of that party that ever were."""
    return [one for one in view.backups(party.vault, gone=True) if one.party == party.party]
