"""Devices, places and backups move at random, and what coldshare says of them is held against a world that knows.

The world (`world.py`) has devices with shares and sealed shares at places, and nothing of coldshare. The machine does
what people do, and tells several computers' ledgers, each through `Ledger.record`, what the commands tell them. Never
may the judgement be more hopeful than the truth; and it may be more careful only where nobody can know better, so that
to see danger everywhere does not pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coldshare.ledger import events as e
from coldshare.ledger import interchange
from coldshare.ledger.events import Body, Event, Place, Share
from coldshare.ledger.store import Ledger
from coldshare.safety.standing import Standing, assess
from coldshare.safety.verdicts import Finding
from safety.world import Device, Sealed, Site, Vault, World, is_server

T = TypeVar("T")
SECOND = 1_000_000
DAY = 86_400 * SECOND
NAMES = ("Phone", "Laptop", "Tablet", "Watch")
COMPUTERS = 4  # one for each party, where people are careful
LOCATIONS = (None, "home", "bank", "Ada's")
EXITS = {"below_threshold": 9, "mixed_generations": 9, "wrong_shares": 9, "safe": 0}
picks = st.integers(0, 999)
seldom = st.integers(0, 9).map(lambda number: number == 9)
often = st.integers(0, 9).map(bool)


def pick(found: Sequence[T], number: int) -> T | None:
    return found[number % len(found)] if found else None


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        self.now += SECOND
        return self.now


class SafetyMachine(RuleBasedStateMachine):
    @initialize(careful=often, fast=st.booleans())
    def begin(self, careful: bool, fast: bool) -> None:
        self.folder = TemporaryDirectory()
        self.clock = Clock()
        self.last = 0
        self.ledgers = [
            Ledger(Path(self.folder.name) / f"{number}.sqlite", now=self.clock) for number in range(COMPUTERS)
        ]
        self.world = World()
        self.world.handled = {number: set() for number in range(COMPUTERS)}
        self.disks = [Site("disk", number) for number in range(COMPUTERS)]
        self.tokens = [Site("token", number) for number in range(5)]
        self.sticks = [Site("stick", number) for number in range(3)]
        self.clouds: list[Site] = []
        self.ids = 0
        self.files = 0
        self.places: dict[Sealed, Place] = {}
        savings = Vault(1, {0: NAMES[:3]}, {0: 2})
        other = Vault(2, {0: ("Phone", "Server-1")}, {0: 2}) if fast else Vault(2, {0: NAMES[:2]}, {0: 1})
        for vault in (savings, other):
            vault.devices = {party: Device(party, 0) for party in vault.members[0]}
            self.world.vaults.append(vault)
            self.look_at_file(vault, vault.members[0][0])
        if careful:
            for number, party in enumerate(savings.members[0]):
                self.store(savings.devices[party], savings, self.tokens[number], code=False, opened=True)

    def teardown(self) -> None:
        for ledger in getattr(self, "ledgers", []):
            ledger.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # --- telling

    def tell(self, computer: int, *bodies: Body) -> int:
        """What that computer records, when it has taken in what the others have. Returns the time of the last one."""
        if computer != self.last:
            # Else nobody could say what came first.
            self.ledgers[computer].join(self.everything())
            self.last = computer
        self.ledgers[computer].record(bodies)
        return self.clock.now

    def everything(self) -> list[Event]:
        """What the one knows that told something last: it knew all else before."""
        return interchange.decode(interchange.encode(self.ledgers[self.last].events()))

    def join(self) -> None:
        everything = self.everything()
        for ledger in self.ledgers:
            ledger.join(everything)

    def key(self, vault: Vault) -> bytes:
        return bytes([vault.number]) * 33

    def generation(self, vault: Vault, number: int) -> bytes:
        return hashlib.sha256(bytes([vault.number, number])).digest()  # no order in it

    def share(self, vault: Vault, party: str, generation: int) -> Share:
        return Share(
            self.key(vault),
            f"Vault {vault.number}",
            party,
            self.generation(vault, generation),
            vault.threshold[generation],
            len(vault.members[generation]),
            2,
        )

    def place(self, site: Site) -> Place:
        if site.kind == "token":
            return Place(e.TOKEN, bytes([site.number]) * 8)
        if site.kind == "stick":
            return Place(e.FOLDER, bytes([site.number]) * 16)
        assert site.kind == "disk"
        return Place(e.COMPUTER, self.ledgers[site.number].host)

    def seen(self, vault: Vault, party: str, generation: int) -> e.VaultSeen:
        members = vault.members[generation]
        return e.VaultSeen(
            share=self.share(vault, party, generation),
            signers=members,
            reshared=generation > 0,
            public_key_eddsa=bytes([vault.number]) * 32,
            chain_code_digest=bytes(32),
            points_ecdsa=tuple(bytes([number]) for number in range(1, len(members) + 1)),
            public_shares_ecdsa=tuple(
                bytes([2]) + hashlib.sha256(f"{vault.number} {generation} {member}".encode()).digest()
                for member in members
            ),
            point_eddsa=b"\1",
            public_share_eddsa=bytes(32),
        )

    def its_computer(self, party: str) -> int:
        return NAMES.index(party) if party in NAMES else 0

    def look_at_file(self, vault: Vault, party: str) -> None:
        """A vault file was looked at, as `inspect` does: nobody's share stays in that computer."""
        self.tell(self.its_computer(party), self.seen(vault, party, vault.newest))

    # --- backups

    def store(self, device: Device, vault: Vault, site: Site, *, code: bool, opened: bool, computer: int = -1) -> None:
        computer = self.its_computer(device.party) if computer < 0 else computer
        share = self.share(vault, device.party, device.generation)
        place = self.place(site)
        there = [one for one in self.world.of(vault) if one.site is site]
        bodies: list[Body] = [self.seen(vault, device.party, device.generation), e.ShareHandled(share, e.BACKED_UP)]
        if site.kind == "token":
            if any(one.party != device.party or one.generation > device.generation for one in there):
                return  # it refuses
            for one in there:
                if one.generation == device.generation:
                    bodies.append(e.BackupGone(place, self.id_of(one), e.REPLACED))
                    self.world.sealed.remove(one)
                else:
                    bodies.append(
                        e.GenerationNewer(self.key(vault), share.generation, self.generation(vault, one.generation))
                    )
                    vault.told.add((device.generation, one.generation))
        elif any(one.generation != device.generation and one.party == device.party for one in there):
            older = next(one for one in there if one.generation != device.generation)
            if older.generation > device.generation:
                return
            bodies.append(
                e.GenerationNewer(self.key(vault), share.generation, self.generation(vault, older.generation))
            )
            vault.told.add((device.generation, older.generation))
        self.ids += 1
        sealed = Sealed(
            self.ids,
            vault,
            device.party,
            device.generation,
            site,
            code=code,
            code_told=True,
            token=site if site.kind == "token" else None,
        )
        stored = e.BackupStored(place, self.id_of(sealed), share, 1000, e.ACTIVE, code)
        sealed.stored = self.tell(computer, *bodies, stored)
        self.world.sealed.append(sealed)
        self.places[sealed] = place
        self.world.handled[computer].add(sealed.what)
        self.visit(sealed, computer)
        device.knowable = True
        if opened:
            self.open(sealed, computer)

    def id_of(self, sealed: Sealed) -> bytes:
        return sealed.id.to_bytes(16, "big")

    def visit(self, sealed: Sealed, computer: int) -> None:
        sealed.site.visitors.add(computer)

    def open(self, sealed: Sealed, computer: int) -> None:
        share = self.share(*sealed.what)
        told = e.BackupVerified(
            self.places[sealed], self.id_of(sealed), share, 1000, e.ACTIVE, sealed.code, opened=True
        )
        sealed.opened = self.tell(computer, e.ShareHandled(share, e.VERIFIED), told)
        sealed.code_told = sealed.confirmed = True
        for one in self.world.sealed:
            if one.id == sealed.id:
                one.code_told = True
        self.world.handled[computer].add(sealed.what)
        self.visit(sealed, computer)

    def computer_of(self, sealed: Sealed) -> int:
        """Where somebody looks at it: a file on a computer is looked at there."""
        return sealed.site.number if sealed.site.kind == "disk" else self.its_computer(sealed.party)

    def computer_for(self, party: str, elsewhere: bool, number: int) -> int:
        return number % COMPUTERS if elsewhere else self.its_computer(party)

    def at_hand(self, *, opens: bool | None = None) -> list[Sealed]:
        return [
            one for one in self.world.sealed if not one.site.lost and (opens is None or self.world.opens(one) == opens)
        ]

    def vault(self, number: int) -> Vault:
        return self.world.vaults[0 if number % 4 else 1]

    @rule(v=picks, d=picks, where=picks, code=st.booleans(), opened=often, elsewhere=seldom)
    def back_up(self, v: int, d: int, where: int, code: bool, opened: bool, elsewhere: bool) -> None:
        vault = self.vault(v)
        device = pick(
            [one for one in vault.devices.values() if not one.lost and not is_server(one.party)],
            d,
        )
        if device is None:
            return
        sites = [one for one in (*self.tokens, *self.sticks) if not one.lost]
        if where % 4:  # people are told which place is free; now and then they do not care
            held = {one.site: one.party for one in self.world.of(vault)}
            sites = [one for one in sites if held.get(one, device.party) == device.party]
        site = pick(sites, where)
        if site is not None:
            computer = self.computer_for(device.party, elsewhere, where)
            self.store(device, vault, site, code=code, opened=opened, computer=computer)

    @rule(which=picks, elsewhere=seldom)
    def verify(self, which: int, elsewhere: bool) -> None:
        sealed = pick(self.at_hand(opens=True), which)
        if sealed is not None:
            away = elsewhere and sealed.site.kind != "disk"
            self.open(sealed, which % COMPUTERS if away else self.computer_of(sealed))

    @rule(which=picks)
    def read_back(self, which: int) -> None:
        sealed = pick(self.at_hand(opens=True), which)
        if sealed is not None and not sealed.burnt:
            body = e.BackupVerified(
                self.places[sealed], self.id_of(sealed), None, 1000, e.ACTIVE, recovery=None, opened=False
            )
            computer = self.computer_of(sealed)
            self.tell(computer, body)
            sealed.confirmed = True
            self.visit(sealed, computer)

    @rule(which=picks, mended=st.booleans())
    def spoil(self, which: int, mended: bool) -> None:
        """It goes bad and somebody notices; or what was bad turns out to be the reader's fault."""
        sealed = pick(
            [one for one in self.world.sealed if not one.site.lost and one.good != mended and not one.burnt], which
        )
        if sealed is None:
            return
        sealed.good = mended
        computer = self.computer_of(sealed)
        if mended:
            self.open(sealed, computer)
        else:
            self.tell(computer, e.BackupFailed(self.places[sealed], self.id_of(sealed), "seal_damaged"))
        self.visit(sealed, computer)

    @rule(which=picks, good=often)
    def drill(self, which: int, good: bool) -> None:
        sealed = pick(self.at_hand(opens=True), which)
        if sealed is None:
            return
        share, computer = self.share(*sealed.what), self.computer_of(sealed)
        digest = hashlib.sha256(repr(share).encode()).digest()
        time = self.tell(
            computer,
            e.ShareHandled(share, e.VERIFIED),
            e.DrillResult(self.places[sealed], self.id_of(sealed), share, good, None, None, digest),
        )
        self.world.handled[computer].add(sealed.what)
        self.visit(sealed, computer)
        sealed.failed_drill = not good
        if good:
            sealed.opened = sealed.drilled = time
        else:
            sealed.good = False

    @rule(which=picks, told=often, carried=st.booleans(), elsewhere=seldom)
    def export(self, which: int, told: bool, carried: bool, elsewhere: bool) -> None:
        source = pick([one for one in self.at_hand() if one.site.kind in ("token", "stick") and one.good], which)
        if source is None or source.burnt or not source.confirmed:
            return
        self.copy_out(source, self.computer_for(source.party, elsewhere, which), told=told, carried=carried)

    def copy_out(self, source: Sealed, computer: int, *, told: bool, carried: bool) -> None:
        self.files += 1
        place = Place(e.FILE, self.files.to_bytes(16, "big"))
        site = Site("cloud", self.files) if carried else self.disks[computer]
        if site.lost:
            return
        sealed = Sealed(
            source.id,
            source.vault,
            source.party,
            source.generation,
            site,
            code=source.code,
            code_told=source.code_told or told,
            token=source.token,
        )
        recovery = source.code if told else None
        sealed.stored = self.tell(
            computer,
            *([e.PlaceDescribed(place, None, None, None, f"account {self.files}", None)] if carried else []),
            e.BackupStored(place, self.id_of(source), self.share(*source.what), 1000, e.ACTIVE, recovery),
        )
        for one in self.world.sealed:
            if one.id == source.id and told:
                one.code_told = True
        self.world.sealed.append(sealed)
        self.places[sealed] = place
        self.visit(sealed, computer)
        if carried:
            self.clouds.append(site)

    @rule(which=picks, why=st.sampled_from((e.REMOVED, e.DESTROYED, e.MISSING)))
    def remove(self, which: int, why: int) -> None:
        sealed = pick(self.at_hand(), which)
        if sealed is not None:
            self.tell(self.computer_of(sealed), e.BackupGone(self.places[sealed], self.id_of(sealed), why))
            self.world.sealed.remove(sealed)

    @rule(which=picks)
    def half_done(self, which: int) -> None:
        """It was never confirmed, as a list shows afterwards."""
        sealed = pick([one for one in self.at_hand() if one.site.kind != "disk" and not one.burnt], which)
        if sealed is not None:
            computer = self.computer_of(sealed)
            self.tell(
                computer,
                e.BackupState(self.places[sealed], self.id_of(sealed), self.share(*sealed.what), 1000, e.UNCONFIRMED),
            )
            sealed.confirmed = False
            self.visit(sealed, computer)

    # --- places

    def kept_sites(self) -> list[Site]:
        return [*self.tokens, *self.sticks, *self.clouds, *self.disks]

    def places_of(self, site: Site) -> list[Place]:
        if site.kind == "cloud":
            return [place for sealed, place in self.places.items() if sealed.site is site]
        return [self.place(site)]

    @rule(which=picks)
    def lose_place(self, which: int) -> None:
        used = {one.site for one in self.world.sealed}
        site = pick([one for one in self.kept_sites() if not one.lost and one in used], which)
        if site is not None:
            self.tell(which % COMPUTERS, *(e.PlaceLost(place) for place in self.places_of(site)))
            site.lost = True

    @rule(which=picks)
    def find_place(self, which: int) -> None:
        site = pick([one for one in self.kept_sites() if one.lost], which)
        if site is not None:
            self.tell(which % COMPUTERS, *(e.PlaceFound(place) for place in self.places_of(site)))
            site.lost = False

    @rule(which=picks, burnt=st.booleans())
    def end_token(self, which: int, burnt: bool) -> None:
        """It is wiped; or it has destroyed its keys, and hands out what nobody opens without a code."""
        site = pick(
            [one for one in self.tokens if not one.lost and any(s.site is one for s in self.world.sealed)], which
        )
        if site is None:
            return
        place = self.place(site)
        if burnt:
            for one in self.world.sealed:
                if one.site is site:
                    one.burnt = True
                    one.confirmed = True
                    self.tell(which % COMPUTERS, e.BackupState(place, self.id_of(one), None, 1000, e.KEYLESS))
                    self.visit(one, which % COMPUTERS)
            return
        site.number = max(one.number for one in self.tokens) + 1
        self.tell(which % COMPUTERS, e.PlaceWiped(place, bytes([site.number]) * 8))
        self.world.sealed = [one for one in self.world.sealed if one.site is not site]
        site.location = None
        site.visitors.clear()
        # What was exported from it stays locked for good: no token has that key any more.
        for one in self.world.sealed:
            if one.token is site:
                one.token = Site("ashes", 0, lost=True)

    @rule(which=picks, where=st.sampled_from(LOCATIONS))
    def describe(self, which: int, where: str | None) -> None:
        site = pick([*self.tokens, *self.sticks], which)
        assert site is not None
        self.tell(which % COMPUTERS, e.PlaceDescribed(self.place(site), None, where, None, None, None))
        site.location = where

    @rule(v=picks, computer=st.integers(0, COMPUTERS - 1))
    def accept(self, v: int, computer: int) -> None:
        vault = self.vault(v)
        self.tell(computer, e.SingleHostAccepted(self.key(vault), self.generation(vault, vault.newest)))
        self.world.accepted.add((computer, vault, vault.newest))

    # --- devices

    @rule(v=picks, d=picks)
    def lose_device(self, v: int, d: int) -> None:
        vault = self.vault(v)
        device = pick([one for one in vault.devices.values() if not one.lost], d)
        if device is not None:
            self.tell(d % COMPUTERS, e.DeviceLost(self.key(vault), device.party))
            device.lost = True

    @rule(v=picks, d=picks)
    def find_device(self, v: int, d: int) -> None:
        vault = self.vault(v)
        device = pick([one for one in vault.devices.values() if one.lost], d)
        if device is not None:
            self.tell(d % COMPUTERS, e.DeviceFound(self.key(vault), device.party))
            device.lost = False

    @rule(which=picks)
    def restore(self, which: int) -> None:
        """The share in a backup comes onto a new device, in place of a lost one; an older share, too, if need be."""
        found = [one for one in self.at_hand(opens=True) if one.vault.devices[one.party].lost]
        sealed = pick(found, which)
        if sealed is not None:
            self.bring_back(sealed)

    def bring_back(self, sealed: Sealed) -> None:
        share, computer = self.share(*sealed.what), self.computer_of(sealed)
        sealed.opened = self.tell(
            computer,
            e.ShareHandled(share, e.RESTORED),
            e.BackupRestored(self.places[sealed], self.id_of(sealed), share, 1000),
        )
        self.tell(
            computer,
            e.DeviceRestored(
                self.key(sealed.vault), sealed.party, f"new {sealed.party}", share.generation, self.id_of(sealed)
            ),
        )
        self.world.handled[computer].add(sealed.what)
        self.visit(sealed, computer)
        sealed.vault.devices[sealed.party] = Device(sealed.party, sealed.generation)

    @rule(v=picks, who=st.integers(0, 15), threshold=st.integers(1, 4), told=often)
    def reshare(self, v: int, who: int, threshold: int, told: bool) -> None:
        """Enough devices make new shares, some leave, others join. What is on devices changes, and no backup."""
        vault = self.vault(v)
        old = vault.newest
        ready = [
            one
            for one in vault.devices.values()
            if not one.lost and one.generation == old and one.party in vault.members[old]
        ]
        if len(ready) < vault.threshold[old] or old > 4:
            return
        stay = [one.party for number, one in enumerate(ready) if not who >> number & 1 or is_server(one.party)]
        joining = [
            name
            for name in NAMES
            if name not in vault.members[old] and (name not in vault.devices or not vault.devices[name].lost)
        ]
        members = (*stay, *joining[: who % 3])
        if not members or all(is_server(one) for one in members):
            return
        self.renew(vault, members, threshold, told=told)

    def renew(self, vault: Vault, members: tuple[str, ...], threshold: int, *, told: bool) -> None:
        old, new = vault.newest, vault.newest + 1
        vault.members[new] = members
        vault.threshold[new] = min(threshold, len(members))
        for party in members:
            device = vault.devices.setdefault(party, Device(party, new))
            # One that came from a backup has the new share, but nobody has told so until it is backed up.
            device.knowable = not self.was_restored(vault, party)
            device.generation = new
        self.look_at_file(vault, next(one for one in members if not is_server(one)))
        if told:
            self.tell(0, e.GenerationNewer(self.key(vault), self.generation(vault, new), self.generation(vault, old)))
            vault.told.add((new, old))

    def was_restored(self, vault: Vault, party: str) -> bool:
        return any(
            isinstance(one.body, e.DeviceRestored) and (one.body.vault, one.body.party) == (self.key(vault), party)
            for one in self.ledgers[self.last].events()
        )

    @rule(which=picks, backed_up=st.booleans(), exported=st.booleans())
    def outdated(self, which: int, backed_up: bool, exported: bool) -> None:
        """A backup is forgotten at a reshare; and when the device is lost, it is what comes onto a new one."""
        sealed = pick([one for one in self.at_hand(opens=True) if self.up_to_date(one)], which)
        if sealed is None or sealed.generation > 4:
            return
        vault, party = sealed.vault, sealed.party
        ready = tuple(one for one in vault.members[vault.newest] if self.has_share(vault, one))
        if len(ready) < vault.threshold[vault.newest]:
            return
        self.renew(vault, ready, vault.threshold[vault.newest], told=True)
        site = next(
            (one for one in self.sticks if not one.lost and not any(s.site is one for s in self.world.sealed)), None
        )
        if backed_up and site is not None:
            self.store(vault.devices[party], vault, site, code=False, opened=True)
        self.tell(self.its_computer(party), e.DeviceLost(self.key(vault), party))
        vault.devices[party].lost = True
        self.bring_back(sealed)
        fresh = [one for one in self.at_hand(opens=True) if one.what == (vault, party, vault.newest)]
        if exported and fresh:
            self.copy_out(fresh[0], self.its_computer(party), told=True, carried=True)

    def has_share(self, vault: Vault, party: str) -> bool:
        device = vault.devices[party]
        return not device.lost and device.generation == vault.newest

    def up_to_date(self, sealed: Sealed) -> bool:
        newest = sealed.generation == sealed.vault.newest
        return newest and not is_server(sealed.party) and self.has_share(sealed.vault, sealed.party)

    @rule(v=picks)
    def hoard(self, v: int) -> None:
        """Copy after copy, all on one disk, and the stick is used for something else."""
        vault = self.world.vaults[v % 2]
        site = next(
            (one for one in self.sticks if not one.lost and not any(s.site is one for s in self.world.sealed)), None
        )
        for party in vault.members[vault.newest]:
            computer = self.its_computer(party)
            if site is None or is_server(party) or not self.has_share(vault, party) or self.disks[computer].lost:
                continue
            self.store(vault.devices[party], vault, site, code=False, opened=False)
            (original,) = (one for one in self.world.of(vault) if one.site is site)
            for _ in range(2):
                self.copy_out(original, computer, told=True, carried=False)
            self.tell(computer, e.BackupGone(self.places[original], self.id_of(original), e.REMOVED))
            self.world.sealed.remove(original)

    @rule(v=picks, which=picks)
    def order(self, v: int, which: int) -> None:
        """Somebody says which one is newer."""
        vault = self.vault(v)
        pair = pick([(new, old) for new in vault.members for old in vault.members if new > old], which)
        if pair is not None:
            new, old = (self.generation(vault, one) for one in pair)
            self.tell(which % COMPUTERS, e.GenerationNewer(self.key(vault), new, old))
            vault.told.add(pair)

    # --- time, and several ledgers

    @rule(days=st.integers(0, 200))
    def wait(self, days: int) -> None:
        self.clock.now += days * DAY

    @rule(seconds=st.integers(0, 100))
    def turn_the_clock_back(self, seconds: int) -> None:
        self.clock.now -= seconds * SECOND

    @rule()
    def join_all(self) -> None:
        self.join()
        answers = {
            repr([(one.verdict, one.margin, one.parties, _told(one), one.reminders) for one in found.standings])
            for found in (assess(ledger.view(), self.clock.now) for ledger in self.ledgers)
        }
        assert len(answers) == 1, "everybody who knows the same comes to the same"

    # --- what coldshare says

    @invariant()
    def the_judgement_stands(self) -> None:
        if not hasattr(self, "world") or not self.world.vaults:
            return
        view = self.ledgers[self.last].view()
        now = self.clock.now
        overview = assess(view, now)
        found = {one.vault.vault: one for one in overview.standings}
        assert set(found) == {self.key(vault) for vault in self.world.vaults}
        for vault in self.world.vaults:
            standing = found[self.key(vault)]
            self.never_hopeful(vault, standing)
            self.not_too_careful(vault, standing)
            self.exits(vault, standing, now)
        assert overview.exit_status >= max(one.exit_status for one in overview.standings)

    def never_hopeful(self, vault: Vault, standing: Standing) -> None:
        world, newest = self.world, vault.newest
        if standing.generation is None:
            assert standing.exit_status == 9
            assert standing.margin is None
        else:
            # Whatever was told was true: then what counts is what was made last.
            assert standing.generation.generation == self.generation(vault, newest)
        if len(world.reach(vault, newest)) < vault.threshold[newest]:
            assert standing.exit_status == 9
        if standing.margin is not None:
            assert world.stands(vault, newest, standing.margin), "fewer losses break it than it says"
        for party in standing.parties:
            for copy in party.usable:
                (sealed,) = (
                    one
                    for one in world.sealed
                    if (self.places[one], self.id_of(one)) == (copy.backup.place, copy.backup.backup_id)
                )
                assert world.opens(sealed)
                assert sealed.party == party.party
                if standing.generation is not None:
                    assert sealed.generation == newest, "a stale share is counted"
            if standing.generation is not None and party.live:
                assert party.party in world.live(vault, newest), "a device that has no such share"
        if standing.verdict == "safe":
            assert standing.margin is not None
            assert standing.margin >= 1
            assert world.stands(vault, newest, 1), "the loss of one thing breaks what is called safe"
            assert world.backed_up(vault, newest) >= {one for one in vault.members[newest] if not is_server(one)}
            assert not world.together(vault)

    def not_too_careful(self, vault: Vault, standing: Standing) -> None:
        world, counting = self.world, vault.counting
        assert (standing.generation is None) == (counting is None)
        if counting is None:
            # Of which generation a device has its share, nobody can tell; that nobody can is what is to be said.
            assert standing.verdict in ("below_threshold", "mixed_generations")
            return
        expected = world.verdict(vault, counting)
        assert standing.verdict == expected, (standing.verdict, expected, standing.findings)
        named = {party for one in standing.findings if one.code == "not_all_backed_up" for party in one.parties}
        without = world.without_backup(vault, counting)
        assert named == without, (standing.verdict, named, without)
        known = world.reach(vault, counting, known=True)
        assert (standing.margin is None) == (len(known) < vault.threshold[counting])
        things = world.things(vault, counting, known=True)
        if standing.margin is not None and not self.shared(vault, counting) and standing.margin < len(things):
            assert not world.stands(vault, counting, standing.margin + 1, known=True), "more may be lost than it says"

    def shared(self, vault: Vault, generation: int) -> bool:
        """Whether one thing carries the shares of two parties; then less may be promised than would hold."""
        held: dict[Site, set[str]] = {}
        for one in self.world.of(vault):
            for site in {one.site, one.token} - {None}:
                if one.generation == generation and site is not None:
                    held.setdefault(site, set()).add(one.party)
        return any(len(parties) > 1 for parties in held.values())

    def exits(self, vault: Vault, standing: Standing, now: int) -> None:
        status = EXITS.get(standing.verdict, 8)
        if status == 0 and self.world.due(vault, now, DAY):
            status = 8
        assert standing.exit_status == status
        spoiling = [one.code for one in standing.findings if one.counts]
        assert spoiling[:1] == ([] if standing.verdict == "safe" else [standing.verdict])


def _told(standing: Standing) -> list[Finding]:
    """Without what is to be done: that depends on what this computer may open."""
    return [replace(one, next_step="") for one in standing.findings]


SafetyMachine.TestCase.settings = settings(max_examples=4, stateful_step_count=20)
TestSafety = SafetyMachine.TestCase


@pytest.mark.slow
class TestSafetyLonger(SafetyMachine.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40)
