"""Reports of all parties, held against the plan and against each other.

Each report alone says that its own share passed its own arithmetic. Together they say more: that all shares are of
one generation, that every t of the S_k interpolate to the vault's keys on both curves, and that every party has
its own backup. Where they disagree, the one that the others outvote is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from coldshare.ledger.queries import Reshare
from coldshare.reshare.report import Report, Signed
from coldshare.vault import curves
from coldshare.vault.checks import Checks
from coldshare.vault.errors import ShareCheckError
from coldshare.vault.facts import is_server_id
from coldshare.vault.shamir import PublicShares, check_public_shares
from coldshare_iface import wire

__all__ = ["OBJECTIONS", "Joined", "Objection", "join", "sound"]

#: Every reason why a report does not count, or why reports do not go together.
OBJECTIONS: Final = {
    "other_reshare": "it belongs to another reshare",
    "other_vault": "it is about another vault",
    "older_generation": "it is about the share from before the reshare",
    "committee": "the parties or the threshold are not the planned ones",
    "unsound": "it cannot be true",
    "twice": "two different reports of one party",
    "disagrees": "it says something else than the others",
    "wrong_share": "its public share does not fit the others",
    "no_backup": "the new share is backed up nowhere",
}


@dataclass(frozen=True, slots=True)
class Objection:
    """`code` is one of OBJECTIONS, `party` whose report it is about, empty for all of them together."""

    code: str
    party: str
    words: str


@dataclass(frozen=True, slots=True)
class Joined:
    """`good` are reports that count, one a party, by party index; `missing` are parties of whom none does.

    The vendor's server reports nothing and is not missed. `generation` is the new one, None while nobody has reported,
    or the reports are of several.
    """

    plan: Reshare
    generation: bytes | None
    good: tuple[Signed, ...]
    missing: tuple[str, ...]
    objections: tuple[Objection, ...]

    @property
    def complete(self) -> bool:
        """Whether every party has its new share and a backup of it, and all of them go together."""
        return self.generation is not None and not self.missing and not self.objections


def join(plan: Reshare, reports: Iterable[Signed]) -> Joined:
    """`reports` in the order in which they came. Signatures were checked; whose keys they are is for the caller."""
    objections: list[Objection] = []
    by_party: dict[str, Signed] = {}
    for one in reports:
        found = _against_plan(plan, one.report)
        if found is not None:
            objections.append(found)
            continue
        known = by_party.get(one.report.party)
        if known is not None and _says(known.report) != _says(one.report):
            when = "The later one counts." if one.report.time > known.report.time else "They have the same time."
            if one.report.time == known.report.time or one.public_key != known.public_key:
                objections.append(
                    Objection("twice", one.report.party, f"{one.report.party} has two different reports. {when}")
                )
        if known is None or one.report.time >= known.report.time:
            by_party[one.report.party] = one
    good, disagree = _outvoted(list(by_party.values()))
    objections += disagree
    objections += _arithmetic(good)
    objections += [
        Objection(
            "no_backup", one.report.party, f"{one.report.party} has reported, and has no backup of its new share."
        )
        for one in good
        if not one.report.kept
    ]
    signers = good[0].report.signers if good else (*plan.staying, *plan.joining)
    reported = {one.report.party for one in good}
    good.sort(key=lambda one: one.report.signers.index(one.report.party))
    return Joined(
        plan=plan,
        generation=good[0].report.share.generation if good else None,
        good=tuple(good),
        missing=tuple(party for party in signers if party not in reported and not is_server_id(party)),
        objections=tuple(objections),
    )


def _against_plan(plan: Reshare, report: Report) -> Objection | None:
    def no(code: str, why: str) -> Objection:
        return Objection(code, report.party, f"The report of {report.party} does not count: {why}.")

    if report.share.vault != plan.vault:
        return no("other_vault", OBJECTIONS["other_vault"])
    if report.share.generation == plan.older:
        return no("older_generation", OBJECTIONS["older_generation"])
    if report.older != plan.older:
        return no("other_reshare", f"{OBJECTIONS['other_reshare']}, away from generation {report.older.hex()[:8]}")
    why = sound(report)
    if why is not None:
        return no("unsound", why)
    missing = [party for party in plan.staying if party not in report.signers]
    told = (report.share.threshold, report.share.parties)
    if missing:
        return no("committee", f"{', '.join(missing)} is not among the parties that it names")
    if told != (plan.threshold, plan.parties):
        return no("committee", f"planned are {plan.threshold} of {plan.parties}, it says {told[0]} of {told[1]}")
    unplanned = [party for party in report.signers if party not in plan.staying and party not in plan.joining]
    if len(unplanned) > plan.parties - len(plan.staying) - len(plan.joining):
        return no("committee", f"{', '.join(unplanned)} was not planned to join")
    return None


def sound(report: Report) -> str | None:
    """Why a report cannot be true whatever the others say; None for one that can. Its points are valid then."""
    share, n = report.share, report.share.parties
    if not 2 <= share.threshold <= n or len(report.signers) != n or len(set(report.signers)) != n:
        return "its numbers of parties do not go together"
    if report.party not in report.signers:
        return "its party is none of the signers that it names"
    if len(report.points_ecdsa) != n or len(report.public_shares_ecdsa) != n:
        return "it does not have one public share for each party"
    points = {int.from_bytes(one, "big") % curves.SECP256K1_ORDER for one in report.points_ecdsa}
    if len(points) != n or 0 in points:
        return "its points are not distinct"
    if not all(curves.secp256k1_is_point(one) for one in (share.vault, *report.public_shares_ecdsa)):
        return "one of its ECDSA values is no point of the curve"
    if not all(curves.ed25519_is_point(one) for one in (report.public_key_eddsa, report.public_share_eddsa)):
        return "one of its EdDSA values is no point of the curve"
    if int.from_bytes(report.point_eddsa, "big") % curves.ED25519_ORDER == 0:
        return "its EdDSA point is zero"
    try:
        check_public_shares(
            PublicShares(
                [int.from_bytes(one, "big") for one in report.points_ecdsa],
                report.public_shares_ecdsa,
                share.vault,
                share.threshold,
                curves.secp256k1_interpolate,
            ),
            "gg20" if share.library == wire.LIBRARY_GG20 else "dkls",
            "",
            Checks(),
        )
    except ShareCheckError:
        return "its public shares are not those of the vault's ECDSA key"
    return None


#: What all parties of one generation say alike: what it is called, and where it stands.
_ALIKE: Final[Sequence[tuple[str, Callable[[Report], object]]]] = (
    ("generation", lambda one: one.share.generation),
    ("signers", lambda one: one.signers),
    ("library", lambda one: one.share.library),
    ("EdDSA public key", lambda one: one.public_key_eddsa),
    ("chain code", lambda one: one.chain_code_digest),
    ("points of the ECDSA shares", lambda one: one.points_ecdsa),
    ("public shares of the ECDSA key", lambda one: one.public_shares_ecdsa),
)


def _says(report: Report) -> object:
    """All that must not change between two reports of one party."""
    return [tell(report) for _, tell in _ALIKE], report.point_eddsa, report.public_share_eddsa, report.digest


def _outvoted(reports: list[Signed]) -> tuple[list[Signed], list[Objection]]:
    """Those that say the same, and an objection to each that more others contradict than support."""
    left, objections = list(reports), []
    for name, tell in _ALIKE:
        groups: dict[object, list[Signed]] = {}
        for one in left:
            groups.setdefault(tell(one.report), []).append(one)
        if len(groups) < 2:
            continue
        ranked = sorted(groups.values(), key=len, reverse=True)
        if len(ranked[0]) > len(ranked[1]):
            others = [one for group in ranked[1:] for one in group]
            for one in others:
                party = one.report.party
                words = f"{party} says another {name} than {_names(ranked[0])}: {party} is the odd one out."
                objections.append(Objection("disagrees", party, words))
            left = ranked[0]
            continue
        named = "; ".join(_names(group) for group in ranked)
        words = f"They say {len(ranked)} different things of the {name}, and nothing tells which is right: {named}."
        objections.append(Objection("disagrees", "", words))
        left = []
        break
    return left, objections


def _names(reports: Iterable[Signed]) -> str:
    return ", ".join(one.report.party for one in reports)


def _arithmetic(good: Sequence[Signed]) -> list[Objection]:
    """The EdDSA shares: each report knows its own only, so here for the first time they are held together."""
    if not good:
        return []
    points = [int.from_bytes(one.report.point_eddsa, "big") for one in good]
    if len({point % curves.ED25519_ORDER for point in points}) != len(points):
        words = f"Two of the reports have the same point on the EdDSA polynomial: {_names(good)}."
        return [Objection("wrong_share", "", words)]
    threshold = good[0].report.share.threshold
    if len(good) < threshold or _fits(good, threshold):
        return []
    odd = [one for one in good if len(good) > threshold and _fits([x for x in good if x is not one], threshold)]
    if len(odd) == 1:
        party = odd[0].report.party
        words = f"The EdDSA share of {party} does not fit those of the others: {party} is the odd one out."
        return [Objection("wrong_share", party, words)]
    words = f"The EdDSA shares do not go together, and nothing tells which of them is wrong: {_names(good)}."
    return [Objection("wrong_share", "", words)]


def _fits(reports: Sequence[Signed], threshold: int) -> bool:
    """Whether every `threshold` of them interpolate to the key."""
    points = [int.from_bytes(one.report.point_eddsa, "big") for one in reports]
    values = [one.report.public_share_eddsa for one in reports]
    first_points, first_values = points[:threshold], values[:threshold]
    if curves.ed25519_interpolate(first_points, first_values, 0) != reports[0].report.public_key_eddsa:
        return False
    return all(
        curves.ed25519_interpolate(first_points, first_values, points[at]) == values[at]
        for at in range(threshold, len(points))
    )
