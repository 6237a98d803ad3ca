"""The second carrier of a token: whole messages as frames, on channels of its own, beside the reports of HID."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_firmware.port import Port
from coldshare_iface import framing, wire
from coldshare_iface.framing import Assembler, FrameError
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from support.board import Board
from support.client import NONCE, Puppet, blob

BULK = wire.BULK_FRAME_MAX


def frame(cid: bytes, cmd: int, message: bytes) -> bytes:
    (only,) = framing.split(cid, cmd, message, BULK)
    return only


class Wires:
    """A token, and what it says on either carrier."""

    def __init__(self) -> None:
        self.person = Puppet()
        self.token = SoftToken(Chip(), self.person, clock=VirtualClock())

    def bulk(self, cid: bytes, cmd: int, message: bytes) -> tuple[bytes, int, bytes] | None:
        self.token.write_bulk(frame(cid, cmd, message))
        return self.from_bulk()

    def from_bulk(self) -> tuple[bytes, int, bytes] | None:
        said = self.token.poll_bulk()
        return None if said is None else Assembler(BULK).feed(said)

    def hid(self, cid: bytes, cmd: int, message: bytes) -> tuple[bytes, int, bytes] | None:
        for report in framing.split(cid, cmd, message):
            self.token.write(report)
        return self.from_hid()

    def from_hid(self) -> tuple[bytes, int, bytes] | None:
        assembler = Assembler()
        while (report := self.token.poll()) is not None:
            whole = assembler.feed(report)
            if whole is not None:
                return whole
        return None

    def channels(self) -> tuple[bytes, bytes]:
        """One on HID, one on bulk."""
        answers = (
            self.hid(wire.CID_BROADCAST, wire.CMD_INIT, NONCE),
            self.bulk(wire.CID_BROADCAST, wire.CMD_INIT, NONCE),
        )
        hid, bulk = (answer[2][8:12] for answer in answers if answer is not None)
        return hid, bulk


@pytest.fixture
def wires() -> Iterator[Wires]:
    wires = Wires()
    yield wires
    wires.token.close()


@given(st.binary(max_size=wire.MESSAGE_MAX), st.binary(min_size=4, max_size=4), st.integers(0, 127))
def test_a_message_is_one_frame(message: bytes, cid: bytes, cmd: int) -> None:
    whole = frame(cid, cmd, message)
    assert len(whole) == 7 + len(message)
    assert whole[7:] == message
    assert Assembler(BULK).feed(whole) == (cid, cmd, message)
    assert framing.cut(cid, cmd, message, 0, BULK) == whole
    assert framing.count(len(message), BULK) == 1


@pytest.mark.parametrize(
    ("damage", "cid"),
    [
        (lambda whole: whole[:-1], b"abcd"),
        (lambda whole: whole + b"\0", b"abcd"),
        (lambda whole: whole[:6], b"abcd"),
        (lambda whole: whole[:3], wire.CID_BROADCAST),
        (lambda whole: b"", wire.CID_BROADCAST),
        (lambda whole: whole[:4] + b"\0" + whole[5:], b"abcd"),
        (lambda whole: whole[:5] + (wire.MESSAGE_MAX + 1).to_bytes(2, "big") + bytes(wire.MESSAGE_MAX + 1), b"abcd"),
    ],
    ids=["short", "long", "header", "stub", "nothing", "continuation", "huge"],
)
def test_a_frame_that_is_not_as_long_as_it_says(damage, cid) -> None:  # type: ignore[no-untyped-def]
    assembler = Assembler(BULK)
    with pytest.raises(FrameError) as caught:
        assembler.feed(damage(frame(b"abcd", wire.CMD_PING, b"hello")))
    assert (caught.value.code, caught.value.cid) == (wire.ERR_INVALID_LEN, cid)
    assert not assembler.busy


@given(st.binary(max_size=80))
def test_no_bytes_are_anything_but_a_frame_or_an_error(data: bytes) -> None:
    wires = Wires()
    try:
        wires.token.write_bulk(data)
        said = wires.from_bulk()
        assert said is not None
        assert said[1] in (wire.CMD_ERROR, wire.CMD_INIT)
        assert wires.from_hid() is None
    finally:
        wires.token.close()


def test_a_channel_belongs_to_its_carrier(wires: Wires) -> None:
    hid, bulk = wires.channels()
    assert not hid[0] & 0x80
    assert bulk[0] & 0x80
    assert wires.hid(hid, wire.CMD_PING, b"here") == (hid, wire.CMD_PING, b"here")
    assert wires.bulk(bulk, wire.CMD_PING, b"there") == (bulk, wire.CMD_PING, b"there")
    refused = bytes((wire.ERR_INVALID_CHANNEL,))
    # Told to whoever asked: the channel's own program has done nothing wrong.
    assert wires.bulk(hid, wire.CMD_PING, b"") == (hid, wire.CMD_ERROR, refused)
    assert wires.from_hid() is None
    assert wires.hid(bulk, wire.CMD_PING, b"") == (bulk, wire.CMD_ERROR, refused)
    assert wires.from_bulk() is None


def test_the_longest_message_comes_back(wires: Wires) -> None:
    _, bulk = wires.channels()
    longest = blob(wire.MESSAGE_MAX)
    assert wires.bulk(bulk, wire.CMD_PING, longest) == (bulk, wire.CMD_PING, longest)


def test_half_a_message_on_hid_makes_bulk_wait(wires: Wires) -> None:
    hid, bulk = wires.channels()
    first, *rest = framing.split(hid, wire.CMD_PING, bytes(100))
    wires.token.write(first)
    assert wires.bulk(bulk, wire.CMD_PING, b"") == (bulk, wire.CMD_ERROR, bytes((wire.ERR_CHANNEL_BUSY,)))
    for report in rest:
        wires.token.write(report)
    assert wires.from_hid() == (hid, wire.CMD_PING, bytes(100))


def test_what_one_carrier_does_not_fetch_does_not_hold_up_the_other(wires: Wires) -> None:
    hid, bulk = wires.channels()
    for _ in range(1000):
        for report in framing.split(hid, wire.CMD_PING, b"unread"):
            wires.token.write(report)
    for _ in range(1000):
        assert wires.bulk(bulk, wire.CMD_PING, b"read") == (bulk, wire.CMD_PING, b"read")
    assert wires.from_hid() == (hid, wire.CMD_PING, b"unread")


def test_frames_that_nobody_fetches_are_bounded() -> None:
    port = Port(Board())
    port.feed_bulk(frame(wire.CID_BROADCAST, wire.CMD_INIT, NONCE))
    cid = port.allocate()
    for _ in range(100):
        port.send(cid, wire.CMD_PING, bytes(wire.MESSAGE_MAX))
    kept = 0
    while port.fetch(True) is not None:
        kept += 1
    assert 1 < kept < 4
    assert not port.sending(True)


def test_a_fresh_start_drops_what_was_not_fetched(wires: Wires) -> None:
    _, bulk = wires.channels()
    wires.token.write_bulk(frame(bulk, wire.CMD_PING, b"old"))
    answer = wires.bulk(bulk, wire.CMD_INIT, NONCE)
    assert answer is not None
    assert answer[:2] == (bulk, wire.CMD_INIT)
    assert answer[2][8:12] == bulk
    assert wires.from_bulk() is None


def test_a_full_memory_is_told_to_the_one_who_asked(monkeypatch: pytest.MonkeyPatch, wires: Wires) -> None:
    _, bulk = wires.channels()

    def full(*_: object) -> memoryview:
        raise MemoryError

    monkeypatch.setattr("coldshare_firmware.port.memoryview", full, raising=False)
    assert wires.bulk(bulk, wire.CMD_RECORD, b"x") == (bulk, wire.CMD_ERROR, bytes((wire.ERR_OTHER,)))


def test_a_long_answer_is_sent_from_the_one_block_there_is(wires: Wires) -> None:
    """A small heap has no second piece as long as that: neither for a frame nor for what is in it."""
    port = Port(Board())
    port.feed_bulk(frame(wire.CID_BROADCAST, wire.CMD_INIT, NONCE))
    cid = port.allocate()
    room = port.room(wire.MESSAGE_MAX)
    room[:] = blob(wire.MESSAGE_MAX)
    port.send(cid, wire.CMD_RECORD, room)
    said = port.fetch(True)
    assert isinstance(said, memoryview)
    assert bytes(said) == frame(cid, wire.CMD_RECORD, blob(wire.MESSAGE_MAX))
    port.send(cid, wire.CMD_PING, blob(1000))
    port.send(cid, wire.CMD_PING, blob(1001))  # while the block has the first
    assert bytes(port.fetch(True)) == frame(cid, wire.CMD_PING, blob(1000))
    assert bytes(port.fetch(True)) == frame(cid, wire.CMD_PING, blob(1001))
    assert port.fetch(True) is None


def test_a_record_comes_in_that_block_unless_an_answer_is_in_it(wires: Wires) -> None:
    port = Port(Board())
    port.feed_bulk(frame(wire.CID_BROADCAST, wire.CMD_INIT, NONCE))
    cid = port.allocate()
    whole = port.feed_bulk(frame(cid, wire.CMD_RECORD, blob(5000, 1)))
    assert whole is not None
    assert isinstance(whole[2], memoryview)
    assert bytes(whole[2]) == blob(5000, 1)
    port.send(cid, wire.CMD_PING, blob(1000))
    other = port.feed_bulk(frame(cid, wire.CMD_RECORD, blob(5000, 2)))
    assert other is not None
    assert bytes(other[2]) == blob(5000, 2)
    assert bytes(port.fetch(True)) == frame(cid, wire.CMD_PING, blob(1000))


def test_what_a_step_at_one_carrier_says_on_the_other_is_waited_for(wires: Wires) -> None:
    """A loop that sleeps while nothing is `waiting` must not sleep on an answer."""
    hid, bulk = wires.channels()
    for cid, put in ((hid, wires.token.write), (bulk, wires.token.write_bulk)):
        put(frame(cid, wire.CMD_PING, b"x").ljust(64, b"\0") if cid == hid else frame(cid, wire.CMD_PING, b"x"))
        assert wires.token.waiting
        assert (wires.from_bulk if cid == hid else wires.from_hid)() is None
        assert wires.token.waiting
        assert (wires.from_hid if cid == hid else wires.from_bulk)() == (cid, wire.CMD_PING, b"x")
        assert not wires.token.waiting
