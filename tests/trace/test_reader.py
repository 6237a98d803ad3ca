"""What a line of a trace says about a report, and that any bytes at all will do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.device.trace import IN, OUT, Reader
from coldshare_iface import framing, wire

CID = b"\0\0\0\x01"
SIZES = (wire.REPORT_FS, wire.REPORT_HS, wire.BULK_FRAME_MAX)


def lines(direction: str, cmd: int, message: bytes, size: int = wire.REPORT_FS) -> list[dict[str, object]]:
    """All that is written down about that message, without what is always the same."""
    reader = Reader(direction, size)
    said = [reader.read(report) for report in framing.split(CID, cmd, message, size)]
    found = [dict(fields) for fields in said if fields is not None]
    for fields in found:
        assert fields.pop("dir") == direction
        assert fields.pop("channel") == "00000001"
    return found


@pytest.mark.parametrize(
    ("direction", "cmd", "message", "says"),
    [
        (OUT, wire.CMD_PING, b"hello", {"cmd": "PING", "length": 5}),
        (OUT, wire.CMD_INIT, bytes(8), {"cmd": "INIT", "length": 8}),
        (
            IN,
            wire.CMD_INIT,
            bytes(8) + bytes.fromhex("80000002 02 010203 00"),
            {"cmd": "INIT", "length": 17, "given": "80000002", "firmware": "1.2.3"},
        ),
        (IN, wire.CMD_INIT, bytes(9), {"cmd": "INIT", "length": 9}),
        (OUT, wire.CMD_CANCEL, b"", {"cmd": "CANCEL", "length": 0}),
        (IN, wire.CMD_KEEPALIVE, b"\x02", {"cmd": "KEEPALIVE", "length": 1, "status": "person"}),
        (IN, wire.CMD_KEEPALIVE, b"\x63", {"cmd": "KEEPALIVE", "length": 1, "status": "0x63"}),
        (IN, wire.CMD_KEEPALIVE, b"", {"cmd": "KEEPALIVE", "length": 0}),
        (IN, wire.CMD_ERROR, b"\xf0", {"cmd": "ERROR", "length": 1, "error": "SESSION"}),
        (IN, wire.CMD_ERROR, b"\x06", {"cmd": "ERROR", "length": 1, "error": "CHANNEL_BUSY"}),
        (OUT, wire.CMD_PLAIN, b"\xa1\0\x01", {"cmd": "PLAIN", "length": 3, "op": "info"}),
        (OUT, wire.CMD_PLAIN, b"\xa1\0\x18\x1a", {"cmd": "PLAIN", "length": 4, "op": "audit"}),
        (OUT, wire.CMD_PLAIN, b"\xa1\0\x19\1\1", {"cmd": "PLAIN", "length": 5}),
        (OUT, wire.CMD_PLAIN, b"\xa1\0\x18\x63", {"cmd": "PLAIN", "length": 4, "op": "0x63"}),
        (IN, wire.CMD_PLAIN, b"\xa1\0\x01", {"cmd": "PLAIN", "length": 3, "status": "bad-request"}),
        (IN, wire.CMD_PLAIN, b"\x80", {"cmd": "PLAIN", "length": 1}),
        (OUT, 0x7E, b"?", {"cmd": "0x7e", "length": 1}),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_a_short_message(size: int, direction: str, cmd: int, message: bytes, says: dict[str, object]) -> None:
    assert lines(direction, cmd, message, size) == [says]


@pytest.mark.parametrize(("size", "reports"), [(wire.REPORT_FS, 129), (wire.REPORT_HS, 8), (wire.BULK_FRAME_MAX, None)])
def test_a_long_one_is_two_lines_however_many_reports_it_has(size: int, reports: int | None) -> None:
    said = lines(OUT, wire.CMD_RECORD, bytes(wire.MESSAGE_MAX), size)
    first: dict[str, object] = {"cmd": "RECORD", "length": wire.MESSAGE_MAX}
    if reports is None:
        assert said == [first]
    else:
        assert said == [first | {"reports": reports}, {"cmd": "RECORD", "end": True}]


def test_what_is_inside_of_a_record_is_not_said() -> None:
    secret = b"a1001234"
    for cmd in (wire.CMD_RECORD, wire.CMD_SESSION, wire.CMD_PAIR, wire.CMD_PING, 0x7E):
        text = json.dumps(lines(OUT, cmd, b"\xa1\0\x01" + secret * 30))
        assert secret.hex() not in text
        assert secret.decode() not in text
        assert "info" not in text


def test_a_report_that_is_lost() -> None:
    reader = Reader(IN, wire.REPORT_FS)
    reports = framing.split(CID, wire.CMD_RECORD, bytes(300))
    said = [reader.read(report) for report in (reports[0], reports[1], reports[3], reports[4])]
    assert said[1] is None
    assert said[2] == {
        "dir": "in",
        "channel": "00000001",
        "cmd": "RECORD",
        "fault": "a continuation out of order",
        "sequence": 2,
        "expected": 1,
    }
    assert said[3] == {"dir": "in", "channel": "00000001", "fault": "a continuation of nothing", "sequence": 3}


def test_a_message_in_the_middle_of_another() -> None:
    reader = Reader(OUT, wire.REPORT_FS)
    reader.read(framing.split(CID, wire.CMD_RECORD, bytes(300))[0])
    said = reader.read(framing.split(CID, wire.CMD_CANCEL, b"")[0])
    assert said == {"dir": "out", "channel": "00000001", "cmd": "CANCEL", "length": 0, "dropped": "RECORD"}


def test_another_channel_does_not_disturb() -> None:
    reader = Reader(IN, wire.REPORT_FS)
    first, second = framing.split(CID, wire.CMD_RECORD, bytes(100))
    reader.read(first)
    assert reader.read(framing.split(b"\0\0\0\2", wire.CMD_KEEPALIVE, b"\1")[0]) is not None
    said = reader.read(second)
    assert said is not None
    assert said["end"] is True


@pytest.mark.parametrize(
    ("size", "report", "fault"),
    [
        (wire.REPORT_FS, CID + b"\x83\0\0", "a report of the wrong size"),
        (wire.BULK_FRAME_MAX, CID + b"\x83\0", "a report of the wrong size"),
        (wire.BULK_FRAME_MAX, b"\0", "a report of the wrong size"),
        (wire.BULK_FRAME_MAX, CID + b"\x83\0\2x", "not as long as it says"),
        (wire.BULK_FRAME_MAX, CID + b"\0x", "a continuation of nothing"),
        (wire.REPORT_FS, (CID + b"\x83\xff\xff").ljust(64, b"\0"), "longer than a message may be"),
    ],
)
def test_what_breaks_the_rules_of_frames(size: int, report: bytes, fault: str) -> None:
    said = Reader(IN, size).read(report)
    assert said is not None
    assert said["fault"] == fault


# Mostly reports that mean something, with every byte free.
_REPORTS = st.lists(
    st.one_of(
        st.binary(max_size=80),
        st.tuples(
            st.sampled_from([CID, b"\0\0\0\2", wire.CID_BROADCAST]),
            st.integers(0, 255),
            st.binary(min_size=59, max_size=59),
        ).map(lambda parts: parts[0] + bytes((parts[1],)) + parts[2]),
        st.binary(min_size=4, max_size=4).map(lambda cid: cid + b"\xc3\x10\0" + bytes(57)),
    ),
    max_size=80,
)


@given(_REPORTS, st.sampled_from(SIZES), st.sampled_from([IN, OUT]))
def test_any_reports_at_all(reports: list[bytes], size: int, direction: str) -> None:
    reader = Reader(direction, size)
    for report in reports:
        said = reader.read(report)
        if said is None:
            continue
        line = json.dumps(said)
        assert "\n" not in line
        assert len(line) < 250
    # Nothing that a token sends makes it remember more and more.
    assert len(reader._under_way) <= 64


def test_it_remembers_a_bounded_number_of_channels() -> None:
    reader = Reader(IN, wire.REPORT_FS)
    for number in range(1000):
        reader.read(framing.split(number.to_bytes(4, "big"), wire.CMD_RECORD, bytes(300))[0])
        assert len(reader._under_way) <= 64
