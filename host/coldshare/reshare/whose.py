"""Whose word a report is: of which computer a key was compared, and what is new where it does not fit that.

A comparison says that one computer shows this key. So the key speaks for that computer, by its id, and for the party
that it reports; whoever controls one compared computer gets no other one's word by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from coldshare.identity import fingerprint, identity_path
from coldshare.ledger.queries import Reshare, StoredReport, View
from coldshare.paths import written
from coldshare.reshare.errors import KeyTakenBackError, NoSuchKeyError, ReportError, ReportForgedError
from coldshare.reshare.report import Signed, read

__all__ = [
    "Doubt",
    "Why",
    "check_own",
    "compared_here",
    "counts",
    "doubt",
    "keys_like",
    "readable",
    "same_fingerprint",
    "signed_by",
    "taken_in_here",
]

#: "stranger": nobody has compared its key. "other_key": that computer has signed with another one before.
#: "other_computer": its key was compared as another computer's. "other_party": its computer has reported of another
#: party already. "ours": it says that it is of this computer, and is not. "taken_back": its key counts no more.
Why: TypeAlias = Literal["stranger", "other_key", "other_computer", "other_party", "ours", "taken_back"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a report is not simply believed. `words` are a sentence. A person can dispel it, unless it is `final`."""

    why: Why
    words: str

    @property
    def final(self) -> bool:
        return self.why in ("ours", "taken_back")


def counts(view: View, signed: Signed) -> bool:
    """Whether its key was compared as that of the computer that it names, and was not taken back."""
    if signed.public_key in view.taken_back():
        return False
    return any((one.host, one.public_key) == (signed.report.host, signed.public_key) for one in view.identities())


def compared_here(view: View, signed: Signed) -> bool:
    """Whether that was done at this computer; else a ledger that was joined has told of it."""
    told = signed.report.host, signed.public_key
    return any((one.host, one.public_key) == told and view.host in one.by for one in view.identities())


def taken_in_here(view: View, reshares: Iterable[Reshare]) -> frozenset[bytes]:
    """The reports to these that this computer has taken in itself, as they came; not those that only a ledger has
    brought."""
    return frozenset(one.report for plan in reshares for one in view.reports(plan.plan) if view.host in one.by)


def doubt(view: View, signed: Signed) -> Doubt | None:
    """What speaks against taking it in; None for one that is believed."""
    told, key = signed.report, fingerprint(signed.public_key)
    if signed.public_key in view.taken_back():
        return Doubt("taken_back", f"The key {key} was taken back.")
    believed = counts(view, signed)
    if told.host == view.host:
        return None if believed else Doubt("ours", "It says that it is of this computer, and this one signs otherwise.")
    if not believed:
        known = [one for one in view.identities() if one.public_key not in view.taken_back()]
        others = sorted({one.name for one in known if one.public_key == signed.public_key})
        if others:
            named = ", ".join(repr(one) for one in others)
            return Doubt(
                "other_computer",
                f"The key {key} was compared as that of {named}, and this report says that it is of another computer, "
                f"{told.host_name!r}.",
            )
        if any(one.host == told.host for one in known):
            return Doubt("other_key", f"{told.host_name} signed with another key before.")
        return Doubt("stranger", f"Nobody has compared the key {key} with that computer.")
    said = _of_key(view, signed)
    here = taken_in_here(view, view.reshares(told.share.vault))
    parties = {one.report.party for one in said} - {told.party}
    if parties and told.party not in {one.report.party for one in said if one.data in here}:
        named = ", ".join(sorted(parties))
        return Doubt(
            "other_party",
            f"{told.host_name!r} has reported of {named} already, and now of {told.party}: it has the shares of both, "
            "or it speaks for another computer.",
        )
    return None


def _of_key(view: View, signed: Signed) -> list[Signed]:
    """What that key has reported to the same reshare."""
    told = signed.report
    same = [one for one in view.reshares(told.share.vault) if one.older == told.older]
    return [one for one in signed_by(view, signed.public_key, same) if one.report.older == told.older]


def signed_by(view: View, public_key: bytes, reshares: Iterable[Reshare]) -> list[Signed]:
    """All reports to these reshares that the ledger has of that key."""
    return [one for plan in reshares for one in readable(view.reports(plan.plan)) if one.public_key == public_key]


def readable(stored: Iterable[StoredReport]) -> list[Signed]:
    """A ledger that was joined can say anything; what does not hold is no report."""
    out = []
    for one in stored:
        try:
            out.append(read(one.report))
        except (ReportError, ReportForgedError):
            continue
    return out


def same_fingerprint(one: str, other: str) -> bool:
    """However the second one was typed."""
    return one.replace("-", "") == other.upper().replace("-", "").replace(" ", "")


def keys_like(view: View, typed: str) -> list[bytes]:
    """The keys with that fingerprint that were compared or have signed a report. Raises NoSuchKeyError."""
    signed = (one for plan in view.reshares() for one in readable(view.reports(plan.plan)))
    every = {one.public_key for one in view.identities()} | {one.public_key for one in signed}
    found = sorted(one for one in every if same_fingerprint(fingerprint(one), typed))
    if not found:
        compared = sorted((one.name, fingerprint(one.public_key)) for one in view.identities())
        known = ", ".join(f"{key} of {name!r}" for name, key in compared)
        told = f" Compared were: {known}." if known else ""
        raise NoSuchKeyError(f"No key with the fingerprint {typed} is known here.{told}")
    return found


def check_own(view: View, public_key: bytes) -> None:
    """Raise KeyTakenBackError where this computer's own key counts for nobody any more."""
    if public_key in view.taken_back():
        raise KeyTakenBackError(
            f"This computer's signing key, {fingerprint(public_key)}, was taken back.",
            next_step=f"Move its file away, {written(str(identity_path()))}, and run this again: it makes a new key, "
            "which the other computers have to compare.",
        )
