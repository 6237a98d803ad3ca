"""What a ledger knows, as plain values at one moment. Times are microseconds since 1970, None for what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from coldshare.ledger.events import Place
from coldshare.ledger.order import (
    BAD,
    FOUND,
    GONE,
    GOOD,
    HERE,
    INSIDE,
    LOST,
    OPENED,
    READ,
    RESTORED,
    UNREADABLE,
    Mark,
    Order,
    of_backup,
)
from coldshare.ledger.projection import CHAIN, EVERYWHERE, KEY
from coldshare.ledger.rows import Row, Rows

__all__ = [
    "Accepted",
    "Backup",
    "Drill",
    "Generation",
    "Handled",
    "Host",
    "Identity",
    "Member",
    "Party",
    "PlaceInfo",
    "Reshare",
    "Restoration",
    "Sight",
    "StoredReport",
    "Vault",
    "View",
]


@dataclass(frozen=True, slots=True)
class Host:
    """A computer. `ours` for this one."""

    host: bytes
    name: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Vault:
    """`vault` is its ECDSA public key."""

    vault: bytes
    name: str
    library: int
    public_key_eddsa: bytes | None
    chain_code_digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Restoration:
    """A share of that generation came onto `device` from a backup."""

    device: str
    generation: bytes
    mark: Mark


@dataclass(frozen=True, slots=True)
class Party:
    """`lost` since when its device is lost, and not certainly found or replaced later; `restored` when its share came
    onto `device` from a backup. `last` are the restorations after which certainly none came: more than one where
    nothing orders them. `gone` is where a device of it was said to be lost, and not certainly found since, also of one
    that was replaced."""

    vault: bytes
    party: str
    lost: int | None
    restored: int | None
    device: str | None
    restored_generation: bytes | None
    last: tuple[Restoration, ...] = ()
    gone: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a computer first told of a generation; `party` is the one whose share it told of, empty for none."""

    party: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Member:
    """A party of one generation, with the public values of its share, as far as a file has told them."""

    party: str
    number: int | None
    point_ecdsa: bytes | None
    public_share_ecdsa: bytes | None
    point_eddsa: bytes | None
    public_share_eddsa: bytes | None


@dataclass(frozen=True, slots=True)
class Generation:
    """`newer_than` are all that it replaced, one after the other; `older_than` all that replaced it, but for those that
    count nowhere any more (`View.given_up`).

    `members` are in the order of their index; only those seen so far where no share of a file has told all of them.
    `retired_at` are the places that count it as old, `retired` says that some place does, or everything. `disputed`
    when two shares of it were told with different numbers of parties.
    """

    vault: bytes
    generation: bytes
    threshold: int
    parties: int
    reshared: bool | None
    members: tuple[Member, ...]
    newer_than: frozenset[bytes]
    older_than: frozenset[bytes]
    retired_at: tuple[Place, ...]
    retired: bool
    disputed: bool


@dataclass(frozen=True, slots=True)
class PlaceInfo:
    """`label` is what the place bears itself, the rest is what people said of it. `hosts` are the computers that
    reach it, `built_into` those of them on whose own disk it is; `lost` and `wiped` since when."""

    place: Place
    label: str
    called: str | None
    location: str | None
    custodian: str | None
    account: str | None
    note: str | None
    hosts: tuple[bytes, ...]
    lost: int | None
    wiped: int | None
    built_into: tuple[bytes, ...] = ()

    @property
    def title(self) -> str:
        """What to call it."""
        return self.called or self.label or str(self.place)


@dataclass(frozen=True, slots=True)
class Backup:
    """One sealed share at one place.

    `vault`, `party` and `generation` are None together, when nobody has told whose it is. `size` in bytes; `state` is
    one of `events.STATES`; `recovery` whether a code opens it. `stored`, `read_back`, `opened` (its seal, and the
    share inside checked), `restored`, `drilled`, `failed` are the last times of each; a failure counts until it is
    proved good again: by opening it, or, where reading alone had shown it, by reading it back. `gone` is one of
    `events.GONE`, None while it is there, as far as the ledger knows. `disputed` when the same id was told to be
    another share.
    """

    place: Place
    backup_id: bytes
    vault: bytes | None
    party: str | None
    generation: bytes | None
    size: int
    state: int
    recovery: bool | None
    stored: int | None
    read_back: int | None
    opened: int | None
    restored: int | None
    drilled: int | None
    failed: int | None
    failed_code: str | None
    gone: int | None
    gone_at: int | None
    disputed: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """That computer had that share in the clear; `why` is one of `events.HANDLED`."""

    host: bytes
    vault: bytes
    party: str
    generation: bytes
    why: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """On that computer a person accepted that it handles enough shares of that generation to sign alone."""

    host: bytes
    vault: bytes
    generation: bytes


@dataclass(frozen=True, slots=True)
class Drill:
    """The last rehearsal of one backup; see `events.DrillResult`."""

    place: Place
    backup_id: bytes
    vault: bytes
    party: str
    generation: bytes
    time: int
    host: bytes
    good: bool
    public_share_ecdsa: bytes | None
    public_share_eddsa: bytes | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with which a computer signs its reports, and which a person has compared; see also `View.taken_back`. `by`
    are the computers where that was done."""

    host: bytes
    public_key: bytes
    name: str
    by: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Reshare:
    """A planned reshare; see `events.ReshareStarted`. `host` has planned it; `generation` is the new one, once it is
    finished. `started`, `finished` and `aborted` are times."""

    plan: bytes
    vault: bytes
    older: bytes
    threshold: int
    parties: int
    host: bytes
    started: int
    finished: int | None
    aborted: int | None
    generation: bytes | None
    staying: tuple[str, ...]
    joining: tuple[str, ...]

    @property
    def open(self) -> bool:
        return self.finished is None and self.aborted is None


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A signed report as it came; `party` is what it was recorded under, `time` when first, `by` the computers that
    took it in."""

    plan: bytes
    party: str
    report: bytes
    time: int
    by: tuple[bytes, ...]


_PLACE: Final = ("place_kind", "place_ident")


class View:
    """Questions to a ledger. Every answer is in a fixed order. `rows` must not change any more: whoever judges asks the
    same a hundred times."""

    def __init__(self, rows: Rows, host: bytes) -> None:
        self._rows = rows
        self._host = host

    @property
    def rows(self) -> Rows:
        return self._rows

    @property
    def host(self) -> bytes:
        """The id of this computer."""
        return self._host

    def hosts(self) -> list[Host]:
        return [Host(row["host"], row["name"], row["host"] == self._host) for row in self._rows.all("host")]

    def vaults(self) -> list[Vault]:
        found = [Vault(**row) for row in self._rows.all("vault")]
        return sorted(found, key=lambda one: (one.name, one.vault))

    def vault(self, vault: bytes) -> Vault | None:
        """The one with that ECDSA key."""
        row = self._rows.get("vault", vault)
        return None if row is None else Vault(**row)

    def parties(self, vault: bytes) -> list[Party]:
        """Every party that any generation of that vault ever had."""
        return [self._party(vault, row["party"]) for row in self._rows.all("party", vault=vault)]

    def _party(self, vault: bytes, party: str) -> Party:
        told = self._told("device_told", vault, party)
        lost = self._open(told, LOST, (FOUND, RESTORED))
        came = self._open(told, RESTORED, (RESTORED,))
        last = tuple(Restoration(row["device"], row["generation"], Mark.of(row)) for row in came)
        return Party(
            vault=vault,
            party=party,
            lost=lost[-1]["time"] if lost else None,
            restored=came[-1]["time"] if came else None,
            device=last[-1].device if last else None,
            restored_generation=last[-1].generation if last else None,
            last=last,
            gone=tuple(Mark.of(row) for row in self._open(told, LOST, (FOUND,))),
        )

    @cached_property
    def _order(self) -> Order:
        return Order(self._rows)

    def before(self, one: Mark, other: Mark) -> bool:
        """Whether it is certain that `one` came first; see `ledger.order`."""
        return self._order.before(one, other)

    def sights(self, vault: bytes, generation: bytes) -> list[Sight]:
        """Of every computer the first time that it told of that generation, and of each share of it."""
        rows = self._rows.all("sight", vault=vault, generation=generation)
        return [Sight(row["party"], Mark.of(row)) for row in rows]

    def _told(self, table: str, *about: object) -> list[Row]:
        """The rows of one of the tables that `order` keeps, about one thing."""
        return self._by_subject[table].get(about, [])

    @cached_property
    def _by_subject(self) -> dict[str, dict[tuple[object, ...], list[Row]]]:
        subjects = {
            "device_told": ("vault", "party"),
            "place_told": ("kind", "ident"),
            "backup_told": ("place_kind", "place_ident", "backup_id"),
        }
        found: dict[str, dict[tuple[object, ...], list[Row]]] = {table: {} for table in subjects}
        for table, columns in subjects.items():
            for row in self._rows.all(table):
                found[table].setdefault(tuple(row[name] for name in columns), []).append(row)
        return found

    def _open(self, told: list[Row], asks: int, answers: tuple[int, ...]) -> list[Row]:
        """What was told of that kind and is not certain to be over, the last by position at the end."""
        return self._order.unanswered(
            (row for row in told if row["what"] == asks), (row for row in told if row["what"] in answers)
        )

    def generations(self, vault: bytes) -> list[Generation]:
        """Older ones before newer ones, as far as their order is known."""
        rows = self._rows.all("generation", vault=vault)
        newer_than = self._newer_than(vault)
        found = [self._generation(row, newer_than) for row in rows]
        return sorted(found, key=lambda one: (len(one.newer_than), one.generation))

    def generation(self, vault: bytes, generation: bytes) -> Generation | None:
        row = self._rows.get("generation", vault, generation)
        return None if row is None else self._generation(row, self._newer_than(vault))

    def current(self, vault: bytes) -> Generation | None:
        """The generation that counts: newer than all others that are not retired everywhere. None if nothing tells
        which one that is."""
        given_up = self.given_up(vault)
        found = [one for one in self.generations(vault) if one.generation not in given_up]
        for one in found:
            others = {other.generation for other in found} - {one.generation}
            if others <= one.newer_than and not one.older_than:
                return one
        return None

    def given_up(self, vault: bytes) -> frozenset[bytes]:
        """The generations that count nowhere any more."""
        kind, ident = EVERYWHERE
        rows = self._rows.all("retirement", vault=vault, place_kind=kind, place_ident=ident, retired=True)
        return frozenset(row["generation"] for row in rows)

    def _newer_than(self, vault: bytes) -> dict[bytes, frozenset[bytes]]:
        """Of each generation all that it replaced, also by way of others."""
        direct: dict[bytes, set[bytes]] = {}
        for row in self._rows.all("newer", vault=vault):
            direct.setdefault(row["newer"], set()).add(row["older"])
        out: dict[bytes, frozenset[bytes]] = {}
        for start in direct:
            reached: set[bytes] = set()
            todo = [start]
            while todo:
                for older in direct.get(todo.pop(), ()):
                    if older not in reached:
                        reached.add(older)
                        todo.append(older)
            out[start] = frozenset(reached)
        return out

    def _generation(self, row: Row, newer_than: dict[bytes, frozenset[bytes]]) -> Generation:
        vault, generation = row["vault"], row["generation"]
        members = self._rows.all("member", vault=vault, generation=generation)
        members.sort(key=lambda one: (one["number"] is None, one["number"] or 0, one["party"]))
        names = ("party", "number", "point_ecdsa", "public_share_ecdsa", "point_eddsa", "public_share_eddsa")
        retired = self._rows.all("retirement", vault=vault, generation=generation, retired=True)
        return Generation(
            **row,
            members=tuple(Member(**{name: one[name] for name in names}) for one in members),
            newer_than=newer_than.get(generation, frozenset()),
            older_than=frozenset(newer for newer, older in newer_than.items() if generation in older)
            - self.given_up(vault),
            retired_at=tuple(_place(one) for one in retired if one["place_kind"]),
            retired=bool(retired),
        )

    def places(self) -> list[PlaceInfo]:
        return list(self._places)

    @cached_property
    def _places(self) -> tuple[PlaceInfo, ...]:
        hosts: dict[Place, list[bytes]] = {}
        within: dict[Place, list[bytes]] = {}
        for row in self._rows.all("reach", reaches=True):
            hosts.setdefault(_place(row), []).append(row["host"])
            if row["built_in"]:
                within.setdefault(_place(row), []).append(row["host"])
        out = []
        for row in self._rows.all("place"):
            place = Place(row["kind"], row["ident"])
            rest = {name: value for name, value in row.items() if name not in ("kind", "ident")}
            lost = self._open(self._told("place_told", row["kind"], row["ident"]), LOST, (FOUND,))
            # Said a second time it is lost since the first.
            rest["lost"] = (row["lost"] or lost[-1]["time"]) if lost else None
            there, inside = tuple(hosts.get(place, ())), tuple(within.get(place, ()))
            out.append(PlaceInfo(place=place, hosts=there, built_into=inside, **rest))
        return tuple(out)

    def place(self, place: Place) -> PlaceInfo | None:
        return next((one for one in self._places if one.place == place), None)

    def backups(self, vault: bytes | None = None, *, place: Place | None = None, gone: bool = False) -> list[Backup]:
        """Those of that vault, at that place; with `gone` also those that are not there any more."""
        return [
            one
            for one in self._backups
            if (vault is None or one.vault == vault)
            and (place is None or one.place == place)
            and (gone or one.gone is None)
        ]

    @cached_property
    def _backups(self) -> tuple[Backup, ...]:
        return tuple(self._backup(row) for row in self._rows.all("backup"))

    def _backup(self, row: Row) -> Backup:
        sealed = self._rows.get("sealed", row["backup_id"]) or {}
        whose: Row = {name: sealed.get(name) for name in ("vault", "party", "generation", "recovery")}
        told = self._of_backup(row["place_kind"], row["place_ident"], row["backup_id"])
        bad, gone = self._open(told, BAD, (GOOD,)), self._open(told, GONE, (HERE,))
        failed = [*self._open(told, UNREADABLE, (READ, OPENED)), *self._open(told, INSIDE, (OPENED,))]
        last = max(failed, key=lambda one: (one["position"], one["host"]), default=None)
        rest = _rest(row)
        if bad:
            rest["state"] = int(bad[-1]["code"])
        if gone and row["gone"] is None:
            rest |= {"gone": int(gone[-1]["code"]), "gone_at": gone[-1]["time"]}
        return Backup(
            place=_place(row),
            disputed=bool(sealed.get("disputed")),
            failed=None if last is None else last["time"],
            failed_code=None if last is None else last["code"],
            **rest,
            **whose,
        )

    def _of_backup(self, kind: int, ident: bytes, backup_id: bytes) -> list[Row]:
        return of_backup(self._told("backup_told", kind, ident, backup_id), self._told("place_told", kind, ident))

    def handled(self, vault: bytes | None = None) -> list[Handled]:
        return [Handled(**row) for row in self._rows.all("handled") if vault in (None, row["vault"])]

    def had(self, host: bytes, generation: Generation) -> frozenset[str]:
        """The parties whose shares of that generation the computer `host` had in the clear; none where somebody has
        accepted that it may have them all."""
        return self._had.get((host, generation.vault, generation.generation), frozenset())

    @cached_property
    def _had(self) -> dict[tuple[bytes, bytes, bytes], frozenset[str]]:
        found: dict[tuple[bytes, bytes, bytes], set[str]] = {}
        for one in self.handled():
            found.setdefault((one.host, one.vault, one.generation), set()).add(one.party)
        for accepted in self.accepted():
            found.pop((accepted.host, accepted.vault, accepted.generation), None)
        return {key: frozenset(parties) for key, parties in found.items()}

    def accepted(self, vault: bytes | None = None) -> list[Accepted]:
        return [Accepted(**row) for row in self._rows.all("accepted") if vault in (None, row["vault"])]

    def extras(self, vault: bytes, generation: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of keys that coldshare cannot check, and of chains with keys of their own."""
        rows = self._rows.all("extra", vault=vault, generation=generation)
        keys, chains = (tuple(row["name"] for row in rows if row["kind"] == kind) for kind in (KEY, CHAIN))
        return keys, chains

    def identities(self) -> list[Identity]:
        by: dict[tuple[bytes, bytes, str], list[bytes]] = {}
        for row in self._rows.all("identity"):
            by.setdefault((row["host"], row["public_key"], row["name"]), []).append(row["by"])
        return [Identity(*key, by=tuple(hosts)) for key, hosts in by.items()]

    def taken_back(self) -> dict[bytes, int]:
        """The signing keys that count no more, compared or not, and since when."""
        return {row["public_key"]: row["time"] for row in self._rows.all("taken_back")}

    def reshares(self, vault: bytes | None = None) -> list[Reshare]:
        """Oldest first."""
        found = [self._reshare(row) for row in self._rows.all("reshare") if vault in (None, row["vault"])]
        return sorted(found, key=lambda one: (one.started, one.plan))

    def _reshare(self, row: Row) -> Reshare:
        parties = sorted(self._rows.all("reshare_party", plan=row["plan"]), key=lambda one: one["number"])
        staying, joining = (
            tuple(one["party"] for one in parties if one["joining"] is which) for which in (False, True)
        )
        return Reshare(**row, staying=staying, joining=joining)

    def reports(self, plan: bytes) -> list[StoredReport]:
        """In the order in which they came."""
        rows = self._rows.all("reshare_report", plan=plan)
        rows.sort(key=lambda one: (one["time"], one["party"], one["digest"]))
        same: dict[tuple[str, bytes], list[Row]] = {}
        for row in rows:
            same.setdefault((row["party"], row["report"]), []).append(row)
        return [
            StoredReport(plan, *key, time=told[0]["time"], by=tuple(row["by"] for row in told))
            for key, told in same.items()
        ]

    def drills(self, vault: bytes | None = None) -> list[Drill]:
        found = self._rows.all("drill")
        return [Drill(place=_place(row), **_rest(row)) for row in found if vault in (None, row["vault"])]

    def disputed(self) -> list[bytes]:
        """The ids of backups that were told to be two different shares."""
        return [row["backup_id"] for row in self._rows.all("sealed", disputed=True)]

    def unordered(self) -> Iterator[str | PlaceInfo | Backup]:
        """What counts as lost or wrong against the order of positions, because that follows from clocks: devices, by
        the names of their parties, places, and backups."""
        for row in self._rows.all("party"):
            if self._in_doubt(self._told("device_told", row["vault"], row["party"]), LOST, (FOUND, RESTORED)):
                yield row["party"]
        for info in self.places():
            if self._in_doubt(self._told("place_told", info.place.kind, info.place.ident), LOST, (FOUND,)):
                yield info
        for backup in self.backups():
            told = self._of_backup(backup.place.kind, backup.place.ident, backup.backup_id)
            if any(
                self._in_doubt(told, asks, answers)
                for asks, answers in ((INSIDE, (OPENED,)), (UNREADABLE, (READ, OPENED)), (BAD, (GOOD,)))
            ):
                yield backup

    def _in_doubt(self, told: list[Row], asks: int, answers: tuple[int, ...]) -> bool:
        """Whether something is open to which, by the clocks, there is a later answer."""
        last = max((row["position"] for row in told if row["what"] in answers), default=-1)
        return any(row["position"] < last for row in self._open(told, asks, answers))


def _place(row: Row) -> Place:
    return Place(row["place_kind"], row["place_ident"])


def _rest(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _PLACE}
