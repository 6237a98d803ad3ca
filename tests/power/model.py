"""What a token should be, in plain Python: vaults with a place for what stands, one for what waits, and the retired."""

from __future__ import annotations

from dataclasses import dataclass, field

from coldshare_iface import wire
from support.client import LABEL, PIN

_NOBODY = bytes(16)


@dataclass
class Kept:
    """A backup, or the reservation for one."""

    backup_id: bytes
    vault: str
    party: str
    generation: str
    data: bytes
    state: int = wire.BACKUP_PENDING


@dataclass
class Vault:
    """What a token keeps of one vault: of one party, and never two that claim the same place."""

    active: Kept | None = None
    #: PENDING, or NEXT beside an ACTIVE one.
    waiting: Kept | None = None
    retired: list[Kept] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[Kept]:
        return [each for each in (self.active, self.waiting, *self.retired) if each is not None]

    @property
    def standing(self) -> Kept | None:
        return self.active or self.waiting

    def beside(self, generation: str, newer: bool) -> bool:
        """Whether a share of that generation would stand beside what there is, and not replace it."""
        return newer and self.standing is not None and self.standing.generation != generation

    def admits(self, party: str, generation: str, newer: bool) -> int:
        if any(each.party != party for each in self.kept):
            return wire.STATUS_OTHER_PARTY
        if self.is_retired(generation):
            return wire.STATUS_RETIRED
        others = [each for each in (self.active, self.waiting) if each is not None and each.generation != generation]
        if others and not self.beside(generation, newer):
            return wire.STATUS_OTHER_GENERATION
        return wire.STATUS_OK

    def is_retired(self, generation: str) -> bool:
        return generation in self.marks or any(each.generation == generation for each in self.retired)

    def commit(self, new: Kept) -> None:
        if self.active is None and self.waiting is not None:
            self.active = self.waiting
            self.active.state = wire.BACKUP_ACTIVE
        self.waiting = new
        new.state = wire.BACKUP_PENDING

    def confirm(self) -> None:
        """What is PENDING has been read back."""
        assert self.waiting is not None
        if self.active is not None and self.active.generation != self.waiting.generation:
            self.waiting.state = wire.BACKUP_NEXT
        else:
            self._promote()

    def _promote(self) -> None:
        self.active, self.waiting = self.waiting, None
        if self.active is not None:
            self.active.state = wire.BACKUP_ACTIVE

    def retire(self, newer: Kept, generation: str) -> int:
        if newer.state not in (wire.BACKUP_ACTIVE, wire.BACKUP_NEXT) or newer.generation == generation:
            return wire.STATUS_BAD_STATE
        if self.is_retired(generation):
            return wire.STATUS_OK
        for old in (self.active, self.waiting):
            if old is not None and old.generation == generation:
                old.state = wire.BACKUP_RETIRED
                self.retired.append(old)
        if self.waiting in self.retired:
            self.waiting = None
        if self.active in self.retired:
            self._promote()
        self.marks.append(generation)
        return wire.STATUS_OK

    def un_retire(self, generation: str) -> int:
        if not self.is_retired(generation):
            return wire.STATUS_NOT_FOUND
        back = [each for each in self.retired if each.generation == generation]
        if back:
            if self.active is not None and self.waiting is not None:
                return wire.STATUS_BAD_STATE
            if self.active is not None:
                self.waiting = self.active
                self.waiting.state = wire.BACKUP_NEXT
            self.retired.remove(back[-1])
            self.active = back[-1]
            self.active.state = wire.BACKUP_ACTIVE
        self.marks = [mark for mark in self.marks if mark != generation]
        return wire.STATUS_OK

    def remove(self, gone: Kept) -> None:
        if gone in self.retired:
            self.retired.remove(gone)
        elif gone is self.waiting:
            self.waiting = None
        else:
            self.active = None
            if self.waiting is not None and self.waiting.state == wire.BACKUP_NEXT:
                self._promote()
                self.marks.append(gone.generation)


@dataclass
class Model:
    """One token. Copied before each request, so that a power cut can take it back."""

    state: int = wire.TOKEN_NEW
    label: str = ""
    pin: str | None = None
    fails: int = 0
    wrong_since_power_up: int = 0
    hosts: int = 0
    vaults: dict[str, Vault] = field(default_factory=dict)
    reserved: Kept | None = None
    #: How much of the reserved one has been acknowledged.
    sent: int = 0
    #: The sealed shares of a burnt token.
    sealed: dict[bytes, bytes] = field(default_factory=dict)
    events: list[tuple[int, int, bytes]] = field(default_factory=list)

    @property
    def kept(self) -> list[Kept]:
        return [each for vault in self.vaults.values() for each in vault.kept]

    def note(self, event: int, subject: bytes = b"", detail: int = 0) -> None:
        self.events = [*self.events, (event, detail, subject.ljust(16, b"\0"))][-wire.AUDIT_MAX :]

    def set_up(self) -> None:
        self.state, self.pin, self.label, self.fails = wire.TOKEN_READY, PIN, LABEL, 0
        self.wrong_since_power_up = 0
        self.note(wire.EVENT_SET_UP)

    def attempt(self, pin: str) -> int:
        if self.wrong_since_power_up >= wire.PIN_PER_POWER_UP:
            return wire.STATUS_PIN_REPLUG
        if pin != self.pin:
            self.count()
            self.wrong_since_power_up += 1
            return wire.STATUS_PIN_WRONG if self.state == wire.TOKEN_READY else wire.STATUS_BURNT
        if self.fails:
            self.note(wire.EVENT_WRONG_PINS, detail=self.fails)
        self.fails, self.wrong_since_power_up = 0, 0
        return wire.STATUS_OK

    def count(self) -> None:
        """An attempt that was made, and nothing more is known of it."""
        self.fails += 1
        if self.fails == wire.PIN_ATTEMPTS:
            self.state, self.label, self.pin, self.hosts = wire.TOKEN_BURNT, "", None, 0
            self.sealed = {each.backup_id: each.data for each in self.kept}
            self.vaults, self.reserved, self.sent = {}, None, 0
            self.note(wire.EVENT_BURNT)

    def wipe(self) -> None:
        self.__init__()  # type: ignore[misc]

    def admits(self, share: Kept, newer: bool) -> int:
        vault = self.vaults.get(share.vault, Vault())
        status = vault.admits(share.party, share.generation, newer)
        if status != wire.STATUS_OK:
            return status
        # What there is once it is confirmed.
        stays = len(vault.retired) + (1 if vault.beside(share.generation, newer) else 0)
        others = len(self.kept) - len(vault.kept)
        return wire.STATUS_NO_SPACE if others + stays + 1 > wire.BACKUPS_MAX else wire.STATUS_OK

    def reserve(self, share: Kept, newer: bool) -> int:
        status = self.admits(share, newer)
        if status == wire.STATUS_OK:
            self.reserved, self.sent = share, 0
        return status

    def commit(self) -> int:
        assert self.reserved is not None
        status = self.admits(self.reserved, True)
        if status == wire.STATUS_OK:
            share, self.reserved, self.sent = self.reserved, None, 0
            self.vaults.setdefault(share.vault, Vault()).commit(share)
            self.note(wire.EVENT_STORED, share.backup_id)
        return status

    def confirm(self, share: Kept) -> int:
        if share.state == wire.BACKUP_PENDING:
            self.vaults[share.vault].confirm()
            self.note(wire.EVENT_CONFIRMED, share.backup_id)
        return wire.STATUS_OK

    def abort(self) -> int:
        self.reserved, self.sent = None, 0
        return wire.STATUS_OK

    def retire(self, newer: Kept, generation: str) -> int:
        vault = self.vaults[newer.vault]
        known = vault.is_retired(generation)
        status = vault.retire(newer, generation)
        if status == wire.STATUS_OK and not known:
            self.note(wire.EVENT_RETIRED, newer.backup_id)
        return status

    def un_retire(self, share: Kept, generation: str) -> int:
        status = self.vaults[share.vault].un_retire(generation)
        if status == wire.STATUS_OK:
            self.note(wire.EVENT_UN_RETIRED, share.backup_id)
        return status

    def remove(self, share: Kept) -> int:
        return self._gone(share, wire.EVENT_REMOVED)

    def destroy(self, share: Kept) -> int:
        if share.state != wire.BACKUP_RETIRED:
            return wire.STATUS_BAD_STATE
        return self._gone(share, wire.EVENT_DESTROYED)

    def _gone(self, share: Kept, event: int) -> int:
        vault = self.vaults[share.vault]
        vault.remove(share)
        if not vault.kept:
            del self.vaults[share.vault]
        self.note(event, share.backup_id)
        return wire.STATUS_OK
