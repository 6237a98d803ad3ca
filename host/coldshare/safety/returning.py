"""Rules 3, 4 and 5 for a share that comes back: onto which device it may go, and what to say where it may not."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coldshare.ledger.events import FILE, Share, VaultSeen
from coldshare.ledger.queries import Party, View
from coldshare.safety import commands
from coldshare.safety.carriers import Copy, copies
from coldshare.safety.devices import device, doubt, in_doubt
from coldshare.safety.errors import (
    DuplicateVaultError,
    IncompatibleVaultError,
    OtherDeviceShareError,
    PartyAliveError,
    StaleShareError,
)
from coldshare.safety.unsettled import unsettled

__all__ = [
    "Allowed",
    "Coming",
    "Wish",
    "check",
    "command",
    "is_old",
    "notes",
    "same_name",
]


@dataclass(frozen=True, slots=True)
class Coming:
    """A share that is to come back. `told` is what its place or its seal says of it, `seen` what the opened file says;
    each None as long as it is not known. `old_there`: its place has it as retired, or has a newer one beside it;
    `replaces` are the generations of it that its place has as older ones."""

    backup_id: bytes
    vault: bytes
    party: str
    generation: bytes
    told: Share | None = None
    seen: VaultSeen | None = None
    old_there: bool = False
    replaces: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, backup_id: bytes, told: Share) -> Coming:
        return cls(backup_id, told.vault, told.party, told.generation, told)


@dataclass(frozen=True, slots=True)
class Wish:
    """`onto` is what the device is called. `turn` and `into` are both parties, where the person named them by hand."""

    onto: str
    although_alive: bool = False
    turn: str | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may go there. `turned` is the party whose share that device loses, None for none; `replaces` that the party's
    own device is lost; `elsewhere` are other parties, whose devices it must not go onto."""

    turned: str | None
    replaces: bool
    elsewhere: tuple[str, ...]
    warnings: tuple[str, ...]


def check(view: View | None, coming: Coming, wish: Wish) -> Allowed:
    """Whether that share may go onto that device, by what the ledger knows; `view` is None where there is no ledger.

    Raises IncompatibleVaultError, StaleShareError, PartyAliveError, DuplicateVaultError and OtherDeviceShareError.
    """
    known = [] if view is None else [one for one in view.parties(coming.vault) if one.party != coming.party]
    party = _party(view, coming)
    warnings = []
    if view is not None:
        _compatible(view, coming)
    _counts(view, coming, wish)
    if view is None or party is None:
        warnings.append(_nobody_knows(coming))
    else:
        warnings += _gone(view, coming, party, wish)
    turned = _turned(coming, known, wish)
    if view is not None and turned is not None:
        warnings.append(_given_up(view, coming, turned))
    return Allowed(
        turned,
        party is not None and party.lost is not None,
        tuple(one.party for one in known if one.lost is None and one.party != turned),
        tuple(warnings),
    )


def notes(view: View, coming: Coming) -> list[str]:
    """What to say of a share that is written out without a word on which device it goes. That its own place has it as
    an old one is known without a ledger, and not said here."""
    found = _stale(view, coming)
    if coming.old_there or found is not None:
        return [f"{found[0]} {_TOGETHER}"] if found is not None and not coming.old_there else []
    party = _party(view, coming)
    what = None if party is None else device(view, party, coming.generation)
    if party is None:
        return []
    if what in ("lost", "stale"):
        others = [one.party for one in view.parties(coming.vault) if one.party != party.party and one.lost is None]
        turns = f"On {' or '.join(others)} this share would turn that device into {party.party}. " if others else ""
        return [f"{turns}With --onto DEVICE coldshare checks where it goes, and the ledger has it."]
    if what == "server":
        return [_server(party.party)]
    on = party.device if what == "restored" else "its own device"
    return [
        f"{party.party} is not lost, as far as this computer's ledger knows. Import this share on {on} only: on any "
        "other it gives two devices one share, and brings no party back."
    ]


def is_old(view: View, coming: Coming) -> bool:
    """Whether it is known that a newer generation has replaced that of the share."""
    found = _stale(view, coming)
    return found is not None and found[1]


def same_name(one: str, other: str) -> bool:
    """Whether people would take the two for one name: case, spaces and how a letter is put together do not matter."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _party(view: View | None, coming: Coming) -> Party | None:
    known = [] if view is None else view.parties(coming.vault)
    return next((one for one in known if one.party == coming.party), None)


def _nobody_knows(coming: Coming) -> str:
    return (
        f"This computer's ledger does not know {coming.party}, so coldshare cannot tell whether its device is lost. If "
        "that still has its share, stop: two devices with one share bring no party back."
    )


# --- the vault


def _compatible(view: View, coming: Coming) -> None:
    differs = next(_differences(view, coming), None)
    if differs is not None:
        raise IncompatibleVaultError(f"This share has {differs} than the ledger knows of its vault.")


def _differences(view: View, coming: Coming) -> Iterator[str]:
    vault = view.vault(coming.vault)
    if vault is None:
        return
    seen, told, known = coming.seen, coming.told, view.generation(coming.vault, coming.generation)
    if seen is not None:
        if vault.public_key_eddsa not in (None, seen.public_key_eddsa):
            yield "another EdDSA key"
        if vault.chain_code_digest not in (None, seen.chain_code_digest):
            yield "another chain code"
    if told is None or known is None:
        return
    if known.threshold != told.threshold:
        yield "another threshold"
    if known.parties != told.parties:
        yield "another number of parties"
    if len(view.generations(coming.vault)) == 1 and vault.library != told.library:
        # A reshare may change the library, and the ledger has only the one that it was told of last.
        yield "another signing library"
    if seen is not None:
        if not {one.party for one in known.members} <= {*seen.signers}:
            yield "other parties"
        # By their points: in old vaults every device has an order of its own.
        shares = dict(zip(seen.points_ecdsa, seen.public_shares_ecdsa, strict=False))
        for one in known.members:
            share = shares.get(one.point_ecdsa or b"")
            if share is not None and one.public_share_ecdsa not in (None, share):
                yield f"another public share of {one.party}"
            own = one.party == coming.party and one.point_eddsa == seen.point_eddsa
            if own and one.public_share_eddsa not in (None, seen.public_share_eddsa):
                yield f"another public EdDSA share of {one.party}"


# --- rule 5

_TOGETHER: Final = (
    "Old shares sign with each other, and never with newer ones: import it nowhere but together with as many old ones "
    "as signing needs, and over no newer share."
)


def _stale(view: View | None, coming: Coming) -> tuple[str, bool] | None:
    """Why that generation does not count, if it does not; and whether it is known to be an old one."""
    named = f"This share of {coming.party} is of generation {coming.generation.hex()[:8]}"
    known = [] if view is None else view.generations(coming.vault)
    if view is None or not known:
        return (f"{named}, and its place has it as an old one.", True) if coming.old_there else None
    current, own = view.current(coming.vault), view.generation(coming.vault, coming.generation)
    newer = own.older_than - {own.generation} if own is not None else frozenset()
    if newer:
        by = current.generation.hex()[:8] if current is not None and current.generation in newer else "a newer one"
        return f"{named}, and {by} has replaced it.", True
    if coming.old_there or (own is not None and own.retired):
        return f"{named}, which was retired." if not coming.old_there else f"{named}, which its place has as old.", True
    if current is not None and current.generation == coming.generation:
        return None
    older = {coming.generation} | coming.replaces | (own.newer_than if own is not None else frozenset())
    if others := [one.generation.hex()[:8] for one in known if one.generation not in older]:
        return f"{named}, there is another one ({', '.join(others)}), and nothing tells which of them counts.", False
    return None


def _settled(view: View | None, coming: Coming) -> None:
    half = None if view is None else unsettled(view, coming.vault)
    if view is None or half is None or coming.generation not in (half.plan.older, half.generation):
        return
    vault, settle = view.vault(coming.vault), ""
    if vault is not None:
        carry_on, give_up = commands.reshare_status(view, vault), commands.reshare_abort(view, vault)
        settle = f": {carry_on}, or where the app has failed, {give_up}"
    raise StaleShareError(
        half.words,
        next_step=f"Carry the reshare to its end, or give it up{settle}. Only to have the file, onto no device: the "
        "same without --onto.",
    )


def _counts(view: View | None, coming: Coming, wish: Wish) -> None:
    _settled(view, coming)
    found = _stale(view, coming)
    if found is None:
        return
    why, old = found
    newer = None if view is None else _newer(view, coming)
    if not old:
        step = (
            "Say first which one is the newer, at a place that has a backup of it: coldshare retire --generation OLD "
            "--newer ID. Or take in the ledger of whoever made the reshare: coldshare ledger join FILE"
        )
    elif newer is None:
        step = f"No newer backup of it is known. What is possible: {commands.lost(coming.party)}"
    else:
        step = f"Restore the newer one, from {newer.place.title}: {command(newer, wish.onto)}"
    raise StaleShareError(
        f"{why} Shares of different generations never sign together.",
        next_step=f"{step}. Only to use old shares together, all of one generation: restore each without --onto.",
    )


def command(copy: Copy, onto: str) -> str:
    """What brings that backup onto the device called so."""
    which = "" if copy.backup.place.kind == FILE else f" --backup {copy.backup.backup_id.hex()[:8]}"
    return f"coldshare restore{which}{commands.behind(copy.place)} --onto {shlex.quote(onto)} --out FILE"


def _newer(view: View, coming: Coming) -> Copy | None:
    """The backup of that party to use instead: of the generation that counts, the one that was opened last."""
    current = view.current(coming.vault)
    if current is None or current.generation == coming.generation:
        return None
    found = [
        one
        for one in copies(view, coming.vault)
        if one.usable and (one.backup.party, one.backup.generation) == (coming.party, current.generation)
    ]
    return max(found, key=lambda one: (one.backup.opened or 0, one.backup.backup_id), default=None)


# --- rule 3


def _gone(view: View, coming: Coming, party: Party, wish: Wish) -> list[str]:
    """Warnings, where it may go on."""
    what = device(view, party, coming.generation)
    if what in ("lost", "stale"):
        return [doubt(party.device or "its device")] if in_doubt(view, party, coming.generation) else []
    lost = commands.lost(party.party)
    again = party.device is not None and same_name(party.device, wish.onto)
    if again and party.restored_generation == coming.generation:
        raise DuplicateVaultError(
            f"{party.device} has this very share of {party.party} already, and is not lost since.",
            next_step="If it was never imported there, restore it once more without --onto. If that device is gone, or "
            f"was reset: {lost}",
        )
    if what == "server":
        words, step = _server(party.party), f"If the vendor does not have it any more: {lost}"
    else:
        on = f"on {party.device}" if what == "restored" else "on its own device"
        words = (
            f"{party.party} is not lost, as far as this computer's ledger knows: its share is {on}. On another device "
            "it gives two devices one share, and brings no party back."
        )
        step = (
            f"If its device is gone, or was reset and has lost its share, say so first: {lost}. To import the share on "
            "its own device once more, restore it without --onto"
        )
    if wish.although_alive:
        return [words]
    raise PartyAliveError(words, next_step=f"{step}. If that is what you want all the same: --although-alive")


def _server(party: str) -> str:
    return f"{party} is the vendor's server. With its share on a device of yours, signing with the server breaks."


# --- rule 4


def _turned(coming: Coming, known: list[Party], wish: Wish) -> str | None:
    """The party whose device it is, once the person has named it and the one that it becomes."""
    owner = _owner(coming, known, wish.onto)
    if wish.turn is None and wish.into is None:
        if owner is None:
            return None
        whose = "is another party" if same_name(wish.onto, owner.party) else f"has the share of {owner.party}, a party"
        raise OtherDeviceShareError(
            f"{wish.onto} {whose} of this vault. Importing the share of {coming.party} there would turn it into "
            f"{coming.party}, and the share of {owner.party} would be gone from it.",
            next_step=f"Use a device that has no share of this vault, and give it a name of its own. If the share of "
            f"{owner.party} is to be given up, name both: --turn {shlex.quote(owner.party)} --into "
            f"{shlex.quote(coming.party)}",
            other=owner.party,
            party=coming.party,
        )
    named = [one for one in known if same_name(one.party, wish.turn or "")]
    exact = [one for one in named if one.party == wish.turn] or named
    if len(exact) != 1 or (owner is not None and exact[0] != owner) or not same_name(wish.into or "", coming.party):
        fits = f"It is the share of {coming.party}" + (
            f", and {wish.onto} is the device of {owner.party}." if owner else "."
        )
        others = ", ".join(one.party for one in known) or "none"
        raise OtherDeviceShareError(
            f"The names that were given do not fit. {fits}",
            next_step=f"Other parties of this vault that the ledger knows: {others}. Name with --turn whose device it "
            "is, and with --into whose share it gets; or neither, for a device that has no share of this vault.",
        )
    return exact[0].party


def _owner(coming: Coming, known: list[Party], onto: str) -> Party | None:
    """The other party whose device is called so."""
    if onto == coming.party and not any(one.device == onto for one in known):
        return None
    fits = [one for one in known if same_name(one.party, onto) or same_name(one.device or "", onto)]
    # The device that a party's share was restored onto, before one that had its share long ago.
    fits.sort(key=lambda one: (not same_name(one.device or "", onto), one.party != onto))
    return fits[0] if fits else None


def _given_up(view: View, coming: Coming, turned: str) -> str:
    current = view.current(coming.vault)
    kept = [
        one.place.title
        for one in copies(view, coming.vault)
        if one.usable
        and one.backup.party == turned
        and (current is None or one.backup.generation == current.generation)
    ]
    if kept:
        return f"That device loses the share of {turned}. Backups of it: {', '.join(dict.fromkeys(kept))}."
    return f"That device loses the share of {turned}, and NO backup of it is known that would open. Back it up first."
