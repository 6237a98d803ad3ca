"""Judgements of `coldshare.safety` in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli.when import date, when
from coldshare.errors import EXIT_ATTEND
from coldshare.ledger.events import PLACES
from coldshare.safety import commands
from coldshare.safety.carriers import FAILED, FAULTS, PLACE_LOST
from coldshare.safety.due import to_come
from coldshare.safety.elsewhere import do
from coldshare.safety.verdicts import VERDICTS

if TYPE_CHECKING:
    from coldshare.ledger.events import Place
    from coldshare.ledger.queries import Backup, PlaceInfo, Vault, View
    from coldshare.safety.carriers import Copy
    from coldshare.safety.due import Reminder
    from coldshare.safety.standing import Finding, PartyStanding, Standing

__all__ = [
    "Book",
    "aged",
    "device",
    "fault",
    "headline",
    "kind",
    "lines",
    "may_lose",
    "needs",
    "overdue",
    "proofs",
    "rehearsed",
    "summary",
    "where",
]


def kind(place: Place) -> str:
    return PLACES.get(place.kind, "place")


def headline(standing: Standing) -> tuple[str, str]:
    """The verdict, loud, and what it means: `SAFE`, `You can lose any 3 more things.`"""
    meaning = standing.sentence.removeprefix("safe: ")
    return standing.verdict.replace("_", " ").upper(), f"{meaning[0].upper()}{meaning[1:]}."


def summary(standing: Standing) -> list[str]:
    """What kind of vault it is, the most important first."""
    from coldshare.declare import library_name

    generation = standing.generation
    library = library_name(standing.vault.library)
    if generation is None:
        return [library, *(f"{one.threshold} of {one.parties}" for one in standing.candidates[:1])]
    reshared = ", reshared" if generation.reshared else ""
    told = f"generation {generation.generation.hex()[:8]}{reshared}"
    return [f"{generation.threshold} of {generation.parties}", library, told]


def needs(standing: Standing) -> str:
    """How far it is from the threshold; empty where nothing tells which generation counts."""
    generation = standing.generation
    if generation is None:
        return ""
    if standing.half is not None:
        told = len(standing.half.reported)
        return f"{generation.threshold} sign, {told} of {generation.parties} {'has' if told == 1 else 'have'} reported"
    have = sum(one.reachable for one in standing.parties)
    words = f"{generation.threshold} sign, {have} of {generation.parties} can be reached"
    if have >= generation.threshold:
        spare = have - generation.threshold
        return f"{words}: {spare} to spare" if spare else f"{words}: none to spare"
    return words if standing.unknown else f"{words}: {generation.threshold - have} missing"


def may_lose(standing: Standing) -> str:
    """Of a vault that is not safe and still can sign. Empty where it is told already, or nothing can be relied on."""
    margin = standing.margin
    if margin is None or VERDICTS[standing.verdict][1] != EXIT_ATTEND:
        return ""
    if not margin:
        return "Nothing more may be lost."
    return "Any one more thing may be lost." if margin == 1 else f"Any {margin} more things may be lost."


def overdue(standing: Standing) -> str:
    count = len(standing.reminders)
    return "1 backup should be looked at again." if count == 1 else f"{count} backups should be looked at again."


def rehearsed(standing: Standing, now: int) -> str:
    """What drills have come to, in a sentence or two."""
    rehearsal = standing.rehearsal
    if all(one.drill is None for one in rehearsal.backups):
        return "" if not rehearsal.backups else "None yet: coldshare drill"
    words = rehearsal.words[0].removeprefix(f"{rehearsal.name}: ")
    due = rehearsal.next_due
    upcoming = f" Next drill: {date(due)}." if due is not None and due > now else ""
    return f"{words[0].upper()}{words[1:]}{upcoming}"


def device(one: PartyStanding, now: int) -> tuple[str, str]:
    """What to call the party's device, and what became of it."""
    if one.device == "lost":
        return "its device", "LOST" if one.lost is None else f"LOST {when(one.lost, now)}"
    if one.device == "server":
        return "the vendor's server", "signs as long as the vendor lets it"
    if one.device == "stale":
        own = "its device" if one.restored is None else "its new device"
        doubt = "may have" if one.in_doubt else "got"
        return one.device_name or own, f"{doubt} a share of another generation"
    if one.device == "restored":
        since = "" if one.restored is None else f", restored {when(one.restored, now)}"
        became = "its new share is not reported" if one.awaited else "alive"
        return one.device_name or "its new device", f"{became}{since}"
    return "its device", "its new share is not reported" if one.awaited else "alive"


def where(info: PlaceInfo) -> list[str]:
    """What people have said of where it is, and what coldshare has seen."""
    said = (("", info.location), ("with ", info.custodian), ("account ", info.account))
    seen = ["on a computer's own disk"] if info.built_into else []
    return [*(f"{before}{words}" for before, words in said if words), *seen]


def fault(copy: Copy) -> str:
    """Why it would not open; empty if it would."""
    if copy.fault is None:
        return ""
    code, lost = copy.backup.failed_code, copy.place.lost
    if copy.fault == PLACE_LOST and lost is not None:
        return f"{FAULTS[copy.fault]}, since {date(lost)}"
    return FAULTS[copy.fault] + (f" ({code})" if copy.fault == FAILED and code else "")


def proofs(backup: Backup, now: int) -> tuple[str, str]:
    """When its seal was opened last, and when it was drilled."""
    return _proof("verified", backup.opened, now), _proof("drilled", backup.drilled, now)


def _proof(done: str, at: int | None, now: int) -> str:
    if at is None:
        return f"never {done}"
    return f"{done} {date(at)}, which is still to come" if to_come(at, now) else f"{done} {when(at, now)}"


def aged(copy: Copy, standing: Standing) -> str:
    """Of a backup that is not of the generation that counts."""
    generation = copy.backup.generation
    which = "given-up" if generation in standing.given_up else "older"
    return f"{which} generation" if generation is None else f"{which} generation {generation.hex()[:8]}"


class Book:
    """What the places and vaults of one ledger are called."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._places = {one.place: one for one in view.places()}
        self._vaults = [one.name for one in view.vaults()]

    def vault(self, vault: Vault) -> str:
        """Its name, with the first digits of its public key where that alone says little."""
        key = f"key {vault.vault.hex()[:8]}"
        if not vault.name:
            return key
        return vault.name if self._vaults.count(vault.name) < 2 else f"{vault.name}, {key}"

    def reminder(self, one: Reminder, now: int) -> tuple[str, str]:
        """What is due, and the command."""
        info = self._places[one.backup.place]
        of = f"The backup of {one.backup.party} at {info.title}"
        command = (commands.drill if one.what == "drill" else commands.verify)(one.backup, info)
        command = do(self._view, one.backup, info, "", command)
        done = "drilled" if one.what == "drill" else "verified"
        if one.last is None:
            return f"{of} was never {done}.", command
        if not one.believable:
            return f"{of} was {done} on {date(one.last)}, as it seems. That is still to come: do it again.", command
        return f"{of} was {done} {when(one.last, now)}.", command

    def nameless(self, one: Backup) -> tuple[str, str]:
        info = self._places[one.place]
        return (
            f"Nobody has told whose share backup {one.backup_id.hex()[:8]} at {info.title} is.",
            commands.verify(one, info),
        )


def lines(standing: Standing, book: Book, now: int) -> list[str]:
    """All of it, without any drawing."""
    loud, meaning = headline(standing)
    out = [f"{book.vault(standing.vault)}: {', '.join(summary(standing))}", f"  {loud}: {meaning}"]
    if reached := needs(standing):
        out.append(f"  Shares: {reached}.")
    if lose := may_lose(standing):
        out.append(f"  {lose}")
    if standing.reminders:
        out.append(f"  {overdue(standing)}")
    for one in standing.parties:
        title, became = device(one, now)
        out.append(
            f"  {one.party}: {title} {became}" if one.device == "server" else f"  {one.party}: {title}: {became}"
        )
        out += [f"    {_copy(copy, now)}" for copy in one.copies]
        out += [f"    {_copy(copy, now, aged(copy, standing))}" for copy in one.older]
        if not one.copies and one.device != "server":
            out.append("    NO BACKUP of the generation that counts" if one.older else "    NO BACKUP")
    for copy in standing.strangers:
        # Who was to join by a reshare that was given up was none.
        was = "no party" if copy.backup.generation in standing.given_up else "no party any more"
        out.append(f"  {copy.backup.party}, {was}: {_copy(copy, now, aged(copy, standing))}")
    if drills := rehearsed(standing, now):
        out.append(f"  Drills: {drills}")
    for finding in standing.findings:
        out += _finding(finding)
    for reminder in standing.reminders:
        words, command = book.reminder(reminder, now)
        out += [f"  due since {date(reminder.due)}: {words}" if reminder.due else f"  due: {words}"]
        out += [f"    Next: {command}"]
    return out


def _finding(one: Finding) -> list[str]:
    out = [f"  {one.code if one.counts else 'note'}: {one.words}"]
    return [*out, f"    Next: {one.next_step}"] if one.next_step else out


def _copy(copy: Copy, now: int, old: str = "") -> str:
    told = ", ".join([kind(copy.place.place), *where(copy.place)])
    state = [old] if old else [fault(copy)] if copy.fault else []
    proved = "; ".join([*state, ", ".join(proofs(copy.backup, now))])
    return f"{copy.place.title} ({told}): {copy.backup.backup_id.hex()[:8]}, {proved}"
