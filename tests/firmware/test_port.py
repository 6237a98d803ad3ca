"""The one block of memory in which long messages come and go: two that need it at once do not meet in it."""

from __future__ import annotations

import pytest

from coldshare_firmware.port import Port
from coldshare_iface import wire
from coldshare_iface.framing import Assembler, split
from support.board import Board
from support.client import blob

ONE, OTHER = blob(wire.MESSAGE_MAX, 1), blob(7000, 2)


class Line:
    """Two hosts at one port."""

    def __init__(self) -> None:
        self.port = Port(Board())
        self.first, self.second = self.port.allocate(), self.port.allocate()

    def hears(self, cid: bytes, message: bytes, cmd: int = wire.CMD_RECORD) -> bytes:
        """What the token takes for the message."""
        for report in split(cid, cmd, message):
            whole = self.port.feed(report)
        assert whole is not None
        assert (whole[0], whole[1]) == (cid, cmd)
        return bytes(whole[2])

    def says(self, cid: bytes, message: bytes) -> None:
        room = self.port.room(len(message))
        room[:] = message
        self.port.send(cid, wire.CMD_RECORD, room)

    def fetched(self, cid: bytes) -> bytes:
        """The next message, which must be for that channel."""
        assembler = Assembler()
        while True:
            report = self.port.fetch()
            assert report is not None
            whole = assembler.feed(report)
            if whole is not None:
                assert whole[0] == cid
                return whole[2]


@pytest.fixture
def line() -> Line:
    return Line()


def test_in_turn_the_same_block_serves_all(line: Line) -> None:
    for seed in range(3):
        assert line.hears(line.first, blob(7000, seed)) == blob(7000, seed)
        line.says(line.first, blob(7400, seed))
        assert isinstance(line.port.room(1), bytearray), "what is to be sent is there"
        assert line.fetched(line.first) == blob(7400, seed)
        assert not line.port.sending()


def test_a_record_may_be_altered_where_it_is(line: Line) -> None:
    for size in (1, 57, 58, 7000):
        for report in split(line.first, wire.CMD_RECORD, blob(size)):
            whole = line.port.feed(report)
        assert whole is not None
        whole[2][0] = blob(size)[0] ^ 1
        assert bytes(whole[2])[1:] == blob(size)[1:]


def test_other_messages_outlive_the_next(line: Line) -> None:
    """A PING is echoed from what was received, after more has come."""
    for report in split(line.first, wire.CMD_PING, ONE):
        whole = line.port.feed(report)
    assert whole is not None
    assert line.hears(line.second, OTHER) == OTHER
    assert whole[2] == ONE


def test_a_message_comes_while_another_one_goes(line: Line) -> None:
    line.says(line.first, ONE)
    line.port.fetch()
    assert line.hears(line.second, OTHER) == OTHER
    line.says(line.second, OTHER)
    whole = Assembler()
    reports = list(iter(line.port.fetch, None))
    whole.feed(split(line.first, wire.CMD_RECORD, ONE)[0])
    messages = [message for message in map(whole.feed, reports) if message is not None]
    assert [(cid, data) for cid, _, data in messages] == [(line.first, ONE), (line.second, OTHER)]


def test_an_answer_is_made_while_a_message_comes(line: Line) -> None:
    reports = split(line.second, wire.CMD_RECORD, OTHER)
    for report in reports[:60]:
        assert line.port.feed(report) is None
    line.says(line.first, ONE)
    for report in reports[60:]:
        whole = line.port.feed(report)
    assert whole is not None
    assert bytes(whole[2]) == OTHER
    assert line.fetched(line.first) == ONE


def test_who_is_told_that_there_is_no_room(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel whose message does not fit, and not the one that has just been answered."""

    def full(size: int) -> bytearray:
        raise MemoryError

    assert line.hears(line.first, OTHER) == OTHER
    line.says(line.first, ONE)
    monkeypatch.setattr("coldshare_firmware.port.bytearray", full, raising=False)
    with pytest.raises(MemoryError):
        line.port.feed(split(line.second, wire.CMD_RECORD, OTHER)[0])
    line.port.abandon(wire.ERR_OTHER)
    assert line.fetched(line.first) == ONE
    assert line.port.fetch() == split(line.second, wire.CMD_ERROR, bytes((wire.ERR_OTHER,)))[0]
    assert line.port.fetch() is None


def test_short_messages_need_no_block(line: Line) -> None:
    line.says(line.first, ONE)
    for size in (0, 57):
        assert line.hears(line.second, blob(size), wire.CMD_PING) == blob(size)
    assert line.fetched(line.first) == ONE


def test_what_is_forgotten_leaves_the_block(line: Line) -> None:
    line.says(line.first, ONE)
    line.port.forget(line.second)
    assert isinstance(line.port.room(1), bytearray)
    line.port.forget(line.first)
    assert isinstance(line.port.room(1), memoryview)


def test_what_is_dropped_leaves_the_block(line: Line) -> None:
    for _ in range(2):
        line.port.send(line.first, wire.CMD_PING, ONE)
    line.says(line.second, OTHER)  # more than is kept for a host that does not fetch
    assert isinstance(line.port.room(1), memoryview)
    assert [line.fetched(line.first) for _ in range(2)] == [ONE, ONE]
    assert not line.port.sending()


def test_room_that_is_not_used_is_free_again(line: Line) -> None:
    line.port.room(100)
    line.port.error(line.first, wire.ERR_OTHER)
    assert isinstance(line.port.room(1), memoryview)
