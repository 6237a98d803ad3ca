"""One token, the host and the person at it, and a record of everything that power could have interrupted."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from coldshare_firmware import pin as pin_module
from coldshare_firmware.keys import RESERVED
from coldshare_iface import wire
from coldshare_sim.flash import Operation
from coldshare_sim.person import Person
from coldshare_sim.token import SoftToken
from power.images import BlockChip, Image
from power.state import NEW_PIN, Seen, View, look
from support.client import HELD, LABEL, PIN, Bench, Host, Map, Puppet, declaration

if TYPE_CHECKING:
    from power.stories import Story

Known = tuple[tuple[str, bytes], ...]
_ATTEMPTS = (wire.OP_UNLOCK, wire.OP_CHANGE_PIN)
_CHUNK = 3000
_SEED = 7
_SEED_AGAIN = 11


class Board(Bench):
    """A bench whose token draws its ids and its keys from different sources: in runs that draw in different orders,
    the id of a backup, which names its file, must not look like a key of another run."""

    def soft(self, person: Person) -> SoftToken:
        sources: dict[int, Random] = {}

        def draw(size: int) -> bytes:
            if size not in sources:
                sources[size] = Random(f"{self.seed} {size}")
            return sources[size].randbytes(size)

        return SoftToken(self.chip, person, clock=self.clock, random=draw, report_size=self.report_size)


@dataclass(frozen=True)
class Step:
    """The token has answered: after `at` flash operations, to `op`. Until the next step it is on its way there."""

    at: int
    op: int
    seen: Seen
    #: Of each share, how many bytes the token has acknowledged.
    sent: tuple[tuple[bytes, int], ...] = ()
    #: What the host has learned so far.
    known: Known = ()


@dataclass(frozen=True)
class Run:
    """A story as it happened: the chip before it, each flash operation of it, and each answer."""

    #: Empty for what many images have in common.
    start: Image
    operations: tuple[Operation, ...]
    steps: tuple[Step, ...]
    #: When a PIN was compared: after how many operations, and after which step.
    compared: tuple[tuple[int, int], ...]
    #: How many operations power-up took, where the story begins with it.
    booted: int = 0
    problem: str | None = None

    def done(self, at: int) -> int:
        """The number of the last step that was acknowledged when power was cut at instant `at`."""
        return max(number for number, step in enumerate(self.steps) if step.at <= at)

    @property
    def secrets(self) -> frozenset[bytes]:
        return frozenset().union(*(step.seen.secrets for step in self.steps))


class Trial:
    """What a story talks to. Every method may be asked for again after a power cut, by a host that remembers only what
    was acknowledged: it then does what is left to do."""

    def __init__(self, chip: BlockChip | None = None, known: Known = (), seed: int = _SEED) -> None:
        self.chip = BlockChip() if chip is None else chip
        self.operations: list[Operation] = []
        self.chip.before = self.operations.append
        self.steps: list[Step] = []
        self.compared: list[tuple[int, int]] = []
        self.known = dict(known)
        self.sent: dict[bytes, int] = {}
        self.unlocked = False
        self._seed = seed
        self._bench: Bench | None = None

    # --- the token and who is at it
    @property
    def bench(self) -> Bench:
        if self._bench is None:
            self._bench = Board(self.chip, Puppet(default=HELD), seed=self._seed)
            self._host_remembers()
        return self._bench

    @property
    def host(self) -> Host:
        return self.bench.host

    @property
    def view(self) -> View:
        return look(self.chip).view

    def _host_remembers(self) -> None:
        self.host.psk_id, self.host.psk = self.known.get("psk id", b""), self.known.get("psk", b"")

    def power_cycle(self) -> None:
        self.bench.power_cycle()
        self.host.hello()
        self.host.session = None
        self.unlocked = False

    def power_up(self) -> None:
        """Power is there for the first time, or again; what is staged by then counts as acknowledged."""
        assert self.bench.token
        staged = look(self.chip).staged
        self.sent = {} if staged is None else {staged[0]: staged[1]}
        self.step(0)

    # --- the record
    def begin(self) -> Image:
        """From here on power may go."""
        self.operations.clear()
        self.compared.clear()
        self.steps = []
        self.step(0)
        return self.chip.now

    def step(self, op: int) -> None:
        self.steps.append(
            Step(len(self.operations), op, look(self.chip), tuple(self.sent.items()), tuple(sorted(self.known.items())))
        )

    # --- requests
    def ask(self, op: int, *fields: object, then: Callable[[Map], None] | None = None) -> Map:
        """One request; `then` is what the host makes of the answer before it could be interrupted again."""
        reply = self.host.ask(op, *fields)
        if then is not None:
            then(reply)
        self.step(op)
        return reply

    def ok(self, op: int, *fields: object, then: Callable[[Map], None] | None = None) -> Map:
        def answered(reply: Map) -> None:
            assert reply[0] == wire.STATUS_OK, reply
            if then is not None:
                then(reply)

        return self.ask(op, *fields, then=answered)

    # --- getting in
    def pair(self, name: str = "desk") -> None:
        """One more pairing; the host goes on with it."""

        def learn(reply: Map) -> None:
            self.known["psk id"], self.known["psk"] = reply[1], reply[2]

        self.host.name = name
        self.host.handshake()
        self.ok(wire.OP_PAIR_ACCEPT, name, then=learn)
        self._host_remembers()
        self.host.session = None

    def opened(self) -> None:
        """A session of a paired host."""
        if self.host.session is None:
            if self.host.psk_id not in self.view.pairings:
                self.pair()
            self.host.hello().open()

    def ready(self) -> None:
        """Paired, set up, unlocked, whatever that takes."""
        if self.unlocked:
            return
        self.opened()
        if self.view.state == wire.TOKEN_NEW:
            self.ok(wire.OP_SET_UP, PIN, LABEL)
        self.ok(wire.OP_UNLOCK, self.view.pin)
        self.unlocked = True

    def guess(self, pin: str) -> None:
        """One attempt, right or wrong, in a fresh session; on a token that is not burnt yet."""
        if self.view.state != wire.TOKEN_READY:
            return
        if self.unlocked:
            self.host.hello().open()
            self.unlocked = False
        self.opened()
        self.unlocked = self.ask(wire.OP_UNLOCK, pin)[0] == wire.STATUS_OK

    def guesses(self, pin: str, count: int) -> None:
        """As many attempts, with a power cycle whenever the token asks for one."""
        for number in range(count):
            if number and number % wire.PIN_PER_POWER_UP == 0:
                self.power_cycle()
            self.guess(pin)

    def change_pin(self, old: str | None = None) -> None:
        """To NEW_PIN, with the PIN that there is, or another one."""
        self.ready()
        if old is not None or self.view.pin != NEW_PIN:
            self.ask(wire.OP_CHANGE_PIN, self.view.pin if old is None else old, NEW_PIN)

    # --- shares
    def reserve(self, name: str, declared: bytes | None = None, op: int = wire.OP_RESERVE) -> bytes:
        """The id of the backup of that name; reserved now unless the token has it."""
        self.ready()
        if self.view.backup(self.known.get(name, b"")) is None:

            def learn(reply: Map) -> None:
                self.known[name] = reply[1]

            self.ok(op, declaration() if declared is None else declared, then=learn)
        return self.known[name]

    def send(self, backup_id: bytes, data: bytes, upto: int | None = None, wrong: bool = False) -> int:
        """Begin or resume, and go on up to byte `upto`, or to the end and through `prepare`; the prepare's status.
        With `wrong`, the first bytes arrive as others than they were."""
        upto = len(data) if upto is None else upto

        def sent(reply: Map) -> None:
            self.sent[backup_id] = reply[1]

        def prepared(reply: Map) -> None:
            if reply[0] != wire.STATUS_OK:
                self.sent[backup_id] = 0

        digest = hashlib.sha256(data).digest()
        acknowledged = self.sent.get(backup_id, 0) if self._staged(digest) else 0
        offset = self.ok(wire.OP_BEGIN, backup_id, len(data), digest, then=sent)[1]
        assert offset >= acknowledged, "what was acknowledged is asked for again"
        while offset < upto:
            chunk = bytes(_CHUNK) if wrong and not offset else data[offset : offset + _CHUNK]
            offset = self.ok(wire.OP_CHUNK, offset, chunk, then=sent)[1]
        return wire.STATUS_OK if offset < len(data) else int(self.ask(wire.OP_PREPARE, backup_id, then=prepared)[0])

    def _staged(self, digest: bytes) -> bool:
        staged = look(self.chip).staged
        return staged is not None and staged[2] == digest

    def store(self, backup_id: bytes, data: bytes, confirm: bool = True) -> None:
        """From whatever of it is there to a backup that is committed, and confirmed."""
        self.ready()
        if self.view.backup(backup_id) == RESERVED:
            status = self.send(backup_id, data)
            if status == wire.STATUS_BAD_DIGEST:  # it began as something else, and so it begins anew
                status = self.send(backup_id, data)
            assert status == wire.STATUS_OK

            def kept(reply: Map) -> None:
                self.sent.pop(backup_id, None)

            self.ok(wire.OP_COMMIT, backup_id, then=kept)
        if confirm and self.view.backup(backup_id) is not None:
            self.ok(wire.OP_CONFIRM, backup_id)

    def put(self, name: str, data: bytes, declared: bytes | None = None, confirm: bool = True) -> bytes:
        backup_id = self.reserve(name, declared)
        self.store(backup_id, data, confirm)
        return backup_id

    def gone(self, op: int, name: str) -> None:
        """`op` (abort, remove, destroy) on the backup of that name, unless it is gone already."""
        self.ready()
        if self.view.backup(self.known[name]) is not None:
            self.ok(op, self.known[name])

    def wipe(self) -> None:
        self.host.hello().handshake()
        self.ok(wire.OP_WIPE)
        self.host.session = None
        self.unlocked = False


@contextmanager
def comparing(trial: Trial) -> Iterator[None]:
    """Note when the firmware compares a PIN: from that instant on its host may know whether it was right."""
    real = pin_module.equal

    def noted(a: bytes, b: bytes) -> bool:
        trial.compared.append((len(trial.operations), len(trial.steps) - 1))
        return real(a, b)

    pin_module.equal = noted
    try:
        yield
    finally:
        pin_module.equal = real


def tell(story: Story) -> Run:
    """The story, from beginning to end."""
    trial = Trial()
    story.given(trial)
    start = trial.begin()
    with comparing(trial):
        story.act(trial)
    # Or what is checked of attempts would be checked of none.
    assert len(trial.compared) == len([step for step in trial.steps if step.op in _ATTEMPTS])
    return Run(start, tuple(trial.operations), tuple(trial.steps), tuple(trial.compared))


def tell_again(story: Story, chip: BlockChip, known: Known) -> Run:
    """Power is back: the token starts up, and the host does what is left of the story, knowing what it knew."""
    trial = Trial(chip, known, _SEED_AGAIN)
    booted = 0
    problem = None
    with comparing(trial):
        try:
            trial.power_up()
            booted = len(trial.operations)
            story.act(trial)
        except Exception:
            problem = traceback.format_exc(limit=-6)
    return Run((), tuple(trial.operations), tuple(trial.steps), tuple(trial.compared), booted, problem)
