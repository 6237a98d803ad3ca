"""After a reshare, through the wire: what a person says about two generations, and what the token makes of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import pytest

from coldshare_firmware import keyarea, policy
from coldshare_firmware.keys import F_AUDIT, F_FAILS, F_LABEL, F_PAIRINGS, F_PIN, F_RETIRED, F_SLOTS, F_STATE, Keys
from coldshare_iface import codec, wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip, Operation
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from support.board import Board
from support.client import HELD, NO, NOBODY, PIN, WRONG, YES, Bench, FrameRefusedError, blob, declaration, secrets

OLD, NEW, THIRD = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32
ACTIVE, PENDING, NEXT, RETIRED = wire.BACKUP_ACTIVE, wire.BACKUP_PENDING, wire.BACKUP_NEXT, wire.BACKUP_RETIRED
OK = {0: wire.STATUS_OK}


def of(generation: bytes, **changes: object) -> bytes:
    return declaration(generation=generation, **changes)


def states(bench: Bench) -> dict[bytes, int]:
    return {held[1]: held[2] for held in bench.host.list()}


def restarted(bench: Bench) -> Bench:
    bench.power_cycle()
    bench.host.again()
    return bench


def put(bench: Bench, generation: bytes, *, newer: bool = False, confirm: bool = True, **changes: object) -> bytes:
    """A backup, up to `commit` or `confirm`; with `newer` by way of `reserve-next`."""
    host = bench.host
    op = wire.OP_RESERVE_NEXT if newer else wire.OP_RESERVE
    backup_id: bytes = host.ok(op, of(generation, **changes))[1]
    data = blob(700, generation[0])
    host.send(backup_id, data)
    host.ok(wire.OP_COMMIT, backup_id)
    if confirm:
        host.ok(wire.OP_CONFIRM, backup_id)
    return backup_id


def held(bench: Bench, op: int, *fields: object) -> dict[int, object]:
    """Ask for something that takes a held button, and hold it."""
    bench.person.default = HELD
    reply = bench.host.ask(op, *fields)
    bench.person.default = YES
    return reply


def record(bench: Bench) -> dict[int, object]:
    return Keys(SimHal(Chip(bench.image), AbsentPerson(), VirtualClock(), bytes)).record


def refused(bench: Bench, status: int, op: int, *fields: object) -> None:
    """Nobody is asked, and nothing has changed; not after a restart either."""
    before, asked = bench.image, len(bench.person.questions)
    assert bench.host.ask(op, *fields) == {0: status}
    assert bench.image == before
    assert len(bench.person.questions) == asked


@dataclass
class Reshared:
    """A token with an ACTIVE backup and a NEXT one."""

    bench: Bench
    old: bytes
    new: bytes

    def retired(self) -> Reshared:
        assert held(self.bench, wire.OP_RETIRE, self.new, OLD) == OK
        return self


@pytest.fixture
def reshared(ready: Bench) -> Reshared:
    old = put(ready, OLD)
    return Reshared(ready, old, put(ready, NEW, newer=True))


# --- a newer share comes


def test_a_newer_share_stands_beside_the_old_one(ready: Bench) -> None:
    old = put(ready, OLD)
    new = put(ready, NEW, newer=True, confirm=False)
    assert ready.person.questions[-1] == [
        "Keep as NEWER?",
        "Savings",
        "share of Phone",
        "2 of 3 / gen bbbbbbbb",
        "newer than gen aaaaaaaa",
        "Press YES or NO",
    ]
    assert states(restarted(ready)) == {old: ACTIVE, new: PENDING}
    ready.host.ok(wire.OP_CONFIRM, new)
    assert states(restarted(ready)) == {old: ACTIVE, new: NEXT}
    for backup_id, generation in ((old, OLD), (new, NEW)):
        size = ready.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)[1]
        assert ready.host.get(backup_id, size) == blob(700, generation[0])


def test_without_a_word_it_is_another_generation(reshared: Reshared) -> None:
    for generation in (OLD, NEW, THIRD):
        refused(reshared.bench, wire.STATUS_OTHER_GENERATION, wire.OP_RESERVE, of(generation))
    refused(reshared.bench, wire.STATUS_OTHER_GENERATION, wire.OP_RESERVE_NEXT, of(OLD))
    refused(reshared.bench, wire.STATUS_OTHER_PARTY, wire.OP_RESERVE_NEXT, of(NEW, party="Laptop"))
    refused(reshared.bench, wire.STATUS_BAD_DECLARATION, wire.OP_RESERVE_NEXT, of(NEW, threshold=0))


def test_no_at_the_button_keeps_the_old_one_alone(ready: Bench) -> None:
    old = put(ready, OLD)
    new = ready.host.ok(wire.OP_RESERVE_NEXT, of(NEW))[1]
    ready.host.send(new, blob(300))
    ready.person.default = NO
    refused_image = ready.image
    assert ready.host.status(wire.OP_COMMIT, new) == wire.STATUS_REJECTED
    assert ready.image == refused_image
    assert states(restarted(ready)) == {old: ACTIVE}


def test_next_where_nothing_stands_is_a_backup_like_others(ready: Bench) -> None:
    first = put(ready, NEW, newer=True)
    assert ready.person.questions[-1][0] == "Store this share?"
    again = put(ready, NEW, newer=True)
    assert ready.person.questions[-1][0] == "Replace this share?"
    assert states(restarted(ready)) == {again: ACTIVE}
    assert first != again


def test_a_lone_pending_one_becomes_active_and_is_not_thrown_away(ready: Bench) -> None:
    old = put(ready, OLD, confirm=False)
    new = put(ready, NEW, newer=True, confirm=False)
    assert states(restarted(ready)) == {old: ACTIVE, new: PENDING}


def test_the_next_one_can_be_refreshed_and_the_old_one_stays(reshared: Reshared) -> None:
    again = put(reshared.bench, NEW, newer=True)
    assert states(restarted(reshared.bench)) == {reshared.old: ACTIVE, again: NEXT}
    assert not any("in place of" in line for line in reshared.bench.person.questions[-1])


@pytest.mark.parametrize("confirm", [True, False], ids=["next", "pending"])
def test_who_loses_another_newer_one_is_told_which(ready: Bench, confirm: bool) -> None:
    old = put(ready, OLD)
    new = put(ready, NEW, newer=True, confirm=confirm)
    third = put(ready, THIRD, newer=True)
    assert ready.person.questions[-1][-3:] == [
        "newer than gen aaaaaaaa",
        "in place of gen bbbbbbbb",
        "Press YES or NO",
    ]
    assert states(restarted(ready)) == {old: ACTIVE, third: NEXT}
    ready.token._token._ops._outgoing._store.write_record(third, b"damaged")
    put(ready, NEW, newer=True)
    assert "in place of gen (unknown)" in ready.person.questions[-1]
    assert new not in states(ready)


def test_a_repeated_confirm_finds_its_work_done(reshared: Reshared) -> None:
    before = reshared.bench.image
    for backup_id in (reshared.old, reshared.new):
        assert reshared.bench.host.ask(wire.OP_COMMIT, backup_id) == OK
        assert reshared.bench.host.status(wire.OP_CONFIRM, backup_id) == wire.STATUS_OK
    assert reshared.bench.image == before


def test_over_a_damaged_record_the_older_generation_is_unknown(ready: Bench) -> None:
    old = put(ready, OLD)
    ready.token._token._ops._outgoing._store.write_record(old, b"damaged")
    put(ready, NEW, newer=True)
    assert "newer than gen (unknown)" in ready.person.questions[-1]


def test_what_was_plain_at_reserve_is_newer_at_commit(reshared: Reshared) -> None:
    """The old one comes back in between: the person is asked what it comes to now."""
    bench = reshared.retired().bench
    assert held(bench, wire.OP_REMOVE, reshared.new) == OK
    new = bench.host.ok(wire.OP_RESERVE, of(NEW))[1]
    bench.host.send(new, blob(300))
    assert held(bench, wire.OP_UN_RETIRE, reshared.old, OLD) == OK
    bench.host.ok(wire.OP_COMMIT, new)
    assert bench.person.questions[-1][0] == "Keep as NEWER?"
    assert states(bench) == {reshared.old: ACTIVE, new: PENDING}


def test_retired_between_reserve_and_commit(reshared: Reshared) -> None:
    bench = reshared.bench
    third = bench.host.ok(wire.OP_RESERVE_NEXT, of(THIRD))[1]
    bench.host.send(third, blob(300))
    assert held(bench, wire.OP_RETIRE, reshared.new, THIRD) == OK
    refused(bench, wire.STATUS_RETIRED, wire.OP_COMMIT, third)


# --- the old one is retired


def test_retire(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    assert bench.person.questions[-1] == [
        "RETIRE old share?",
        "Savings",
        "share of Phone",
        "old gen aaaaaaaa",
        "new gen bbbbbbbb",
        "HOLD YES 2 s, or NO",
    ]
    assert states(restarted(bench)) == {reshared.old: RETIRED, reshared.new: ACTIVE}
    for op in (wire.OP_RESERVE, wire.OP_RESERVE_NEXT):
        refused(bench, wire.STATUS_RETIRED, op, of(OLD))
    refused(bench, wire.STATUS_OTHER_GENERATION, wire.OP_RESERVE, of(THIRD))
    opened = bench.host.ok(wire.OP_OPEN, reshared.old, wire.PURPOSE_RESTORE)
    assert "RETIRED: an old share" in bench.person.questions[-1]
    assert bench.host.get(reshared.old, opened[1]) == blob(700, OLD[0])


def test_retire_takes_back_nothing_and_asks_nobody_twice(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    before, asked = bench.image, len(bench.person.questions)
    assert bench.host.ask(wire.OP_RETIRE, reshared.new, OLD) == OK
    assert bench.image == before
    assert len(bench.person.questions) == asked


def test_a_generation_that_is_not_here_can_be_retired(ready: Bench) -> None:
    new = put(ready, NEW)
    assert held(ready, wire.OP_RETIRE, new, OLD) == OK
    assert states(restarted(ready)) == {new: ACTIVE}
    refused(ready, wire.STATUS_RETIRED, wire.OP_RESERVE_NEXT, of(OLD))
    other = ready.host.ok(wire.OP_RESERVE, of(OLD, vault=b"\x03" * 33))[1]
    ready.host.ok(wire.OP_ABORT, other)


def test_the_newer_one_turns_out_to_be_the_older(reshared: Reshared) -> None:
    assert held(reshared.bench, wire.OP_RETIRE, reshared.old, NEW) == OK
    assert states(restarted(reshared.bench)) == {reshared.old: ACTIVE, reshared.new: RETIRED}


def test_a_pending_share_of_a_generation_that_is_retired(ready: Bench) -> None:
    old = put(ready, OLD)
    new = put(ready, NEW, newer=True, confirm=False)
    assert held(ready, wire.OP_RETIRE, old, NEW) == OK
    assert ready.host.status(wire.OP_CONFIRM, new) == wire.STATUS_OK, "nothing is left to do"
    assert states(restarted(ready)) == {old: ACTIVE, new: RETIRED}


def test_what_cannot_be_retired(reshared: Reshared) -> None:
    bench = reshared.bench
    refused(bench, wire.STATUS_BAD_STATE, wire.OP_RETIRE, reshared.new, NEW)
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_RETIRE, bytes(16), OLD)
    third = put(bench, THIRD, newer=True, confirm=False)
    refused(bench, wire.STATUS_BAD_STATE, wire.OP_RETIRE, third, OLD)
    reserved = bench.host.ok(wire.OP_RESERVE_NEXT, of(THIRD))[1]
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_RETIRE, reserved, OLD)
    bench.host.ok(wire.OP_CONFIRM, third)
    assert held(bench, wire.OP_RETIRE, third, OLD) == OK
    refused(bench, wire.STATUS_BAD_STATE, wire.OP_RETIRE, reshared.old, THIRD)


@pytest.mark.parametrize(("answer", "status"), [(NO, 10), (NOBODY, 11), (YES, 11)], ids=["no", "nobody", "short"])
@pytest.mark.parametrize("op", [wire.OP_RETIRE, wire.OP_UN_RETIRE, wire.OP_DESTROY])
def test_it_takes_a_held_button(reshared: Reshared, op: int, answer: int, status: int) -> None:
    bench = reshared.bench
    fields: tuple[bytes, ...] = (reshared.new, OLD)
    if op != wire.OP_RETIRE:
        reshared.retired()
        fields = (reshared.old,) if op == wire.OP_DESTROY else fields
    before = bench.image
    bench.person.default = answer
    assert bench.host.ask(op, *fields) == {0: status}
    assert bench.image == before


@pytest.mark.parametrize("how", ["cancel", "init", "power"])
@pytest.mark.parametrize("op", [wire.OP_RETIRE, wire.OP_UN_RETIRE, wire.OP_DESTROY])
def test_dropped_while_the_person_thinks(reshared: Reshared, op: int, how: str) -> None:
    bench = reshared.bench
    fields: tuple[bytes, ...] = (reshared.new, OLD)
    if op != wire.OP_RETIRE:
        reshared.retired()
        fields = (reshared.old,) if op == wire.OP_DESTROY else fields
    before = states(bench)
    bench.person.default = NOBODY
    bench.host.start(op, *fields)
    assert bench.host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    if how == "cancel":
        bench.host.cancel()
        assert bench.host.finish() == {0: wire.STATUS_CANCELLED}
    elif how == "init":
        bench.host.call(wire.CMD_INIT, b"12345678")
        with pytest.raises(FrameRefusedError):
            bench.host.ask(wire.OP_LIST, 0)
    bench.person.press(HELD)  # too late
    assert states(restarted(bench)) == before
    assert held(bench, op, *fields) == OK


# --- and taken back


def test_un_retire(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    assert held(bench, wire.OP_UN_RETIRE, reshared.new, OLD) == OK
    assert bench.person.questions[-1] == [
        "Take OLD share back?",
        "Savings",
        "share of Phone",
        "gen aaaaaaaa counts again",
        "HOLD YES 2 s, or NO",
    ]
    assert states(restarted(bench)) == {reshared.old: ACTIVE, reshared.new: NEXT}
    assert record(bench)[F_RETIRED] == []
    reshared.retired()
    assert held(bench, wire.OP_UN_RETIRE, reshared.old, OLD) == OK
    assert states(restarted(bench)) == {reshared.old: ACTIVE, reshared.new: NEXT}


def test_un_retire_what_is_not_retired(reshared: Reshared) -> None:
    bench = reshared.bench
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_UN_RETIRE, reshared.new, OLD)
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_UN_RETIRE, bytes(16), OLD)
    reshared.retired()
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_UN_RETIRE, reshared.new, THIRD)


@pytest.mark.parametrize("confirm", [True, False], ids=["next", "pending"])
def test_un_retire_has_to_wait_for_the_one_that_waits(reshared: Reshared, confirm: bool) -> None:
    bench = reshared.retired().bench
    third = put(bench, THIRD, newer=True, confirm=confirm)
    refused(bench, wire.STATUS_BAD_STATE, wire.OP_UN_RETIRE, reshared.new, OLD)
    assert held(bench, wire.OP_REMOVE, third) == OK
    assert held(bench, wire.OP_UN_RETIRE, reshared.new, OLD) == OK
    assert states(restarted(bench)) == {reshared.old: ACTIVE, reshared.new: NEXT}


def test_only_the_mark_is_taken_back(reshared: Reshared) -> None:
    """The retired backup is destroyed: then the generation can come again, as a person's newer one."""
    bench = reshared.retired().bench
    assert held(bench, wire.OP_DESTROY, reshared.old) == OK
    refused(bench, wire.STATUS_RETIRED, wire.OP_RESERVE_NEXT, of(OLD))
    assert held(bench, wire.OP_UN_RETIRE, reshared.new, OLD) == OK
    assert states(restarted(bench)) == {reshared.new: ACTIVE}
    refused(bench, wire.STATUS_OTHER_GENERATION, wire.OP_RESERVE, of(OLD))
    old = put(bench, OLD, newer=True)
    assert states(bench) == {reshared.new: ACTIVE, old: NEXT}


def test_a_mark_that_fell_out_while_its_backup_is_here(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    for n in range(wire.RETIRED_PER_VAULT):
        assert held(bench, wire.OP_RETIRE, reshared.new, bytes([n]) * 32) == OK
    ((_, marks),) = record(bench)[F_RETIRED]  # type: ignore[misc, attr-defined]
    assert len(marks) == policy.MARK * wire.RETIRED_PER_VAULT
    refused(bench, wire.STATUS_RETIRED, wire.OP_RESERVE_NEXT, of(OLD))
    assert held(bench, wire.OP_UN_RETIRE, reshared.new, OLD) == OK
    assert states(restarted(bench)) == {reshared.old: ACTIVE, reshared.new: NEXT}


# --- and gone


def test_destroy(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    (factor,) = [slot[1] for slot in record(bench)[F_SLOTS] if slot[0] == reshared.old]  # type: ignore[attr-defined]
    assert secrets(bench.image, factor) == [factor]
    assert held(bench, wire.OP_DESTROY, reshared.old) == OK
    assert bench.person.questions[-1][0] == "DESTROY old share?"
    assert bench.person.questions[-1][-2:] == [f"backup {reshared.old[:4].hex()}", "HOLD YES 2 s, or NO"]
    assert secrets(bench.image, factor) == []
    assert states(restarted(bench)) == {reshared.new: ACTIVE}
    files = LittleFiles(Chip(bench.image))
    assert files.listdir("/b") == files.listdir("/r") == [reshared.new.hex()]
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_DESTROY, reshared.old)


def test_only_what_is_retired_is_destroyed(reshared: Reshared) -> None:
    bench = reshared.bench
    for backup_id in (reshared.old, reshared.new):
        refused(bench, wire.STATUS_BAD_STATE, wire.OP_DESTROY, backup_id)
    reserved = bench.host.ok(wire.OP_RESERVE_NEXT, of(THIRD))[1]
    refused(bench, wire.STATUS_NOT_FOUND, wire.OP_DESTROY, reserved)


def test_without_the_active_one_the_next_one_is_it(reshared: Reshared) -> None:
    bench = reshared.bench
    assert held(bench, wire.OP_REMOVE, reshared.old) == OK
    assert states(restarted(bench)) == {reshared.new: ACTIVE}
    refused(bench, wire.STATUS_RETIRED, wire.OP_RESERVE_NEXT, of(OLD))


def test_without_the_next_one_nothing_has_been_said(reshared: Reshared) -> None:
    bench = reshared.bench
    assert held(bench, wire.OP_REMOVE, reshared.new) == OK
    assert states(restarted(bench)) == {reshared.old: ACTIVE}
    assert record(bench)[F_RETIRED] == []
    assert put(bench, NEW, newer=True) in states(bench)


def test_with_its_last_backup_a_vault_is_forgotten(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    assert held(bench, wire.OP_REMOVE, reshared.new) == OK
    assert len(record(bench)[F_RETIRED]) == 1  # type: ignore[arg-type]
    refused(bench, wire.STATUS_RETIRED, wire.OP_RESERVE, of(OLD))
    assert held(bench, wire.OP_DESTROY, reshared.old) == OK
    assert record(bench)[F_RETIRED] == []
    assert states(restarted(bench)) == {}
    assert put(bench, OLD, party="Laptop") in states(bench)


def test_a_damaged_record_can_be_destroyed_and_names_nothing(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    for backup_id in (reshared.old, reshared.new):
        bench.token._token._ops._outgoing._store.write_record(backup_id, b"damaged")
    for op in (wire.OP_RETIRE, wire.OP_UN_RETIRE):
        refused(bench, wire.STATUS_STORAGE, op, reshared.new, OLD)
    assert [sorted(entry) for entry in bench.host.list()] == [[1, 2, 3], [1, 2, 3]]
    assert held(bench, wire.OP_DESTROY, reshared.old) == OK
    assert "(its name is damaged)" in bench.person.questions[-1]
    assert states(restarted(bench)) == {reshared.new: ACTIVE}


def burn(bench: Bench) -> None:
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt in (3, 6):
            bench.power_cycle()
            bench.host.hello().open()
        bench.host.ask(wire.OP_UNLOCK, WRONG)


def test_burnt_knows_no_generations_any_more(reshared: Reshared) -> None:
    bench = reshared.retired().bench
    ((vault, marks),) = record(bench)[F_RETIRED]  # type: ignore[misc, attr-defined]
    burn(bench)
    assert secrets(bench.image, vault, marks) == []
    bench.host.hello()
    bench.person.default = HELD
    bench.host.pair()
    bench.host.open()
    assert states(bench) == dict.fromkeys(sorted((reshared.old, reshared.new)), wire.BACKUP_KEYLESS)


def test_burnt_lists_what_is_called_as_it_calls_it_and_nothing_else(reshared: Reshared) -> None:
    burn(reshared.bench)
    chip = Chip(reshared.bench.image)
    files = LittleFiles(chip)
    for name in ("AB" * 16, " ".join(["ab"] * 16), "ab" * 15, "ab" * 17, "x", "zz" * 16, "0x" + "ab" * 15):
        files.write("/b/" + name, b"not ours")
    bench = Bench(Chip(bytes(chip.image)), seed=9)
    bench.person.default = HELD
    bench.host.pair()
    bench.host.open()
    assert states(bench) == dict.fromkeys(sorted((reshared.old, reshared.new)), wire.BACKUP_KEYLESS)


# --- room


def other_vault(n: int) -> dict[str, object]:
    return {"vault": bytes([n]) * 33}


def test_a_full_token_has_no_room_for_a_next_one(ready: Bench) -> None:
    old = put(ready, OLD)
    for n in range(wire.BACKUPS_MAX - 2):
        put(ready, OLD, **other_vault(n))
    new = put(ready, NEW, newer=True)
    assert len(states(ready)) == wire.BACKUPS_MAX
    refused(ready, wire.STATUS_NO_SPACE, wire.OP_RESERVE_NEXT, of(NEW, **other_vault(3)))
    third = put(ready, THIRD, newer=True, confirm=False)
    assert len(states(ready)) == wire.BACKUPS_MAX
    refresh = put(ready, OLD, confirm=False, **other_vault(3))
    assert len(states(restarted(ready))) == wire.BACKUPS_MAX + 1
    refused(ready, wire.STATUS_NO_SPACE, wire.OP_RESERVE_NEXT, of(NEW))
    refused(ready, wire.STATUS_NO_SPACE, wire.OP_RESERVE, of(OLD, **other_vault(4)))
    ready.host.ok(wire.OP_CONFIRM, third)
    ready.host.ok(wire.OP_CONFIRM, refresh)
    kept = states(restarted(ready))
    assert len(kept) == wire.BACKUPS_MAX
    assert (kept[old], kept[third], kept[refresh]) == (ACTIVE, NEXT, ACTIVE)
    assert new not in kept


def test_the_largest_record_fits_its_block() -> None:
    """All that the limits allow at once, and one more change of it."""
    board = Board()
    keys = Keys(board)
    keys.found()

    def full(n: int) -> bytes:
        return bytes([n % 256]) * 32

    slots = [[full(n)[:16], full(n), RETIRED, full(n)[:16], full(n)[:16], full(n)[:16]] for n in range(18)]
    updates = {
        F_STATE: wire.TOKEN_READY,
        F_LABEL: "l" * wire.LABEL_MAX,
        F_PIN: [bytes(16), bytes(32)],
        F_FAILS: wire.PIN_ATTEMPTS,
        F_PAIRINGS: [[full(n)[:8], full(n), "n" * wire.LABEL_MAX] for n in range(wire.PAIRINGS_MAX)],
        F_SLOTS: slots,
        F_AUDIT: [2**32 - 1, bytes(32)],
    }
    retired: list[list[bytes]] = []
    for n in range(wire.RETIRED_MAX):
        retired = policy.with_retired(retired, full(n % wire.BACKUPS_MAX)[:16], full(n))
    keys.change({**updates, F_RETIRED: retired})
    assert sum(len(marks) for _, marks in retired) == policy.MARK * wire.RETIRED_MAX
    payload = codec.encode(keys.record)
    assert len(payload) == 3585
    assert len(payload) + 42 <= board.blocks.block_size
    keys.change({F_FAILS: 0})
    again = keyarea.KeyArea(board.blocks).load()
    assert again is not None
    assert again[F_RETIRED] == retired


# --- flash that fails


@pytest.mark.parametrize("act", ["retire", "un-retire", "destroy", "remove", "confirm", "commit"])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(5, "worn out"), id="flash"),
        pytest.param(MemoryError(), id="memory", marks=pytest.mark.slow),
    ],
)
def test_a_fault_at_any_operation_leaves_the_old_state_or_the_new_one(
    reshared: Reshared, act: str, error: Exception
) -> None:
    acts: dict[str, Callable[[], tuple[object, ...]]] = {
        "retire": lambda: (wire.OP_RETIRE, reshared.new, OLD),
        "un-retire": lambda: (wire.OP_UN_RETIRE, reshared.retired().new, OLD),
        "destroy": lambda: (wire.OP_DESTROY, reshared.retired().old),
        "remove": lambda: (wire.OP_REMOVE, reshared.old),
        "confirm": lambda: (wire.OP_CONFIRM, put(reshared.bench, THIRD, newer=True, confirm=False)),
        "commit": lambda: (wire.OP_COMMIT, reshared.bench.host.ok(wire.OP_RESERVE_NEXT, of(THIRD))[1]),
    }
    request = acts[act]()
    start, seen = reshared.bench.image, set()
    for at in range(200):
        bench = Bench(Chip(start), seed=9)
        bench.host.psk_id, bench.host.psk = reshared.bench.host.psk_id, reshared.bench.host.psk
        bench.host.again()
        if act == "commit":
            bench.host.send(request[1], blob(300))  # type: ignore[arg-type]
        before = record(bench)
        count = 0

        def fail(operation: Operation, at: int = at) -> None:
            nonlocal count
            count += 1
            if count == at + 1:
                raise copy(error)  # raised again and again, it would remember every token that it came to

        bench.chip.before = fail
        bench.person.default = HELD
        reply = {0: bench.host.status(*request)}  # type: ignore[arg-type]
        bench.chip.before = None
        after = record(bench)
        kept = [after[F_SLOTS], after[F_RETIRED]]
        if count <= at:
            assert reply == OK
            break
        assert reply in (OK, {0: wire.STATUS_STORAGE})
        seen.add(reply[0])
        if reply == OK:
            assert after[F_AUDIT] != before[F_AUDIT]
        else:
            assert kept == [before[F_SLOTS], before[F_RETIRED]] or after[F_AUDIT] != before[F_AUDIT]
        bench.person.default = YES
        bench.power_cycle()
        bench.host.again()
        assert [record(bench)[F_SLOTS], record(bench)[F_RETIRED]] == kept
        assert {slot[0] for slot in kept[0] if slot[2]} == set(states(bench))  # type: ignore[attr-defined]
    else:
        pytest.fail("it never ends")
    assert seen


def test_the_pin_is_needed(reshared: Reshared) -> None:
    bench = reshared.bench
    bench.host.hello().open()
    for op, *fields in (
        (wire.OP_RESERVE_NEXT, of(THIRD)),
        (wire.OP_RETIRE, reshared.new, OLD),
        (wire.OP_UN_RETIRE, reshared.new, OLD),
        (wire.OP_DESTROY, reshared.old),
        (wire.OP_AUDIT, 1),
    ):
        refused(bench, wire.STATUS_LOCKED, op, *fields)
    bench.host.ok(wire.OP_UNLOCK, PIN)
