"""How safe a vault is: one verdict, and everything that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from coldshare.errors import EXIT_ATTEND, EXIT_DANGER
from coldshare.ledger.queries import Backup, Conflict, Generation, Party, Vault, View
from coldshare.safety import carriers as c
from coldshare.safety.apart import Together, together
from coldshare.safety.carriers import Carrier, Copy, Device, copies, device, margin
from coldshare.safety.due import Reminder, reminders

__all__ = ["VERDICTS", "Finding", "Overview", "PartyStanding", "Standing", "assess", "assess_vault"]

#: Every verdict, the worst first: what it means, and the exit status of a command that reports it.
VERDICTS: Final[Mapping[str, tuple[str, int]]] = {
    "below_threshold": ("fewer shares can be reached than signing needs", EXIT_DANGER),
    "mixed_generations": ("the shares are of generations that do not sign together", EXIT_DANGER),
    "wrong_shares": ("there are enough shares, but some are wrong", EXIT_DANGER),
    "together": ("shares that should be apart are together", EXIT_ATTEND),
    "not_all_backed_up": ("it can sign, but not every party has a backup", EXIT_ATTEND),
    "never_verified": ("every party has a backup, but some were never opened to prove them", EXIT_ATTEND),
    "device_lost": ("a device is lost, and its share is not on a new one yet", EXIT_ATTEND),
    "safe": ("safe", 0),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. `code` is a verdict, or for what is only said: `old_copies`, `unknown_parties`, `server`,
    `single_host`, `reached`. `next_step` is what to do, empty for nothing."""

    code: str
    words: str
    next_step: str = ""
    parties: tuple[str, ...] = ()
    backups: tuple[Backup, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it spoils the verdict."""
        return self.code in VERDICTS


@dataclass(frozen=True, slots=True)
class PartyStanding:
    """A party of the generation that counts. `copies` are its backups of that generation, `older` of all others.

    `device` is what became of the device with its live share, `device_name` the new one's name, `lost` since when.
    """

    party: str
    number: int | None
    device: Device
    device_name: str | None
    lost: int | None
    copies: tuple[Copy, ...]
    older: tuple[Copy, ...]

    @property
    def live(self) -> bool:
        """Whether a device of its own can sign."""
        return self.device in ("alive", "restored", "server")

    @property
    def usable(self) -> tuple[Copy, ...]:
        return tuple(one for one in self.copies if one.usable)

    @property
    def reachable(self) -> bool:
        return self.live or bool(self.usable)

    @property
    def verified(self) -> int | None:
        """When the seal of one that would open was opened last."""
        return max((one.backup.opened for one in self.usable if one.backup.opened is not None), default=None)

    @property
    def drilled(self) -> int | None:
        return max((one.backup.drilled for one in self.usable if one.backup.drilled is not None), default=None)

    @property
    def carriers(self) -> frozenset[Carrier]:
        own: set[Carrier] = {one.rests_on for one in self.usable}
        if self.device in ("alive", "restored"):
            own.add(self.party)
        return frozenset(own)


@dataclass(frozen=True, slots=True)
class Standing:
    """One vault. `generation` is the one that counts; None where nothing tells which one does, and then `parties` are
    those of all that could.

    `unknown` counts parties that the ledger has not even the names of. `margin` is how many more carriers (devices,
    tokens, sticks, files) may be lost, whichever they are: None below the threshold, and without a generation.
    `strangers` are backups of parties that the generation does not have. `findings` begin with the worst.
    """

    vault: Vault
    generation: Generation | None
    parties: tuple[PartyStanding, ...]
    strangers: tuple[Copy, ...]
    unknown: int
    margin: int | None
    together: tuple[Together, ...]
    findings: tuple[Finding, ...]
    reminders: tuple[Reminder, ...]

    @property
    def verdict(self) -> str:
        """A key of VERDICTS."""
        return next((one.code for one in self.findings if one.counts), "safe")

    @property
    def exit_status(self) -> int:
        status = VERDICTS[self.verdict][1]
        return EXIT_ATTEND if status == 0 and self.reminders else status

    @property
    def sentence(self) -> str:
        """The verdict for a person."""
        if self.verdict == "safe":
            more = "any one more thing" if self.margin == 1 else f"any {self.margin} more things"
            return f"safe: you can lose {more}"
        return VERDICTS[self.verdict][0]


@dataclass(frozen=True, slots=True)
class Overview:
    """All vaults. `nameless` are backups of which nobody has told whose they are."""

    standings: tuple[Standing, ...]
    nameless: tuple[Backup, ...]
    conflicts: tuple[Conflict, ...]

    @property
    def exit_status(self) -> int:
        """That of the worst vault. Nothing known is nothing proved, and a contradiction is to be settled."""
        worst = max((one.exit_status for one in self.standings), default=EXIT_ATTEND)
        return max(worst, EXIT_ATTEND) if self.nameless or self.conflicts else worst


def assess(view: View, now: int) -> Overview:
    """Every vault that the ledger knows. `now` is in microseconds since 1970."""
    return Overview(
        tuple(assess_vault(view, one, now) for one in view.vaults()),
        tuple(one for one in view.backups() if one.vault is None),
        tuple(view.conflicts()),
    )


def assess_vault(view: View, vault: Vault, now: int) -> Standing:
    found = copies(view, vault.vault)
    current = view.current(vault.vault)
    candidates = [current] if current is not None else _newest(view.generations(vault.vault))
    parties = _parties(view, vault, candidates, found)
    names = {one.party for one in parties}
    strangers = tuple(one for one in found if one.backup.party not in names)
    apart = tuple(together(view, vault.vault, found=found))
    unknown = 0 if current is None else max(current.parties - len(parties), 0)
    more = None
    if current is not None:
        servers = [one.party for one in parties if one.device == "server"]
        more = margin({one.party: one.carriers for one in parties}, current.threshold, always=servers)
    findings = [
        *_below(view, vault, candidates, parties, unknown),
        *_mixed(vault, current, candidates, parties),
        *_wrong(parties),
        *_apart(apart),
        *_backed_up(parties),
        *_verified(parties),
        *_lost(parties),
        *_notes(view, vault, current, parties, strangers, unknown, apart),
    ]
    order = list(VERDICTS)
    findings.sort(key=lambda one: order.index(one.code) if one.counts else len(order))
    due = reminders((one for party in parties for one in party.copies), now)
    return Standing(vault, current, parties, strangers, unknown, more, apart, tuple(findings), tuple(due))


def _newest(generations: Sequence[Generation]) -> list[Generation]:
    """Those that could be the one that counts: none is known to be newer, and not all of it was retired."""
    return [one for one in generations if not one.older_than - {one.generation}] or list(generations)


def _parties(
    view: View, vault: Vault, candidates: Sequence[Generation], found: Sequence[Copy]
) -> tuple[PartyStanding, ...]:
    told = {one.party: one for one in view.parties(vault.vault)}
    wanted = {one.generation for one in candidates}
    numbers: dict[str, int | None] = {}
    for generation in candidates:
        for member in generation.members:
            numbers.setdefault(member.party, member.number)
    out = []
    for name, number in numbers.items():
        party = told.get(name) or Party(vault.vault, name, None, None, None, None)
        own = [one for one in found if one.backup.party == name]
        out.append(
            PartyStanding(
                party=name,
                number=number,
                device=_device(view, party, candidates),
                device_name=party.device,
                lost=party.lost,
                copies=tuple(one for one in own if one.backup.generation in wanted),
                older=tuple(one for one in own if one.backup.generation not in wanted),
            )
        )
    return tuple(out)


def _device(view: View, party: Party, candidates: Iterable[Generation]) -> Device:
    """What has become of it, by that of the generations for which it looks best."""
    for one in candidates:
        found = device(view, party, one.generation)
        if found != "stale":
            return found
    return "stale"


def _reach(
    view: View, vault: Vault, generation: Generation, parties: Iterable[PartyStanding], told: Mapping[str, Party]
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


def _below(
    view: View, vault: Vault, candidates: Sequence[Generation], parties: Sequence[PartyStanding], unknown: int
) -> Iterable[Finding]:
    told = {one.party: one for one in view.parties(vault.vault)}
    best: tuple[int, tuple[str, ...], int] | None = None
    for generation in candidates:
        reached = _reach(view, vault, generation, parties, told)
        missing = generation.threshold - len(reached) - unknown
        if missing <= 0:
            return
        if best is None or missing < best[0]:
            best = missing, reached, generation.threshold
    if best is not None:
        have = ", ".join(best[1]) or "none"
        yield Finding(
            "below_threshold",
            f"{best[2]} shares are needed to sign, and {len(best[1])} can be reached: {have}.",
            "Look for what is missing, and say so when it is found: coldshare lost PARTY --found, coldshare place "
            "found PLACE. What else is possible: coldshare lost PARTY",
            best[1],
        )


def _mixed(
    vault: Vault, current: Generation | None, candidates: Sequence[Generation], parties: Sequence[PartyStanding]
) -> Iterable[Finding]:
    if current is None:
        listed = ", ".join(one.generation.hex()[:8] for one in candidates)
        yield Finding(
            "mixed_generations",
            f"Nothing tells which generation of {vault.name!r} counts: {listed}. Shares of different ones never sign "
            "together.",
            "Back up every device's own share as it is now; after a reshare with coldshare backup FILE --newer, which "
            "asks you at the token which one is the newer.",
            backups=tuple(copy.backup for one in parties for copy in one.copies),
        )
        return
    stale = [one for one in parties if not one.usable and any(copy.usable for copy in one.older)]
    have = sum(bool(one.usable) for one in parties)
    if stale and have < current.threshold <= have + len(stale):
        named = ", ".join(one.party for one in stale)
        yield Finding(
            "mixed_generations",
            f"The backups of {named} are of an older generation, and do not sign together with the others. Of the one "
            f"that counts, {current.generation.hex()[:8]}, there are {have}, and {current.threshold} are needed.",
            "Back up the share that is on the device of each of them now: coldshare backup FILE --newer",
            tuple(one.party for one in stale),
            tuple(copy.backup for one in stale for copy in one.older),
        )


_WRONG: Final = (c.FAILED, c.DAMAGED, c.DISPUTED)


def _wrong(parties: Iterable[PartyStanding]) -> Iterable[Finding]:
    for party in parties:
        for copy in party.copies:
            if copy.fault in _WRONG:
                short, where = copy.backup.backup_id.hex()[:8], copy.place.title
                why = f" ({copy.backup.failed_code})" if copy.backup.failed_code else ""
                yield Finding(
                    "wrong_shares",
                    f"Backup {short} of {party.party}, at {where}, is not good: {c.FAULTS[copy.fault]}{why}.",
                    "Do not rely on it. Back up the share again from its device, and then remove it: coldshare remove "
                    f"{short}. If the cause was the cable or the reader, coldshare verify proves it good again.",
                    (party.party,),
                    (copy.backup,),
                )


_APART: Final = {
    "place": "Move one of them: back that share up onto a place of its own, verify it, and remove it here: coldshare "
    "remove ID",
    "location": "Take one of them elsewhere, and say so: coldshare place set PLACE --location WHERE",
    "custodian": "Give one of them to somebody else, and say so: coldshare place set PLACE --custodian WHO",
    "account": "Keep one of them in another account, remove it from this one, and say so: coldshare place set PLACE "
    "--account WHICH",
    "computer": "Handle each party's share on a computer of its own. What has happened is undone by a reshare only; or "
    "accept it with --single-host.",
}


def _apart(found: Iterable[Together]) -> Iterable[Finding]:
    for one in found:
        code = "together" if one.serious else "single_host" if one.accepted else "reached"
        yield Finding(code, one.words, _APART[one.by] if one.serious else "", one.parties)


def _backed_up(parties: Iterable[PartyStanding]) -> Iterable[Finding]:
    for one in parties:
        if one.usable or one.device == "server":
            continue
        named = one.party
        if not one.live:
            yield Finding(
                "not_all_backed_up",
                f"{named} has no backup that would open, and no device with a share that counts.",
                f"A reshare from the other devices replaces it: coldshare lost {_quoted(named)}",
                (named,),
            )
            continue
        older = any(copy.usable for copy in one.older)
        what = "no backup of the generation that counts, only an older one" if older else "no backup that would open"
        yield Finding(
            "not_all_backed_up",
            f"{named} has {what}.",
            f"Export its vault file on that device, and: coldshare backup FILE{' --newer' if older else ''}",
            (named,),
        )


def _verified(parties: Iterable[PartyStanding]) -> Iterable[Finding]:
    for one in parties:
        if one.usable and one.verified is None:
            titles = ", ".join(copy.place.title for copy in one.usable)
            yield Finding(
                "never_verified",
                f"No backup of {one.party} was ever opened to prove it: {titles}.",
                "Prove it: coldshare verify",
                (one.party,),
                tuple(copy.backup for copy in one.usable),
            )


def _lost(parties: Iterable[PartyStanding]) -> Iterable[Finding]:
    for one in parties:
        if one.device in ("lost", "stale"):
            words = (
                f"The device of {one.party} is lost. Whoever has it has its share, until the vault is reshared."
                if one.device == "lost"
                else f"{one.device_name} got a share of {one.party} that is of another generation than the one that "
                "counts."
            )
            yield Finding(
                "device_lost", words, f"What is possible now: coldshare lost {_quoted(one.party)}", (one.party,)
            )


def _notes(
    view: View,
    vault: Vault,
    current: Generation | None,
    parties: Sequence[PartyStanding],
    strangers: Sequence[Copy],
    unknown: int,
    apart: Sequence[Together],
) -> Iterable[Finding]:
    if unknown:
        yield Finding(
            "unknown_parties",
            f"Of {unknown} of its parties this ledger does not even know the names.",
            "Bring the ledgers together: coldshare ledger join FILE. Or back up or verify the share of any party here.",
        )
    if any(one.device == "server" for one in parties):
        yield Finding(
            "server",
            "One party is the vendor's server: it signs as long as the vendor lets it, and sends its share by e-mail.",
        )
    if current is not None:
        old = [one for party in parties for one in party.older] + [
            one for one in strangers if one.backup.generation in current.newer_than
        ]
        if old:
            listed = ", ".join(f"{one.backup.backup_id.hex()[:8]} at {one.place.title}" for one in old)
            yield Finding(
                "old_copies",
                f"Older shares are still there: {listed}. They still sign with each other.",
                "When the newer ones have signed once, retire and destroy them: coldshare retire ID, coldshare destroy "
                "ID",
                backups=tuple(one.backup for one in old),
            )


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
