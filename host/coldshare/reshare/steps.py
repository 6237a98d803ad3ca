"""The steps of a reshare as the ledger takes them: begun, reported, finished or given up. Each is one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from coldshare.ledger.events import (
    PLAN_SIZE,
    BackupStored,
    Body,
    Event,
    GenerationNewer,
    GenerationRetired,
    GenerationUnRetired,
    HostNamed,
    IdentityCompared,
    IdentityTakenBack,
    PlaceNamed,
    ReshareAborted,
    ReshareFinished,
    ReshareReported,
    ReshareStarted,
    Share,
    VaultSeen,
)
from coldshare.ledger.joining import stood_for
from coldshare.ledger.queries import Reshare, View
from coldshare.reshare.errors import NoReshareError, ReshareIncompleteError, ReshareNewShareError, ReshareOpenError
from coldshare.reshare.joining import join
from coldshare.reshare.newshare import begun_by, only_given_up
from coldshare.reshare.plan import Prepared
from coldshare.reshare.progress import Progress, known_before, progress
from coldshare.safety.resharing import under_way

if TYPE_CHECKING:
    from coldshare.ledger.store import Ledger
    from coldshare.reshare.report import Report, Signed

__all__ = ["abort", "again", "begin", "finish", "plan_for", "report", "take", "take_back", "take_up"]


def begin(ledger: Ledger, prepared: Prepared) -> Reshare:
    """Record a plan."""
    committee = prepared.committee
    started = ReshareStarted(
        plan=secrets.token_bytes(PLAN_SIZE),
        vault=prepared.vault.vault,
        older=prepared.older,
        staying=committee.staying,
        joining=committee.joining,
        threshold=prepared.threshold,
        parties=prepared.parties,
    )
    ledger.record([started])
    return _by_id(ledger.view(), started.plan)


def plan_for(
    ledger: Ledger, share: Share, signers: Sequence[str], check: Callable[[View, Reshare], None] | None = None
) -> Reshare:
    """The reshare under way that a new share belongs to; where none was planned here, the one that the share tells of.

    `check` may raise that the share is not one of that reshare. Raises NoReshareError and ReshareNewShareError. Then
    nothing was recorded: what a wrong file tells begins no reshare.
    """
    view = ledger.view()
    found = under_way(view, share.vault)
    if found:
        if check is not None:
            check(view, found[-1])
        return found[-1]
    for one in view.reshares(share.vault):
        if one.finished is not None and one.generation == share.generation:
            raise ReshareNewShareError(
                "The reshare that made this share is finished already.",
                next_step="A further backup of it is made as any other one: coldshare backup FILE",
            )
    started = begun_by(view, share, signers)
    if check is not None:
        check(view, _not_yet(started, ledger.host))
    ledger.record([started])
    return _by_id(ledger.view(), started.plan)


def _not_yet(started: ReshareStarted, host: bytes) -> Reshare:
    """A reshare as it would stand if it were recorded."""
    return Reshare(
        plan=started.plan,
        vault=started.vault,
        older=started.older,
        threshold=started.threshold,
        parties=started.parties,
        host=host,
        started=0,
        finished=None,
        aborted=None,
        generation=None,
        staying=started.staying,
        joining=started.joining,
    )


def report(ledger: Ledger, plan: Reshare, signed: Signed) -> View:
    """Record this computer's own report, and which share is the newer one: a place that had no old one beside it was
    not asked. With the keys that it had before it signs no more."""
    told = signed.report
    view = ledger.view()
    before = [one.public_key for one in view.identities() if one.host == ledger.host]
    ledger.record(
        [
            *(IdentityTakenBack(one) for one in before if one != signed.public_key),
            _own(signed),
            *_counts_anew(view, signed),
            ReshareReported(plan.plan, told.party, signed.data),
        ]
    )
    return ledger.view()


def take(ledger: Ledger, signed: Signed, *, compared: bool = True) -> Reshare:
    """Record a report that came from elsewhere, what it tells of the vault and its backups, and the reshare, where
    nobody has planned that here. Only for a report whose key a person has compared, here where `compared`: it is
    believed, unless it cannot be true, or goes against the plan.

    Raises NoReshareError for one on a reshare that is over, and then nothing was recorded.
    """
    told = signed.report
    view = ledger.view()
    plan = _same(view, told)
    if plan is None and _is_over(view, told):
        raise NoReshareError(
            f"The report of {told.party} is about generation {told.share.generation.hex()[:8]}, which was replaced or "
            "given up already.",
            next_step="Leave it. What is under way: coldshare reshare status",
        )
    started: list[Body] = []
    ident = secrets.token_bytes(PLAN_SIZE) if plan is None else plan.plan
    if plan is None:
        share = told.share
        committee = (told.signers, (), share.threshold, share.parties)
        started.append(ReshareStarted(ident, share.vault, told.older, *committee))
    said = [_own(signed)] if compared else []
    ledger.record([*said, *started, ReshareReported(ident, told.party, signed.data)])
    view = ledger.view()
    recorded = _by_id(view, ident)
    if told.host != ledger.host and join(recorded, [signed], known_before(view, recorded)).good:
        ledger.record(_counts_anew(view, signed))
        ledger.merge(_told(signed))
    return _by_id(ledger.view(), ident)


def _counts_anew(view: View, signed: Signed) -> list[Body]:
    """That its generation is the newer one. Where a reshare away from the same one was given up, what was told before
    that counts for nothing, and this generation may have been told then on another computer; it is told of again."""
    share, older = signed.report.share, signed.report.older
    told: list[Body] = [GenerationNewer(share.vault, share.generation, older)]
    if any(one.older == older and one.aborted is not None for one in view.reshares(share.vault)):
        told.append(GenerationUnRetired(share.vault, share.generation, None))
    return told


def _is_over(view: View, told: Report) -> bool:
    known = view.generation(told.share.vault, told.share.generation)
    return told.share.generation in view.given_up(told.share.vault) or (known is not None and bool(known.older_than))


def _told(signed: Signed) -> list[Event]:
    """The events of the reporting computer that its report stands for. Their ids follow from it, so that nothing is
    told twice."""
    told = signed.report
    bodies: list[Body] = [
        HostNamed(told.host_name),
        VaultSeen(
            share=told.share,
            signers=told.signers,
            reshared=True,
            public_key_eddsa=told.public_key_eddsa,
            chain_code_digest=told.chain_code_digest,
            points_ecdsa=told.points_ecdsa,
            public_shares_ecdsa=told.public_shares_ecdsa,
            point_eddsa=told.point_eddsa,
            public_share_eddsa=told.public_share_eddsa,
        ),
        GenerationNewer(told.share.vault, told.share.generation, told.older),
    ]
    for kept in told.kept:
        bodies += [PlaceNamed(kept.place, kept.label)] if kept.label else []
        bodies.append(BackupStored(kept.place, kept.backup_id, told.share, kept.size, kept.state, None))
    return [
        Event(
            uuid=stood_for(signed.data, number),
            time=told.time,
            position=told.time,
            host=told.host,
            body=body,
        )
        for number, body in enumerate(bodies)
    ]


def take_back(ledger: Ledger, public_key: bytes) -> View:
    """That key counts no more, and neither does what it has signed. What it told of backups stays known: if one of them
    is there, it can be found."""
    ledger.record([IdentityTakenBack(public_key)])
    return ledger.view()


def finish(ledger: Ledger, plan: Reshare) -> Progress:
    """The new generation counts from now on, and the older one is retired. Raises ReshareIncompleteError."""
    view = ledger.view()
    now = progress(view, plan)
    if plan.finished is not None:
        return now
    new = now.joined.generation
    if new is None or not now.ready:
        raise ReshareIncompleteError
    same = [one.plan for one in under_way(view, plan.vault) if one.older == plan.older]
    ledger.record(
        [
            GenerationNewer(plan.vault, new, plan.older),
            GenerationRetired(plan.vault, plan.older, None),
            *(ReshareFinished(one, new) for one in same),
        ]
    )
    view = ledger.view()
    return progress(view, again(view, plan))


def abort(ledger: Ledger, plan: Reshare) -> View:
    """The older generation counts as before; what is known to be newer is given up. Raises NoReshareError.

    What was reported and did not fit the plan is not: the next plan may be what it fits.
    """
    if plan.finished is not None:
        raise NoReshareError("That reshare is finished.", next_step="What is left of it: coldshare reshare status")
    ledger.record([ReshareAborted(plan.plan)])
    return ledger.view()


def take_up(ledger: Ledger, share: Share) -> None:
    """What was given up counts again, where that is all that stands against it: the app had gone on with it."""
    if only_given_up(ledger.view(), share):
        ledger.record([GenerationUnRetired(share.vault, share.generation, None)])


def again(view: View, plan: Reshare) -> Reshare:
    """The same one as it stands now."""
    return _by_id(view, plan.plan)


def _by_id(view: View, plan: bytes) -> Reshare:
    for one in view.reshares():
        if one.plan == plan:
            return one
    raise ReshareOpenError("The reshare has vanished from the ledger.")


def _same(view: View, told: Report) -> Reshare | None:
    """The reshare of that vault away from the same generation that was not given up, the latest one."""
    found = [one for one in view.reshares(told.share.vault) if one.older == told.older and one.aborted is None]
    return found[-1] if found else None


def _own(signed: Signed) -> IdentityCompared:
    return IdentityCompared(signed.report.host, signed.report.host_name, signed.public_key)
