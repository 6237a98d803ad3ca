"""Reports of all parties, held against the plan and against each other.

Each report alone says that its own share passed its own arithmetic. Together they say more: that all shares are of
one generation, that every t of the S_k interpolate to the vault's keys on both curves, and that every party has
its own backup. Where they disagree, the one that the others outvote is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from math import comb
from typing import Final

from coldshare.identity import fingerprint
from coldshare.ledger.queries import Reshare
from coldshare.reshare.report import Report, Signed
from coldshare.vault import curves
from coldshare.vault.checks import Checks
from coldshare.vault.errors import ShareCheckError
from coldshare.vault.facts import is_server_id
from coldshare.vault.shamir import PublicShares, check_public_shares
from coldshare_iface import wire

__all__ = ["OBJECTIONS", "TRIES_MAX", "Joined", "Known", "Objection", "join", "sound"]

#: Every reason why a report does not count, or why reports do not go together.
OBJECTIONS: Final = {
    "other_reshare": "it belongs to another reshare",
    "other_vault": "it is about another vault",
    "older_generation": "it is about a share from before the reshare, or of one that was given up",
    "other_keys": "its EdDSA key or its chain code is not that of the vault",
    "committee": "the parties or the threshold are not the planned ones",
    "unsound": "it cannot be true",
    "twice": "two different reports of one party",
    "two_computers": "two computers report of one party",
    "disagrees": "it says something else than the others",
    "wrong_share": "its public share does not fit the others",
    "no_backup": "the new share is backed up nowhere",
}
_ELSEWHERE: Final = frozenset({"other_reshare", "other_vault", "older_generation"})
#: So many sets of EdDSA shares are tried at most to find the wrong ones: all there are for up to 10 parties, or 14 of
#: whom two thirds sign; and two wrong ones among 32.
TRIES_MAX: Final = 1500
#: So many sets are named at most.
_SETS_MAX: Final = 4


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
        """Whether every party has its new share and a backup of it, and all of them go together.

        A report on something else says nothing against it: whose only report that is, is missing.
        """
        against = [one for one in self.objections if one.code not in _ELSEWHERE]
        return self.generation is not None and not self.missing and not against


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the vault from before. `void` are generations that were replaced or given up, besides the one
    that the plan leaves; None for a key or a digest that is not known."""

    void: frozenset[bytes] = frozenset()
    public_key_eddsa: bytes | None = None
    chain_code_digest: bytes | None = field(default=None, repr=False)


_NOTHING: Final = Known()


def join(plan: Reshare, reports: Iterable[Signed], known: Known = _NOTHING) -> Joined:
    """`reports` in any order. Their signatures were checked; whose keys they are is for the caller."""
    by_party: dict[str, list[Signed]] = {}
    for one in reports:
        by_party.setdefault(one.report.party, []).append(one)
    planned = (*plan.staying, *plan.joining)
    counted: list[Signed] = []
    objections: list[Objection] = []
    for party in sorted(by_party, key=lambda name: (planned.index(name) if name in planned else len(planned), name)):
        latest, against = _of_party(plan, by_party[party], known)
        counted += [latest] if latest is not None else []
        objections += against
    good, disagree = _outvoted(counted)
    good.sort(key=lambda one: one.report.signers.index(one.report.party))
    objections += disagree
    objections += _arithmetic(good)
    objections += [
        Objection(
            "no_backup", one.report.party, f"{one.report.party} has reported, and has no backup of its new share."
        )
        for one in good
        if not one.report.kept
    ]
    signers = good[0].report.signers if good else planned
    reported = {one.report.party for one in good}
    return Joined(
        plan=plan,
        generation=good[0].report.share.generation if good else None,
        good=tuple(good),
        missing=tuple(party for party in signers if party not in reported and not is_server_id(party)),
        objections=tuple(objections),
    )


def _of_party(plan: Reshare, reports: Sequence[Signed], known: Known) -> tuple[Signed | None, list[Objection]]:
    """The report of one party that counts, if one does, and what is to be said against the others.

    What a key says later takes the place of what it said before, except that a report on something else takes the
    place of none. Only one key speaks for a party: of two, nothing tells which one is right.
    """
    here = [one for one in reports if _elsewhere(plan, one.report, known) is None]
    about = here or reports
    last: dict[bytes, int] = {}
    for one in about:
        last[one.public_key] = max(last.get(one.public_key, 0), one.report.time)
    judged = {
        one.data: (one, _elsewhere(plan, one.report, known) or _against_plan(plan, one.report, known))
        for one in about
        if one.report.time == last[one.public_key]
    }
    in_order = [judged[data] for data in sorted(judged)]
    objections = list(dict.fromkeys(found for _, found in in_order if found is not None))
    fitting = [one for one, found in in_order if found is None]
    speakers = {one.public_key: one for one, _ in in_order} if here else {}
    said = {_says(one.report) for one in fitting}
    if len(speakers) > 1:
        objections.append(_two_computers(list(speakers.values()), alike=len(said) == 1 and not objections))
        if len(said) > 1:
            return None, objections
    elif len(said) > 1:
        party = fitting[0].report.party
        objections.append(Objection("twice", party, f"{party} has two different reports. They have the same time."))
    return max(fitting, key=lambda one: (one.report.time, one.data), default=None), objections


def _two_computers(reports: Sequence[Signed], *, alike: bool) -> Objection:
    party = reports[0].report.party
    named = " and ".join(sorted(f"{one.report.host_name!r} ({fingerprint(one.public_key)})" for one in reports))
    words = (
        f"{party} is reported by {'two' if len(reports) == 2 else len(reports)} computers, which say "
        f"{'the same' if alike else 'different things'}: {named}. Ask in person which one has the share of {party}, "
        "and take the key of the other one back, with coldshare reshare distrust FINGERPRINT."
    )
    return Objection("two_computers", party, words)


def _elsewhere(plan: Reshare, report: Report, known: Known) -> Objection | None:
    """That it is not about what the plan brings forth."""
    if report.share.vault != plan.vault:
        return _no(report, "other_vault", OBJECTIONS["other_vault"])
    if report.share.generation == plan.older or report.share.generation in known.void:
        return _no(report, "older_generation", OBJECTIONS["older_generation"])
    if report.older != plan.older:
        away = f"{OBJECTIONS['other_reshare']}, away from generation {report.older.hex()[:8]}"
        return _no(report, "other_reshare", away)
    return None


def _no(report: Report, code: str, why: str) -> Objection:
    return Objection(code, report.party, f"The report of {report.party} does not count: {why}.")


def _against_plan(plan: Reshare, report: Report, known: Known) -> Objection | None:
    keys = (known.public_key_eddsa, report.public_key_eddsa), (known.chain_code_digest, report.chain_code_digest)
    if any(before not in (None, told) for before, told in keys):
        return _no(report, "other_keys", OBJECTIONS["other_keys"])
    why = sound(report)
    if why is not None:
        return _no(report, "unsound", why)
    missing = [party for party in plan.staying if party not in report.signers]
    told = (report.share.threshold, report.share.parties)
    if missing:
        return _no(report, "committee", f"{', '.join(missing)} is not among the parties that it names")
    if told != (plan.threshold, plan.parties):
        return _no(
            report, "committee", f"planned are {plan.threshold} of {plan.parties}, it says {told[0]} of {told[1]}"
        )
    unplanned = [party for party in report.signers if party not in plan.staying and party not in plan.joining]
    if len(unplanned) > plan.parties - len(plan.staying) - len(plan.joining):
        return _no(report, "committee", f"{', '.join(unplanned)} was not planned to join")
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
    point = int.from_bytes(report.point_eddsa, "big")
    if point % curves.ED25519_ORDER == 0:
        return "its EdDSA point is zero"
    if share.library != wire.LIBRARY_GG20 and point != report.signers.index(report.party) + 1:
        return "its EdDSA point is not that of its place among the parties"
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
    return (*(tell(report) for _, tell in _ALIKE), report.point_eddsa, report.public_share_eddsa, report.digest)


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
    if len(good) < threshold:
        return []
    shares = _Shares(good)
    everybody = tuple(range(len(good)))
    if shares.fit(everybody, threshold):
        if not shares.fit(everybody[: threshold - 1], threshold - 1):
            return []
        return [Objection("wrong_share", "", f"Already {threshold - 1} of the EdDSA shares give the key.")]
    together, all_tried = shares.largest(threshold)
    if len(together) == 1:
        # With the key, which is one more point, any other reading needs more wrong shares than this one.
        wrong = [one for number, one in enumerate(good) if number not in together[0]]
        if len(good) >= threshold - 1 + 2 * len(wrong):
            return [_does_not_fit(one, alone=len(wrong) == 1) for one in wrong]
    return [Objection("wrong_share", "", _undecided(good, together, all_tried=all_tried))]


def _does_not_fit(one: Signed, *, alone: bool) -> Objection:
    party = one.report.party
    words = f"The EdDSA share of {party} does not fit those of the others"
    words += f": {party} is the odd one out." if alone else ", which go together."
    return Objection("wrong_share", party, words)


def _undecided(good: Sequence[Signed], together: Sequence[Sequence[int]], *, all_tried: bool) -> str:
    words = [f"The EdDSA shares do not go together, and nothing tells which of them are wrong: {_names(good)}."]
    if together:
        sets = "; or ".join(_names(good[number] for number in one) for one in together[:_SETS_MAX])
        more = f"; or {len(together) - _SETS_MAX} other sets" if len(together) > _SETS_MAX else ""
        words.append(f"These would go together: {sets}{more}.")
    elif not all_tried:
        words.append("They are too many to try all sets of them.")
    words.append(
        "On each of these devices export the vault again, and report it: coldshare reshare next NEW.vult. Join the new "
        "reports."
    )
    return " ".join(words)


class _Shares:
    """The EdDSA shares of some reports, by their numbers."""

    def __init__(self, reports: Sequence[Signed]) -> None:
        self._points = [int.from_bytes(one.report.point_eddsa, "big") for one in reports]
        self._values = [one.report.public_share_eddsa for one in reports]
        self._key = reports[0].report.public_key_eddsa
        self._give = cache(self._interpolate)

    def fit(self, numbers: Sequence[int], threshold: int) -> bool:
        """Whether every `threshold` of them interpolate to the key."""
        first = tuple(numbers[:threshold])
        if self._give(first, 0) != self._key:
            return False
        return all(self._give(first, self._points[one]) == self._values[one] for one in numbers[threshold:])

    def largest(self, threshold: int) -> tuple[list[tuple[int, ...]], bool]:
        """The largest sets of at least `threshold` that fit, and whether all were tried: TRIES_MAX at most."""
        count = len(self._points)
        tried = 0
        for size in range(count - 1, threshold - 1, -1):
            tried += comb(count, size)
            if tried > TRIES_MAX:
                return [], False
            found = [one for one in combinations(range(count), size) if self.fit(one, threshold)]
            if found:
                return found, True
        return [], True

    def _interpolate(self, numbers: tuple[int, ...], at: int) -> bytes | None:
        points, values = [self._points[one] for one in numbers], [self._values[one] for one in numbers]
        return curves.ed25519_interpolate(points, values, at)
