"""The token's rules over generations against a model of them that was written from the protocol, not from the code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coldshare_firmware import policy
from coldshare_firmware.keys import RESERVED, S_GENERATION, S_ID, S_PARTY, S_STATE, S_VAULT
from coldshare_iface import wire
from support.bare import Bare
from support.client import declaration

ACTIVE, PENDING, NEXT, RETIRED = wire.BACKUP_ACTIVE, wire.BACKUP_PENDING, wire.BACKUP_NEXT, wire.BACKUP_RETIRED
SEALED = b"sealed"
DIGEST = hashlib.sha256(SEALED).digest()


@dataclass
class Kept:
    """A backup in the model."""

    vault: str
    party: str
    generation: str
    state: int


@dataclass
class Model:
    """What README.md says under "What a token decides"."""

    backups: dict[bytes, Kept] = field(default_factory=dict)
    reserved: tuple[bytes, Kept] | None = None
    marks: dict[str, list[str]] = field(default_factory=dict)

    def of(self, vault: str, *states: int) -> list[bytes]:
        return [i for i, kept in self.backups.items() if kept.vault == vault and kept.state in states]

    def stands(self, vault: str) -> bytes | None:
        candidates = self.of(vault, ACTIVE) or self.of(vault, PENDING)
        return candidates[0] if candidates else None

    def is_retired(self, vault: str, generation: str) -> bool:
        gone = {self.backups[i].generation for i in self.of(vault, RETIRED)}
        return generation in gone or generation in self.marks.get(vault, [])

    def admits(self, vault: str, party: str, generation: str, newer: bool) -> int:
        if any(kept.vault == vault and kept.party != party for kept in self.backups.values()):
            return wire.STATUS_OTHER_PARTY
        if self.is_retired(vault, generation):
            return wire.STATUS_RETIRED
        live = self.of(vault, ACTIVE, PENDING, NEXT)
        base = self.stands(vault)
        beside = newer and base is not None and self.backups[base].generation != generation
        if not beside and any(self.backups[i].generation != generation for i in live):
            return wire.STATUS_OTHER_GENERATION
        # What there is once it is confirmed: it, what it stands beside, and all that it does not touch.
        settled = len(self.backups) - len(live) + (2 if beside else 1)
        return wire.STATUS_NO_SPACE if settled > wire.BACKUPS_MAX else wire.STATUS_OK

    def commit(self) -> None:
        assert self.reserved is not None
        backup_id, new = self.reserved
        base = self.stands(new.vault)
        for other in self.of(new.vault, ACTIVE, PENDING, NEXT):
            if other == base:
                self.backups[other].state = ACTIVE
            else:
                del self.backups[other]
        self.backups[backup_id] = new
        new.state = PENDING
        self.reserved = None

    def confirm(self, backup_id: bytes) -> None:
        new = self.backups[backup_id]
        if new.state != PENDING:
            return
        new.state = ACTIVE
        for other in self.of(new.vault, ACTIVE):
            if other != backup_id and self.backups[other].generation == new.generation:
                del self.backups[other]
            elif other != backup_id:
                new.state = NEXT

    def retire(self, backup_id: bytes, generation: str) -> int:
        newer = self.backups[backup_id]
        if newer.state not in (ACTIVE, NEXT) or newer.generation == generation:
            return wire.STATUS_BAD_STATE
        if generation in self.marks.get(newer.vault, []):
            return wire.STATUS_OK
        for other in self.of(newer.vault, ACTIVE, PENDING, NEXT):
            if self.backups[other].generation == generation:
                self.backups[other].state = RETIRED
        if not self.of(newer.vault, ACTIVE):
            newer.state = ACTIVE
        self.marks.setdefault(newer.vault, []).append(generation)
        return wire.STATUS_OK

    def un_retire(self, backup_id: bytes, generation: str) -> int:
        vault = self.backups[backup_id].vault
        if not self.is_retired(vault, generation):
            return wire.STATUS_NOT_FOUND
        back = [i for i in self.of(vault, RETIRED) if self.backups[i].generation == generation]
        if back:
            if len(self.of(vault, ACTIVE, PENDING, NEXT)) == 2:
                return wire.STATUS_BAD_STATE
            for other in self.of(vault, ACTIVE):
                self.backups[other].state = NEXT
            self.backups[back[-1]].state = ACTIVE
        self.marks[vault] = [mark for mark in self.marks.get(vault, []) if mark != generation]
        return wire.STATUS_OK

    def remove(self, backup_id: bytes) -> None:
        gone = self.backups.pop(backup_id)
        waiting = self.of(gone.vault, NEXT)
        if gone.state == ACTIVE and waiting:
            self.backups[waiting[0]].state = ACTIVE
            self.marks.setdefault(gone.vault, []).append(gone.generation)
        if not any(kept.vault == gone.vault for kept in self.backups.values()):
            self.marks.pop(gone.vault, None)


VAULTS, PARTIES, GENERATIONS = "VW", "PPPQ", "ABCD"
LETTERS = {letter: letter.encode() * 32 for letter in "VWPQABCD" + "".join(chr(n) for n in range(0x100, 0x120))}
some_vault = st.sampled_from(VAULTS)
some_generation = st.sampled_from(GENERATIONS)
any_number = st.integers(0, 30)


class Rules(RuleBasedStateMachine):
    """Two vaults, two parties and four generations that come and go. Fourteen other vaults fill the token, or not."""

    def __init__(self) -> None:
        super().__init__()
        self.token = Bare()
        self.model = Model()
        self.before: dict[bytes, Kept] = {}
        self.held = False
        self.replaced_by: bytes | None = None

    def pick(self, number: int) -> bytes:
        return list(self.model.backups)[number % len(self.model.backups)]

    def reserve_and_store(self, vault: str, party: str, generation: str, newer: bool, store: bool) -> None:
        declared = declaration(vault=vault.encode() * 16, party=party, generation=LETTERS[generation])
        reply = self.token.ask(wire.OP_RESERVE_NEXT if newer else wire.OP_RESERVE, declared)
        assert reply[0] == self.model.admits(vault, party, generation, newer)
        if reply[0] == wire.STATUS_OK:
            self.model.reserved = (reply[1], Kept(vault, party, generation, RESERVED))
            if store:
                self.store()

    @rule(vault=some_vault, party=st.sampled_from(PARTIES), generation=some_generation)
    def offer(self, vault: str, party: str, generation: str) -> None:
        self.reserve_and_store(vault, party, generation, False, True)

    @rule(vault=some_vault, generation=some_generation, store=st.booleans())
    def offer_next(self, vault: str, generation: str, store: bool) -> None:
        self.reserve_and_store(vault, "P", generation, True, store)

    @precondition(lambda self: self.model.reserved)
    @rule()
    def store(self) -> None:
        assert self.model.reserved is not None
        backup_id, new = self.model.reserved
        assert self.token.ask(wire.OP_BEGIN, backup_id, len(SEALED), DIGEST)[0] == wire.STATUS_OK
        if self.token.ask(wire.OP_CHUNK, 0, SEALED)[0] != wire.STATUS_OK:
            pass  # all of it is there, from an attempt that was refused
        assert self.token.ask(wire.OP_PREPARE, backup_id)[0] == wire.STATUS_OK
        expected = self.model.admits(new.vault, new.party, new.generation, True)
        assert self.token.ask(wire.OP_COMMIT, backup_id)[0] == expected
        if expected == wire.STATUS_OK:
            self.model.commit()

    @precondition(lambda self: self.model.backups)
    @rule(number=any_number)
    def confirm(self, number: int) -> None:
        backup_id = self.pick(number)
        self.replaced_by = backup_id
        assert self.token.ask(wire.OP_CONFIRM, backup_id)[0] == wire.STATUS_OK
        self.model.confirm(backup_id)

    @precondition(lambda self: self.model.backups)
    @rule(number=any_number, generation=some_generation)
    def retire(self, number: int, generation: str) -> None:
        backup_id = self.pick(number)
        status = self.token.ask(wire.OP_RETIRE, backup_id, LETTERS[generation])[0]
        assert status == self.model.retire(backup_id, generation)

    @precondition(lambda self: self.model.backups)
    @rule(number=any_number, generation=some_generation)
    def un_retire(self, number: int, generation: str) -> None:
        backup_id = self.pick(number)
        status = self.token.ask(wire.OP_UN_RETIRE, backup_id, LETTERS[generation])[0]
        assert status == self.model.un_retire(backup_id, generation)

    @precondition(lambda self: self.model.backups)
    @rule(number=any_number)
    def remove(self, number: int) -> None:
        backup_id = self.pick(number)
        self.held = True
        assert self.token.ask(wire.OP_REMOVE, backup_id)[0] == wire.STATUS_OK
        self.model.remove(backup_id)

    @precondition(lambda self: self.model.backups)
    @rule(number=any_number)
    def destroy(self, number: int) -> None:
        backup_id = self.pick(number)
        self.held = True
        if self.model.backups[backup_id].state != RETIRED:
            assert self.token.ask(wire.OP_DESTROY, backup_id)[0] == wire.STATUS_BAD_STATE
        else:
            assert self.token.ask(wire.OP_DESTROY, backup_id)[0] == wire.STATUS_OK
            self.model.remove(backup_id)

    @rule()
    def fill(self) -> None:
        """As many other vaults as there is room for, but for one."""
        for n in range(0x100, 0x120):
            if len(self.model.backups) < wire.BACKUPS_MAX - 1:
                self.reserve_and_store(chr(n), "P", "A", False, True)

    @rule()
    def restart(self) -> None:
        self.token.power_up()

    # --- what must be true after every step
    @invariant()
    def the_token_holds_what_the_model_holds(self) -> None:
        slots = {slot[S_ID]: slot[S_STATE] for slot in self.token.keys.slots}
        reserved = {} if self.model.reserved is None else {self.model.reserved[0]: RESERVED}
        assert slots == {i: kept.state for i, kept in self.model.backups.items()} | reserved

    @invariant()
    def one_party_one_active_one_waiting(self) -> None:
        slots = [slot for slot in self.token.keys.slots if slot[S_STATE] != RESERVED]
        assert len(slots) <= wire.BACKUPS_MAX + 1
        assert len(self.token.keys.slots) - len(slots) <= 1
        for vault in {slot[S_VAULT] for slot in slots}:
            mine = [slot for slot in slots if slot[S_VAULT] == vault]
            states = [slot[S_STATE] for slot in mine]
            assert len({slot[S_PARTY] for slot in mine}) == 1
            assert states.count(ACTIVE) <= 1
            assert states.count(PENDING) + states.count(NEXT) <= 1
            assert NEXT not in states or ACTIVE in states
            retired = {slot[S_GENERATION] for slot in mine if slot[S_STATE] == RETIRED}
            for slot in mine:
                if slot[S_STATE] != RETIRED:
                    assert not policy.is_retired(self.token.keys.retired, vault, slot[S_GENERATION])  # type: ignore[arg-type]
                    assert slot[S_GENERATION] not in retired

    @invariant()
    def the_list_of_the_retired_is_bounded_and_about_what_is_here(self) -> None:
        retired = self.token.keys.retired
        here = {slot[S_VAULT] for slot in self.token.keys.slots if slot[S_STATE] != RESERVED}
        assert {entry[0] for entry in retired} <= here
        assert len({entry[0] for entry in retired}) == len(retired)
        assert sum(len(entry[1]) for entry in retired) <= wire.RETIRED_MAX * policy.MARK
        for _, marks in retired:
            assert 0 < len(marks) <= wire.RETIRED_PER_VAULT * policy.MARK
            split = [marks[at : at + policy.MARK] for at in range(0, len(marks), policy.MARK)]
            assert len(set(split)) == len(split)

    @invariant()
    def nothing_active_or_retired_is_lost_without_a_held_button(self) -> None:
        now = {slot[S_ID]: slot[S_STATE] for slot in self.token.keys.slots}
        for backup_id, kept in self.before.items():
            if kept.state in (ACTIVE, RETIRED) and backup_id not in now and not self.held:
                # Only by a share of the same party and generation that was read back.
                assert kept.state == ACTIVE
                assert self.replaced_by is not None
                newer = self.model.backups[self.replaced_by]
                assert (newer.vault, newer.generation, newer.state) == (kept.vault, kept.generation, ACTIVE)
        self.before = {i: Kept(k.vault, k.party, k.generation, k.state) for i, k in self.model.backups.items()}
        self.held, self.replaced_by = False, None


TestRules = Rules.TestCase
TestRules.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


# --- the list of the retired, to its limits


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=150))
def test_what_falls_out_of_the_list(steps: list[tuple[int, bool]]) -> None:
    """Each step retires a new generation of a vault, or takes its newest back."""
    retired: list[list[bytes]] = []
    for number, (which, back) in enumerate(steps):
        vault = bytes([which]) * 16
        before = {entry[0]: entry[1] for entry in retired}
        newest = before.get(vault, b"")[-policy.MARK :]
        if back and newest:
            retired = policy.without_retired(retired, vault, newest)
            after = {entry[0]: entry[1] for entry in retired}
            assert after.get(vault, b"") + newest == before[vault]
            continue
        mark = number.to_bytes(policy.MARK, "big")
        retired = policy.with_retired(retired, vault, mark + bytes(8))
        after = {entry[0]: entry[1] for entry in retired}
        total = sum(map(len, after.values())) // policy.MARK
        assert total <= wire.RETIRED_MAX
        assert all(0 < len(marks) <= wire.RETIRED_PER_VAULT * policy.MARK for marks in after.values())
        assert policy.is_retired(retired, vault, mark + bytes(8))
        # What is left of each vault is the newer end of what it was; at most one mark in all is gone.
        gone = 0
        for one, marks in before.items():
            whole = marks + mark if one == vault else marks
            kept = after.get(one, b"")
            assert whole.endswith(kept)
            gone += (len(whole) - len(kept)) // policy.MARK
        was = sum(map(len, before.values())) // policy.MARK
        full = was == wire.RETIRED_MAX or len(before.get(vault, b"")) == wire.RETIRED_PER_VAULT * policy.MARK
        assert gone == (1 if full else 0)
