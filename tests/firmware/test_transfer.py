"""A sealed share crosses: resuming, repeating, and every wrong step."""

from __future__ import annotations

import hashlib

import pytest

from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from support.client import YES, Bench, FrameRefusedError, Host, blob, chunks, declaration, secrets

DATA = blob(30_000)
DIGEST = hashlib.sha256(DATA).digest()


def send_from(host: Host, backup_id: bytes, offset: int, data: bytes = DATA) -> None:
    while offset < len(data):
        offset = host.ok(wire.OP_CHUNK, offset, data[offset : offset + CHUNK])[1]
    assert host.ok(wire.OP_PREPARE, backup_id) == {0: 0, 1: hashlib.sha256(data).digest()}


def test_there_and_back(ready: Bench) -> None:
    backup_id, factor = ready.host.put(DATA)
    opened = ready.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    assert opened == {0: 0, 1: len(DATA), 2: DIGEST, 3: declaration(), 4: factor}
    assert ready.host.get(backup_id, len(DATA)) == DATA


@pytest.mark.parametrize("size", [1, 255, 256, 4095, 4096, 4097, CHUNK - 1, CHUNK, CHUNK + 1, 65_536, 65_537])
def test_sizes(ready: Bench, size: int) -> None:
    backup_id, _ = ready.host.put(blob(size))
    assert ready.host.get(backup_id, size) == blob(size)


def test_small_and_uneven_chunks(ready: Bench) -> None:
    backup_id, _ = ready.host.reserve()
    data = blob(2000)
    ready.host.begin(backup_id, data)
    offset = 0
    for size in (1, 255, 256, 257, 1000, 231):
        offset = ready.host.ok(wire.OP_CHUNK, offset, data[offset : offset + size])[1]
    ready.host.ok(wire.OP_PREPARE, backup_id)
    ready.host.ok(wire.OP_COMMIT, backup_id)
    assert ready.host.get(backup_id, 2000) == data


@pytest.mark.parametrize("report_size", [wire.REPORT_FS, wire.REPORT_HS])
def test_both_report_sizes(report_size: int) -> None:
    bench = Bench(report_size=report_size).make_ready()
    backup_id, _ = bench.host.put(DATA)
    assert bench.host.get(backup_id, len(DATA)) == DATA


@pytest.mark.parametrize("how", ["session", "power"])
@pytest.mark.parametrize("done", chunks(len(DATA) + CHUNK))
def test_goes_on_at_the_last_stored_chunk(ready: Bench, done: int, how: str) -> None:
    host = ready.host
    backup_id, factor = host.reserve()
    offset = host.begin(backup_id, DATA)
    done = min(done, len(DATA))
    while offset < done:
        offset = host.ok(wire.OP_CHUNK, offset, DATA[offset : offset + CHUNK])[1]
    if how == "power":
        ready.power_cycle()
    host.again()
    assert host.begin(backup_id, DATA) == done
    send_from(host, backup_id, done)
    host.ok(wire.OP_COMMIT, backup_id)
    host.ok(wire.OP_CONFIRM, backup_id)
    assert host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)[4] == factor
    assert host.get(backup_id, len(DATA)) == DATA


@pytest.mark.parametrize("how", ["session", "power"])
@pytest.mark.parametrize("step", ["reserve", "prepare", "commit", "confirm"])
def test_a_lost_answer_is_asked_for_again(ready: Bench, step: str, how: str) -> None:
    """Every step can be repeated after a new session, and after a power cycle too."""
    host = ready.host
    backup_id, _ = host.reserve()
    steps = ["prepare", "commit", "confirm"]
    if step != "reserve":
        send_from(host, backup_id, host.begin(backup_id, DATA))
        for op in steps[1 : steps.index(step) + 1]:
            host.ok({"commit": wire.OP_COMMIT, "confirm": wire.OP_CONFIRM}[op], backup_id)
    if how == "power":
        ready.power_cycle()
    host.again()
    if step in ("reserve", "prepare"):
        send_from(host, backup_id, host.begin(backup_id, DATA))
    for _ in range(2):
        host.ok(wire.OP_COMMIT, backup_id)
    if step in ("reserve", "prepare"):
        assert host.get(backup_id, len(DATA)) == DATA, "the read-back needs no second press"
    else:
        asked = len(ready.person.questions)
        assert host.status(wire.OP_READ, backup_id, 0) == wire.STATUS_BAD_STATE, "that press was for another channel"
        host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
        assert len(ready.person.questions) == asked + 1
        assert host.get(backup_id, len(DATA)) == DATA
    for _ in range(2):
        host.ok(wire.OP_CONFIRM, backup_id)
    assert [held[1] for held in host.list()] == [backup_id]


def test_begin_again_says_where_it_stands(ready: Bench) -> None:
    host = ready.host
    backup_id, _ = host.reserve()
    assert host.begin(backup_id, DATA) == 0
    host.ok(wire.OP_CHUNK, 0, DATA[:CHUNK])
    assert host.begin(backup_id, DATA) == CHUNK
    send_from(host, backup_id, CHUNK)
    assert host.begin(backup_id, DATA) == len(DATA)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.status(wire.OP_BEGIN, backup_id, len(DATA), DIGEST) == wire.STATUS_BAD_STATE


def test_other_content_starts_from_nothing(ready: Bench) -> None:
    host = ready.host
    backup_id, _ = host.reserve()
    host.begin(backup_id, DATA)
    host.ok(wire.OP_CHUNK, 0, DATA[:CHUNK])
    other = blob(20_000, 9)
    assert host.begin(backup_id, other) == 0
    send_from(host, backup_id, 0, other)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.get(backup_id, len(other)) == other


@pytest.mark.parametrize("offset", [0, 1, CHUNK - 1, CHUNK + 1, 2 * CHUNK, len(DATA)])
def test_a_chunk_at_the_wrong_offset(ready: Bench, offset: int) -> None:
    host = ready.host
    backup_id, _ = host.reserve()
    host.begin(backup_id, DATA)
    host.ok(wire.OP_CHUNK, 0, DATA[:CHUNK])
    assert host.ask(wire.OP_CHUNK, offset, DATA[:10]) == {0: wire.STATUS_BAD_OFFSET, 1: CHUNK}
    send_from(host, backup_id, CHUNK)


def test_a_chunk_too_many_or_too_long(ready: Bench) -> None:
    host = ready.host
    backup_id, _ = host.reserve()
    host.begin(backup_id, DATA[:100])
    assert host.status(wire.OP_CHUNK, 0, DATA[:101]) == wire.STATUS_BAD_REQUEST
    host.ok(wire.OP_CHUNK, 0, DATA[:100])
    assert host.status(wire.OP_CHUNK, 100, b"x") == wire.STATUS_BAD_STATE
    assert host.status(wire.OP_CHUNK, 0, b"") == wire.STATUS_BAD_REQUEST
    assert host.status(wire.OP_CHUNK, 0, bytes(CHUNK + 1)) == wire.STATUS_BAD_REQUEST


def test_steps_without_the_one_before(ready: Bench) -> None:
    host = ready.host
    assert host.status(wire.OP_CHUNK, 0, b"x") == wire.STATUS_BAD_STATE
    assert host.status(wire.OP_PREPARE, bytes(16)) == wire.STATUS_NOT_FOUND
    for op in (wire.OP_COMMIT, wire.OP_CONFIRM):
        assert host.status(op, bytes(16)) == wire.STATUS_NOT_FOUND
    assert host.status(wire.OP_BEGIN, bytes(16), 10, bytes(32)) == wire.STATUS_NOT_FOUND
    backup_id, _ = host.reserve()
    for op in (wire.OP_COMMIT, wire.OP_CONFIRM):
        assert host.status(op, backup_id) == wire.STATUS_BAD_STATE
    host.begin(backup_id, DATA)
    assert host.status(wire.OP_PREPARE, backup_id) == wire.STATUS_BAD_STATE
    assert host.status(wire.OP_COMMIT, backup_id) == wire.STATUS_BAD_STATE
    send = DATA[:CHUNK]
    host.ok(wire.OP_CHUNK, 0, send)
    assert host.status(wire.OP_PREPARE, backup_id) == wire.STATUS_BAD_STATE
    assert ready.person.questions == []


@pytest.mark.parametrize("size", [0, wire.BLOB_MAX + 1, 1 << 63])
def test_an_impossible_size(ready: Bench, size: int) -> None:
    backup_id, _ = ready.host.reserve()
    assert ready.host.status(wire.OP_BEGIN, backup_id, size, bytes(32)) == wire.STATUS_BAD_REQUEST


def test_a_wrong_digest_is_found_and_the_transfer_begins_anew(ready: Bench) -> None:
    host = ready.host
    backup_id, _ = host.reserve()
    damaged = DATA[:-1] + bytes([DATA[-1] ^ 1])
    offset = host.begin(backup_id, DATA)
    while offset < len(DATA):
        offset = host.ok(wire.OP_CHUNK, offset, damaged[offset : offset + CHUNK])[1]
    assert host.ask(wire.OP_PREPARE, backup_id) == {0: wire.STATUS_BAD_DIGEST}
    assert host.status(wire.OP_COMMIT, backup_id) == wire.STATUS_BAD_STATE
    assert host.begin(backup_id, DATA) == 0
    send_from(host, backup_id, 0)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.get(backup_id, len(DATA)) == DATA


def test_abort_forgets_the_factor(ready: Bench) -> None:
    host = ready.host
    backup_id, factor = host.reserve()
    send_from(host, backup_id, host.begin(backup_id, DATA))
    assert secrets(ready.image, factor) == [factor]
    for _ in range(2):
        host.ok(wire.OP_ABORT, backup_id)
    assert secrets(ready.image, factor) == []
    assert host.status(wire.OP_COMMIT, backup_id) == wire.STATUS_NOT_FOUND
    assert host.status(wire.OP_CHUNK, 0, b"x") == wire.STATUS_BAD_STATE
    assert host.list() == []


def test_abort_of_what_is_stored_is_refused(ready: Bench) -> None:
    backup_id, _ = ready.host.put(DATA, confirm=False)
    assert ready.host.status(wire.OP_ABORT, backup_id) == wire.STATUS_BAD_STATE
    ready.host.ok(wire.OP_CONFIRM, backup_id)
    assert ready.host.status(wire.OP_ABORT, backup_id) == wire.STATUS_BAD_STATE
    assert [held[1] for held in ready.host.list()] == [backup_id]


def test_one_reservation_at_a_time(ready: Bench) -> None:
    """The second one takes the place of the first, whose factor protects nothing."""
    host = ready.host
    first, factor = host.reserve()
    host.begin(first, DATA)
    host.ok(wire.OP_CHUNK, 0, DATA[:CHUNK])
    second, _ = host.reserve(declaration(vault=b"z" * 33))
    assert secrets(ready.image, factor) == []
    assert host.status(wire.OP_BEGIN, first, len(DATA), DIGEST) == wire.STATUS_NOT_FOUND
    assert host.status(wire.OP_CHUNK, CHUNK, DATA[CHUNK : 2 * CHUNK]) == wire.STATUS_BAD_STATE
    assert host.begin(second, DATA) == 0


def test_a_reservation_is_not_a_backup(ready: Bench) -> None:
    backup_id, _ = ready.host.reserve()
    assert ready.host.list() == []
    assert ready.host.status(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE) == wire.STATUS_NOT_FOUND
    assert ready.host.status(wire.OP_READ, backup_id, 0) == wire.STATUS_BAD_STATE


# --- giving shares away
def test_release_needs_a_press_every_time(ready: Bench) -> None:
    backup_id, _ = ready.host.put(DATA)
    ready.person.screens.clear()
    for purpose in (wire.PURPOSE_VERIFY, wire.PURPOSE_RESTORE):
        ready.host.ok(wire.OP_OPEN, backup_id, purpose)
    assert [lines[0] for lines in ready.person.questions] == ["RELEASE to verify?", "RELEASE to restore?"]


@pytest.mark.parametrize("purpose", [0, 3])
def test_an_unknown_purpose(ready: Bench, purpose: int) -> None:
    backup_id, _ = ready.host.put(DATA)
    assert ready.host.status(wire.OP_OPEN, backup_id, purpose) == wire.STATUS_BAD_REQUEST


def test_no_press_no_share(ready: Bench) -> None:
    backup_id, factor = ready.host.put(DATA)
    ready.host.again()
    ready.person.default = 2
    reply = ready.host.ask(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert reply == {0: wire.STATUS_REJECTED}
    assert factor not in str(reply).encode()
    assert ready.host.status(wire.OP_READ, backup_id, 0) == wire.STATUS_BAD_STATE


def test_a_no_takes_back_an_earlier_yes(ready: Bench) -> None:
    first, _ = ready.host.put(DATA)
    second, _ = ready.host.put(blob(500), declaration(vault=b"z" * 33))
    ready.host.ok(wire.OP_OPEN, first, wire.PURPOSE_VERIFY)
    ready.person.default = 2
    assert ready.host.status(wire.OP_OPEN, second, wire.PURPOSE_VERIFY) == wire.STATUS_REJECTED
    assert ready.host.status(wire.OP_READ, first, 0) == wire.STATUS_BAD_STATE


def test_only_the_released_share_can_be_read(ready: Bench) -> None:
    first, _ = ready.host.put(DATA)
    second, _ = ready.host.put(blob(500), declaration(vault=b"z" * 33))
    ready.host.ok(wire.OP_OPEN, first, wire.PURPOSE_VERIFY)
    assert ready.host.status(wire.OP_READ, second, 0) == wire.STATUS_BAD_STATE
    assert ready.host.ok(wire.OP_READ, first, 29_999)[1] == DATA[-1:]
    assert ready.host.ask(wire.OP_READ, first, 30_000) == {0: wire.STATUS_BAD_OFFSET, 1: 30_000}
    ready.host.ok(wire.OP_OPEN, second, wire.PURPOSE_VERIFY)
    assert ready.host.status(wire.OP_READ, first, 0) == wire.STATUS_BAD_STATE


@pytest.mark.parametrize("how", ["session", "power"])
def test_a_release_ends_with_its_session(ready: Bench, how: str) -> None:
    backup_id, _ = ready.host.put(DATA)
    ready.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    if how == "power":
        ready.power_cycle()
    ready.host.again()
    assert ready.host.status(wire.OP_READ, backup_id, 0) == wire.STATUS_BAD_STATE


def test_commit_lets_its_own_share_be_read_back_and_gives_no_factor(ready: Bench) -> None:
    backup_id, _ = ready.host.put(DATA, confirm=False)
    asked = len(ready.person.questions)
    reply = ready.host.ok(wire.OP_READ, backup_id, 0)
    assert reply == {0: 0, 1: DATA[:CHUNK]}
    assert len(ready.person.questions) == asked


def test_locked_means_locked(ready: Bench) -> None:
    backup_id, _ = ready.host.put(DATA)
    ready.host.hello().open()
    declared = declaration()
    for op, fields in (
        (wire.OP_LIST, (0,)),
        (wire.OP_RESERVE, (declared,)),
        (wire.OP_BEGIN, (backup_id, 1, bytes(32))),
        (wire.OP_CHUNK, (0, b"x")),
        (wire.OP_PREPARE, (backup_id,)),
        (wire.OP_COMMIT, (backup_id,)),
        (wire.OP_CONFIRM, (backup_id,)),
        (wire.OP_ABORT, (backup_id,)),
        (wire.OP_OPEN, (backup_id, 1)),
        (wire.OP_READ, (backup_id, 0)),
    ):
        assert ready.host.ask(op, *fields) == {0: wire.STATUS_LOCKED}


@pytest.mark.parametrize(
    "request_",
    [
        (wire.OP_LIST,),
        (wire.OP_LIST, -1),
        (wire.OP_LIST, 18),
        (wire.OP_LIST, True),
        (wire.OP_LIST, 0, 0),
        (wire.OP_READ, b"short", 0),
        (wire.OP_READ, bytes(16), "0"),
        (wire.OP_OPEN, bytes(16)),
        (wire.OP_BEGIN, bytes(16), 1, bytes(31)),
        (wire.OP_SET_UP, "1234", "x" * 33),
        (wire.OP_SET_UP, "1234", ""),
        (wire.OP_SET_UP, "1234", "two\nlines"),
        (wire.OP_SET_UP, "1234", None),
    ],
    ids=str,
)
def test_a_request_of_the_wrong_shape(ready: Bench, request_: tuple[object, ...]) -> None:
    op, *fields = request_
    assert ready.host.status(op, *fields) == wire.STATUS_BAD_REQUEST  # type: ignore[arg-type]


@pytest.mark.parametrize("op", [0, 1, 2, wire.OP_WIPE, 27, 255, 1 << 40])
def test_an_unknown_operation(ready: Bench, op: int) -> None:
    assert ready.host.status(op) == wire.STATUS_UNKNOWN_OP
    assert ready.host.status(wire.OP_PAIR_ACCEPT, "desk") == wire.STATUS_UNKNOWN_OP
    ready.host.ok(wire.OP_LIST, 0)


def test_two_hosts_take_turns(ready: Bench) -> None:
    """What one host has begun, the other one can finish, with the PIN."""
    backup_id, _ = ready.host.reserve()
    ready.host.begin(backup_id, DATA)
    ready.host.ok(wire.OP_CHUNK, 0, DATA[:CHUNK])
    other = ready.second_host()
    assert other.pair()[0] == wire.STATUS_OK
    other.again()
    assert other.begin(backup_id, DATA) == CHUNK
    send_from(other, backup_id, CHUNK)
    other.ok(wire.OP_COMMIT, backup_id)
    with pytest.raises(FrameRefusedError):
        ready.host.ask(wire.OP_LIST, 0)
    assert ready.person.default == YES
