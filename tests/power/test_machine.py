"""A token's life at random, with power that goes in the middle of it, against a model of what it should be."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from coldshare_firmware.keys import RESERVED
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import BLOCK, Operation
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from coldshare_sim.trace import MODES
from power.images import BLANK, BlockChip, Image, cuts
from power.model import Kept, Model
from power.state import NEW_PIN, Seen, look
from power.trial import Board
from support.client import HELD, NO, PIN, WRONG, Map, Puppet, blob, declaration

#: Blocks left free on a flash that is nearly full: more than the spare ones, less than a few shares take.
_TIGHT = 14

VAULTS = st.sampled_from("VVW")
PARTIES = st.sampled_from("PPPPPPPQ")
GENERATIONS = st.sampled_from("ABC")
SIZES = st.sampled_from([1, 700, 5000, 12000])
NUMBERS = st.integers(0, 30)
#: None, or where in a request power goes and how what was under way ends.
CUTS = st.none() | st.tuples(st.floats(0, 1), st.sampled_from(MODES))
ANSWERS = st.sampled_from([HELD, HELD, HELD, NO])

Cut = tuple[float, str] | None
Change = Callable[[Model, Map], int]


@functools.cache
def crowded() -> tuple[Image, Model, bytes, bytes]:
    """A token that lacks one backup to be full, what it should be, and a pairing."""
    # No power-up of a life has this seed: it would draw an id that is in use.
    bench = Board(BlockChip(), Puppet(default=HELD), seed=-1).make_ready()
    host = bench.host
    model = Model(hosts=1)
    model.note(wire.EVENT_PAIRED, host.psk_id)
    model.set_up()
    for number in range(wire.BACKUPS_MAX - 1):
        share = Kept(b"", f"{number:02}", "P", "A", blob(300, number))
        share.backup_id, _ = host.put(share.data, declared(share))
        model.reserve(share, False)
        model.commit()
        model.confirm(share)
    assert isinstance(bench.chip, BlockChip)
    return bench.chip.now, model, host.psk_id, host.psk


@functools.cache
def tight() -> Image:
    """A new token on a flash that is nearly full of something else."""
    chip = BlockChip()
    Board(chip)
    files = SimHal(chip, AbsentPerson(), VirtualClock(), bytes).files
    files.write("/filler", bytes(files.free() - _TIGHT * BLOCK))
    return chip.now


def declared(share: Kept) -> bytes:
    return declaration(vault=share.vault.encode() * 16, party=share.party, generation=share.generation.encode() * 32)


class Life(RuleBasedStateMachine):
    """Each rule is one thing that a host or a person wants; what it takes to get there is done first, without cuts."""

    @initialize(kind=st.sampled_from(["empty", "crowded", "tight"]))
    def begin(self, kind: str) -> None:
        self.tight = kind == "tight"
        self.model = Model()
        self.psk_id, self.psk = b"", b""
        self.unlocked = False
        self.power_ups = 0
        image = tight() if self.tight else BLANK
        if kind == "crowded":
            image, model, self.psk_id, self.psk = crowded()
            self.model = deepcopy(model)
        self.power_up(image)
        self.agree()

    # --- power
    def power_up(self, image: Image) -> None:
        self.power_ups += 1
        self.chip = BlockChip(image)
        self.bench = Board(self.chip, Puppet(default=HELD), seed=self.power_ups)
        self.host = self.bench.host
        self.host.psk_id, self.host.psk = self.psk_id, self.psk
        self.unlocked = False
        self.model.wrong_since_power_up = 0

    def request(
        self,
        op: int,
        *fields: object,
        change: Change,
        answer: int = HELD,
        cut: Cut = None,
        also: tuple[int, ...] = (),
    ) -> int:
        """Ask, and hold the answer against the model's; then, with `cut`, take it back: power went on the way to it.
        `also` are answers that a full flash may give, which change nothing."""
        operations: list[Operation] = []
        start = self.chip.now
        self.chip.before = operations.append
        self.bench.person.default = answer
        reply = self.host.ask(op, *fields)
        self.bench.person.default = HELD
        self.chip.before = None
        before, after = self.model, deepcopy(self.model)
        status = int(reply[0])
        if status not in also and status != wire.STATUS_REJECTED:
            expected = change(after, reply)
            assert status == expected
        elif status == wire.STATUS_REJECTED:
            assert answer == NO
        self.model = after
        if cut is not None:
            at = round(cut[0] * len(operations))
            mode = cut[1] if at < len(operations) else "clean"
            image = next(image for when, how, image in cuts(start, operations) if (when, how) == (at, mode))
            self.power_up(image)
            self.model = self.match(op, [before, after])
            self.model.wrong_since_power_up = 0
        self.agree()
        return status

    def match(self, op: int, models: list[Model]) -> Model:
        """Which of these the token is after a cut. Raises AssertionError when it is none of them."""
        before, after = models
        if op in (wire.OP_UNLOCK, wire.OP_CHANGE_PIN) and before.state == wire.TOKEN_READY:
            counted = deepcopy(before)
            counted.count()
            models.append(counted)
            if op == wire.OP_CHANGE_PIN and after.fails == 0:
                right = deepcopy(before)
                right.attempt(right.pin or "")
                models.append(right)
        seen = look(self.chip)
        for model in models:
            if self.differences(model, seen) == []:
                model = deepcopy(model)
                if model.reserved is not None:
                    # A transfer that goes on begins with what was acknowledged; what is committed left its place.
                    least = 0 if op in (wire.OP_COMMIT, wire.OP_BEGIN) else model.sent
                    have = 0 if seen.staged is None else seen.staged[1]
                    assert least <= have <= max(before.sent, after.sent)
                    model.sent = have
                return model
        raise AssertionError([self.differences(model, seen) for model in models])

    # --- agreement
    def agree(self) -> None:
        seen = look(self.chip)
        assert self.differences(self.model, seen) == []
        have = 0 if seen.staged is None else seen.staged[1]
        assert seen.good
        assert have == self.model.sent
        info = self.host.read_info()
        assert info[5] == self.model.state
        if self.unlocked:
            listed = {held[1]: (held[2], held[3]) for held in self.host.list()}
            assert listed == {each.backup_id: (each.state, len(each.data)) for each in self.model.kept}
        elif self.model.state == wire.TOKEN_READY and self.model.fails:
            left = wire.PIN_ATTEMPTS - self.model.fails
            assert self.bench.person.screen[-1] == f"PIN attempts left: {left}"

    @staticmethod
    def differences(model: Model, seen: Seen) -> list[tuple[str, object, object]]:
        view = seen.view
        backups: dict[bytes, tuple[int, bytes]] = {
            each.backup_id: (each.state, hashlib.sha256(each.data).digest()) for each in model.kept
        }
        for backup_id, data in model.sealed.items():
            backups[backup_id] = (wire.BACKUP_KEYLESS, hashlib.sha256(data).digest())
        if model.reserved is not None:
            backups[model.reserved.backup_id] = (RESERVED, hashlib.sha256().digest())
        marks = [len(vault.marks) for vault in model.vaults.values() if vault.marks]
        pairs: list[tuple[str, object, object]] = [
            ("state", model.state, view.state),
            ("label", model.label, view.label),
            ("pin", model.pin, view.pin),
            ("fails", model.fails, view.fails),
            ("hosts", model.hosts, len(view.pairings)),
            ("backups", backups, {each[0]: (each[1], each[2]) for each in view.backups}),
            ("marks", sorted(marks), sorted(len(packed) // 8 for _, packed in view.retired)),
            ("events", model.events, list(view.events)),
        ]
        return [pair for pair in pairs if pair[1] != pair[2]]

    # --- getting in
    def enter(self) -> None:
        """A host in an unlocked session."""
        if self.unlocked:
            return
        if self.model.wrong_since_power_up >= wire.PIN_PER_POWER_UP:
            self.power_up(self.chip.now)
        if self.host.session is None:
            self.open()
        if self.model.state == wire.TOKEN_NEW:

            def set_up(model: Model, reply: Map) -> int:
                model.set_up()
                return wire.STATUS_OK

            self.request(wire.OP_SET_UP, PIN, "Safe A", change=set_up)
        pin = self.model.pin
        assert pin is not None
        self.request(wire.OP_UNLOCK, pin, change=lambda model, reply: model.attempt(pin))
        self.unlocked = True

    def open(self) -> None:
        self.host.hello()
        if not self.model.hosts:
            self.host.handshake()

            def paired(model: Model, reply: Map) -> int:
                model.hosts += 1
                model.note(wire.EVENT_PAIRED, reply[1])
                self.psk_id, self.psk = self.host.psk_id, self.host.psk = reply[1], reply[2]
                return wire.STATUS_OK

            self.request(wire.OP_PAIR_ACCEPT, self.host.name, change=paired)
        self.host.open()

    def ready(self) -> bool:
        return self.model.state != wire.TOKEN_BURNT

    def pick(self, number: int) -> tuple[Kept, Callable[[Model], Kept]]:
        """One of the backups, and the way to find it in a copy of the model."""
        number %= len(self.model.kept)
        return self.model.kept[number], lambda model: model.kept[number]

    # --- a share comes
    @precondition(ready)
    @rule(
        vault=VAULTS,
        party=PARTIES,
        generation=GENERATIONS,
        newer=st.booleans(),
        size=SIZES,
        seed=NUMBERS,
        upto=st.sampled_from(["reserve", "commit", "commit", "confirm", "confirm", "confirm"]),
        cut=CUTS,
    )
    def backup(
        self, vault: str, party: str, generation: str, newer: bool, size: int, seed: int, upto: str, cut: Cut
    ) -> None:
        """As far as that, with the cut in the last request."""
        self.enter()
        share = Kept(b"", vault, party, generation, blob(size, seed))

        def change(model: Model, reply: Map) -> int:
            share.backup_id = reply.get(1, b"")
            return model.reserve(Kept(share.backup_id, vault, party, generation, share.data), newer)

        op = wire.OP_RESERVE_NEXT if newer else wire.OP_RESERVE
        status = self.request(op, declared(share), change=change, cut=cut if upto == "reserve" else None)
        if status != wire.STATUS_OK or upto == "reserve":
            return
        if self._commit(HELD, cut if upto == "commit" else None) and upto == "confirm":
            numbers = [number for number, kept in enumerate(self.model.kept) if kept.backup_id == share.backup_id]
            self._confirm(numbers[0], cut)

    @precondition(lambda self: self.model.kept)
    @rule(number=NUMBERS, generation=GENERATIONS, cut=CUTS)
    def backup_again(self, number: int, generation: str, cut: Cut) -> None:
        """The same party of a vault that is here, of the same generation or another one."""
        share, _ = self.pick(number)
        self.backup(share.vault, share.party, generation, True, 700, number, "confirm", cut)

    def begun(self, cut: Cut = None) -> bool:
        """Whether the transfer is under way: a full flash may refuse it."""
        share = self.model.reserved
        assert share is not None

        def change(model: Model, reply: Map) -> int:
            assert reply[1] == model.sent
            return wire.STATUS_OK

        fields = share.backup_id, len(share.data), hashlib.sha256(share.data).digest()
        also = (wire.STATUS_NO_SPACE,) if self.tight else ()
        return self.request(wire.OP_BEGIN, *fields, change=change, cut=cut, also=also) == wire.STATUS_OK

    def chunk(self, size: int, cut: Cut = None) -> None:
        share = self.model.reserved
        assert share is not None

        def change(model: Model, reply: Map) -> int:
            model.sent += len(data)
            assert reply[1] == model.sent
            return wire.STATUS_OK

        data = share.data[self.model.sent : self.model.sent + size]
        if data:
            self.request(wire.OP_CHUNK, self.model.sent, data, change=change, cut=cut)

    @precondition(lambda self: self.model.reserved is not None)
    @rule(size=st.sampled_from([1, 100, 3000, CHUNK]), at_begin=st.booleans(), cut=CUTS)
    def send(self, size: int, at_begin: bool, cut: Cut) -> None:
        self.enter()
        begun = self.begun(cut if at_begin else None)
        if begun and not (at_begin and cut):
            self.chunk(size, cut)

    @precondition(lambda self: self.model.reserved is not None)
    @rule(answer=ANSWERS, cut=CUTS)
    def commit(self, answer: int, cut: Cut) -> None:
        self.enter()
        self._commit(answer, cut)

    def _commit(self, answer: int, cut: Cut) -> bool:
        """Whether it was committed, and power stayed."""
        if not self.begun():
            return False
        assert self.model.reserved is not None
        while self.model.sent < len(self.model.reserved.data):
            self.chunk(CHUNK)
        backup_id = self.model.reserved.backup_id
        self.request(wire.OP_PREPARE, backup_id, change=lambda model, reply: wire.STATUS_OK)
        status = self.request(
            wire.OP_COMMIT, backup_id, change=lambda model, reply: model.commit(), answer=answer, cut=cut
        )
        return status == wire.STATUS_OK and cut is None

    @precondition(lambda self: self.model.kept)
    @rule(number=NUMBERS, cut=CUTS)
    def confirm(self, number: int, cut: Cut) -> None:
        self.enter()
        self._confirm(number, cut)

    def _confirm(self, number: int, cut: Cut) -> None:
        share, find = self.pick(number)
        self.request(wire.OP_CONFIRM, share.backup_id, change=lambda model, reply: model.confirm(find(model)), cut=cut)

    @precondition(lambda self: self.model.reserved is not None)
    @rule(cut=CUTS)
    def abort(self, cut: Cut) -> None:
        self.enter()
        assert self.model.reserved is not None
        self.request(wire.OP_ABORT, self.model.reserved.backup_id, change=lambda model, reply: model.abort(), cut=cut)

    # --- and goes
    @precondition(lambda self: self.model.kept)
    @rule(number=NUMBERS, answer=ANSWERS, cut=CUTS)
    def release(self, number: int, answer: int, cut: Cut) -> None:
        self.enter()
        share, _ = self.pick(number)

        def change(model: Model, reply: Map) -> int:
            model.note(wire.EVENT_RELEASED, share.backup_id, wire.PURPOSE_RESTORE)
            return wire.STATUS_OK

        fields = share.backup_id, wire.PURPOSE_RESTORE
        status = self.request(wire.OP_OPEN, *fields, change=change, answer=answer, cut=cut)
        if status == wire.STATUS_OK and cut is None:
            assert self.host.get(share.backup_id, len(share.data)) == share.data

    @precondition(lambda self: self.model.kept)
    @rule(number=NUMBERS, destroy=st.booleans(), answer=ANSWERS, cut=CUTS)
    def remove(self, number: int, destroy: bool, answer: int, cut: Cut) -> None:
        self.enter()
        share, find = self.pick(number)
        op, way = (wire.OP_DESTROY, Model.destroy) if destroy else (wire.OP_REMOVE, Model.remove)
        self.request(op, share.backup_id, change=lambda model, reply: way(model, find(model)), answer=answer, cut=cut)

    @precondition(lambda self: self.model.kept)
    @rule(number=NUMBERS, other=NUMBERS, generation=GENERATIONS, back=st.booleans(), answer=ANSWERS, cut=CUTS)
    def retire(self, number: int, other: int, generation: str, back: bool, answer: int, cut: Cut) -> None:
        """The generation of another backup of that vault where there is one, or any."""
        self.enter()
        share, find = self.pick(number)
        here = [each.generation for each in self.model.vaults[share.vault].kept if each is not share]
        if here and other % 4:
            generation = here[other % len(here)]
        op, way = (wire.OP_UN_RETIRE, Model.un_retire) if back else (wire.OP_RETIRE, Model.retire)
        self.request(
            op,
            share.backup_id,
            generation.encode() * 32,
            change=lambda model, reply: way(model, find(model), generation),
            answer=answer,
            cut=cut,
        )

    # --- the token itself
    @precondition(ready)
    @rule(text=st.sampled_from(["Safe A", "Safe B", "Tresor"]), answer=ANSWERS, cut=CUTS)
    def label(self, text: str, answer: int, cut: Cut) -> None:
        self.enter()

        def change(model: Model, reply: Map) -> int:
            model.label = text
            model.note(wire.EVENT_LABELLED)
            return wire.STATUS_OK

        self.request(wire.OP_LABEL, text, change=change, answer=answer, cut=cut)

    @precondition(ready)
    @rule(wrong=st.sampled_from([1, 1, 1, 2, 2, 3, 5, 8]), right=st.booleans(), cut=CUTS)
    def guess(self, wrong: int, right: bool, cut: Cut) -> None:
        """So many wrong PINs, a power cut within the last, and perhaps the right one."""
        self.enter()
        for number in range(wrong):
            if self.model.wrong_since_power_up >= wire.PIN_PER_POWER_UP:
                self.power_up(self.chip.now)
            self.guess_once(WRONG, cut if number == wrong - 1 and not right else None)
        if right and self.ready():
            if self.model.wrong_since_power_up >= wire.PIN_PER_POWER_UP:
                self.power_up(self.chip.now)
            self.guess_once(self.model.pin or "", cut)

    def guess_once(self, pin: str, cut: Cut) -> None:
        self.unlocked = False
        self.open()
        self.request(wire.OP_UNLOCK, pin, change=lambda model, reply: model.attempt(pin), cut=cut)

    @precondition(ready)
    @rule(right=st.booleans(), cut=CUTS)
    def change_pin(self, right: bool, cut: Cut) -> None:
        self.enter()
        old = (self.model.pin or "") if right else WRONG
        new = PIN if self.model.pin == NEW_PIN else NEW_PIN

        def change(model: Model, reply: Map) -> int:
            status = model.attempt(old)
            if status == wire.STATUS_OK:
                model.pin = new
                model.note(wire.EVENT_PIN_CHANGED)
            return status

        self.unlocked = False
        status = self.request(wire.OP_CHANGE_PIN, old, new, change=change, cut=cut)
        self.unlocked = status == wire.STATUS_OK and cut is None

    @precondition(lambda self: not self.ready() or self.tight)
    @rule(cut=CUTS)
    def wipe(self, cut: Cut) -> None:
        self.host.hello().handshake()
        self.unlocked = False

        def change(model: Model, reply: Map) -> int:
            model.wipe()
            return wire.STATUS_OK

        self.request(wire.OP_WIPE, change=change, cut=cut)
        self.host.session = None

    @rule()
    def restart(self) -> None:
        self.power_up(self.chip.now)
        self.agree()


class Longer(Life):
    """The same, for longer."""


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=6, stateful_step_count=30, deadline=None)

TestLonger = pytest.mark.slow(Longer.TestCase)
TestLonger.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
