"""One party's new share, held against the plan and against what is known of the vault from before."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from coldshare.declare import showable_party
from coldshare.ledger import events as e
from coldshare.ledger.events import PLAN_SIZE, Place, ReshareStarted, Share
from coldshare.ledger.queries import Reshare, View
from coldshare.reshare.errors import NoReshareError, ReshareNewShareError, ReshareRefusedError
from coldshare.reshare.progress import progress
from coldshare.reshare.report import LABEL_MAX, Kept, Report
from coldshare.safety import commands
from coldshare_iface import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.vault import ShareFacts

__all__ = ["begun_by", "check_new", "check_place", "kept_of", "only_given_up", "report_on"]

_AGAIN = "Use the file that the app on this device exported after the reshare."
_OTHERWISE = (
    "If this file is the one that the app on this device exported after the reshare, it was reshared otherwise than "
    "planned. If all devices say so: coldshare reshare abort, and then this again."
)
_AFTER_ALL = f"{_AGAIN} If this is the one, and every device has finished that reshare after all: --given-up"


def begun_by(view: View, share: Share, signers: Sequence[str]) -> ReshareStarted:
    """The plan that a new share itself tells, where nobody has planned the reshare here.

    It leaves the generation that counted before. Raises NoReshareError where this ledger knows none, and
    ReshareNewShareError for a share of the generation that counts, or of one that was replaced.
    """
    known = view.generations(share.vault)
    own = view.generation(share.vault, share.generation)
    if own is not None and (own.older_than or own.retired):
        raise ReshareNewShareError(
            f"This is an old share: generation {share.generation.hex()[:8]} was replaced already, or given up.",
            next_step=_AFTER_ALL if only_given_up(view, share) else _AGAIN,
        )
    aside = view.given_up(share.vault) | {share.generation}
    older = [one for one in known if one.generation not in aside and not one.older_than - aside]
    if own is not None and not older:
        raise ReshareNewShareError(
            f"This share counts already: generation {share.generation.hex()[:8]}. No reshare is known since.",
            next_step=_AGAIN,
        )
    if len(older) != 1:
        raise NoReshareError(
            "This computer does not know which generation of the vault counted before the reshare.",
            next_step="Bring a report from a computer that does: coldshare reshare join REPORT. Or its whole ledger: "
            "coldshare ledger join FILE",
        )
    before = {one.party for one in older[0].members}
    return ReshareStarted(
        plan=secrets.token_bytes(PLAN_SIZE),
        vault=share.vault,
        older=older[0].generation,
        staying=tuple(party for party in signers if party in before),
        joining=tuple(party for party in signers if party not in before),
        threshold=share.threshold,
        parties=share.parties,
    )


def check_new(view: View, plan: Reshare, facts: ShareFacts, share: Share, chain_code_digest: bytes) -> None:
    """Raise ReshareNewShareError, saying what is wrong, unless that share is one that this reshare was to make.

    Its own arithmetic was checked when it was read. `share` is what is declared of it.
    """
    for what in _wrong(view, plan, facts, share, chain_code_digest):
        raise ReshareNewShareError(what, next_step=_AFTER_ALL if only_given_up(view, share) else _AGAIN)
    for what in _unplanned(plan, facts):
        raise ReshareNewShareError(what, next_step=_OTHERWISE)
    _check_others(view, plan, share)


def only_given_up(view: View, share: Share) -> bool:
    """Whether its generation counts for nothing only because a reshare was given up: nothing has taken its place."""
    own = view.generation(share.vault, share.generation)
    return share.generation in view.given_up(share.vault) and not (own is not None and own.older_than)


def _wrong(view: View, plan: Reshare, facts: ShareFacts, share: Share, chain_code_digest: bytes) -> Sequence[str]:
    vault = view.vault(plan.vault)
    generation = share.generation.hex()[:8]
    found = []
    if share.vault != plan.vault:
        found.append("This is a share of another vault.")
    if vault is not None and vault.public_key_eddsa not in (None, facts.public_key_eddsa):
        found.append("This share has another EdDSA key than its vault. A reshare never changes it.")
    if vault is not None and vault.chain_code_digest not in (None, chain_code_digest):
        found.append("This share has another chain code than its vault. A reshare never changes it.")
    if share.generation == plan.older:
        found.append(f"This is the share from before the reshare: generation {generation}.")
    known = view.generation(plan.vault, share.generation)
    if known is not None and (known.older_than or known.retired):
        found.append(f"This is an old share: generation {generation} was replaced already, or given up.")
    if not facts.reshared:
        found.append(f"This share has never been reshared, by what it says itself: generation {generation}.")
    if share.library == wire.LIBRARY_GG20:
        found.append("This is a share of the older library, GG20, and a reshare makes none.")
    return found


def _unplanned(plan: Reshare, facts: ShareFacts) -> Sequence[str]:
    found = []
    signers = {showable_party(party) for party in facts.signers}
    missing = [party for party in plan.staying if party not in signers]
    if missing:
        found.append(f"By this share {', '.join(missing)} is not a party any more, and the plan says it stays.")
    told = (facts.threshold, facts.parties)
    if told != (plan.threshold, plan.parties):
        found.append(
            f"By this share {told[0]} of {told[1]} can sign, and planned were {plan.threshold} of {plan.parties}."
        )
    return found


def _check_others(view: View, plan: Reshare, share: Share) -> None:
    others = progress(view, plan).joined.generation
    if others is not None and others != share.generation:
        raise ReshareNewShareError(
            f"The others have reported generation {others.hex()[:8]}, and this share is of "
            f"{share.generation.hex()[:8]}. Shares of different generations never sign together: the app would say "
            "Invalid final_session_id.",
            next_step=_AGAIN,
        )


def check_place(view: View, plan: Reshare, share: Share, place: Place | None) -> None:
    """Raise ReshareRefusedError where the new share would take the place of the one that counts: a token keeps two
    generations, and after an earlier reshare the oldest was never retired there."""
    held = [one for one in view.backups(plan.vault, place=place) if one.party == share.party and one.place == place]
    oldest = next((one for one in held if one.state == e.ACTIVE and one.generation != plan.older), None)
    counts = next((one for one in held if one.state == e.NEXT and one.generation == plan.older), None)
    info = None if place is None else view.place(place)
    if oldest is None or counts is None or info is None:
        return
    raise ReshareRefusedError(
        f"Two generations are at this place already: {oldest.backup_id.hex()[:8]}, which is old, and "
        f"{counts.backup_id.hex()[:8]}, which counts until this reshare is finished, and would be replaced.",
        next_step=f"Let the old one give way first: {commands.retire(oldest, info)}",
    )


def kept_of(view: View, share: Share) -> list[Kept]:
    """The backups of that share that this computer's ledger knows, and that were read back."""
    labels = {info.place: info.label for info in view.places()}
    return [
        Kept(one.place, _short(labels.get(one.place, "")), one.backup_id, one.size, one.state)
        for one in view.backups(share.vault)
        if (one.party, one.generation) == (share.party, share.generation)
        and one.read_back is not None
        and one.failed_code is None
    ]


def _short(label: str) -> str:
    """None is better than half of one: a folder's is its path, and commands are made of it."""
    return label if len(label.encode()) <= LABEL_MAX else ""


def report_on(
    plan: Reshare,
    facts: ShareFacts,
    share: Share,
    *,
    chain_code_digest: bytes,
    digest: bytes,
    kept: Sequence[Kept],
    time: int,
    host: bytes,
    host_name: str,
    signers: Sequence[str],
) -> Report:
    """What to tell the others. `digest` is SHA-256 of the vault file, `signers` are as a token shows them."""
    return Report(
        time=time,
        host=host,
        host_name=host_name,
        share=share,
        older=plan.older,
        signers=tuple(signers),
        public_key_eddsa=facts.public_key_eddsa,
        chain_code_digest=chain_code_digest,
        points_ecdsa=facts.points_ecdsa,
        public_shares_ecdsa=facts.public_shares_ecdsa,
        point_eddsa=facts.point_eddsa,
        public_share_eddsa=facts.public_share_eddsa,
        digest=digest,
        kept=tuple(kept)[:8],
    )
