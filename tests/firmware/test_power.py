"""Power can go at any instant of any operation: the old state or the new one, and no free guess in between.

The flash trace of a story is recorded once; every instant of it, cleanly cut, with half of the bytes or with random
bits of the operation under way, is booted, looked at and used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from coldshare_firmware import pin as pin_module
from coldshare_firmware.keys import (
    F_FAILS,
    F_LABEL,
    F_NAMES_KEY,
    F_PAIRINGS,
    F_PIN,
    F_STATE,
    F_STATIC,
    F_TAG_KEY,
    RESERVED,
    S_ID,
    S_STATE,
    Keys,
)
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from coldshare_sim.trace import MODES, FlashTrace
from support.client import HELD, LABEL, PIN, WRONG, Bench, blob, declaration, secrets

DATA = blob(9000)
OTHER = blob(7000, 2)
NEW_PIN = "271828"


@dataclass(frozen=True)
class View:
    """What a booted token amounts to. Two equal views are the same token to everybody who may use it."""

    state: int
    label: str
    pin: bytes
    fails: int
    pairings: tuple[bytes, ...]
    backups: tuple[tuple[bytes, int, bytes], ...]


def view(image: bytes) -> View:
    hal = SimHal(Chip(image), AbsentPerson(), VirtualClock(), bytes)
    keys = Keys(hal)
    store = Store(hal, keys)
    backups = []
    for slot in keys.slots:
        backup_id, state = slot[S_ID], slot[S_STATE]
        assert isinstance(backup_id, bytes)
        assert isinstance(state, int)
        assert store.read_record(backup_id)
        size = 0 if state == RESERVED else store.size(backup_id)
        backups.append(
            (
                backup_id,
                state,
                hashlib.sha256(hal.files.read(f"/b/{backup_id.hex()}", 0, size)).digest() if size else b"",
            )
        )
    record = keys.record
    pairings = tuple(entry[0] for entry in record[F_PAIRINGS])
    pin = record[F_PIN][1] if record[F_PIN] else b""
    return View(record[F_STATE], record[F_LABEL], pin, record[F_FAILS], pairings, tuple(backups))


def leftovers(image: bytes) -> list[str]:
    """Files that no backup and no reservation accounts for."""
    hal = SimHal(Chip(image), AbsentPerson(), VirtualClock(), bytes)
    keys = Keys(hal)
    if keys.state == wire.TOKEN_BURNT:
        return []
    known = [bytes(slot[S_ID]).hex() for slot in keys.slots]
    return [name for folder in ("/b", "/r") for name in hal.files.listdir(folder) if name not in known]


def key_bytes(image: bytes) -> list[bytes]:
    record = Keys(SimHal(Chip(image), AbsentPerson(), VirtualClock(), bytes)).record
    slots = [slot[1] for slot in record[10]]
    psks = [entry[1] for entry in record[F_PAIRINGS]]
    return [record[F_STATIC], record[F_NAMES_KEY], record[F_TAG_KEY], *record[F_PIN], *slots, *psks]


@dataclass
class Story:
    """A token, what happens to it, and what it amounts to after each step that was acknowledged."""

    bench: Bench
    trace: FlashTrace = field(init=False)
    steps: list[tuple[int, View]] = field(default_factory=list)
    #: States that may also be seen between two acknowledgements.
    between: list[View] = field(default_factory=list)
    transfers: dict[bytes, list[tuple[int, int]]] = field(default_factory=dict)
    #: Every key that there ever was.
    keys: set[bytes] = field(default_factory=set)
    #: The PIN after the last step, where it is another one than before.
    new_pin: str = PIN

    def __post_init__(self) -> None:
        self.trace = FlashTrace(self.bench.chip)
        self.step()

    def step(self) -> None:
        """The token has answered: from here on its state must be the one it has now."""
        self.steps.append((len(self.trace.operations), view(self.bench.image)))
        self.keys.update(key_bytes(self.bench.image))

    def pin(self, seen: View) -> str:
        """The PIN that a token in this state must take."""
        return self.new_pin if seen.pin == self.steps[-1][1].pin else PIN

    def chunk(self, backup_id: bytes, offset: int) -> None:
        self.transfers.setdefault(backup_id, []).append((len(self.trace.operations), offset))

    def allowed(self, at: int) -> list[View]:
        done = max(i for i, (when, _) in enumerate(self.steps) if when <= at)
        following = [self.steps[done + 1][1]] if done + 1 < len(self.steps) else []
        return [self.steps[done][1], *following, *(self.between if following else [])]

    def acknowledged(self, backup_id: bytes, at: int) -> int:
        return max([0, *(offset for when, offset in self.transfers.get(backup_id, []) if when <= at)])


def fresh() -> Bench:
    return Bench().make_ready()


def pair() -> Story:
    story = Story(Bench())
    story.bench.host.pair()
    story.step()
    return story


def set_up() -> Story:
    bench = Bench()
    bench.host.pair()
    bench.host.open()
    story = Story(bench)
    bench.host.ok(wire.OP_SET_UP, PIN, LABEL)
    story.step()
    return story


def wrong_pin() -> Story:
    bench = fresh()
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    story = Story(bench)
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    story.step()
    return story


def right_pin() -> Story:
    bench = fresh()
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    story = Story(bench)
    before = story.steps[0][1]
    bench.host.ok(wire.OP_UNLOCK, PIN)
    story.step()
    story.between.append(View(before.state, before.label, before.pin, 2, before.pairings, before.backups))
    return story


def burn() -> Story:
    bench = fresh()
    bench.host.put(DATA)
    for attempt in range(7):
        if attempt in (3, 6):
            bench.power_cycle()
            bench.host.hello().open()
        bench.host.ask(wire.OP_UNLOCK, WRONG)
    story = Story(bench)
    assert story.steps[0][1].fails == 7
    assert bench.host.status(wire.OP_UNLOCK, WRONG) == wire.STATUS_BURNT
    story.step()
    return story


def reserve() -> Story:
    story = Story(fresh())
    story.bench.host.reserve()
    story.step()
    story.bench.host.reserve(declaration(vault=b"z" * 33))
    story.step()
    return story


def put_steps(story: Story, data: bytes, declared: bytes | None = None) -> None:
    host = story.bench.host
    backup_id, _ = host.reserve(declared)
    story.step()
    offset = host.begin(backup_id, data)
    while offset < len(data):
        offset = host.ok(wire.OP_CHUNK, offset, data[offset : offset + 3000])[1]
        story.chunk(backup_id, offset)
    host.ok(wire.OP_PREPARE, backup_id)
    host.ok(wire.OP_COMMIT, backup_id)
    story.step()
    host.ok(wire.OP_CONFIRM, backup_id)
    story.step()


def put() -> Story:
    story = Story(fresh())
    put_steps(story, DATA)
    return story


def replace() -> Story:
    bench = fresh()
    bench.host.put(OTHER)
    story = Story(bench)
    put_steps(story, DATA)
    return story


def replace_unconfirmed() -> Story:
    """Twice without a confirmation: the first one, acknowledged, is kept as the one to fall back on."""
    bench = fresh()
    bench.host.put(OTHER, confirm=False)
    story = Story(bench)
    put_steps(story, DATA)
    return story


def abort() -> Story:
    bench = fresh()
    backup_id, _ = bench.host.reserve()
    bench.host.send(backup_id, DATA)
    story = Story(bench)
    bench.host.ok(wire.OP_ABORT, backup_id)
    story.step()
    return story


def label() -> Story:
    story = Story(fresh())
    story.bench.host.ok(wire.OP_LABEL, "Safe B")
    story.step()
    return story


def change_pin() -> Story:
    bench = fresh()
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    story = Story(bench, new_pin=NEW_PIN)
    before = story.steps[0][1]
    bench.host.ok(wire.OP_CHANGE_PIN, PIN, NEW_PIN)
    story.step()
    for fails in (2, 0):  # the attempt is counted, then it was right
        story.between.append(View(before.state, before.label, before.pin, fails, before.pairings, before.backups))
    return story


def change_with_a_wrong_pin() -> Story:
    story = Story(fresh())
    story.bench.host.ask(wire.OP_CHANGE_PIN, WRONG, NEW_PIN)
    story.step()
    return story


def unpair() -> Story:
    bench = fresh()
    for number in range(3):
        bench.second_host(f"host {number}").pair()
    first = bench.host.again().ok(wire.OP_PAIRINGS)[1][1][1]
    story = Story(bench)
    bench.host.ok(wire.OP_UNPAIR, first, wire.UNPAIR_ONE)
    story.step()
    bench.host.ok(wire.OP_UNPAIR, bench.host.psk_id, wire.UNPAIR_OTHERS)
    story.step()
    bench.host.ok(wire.OP_UNPAIR, bench.host.psk_id, wire.UNPAIR_ONE)
    story.step()
    return story


def remove() -> Story:
    bench = fresh()
    backup_id, _ = bench.host.put(DATA)
    pending, _ = bench.host.put(OTHER, confirm=False)
    bench.person.default = HELD
    story = Story(bench)
    for gone in (pending, backup_id):
        bench.host.ok(wire.OP_REMOVE, gone)
        story.step()
    return story


def wipe() -> Story:
    bench = fresh()
    bench.host.put(DATA)
    backup_id, _ = bench.host.reserve(declaration(vault=b"z" * 33))
    bench.host.begin(backup_id, OTHER)
    bench.person.default = HELD
    story = Story(bench)
    assert bench.host.wipe() == {0: wire.STATUS_OK}
    story.step()
    return story


def wipe_burnt() -> Story:
    bench = burn().bench
    bench.person.default = HELD
    story = Story(bench)
    assert bench.host.wipe() == {0: wire.STATUS_OK}
    story.step()
    return story


STORIES: list[Callable[[], Story]] = [
    pair,
    set_up,
    wrong_pin,
    right_pin,
    burn,
    reserve,
    put,
    replace,
    replace_unconfirmed,
    abort,
    label,
    change_pin,
    change_with_a_wrong_pin,
    unpair,
    remove,
    wipe,
    wipe_burnt,
]


def boot(story: Story, image: bytes, seed: int) -> Bench:
    bench = Bench(Chip(image), seed=1000 + seed)
    bench.host.psk_id, bench.host.psk = story.bench.host.psk_id, story.bench.host.psk
    return bench


def use(story: Story, bench: Bench, at: int) -> None:
    """Whatever the token says it is, it can be used as that."""
    seen = view(bench.image)
    host = bench.host
    if seen.state == wire.TOKEN_BURNT:
        assert host.pair() == {0: wire.STATUS_BURNT}
        return
    if host.psk_id not in seen.pairings:
        assert host.pair()[0] == wire.STATUS_OK
    host.open()
    if seen.state == wire.TOKEN_NEW:
        host.ok(wire.OP_SET_UP, PIN, LABEL)
    bench.clock.sleep(60)
    host.ok(wire.OP_UNLOCK, story.pin(seen) if seen.state == wire.TOKEN_READY else PIN)
    for backup_id, state, digest in seen.backups:
        if state != RESERVED:
            size = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)[1]
            assert hashlib.sha256(host.get(backup_id, size)).digest() == digest
    for backup_id in [backup[0] for backup in seen.backups if backup[1] == RESERVED]:
        offset = host.begin(backup_id, DATA)
        if host.begin(backup_id, DATA) and backup_id in story.transfers:
            assert offset >= story.acknowledged(backup_id, at), "what was acknowledged need not be sent again"
        host.send(backup_id, DATA)
        host.ok(wire.OP_COMMIT, backup_id)
        assert host.get(backup_id, len(DATA)) == DATA
        host.ok(wire.OP_CONFIRM, backup_id)
    backup_id, _ = host.put(blob(700, 5), declaration(vault=b"u" * 33))
    assert host.get(backup_id, 700) == blob(700, 5)


# Every third instant in `make test`, every one in `make test-slow`.
SOME_OR_ALL = pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])


@SOME_OR_ALL
@pytest.mark.parametrize("make", STORIES)
def test_every_instant(make: Callable[[], Story], every: int) -> None:
    story = make()
    story.trace.stop()
    last = 0
    count = 0
    for at, mode, image in story.trace.images():
        count += 1
        if at % every and at != len(story.trace.operations):
            continue
        bench = boot(story, image, at)
        seen, allowed = view(bench.image), story.allowed(at)
        assert seen in allowed, f"instant {at} of {len(story.trace.operations)}, {mode}"
        # Forward only: what a cut has once left done, a later cut does not leave undone.
        position = max(i for i, (_, step) in enumerate(story.steps) if step == seen or seen in story.between)
        if mode == "clean" and seen not in story.between:
            assert position >= last
            last = position
        # Of keys that are not in the record there is no byte left, anywhere.
        assert secrets(bench.image, *(story.keys - set(key_bytes(bench.image)))) == []
        assert leftovers(bench.image) == []
        use(story, bench, at)
    assert last == len(story.steps) - 1
    assert count == len(MODES) * len(story.trace.operations) + 1


@pytest.mark.parametrize("make", STORIES)
def test_a_second_cut_while_it_recovers(make: Callable[[], Story]) -> None:
    story = make()
    story.trace.stop()
    for at, mode, image in story.trace.images(("half", "random")):
        chip = Chip(image)
        recovery = FlashTrace(chip)
        Bench(chip, seed=at)
        recovery.stop()
        for again, _, second in recovery.images(("random",)):
            bench = boot(story, second, at)
            assert view(bench.image) in story.allowed(at), f"instants {at} and {again}, {mode}"
            assert secrets(bench.image, *(story.keys - set(key_bytes(bench.image)))) == []


def test_the_first_power_up_at_every_instant() -> None:
    """A token is made by powering it up; cut there, it makes itself at the next one, with one set of keys."""
    chip = Chip()
    trace = FlashTrace(chip)
    first = Bench(chip)
    trace.stop()
    keys = key_bytes(first.image)
    for at, mode, image in trace.images():
        bench = Bench(Chip(image), seed=99)
        seen = view(bench.image)
        assert seen.state == wire.TOKEN_NEW
        if key_bytes(bench.image) != keys:
            assert at < len(trace.operations)
            assert secrets(bench.image, *keys) == [], f"instant {at}, {mode}"
        bench.make_ready()
        bench.host.put(blob(700))


@pytest.mark.parametrize("right", [True, False])
def test_the_pin_is_compared_after_the_count_is_on_flash(right: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the instant of the comparison the flash already says that this attempt was made."""
    bench = fresh()
    bench.host.ask(wire.OP_UNLOCK, WRONG)
    trace = FlashTrace(bench.chip)
    compared = []
    real = pin_module.equal

    def watched(a: bytes, b: bytes) -> bool:
        compared.append(len(trace.operations))
        return real(a, b)

    monkeypatch.setattr(pin_module, "equal", watched)
    bench.host.ask(wire.OP_UNLOCK, PIN if right else WRONG)
    trace.stop()
    assert len(compared) == 1
    for mode in MODES:
        assert view(Bench(Chip(trace.image(compared[0], mode))).image).fails in ((2, 0) if right else (2,))
    if right:
        assert view(Bench(Chip(trace.image(compared[0]))).image).fails == 2


def test_guessing_with_a_cut_after_every_answer(ready: Bench) -> None:
    """Somebody who pulls the plug the moment the answer is wrong gets eight guesses like everybody else."""
    host = ready.host
    guesses = 0
    while host.read_info()[5] == wire.TOKEN_READY:
        host.open()
        reply: dict[int, Any] = host.ask(wire.OP_UNLOCK, f"{guesses:04}")
        assert reply[0] in (wire.STATUS_PIN_WRONG, wire.STATUS_BURNT)
        guesses += 1
        ready.power_cycle()
        host.hello()
    assert guesses == wire.PIN_ATTEMPTS


def test_an_acknowledged_commit_outlives_everything_that_follows(ready: Bench) -> None:
    """Through a replacement, an abort, wrong PINs and all cuts in them, there is always one whole copy of the share."""
    host = ready.host
    host.put(DATA, confirm=False)
    trace = FlashTrace(ready.chip)
    other, _ = host.reserve()
    host.send(other, OTHER)
    host.ok(wire.OP_ABORT, other)
    host.ask(wire.OP_UNLOCK, WRONG)
    host.ok(wire.OP_UNLOCK, PIN)
    second, _ = host.put(DATA, declaration(nonce=b"o" * 16))
    trace.stop()
    digest = hashlib.sha256(DATA).digest()
    for at, mode, image in trace.images():
        seen = view(Bench(Chip(image), seed=at).image)
        assert digest in [backup[2] for backup in seen.backups], f"instant {at}, {mode}"
    assert view(ready.image).backups == ((second, wire.BACKUP_ACTIVE, digest),)
