"""After a loss: what to look for, what not to do, and what remains to be done, each only where it applies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import Backup, Generation, Party, PlaceInfo, Vault, View
from coldshare.safety import carriers as c
from coldshare.safety import commands
from coldshare.safety.carriers import Copy
from coldshare.safety.resharing import under_way
from coldshare.safety.unsettled import Unsettled
from coldshare.vault.facts import is_server_id

__all__ = ["Note", "Situation", "after", "half_reshared", "listed", "missing", "never", "unordered"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know. `code` is stable; `rule` is the number of the rule that it is a case of, None for none;
    `command` is what to type, empty for nothing."""

    code: str
    words: str
    command: str = ""
    rule: int | None = None
    parties: tuple[str, ...] = ()
    backups: tuple[Backup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is judged: the loss of the device of `own`, in the generation that counts.

    `held` are all backups of the vault. Of the other parties `live` have a device of their own, and `gone` neither that
    nor a backup that would open; `unknown` have not even a name. `found` says whether the lost share has a backup that
    would open, `importing` and `resharing` which way is possible. `restoring` are the parties whose shares are to be
    brought back for that, `handled` those whose shares this computer had in the clear before. `last_resorts` are sets
    of parties with older shares that sign together. `reached` are the places at hand.
    """

    view: View
    vault: Vault
    current: Generation
    own: Party
    member: bool
    held: Sequence[Copy]
    live: tuple[str, ...]
    gone: tuple[str, ...]
    unknown: int
    found: bool
    importing: bool
    resharing: bool
    restoring: frozenset[str]
    handled: frozenset[str]
    last_resorts: tuple[tuple[str, ...], ...]
    reached: frozenset[Place]

    @property
    def party(self) -> str:
        return self.own.party

    @property
    def helped(self) -> bool:
        return self.importing or self.resharing


def listed(names: Sequence[str], last: str = "and") -> str:
    """`Phone, Laptop and Tablet`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _where(copies: Iterable[Copy]) -> str:
    return ", ".join(
        f"{one.backup.backup_id.hex()[:8]} ({one.backup.party or 'unnamed'}, at {one.place.title})" for one in copies
    )


def missing(case: Situation) -> Iterable[Note]:
    """What to look for. With one of the ways at hand, only what the lost party itself lacks for the other one."""
    if is_server_id(case.party):
        yield Note(
            "server_lost",
            f"{case.party} is the vendor's server. Ask the vendor first: it sends its share by e-mail. Import that on "
            "a device only if the server is gone for good: that device takes the server's place.",
            parties=(case.party,),
        )
    if not case.member or case.importing:
        return
    wanted = [] if case.found else [case.party]
    if not case.helped:
        wanted += case.gone
    for whose in wanted:
        its = [
            one for one in case.held if one.backup.party == whose and one.backup.generation == case.current.generation
        ]
        for copy in its:
            if copy.fault is not None:
                yield _faulty(case, copy, copy.fault, whose)
        if not its:
            yield Note("no_backup", f"Of {whose} this ledger knows no backup that counts.", parties=(whose,))
    yield from _nameless(case.view)
    if case.helped:
        return
    for whose in wanted:
        yield Note(
            "device",
            f"If the device of {whose} is found, say so:",
            commands.found(whose),
            parties=(whose,),
        )
    if case.unknown:
        yield Note(
            "unknown_parties",
            f"Of {case.unknown} {'party' if case.unknown == 1 else 'parties'} of this vault this ledger does not even "
            "know the name. Whoever has that device may have a ledger, too. Bring the two together:",
            "coldshare ledger join FILE",
        )


def _nameless(view: View) -> Iterable[Note]:
    nameless = [one for one in view.backups() if one.vault is None]
    places = {info.place: info for info in view.places()}
    for place in sorted({one.place for one in nameless}):
        info = places[place]
        if info.lost is not None:
            continue
        yield Note(
            "nameless",
            f"Nobody has told whose shares some backups at {info.title} are. They may be what you need. This finds it "
            "out, with their password or recovery code:",
            f"coldshare verify{commands.behind(info)}",
            backups=tuple(one for one in nameless if one.place == place),
        )


def _faulty(case: Situation, copy: Copy, fault: str, party: str) -> Note:
    backup, title, places = copy.backup, copy.place.title, case.view.places()
    gone = commands.missing(copy.place, places)
    here = f"But {title} is at hand. If you rely on it again" if copy.place.place in case.reached else ""
    short = backup.backup_id.hex()[:8]
    verify = commands.verify(backup, copy.place)
    what, command = {
        c.PLACE_LOST: (
            f" {here or f'Look for {_title(case.view, gone)}. If it is found'}, say so:",
            f"coldshare place found {commands.named(gone, places)}",
        ),
        c.NEEDS_TOKEN: (
            f" Look for that token, and for a recovery code with {short} beside it. With the code:",
            f"{verify} --recovery",
        ),
        c.KEYLESS: (f" Look for a recovery code with {short} beside it. With the code:", f"{verify} --recovery"),
        c.UNCONFIRMED: (" It may be whole all the same. This reads it back, and then it counts:", verify),
        c.FAILED: (" Try it once more, with another cable or reader:", verify),
        c.DAMAGED: (" Try it once more, with another cable or reader:", verify),
        c.DISPUTED: (" One of the two is true. This opens it and says which:", verify),
    }.get(fault, ("", ""))
    told = f"Backup {short} of {party}, at {title}, is no help as it is: {c.FAULTS[fault]}."
    return Note(fault, told + what, command, parties=(party,), backups=(backup,))


def _title(view: View, info: PlaceInfo) -> str:
    names = [one.name for one in view.hosts() if info.place == Place(e.COMPUTER, one.host) and one.name]
    return f"the computer {names[0]}" if names and not info.called else info.title


def unordered(view: View, vault: Vault, candidates: Sequence[Generation], held: Sequence[Copy]) -> Iterable[Note]:
    """How to find out, and to tell, which generation counts."""
    if len(candidates) == 1:
        yield Note(
            "find_out",
            f"The only generation of {vault.name!r} that is known, {candidates[0].generation.hex()[:8]}, was retired, "
            "so a newer one must be somewhere. Export the vault file on any device that has it, and:",
            "coldshare backup FILE --newer",
        )
        return
    named = listed([one.generation.hex()[:8] for one in candidates])
    yield Note(
        "find_out",
        f"Of the generations {named} the one counts that the devices have now. Export the vault file of "
        f"{vault.name!r} on any device that has it, and look at the generation that this shows:",
        "coldshare inspect FILE",
    )
    for newer in candidates:
        for copy in held:
            if copy.backup.generation != newer.generation or not copy.usable or copy.backup.place.kind == e.FILE:
                continue
            short, where = copy.backup.backup_id.hex()[:8], commands.behind(copy.place)
            for older in candidates:
                if older is not newer:
                    yield Note(
                        "tell",
                        f"If it is {newer.generation.hex()[:8]}, say so at {copy.place.title}, which has a share of "
                        "it:",
                        f"coldshare retire --generation {older.generation.hex()} --newer {short}{where}",
                        backups=(copy.backup,),
                    )
            break


def half_reshared(view: View, vault: Vault, party: str, half: Unsettled) -> Iterable[Note]:
    """What settles a reshare of which nobody knows where it has come to, when a device is lost meanwhile."""
    yield Note("half_reshared", half.words)
    yield Note(
        "carry_on",
        "If the app has come to its end on every device, the new shares count. What is still awaited, from each of the "
        "others:",
        commands.reshare_status(view, vault),
    )
    yield Note(
        "give_up",
        f"If it has failed, or if {party} had a new share that was backed up nowhere, give it up. coldshare says then "
        "what the devices have, and how to go back or on:",
        commands.reshare_abort(view, vault),
    )
    yield Note("ask_again", "Then ask once more:", commands.lost(party), parties=(party,))


def never(case: Situation) -> Iterable[Note]:
    """What not to do."""
    backed_up = [one for one in case.live if any(copy.usable and copy.backup.party == one for copy in case.held)]
    if backed_up and case.member and not case.last_resorts:
        yield Note(
            "party_alive",
            f"Do not import the backup of {listed(backed_up, 'or')} to replace {case.party}. A backup restores the "
            f"party it came from and no other: two devices would have one share, and {case.party} would be as lost as "
            "before.",
            rule=3,
            parties=tuple(backed_up),
        )
    if case.importing and case.live:
        yield Note(
            "other_device_share",
            f"Do not import the backup of {case.party} on the device of {listed(case.live, 'or')}. That would turn "
            f"that device into {case.party}, and its own share could be lost. Take a device that has no share of this "
            "vault.",
            rule=4,
            parties=case.live,
        )
    stale = [one for one in case.held if one.backup.generation in case.current.newer_than]
    if stale and not case.last_resorts:
        yield Note(
            "stale_share",
            f"Do not import these: {_where(stale)}. They are older than the last reshare and never replace a newer "
            "share. They do not sign together with the newer ones, and they still do with each other.",
            rule=5,
            parties=_parties(stale),
            backups=tuple(one.backup for one in stale),
        )
    wrong = [
        one
        for one in case.held
        if one.fault in (c.FAILED, c.DISPUTED) and one.backup.generation == case.current.generation
    ]
    if wrong:
        yield Note(
            "wrong_shares",
            f"Do not rely on these: {_where(wrong)}. They were not good when they were looked at last.",
            rule=7,
            parties=_parties(wrong),
            backups=tuple(one.backup for one in wrong),
        )
    if case.last_resorts:
        yield Note(
            "mixed_generations",
            "Do not mix. Older shares sign with each other only: restore enough of one generation, each onto an empty "
            "device of its own, and no newer one beside them. Never import one where a newer share is.",
            rule=7,
        )
    yield from _together(case)


def _together(case: Situation) -> Iterable[Note]:
    t = case.current.threshold
    restoring, handled = sorted(case.restoring), sorted(case.handled)
    before = [one for one in handled if one not in case.restoring]
    if restoring and before and len({*restoring, *handled}) >= t:
        yield Note(
            "single_host",
            f"Do not restore {listed(restoring)} on this computer. It has had the share of {listed(before)} in the "
            f"clear, and any {t} sign: whoever controls this computer could sign alone. Take another one.",
            rule=1,
            parties=tuple(sorted({*restoring, *handled})),
        )
    several = [set(one) for one in case.last_resorts] or [{*restoring}]
    if any(len(one) >= max(t, 2) for one in several):
        named = sorted(set().union(*several))
        yield Note(
            "together",
            f"Do not restore the shares of {listed(named)} on one computer. It would hold as much as the whole key. "
            "Restore each of them on another computer.",
            rule=1,
            parties=tuple(named),
        )


def _parties(copies: Iterable[Copy]) -> tuple[str, ...]:
    return tuple(sorted({one.backup.party for one in copies if one.backup.party is not None}))


def after(case: Situation) -> Iterable[Note]:
    """What remains true, and what remains to be done, when a way has been gone."""
    if not case.member:
        yield Note(
            "old_share",
            f"{case.party} is no party of the generation that counts, so nothing has to be brought back. Its share is "
            "old. It does not sign together with the newer ones, and it still does with other old ones.",
            rule=5,
            parties=(case.party,),
        )
    if case.importing and not is_server_id(case.party):
        first = "" if case.own.device is None else f" There are two of them: the first one, and {case.own.device}."
        yield Note(
            "same_share",
            "An imported backup is the same share as the one on the lost device. Whoever has that device has a share "
            f"that works.{first} If it may be in somebody's hands, reshare as soon as enough devices are there: the "
            "new shares do not sign with the old one.",
            parties=(case.party,),
        )
    if case.member and not case.helped:
        return
    old = [one for one in case.held if case.member or one.backup.generation in case.current.newer_than]
    if old and under_way(case.view, case.vault.vault):
        # Until every device has its new share, the old ones may be what signs.
        yield Note(
            "keep_old",
            "A reshare is under way. Destroy nothing before it is finished and the new shares have signed once. What "
            "it waits for:",
            commands.reshare_status(case.view, case.vault),
            rule=5,
        )
    elif old:
        when = "Only after a reshare, when its new shares" if case.member else "When the newer shares"
        which = "from before it" if case.member else "of an older generation"
        yield Note(
            "destroy_old",
            f"{when} have signed once: destroy every backup {which}. Old shares still sign with each other, and with "
            f"the one on the lost device. Known copies: {_where(old)}. Think of what was copied elsewhere, too.",
            rule=5,
            parties=_parties(old),
            backups=tuple(one.backup for one in old),
        )
    if case.member:
        yield Note(
            "back_up_again",
            "After a reshare every share is new, and every party needs a new backup, in a place of its own.",
            rule=2,
        )
