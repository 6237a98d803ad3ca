"""What rehearsals come to, over computers and days: a dated verdict about every backup, and about the vault.

A drill opens one seal, checks that one share, and records S_i = s_i*G on both curves. The shares of one generation are
points of one polynomial of degree below t, so `t` recorded S_i that interpolate to the vault's public key show that
the `t` secrets behind them would give its private key, and nobody had to bring two of them together (Feldman,
"A practical scheme for non-interactive verifiable secret sharing", 1987). More than `t` must all lie on it.

That is what arithmetic on public values can prove. The library's OT seeds are outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from random import Random
from typing import Final, Literal, TypeAlias

from coldshare.ledger.events import Place
from coldshare.ledger.queries import Drill, Generation, Host, Member, Vault, View
from coldshare.safety.carriers import DAMAGED, DISPUTED, FAILED, FAULTS, UNCONFIRMED, Copy, copies
from coldshare.safety.due import HALF_YEAR, day, latest, to_come
from coldshare.safety.elsewhere import host_name, only_at, too_many_here
from coldshare.vault import curves
from coldshare.vault.checks import Checks
from coldshare.vault.errors import ShareCheckError
from coldshare.vault.shamir import Interpolate, PublicShares, check_public_shares
from coldshare_iface import wire

__all__ = ["PERIOD", "Rehearsal", "Rehearsed", "Verdict", "rehearse"]

Verdict: TypeAlias = Literal["proved", "not_yet", "overdue", "wrong", "no_generation"]

#: How long a good drill counts, in microseconds.
PERIOD: Final = HALF_YEAR
#: What can be opened, so drilled, though it would not count as a backup to rely on.
_OPENS: Final = (None, DAMAGED, UNCONFIRMED)
#: Sets of shares that are tried where some do not fit: all there are in a vault of up to twelve parties, and enough to
#: find three wrong ones among thirty-two.
_TRIES: Final = 1000

_LIMITS: Final = {
    wire.LIBRARY_DKLS: "Not proved: the OT seeds of the ECDSA shares. Only signing shows that they agree.",
    wire.LIBRARY_GG20: "Not proved: what the shares hold of each other's Paillier keys. Only signing shows that.",
    wire.LIBRARY_KEYIMPORT: (
        "Not proved: the keys of single chains, whose shares were checked one by one only, and the OT seeds. Only "
        "signing shows that they agree."
    ),
}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One backup and its last drill.

    `good` is the time of that drill where it was good and still counts as evidence, None otherwise. `wrong` says what
    is wrong with this backup. `due` is when it should be drilled, `now` for at once; None for what cannot be opened
    any more, as far as the ledger knows. `elsewhere`: this computer would come to handle enough shares to sign, so
    another one has to do it. `only_at` is the computer with that file, where it is not this one. `by` is the computer
    that drilled it last.
    """

    copy: Copy
    drill: Drill | None
    by: str | None
    good: int | None
    wrong: str | None
    due: int | None
    elsewhere: bool
    only_at: str | None

    @property
    def party(self) -> str:
        return self.copy.backup.party or ""

    @property
    def title(self) -> str:
        return f"backup {self.copy.backup.backup_id.hex()[:8]} of {self.party} at {self.copy.place.title}"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The verdict on one vault. Times are microseconds since 1970.

    `backups` are those of the generation that counts; without one all of the vault's, unjudged. `proved_by` are
    `threshold` parties whose shares were shown to come to the vault's keys, `since` the date of the oldest of these
    drills, `until` when that one is too old. `fresh` are the parties with a good drill that is young enough, `open`
    those that have a backup to drill and no such drill, `without` those that have none. `odd` are parties whose values
    do not fit the others'; `in_question` are those among which the wrong one is. `unproved` says what could not be
    compared, or what no drill proves.
    """

    vault: Vault
    generation: Generation | None
    verdict: Verdict
    backups: tuple[Rehearsed, ...]
    proved_by: tuple[tuple[str, int], ...] = ()
    fresh: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    in_question: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        """What the vault is called in `words`."""
        return self.vault.name or self.vault.vault.hex()[:8]

    @property
    def since(self) -> int | None:
        return min((at for _, at in self.proved_by), default=None)

    @property
    def until(self) -> int | None:
        return None if self.since is None else self.since + PERIOD

    @property
    def next_due(self) -> int | None:
        """When the first of the backups is due."""
        return min((one.due for one in self.backups if one.due is not None), default=None)

    def due(self, now: int) -> tuple[Rehearsed, ...]:
        """What should be drilled now; first those whose parties lack a drill, then the oldest, last what is wrong."""

        def order(one: Rehearsed) -> tuple[bool, bool, bool, int, str]:
            return one.wrong is not None, one.party in self.fresh, one.elsewhere, one.due or 0, one.title

        found = [one for one in self.backups if one.due is not None and one.due <= now]
        return tuple(sorted(found, key=order))

    @property
    def words(self) -> tuple[str, ...]:
        """The verdict in sentences, the first of which is the headline."""
        return tuple(_words(self))


def rehearse(view: View, vault: bytes, now: int) -> Rehearsal:
    """Join what was drilled. `now` in microseconds since 1970. Raises KeyError for a vault that the ledger has not."""
    known = view.vault(vault)
    if known is None:
        raise KeyError(vault.hex())
    found = copies(view, vault)
    generation = view.current(vault)
    why = _no_generation(view, vault, generation)
    drills = {(one.place, one.backup_id): one for one in view.drills(vault)}
    hosts = {host.host: host for host in view.hosts()}
    if generation is None or why:
        listed = [_look(view, one, drills, hosts) for one in found]
        return Rehearsal(known, generation, "no_generation", tuple(sorted(listed, key=_order)), why=why)
    held = [
        _when(view, generation, _look(view, one, drills, hosts), now)
        for one in found
        if one.backup.generation == generation.generation
    ]
    members = {one.party: one for one in generation.members}
    numbers = {one.party: place for place, one in enumerate(generation.members)}
    held.sort(key=lambda one: (numbers.get(one.party, len(numbers)), *_order(one)))
    return _judge(known, generation, members, held, now)


def _no_generation(view: View, vault: bytes, current: Generation | None) -> str:
    """Why there is none that can be judged; empty where there is one."""
    if current is not None:
        if current.disputed or current.threshold < 2:
            return "The ledger was told different numbers of signers for the generation that counts."
        return ""
    known = view.generations(vault)
    if len(known) > 1:
        return (
            f"The ledger knows {len(known)} generations of this vault, and not which one counts. "
            "Shares of two generations never work together: retire the older one."
        )
    return "The ledger knows no generation of this vault that counts."


def _order(one: Rehearsed) -> tuple[str, str, bytes]:
    return one.party, one.copy.place.title, one.copy.backup.backup_id


def _look(
    view: View, copy: Copy, drills: Mapping[tuple[Place, bytes], Drill], hosts: Mapping[bytes, Host]
) -> Rehearsed:
    """One backup by itself."""
    drill = drills.get((copy.backup.place, copy.backup.backup_id))
    by = None if drill is None else host_name(hosts[drill.host])
    wrong = good = None
    if copy.fault in (FAILED, DISPUTED):
        wrong = FAULTS[copy.fault]
    failed_then = copy.fault == FAILED and drill is not None and copy.backup.failed == drill.time
    if drill is not None and not drill.good and (failed_then or copy.fault in _OPENS):
        wrong = "its share FAILED its own arithmetic in the last drill"
    if drill is not None and drill.good and wrong is None:
        good = drill.time
    return Rehearsed(copy, drill, by, good, wrong, None, elsewhere=False, only_at=only_at(view, copy.place))


def _when(view: View, generation: Generation, one: Rehearsed, now: int) -> Rehearsed:
    """With the date when it is due, and whether this computer may."""
    if one.copy.fault not in (*_OPENS, FAILED):
        return one
    due = now if one.good is None or to_come(one.good, now) else one.good + PERIOD
    return replace(one, due=due, elsewhere=too_many_here(view, generation, one.party))


# --- together


@dataclass(frozen=True, slots=True)
class _Item:
    """S_i of one party on both curves, as a drill has recorded them, and the points where they lie."""

    party: str
    x_ecdsa: int
    ecdsa: bytes
    x_eddsa: int
    eddsa: bytes


def _judge(
    vault: Vault, generation: Generation, members: Mapping[str, Member], held: list[Rehearsed], now: int
) -> Rehearsal:
    evidence = [one for one in held if one.good is not None and one.drill is not None]
    items: dict[_Item, list[Rehearsed]] = {}
    lacking: dict[str, None] = {}
    told_otherwise: dict[str, None] = {}
    for one in evidence:
        item = _item(vault, members, one)
        if isinstance(item, str):
            lacking[item] = None
            continue
        items.setdefault(item, []).append(one)
        member = members[one.party]
        if member.public_share_ecdsa not in (None, item.ecdsa) or member.public_share_eddsa not in (None, item.eddsa):
            told_otherwise[one.party] = None
    sound, odd, in_question = _sort_out(vault, generation.threshold, list(items))
    # What a file told of others counts for nothing where the shares themselves have proved who is right.
    in_question |= {*told_otherwise} - {item.party for item in (*sound, *odd)}
    # Too few to be compared stand each for itself. Where nothing tells who is wrong, none counts.
    few = len({item.party for item in items}) < generation.threshold
    count = [item for item in (items if few else sound) if item.party not in in_question]
    rehearsed = _rehearsed(count, items, now)
    fresh = {party: at for party, at in rehearsed.items() if now - PERIOD < at and not to_come(at, now)}
    newest = sorted(fresh.items(), key=lambda one: (-one[1], one[0]))
    proved = tuple(sorted(newest[: generation.threshold])) if len(fresh) >= generation.threshold else ()
    drillable = {one.party for one in held if one.due is not None}
    parties = [*dict.fromkeys([*members, *drillable])]
    verdict: Verdict
    if odd or in_question or any(one.wrong is not None for one in held):
        verdict = "wrong"
    elif proved:
        verdict = "proved"
    elif len(rehearsed) >= generation.threshold:
        verdict = "overdue"
    else:
        verdict = "not_yet"
    limits = [_LIMITS[vault.library]] if proved and vault.library in _LIMITS else []
    return Rehearsal(
        vault=vault,
        generation=generation,
        verdict=verdict,
        backups=tuple(_marked(one, items, odd) for one in held),
        proved_by=proved,
        fresh=tuple(party for party in parties if party in fresh),
        open=tuple(party for party in parties if party in drillable and party not in fresh),
        without=tuple(party for party in parties if party not in drillable),
        odd=tuple(sorted({item.party for item in odd})),
        in_question=tuple(sorted(in_question)),
        unproved=(*lacking, *limits),
    )


def _rehearsed(count: Iterable[_Item], items: Mapping[_Item, Sequence[Rehearsed]], now: int) -> dict[str, int]:
    """The latest good drill of each party, of what can still be opened."""
    found: dict[str, list[int]] = {}
    for item in count:
        for one in items[item]:
            if one.copy.fault in _OPENS and one.good is not None:
                found.setdefault(item.party, []).append(one.good)
    return {party: last for party, times in found.items() if (last := latest(times, now)) is not None}


def _marked(one: Rehearsed, items: Mapping[_Item, Sequence[Rehearsed]], odd: Iterable[_Item]) -> Rehearsed:
    if any(one in items[item] for item in odd):
        return replace(one, wrong="its public values do not fit those of the other parties")
    return one


def _item(vault: Vault, members: Mapping[str, Member], one: Rehearsed) -> _Item | str:
    """The values of a drill, or a sentence about what is missing."""
    member, drill = members.get(one.party), one.drill
    if vault.public_key_eddsa is None:
        return "Not proved: the ledger does not know the vault's EdDSA key."
    if member is None or drill is None or drill.public_share_ecdsa is None or drill.public_share_eddsa is None:
        return f"Not proved for {one.party}: the public values of its share were not recorded."
    x_eddsa = _x_eddsa(vault, member)
    if member.point_ecdsa is None or x_eddsa is None:
        return f"Not proved for {one.party}: the ledger does not know where its share lies on the polynomial."
    return _Item(
        one.party,
        int.from_bytes(member.point_ecdsa, "big"),
        drill.public_share_ecdsa,
        x_eddsa,
        drill.public_share_eddsa,
    )


def _x_eddsa(vault: Vault, member: Member) -> int | None:
    if member.point_eddsa is not None:
        return int.from_bytes(member.point_eddsa, "big")
    if member.number is not None and vault.library in (wire.LIBRARY_DKLS, wire.LIBRARY_KEYIMPORT):
        return member.number + 1
    return None


def _sort_out(vault: Vault, threshold: int, items: list[_Item]) -> tuple[list[_Item], list[_Item], set[str]]:
    """Those that fit together, those that do not fit them, and the parties among which the wrong one is.

    `threshold` items that give the vault's keys lie on a polynomial, and every other one lies on it or does not. Where
    the items lie on several, the one with the most of them is right; with equally many, or none, nobody can tell.
    """
    parties = [item.party for item in items]
    if len(set(parties)) < threshold:
        return [], [], {party for party in parties if parties.count(party) > 1}
    if _fit(vault, threshold, items):
        return items, [], set()
    found: dict[frozenset[_Item], None] = {}
    for some in _choices(items, threshold):
        if not any(one.issuperset(some) for one in found) and _fit(vault, threshold, some):
            found[frozenset(one for one in items if one in some or _fit(vault, threshold, [*some, one]))] = None
    best, *others = sorted(found, key=len, reverse=True) or [frozenset()]
    if not best or any(len(one) == len(best) for one in others):
        return [], [], set(parties)
    return [item for item in items if item in best], [item for item in items if item not in best], set()


def _choices(items: Sequence[_Item], threshold: int) -> Iterator[Sequence[_Item]]:
    """All sets of that many; of a large vault so many at random that a few wrong ones do not hide the rest, and always
    the same ones."""
    if comb(len(items), threshold) <= _TRIES:
        yield from combinations(items, threshold)
    else:
        chance = Random(0)  # noqa: S311 - no secret depends on it
        for _ in range(_TRIES):
            yield chance.sample(items, threshold)


def _fit(vault: Vault, threshold: int, items: Sequence[_Item]) -> bool:
    """Whether these are shares of the vault's two keys, every `threshold` of them. Two of one party never are."""
    ecdsa, eddsa = [item.ecdsa for item in items], [item.eddsa for item in items]
    return _SECP256K1.share([item.x_ecdsa for item in items], ecdsa, vault.vault, threshold) and _ED25519.share(
        [item.x_eddsa for item in items], eddsa, vault.public_key_eddsa or b"", threshold
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """What was recorded can be anything, and is looked at before it is computed with."""

    order: int
    size: int
    is_point: Callable[[bytes], bool]
    interpolate: Interpolate

    def share(self, points: Sequence[int], values: Sequence[bytes], key: bytes, threshold: int) -> bool:
        reduced = [point % self.order for point in points]
        if 0 in reduced or len(set(reduced)) != len(reduced):
            return False
        if not all(len(value) == self.size and self.is_point(value) for value in values):
            return False
        try:
            check_public_shares(PublicShares(reduced, values, key, threshold, self.interpolate), "dkls", "", Checks())
        except ShareCheckError:
            return False
        return True


_SECP256K1: Final = _Curve(curves.SECP256K1_ORDER, 33, curves.secp256k1_is_point, curves.secp256k1_interpolate)
_ED25519: Final = _Curve(curves.ED25519_ORDER, 32, curves.ed25519_is_point, curves.ed25519_interpolate)


# --- in words


def _words(one: Rehearsal) -> Iterator[str]:
    name, generation = one.name, one.generation
    if one.verdict == "no_generation" or generation is None:
        yield f"{name}: nothing can be proved. {one.why}"
        return
    t = generation.threshold
    proved = ", ".join(f"{party} ({day(at)})" for party, at in one.proved_by)
    if one.verdict == "wrong":
        yield f"{name}: something is WRONG."
        for backup in one.backups:
            if backup.wrong is not None:
                yield f"Wrong: {backup.title}: {backup.wrong}."
        if one.in_question:
            yield (
                f"In question: {', '.join(one.in_question)}. What was recorded of these shares does not fit together, "
                "and nothing tells which one is wrong. Drill another party, or a backup of the same one."
            )
        if proved:
            yield f"These {t} prove signing ability all the same: {proved}."
    elif one.verdict == "proved" and one.until is not None:
        yield f"{name}: these {t} prove signing ability: {proved}. That holds until {day(one.until)}."
    elif one.verdict == "overdue":
        yield f"{name}: overdue. {t} parties were rehearsed once, and {_count(len(one.fresh))} in the last six months."
    else:
        yield f"{name}: not proved yet. It takes {t} parties, and {_count(len(one.fresh))} rehearsed."
    if one.verdict in ("overdue", "not_yet") and one.fresh:
        yield f"Rehearsed: {', '.join(one.fresh)}."
    if not one.proved_by and one.open:
        yield f"To rehearse: {', '.join(one.open)}."
    if not one.proved_by and one.without:
        yield f"No backup that could be rehearsed: {', '.join(one.without)}."
    lacking = t - len(one.fresh) - len(one.open)
    if not one.proved_by and lacking > 0:
        yield f"Back up the share of {'another party' if lacking == 1 else f'{lacking} other parties'} first."
    yield from one.unproved


def _count(number: int) -> str:
    return {0: "none was", 1: "1 was"}.get(number, f"{number} were")
