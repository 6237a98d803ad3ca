"""Bulk: a message is a frame, and a channel belongs to its carrier."""

from __future__ import annotations

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import NOBODY
from coldshare.conformance.rules import BULK, HID, READY, expect, expect_equal, expect_error, expect_status, row
from coldshare.conformance.speaker import FrameRefusedError, SilenceError, Speaker, cmd_name
from coldshare_iface import wire

_HEADER = 7
#: Bytes of a packet of a bulk endpoint: full speed, high speed, super speed.
_PACKETS = (64, 512, 1024)
_QUIET = 0.3


def _next(bench: Bench) -> bytes:
    """What the token says next, as it comes."""
    frame = bench.token.read(bench.host.patience)
    if frame is None:
        raise SilenceError("the token says nothing")
    return frame


def _refused(host: Speaker, cmd: int, data: bytes = b"") -> int:
    try:
        host.call(cmd, data)
    except FrameRefusedError as error:
        return error.code
    return 0


def _invalid_length(bench: Bench, frame: bytes, what: str) -> None:
    """Send it, and nothing else happens than that it is refused."""
    host = bench.host
    bench.token.write(frame)
    cmd, data = host.read()
    expect_equal(cmd_name(cmd), cmd_name(wire.CMD_ERROR), f"the answer to {what}")
    expect_error(data[0], wire.ERR_INVALID_LEN, f"the error byte for {what}")
    expect_equal(host.call(wire.CMD_PING, b"after"), b"after", "the next PING")


def _both(bench: Bench) -> tuple[Speaker, Speaker]:
    """A host on HID, and one on bulk."""
    across = bench.across()
    return (bench.host, across) if bench.carrier == HID else (across, bench.host)


@row("bulk-first-bit", "bulk")
def first_bit(bench: Bench) -> None:
    """The first bit of a channel id says the carrier on which it was given out: 0 on HID, 1 on bulk."""
    wanted = int(bench.carrier == BULK)
    for host in (bench.host, bench.speaker()):
        expect_equal(host.cid[0] >> 7, wanted, f"the first bit of channel {host.cid.hex()}")


@row("bulk-longest", "bulk", carrier=BULK)
def longest(bench: Bench) -> None:
    """The longest messages, of 7608 and 7609 bytes, are one frame each, both ways."""
    for size in (wire.MESSAGE_MAX - 1, wire.MESSAGE_MAX):
        data = bench.blob(size)
        bench.host.write(wire.CMD_PING, data)
        frame = _next(bench)
        expect_equal(len(frame), _HEADER + size, f"the bytes of the frame that comes back for a message of {size}")
        expect_equal(frame[_HEADER:], data, "the message in it")


@row("bulk-unfilled", "bulk", carrier=BULK)
def unfilled(bench: Bench) -> None:
    """A frame is as long as its message and seven bytes: nothing is filled up."""
    for size in (0, 1, 33, 100):
        bench.host.write(wire.CMD_PING, bench.blob(size))
        expect_equal(len(_next(bench)), _HEADER + size, f"the bytes of the frame for a message of {size}")


@row("bulk-packets", "bulk", carrier=BULK)
def packets(bench: Bench) -> None:
    """A frame that fills its packets ends there all the same: multiples of 64, 512 and 1024 bytes."""
    for packet in _PACKETS:
        for size in (packet - 1, packet, packet + 1, 2 * packet):
            data = bench.blob(size - _HEADER)
            expect_equal(bench.host.call(wire.CMD_PING, data), data, f"the answer to a frame of {size} bytes")


@row("bulk-short", "bulk", carrier=BULK)
def short(bench: Bench) -> None:
    """A frame that is shorter than its header says is INVALID_LEN."""
    (frame,) = bench.host.reports(wire.CMD_PING, b"hello")
    _invalid_length(bench, frame[:-1], "a frame without its last byte")
    _invalid_length(bench, frame[:_HEADER], "a frame of a header alone")


@row("bulk-long", "bulk", carrier=BULK)
def long(bench: Bench) -> None:
    """A frame that is longer than its header says is INVALID_LEN."""
    (frame,) = bench.host.reports(wire.CMD_PING, b"hello")
    _invalid_length(bench, frame + b"\0", "a frame with a byte too many")
    _invalid_length(bench, frame.ljust(_PACKETS[0], b"\0"), "a frame that is filled up to a packet")


@row("bulk-too-long", "bulk", carrier=BULK)
def too_long(bench: Bench) -> None:
    """A frame with a message of more than 7609 bytes is INVALID_LEN."""
    size = wire.MESSAGE_MAX + 1
    head = bench.host.cid + bytes((wire.CMD_PING | 0x80,)) + size.to_bytes(2, "big")
    _invalid_length(bench, head + bytes(size), f"a message of {size} bytes")


@row("bulk-two", "bulk", carrier=BULK)
def two(bench: Bench) -> None:
    """A frame that comes before the last answer was fetched costs that answer nothing."""
    first, second = bench.host, bench.speaker()
    first.write(wire.CMD_PING, b"first")
    second.write(wire.CMD_PING, b"second")
    said = {}
    for _ in range(2):
        frame = _next(bench)
        said[frame[:4]] = (frame[4] & 0x7F, frame[_HEADER:])
    expect_equal(said.get(first.cid), (wire.CMD_PING, b"first"), "the answer to the first frame")
    busy = (wire.CMD_ERROR, bytes((wire.ERR_CHANNEL_BUSY,)))
    expect(said.get(second.cid) in ((wire.CMD_PING, b"second"), busy), "the second frame is not answered, nor BUSY")


@row("bulk-same", "bulk")
def same(bench: Bench) -> None:
    """It is the same token over both carriers: info is the same."""
    hid, bulk = _both(bench)
    expect_equal(bulk.read_info(), hid.read_info(), "info over bulk")


@row("bulk-answers", "bulk")
def answers(bench: Bench) -> None:
    """Each carrier gets the answers to its own channels, and no others."""
    hid, bulk = _both(bench)
    hid.write(wire.CMD_PING, b"over HID")
    bulk.write(wire.CMD_PING, b"over bulk")
    expect_equal(bulk.read(), (wire.CMD_PING, b"over bulk"), "what is said on bulk")
    expect_equal(hid.read(), (wire.CMD_PING, b"over HID"), "what is said on HID")
    for host, name in ((hid, "HID"), (bulk, "bulk")):
        expect(host.token.read(_QUIET) is None, f"there is more to be read on {name}")


@row("bulk-refused", "bulk")
def refused(bench: Bench) -> None:
    """A channel of one carrier is INVALID_CHANNEL on the other, and it is told there."""
    hid, bulk = _both(bench)
    for host, owner in ((hid, bulk), (bulk, hid)):
        own, host.cid = host.cid, owner.cid
        expect_error(_refused(host, wire.CMD_PING, b"x"), wire.ERR_INVALID_CHANNEL)
        host.cid = own
        expect(owner.token.read(_QUIET) is None, "the channel's own carrier hears of it")
    for host in (hid, bulk):
        expect_equal(host.call(wire.CMD_PING, b"after"), b"after", "the next PING over the channel's own carrier")


@row("bulk-half", "bulk")
def half(bench: Bench) -> None:
    """Half a message on HID makes a frame wait, CHANNEL_BUSY, and the message goes on."""
    hid, bulk = _both(bench)
    data = bench.blob(3 * hid.token.report_size)
    beginning, *rest = hid.reports(wire.CMD_PING, data)
    hid.token.write(beginning)
    expect_error(_refused(bulk, wire.CMD_PING, b"x"), wire.ERR_CHANNEL_BUSY)
    for report in rest:
        hid.token.write(report)
    expect_equal(hid.read(), (wire.CMD_PING, data), "the answer to the message that was under way")


@row("bulk-question", "bulk", needs=READY)
def question(bench: Bench) -> None:
    """While a question waits that one carrier has asked for, the other is BUSY, and INIT is served there."""
    host, across = bench.host, bench.across()
    bench.operator.answer = NOBODY
    host.start(wire.OP_LABEL, "Other")
    host.read(keepalives=True)
    expect_error(_refused(across, wire.CMD_PLAIN, b"\xa1\x00\x01"), wire.ERR_CHANNEL_BUSY)
    across.channel()
    bench.withdraw()
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_OK, "the status of the next request")
