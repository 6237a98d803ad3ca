"""The transfer: the table exhaustively, and a host and a token that lose power and answers at will."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_iface import transfer as rules
from coldshare_iface import wire
from coldshare_iface.transfer import TRANSITIONS, Transfer, TransferError

ID, OTHER = b"i" * 16, b"o" * 16
BLOB = bytes(range(200))
DIGEST = hashlib.sha256(BLOB).digest()
HALF = len(BLOB) // 2

STEPS: dict[str, Callable[[Transfer], None]] = {
    rules.BEGIN: lambda t: t.begin(ID, len(BLOB), DIGEST),
    rules.CHUNK: lambda t: t.chunk(t.offset, 1),
    rules.LAST: lambda t: t.chunk(t.offset, max(1, t.size - t.offset)),
    rules.PREPARE: lambda t: t.prepare(ID, DIGEST),
    rules.COMMIT: lambda t: t.commit(ID),
    rules.CONFIRM: lambda t: t.confirm(ID),
    rules.ABORT: lambda t: t.abort(),
}
WAY = (rules.BEGIN, rules.LAST, rules.PREPARE, rules.COMMIT, rules.CONFIRM)
STATES = (rules.EMPTY, rules.FILLING, rules.WHOLE, rules.PREPARED, rules.COMMITTED, rules.CONFIRMED)


def reach(state: str) -> Transfer:
    out = Transfer()
    for event in WAY[: STATES.index(state)]:
        STEPS[event](out)
    assert out.state == state
    return out


def fields(one: Transfer) -> tuple[object, ...]:
    return one.state, one.backup_id, one.size, one.digest, one.offset


def test_the_table_knows_no_other_state() -> None:
    assert {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values()) == set(STATES)
    assert {event for _, event in TRANSITIONS} == set(STEPS)


@pytest.mark.parametrize("event", STEPS)
@pytest.mark.parametrize("state", STATES)
def test_every_state_and_every_event(state: str, event: str) -> None:
    one = reach(state)
    before = fields(one)
    if (state, event) in TRANSITIONS:
        STEPS[event](one)
        assert one.state == TRANSITIONS[state, event]
    elif event == rules.ABORT:
        STEPS[event](one)  # there is nothing to give up
        assert fields(one) == before
    else:
        with pytest.raises(TransferError) as refused:
            STEPS[event](one)
        unknown = state == rules.EMPTY and event in (rules.PREPARE, rules.COMMIT, rules.CONFIRM)
        assert refused.value.status == (wire.STATUS_NOT_FOUND if unknown else wire.STATUS_BAD_STATE)
        assert fields(one) == before


@pytest.mark.parametrize("state", STATES)
def test_another_id_is_never_taken_for_this_one(state: str) -> None:
    steps: list[Callable[[Transfer], None]] = [
        lambda t: t.prepare(OTHER, DIGEST),
        lambda t: t.check_prepare(OTHER),
        lambda t: t.commit(OTHER),
        lambda t: t.confirm(OTHER),
    ]
    for step in steps:
        one = reach(state)
        with pytest.raises(TransferError) as refused:
            step(one)
        assert refused.value.status == wire.STATUS_NOT_FOUND
        assert one.state == state
    one = reach(state)
    one.begin(OTHER, 5, bytes(32))
    assert fields(one) == (rules.FILLING, OTHER, 5, bytes(32), 0)


@pytest.mark.parametrize("state", [rules.COMMITTED, rules.CONFIRMED])
def test_a_committed_backup_is_never_begun_again(state: str) -> None:
    for size, digest in ((len(BLOB), DIGEST), (len(BLOB), bytes(32)), (5, DIGEST)):
        one = reach(state)
        with pytest.raises(TransferError) as refused:
            one.begin(ID, size, digest)
        assert refused.value.status == wire.STATUS_BAD_STATE
        assert one.state == state


@pytest.mark.parametrize(("size", "offset"), [(0, 0), (wire.BLOB_MAX + 1, 0), (10, 11)])
def test_impossible_sizes(size: int, offset: int) -> None:
    with pytest.raises(TransferError) as refused:
        Transfer().begin(ID, size, DIGEST, offset)
    assert refused.value.status == wire.STATUS_BAD_REQUEST


def test_the_largest_blob_is_taken() -> None:
    one = Transfer()
    one.begin(ID, wire.BLOB_MAX, DIGEST)
    assert one.next_chunk(7424) == (0, 7424)


@given(st.integers(1, 500), st.integers(1, 100))
def test_chunks_cover_the_blob_once(size: int, step: int) -> None:
    one = Transfer()
    one.begin(ID, size, DIGEST)
    total = 0
    while one.state == rules.FILLING:
        offset, length = one.next_chunk(step)
        assert offset == total
        assert 1 <= length <= step
        one.chunk(offset, length)
        total += length
    assert total == size
    assert one.next_chunk(step) == (size, 0)


class Token:
    """What a token does with the events: `stored`, `kept` and `confirmed` survive power loss, the rest does not."""

    def __init__(self) -> None:
        self.transfer = Transfer()
        self.stored = b""
        self.kept: bytes | None = None
        self.confirmed = False

    def power_cut(self) -> None:
        self.transfer = Transfer()

    def begin(self) -> int:
        if self.kept is not None:
            raise TransferError(wire.STATUS_BAD_STATE, "committed")
        if self.transfer.offset != len(self.stored):
            self.transfer = Transfer()
        self.transfer.begin(ID, len(BLOB), DIGEST, len(self.stored))
        return self.transfer.offset

    def chunk(self, offset: int, data: bytes) -> None:
        self.transfer.check_chunk(offset, len(data))
        self.stored += data
        self.transfer.chunk(offset, len(data))

    def prepare(self) -> None:
        self.transfer.prepare(ID, hashlib.sha256(self.stored).digest())

    def commit(self) -> None:
        if self.kept is None:
            self.transfer.commit(ID)
            self.kept = self.stored

    def confirm(self) -> None:
        if self.kept is None:
            raise TransferError(wire.STATUS_BAD_STATE, "not committed")
        self.confirmed = True


class LostError(Exception):
    """An answer, or power, is gone."""


def backup(token: Token, mishap: Callable[[], None]) -> None:
    """One try of a host. `mishap` may raise LostError after any step of the token."""
    host = Transfer()
    if token.kept is None:
        offset = token.begin()
        mishap()
        host.begin(ID, len(BLOB), DIGEST, offset)
        while host.state == rules.FILLING:
            offset, length = host.next_chunk(37)
            token.chunk(offset, BLOB[offset : offset + length])
            mishap()
            host.chunk(offset, length)
        token.prepare()
        mishap()
    token.commit()
    mishap()
    token.confirm()
    mishap()


@given(st.lists(st.sampled_from(["none", "answer", "power"]), max_size=60))
def test_repeating_from_begin_always_ends_well(mishaps: list[str]) -> None:
    token, left = Token(), iter(mishaps)

    def mishap() -> None:
        what = next(left, "none")
        if what == "power":
            token.power_cut()
        if what != "none":
            raise LostError

    for _ in range(len(mishaps) + 1):
        try:
            backup(token, mishap)
        except LostError:
            assert token.stored == BLOB[: len(token.stored)]
            assert token.kept in (None, BLOB)
            continue
        break
    assert token.kept == BLOB
    assert token.confirmed
