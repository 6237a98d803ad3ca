"""While the token waits: keepalives, cancelling, buttons, other channels, and what is left when it is over."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from coldshare_iface import framing, wire
from support.client import NO, NOBODY, PIN, WRONG, YES, Bench, FrameRefusedError, Host, blob, declaration

Start = Callable[[Bench], None]


def paired(bench: Bench) -> None:
    bench.host.handshake()
    bench.host.start(wire.OP_PAIR_ACCEPT, "desk")


def set_up(bench: Bench) -> None:
    bench.person.default = YES
    bench.host.pair()
    bench.host.open()
    bench.person.default = NOBODY
    bench.host.start(wire.OP_SET_UP, PIN, "Safe A")


def another_try(bench: Bench) -> None:
    bench.person.default = YES
    bench.make_ready()
    for _ in range(3):
        bench.host.ask(wire.OP_UNLOCK, WRONG)
    bench.power_cycle()
    bench.host.hello().open()
    bench.clock.sleep(60)
    bench.person.default = NOBODY
    bench.host.start(wire.OP_UNLOCK, PIN)


def commit(bench: Bench) -> None:
    bench.person.default = YES
    bench.make_ready()
    backup_id, _ = bench.host.reserve()
    bench.host.send(backup_id, blob(3000))
    bench.person.default = NOBODY
    bench.host.start(wire.OP_COMMIT, backup_id)


def release(bench: Bench) -> None:
    bench.person.default = YES
    bench.make_ready()
    backup_id, _ = bench.host.put(blob(3000))
    bench.person.default = NOBODY
    bench.host.start(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)


POINTS = pytest.mark.parametrize("start", [paired, set_up, another_try, commit, release])


@pytest.fixture
def waiting(bench: Bench) -> Bench:
    bench.person.default = NOBODY
    return bench


def keepalive(bench: Bench) -> int:
    cmd, data = bench.host.read(keepalives=True)
    assert cmd == wire.CMD_KEEPALIVE
    return data[0]


@POINTS
def test_the_host_hears_at_once_that_a_person_is_needed_and_then_four_times_a_second(
    waiting: Bench, start: Start
) -> None:
    start(waiting)
    times = []
    for _ in range(5):
        assert keepalive(waiting) == wire.KEEPALIVE_PERSON
        times.append(waiting.clock.now_ms())
    assert [b - a for a, b in itertools.pairwise(times)] == [wire.KEEPALIVE_MS] * 4
    assert waiting.person.screens[-1][1], "the question is on the screen"


@POINTS
@pytest.mark.parametrize("when", ["before", "during"])
def test_cancel_at_every_waiting_point(waiting: Bench, start: Start, when: str) -> None:
    """Cancelled, nothing changed, the idle screen back; and the same request works when it is made again."""
    start(waiting)
    before = waiting.image
    if when == "during":
        keepalive(waiting)
    idle = next(lines for lines, question in waiting.person.screens if not question)[0]
    waiting.host.cancel()
    assert waiting.host.finish() == {0: wire.STATUS_CANCELLED}
    assert waiting.image == before
    assert waiting.person.screen[0] == idle == "coldshare"
    assert not waiting.person.screens[-1][1]
    assert waiting.token.read(1) is None, "nothing comes after the answer"
    waiting.person.default = YES
    if start is paired:
        assert waiting.host.pair()[0] == wire.STATUS_OK
    elif start is set_up:
        assert waiting.host.ok(wire.OP_SET_UP, PIN, "Safe A") == {0: wire.STATUS_OK}
    else:
        waiting.host.ok(wire.OP_UNLOCK, PIN)
        backup_id, _ = waiting.host.put(blob(100), declaration(vault=b"z" * 33))
        assert waiting.host.get(backup_id, 100) == blob(100)


@POINTS
@pytest.mark.parametrize("answer", [YES, NO])
def test_a_press_ends_the_wait(waiting: Bench, start: Start, answer: int) -> None:
    start(waiting)
    for _ in range(3):
        keepalive(waiting)
    waiting.person.press(answer)
    reply = waiting.host.finish()
    assert reply[0] == (wire.STATUS_OK if answer == YES else wire.STATUS_REJECTED)
    assert waiting.person.screen[0] == "coldshare"


@POINTS
def test_the_person_has_a_minute(waiting: Bench, start: Start) -> None:
    start(waiting)
    before, image = waiting.clock.now_ms(), waiting.image
    assert waiting.host.finish() == {0: wire.STATUS_TIMED_OUT}
    assert waiting.clock.now_ms() - before == wire.PERSON_TIMEOUT_MS
    assert waiting.image == image
    assert waiting.person.screen[0] == "coldshare"


@POINTS
def test_a_fresh_start_in_the_middle(waiting: Bench, start: Start) -> None:
    """INIT on the channel that waits ends the job without a trace, and its session with it."""
    start(waiting)
    keepalive(waiting)
    before = waiting.image
    reply = waiting.host.call(wire.CMD_INIT, b"fresh!!!")
    assert reply[:12] == b"fresh!!!" + waiting.host.cid
    assert waiting.image == before
    assert waiting.person.screen[0] == "coldshare"
    waiting.person.press(YES)
    assert waiting.token.read(120) is None
    assert waiting.image == before
    with pytest.raises(FrameRefusedError) as refused:
        waiting.host.call(wire.CMD_RECORD, bytes(64))
    assert refused.value.code == wire.ERR_SESSION


@POINTS
def test_power_lost_while_it_waits(waiting: Bench, start: Start) -> None:
    start(waiting)
    keepalive(waiting)
    before = waiting.image
    waiting.power_cycle()
    waiting.person.press(YES)
    assert waiting.token.read(1) is None
    assert waiting.image == before
    waiting.host.hello()


@POINTS
def test_others_have_to_wait(waiting: Bench, start: Start) -> None:
    """Another channel is told that the token is busy, cannot cancel, cannot answer, and disturbs nothing."""
    start(waiting)
    keepalive(waiting)
    shown = len(waiting.person.screens)
    stranger = Host(waiting.token)
    nonce = b"stranger"
    reply = stranger.call(wire.CMD_INIT, nonce)  # a channel of one's own is always to be had
    stranger.cid = reply[8:12]
    for cmd in (wire.CMD_PING, wire.CMD_PLAIN, wire.CMD_PAIR, wire.CMD_SESSION, wire.CMD_RECORD, 0x55):
        with pytest.raises(FrameRefusedError) as refused:
            stranger.call(cmd, b"\xa1\x00\x02")
        assert refused.value.code == wire.ERR_CHANNEL_BUSY
    stranger.cancel()
    stranger.call(wire.CMD_INIT, nonce)
    assert len(waiting.person.screens) == shown
    waiting.person.press(YES)
    assert waiting.host.finish()[0] == wire.STATUS_OK


@POINTS
def test_the_waiting_host_cannot_ask_for_more(waiting: Bench, start: Start) -> None:
    start(waiting)
    keepalive(waiting)
    with pytest.raises(FrameRefusedError) as refused:
        waiting.host.call(wire.CMD_PLAIN, b"\xa1\x00\x01")
    assert refused.value.code == wire.ERR_CHANNEL_BUSY
    waiting.person.press(YES)
    assert waiting.host.finish()[0] == wire.STATUS_OK


@POINTS
def test_half_a_message_on_the_side(waiting: Bench, start: Start) -> None:
    start(waiting)
    keepalive(waiting)
    waiting.token.write(framing.split(waiting.host.cid, wire.CMD_PING, bytes(200))[0])
    cmd, data = waiting.host.read()
    assert (cmd, data) == (wire.CMD_ERROR, bytes([wire.ERR_MSG_TIMEOUT]))
    waiting.person.press(YES)
    assert waiting.host.finish()[0] == wire.STATUS_OK


def test_a_press_from_before_the_question_is_no_answer(bench: Bench) -> None:
    bench.host.handshake()
    bench.person.default = NOBODY
    bench.person.press(YES)
    assert bench.host.ask(wire.OP_PAIR_ACCEPT, "desk") == {0: wire.STATUS_TIMED_OUT}


class HeldButton:
    """A finger that rests on YES."""

    def __init__(self) -> None:
        self.held = YES
        self.questions = 0
        self.screen: list[str] = []

    def show(self, lines: list[str], question: bool) -> None:
        self.questions += question
        self.screen = lines

    def button(self) -> int:
        return self.held

    def close(self) -> None:
        pass


def test_a_held_button_is_no_answer_and_stops_nothing(bench: Bench) -> None:
    finger = HeldButton()
    host = Host(bench.soft(finger)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    for _ in range(20):
        assert host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes([wire.KEEPALIVE_PERSON]))
    assert finger.questions == 0
    finger.held = NOBODY
    host.read(keepalives=True)
    assert finger.questions == 1
    finger.held = YES
    assert host.finish()[0] == wire.STATUS_OK


def test_a_stuck_button_times_out(bench: Bench) -> None:
    finger = HeldButton()
    host = Host(bench.soft(finger)).hello()
    host.handshake()
    assert host.ask(wire.OP_PAIR_ACCEPT, "desk") == {0: wire.STATUS_TIMED_OUT}
    assert finger.questions == 0


class Reader(HeldButton):
    """A person, who has to read a question before pressing can be an answer to it."""

    settle_ms = wire.SETTLE_MS

    def __init__(self) -> None:
        super().__init__()
        self.held = NOBODY


def test_a_press_on_its_way_when_the_question_changed_is_no_answer(bench: Bench) -> None:
    """Somebody exchanges the question in the instant in which a person presses."""
    finger = Reader()
    host = Host(bench.soft(finger)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    while not finger.questions:
        host.read(keepalives=True)
    finger.held = YES
    bench.clock.sleep(10.0)
    assert host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes([wire.KEEPALIVE_PERSON]))
    finger.held = NOBODY
    assert host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    finger.held = YES
    assert host.finish()[0] == wire.STATUS_OK


def test_a_question_that_nobody_has_had_time_to_read_is_not_answered(bench: Bench) -> None:
    finger = Reader()
    host = Host(bench.soft(finger)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    while not finger.questions:
        host.read(keepalives=True)
    asked = bench.clock.now_ms()
    for held in (YES, NOBODY):  # a tap
        finger.held = held
        assert bench.clock.now_ms() - asked < wire.SETTLE_MS
        bench.token.poll()
    assert host.finish()[0] == wire.STATUS_TIMED_OUT


def test_cancel_when_there_is_nothing_to_cancel(ready: Bench) -> None:
    ready.host.cancel()
    assert ready.token.read(1) is None
    ready.host.ok(wire.OP_LIST, 0)


def test_cancel_too_late_does_not_undo(ready: Bench) -> None:
    """The answer is on its way already: the host gets that one, and no other."""
    backup_id, _ = ready.host.reserve()
    ready.host.send(backup_id, blob(100))
    ready.host.start(wire.OP_COMMIT, backup_id)
    while ready.token.read(1)[4] == wire.CMD_KEEPALIVE | 0x80:  # type: ignore[index]
        pass
    ready.host.cancel()
    assert ready.token.read(1) is None
    ready.host.again()
    assert [held[2] for held in ready.host.list()] == [wire.BACKUP_PENDING]


def test_hashing_a_large_blob_lets_others_speak(ready: Bench) -> None:
    """A job that is only long is interrupted at slices, so that cancel is heard."""
    backup_id, _ = ready.host.reserve()
    data = blob(400_000)
    offset = ready.host.begin(backup_id, data)
    while offset < len(data):
        offset = ready.host.ok(wire.OP_CHUNK, offset, data[offset : offset + 7000])[1]
    ready.host.start(wire.OP_PREPARE, backup_id)
    assert ready.token._token.poll() is None
    assert ready.token._token.busy
    ready.host.cancel()
    assert ready.host.finish() == {0: wire.STATUS_CANCELLED}
    ready.host.ok(wire.OP_PREPARE, backup_id)
    ready.host.ok(wire.OP_COMMIT, backup_id)
    assert ready.host.get(backup_id, len(data)) == data
