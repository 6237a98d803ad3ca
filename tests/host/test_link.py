"""The one place on the host that waits: whatever comes or does not come, it ends, and with the right answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.device.errors import (
    FrameProtocolError,
    SessionRefusedError,
    TokenChannelBusyError,
    TokenTimeoutError,
)
from coldshare.device.link import Link
from coldshare_iface import framing, wire
from coldshare_iface.errors import ColdshareError, ProtocolError
from coldshare_iface.framing import Assembler
from support.desk import bounded

CID = b"\x00\x00\x00\x07"
OTHER = b"\x00\x00\x00\x08"
ANSWER = b"the answer"


class Wire:
    """A token made of one function: it is given each message and says which reports come back (None: a slice of
    silence). Time passes by `tick` seconds for every report."""

    report_size = wire.REPORT_FS
    unattended = False

    def __init__(self, script: Callable[[int, bytes], list[bytes | None]], tick: float = 0.001) -> None:
        self.script = script
        self.now = 0.0
        self.tick = tick
        self.sent: list[tuple[int, bytes]] = []
        self.endless: bytes | None = None
        self.closed = False
        self._assembler = Assembler()
        self._out: list[bytes | None] = []

    def clock(self) -> float:
        return self.now

    def write(self, report: bytes) -> None:
        message = self._assembler.feed(report)
        if message is not None:
            cid, cmd, data = message
            self.sent.append((cmd, data))
            if cmd == wire.CMD_INIT:
                self._out += framing.split(cid, cmd, data + CID + bytes(5))
            else:
                self._out += self.script(cmd, data)

    def read(self, timeout: float) -> bytes | None:
        if not self._out and self.endless is not None:
            self._out.append(self.endless)
        report = self._out.pop(0) if self._out else None
        self.now += timeout if report is None else self.tick
        return report

    def close(self) -> None:
        self.closed = True


def link_to(script: Callable[[int, bytes], list[bytes | None]]) -> tuple[Link, Wire]:
    carrier = Wire(script)
    return Link(carrier, carrier.clock), carrier


def reports(cmd: int, data: bytes, cid: bytes = CID) -> list[bytes | None]:
    return list(framing.split(cid, cmd, data))


def answers(*before: bytes | None) -> Callable[[int, bytes], list[bytes | None]]:
    """First `before`, then the answer."""
    return lambda cmd, data: [*before, *reports(cmd, ANSWER)] if cmd != wire.CMD_CANCEL else []


def call(link: Link, **options: object) -> bytes:
    return link.call(wire.CMD_PLAIN, b"question", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 57, 58, 1000, wire.MESSAGE_MAX])
def test_a_message_there_and_back(size: int) -> None:
    message = bytes(i & 255 for i in range(size))
    link, carrier = link_to(lambda cmd, data: reports(cmd, data[::-1]))
    assert link.call(wire.CMD_PLAIN, message) == message[::-1]
    assert carrier.sent[-1] == (wire.CMD_PLAIN, message)


def test_reports_of_other_channels_are_none_of_our_business() -> None:
    theirs = reports(wire.CMD_PLAIN, b"not for us" * 20, OTHER)
    link, _ = link_to(answers(*theirs, b"", b"\0", *theirs))
    assert call(link) == ANSWER


def test_other_channels_in_the_middle_of_our_answer() -> None:
    ours = reports(wire.CMD_PLAIN, b"a" * 200)
    theirs = reports(wire.CMD_PLAIN, b"b" * 200, OTHER)
    mixed = [report for pair in zip(ours, theirs, strict=True) for report in pair]
    link, _ = link_to(lambda cmd, data: mixed)
    assert call(link) == b"a" * 200


def test_keepalives_are_waited_through_and_told_when_they_change() -> None:
    person, busy = (reports(wire.CMD_KEEPALIVE, bytes((status,))) for status in (2, 1))
    empty = reports(wire.CMD_KEEPALIVE, b"")
    link, _ = link_to(answers(*person, None, *person, *busy, *empty, *busy, *person))
    heard: list[int] = []
    assert call(link, on_status=heard.append) == ANSWER
    assert heard == [2, 1, 2]


def test_a_token_with_nothing_to_say_is_given_up_on_after_five_seconds() -> None:
    link, carrier = link_to(lambda cmd, data: [])
    with pytest.raises(TokenTimeoutError):
        call(link)
    assert carrier.now == pytest.approx(5.1, abs=0.2)


def test_a_token_that_is_not_there_at_all() -> None:
    carrier = Wire(lambda cmd, data: [])
    carrier.write = lambda report: None  # type: ignore[method-assign]
    with pytest.raises(TokenTimeoutError):
        Link(carrier, carrier.clock)


def test_a_slow_token_is_waited_for() -> None:
    link, _ = link_to(answers(*repeat(None, 49)))
    assert call(link) == ANSWER


@pytest.mark.parametrize(
    ("what", "seconds"),
    [
        ("keepalives", 300),
        ("another channel", 5),
        ("answers to another command", 300),
        ("continuations out of nowhere", 300),
    ],
)
def test_no_chatter_keeps_the_host_for_ever(what: str, seconds: float) -> None:
    endless = {
        "keepalives": framing.split(CID, wire.CMD_KEEPALIVE, b"\x02")[0],
        "another channel": framing.split(OTHER, wire.CMD_PLAIN, b"x")[0],
        "answers to another command": framing.split(CID, wire.CMD_PING, b"x")[0],
        "continuations out of nowhere": CID + bytes(60),
    }[what]
    link, carrier = link_to(lambda cmd, data: [])
    carrier.endless, carrier.tick = endless, 0.25
    with pytest.raises(TokenTimeoutError):
        call(link)
    assert carrier.now <= seconds + 1


def test_init_answers_to_others_are_passed_over() -> None:
    carrier = Wire(lambda cmd, data: [])
    write = carrier.write

    def earlier_first(report: bytes) -> None:
        carrier._out += framing.split(wire.CID_BROADCAST, wire.CMD_INIT, b"earlier!" + OTHER + bytes(5))
        write(report)

    carrier.write = earlier_first  # type: ignore[method-assign]
    link = Link(carrier, carrier.clock)
    carrier.write = write  # type: ignore[method-assign]
    carrier.script = answers()
    assert call(link) == ANSWER


def test_init_answers_to_others_without_end() -> None:
    carrier = Wire(lambda cmd, data: [], tick=0.1)
    carrier.write = lambda report: None  # type: ignore[method-assign]
    carrier.endless = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, b"earlier!" + OTHER + bytes(5))[0]
    with pytest.raises(TokenTimeoutError):
        Link(carrier, carrier.clock)
    assert carrier.now < 10


def test_a_short_answer_to_init() -> None:
    carrier = Wire(lambda cmd, data: [])

    def short(report: bytes) -> None:
        carrier._out += framing.split(wire.CID_BROADCAST, wire.CMD_INIT, report[7:15] + b"\0\0")

    carrier.write = short  # type: ignore[method-assign]
    with pytest.raises(FrameProtocolError, match="too short"):
        Link(carrier, carrier.clock)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (b"\xf0", SessionRefusedError),
        (b"\x06", TokenChannelBusyError),
        (b"\x01", ProtocolError),
        (b"\x7f", ProtocolError),
        (b"\xee", ProtocolError),
        (b"", ProtocolError),
    ],
)
def test_error_frames_become_errors_and_the_link_lives_on(code: bytes, kind: type[ColdshareError]) -> None:
    link, carrier = link_to(lambda cmd, data: reports(wire.CMD_ERROR, code))
    with pytest.raises(kind) as caught:
        call(link)
    assert type(caught.value) is kind
    carrier.script = answers()
    assert call(link) == ANSWER


def test_an_answer_that_an_error_came_before_is_never_taken_for_the_next_one() -> None:
    """A report that arrives twice: the copy is refused, while what it copied is under way."""
    link, carrier = link_to(lambda cmd, data: reports(wire.CMD_ERROR, b"\x06"))
    with pytest.raises(TokenChannelBusyError):
        call(link)
    carrier._out += reports(wire.CMD_PLAIN, b"stale")
    carrier.script = answers()
    assert call(link) == ANSWER
    # The channel was started afresh, once.
    assert [cmd for cmd, _ in carrier.sent] == [wire.CMD_INIT, wire.CMD_PLAIN, wire.CMD_INIT, wire.CMD_PLAIN]
    assert call(link) == ANSWER
    assert len(carrier.sent) == 5


def test_a_token_that_stays_busy_is_asked_again_without_trust() -> None:
    link, carrier = link_to(lambda cmd, data: reports(wire.CMD_ERROR, b"\x06"))
    write = carrier.write

    def busy(report: bytes) -> None:
        carrier._out += reports(wire.CMD_ERROR, b"\x06")

    for _ in range(2):
        with pytest.raises(TokenChannelBusyError):
            call(link)
        carrier.write = busy  # type: ignore[method-assign]
    carrier._out += reports(wire.CMD_PLAIN, b"stale")
    carrier.write, carrier.script = write, answers()  # type: ignore[method-assign]
    assert call(link) == ANSWER


def test_patience_is_measured_in_the_time_of_the_transport() -> None:
    """With the computer's own clock, chatter at a transport whose time is not real would never end."""
    carrier = Wire(lambda cmd, data: [])
    link = Link(carrier)
    carrier.endless, carrier.tick = framing.split(CID, wire.CMD_KEEPALIVE, b"\x02")[0], 0.25
    with pytest.raises(TokenTimeoutError):
        call(link)
    assert 300 < carrier.now < 301


@pytest.mark.parametrize(
    "garbage",
    [
        [CID + b"\xc0\xff\xff" + bytes(57)],
        [CID + b"\xc0\x01\x00" + bytes(57), CID + b"\x05" + bytes(59)],
        [CID + b"\xc0\x01\x00" + bytes(57), CID + b"\xc0\x00\x01" + bytes(57)],
        [CID + bytes(10)],
        [CID],
    ],
    ids=["too long", "out of order", "two at once", "short report", "nothing but a channel"],
)
def test_broken_frames_are_named(garbage: list[bytes | None]) -> None:
    link, _ = link_to(lambda cmd, data: garbage)
    with pytest.raises(FrameProtocolError, match="framing rules"):
        call(link)


def test_a_report_that_is_missing_may_have_been_lost_on_this_side() -> None:
    whole = reports(wire.CMD_PLAIN, bytes(200))
    link, _ = link_to(lambda cmd, data: [*whole[:2], *whole[3:]])
    with pytest.raises(FrameProtocolError, match="missing") as caught:
        call(link)
    assert "coldshare resume" in caught.value.next_step


def test_after_a_timeout_the_late_answer_is_never_taken_for_the_next_one() -> None:
    link, carrier = link_to(lambda cmd, data: [])
    with pytest.raises(TokenTimeoutError):
        call(link)
    carrier._out += reports(wire.CMD_PLAIN, b"late")
    with pytest.raises(TokenTimeoutError):
        call(link)


def test_cancelling_tells_the_token_once_and_returns_what_it_says() -> None:
    cancel = Event()

    def script(cmd: int, data: bytes) -> list[bytes | None]:
        if cmd == wire.CMD_CANCEL:
            return reports(wire.CMD_PLAIN, b"cancelled")
        return reports(wire.CMD_KEEPALIVE, b"\x02")

    link, carrier = link_to(script)
    assert call(link, cancel=cancel, on_status=lambda status: cancel.set()) == b"cancelled"
    assert [cmd for cmd, _ in carrier.sent] == [wire.CMD_INIT, wire.CMD_PLAIN, wire.CMD_CANCEL]
    carrier.script = answers()
    assert call(link) == ANSWER


def test_a_token_that_does_not_heed_a_cancel_is_left() -> None:
    cancel = Event()
    cancel.set()
    link, carrier = link_to(lambda cmd, data: [])
    carrier.endless, carrier.tick = framing.split(CID, wire.CMD_KEEPALIVE, b"\x02")[0], 0.25
    with pytest.raises(TokenTimeoutError):
        call(link, cancel=cancel)
    assert carrier.now <= 11


def interrupt(status: int) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_cancels_drains_and_goes_on() -> None:
    def script(cmd: int, data: bytes) -> list[bytes | None]:
        person = reports(wire.CMD_KEEPALIVE, b"\x02")
        return [*person, *reports(wire.CMD_PLAIN, b"cancelled")] if cmd == wire.CMD_CANCEL else person

    link, carrier = link_to(script)
    with pytest.raises(KeyboardInterrupt):
        call(link, on_status=interrupt)
    assert carrier.sent[-1] == (wire.CMD_CANCEL, b"")
    carrier.script = answers()
    assert call(link) == ANSWER


@pytest.mark.parametrize("chatter", [None, framing.split(CID, wire.CMD_KEEPALIVE, b"\x02")[0]])
def test_ctrl_c_at_a_token_that_does_not_answer_ends_soon(chatter: bytes | None) -> None:
    link, carrier = link_to(lambda cmd, data: reports(wire.CMD_KEEPALIVE, b"\x02"))
    carrier.endless, carrier.tick = chatter, 0.25
    with pytest.raises(KeyboardInterrupt):
        call(link, on_status=interrupt)
    assert carrier.now < 4
    with pytest.raises(TokenTimeoutError):
        call(link)


def test_ctrl_c_in_the_middle_of_a_message_tells_the_token_to_forget_it() -> None:
    link, carrier = link_to(answers())
    write = carrier.write
    count = 0

    def failing(report: bytes) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        write(report)

    carrier.write = failing  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        link.call(wire.CMD_PLAIN, bytes(1000))
    assert carrier.sent[-1] == (wire.CMD_CANCEL, b"")


def test_closing_closes_the_transport() -> None:
    link, carrier = link_to(answers())
    link.close()
    assert carrier.closed


_report = st.one_of(
    st.binary(max_size=80),
    st.binary(max_size=60).map(lambda rest: CID + rest),
    st.builds(lambda cmd, rest: framing.split(CID, cmd, rest)[0], st.integers(0, 127), st.binary(max_size=57)),
)


@given(st.lists(_report, max_size=12))
def test_whatever_comes_ends_in_an_answer_or_an_error_of_ours(garbage: list[bytes]) -> None:
    link, _ = link_to(lambda cmd, data: [*garbage])
    try:
        assert isinstance(call(link), bytes)
    except ColdshareError as error:
        assert error.message  # noqa: PT017 - either way of ending is fine


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_whatever_answers_init(garbage: list[bytes]) -> None:
    carrier = Wire(lambda cmd, data: [])
    carrier.write = lambda report: None  # type: ignore[method-assign]
    carrier._out += [wire.CID_BROADCAST + report for report in bounded(garbage)]
    with pytest.raises(ColdshareError):
        Link(carrier, carrier.clock)
