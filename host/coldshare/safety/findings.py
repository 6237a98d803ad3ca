"""What there is to say about a vault, one function for each thing. What counts and what is only said: `verdicts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import Generation, Party, PlaceInfo, Reshare, Vault, View
from coldshare.safety import carriers as c
from coldshare.safety import commands
from coldshare.safety.apart import Together
from coldshare.safety.carriers import Copy
from coldshare.safety.devices import device, doubt, left_behind
from coldshare.safety.due import day, to_come
from coldshare.safety.elsewhere import do
from coldshare.safety.named import vault_argument
from coldshare.safety.rehearsal import Rehearsal
from coldshare.safety.returning import command
from coldshare.safety.unsettled import Unsettled
from coldshare.safety.verdicts import VERDICTS, Finding, PartyStanding

__all__ = ["Facts", "findings"]

#: Commands that one next step names; the others are in `coldshare place list`.
_NAMED_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What `standing` has found out about one vault; the names are those of `standing.Standing`. `copies` are all its
    backups that are there; `resharing` is the reshare that is under way."""

    view: View
    vault: Vault
    generation: Generation | None
    candidates: Sequence[Generation]
    parties: Sequence[PartyStanding]
    strangers: Sequence[Copy]
    unknown: int
    together: Sequence[Together]
    copies: Sequence[Copy]
    rehearsal: Rehearsal
    resharing: Reshare | None
    half: Unsettled | None
    now: int

    @property
    def awaited(self) -> bool:
        """Whether a reshare is under way that has made new shares already."""
        going = self.resharing
        return going is not None and self.generation is not None and self.generation.generation != going.older

    @property
    def backup(self) -> str:
        """What backs up a share that has no backup."""
        return "reshare next FILE" if self.awaited else "backup FILE"

    @property
    def backup_newer(self) -> str:
        """What backs up a share beside an older one."""
        return "reshare next FILE" if self.awaited else "backup FILE --newer"

    @property
    def reshare_status(self) -> str:
        return commands.reshare_status(self.view, self.vault)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """The worst first."""
    found = [
        *_below(facts),
        *_mixed(facts),
        *_contradictory(facts.candidates),
        *_wrong(facts),
        *_rehearsed(facts),
        *_apart(facts),
        *_half(facts),
        *_backed_up(facts),
        *_verified(facts),
        *_lost(facts.parties),
        *_notes(facts),
    ]
    order = list(VERDICTS)
    return tuple(sorted(found, key=lambda one: order.index(one.code) if one.counts else len(order)))


def _half(facts: Facts) -> Iterable[Finding]:
    half = facts.half
    if half is None:
        return
    yield Finding(
        "half_reshared",
        f"{half.words} Keep the shares of both.",
        f"If the app has come to its end on every device, carry on: {facts.reshare_status}. If it has "
        f"failed, give it up: {commands.reshare_abort(facts.view, facts.vault)}",
        half.awaited,
    )


def _below(facts: Facts) -> Iterable[Finding]:
    told = {one.party: one for one in facts.view.parties(facts.vault.vault)}
    best: tuple[int, tuple[str, ...], int] | None = None
    for generation in facts.candidates:
        reached = _reach(facts.view, generation, facts.parties, told)
        missing = generation.threshold - len(reached) - facts.unknown
        if missing <= 0:
            return
        if best is None or missing < best[0]:
            best = missing, reached, generation.threshold
    if best is None:
        return
    _, reached, threshold = best
    have = f"{len(reached)} can be reached: {', '.join(reached)}" if reached else "none can be reached"
    needed = "1 share is" if threshold == 1 else f"{threshold} shares are"
    yield Finding("below_threshold", f"{needed} needed to sign, and {have}.", _look_for(facts, set(reached)), reached)


def _reach(
    view: View, generation: Generation, parties: Iterable[PartyStanding], told: Mapping[str, Party]
) -> tuple[str, ...]:
    """The parties whose share of that generation is on a live device, or in a backup that would open."""
    members = {one.party for one in generation.members}
    return tuple(
        one.party
        for one in parties
        if one.party in members
        and (
            (
                one.party in told
                and device(view, told[one.party], generation.generation) in ("alive", "restored", "server")
            )
            or any(copy.backup.generation == generation.generation for copy in one.usable)
        )
    )


def _look_for(facts: Facts, reached: set[str]) -> str:
    missing = [one for one in facts.parties if one.party not in reached]
    known = facts.view.places()
    lost = [commands.missing(copy.place, known) for one in missing for copy in one.copies if copy.fault == c.PLACE_LOST]
    said = [f"coldshare place found {one}" for one in dict.fromkeys(commands.named(info, known) for info in lost)]
    said += [commands.found(one.party) for one in missing if one.lost is not None]
    steps = ["Look for what is missing."]
    if said:
        steps.append(f"When it turns up, say so: {_some(said)}.")
    if missing:
        steps.append(f"What else is possible: {commands.lost(missing[0].party)}")
    return " ".join(steps)


def _some(said: Sequence[str]) -> str:
    more = len(said) - _NAMED_MAX
    return "; ".join(said[:_NAMED_MAX]) + (f"; and {more} more" if more > 0 else "")


def _mixed(facts: Facts) -> Iterable[Finding]:
    current = facts.generation
    if current is None:
        yield _unordered(facts)
        return
    stale = [one for one in facts.parties if not one.usable and any(copy.usable for copy in one.older)]
    have = sum(bool(one.usable) for one in facts.parties)
    if facts.awaited:
        return  # that is what a reshare looks like on its way, and the older backups still open together
    if stale and have < current.threshold <= have + len(stale):
        named = ", ".join(one.party for one in stale)
        there = "there is 1 backup" if have == 1 else f"there are {have} backups"
        yield Finding(
            "mixed_generations",
            f"The backups of {named} are of an older generation, and do not sign together with newer ones. Of the "
            f"generation that counts, {current.generation.hex()[:8]}, {there}, and signing needs "
            f"{current.threshold}.",
            "Back up the share that is on the device of each of them now: coldshare backup FILE --newer",
            tuple(one.party for one in stale),
            tuple(copy.backup for one in stale for copy in one.older),
        )


def _unordered(facts: Facts) -> Finding:
    listed = ", ".join(one.generation.hex()[:8] for one in facts.candidates)
    backups = tuple(copy.backup for one in facts.parties for copy in one.copies)
    if len(facts.candidates) == 1:
        return Finding(
            "mixed_generations",
            f"The only generation of {facts.vault.name!r} that is known, {listed}, was retired.",
            "Back up the share that is on each device now: coldshare backup FILE --newer",
            backups=backups,
        )
    return Finding(
        "mixed_generations",
        f"Nothing tells which generation of {facts.vault.name!r} counts: {listed}. Shares of different ones never sign "
        "together.",
        "Back up the share that is on each device now: coldshare backup FILE --newer. It asks at the token, or in the "
        "terminal, which one is the newer.",
        backups=backups,
    )


def _contradictory(candidates: Iterable[Generation]) -> Iterable[Finding]:
    """What no honest share of one generation can tell: then its threshold, or who has a share, may be made up."""
    for one in candidates:
        named = one.generation.hex()[:8]
        if one.disputed:
            words = (
                f"Generation {named} was told with different numbers of parties or signers. One of its shares is wrong."
            )
        elif len(one.members) > one.parties:
            parties = ", ".join(member.party for member in one.members)
            words = (
                f"Generation {named} has {one.parties} parties, and there are shares of {len(one.members)}: {parties}. "
                "One of them is wrong."
            )
        else:
            continue
        yield Finding(
            "wrong_shares",
            words,
            "Look at the vault file of each device: coldshare inspect FILE. Which backup is wrong: coldshare drill",
            tuple(member.party for member in one.members),
        )


_WRONG: Final = (c.FAILED, c.DAMAGED, c.DISPUTED)


def _wrong(facts: Facts) -> Iterable[Finding]:
    for party in facts.parties:
        for copy in party.copies:
            if copy.fault in _WRONG:
                short, where = copy.backup.backup_id.hex()[:8], copy.place.title
                why = f" ({copy.backup.failed_code})" if copy.backup.failed_code else ""
                again = _verify(facts, copy, "If the cable or the reader may be the cause, try again")
                yield Finding(
                    "wrong_shares",
                    f"Backup {short} of {party.party}, at {where}, is not good: {c.FAULTS[copy.fault]}{why}.",
                    f"Do not rely on it. {again}. Otherwise back up the share again from its device, and then: "
                    f"{commands.remove(copy.backup, copy.place)}",
                    (party.party,),
                    (copy.backup,),
                )


def _rehearsed(facts: Facts) -> Iterable[Finding]:
    """What only drills have shown; a backup that fails by itself is told above."""
    rehearsal = facts.rehearsal
    for one in rehearsal.backups:
        if one.wrong is None or one.copy.fault in _WRONG:
            continue
        backup, info = one.copy.backup, one.copy.place
        yield Finding(
            "wrong_shares",
            f"{one.title[0].upper()}{one.title[1:]} is not good: {one.wrong}.",
            f"Do not rely on it. {_drill(facts, one.copy, 'Drill it once more')}. If that says the same, back up "
            f"the share again from its device, and then: {commands.remove(backup, info)}",
            (one.party,),
            (backup,),
        )
    if rehearsal.in_question:
        yield Finding(
            "wrong_shares",
            f"What drills have recorded of {', '.join(rehearsal.in_question)} does not fit together, and nothing tells "
            "which of them is wrong.",
            "Drill another party, or another backup of one of them; then it shows: coldshare drill",
            rehearsal.in_question,
        )


_APART: Final = {
    "location": "Take one of them elsewhere, and say so: coldshare place set {place} --location WHERE",
    "custodian": "Give one of them to somebody else, and say so: coldshare place set {place} --custodian WHO",
    "account": "Keep one of them in another account, and say so: coldshare place set {place} --account WHICH",
}
_COMPUTER: Final = (
    "Handle each party's share on a computer of its own. What has happened is undone by a reshare only, in which each "
    "share stays on its own device. If it does not reach a place any more: coldshare place set PLACE --not-reached-by "
    "COMPUTER. To accept it, run a command that opens a share there with --single-host."
)


def _apart(facts: Facts) -> Iterable[Finding]:
    places = {one.place: one for one in facts.view.places()}
    for one in facts.together:
        code = "together" if one.serious else "single_host" if one.accepted else "reached"
        yield Finding(code, one.words, _separate(one, facts, places) if one.serious else "", one.parties)


def _separate(one: Together, facts: Facts, places: Mapping[Place, PlaceInfo]) -> str:
    if one.by == "computer":
        return _COMPUTER
    if one.by == "place":
        moved = [
            copy
            for copy in facts.copies
            if copy.backup.place in one.places and copy.backup.party == one.parties[-1] and copy.fault is None
        ]
        away = _some([commands.remove(copy.backup, copy.place) for copy in moved]) or "coldshare remove ID"
        return f"Back the share of {one.parties[-1]} up onto a place of its own, verify it, and remove it here: {away}"
    # A computer is seldom the one that moves.
    there = sorted((place for place in one.places if place in places), key=lambda place: place.kind == e.COMPUTER)
    return _APART[one.by].format(place=commands.named(places[there[0]], places.values()) if there else "PLACE")


def _backed_up(facts: Facts) -> Iterable[Finding]:
    if facts.unknown:
        several = facts.unknown > 1
        yield Finding(
            "not_all_backed_up",
            f"Of {facts.unknown} of its parties this ledger does not even know the name{'s' if several else ''}, nor "
            f"whether {'they have backups' if several else 'it has a backup'}.",
            "Bring the ledgers together: coldshare ledger join FILE. Or back up or verify the share of any party here; "
            "its vault file names them all.",
        )
    without = [one for one in facts.parties if not one.usable and one.device != "server"]
    dead = [one for one in without if not one.live]
    for one in dead:
        yield Finding(
            "not_all_backed_up",
            f"{one.party} has no device with a share that counts, and no backup that would open.",
            "Nothing that is known here brings its share back. Whether a reshare can replace it: "
            f"{commands.lost(one.party)}",
            (one.party,),
        )
    older = [one for one in without if one.live and any(copy.usable for copy in one.older)]
    if older:
        yield Finding(
            "not_all_backed_up",
            f"Only backups of an older generation: {_named(older)}.",
            f"Export the vault file on {_device(older)}, and: coldshare {facts.backup_newer}",
            tuple(one.party for one in older),
        )
    none = []
    for one in without:
        unconfirmed = [copy for copy in one.copies if copy.fault == c.UNCONFIRMED]
        if one.live and unconfirmed:
            first = unconfirmed[0]
            yield Finding(
                "not_all_backed_up",
                f"The backup of {one.party} at {first.place.title} was stored, and never read back.",
                _verify(facts, first, "Finish it"),
                (one.party,),
                tuple(copy.backup for copy in unconfirmed),
            )
        elif one.live and one not in older:
            none.append(one)
    if none:
        yield Finding(
            "not_all_backed_up",
            f"No backup that would open: {', '.join(map(_with_reason, none))}.",
            f"Export the vault file on {_device(none)}, and: coldshare {facts.backup}{_told_elsewhere(facts, none)}",
            tuple(one.party for one in none),
        )


def _told_elsewhere(facts: Facts, parties: Sequence[PartyStanding]) -> str:
    """Of whose backups this ledger has never heard, another one may know some."""
    told = {one.party for one in facts.view.backups(facts.vault.vault, gone=True)}
    never = [one for one in parties if one.party not in told]
    if not never:
        return ""
    return f". If another computer has backed up {_or(never)} already, take in its ledger: coldshare ledger join FILE"


def _or(parties: Sequence[PartyStanding], word: str = "or") -> str:
    *others, last = (one.party for one in parties)
    return f"{', '.join(others)} {word} {last}" if others else last


def _and(parties: Sequence[PartyStanding]) -> str:
    return _or(parties, "and")


def _with_reason(one: PartyStanding) -> str:
    why = [f"{copy.place.title}: {c.FAULTS[copy.fault]}" for copy in one.copies if copy.fault is not None]
    return f"{one.party} ({'; '.join(why)})" if why else one.party


def _named(parties: Iterable[PartyStanding]) -> str:
    return ", ".join(one.party for one in parties)


def _device(parties: Sequence[PartyStanding]) -> str:
    return "that device" if len(parties) == 1 else "each of these devices"


def _verified(facts: Facts) -> Iterable[Finding]:
    for one in facts.parties:
        if one.usable and one.verified is None:
            titles = ", ".join(copy.place.title for copy in one.usable)
            first = one.usable[0]
            yield Finding(
                "never_verified",
                f"No backup of {one.party} was ever opened to prove it: {titles}.",
                _verify(facts, first, "Prove it"),
                (one.party,),
                tuple(copy.backup for copy in one.usable),
            )


def _lost(parties: Iterable[PartyStanding]) -> Iterable[Finding]:
    """Those that have a backup left; of the others it is told that they have neither."""
    for one in parties:
        if one.in_doubt and one.usable:
            name = one.device_name or "its device"
            yield Finding(
                "device_lost",
                doubt(name),
                f"If it signs with the others, it has the newer share. To have that written down, bring it onto {name} "
                f"once more: {command(one.usable[0], name)}",
                (one.party,),
            )
        elif one.device in ("lost", "stale") and one.usable:
            words = (
                f"The device of {one.party} is lost. Whoever has it has its share, until the vault is reshared."
                if one.device == "lost"
                else f"{one.device_name or 'Its device'} got a share of {one.party} that is of another generation than "
                "the one that counts."
            )
            yield Finding("device_lost", words, f"What is possible now: {commands.lost(one.party)}", (one.party,))


def _notes(facts: Facts) -> Iterable[Finding]:
    if any(one.device == "server" for one in facts.parties):
        yield Finding(
            "server",
            "One party is the vendor's server: it signs as long as the vendor lets it, and sends its share by e-mail.",
        )
    yield from _to_come(facts)
    yield from _old_devices(facts)
    going = facts.resharing
    if going is not None and facts.half is None:
        yield Finding(
            "resharing",
            f"It is being reshared, away from generation {going.older.hex()[:8]}. Keep the shares of that one until it "
            "is finished.",
            f"What it waits for: {facts.reshare_status}",
        )
    current = facts.generation
    if current is None:
        return
    old = [one for party in facts.parties for one in party.older] + [
        one for one in facts.strangers if one.backup.generation in current.newer_than
    ]
    keep = [one for one in old if going is not None and one.backup.generation == going.older]
    rest = [one for one in old if one not in keep]
    if keep:
        yield _old_copies(keep, f"Keep them until the reshare is finished: {facts.reshare_status}")
    replaced = [one for one in rest if one.backup.generation in current.newer_than]
    other = [one for one in rest if one not in replaced]
    if replaced:
        away = _some([_away(one, facts.copies, current) for one in replaced])
        yield _old_copies(replaced, f"When the newer ones have signed once: {away}")
    if other:
        away = "If they were made by a reshare that was given up: "
        away += _some([_away(one, facts.copies, current) for one in other])
        yield _old_copies(other, away, "Shares that do not count")


def _old_devices(facts: Facts) -> Iterable[Finding]:
    """Lost devices in whose place others have come: nothing was taken from them."""
    counts = facts.generation
    if counts is None:
        return
    generation = counts.generation if facts.half is None else facts.half.plan.older
    told = {one.party: one for one in facts.view.parties(facts.vault.vault)}
    own = [one for one in facts.parties if one.party in told]
    replaced = [one for one in own if left_behind(facts.view, told[one.party], generation)]
    if not replaced:
        return
    many = len(replaced) > 1
    words = (
        f"{'Other devices have' if many else 'Another device has'} taken the place of the lost "
        f"{'ones' if many else 'one'} of {_and(replaced)}. What is on {'those' if many else 'that one'} still works"
    )
    gone = [one for one in own if one in replaced or one.device == "lost"]
    if len(gone) >= counts.threshold:
        words += f", and whoever has the lost devices of {_and(gone)} can sign."
        step = "Move the funds to a new vault. A reshare does not stop old shares that are enough to sign."
    else:
        words += ", until the vault is reshared."
        start = f"coldshare reshare start {vault_argument(facts.view, facts.vault)}"
        step = f"Reshare it: {start}" if facts.resharing is None else f"What it waits for: {facts.reshare_status}"
    yield Finding("old_device", words, step, tuple(one.party for one in replaced))


def _to_come(facts: Facts) -> Iterable[Finding]:
    """Dates that no right clock has written. What they are of has to be done again; of the rest nothing follows."""
    told = []
    again = []
    for copy in (one for party in facts.parties for one in party.usable):
        dates = {"verified": copy.backup.opened, "drilled": copy.backup.drilled}
        ahead = [f"{what} {day(at)}" for what, at in dates.items() if at is not None and to_come(at, facts.now)]
        if ahead:
            told.append((copy, f"{copy.backup.backup_id.hex()[:8]} at {copy.place.title} ({', '.join(ahead)})"))
            again.append((_drill if to_come(copy.backup.drilled, facts.now) else _verify)(facts, copy))
    if told:
        yield Finding(
            "to_come",
            f"A clock was wrong, or this computer's is: {', '.join(words for _, words in told)}. These dates are still "
            "to come, so nobody knows when it was, and they count for nothing.",
            f"See that the clock of this computer is right, and then: {_some(again)}",
            tuple(dict.fromkeys(copy.backup.party or "" for copy, _ in told)),
            tuple(copy.backup for copy, _ in told),
        )


def _verify(facts: Facts, copy: Copy, words: str = "") -> str:
    return do(facts.view, copy.backup, copy.place, words, commands.verify(copy.backup, copy.place))


def _drill(facts: Facts, copy: Copy, words: str = "") -> str:
    return do(facts.view, copy.backup, copy.place, words, commands.drill(copy.backup, copy.place))


def _old_copies(old: Sequence[Copy], next_step: str, what: str = "Older shares") -> Finding:
    listed = ", ".join(f"{one.backup.backup_id.hex()[:8]} at {one.place.title}" for one in old)
    words = f"{what} are still there: {listed}. They still sign with each other."
    return Finding("old_copies", words, next_step, backups=tuple(one.backup for one in old))


def _away(old: Copy, held: Iterable[Copy], current: Generation) -> str:
    """How an old share goes: retired first, where a newer one stands beside it."""
    backup, info = old.backup, old.place
    if info.place.kind == e.FILE:
        return commands.remove(backup, info)
    if backup.state == e.RETIRED:
        return commands.destroy(backup, info)
    beside = any(one.backup.place == info.place and one.backup.generation == current.generation for one in held)
    # What was given up with its reshare is no older one: it gives way to nothing, and goes by itself.
    if beside and backup.generation in current.newer_than:
        return f"{commands.retire(backup, info)}, and then {commands.destroy(backup, info)}"
    return commands.remove(backup, info)
