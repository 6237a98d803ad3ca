"""Frames: what every parser of CTAPHID's layout expects, and what keeps two hosts apart."""

from __future__ import annotations

from coldshare.conformance.bench import PIN, Bench
from coldshare.conformance.operator import NOBODY
from coldshare.conformance.rules import HID, READY, expect, expect_equal, expect_error, expect_reply, expect_status, row
from coldshare.conformance.speaker import FrameRefusedError, Speaker, as_map
from coldshare_iface import wire


def _error(host: Speaker) -> int:
    """The byte of the ERROR that comes next."""
    cmd, data = host.read()
    expect_equal(cmd, wire.CMD_ERROR, "the command of what is said")
    return data[0]


def _refused(host: Speaker, cmd: int, data: bytes = b"") -> int:
    try:
        host.call(cmd, data)
    except FrameRefusedError as error:
        return error.code
    return 0


def _raw(bench: Bench, cid: bytes, *rest: int, data: bytes = b"") -> bytes:
    return (cid + bytes(rest) + data).ljust(bench.token.report_size, b"\0")


@row("frames-ping", "frames")
def ping(bench: Bench) -> None:
    """PING gives back what it was sent, from nothing to the longest message."""
    for size in (0, 1, 57, 58, wire.MESSAGE_MAX):
        data = bench.blob(size)
        expect_equal(bench.host.call(wire.CMD_PING, data), data, f"the answer to a PING of {size} bytes")


@row("frames-init", "channel-ids")
def init(bench: Bench) -> None:
    """INIT on broadcast gives the nonce back, a channel nobody has, and frame version 2."""
    other = bench.stranger()
    answers = [other.channel(nonce) for nonce in (b"12345678", b"abcdefgh")]
    expect(all(len(answer) == 17 for answer in answers), "an answer to INIT is not 17 bytes long")
    channels = [answer[8:12] for answer in answers]
    expect(channels[0] < channels[1], "channel ids do not ascend")
    expect(bytes(4) not in channels and wire.CID_BROADCAST not in channels, "a channel id is 0 or broadcast")
    expect_equal(answers[0][12], wire.FRAME_VERSION, "the frame version")


@row("frames-init-again", "channel-ids", needs=READY)
def init_again(bench: Bench) -> None:
    """INIT on one's own channel keeps its id and closes the secure channel on it."""
    host = bench.host
    cid = host.cid
    answer = host.call(wire.CMD_INIT, b"12345678")
    expect_equal(answer[8:12], cid, "the channel id")
    expect_error(_refused(host, wire.CMD_RECORD, host.seal(wire.OP_LIST, 0)), wire.ERR_SESSION)


@row("frames-init-length", "rules-for-the-receiver")
def init_length(bench: Bench) -> None:
    """An INIT whose nonce has not 8 bytes is INVALID_LEN."""
    expect_error(_refused(bench.host, wire.CMD_INIT, b"1234567"), wire.ERR_INVALID_LEN)


@row("frames-sequence", "rules-for-the-receiver", carrier=HID)
def sequence(bench: Bench) -> None:
    """A continuation out of order is INVALID_SEQ, and drops the message."""
    host = bench.host
    reports = host.reports(wire.CMD_PING, bench.blob(3 * bench.token.report_size))
    bench.token.write(reports[0])
    bench.token.write(reports[2])
    expect_error(_error(host), wire.ERR_INVALID_SEQ)
    expect_equal(host.call(wire.CMD_PING, b"after"), b"after", "the next PING")


@row("frames-busy", "rules-for-the-receiver", carrier=HID)
def busy(bench: Bench) -> None:
    """Another channel is BUSY while a message is under way, and the message goes on."""
    host, other = bench.host, bench.speaker()
    data = bench.blob(3 * bench.token.report_size)
    first, *rest = host.reports(wire.CMD_PING, data)
    bench.token.write(first)
    expect_error(_refused(other, wire.CMD_PING), wire.ERR_CHANNEL_BUSY, "the error byte for the other channel")
    for report in rest:
        bench.token.write(report)
    expect_equal(host.read(), (wire.CMD_PING, data), "the answer to the message that was under way")


@row("frames-timeout", "rules-for-the-receiver", carrier=HID)
def timeout(bench: Bench) -> None:
    """A message whose next report does not come for 500 ms is MSG_TIMEOUT."""
    host = bench.host
    bench.token.write(host.reports(wire.CMD_PING, bench.blob(2 * bench.token.report_size))[0])
    expect(bench.token.read(0.3) is None, "the token gives up before 500 ms have passed")
    cmd, data = host.read(5.0)
    expect_equal((cmd, data), (wire.CMD_ERROR, bytes((wire.ERR_MSG_TIMEOUT,))), "what is said after that")
    expect_equal(host.call(wire.CMD_PING, b"after"), b"after", "the next PING")


@row("frames-too-long", "rules-for-the-receiver", carrier=HID)
def too_long(bench: Bench) -> None:
    """A message announced as longer than 7609 bytes is INVALID_LEN."""
    size = (wire.MESSAGE_MAX + 1).to_bytes(2, "big")
    bench.token.write(_raw(bench, bench.host.cid, wire.CMD_PING | 0x80, data=size))
    expect_error(_error(bench.host), wire.ERR_INVALID_LEN)


@row("frames-unknown-channel", "rules-for-the-receiver")
def unknown_channel(bench: Bench) -> None:
    """A channel that was never given out is INVALID_CHANNEL."""
    stranger = bench.stranger()
    stranger.cid = b"\xee\xee\xee\xee"
    expect_error(_refused(stranger, wire.CMD_PING, b"x"), wire.ERR_INVALID_CHANNEL)


@row("frames-broadcast", "rules-for-the-receiver")
def broadcast(bench: Bench) -> None:
    """On broadcast nothing but INIT is answered: INVALID_CHANNEL."""
    stranger = bench.stranger()
    expect_error(_refused(stranger, wire.CMD_PING, b"x"), wire.ERR_INVALID_CHANNEL)


@row("frames-unknown-command", "rules-for-the-receiver")
def unknown_command(bench: Bench) -> None:
    """A command that is not in the table is INVALID_CMD."""
    for cmd in (0x03, 0x10, 0x44, 0x7F):
        expect_error(_refused(bench.host, cmd, b"x"), wire.ERR_INVALID_CMD, f"the error byte for 0x{cmd:02x}")


@row("frames-stray", "rules-for-the-receiver", carrier=HID)
def stray(bench: Bench) -> None:
    """A continuation when nothing is under way is ignored."""
    bench.token.write(_raw(bench, bench.host.cid, 0, data=b"stray"))
    expect(bench.token.read(1.0) is None, "it is answered")
    expect_equal(bench.host.call(wire.CMD_PING, b"after"), b"after", "the next PING")


@row("frames-filling", "frames", carrier=HID)
def filling(bench: Bench) -> None:
    """What fills a report behind its message means nothing."""
    report = bench.host.reports(wire.CMD_PING, b"ping")[0]
    bench.token.write(report[:11] + b"\xff" * (len(report) - 11))
    expect_equal(bench.host.read(), (wire.CMD_PING, b"ping"), "the answer")


@row("frames-new-message", "rules-for-the-receiver", carrier=HID)
def new_message(bench: Bench) -> None:
    """A new message in the middle of another one of that channel is INVALID_SEQ, and both are dropped."""
    host = bench.host
    bench.token.write(host.reports(wire.CMD_PING, bench.blob(2 * bench.token.report_size))[0])
    expect_error(_refused(host, wire.CMD_PING, b"x"), wire.ERR_INVALID_SEQ)
    expect(bench.token.read(1.0) is None, "one of the two messages is answered all the same")


@row("frames-keepalive", "while-a-request-is-under-way", needs=READY)
def keepalive(bench: Bench) -> None:
    """While a person thinks the token says so, at once and every 250 ms."""
    host = bench.host
    bench.operator.answer = NOBODY
    started = bench.operator.now_ms()
    host.start(wire.OP_LABEL, "Other")
    heard = [host.read(keepalives=True) for _ in range(5)]
    took = bench.operator.now_ms() - started
    person = (wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PERSON,)))
    expect(all(message == person for message in heard[1:]), "what comes is no KEEPALIVE with status 2")
    expect(700 <= took <= 2500, f"five of them take {took} ms instead of about 1000")
    bench.withdraw()


@row("frames-cancel", "while-a-request-is-under-way", needs=READY)
def cancel(bench: Bench) -> None:
    """CANCEL ends a question with status CANCELLED, and the next request is served."""
    host = bench.host
    bench.operator.answer = NOBODY
    host.start(wire.OP_LABEL, "Other")
    host.read(keepalives=True)
    expect_reply(bench.withdraw(), wire.STATUS_CANCELLED)
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_OK, "the status of the next request")


@row("frames-cancel-stranger", "while-a-request-is-under-way", needs=READY)
def cancel_stranger(bench: Bench) -> None:
    """CANCEL on another channel ends nothing."""
    host, other = bench.host, bench.speaker()
    bench.operator.answer = NOBODY
    host.start(wire.OP_LABEL, "Other")
    host.read(keepalives=True)
    other.cancel()
    cmd = bench.keeps_asking(1000)
    expect(cmd == wire.CMD_KEEPALIVE, "it ends what another channel has asked for")
    bench.withdraw()


@row("frames-busy-working", "while-a-request-is-under-way", needs=READY)
def busy_working(bench: Bench) -> None:
    """While a question waits, other channels are BUSY, and INIT is served."""
    host, other = bench.host, bench.speaker()
    bench.operator.answer = NOBODY
    host.start(wire.OP_LABEL, "Other")
    host.read(keepalives=True)
    expect_error(_refused(other, wire.CMD_PLAIN, b"\xa1\x00\x01"), wire.ERR_CHANNEL_BUSY)
    third = bench.stranger()
    third.channel()
    bench.withdraw()


@row("frames-foreign", "channel-ids", needs=READY)
def foreign(bench: Bench) -> None:
    """A stranger's channel does not disturb a secure channel that is open."""
    host, other = bench.host, bench.speaker()
    other.call(wire.CMD_PING, b"hello")
    as_map(other.call(wire.CMD_PLAIN, b"\xa1\x00\x01"))
    expect_status(host.ask(wire.OP_UNLOCK, PIN)[0], wire.STATUS_OK, "the status of the next request")


@row("frames-init-drops", "channel-ids", needs=READY)
def init_drops(bench: Bench) -> None:
    """INIT on one's own channel drops the request under way, without an answer."""
    host = bench.host
    bench.nobody()
    host.start(wire.OP_LABEL, "Other")
    host.read(keepalives=True)
    host.call(wire.CMD_INIT, b"12345678")
    # Were the question still there, another channel would be told BUSY.
    expect_equal(bench.speaker().call(wire.CMD_PING, b"after"), b"after", "the next PING of another channel")
    expect(bench.token.read(0.5) is None, "the dropped request is answered")


@row("frames-cancel-idle", "while-a-request-is-under-way", needs=READY)
def cancel_idle(bench: Bench) -> None:
    """CANCEL when no request is under way is ignored."""
    bench.host.cancel()
    expect(bench.token.read(0.5) is None, "it is answered")
    expect_status(bench.host.status(wire.OP_LIST, 0), wire.STATUS_OK, "the status of the next request")


@row("frames-timed-out", "screens", needs=READY)
def timed_out(bench: Bench) -> None:
    """A question that nobody answers goes away after 60 seconds, with status TIMED_OUT."""
    bench.nobody()
    started = bench.operator.now_ms()
    reply = bench.host.ask(wire.OP_LABEL, "Other")
    took = bench.operator.now_ms() - started
    expect_reply(reply, wire.STATUS_TIMED_OUT)
    expect(abs(took - wire.PERSON_TIMEOUT_MS) <= 3000, f"it comes after {took} ms")
