"""How safe a vault is: one verdict, and everything that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coldshare.errors import EXIT_ATTEND
from coldshare.ledger.queries import Backup, Generation, Party, Vault, View
from coldshare.safety.aged import given_up
from coldshare.safety.apart import Together, together
from coldshare.safety.carriers import Copy, copies, margin
from coldshare.safety.conflicts import Conflict, conflicts
from coldshare.safety.devices import Device, device, in_doubt
from coldshare.safety.due import Reminder, reminders
from coldshare.safety.findings import Facts, findings
from coldshare.safety.rehearsal import Rehearsal, rehearse
from coldshare.safety.resharing import under_way
from coldshare.safety.unsettled import Unsettled, unsettled
from coldshare.safety.verdicts import VERDICTS, Finding, PartyStanding

__all__ = ["VERDICTS", "Finding", "Overview", "PartyStanding", "Standing", "assess", "assess_vault"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One vault. `generation` is the one that counts; None where nothing tells which one does, and then `parties` are
    those of all `candidates`.

    `unknown` counts parties that the ledger has not even the names of. `margin` is how many more carriers (devices,
    tokens, sticks, files) may be lost, whichever they are: None below the threshold, without a generation, and while
    a reshare is under way of which nobody knows where it has come to.
    `strangers` are backups of parties that the generation does not have. `given_up` are generations that went with
    their reshare: backups of them are of another generation, and of no older one. `half` is a reshare of
    which nobody knows where it has come to. `findings` begin with the worst.
    `rehearsal` is what drills have come to.
    """

    vault: Vault
    generation: Generation | None
    candidates: tuple[Generation, ...]
    parties: tuple[PartyStanding, ...]
    strangers: tuple[Copy, ...]
    given_up: frozenset[bytes]
    half: Unsettled | None
    unknown: int
    margin: int | None
    together: tuple[Together, ...]
    findings: tuple[Finding, ...]
    reminders: tuple[Reminder, ...]
    rehearsal: Rehearsal

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
            return f"safe: you can lose {more}{', as long as the server signs' if self.needs_server else ''}"
        return VERDICTS[self.verdict][0]

    @property
    def needs_server(self) -> bool:
        """Whether the own parties are too few to sign without the vendor."""
        own = sum(one.reachable for one in self.parties if one.device != "server")
        server = any(one.device == "server" for one in self.parties)
        return server and self.generation is not None and own < self.generation.threshold


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
        tuple(conflicts(view)),
    )


def assess_vault(view: View, vault: Vault, now: int) -> Standing:
    found = copies(view, vault.vault)
    current = view.current(vault.vault)
    candidates = [current] if current is not None else _newest(view.generations(vault.vault))
    half = unsettled(view, vault.vault)
    awaited = () if half is None else half.awaited
    parties = _parties(view, vault, candidates, found, awaited, now)
    names = {one.party for one in parties}
    strangers = tuple(one for one in found if one.backup.party not in names)
    apart = tuple(together(view, vault.vault, found=found))
    unknown = 0 if current is None else max(current.parties - len(parties), 0)
    more = None
    if current is not None and half is None:
        servers = [one.party for one in parties if one.device == "server"]
        more = margin({one.party: one.carriers for one in parties}, current.threshold, always=servers)
    rehearsal = rehearse(view, vault.vault, now)
    resharing = next(reversed(under_way(view, vault.vault)), None)
    told = findings(
        Facts(
            view, vault, current, candidates, parties, strangers, unknown, apart, found, rehearsal, resharing, half, now
        )
    )
    asked = {one for finding in told if finding.code == "never_verified" for one in finding.backups}
    due = reminders((one for party in parties for one in party.copies if one.backup not in asked), now)
    return Standing(
        vault=vault,
        generation=current,
        candidates=tuple(candidates),
        parties=parties,
        strangers=strangers,
        given_up=given_up(view, vault.vault),
        half=half,
        unknown=unknown,
        margin=more,
        together=apart,
        findings=told,
        reminders=tuple(due),
        rehearsal=rehearsal,
    )


def _newest(generations: Sequence[Generation]) -> list[Generation]:
    """Those that could be the one that counts: none is known to be newer, and not all of it was retired."""
    return [one for one in generations if not one.older_than - {one.generation}] or list(generations)


def _parties(
    view: View,
    vault: Vault,
    candidates: Sequence[Generation],
    found: Sequence[Copy],
    awaited: Sequence[str],
    now: int,
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
        became = _device(view, party, candidates)
        out.append(
            PartyStanding(
                party=name,
                number=number,
                device=became,
                awaited=name in awaited,
                in_doubt=became == "stale" and any(in_doubt(view, party, one.generation) for one in candidates),
                device_name=party.device,
                lost=party.lost,
                restored=party.restored,
                copies=tuple(one for one in own if one.backup.generation in wanted),
                older=tuple(one for one in own if one.backup.generation not in wanted),
                now=now,
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
