"""What the events come to: each is applied to the rows by one function, in the order of (position, id).

Nothing here looks at a clock, at chance or at this computer, so the same events make the same rows everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import singledispatch
from typing import Final

from coldshare.ledger import events as e
from coldshare.ledger.events import Event, Place, Share
from coldshare.ledger.order import note, settles
from coldshare.ledger.rows import Rows

__all__ = ["CHAIN", "EVERYWHERE", "KEY", "apply", "fold", "news"]

#: The key of a retirement that holds at all places.
EVERYWHERE: Final = (0, b"")
# What a vault has besides its two keys.
KEY, CHAIN = 1, 2


def fold(events: Iterable[Event]) -> Rows:
    """The rows that these events come to, in whatever order they are given."""
    rows = Rows()
    for event in sorted(events, key=lambda one: one.order):
        apply(rows, event)
    return rows


def apply(rows: Rows, event: Event) -> None:
    if not isinstance(event.body, e.Unknown):
        _tell(rows, event)
        note(rows, event)


def news(rows: Rows, event: Event) -> bool:
    """Apply it. False, and nothing is changed, for a fact that is no news: it is not worth recording."""
    before = rows.changes
    if isinstance(event.body, e.Unknown):
        return True
    _tell(rows, event)
    if event.body.fact and rows.changes == before and not settles(rows, event):
        return False
    note(rows, event)
    return True


def _tell(rows: Rows, event: Event) -> None:
    if rows.get("host", event.host) is None and not isinstance(event.body, e.LedgerJoined):
        rows.put("host", event.host, name="")
    _apply(event.body, rows, event)


@singledispatch
def _apply(body: e.Body, rows: Rows, event: Event) -> None:
    raise TypeError(f"no rule applies {body.name}")


# --- what several kinds have in common


def _share(rows: Rows, share: Share) -> None:
    rows.put("vault", share.vault, name=share.name, library=share.library)
    known = rows.get("generation", share.vault, share.generation)
    told = (share.threshold, share.parties)
    if known is None:
        rows.put("generation", share.vault, share.generation, threshold=told[0], parties=told[1])
    elif (known["threshold"], known["parties"]) != told:
        rows.put("generation", share.vault, share.generation, disputed=True)
    rows.put("party", share.vault, share.party)
    rows.put("member", share.vault, share.generation, share.party)


def _place(rows: Rows, place: Place, event: Event, *, here: bool = True) -> None:
    """`here`: the computer that tells it was at the place."""
    if rows.get("place", place.kind, place.ident) is None:
        rows.put("place", place.kind, place.ident, label="")
    if here:
        rows.put("reach", place.kind, place.ident, event.host, reaches=True)


def _sealed(rows: Rows, backup_id: bytes, share: Share | None, recovery: bool | None = None) -> None:
    known = rows.get("sealed", backup_id) or rows.put("sealed", backup_id)
    if recovery is not None:
        rows.put("sealed", backup_id, recovery=recovery)
    if share is None:
        return
    _share(rows, share)
    whose = {"vault": share.vault, "party": share.party, "generation": share.generation}
    if known["vault"] is None:
        rows.put("sealed", backup_id, **whose)
    elif any(known[name] != value for name, value in whose.items()):
        rows.put("sealed", backup_id, disputed=True)


_NEW: Final = {"size": 0, "state": e.ACTIVE}


def _backup(rows: Rows, place: Place, backup_id: bytes, **values: object) -> None:
    known = rows.get("backup", place.kind, place.ident, backup_id)
    rows.put("backup", place.kind, place.ident, backup_id, **(values if known else {**_NEW, **values}))


_HERE: Final = {"gone": None, "gone_at": None}

# --- one function per kind


@_apply.register
def _(body: e.HostNamed, rows: Rows, event: Event) -> None:
    rows.put("host", event.host, name=body.host_name)


@_apply.register
def _(body: e.VaultSeen, rows: Rows, event: Event) -> None:
    share = body.share
    _share(rows, share)
    rows.put("vault", share.vault, public_key_eddsa=body.public_key_eddsa, chain_code_digest=body.chain_code_digest)
    rows.put("generation", share.vault, share.generation, reshared=body.reshared)
    for number, party in enumerate(body.signers):
        rows.put("party", share.vault, party)
        rows.put("member", share.vault, share.generation, party, number=number)
    for column, values in (("point_ecdsa", body.points_ecdsa), ("public_share_ecdsa", body.public_shares_ecdsa)):
        for party, value in zip(body.signers, values, strict=False):
            rows.put("member", share.vault, share.generation, party, **{column: value})
    rows.put(
        "member",
        share.vault,
        share.generation,
        share.party,
        point_eddsa=body.point_eddsa,
        public_share_eddsa=body.public_share_eddsa,
    )


@_apply.register
def _(body: e.ShareHandled, rows: Rows, event: Event) -> None:
    share = body.share
    _share(rows, share)
    rows.put("handled", event.host, share.vault, share.party, share.generation, body.why)


@_apply.register
def _(body: e.PlaceNamed, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    rows.put("place", body.place.kind, body.place.ident, label=body.label)


@_apply.register
def _(body: e.PlaceDescribed, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event, here=False)
    said = {name: getattr(body, name) for name in ("called", "location", "custodian", "account", "note")}
    rows.put("place", body.place.kind, body.place.ident, **said)


@_apply.register
def _(body: e.PlaceReached, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event, here=False)
    rows.put("reach", body.place.kind, body.place.ident, body.host, reaches=body.reaches)


@_apply.register
def _(body: e.PlaceBuiltIn, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    rows.put("reach", body.place.kind, body.place.ident, event.host, built_in=body.built_in)


@_apply.register
def _(body: e.PlaceLost, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event, here=False)
    known = rows.get("place", body.place.kind, body.place.ident)
    if known is None or known["lost"] is None:
        rows.put("place", body.place.kind, body.place.ident, lost=event.time)


@_apply.register
def _(body: e.PlaceFound, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event, here=False)
    rows.put("place", body.place.kind, body.place.ident, lost=None)


@_apply.register
def _(body: e.PlaceWiped, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    kind, ident = body.place.kind, body.place.ident
    rows.put("place", kind, ident, wiped=event.time)
    for held in rows.all("backup", place_kind=kind, place_ident=ident, gone=None):
        _backup(rows, body.place, held["backup_id"], gone=e.WIPED, gone_at=event.time)
    if body.successor is not None:
        _place(rows, Place(kind, body.successor), event)


@_apply.register
def _(body: e.VaultExtras, rows: Rows, event: Event) -> None:
    for kind, names in ((KEY, body.keys), (CHAIN, body.chains)):
        for name in names:
            rows.put("extra", body.vault, body.generation, kind, name)


@_apply.register
def _(body: e.BackupStored, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    _sealed(rows, body.backup_id, body.share, body.recovery)
    now = {"stored": event.time, "read_back": event.time}
    _backup(rows, body.place, body.backup_id, size=body.size, state=body.state, **now, **_HERE)


@_apply.register
def _(body: e.BackupState, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    _sealed(rows, body.backup_id, body.share)
    _backup(rows, body.place, body.backup_id, size=body.size, state=body.state, **_HERE)


@_apply.register
def _(body: e.BackupVerified, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    _sealed(rows, body.backup_id, body.share, body.recovery)
    now = {"read_back": event.time, **({"opened": event.time} if body.opened else {})}
    _backup(rows, body.place, body.backup_id, size=body.size, state=body.state, **now, **_HERE)


@_apply.register
def _(body: e.BackupFailed, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    _sealed(rows, body.backup_id, None)
    _backup(rows, body.place, body.backup_id, **_HERE)


@_apply.register
def _(body: e.BackupRestored, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    _sealed(rows, body.backup_id, body.share)
    now = {"read_back": event.time, "opened": event.time, "restored": event.time}
    _backup(rows, body.place, body.backup_id, size=body.size, **now, **_HERE)


@_apply.register
def _(body: e.BackupGone, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event, here=False)
    _sealed(rows, body.backup_id, None)
    known = rows.get("backup", body.place.kind, body.place.ident, body.backup_id)
    if known is None or known["gone"] is None:
        _backup(rows, body.place, body.backup_id, gone=body.why, gone_at=event.time)


@_apply.register
def _(body: e.GenerationNewer, rows: Rows, event: Event) -> None:
    rows.put("newer", body.vault, body.newer, body.older)


@_apply.register
def _(body: e.GenerationRetired, rows: Rows, event: Event) -> None:
    _retirement(rows, body, event, retired=True)


@_apply.register
def _(body: e.GenerationUnRetired, rows: Rows, event: Event) -> None:
    _retirement(rows, body, event, retired=False)


def _retirement(rows: Rows, body: e.GenerationRetired | e.GenerationUnRetired, event: Event, *, retired: bool) -> None:
    if body.place is not None:
        _place(rows, body.place, event)
    where = EVERYWHERE if body.place is None else (body.place.kind, body.place.ident)
    rows.put("retirement", body.vault, body.generation, *where, retired=retired)


@_apply.register(e.DeviceLost)
@_apply.register(e.DeviceFound)
@_apply.register(e.DeviceRestored)
def _(body: e.DeviceLost | e.DeviceFound | e.DeviceRestored, rows: Rows, event: Event) -> None:
    rows.put("party", body.vault, body.party)  # and the rest is a question of order


@_apply.register
def _(body: e.LedgerJoined, rows: Rows, event: Event) -> None:
    """Nothing but order."""


@_apply.register
def _(body: e.SingleHostAccepted, rows: Rows, event: Event) -> None:
    rows.put("accepted", event.host, body.vault, body.generation)


@_apply.register
def _(body: e.IdentityCompared, rows: Rows, event: Event) -> None:
    rows.put("identity", body.of, body.public_key, event.host)
    for row in rows.all("identity", host=body.of, public_key=body.public_key):
        rows.put("identity", body.of, body.public_key, row["by"], name=body.host_name)


@_apply.register
def _(body: e.IdentityTakenBack, rows: Rows, event: Event) -> None:
    if rows.get("taken_back", body.public_key) is None:
        rows.put("taken_back", body.public_key, time=event.time)


@_apply.register
def _(body: e.ReshareStarted, rows: Rows, event: Event) -> None:
    if rows.get("reshare", body.plan) is not None:
        return  # an id is random: whoever tells it a second time repeats, or lies
    told = {"threshold": body.threshold, "parties": body.parties, "host": event.host, "started": event.time}
    rows.put("reshare", body.plan, vault=body.vault, older=body.older, **told)
    for number, party in enumerate((*body.staying, *body.joining)):
        rows.put("reshare_party", body.plan, party, number=number, joining=number >= len(body.staying))


@_apply.register
def _(body: e.ReshareReported, rows: Rows, event: Event) -> None:
    digest = hashlib.sha256(body.report).digest()
    if rows.get("reshare_report", body.plan, body.party, digest, event.host) is None:
        rows.put("reshare_report", body.plan, body.party, digest, event.host, report=body.report, time=event.time)
    plan = rows.get("reshare", body.plan)
    if plan is None or plan["aborted"] is None or plan["finished"] is not None:
        return
    # By a computer that has not heard that it was given up. What it tells of goes with it, unless it was begun anew.
    vault, older = plan["vault"], plan["older"]
    if rows.all("reshare", vault=vault, older=older, aborted=None):
        return
    for generation in _newer_than(rows, vault, older) - {older}:
        if generation in body.report:
            rows.put("retirement", vault, generation, *EVERYWHERE, retired=True)


@_apply.register
def _(body: e.ReshareFinished, rows: Rows, event: Event) -> None:
    known = rows.get("reshare", body.plan)
    if known is not None and known["finished"] is None:
        rows.put("reshare", body.plan, finished=event.time, generation=body.generation)
        if rows.get("retirement", known["vault"], body.generation, *EVERYWHERE) is not None:
            # Given up by somebody who did not wait for the others.
            rows.put("retirement", known["vault"], body.generation, *EVERYWHERE, retired=False)


@_apply.register
def _(body: e.ReshareAborted, rows: Rows, event: Event) -> None:
    """All that was told of that reshare before is given up with it, whoever told it: another computer may have begun it
    for itself, and may know generations that the one that gives it up has not heard of."""
    plan = rows.get("reshare", body.plan)
    if plan is None or plan["finished"] is not None or plan["aborted"] is not None:
        return
    vault, older = plan["vault"], plan["older"]
    for one in rows.all("reshare", vault=vault, older=older, finished=None, aborted=None):
        rows.put("reshare", one["plan"], aborted=event.time)
    finished = {one["generation"] for one in rows.all("reshare", vault=vault)}
    for generation in _newer_than(rows, vault, older) - finished - {older}:
        rows.put("retirement", vault, generation, *EVERYWHERE, retired=True)


def _newer_than(rows: Rows, vault: bytes, older: bytes) -> set[bytes]:
    """All that have replaced that generation, also by way of others."""
    steps = [(one["newer"], one["older"]) for one in rows.all("newer", vault=vault)]
    found: set[bytes] = set()
    todo = [older]
    while todo:
        replaced = todo.pop()
        reached = {newer for newer, left in steps if left == replaced} - found
        found |= reached
        todo += reached
    return found


@_apply.register
def _(body: e.DrillResult, rows: Rows, event: Event) -> None:
    _place(rows, body.place, event)
    share = body.share
    _sealed(rows, body.backup_id, share)
    if any(one["digest"] != body.digest for one in rows.all("drill", backup_id=body.backup_id)):
        # A seal is written once, so the file inside cannot have changed.
        rows.put("sealed", body.backup_id, disputed=True)
    if body.good:
        now = {"read_back": event.time, "opened": event.time, "drilled": event.time}
        _backup(rows, body.place, body.backup_id, **now, **_HERE)
    else:
        _backup(rows, body.place, body.backup_id, **_HERE)
    rows.put(
        "drill",
        body.place.kind,
        body.place.ident,
        body.backup_id,
        vault=share.vault,
        party=share.party,
        generation=share.generation,
        time=event.time,
        host=event.host,
        good=body.good,
        public_share_ecdsa=body.public_share_ecdsa,
        public_share_eddsa=body.public_share_eddsa,
        digest=body.digest,
    )
