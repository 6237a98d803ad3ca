"""What a host and a token say to each other: each conversation whole, and how to finish it after a fault.

Every step is checked against the chip itself as soon as the token has acknowledged it: what a host was told must be
so. `finish` is another host program, one that remembers what the first one had written down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Event

from coldshare.device.token import TokenClient
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from coldshare_sim.flash import SIZE, Chip
from link.world import BLOB, HOST, LABEL, OLD, PIN, Carrier, Memory, Seen, Store, Token, declared, digest, look


class WrongError(AssertionError):
    """A host was told what is not so, or what was there is lost."""


def sure(true: object, what: str) -> None:
    if not true:
        raise WrongError(what)


@dataclass
class Start:
    """The token and the host before the conversation."""

    image: bytes
    store: Store
    old: bytes = b""
    before: Seen = field(init=False)

    def __post_init__(self) -> None:
        self.before = look(Chip(self.image))

    def memory(self) -> Memory:
        return Memory(Store(*self.store.pairings.values()))


@dataclass
class Talk:
    """One client in one conversation."""

    start: Start
    token: Token
    memory: Memory
    carrier: Carrier
    cancel: Event | None = None
    client: TokenClient | None = None

    def connected(self) -> TokenClient:
        """Open, in a session, unlocked."""
        client = self.opened()
        client.connect(self.memory.store)
        self.memory.done.append("connect")
        sure(client.unlock(PIN) == LABEL, "unlock gave another label")
        self.memory.done.append("unlock")
        return client

    def opened(self) -> TokenClient:
        self.client = TokenClient(self.carrier, cancel=self.cancel)
        self.memory.done.append("info")
        return self.client

    def seen(self) -> Seen:
        return look(self.token.chip)

    def list(self, client: TokenClient) -> None:
        """What the token lists is what it has."""
        listed = {held.backup_id: (held.pending, held.size) for held in client.backups()}
        kept = {key: (state == wire.BACKUP_PENDING, len(data)) for key, (state, data) in self.seen().kept.items()}
        sure(listed == kept, f"the list says {listed}, and there is {kept}")


class Conversation(ABC):
    """`talk` is what the fault happens to. `check` must hold at any time after it, `finish` must always be possible."""

    name = ""

    @abstractmethod
    def start(self) -> Start: ...

    @abstractmethod
    def talk(self, talk: Talk) -> None: ...

    @abstractmethod
    def check(self, talk: Talk) -> None:
        """Old or new, never neither, and all that was acknowledged."""

    @abstractmethod
    def finish(self, talk: Talk) -> None: ...


@cache
def _new() -> Start:
    return Start(bytes(Token(b"\xff" * SIZE).chip.image), Store())


@cache
def _ready() -> Start:
    """Paired with this host, set up, and with an earlier backup on it."""
    token, store = Token(_new().image), Store()
    client = TokenClient(token.carrier())
    client.pair(store, lambda code: True, HOST)
    client.connect(store)
    client.set_up(PIN, LABEL)
    old = _put(client, OLD)
    return Start(bytes(token.chip.image), store, old)


@cache
def _stored() -> Start:
    """With BLOB on it."""
    ready = _ready()
    token, store = Token(ready.image), ready.memory().store
    client = TokenClient(token.carrier())
    client.connect(store)
    client.unlock(PIN)
    new = _put(client, BLOB)
    return Start(bytes(token.chip.image), store, new)


def _put(client: TokenClient, data: bytes) -> bytes:
    backup_id = client.reserve(declared()).backup_id
    client.put(backup_id, data)
    client.commit(backup_id)
    client.confirm(backup_id)
    return backup_id


class Backup(Conversation):
    """A share goes there: reserve, transfer, commit, read back, confirm. It replaces the one that is there."""

    name = "backup"

    def start(self) -> Start:
        return _ready()

    def talk(self, talk: Talk) -> None:
        memory = talk.memory
        client = talk.connected()
        talk.list(client)
        reservation = client.reserve(declared(1))
        sure(talk.seen().slots.get(reservation.backup_id) == (0, reservation.factor, b""), "nothing is reserved")
        memory.backup_id, memory.factor = reservation.backup_id, reservation.factor
        memory.done.append("reserve")
        self._transfer(talk, client)
        self._rest(talk, client)

    def _transfer(self, talk: Talk, client: TokenClient) -> None:
        memory = talk.memory

        def progress(done: int, size: int) -> None:
            sure(talk.seen().staged >= done, "a chunk that was acknowledged is not there")
            memory.acknowledged = done

        client.put(memory.backup_id, BLOB, progress)
        memory.done.append("put")
        client.commit(memory.backup_id)
        sure(talk.seen().kept.get(memory.backup_id, (0, b""))[1] == BLOB, "the commit is not there")
        memory.done.append("commit")

    def _rest(self, talk: Talk, client: TokenClient) -> None:
        memory = talk.memory
        sure(client.get(memory.backup_id, len(BLOB), digest(BLOB)) == BLOB, "other bytes were read back")
        client.confirm(memory.backup_id)
        sure(talk.seen().kept == {memory.backup_id: (wire.BACKUP_ACTIVE, BLOB)}, "the confirmation is not there")
        memory.done.append("confirm")

    def check(self, talk: Talk) -> None:
        start, memory, seen = talk.start, talk.memory, talk.seen()
        kept = seen.kept
        for key, (_, data) in kept.items():
            sure(data == (OLD if key == start.old else BLOB), "a backup is damaged")
        if start.old in kept:
            sure(kept[start.old][0] == wire.BACKUP_ACTIVE, "the old backup counts no more")
            sure(all(state == wire.BACKUP_PENDING for key, (state, _) in kept.items() if key != start.old), "two count")
        else:
            sure([state for state, _ in kept.values()] == [wire.BACKUP_ACTIVE], "neither old nor new")
        if "commit" in memory.done:
            sure(memory.backup_id in kept, "an acknowledged commit is lost")
        if "confirm" in memory.done:
            sure(list(kept) == [memory.backup_id], "an acknowledged confirmation is lost")
        sure(len(seen.slots) - len(kept) <= 1, "two reservations")

    def finish(self, talk: Talk) -> None:
        """Where the backup is committed it is read, otherwise the transfer goes on where it stopped."""
        memory, seen = talk.memory, talk.seen()
        client = talk.connected()
        talk.list(client)
        if not memory.backup_id or memory.backup_id not in seen.slots:
            sure("reserve" not in memory.done, "an acknowledged reservation is lost")
            reservation = client.reserve(declared(1))
            memory.backup_id, memory.factor = reservation.backup_id, reservation.factor
            seen = talk.seen()
        sure(seen.slots[memory.backup_id][1] == memory.factor, "the token has another factor than the host")
        if seen.slots[memory.backup_id][0]:
            opened = client.open(memory.backup_id, wire.PURPOSE_VERIFY)
            sure((opened.size, opened.digest) == (len(BLOB), digest(BLOB)), "it opens as another backup")
            sure((opened.declared, opened.factor) == (declared(1), memory.factor), "it opens as another backup")
        else:
            self._resume(talk, client, seen)
            client.commit(memory.backup_id)
        self._rest(talk, client)

    def _resume(self, talk: Talk, client: TokenClient, seen: Seen) -> None:
        memory = talk.memory
        offsets: list[int] = []
        client.put(memory.backup_id, BLOB, lambda done, size: offsets.append(done))
        first = offsets[0]
        sure(first == seen.staged, f"begin says {first}, and {seen.staged} bytes are there")
        memory.resumed = first, memory.acknowledged
        # A power cut inside of `commit` takes what was staged: the contract says so (What a token persists, Files).
        cut = "put" in memory.done and first == 0
        sure(first >= memory.acknowledged or cut, "what was acknowledged has to be sent again")
        sure(first in (*range(0, len(BLOB), CHUNK), len(BLOB)), f"{first} is not between two chunks")


class Pair(Conversation):
    """A new token: compare, accept, set up."""

    name = "pair"

    def start(self) -> Start:
        return _new()

    def talk(self, talk: Talk) -> None:
        client = talk.opened()
        self._pair(talk, client)
        client.connect(talk.memory.store)
        talk.memory.done.append("connect")
        client.set_up(PIN, LABEL)
        sure(talk.seen().state == wire.TOKEN_READY and talk.seen().label == LABEL, "it is not set up")
        talk.memory.done.append("set-up")

    def _pair(self, talk: Talk, client: TokenClient) -> None:
        def compare(code: str) -> bool:
            shown = " ".join(line for line in talk.token.person.screens[-1][1:3])
            return shown == code

        client.pair(talk.memory.store, compare, HOST)
        (pairing,) = talk.memory.store.pairings.values()
        sure(talk.seen().pairings.get(pairing.psk_id) == pairing.psk, "the token has no such pairing")
        talk.memory.done.append("pair")

    def check(self, talk: Talk) -> None:
        memory, seen = talk.memory, talk.seen()
        for pairing in memory.store.pairings.values():
            sure(seen.pairings.get(pairing.psk_id) == pairing.psk, "the host keeps a key that the token has not")
        pressed = [line for line in talk.token.person.answered if line.startswith("Pair with")]
        sure(len(seen.pairings) <= len(pressed), "paired twice by one press")
        sure(seen.state in (wire.TOKEN_NEW, wire.TOKEN_READY), "another state")
        sure(seen.label == (LABEL if seen.state == wire.TOKEN_READY else ""), "set up by halves")
        sure(not seen.slots, "a slot out of nowhere")
        if "set-up" in memory.done:
            sure(seen.state == wire.TOKEN_READY, "an acknowledged set-up is lost")

    def finish(self, talk: Talk) -> None:
        client = talk.opened()
        if not talk.memory.store.pairings:
            self._pair(talk, client)
        client.connect(talk.memory.store)
        if talk.seen().state == wire.TOKEN_NEW:
            client.set_up(PIN, LABEL)
        else:
            sure(client.unlock(PIN) == LABEL, "another label")
        talk.list(client)


class Restore(Conversation):
    """A share comes back: list, open, read."""

    name = "restore"

    def start(self) -> Start:
        return _stored()

    def talk(self, talk: Talk) -> None:
        client = talk.connected()
        talk.list(client)
        self._read(talk, client)

    def _read(self, talk: Talk, client: TokenClient) -> None:
        start = talk.start
        opened = client.open(start.old, wire.PURPOSE_RESTORE)
        _, factor, data = start.before.slots[start.old]
        sure((opened.size, opened.digest) == (len(data), digest(data)), "other size or digest")
        sure((opened.declared, opened.factor) == (declared(), factor), "another declaration or factor")
        sure(client.get(start.old, opened.size, opened.digest) == data, "other bytes")

    def check(self, talk: Talk) -> None:
        sure(talk.seen().slots == talk.start.before.slots, "reading has changed something")

    def finish(self, talk: Talk) -> None:
        self.talk(talk)


CONVERSATIONS: dict[str, Callable[[], Conversation]] = {kind.name: kind for kind in (Backup, Pair, Restore)}
