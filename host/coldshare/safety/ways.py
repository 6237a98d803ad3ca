"""A device is lost: which of the two ways back are possible now, with what, and what not to do (rules 1 to 7).

Import its backup into a new device, or reshare from as many survivors as can sign. Judged from a ledger alone, and from
which places are at hand.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from coldshare.ledger.queries import Generation, Party, Vault, View
from coldshare.safety import commands
from coldshare.safety.advice import Note, Situation, after, half_reshared, missing, never, unordered
from coldshare.safety.carriers import Copy, copies
from coldshare.safety.devices import Device, device
from coldshare.safety.named import vault_argument
from coldshare.safety.resharing import under_way
from coldshare.safety.sources import Reached, Source, new_device, sources
from coldshare.safety.unsettled import Unsettled, unsettled
from coldshare_iface import wire

__all__ = ["Import", "OldSet", "Recommended", "Reshare", "Survivor", "Verdict", "Way", "Ways", "ways"]

Way: TypeAlias = Literal["import", "reshare"]
#: `both`, or the one of the two ways that is possible; `neither`; `unordered` when nothing tells which generation
#: counts; `half_reshared` while a reshare is under way of which nobody knows where it has come to; `not_member` when
#: the generation that counts does not have that party, and nothing is missing.
Verdict: TypeAlias = Literal["both", "import", "reshare", "neither", "unordered", "half_reshared", "not_member"]
_LIVE: Final = ("alive", "restored", "server")


@dataclass(frozen=True, slots=True)
class Survivor:
    """Another party of the generation that counts. `device` is what became of its device, `name` the new one's name.

    `sources` are its backups of that generation that would open, `onto` what to call a new device for it.
    """

    party: str
    device: Device
    name: str | None
    sources: tuple[Source, ...]
    onto: str

    @property
    def ready(self) -> bool:
        return self.device in _LIVE

    @property
    def title(self) -> str:
        return self.party if self.name is None else f"{self.party} (on {self.name})"


@dataclass(frozen=True, slots=True)
class Import:
    """The first way. `sources` are the backups of the lost share, the best first; `onto` is what to call the device.

    `also` are parties that have to be restored too before the vault can sign.
    """

    possible: bool
    sources: tuple[Source, ...]
    onto: str
    also: tuple[Survivor, ...]


@dataclass(frozen=True, slots=True)
class Reshare:
    """The second way. `ready` take part as they are; `first` must be restored before, in this order; `spare` could be,
    too, and are not needed. `unknown` parties are not even known by name. `notes` are what the vault's kind means.

    `command` checks it and says what to mind, or where `under_way` says that one has begun already, what that waits
    for; it is empty where too few are known by name, and where the vault has to be migrated first.
    """

    possible: bool
    under_way: bool
    command: str
    ready: tuple[Survivor, ...]
    first: tuple[Survivor, ...]
    spare: tuple[Survivor, ...]
    unknown: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class OldSet:
    """Enough shares of a generation that does not count, to sign with each other: the last resort.

    `sources` are by party; their commands only write vault files. `live` are parties whose device has such a share, as
    far as is known.
    """

    generation: Generation
    sources: Mapping[str, tuple[Source, ...]]
    live: tuple[str, ...]

    @property
    def parties(self) -> tuple[str, ...]:
        return tuple(sorted({*self.sources, *self.live}))


@dataclass(frozen=True, slots=True)
class Recommended:
    """Which way to go when the device is destroyed or wiped for certain, and which one when somebody may have it."""

    destroyed: Way | None
    stolen: Way | None


@dataclass(frozen=True, slots=True)
class Ways:
    """What is possible after the loss of the device of `party`.

    `generation` is the one that counts, None where nothing tells which of the `candidates` does; `half` when that is
    because of a reshare under way. `member` is False
    where it does not have the party. `device_name` is a device onto which the party was restored before. The shares of
    `reach` parties can be had, that of the lost one from a backup included, and `needed` are necessary to sign; both
    are 0 without a generation. `missing` is what to look for, `never` what not to do, `after` what remains to be done;
    `older` are last resorts, told where neither way is possible.
    """

    vault: Vault
    party: str
    generation: Generation | None
    candidates: tuple[Generation, ...]
    member: bool
    device_name: str | None
    needed: int
    reach: int
    import_: Import
    reshare: Reshare
    recommended: Recommended
    missing: tuple[Note, ...]
    never: tuple[Note, ...]
    after: tuple[Note, ...]
    older: tuple[OldSet, ...]
    half: Unsettled | None = None

    @property
    def verdict(self) -> Verdict:
        if self.generation is None:
            return "unordered" if self.half is None else "half_reshared"
        if not self.member:
            return "not_member"
        if self.import_.possible:
            return "both" if self.reshare.possible else "import"
        return "reshare" if self.reshare.possible else "neither"

    @property
    def helped(self) -> bool:
        """Whether there is a way back, or none is needed."""
        return self.verdict not in ("neither", "unordered", "half_reshared")


def ways(view: View, vault: Vault, party: str, reached: Reached, *, host: bytes | None = None) -> Ways:
    """Judge as if the device of `party` were lost, whether or not the ledger says so.

    `reached` are the places at hand. `host` is this computer, for which shares it had in the clear before.
    """
    told = {one.party: one for one in view.parties(vault.vault)}
    own = told.get(party) or Party(vault.vault, party, None, None, None, None)
    held = copies(view, vault.vault)
    current = view.current(vault.vault)
    if current is None:
        return _unordered(view, vault, own, held, reached)
    half = unsettled(view, vault.vault)
    if half is not None:
        return _half(view, vault, own, held, reached, half)
    members = [one.party for one in current.members]
    names = list(members)
    unknown = max(current.parties - len(names), 0)
    member = party in names or unknown > 0
    if party not in names:
        unknown = max(unknown - 1, 0)
    # Whoever has no name is presumed well; it must not be one whose device is lost.
    lost = [one.party for one in told.values() if one.lost is not None and one.party not in (party, *names)]
    names += lost[:unknown]
    unknown -= len(lost[:unknown])
    others = [_survivor(view, told.get(name), vault, name, current, held, reached) for name in names if name != party]
    ready = tuple(one for one in others if one.ready)
    waiting = sorted((one for one in others if not one.ready and one.sources), key=_handiest)
    found = _survivor(view, own, vault, party, current, held, reached)
    t, survivors = current.threshold, len(ready) + len(waiting) + unknown
    can_import = member and bool(found.sources) and survivors + 1 >= t
    can_reshare = member and survivors >= t
    also = tuple(waiting[: max(t - 1 - len(ready) - unknown, 0)]) if can_import else ()
    first = tuple(waiting[: max(t - len(ready) - unknown, 0)])
    older = () if can_import or can_reshare or not member else _older(view, vault, told, current, held, reached)
    named = (len(ready) + len(first)) * can_reshare
    begun = bool(under_way(view, vault.vault))
    kind = tuple(_kind(view, vault, current, others)) if can_reshare else ()
    case = Situation(
        view=view,
        vault=vault,
        current=current,
        own=own,
        member=member,
        held=held,
        live=tuple(one.party for one in ready if one.device != "server"),
        gone=tuple(one.party for one in others if not one.ready and not one.sources),
        unknown=unknown,
        found=bool(found.sources),
        importing=can_import,
        resharing=can_reshare,
        restoring=frozenset(
            one.party for one in (*((found, *also) if can_import else ()), *(first if can_reshare else ()))
        ),
        handled=frozenset() if host is None else view.had(host, current),
        last_resorts=tuple(one.parties for one in older),
        reached=frozenset(reached),
    )
    return Ways(
        vault=vault,
        party=party,
        generation=current,
        candidates=(current,),
        member=member,
        device_name=own.device,
        needed=t,
        reach=survivors + bool(found.sources),
        import_=Import(can_import, found.sources, found.onto, also),
        reshare=Reshare(
            can_reshare,
            begun,
            _reshare_command(view, vault, party, begun, leaves=party in members)
            if named >= t and vault.library != wire.LIBRARY_GG20
            else "",
            ready,
            first,
            tuple(waiting[len(first) :]),
            unknown,
            kind,
        ),
        recommended=_recommended(can_import, can_reshare, kind),
        missing=tuple(missing(case)),
        never=tuple(never(case)),
        after=tuple(after(case)),
        older=older,
    )


def _reshare_command(view: View, vault: Vault, party: str, begun: bool, *, leaves: bool) -> str:
    if begun:
        return commands.reshare_status(view, vault)
    name = vault_argument(view, vault)
    return f"coldshare reshare start {name}{f' --leave {shlex.quote(party)}' if leaves else ''} --new 1"


def _unordered(view: View, vault: Vault, own: Party, held: Sequence[Copy], reached: Reached) -> Ways:
    """Nothing is recommended until somebody tells which generation counts."""
    every = view.generations(vault.vault)
    candidates = [one for one in every if not one.older_than - {one.generation}] or every
    never = Note(
        "unordered",
        "Do not restore or reshare anything yet. Nothing tells which generation counts, and shares of two "
        "generations never sign together.",
        rule=7,
    )
    return _nothing(view, vault, own, held, reached, candidates, unordered(view, vault, candidates, held), never)


def _half(view: View, vault: Vault, own: Party, held: Sequence[Copy], reached: Reached, half: Unsettled) -> Ways:
    """Nothing is recommended until the reshare has come to its end, or was given up."""
    every = view.generations(vault.vault)
    candidates = [one for one in every if one.generation in (half.plan.older, half.generation)]
    never = Note(
        "half_reshared",
        "Do not remove the vault from any device, do not import or reset anything, and destroy no backup of either "
        "generation: each may be what the vault signs with.",
        rule=7,
    )
    told = half_reshared(view, vault, own.party, half)
    return replace(_nothing(view, vault, own, held, reached, candidates, told, never), half=half)


def _nothing(
    view: View,
    vault: Vault,
    own: Party,
    held: Sequence[Copy],
    reached: Reached,
    candidates: Sequence[Generation],
    missing: Iterable[Note],
    never: Note,
) -> Ways:
    wanted = {one.generation for one in candidates}
    backups = [one for one in held if one.backup.party == own.party and one.backup.generation in wanted]
    return Ways(
        vault=vault,
        party=own.party,
        generation=None,
        candidates=tuple(candidates),
        member=any(own.party in {member.party for member in one.members} for one in candidates),
        device_name=own.device,
        needed=0,
        reach=0,
        import_=Import(False, sources(view, backups, reached, onto=None), new_device(view, vault.vault, own.party), ()),
        reshare=Reshare(False, False, "", (), (), (), 0, ()),
        recommended=Recommended(None, None),
        missing=tuple(missing),
        never=(never,),
        after=(),
        older=(),
    )


def _survivor(
    view: View,
    told: Party | None,
    vault: Vault,
    name: str,
    current: Generation,
    held: Iterable[Copy],
    reached: Reached,
) -> Survivor:
    known = told or Party(vault.vault, name, None, None, None, None)
    onto = new_device(view, vault.vault, name)
    backups = [one for one in held if (one.backup.party, one.backup.generation) == (name, current.generation)]
    became = device(view, known, current.generation)
    return Survivor(
        name,
        became,
        known.device if became == "restored" else None,
        sources(view, backups, reached, onto=onto),
        onto,
    )


def _handiest(one: Survivor) -> tuple[bool, int]:
    best = one.sources[0]
    return not best.at_hand, -(best.copy.backup.opened or 0)


def _kind(view: View, vault: Vault, current: Generation, others: Iterable[Survivor]) -> Iterable[Note]:
    """What a reshare does to a vault of this kind."""
    if vault.library == wire.LIBRARY_GG20:
        yield Note(
            "gg20_migrate",
            "This vault is of the old kind, GG20. Before a reshare it has to be migrated in the wallet's app, with all "
            "its devices. So where there is a backup of the lost one, import that first.",
        )
    keys, chains = view.extras(vault.vault, current.generation)
    if vault.library == wire.LIBRARY_KEYIMPORT or chains:
        yield Note(
            "chain_keys",
            "This vault was made from an imported seed, and its chains have keys of their own. A reshare does not "
            "renew those: a device that joins has no share of them, and whoever has the lost device keeps one. If "
            "somebody may have it, move the funds to a new vault. The seed is still a key to all of it, too.",
        )
    if keys:
        yield Note(
            "other_keys",
            f"This vault has a key besides its two: {', '.join(keys)}. A reshare does not renew it, and a device that "
            "joins has no share of it.",
        )
    for one in others:
        if one.device == "server":
            yield Note(
                "server",
                f"{one.party} is the vendor's server. It takes part as long as the vendor lets it, and asks for the "
                "password of the fast vault.",
                parties=(one.party,),
            )


def _recommended(can_import: bool, can_reshare: bool, notes: Iterable[Note]) -> Recommended:
    """A share that may be in somebody's hands is outdated by a reshare only. Keys that a reshare does not renew are no
    safer after it, and an import loses none of them; and an old vault needs all its devices before it."""
    only: Way | None = "import" if can_import else "reshare" if can_reshare else None
    if not (can_import and can_reshare):
        return Recommended(only, only)
    return Recommended(
        "import", "import" if {one.code for one in notes} & {"chain_keys", "gg20_migrate"} else "reshare"
    )


def _older(
    view: View,
    vault: Vault,
    told: Mapping[str, Party],
    current: Generation,
    held: Sequence[Copy],
    reached: Reached,
) -> tuple[OldSet, ...]:
    """Generations of which enough shares can still be had, the newest first."""
    found = []
    for one in view.generations(vault.vault):
        if one.generation == current.generation:
            continue
        of_it = [copy for copy in held if copy.backup.generation == one.generation and copy.usable]
        by_party: dict[str, tuple[Source, ...]] = {}
        for party in sorted({copy.backup.party for copy in of_it if copy.backup.party is not None}):
            its = [copy for copy in of_it if copy.backup.party == party]
            by_party[party] = sources(view, its, reached, onto=None)
        members = {member.party for member in current.members}
        live = tuple(
            member.party
            for member in one.members
            if member.party in told
            and member.party not in by_party
            and _has_old_share(view, told[member.party], one, stays=member.party in members)
        )
        if by_party and len(by_party) + len(live) >= one.threshold:
            found.append(OldSet(one, by_party, live))
    return tuple(sorted(found, key=lambda one: -len(one.generation.newer_than)))


def _has_old_share(view: View, party: Party, old: Generation, *, stays: bool) -> bool:
    """A device that got it from a backup; or one that took no part in the reshare."""
    became = device(view, party, old.generation)
    return became == "restored" or (became == "alive" and not stays)
