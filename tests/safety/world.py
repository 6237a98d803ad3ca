"""A small world of devices, places and sealed shares, which knows by itself what can sign. It knows no ledger.

Two answers to each question: what is true, and what somebody can know who was told everything that a command tells and
nothing else. Where the two differ the second is the more careful one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

HALF_YEAR_DAYS = 182


@dataclass(eq=False)
class Device:
    """`knowable`: whether it has been told which generation its share is of."""

    party: str
    generation: int
    lost: bool = False
    knowable: bool = True


@dataclass(eq=False)
class Site:
    """A token, a stick, a computer's disk, or (`kind` "cloud") a file that was carried elsewhere."""

    kind: str
    number: int
    lost: bool = False
    location: str | None = None
    #: Computers that have been there.
    visitors: set[int] = field(default_factory=set)


@dataclass(eq=False)
class Sealed:
    """One sealed share at one place. Copies of it have the same `id`; `token` is the one that has the key for it."""

    id: int
    vault: Vault
    party: str
    generation: int
    site: Site
    code: bool
    code_told: bool
    token: Site | None
    good: bool = True
    confirmed: bool = True
    burnt: bool = False
    #: It failed when it was rehearsed last. To be read back whole afterwards does not make it good.
    failed_drill: bool = False
    opened: int | None = None
    drilled: int | None = None
    stored: int | None = None

    @property
    def what(self) -> tuple[Vault, str, int]:
        return self.vault, self.party, self.generation


@dataclass(eq=False)
class Vault:
    """Generations are numbered as they were made. `members` and `threshold` by generation; `told` are the pairs
    (newer, older) that somebody has said."""

    number: int
    members: dict[int, tuple[str, ...]]
    threshold: dict[int, int]
    devices: dict[str, Device] = field(default_factory=dict)
    told: set[tuple[int, int]] = field(default_factory=set)

    @property
    def newest(self) -> int:
        return max(self.members)

    def older(self, generation: int) -> set[int]:
        """All that are known to be older, one by way of another."""
        found: set[int] = set()
        todo = [generation]
        while todo:
            here = todo.pop()
            fresh = {old for new, old in self.told if new == here} - found
            found |= fresh
            todo += fresh
        return found

    @property
    def counting(self) -> int | None:
        """What somebody can know of which one counts: there is one that is newer than all others, or there is none."""
        return next((one for one in self.members if self.older(one) == set(self.members) - {one}), None)


def is_server(party: str) -> bool:
    return party.startswith("Server-")


class World:
    def __init__(self) -> None:
        self.vaults: list[Vault] = []
        self.sites: list[Site] = []
        self.sealed: list[Sealed] = []
        #: Computers by number: (vault, party, generation) of the shares that they had in the clear.
        self.handled: dict[int, set[tuple[Vault, str, int]]] = {}
        self.accepted: set[tuple[int, Vault, int]] = set()

    # --- what opens

    def opens(self, one: Sealed, *, without: Iterable[object] = (), known: bool = False) -> bool:
        """Whether it does, when `without` is lost besides; with `known`, whether somebody can know that it does."""
        gone = set(without)

        def there(site: Site) -> bool:
            return not site.lost and site not in gone

        if not there(one.site) or not one.good:
            return False
        if known and not one.confirmed:
            return False
        if one.code and (one.code_told or not known):
            return True
        if one.site.kind == "token":
            return not one.burnt
        return one.token is None or (there(one.token) and self._has_key(one.token, one.id))

    def _has_key(self, token: Site, number: int) -> bool:
        return any(one.site is token and one.id == number and not one.burnt for one in self.sealed)

    def of(self, vault: Vault) -> Iterator[Sealed]:
        return (one for one in self.sealed if one.vault is vault)

    # --- who can sign

    def live(self, vault: Vault, generation: int, *, without: Iterable[object] = (), known: bool = False) -> set[str]:
        """Parties whose device has a share of that generation."""
        gone = set(without)
        return {
            party
            for party, device in vault.devices.items()
            if party in vault.members[generation]
            and not device.lost
            and device not in gone
            and device.generation == generation
            and (device.knowable or not known)
        }

    def backed_up(
        self, vault: Vault, generation: int, *, without: Iterable[object] = (), known: bool = False
    ) -> set[str]:
        return {
            one.party
            for one in self.of(vault)
            if one.generation == generation and self.opens(one, without=without, known=known)
        }

    def reach(self, vault: Vault, generation: int, *, without: Iterable[object] = (), known: bool = False) -> set[str]:
        return self.live(vault, generation, without=without, known=known) | self.backed_up(
            vault, generation, without=without, known=known
        )

    def things(self, vault: Vault, generation: int, *, known: bool = False) -> list[object]:
        """All whose loss could matter."""
        live = self.live(vault, generation, known=known)
        found: list[object] = [vault.devices[party] for party in sorted(live) if not is_server(party)]
        sites: list[Site] = []
        for one in self.of(vault):
            if one.generation == generation and self.opens(one, known=known):
                sites += [one.site] if one.token is None else [one.site, one.token]
        return found + [site for number, site in enumerate(sites) if not site.lost and site not in sites[:number]]

    def stands(self, vault: Vault, generation: int, losses: int, *, known: bool = False) -> bool:
        """Whether it can sign after any so many losses. To lose more than there is, is to lose all."""
        things = self.things(vault, generation, known=known)
        return all(
            len(self.reach(vault, generation, without=lost, known=known)) >= vault.threshold[generation]
            for lost in combinations(things, min(losses, len(things)))
        )

    # --- what is together

    def together(self, vault: Vault) -> bool:
        """Whether anything that should be apart is not, as far as it was told and nobody has accepted it."""
        return any(found(vault) for found in (self._in_one_place, self._at_one_location, self._on_one_computer))

    def _in_one_place(self, vault: Vault) -> bool:
        at = [(one.site, one.party) for one in self.of(vault) if one.site.kind != "disk"]
        return any(site is other and party != whose for site, party in at for other, whose in at)

    def _at_one_location(self, vault: Vault) -> bool:
        words = {one.site.location for one in self.of(vault)} - {None}
        return any(
            self._enough(vault, generation, lambda one, word=word: not one.site.lost and one.site.location == word)
            for word in words
            for generation in vault.members
        )

    def _on_one_computer(self, vault: Vault) -> bool:
        for computer, handled in self.handled.items():
            for generation in vault.members:
                if (computer, vault, generation) in self.accepted:
                    continue
                clear = {party for of, party, made in handled if of is vault and made == generation}
                if self._enough(vault, generation, lambda one, computer=computer: self._can_copy(one, computer), clear):
                    return True
        return False

    def _can_copy(self, one: Sealed, computer: int) -> bool:
        """Whether that computer has been there. A lost one has what it had, and somebody may have the computer."""
        lost = one.site.lost and one.site.kind != "disk"
        return one.site.kind != "token" and not lost and computer in one.site.visitors

    def _enough(
        self, vault: Vault, generation: int, there: Callable[[Sealed], bool], besides: Iterable[str] = ()
    ) -> bool:
        parties = {one.party for one in self.of(vault) if one.generation == generation and there(one)} | set(besides)
        return len(parties) >= max(2, vault.threshold[generation])

    # --- the judgement that somebody could come to with a pencil

    def verdict(self, vault: Vault, counting: int) -> str:
        """The worst that is the case."""
        if len(self.reach(vault, counting, known=True)) < vault.threshold[counting]:
            return "below_threshold"
        if self._mixed(vault, counting):
            return "mixed_generations"
        if any(self._wrong(one) for one in self.of(vault) if one.generation == counting):
            return "wrong_shares"
        if self.together(vault):
            return "together"
        if self.without_backup(vault, counting):
            return "not_all_backed_up"
        usable = [one for one in self.of(vault) if one.generation == counting and self.opens(one, known=True)]
        opened = {one.party for one in usable if one.opened is not None}
        if {one.party for one in usable} - opened:
            return "never_verified"
        live = self.live(vault, counting, known=True)
        if any(party not in live for party in vault.members[counting]):
            return "device_lost"
        return "safe"

    def without_backup(self, vault: Vault, generation: int) -> set[str]:
        live = self.live(vault, generation, known=True)
        backed_up = self.backed_up(vault, generation, known=True)
        return {
            party
            for party in vault.members[generation]
            if party not in backed_up and not (is_server(party) and party in live)
        }

    def _wrong(self, one: Sealed) -> bool:
        if not one.good and not one.site.lost:
            return True
        # One signer is nothing to rehearse.
        counts = self.opens(one, known=True) or (not one.confirmed and not one.site.lost)
        return one.failed_drill and one.vault.threshold[one.generation] > 1 and counts

    def _mixed(self, vault: Vault, counting: int) -> bool:
        """Backups of enough parties, as it seems, but only with those of another generation."""
        good = self.backed_up(vault, counting, known=True)
        other = {
            one.party
            for one in self.of(vault)
            if one.generation != counting and self.opens(one, known=True) and one.party in vault.members[counting]
        } - good
        return bool(other) and len(good) < vault.threshold[counting] <= len(good | other)

    def due(self, vault: Vault, now: int, day: int) -> bool:
        """Whether anything that would open was not opened, or not rehearsed, for half a year."""
        half = HALF_YEAR_DAYS * day
        for one in self.of(vault):
            if one.generation != vault.counting or one.party not in vault.members[one.generation]:
                continue
            if not self.opens(one, known=True):
                continue
            since = one.drilled or one.stored or one.opened
            proved = one.opened + half if one.opened is not None else one.stored or 0
            if since is None or now >= since + half or now >= proved:
                return True
        return False
