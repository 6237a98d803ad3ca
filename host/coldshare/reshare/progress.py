"""A reshare under way: who has reported, whose key nobody has compared yet, and what is left of the older shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from coldshare.ledger import events as e
from coldshare.ledger.queries import Backup, PlaceInfo, Reshare, StoredReport, View
from coldshare.reshare.errors import NoReshareError
from coldshare.reshare.joining import Joined, Known, Objection, join
from coldshare.reshare.report import Kept, Signed
from coldshare.reshare.whose import compared_here, counts, readable, signed_by, taken_in_here
from coldshare.safety.carriers import PLACE_LOST, Copy, copies
from coldshare.safety.resharing import under_way
from coldshare.vault.facts import is_server_id

__all__ = ["SEVERAL_PARTIES", "Awaited", "Leftover", "Progress", "State", "known_before", "progress", "reshare_of"]

#: With this a person accepts that one computer speaks for several parties; see `Progress.unasked`.
SEVERAL_PARTIES: Final = "several_parties"

#: "awaited": nothing of it has come; "stranger": a report came, signed with a key that nobody has compared with that
#: computer; "rejected": a report came that does not count; "reported": all is well with it; "server": the vendor's,
#: which writes none.
State: TypeAlias = Literal["awaited", "stranger", "rejected", "reported", "server"]


@dataclass(frozen=True, slots=True)
class Awaited:
    """One party of the new committee. `report` is the latest that has come from it; where a key of it was compared, the
    latest of such a key."""

    party: str
    joining: bool
    state: State
    report: Signed | None
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A known copy of a share of a generation that was replaced. `retired` says that its place counts it as old."""

    copy: Copy
    retired: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """`unknown` counts parties that are to join and whose names nobody has told yet. `taken_back` are reports that
    count no more, as their keys do not.

    A ledger that was joined brings comparisons with it: `compared_elsewhere` are reports that count by such a one only,
    and `unasked`, by key, those of keys that speak for several parties where not every one was taken in here.
    """

    plan: Reshare
    joined: Joined
    parties: tuple[Awaited, ...]
    unknown: int
    leftovers: tuple[Leftover, ...]
    taken_back: tuple[Signed, ...]
    compared_elsewhere: tuple[Signed, ...]
    unasked: tuple[tuple[Signed, ...], ...]

    @property
    def ready(self) -> bool:
        """Whether the new generation may take the place of the older one."""
        return self.joined.complete and not self.unknown


def reshare_of(view: View, vault: bytes) -> Reshare:
    """The latest that is under way, or else the latest that was finished. Raises NoReshareError."""
    found = under_way(view, vault) or [one for one in view.reshares(vault) if one.finished is not None]
    if not found:
        raise NoReshareError
    return found[-1]


def progress(view: View, plan: Reshare) -> Progress:
    gone = view.taken_back()
    every = readable(_stored(view, plan))
    arrived = [one for one in every if one.public_key not in gone]
    trusted = [one for one in arrived if counts(view, one)]
    # Whoever has a ledger joined can write reports of anybody: they never stand before one of a compared key.
    latest = {
        one.report.party: one for one in sorted(arrived, key=lambda one: (one in trusted, one.report.time, one.data))
    }
    joined = join(plan, trusted, known_before(view, plan))
    if plan.open:
        joined = replace(joined, objections=(*joined.objections, *_out_of_reach(view, joined)))
    names = _names(plan, joined, latest)
    parties = tuple(_awaited(name, plan, joined, latest.get(name), trusted) for name in names)
    return Progress(
        plan=plan,
        joined=joined,
        parties=parties,
        unknown=max(plan.parties - len(parties), 0),
        leftovers=tuple(sorted(_leftovers(view, plan, plan.generation or joined.generation), key=_by_place)),
        taken_back=tuple(dict.fromkeys(one for one in every if one.public_key in gone)),
        compared_elsewhere=tuple(one for one in joined.good if not compared_here(view, one)),
        unasked=_unasked(view, joined),
    )


def _stored(view: View, plan: Reshare) -> list[StoredReport]:
    """What was reported to it, also where two computers have each begun it for themselves. What was reported to one
    that was given up is void, and so is what an earlier attempt has finished with."""
    same = [
        one
        for one in view.reshares(plan.vault)
        if one.older == plan.older and one.aborted is None and (one.finished is None or plan.finished is not None)
    ]
    found = [stored for one in {*same, plan} for stored in view.reports(one.plan)]
    return sorted(found, key=lambda one: (one.time, one.party, one.report))


def known_before(view: View, plan: Reshare) -> Known:
    """What its reports have to go with."""
    left = view.generation(plan.vault, plan.older)
    older = frozenset() if left is None else left.newer_than
    vault = view.vault(plan.vault)
    return Known(
        void=(older | view.given_up(plan.vault)) - {plan.generation},
        public_key_eddsa=None if vault is None else vault.public_key_eddsa,
        chain_code_digest=None if vault is None else vault.chain_code_digest,
    )


def _unasked(view: View, joined: Joined) -> tuple[tuple[Signed, ...], ...]:
    """Whoever joins the report of a second party is asked, and so is nobody of whose reports a ledger has brought one.
    Of a party that has reported again, what it said before was asked about, too."""
    reshares = [one for one in view.reshares(joined.plan.vault) if one.older == joined.plan.older]
    here = taken_in_here(view, reshares)
    found = []
    for key in dict.fromkeys(one.public_key for one in joined.good):
        said = tuple(one for one in joined.good if one.public_key == key)
        asked = {one.report.party for one in signed_by(view, key, reshares) if one.data in here}
        if len(said) > 1 and any(one.report.party not in asked for one in said):
            found.append(said)
    return tuple(found)


def _out_of_reach(view: View, joined: Joined) -> Iterable[Objection]:
    """To each party of whose new share no backup is left, as far as is known here."""
    vault = joined.plan.vault
    left = {(one.backup.party, one.backup.generation) for one in copies(view, vault) if one.fault != PLACE_LOST}
    known = {(one.place, one.backup_id): one for one in view.backups(vault, gone=True)}
    for told in (one.report for one in joined.good):
        if not told.kept or (told.party, told.share.generation) in left:
            continue
        why = [_why_gone(kept, view.place(kept.place), known.get((kept.place, kept.backup_id))) for kept in told.kept]
        if None not in why:
            words = (
                f"No backup of the new share of {told.party} is left: {', '.join(filter(None, why))}. Make another, on "
                "its own computer: coldshare reshare next NEW.vult --at PLACE. Then join its new report."
            )
            yield Objection("no_backup", told.party, words)


def _why_gone(kept: Kept, place: PlaceInfo | None, backup: Backup | None) -> str | None:
    """Of a reported backup that none is known to stand for; None for one that may well be there."""
    title = repr((kept.label or str(kept.place)) if place is None else place.title)
    if backup is not None and backup.gone is not None:
        return f"{title} has it no more"
    # A known one that is not gone, and is none that is left, is lost with its computer.
    return f"{title} is lost" if backup is not None or (place is not None and place.lost is not None) else None


def _names(plan: Reshare, joined: Joined, latest: Iterable[str]) -> tuple[str, ...]:
    """Those that the reports agree on; before there is one, the planned ones and whoever has reported."""
    if joined.good:
        return joined.good[0].report.signers
    planned = (*plan.staying, *plan.joining)
    return (*planned, *(party for party in latest if party not in planned))


def _awaited(name: str, plan: Reshare, joined: Joined, report: Signed | None, trusted: Sequence[Signed]) -> Awaited:
    objections = tuple(one for one in joined.objections if one.party == name)
    state: State = "server" if is_server_id(name) else "awaited"
    if report is not None:
        good = any(one.report.party == name for one in joined.good)
        state = "reported" if good and not objections else "rejected"
        if report not in trusted:
            state = "stranger"
    return Awaited(name, name not in plan.staying, state, report, objections)


def _leftovers(view: View, plan: Reshare, generation: bytes | None) -> Iterable[Leftover]:
    """Copies of every generation that is known to be older than the new one, where there is a new one; else of none.

    What nothing orders could be newer: nobody should destroy that.
    """
    if generation is None:
        return
    known = {one.generation: one for one in view.generations(plan.vault)}
    old, newer = {plan.older}, {generation}
    for one in (known[number] for number in (plan.older, generation) if number in known):
        old |= one.newer_than
    if generation in known:
        newer |= known[generation].older_than
    for copy in copies(view, plan.vault):
        if copy.backup.generation in old - newer:
            yield Leftover(copy, copy.backup.state == e.RETIRED)


def _by_place(left: Leftover) -> tuple[str, str, bytes]:
    return left.copy.place.title, left.copy.backup.party or "", left.copy.backup.backup_id
