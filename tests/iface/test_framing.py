"""Reports: what is split comes together again, nothing but FrameError comes out, and python-fido2 reads it."""

from __future__ import annotations

import pytest
from fido2.ctap import CtapError
from fido2.hid import CTAPHID, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from hypothesis import example, given
from hypothesis import strategies as st

from coldshare_iface import wire
from coldshare_iface.framing import Assembler, FrameError, count, cut, split

CID = b"\x00\x00\x00\x01"
OTHER = b"\x00\x00\x00\x02"
SIZES = (wire.REPORT_FS, wire.REPORT_HS)
MESSAGE = bytes([i % 251 for i in range(wire.MESSAGE_MAX)])
ERRORS = {value for name, value in vars(wire).items() if name.startswith("ERR_")}

sizes = st.sampled_from(SIZES)
lengths = st.integers(0, wire.MESSAGE_MAX) | st.integers(0, 200)


@given(sizes, lengths, st.integers(1, 0x7F), st.binary(min_size=4, max_size=4))
@example(64, 57, 1, CID)
@example(64, 58, 1, CID)
@example(64, wire.MESSAGE_MAX, 1, CID)
@example(1024, 1017, 1, CID)
@example(1024, wire.MESSAGE_MAX, 1, CID)
def test_round_trip(size: int, length: int, cmd: int, cid: bytes) -> None:
    reports = split(cid, cmd, MESSAGE[:length], size)
    assert {len(report) for report in reports} == {size}
    assert len(reports) == 1 + max(0, -(-(length - (size - 7)) // (size - 5)))
    assembler = Assembler(size)
    assert [assembler.feed(report) for report in reports[:-1]] == [None] * (len(reports) - 1)
    assert assembler.feed(reports[-1]) == (cid, cmd, MESSAGE[:length])
    assert not assembler.busy


@given(sizes, st.lists(lengths, min_size=1, max_size=4))
@example(64, [57, 58, 57])
@example(64, [1000, 57 + 16 * 59, 58 + 16 * 59, 57 + 32 * 59])
@example(1024, [wire.MESSAGE_MAX, 1])
def test_gathered_in_a_buffer(size: int, lengths: list[int]) -> None:
    """What takes more than one report is in the buffer, what takes one is not."""
    assembler = Assembler(size)
    buffer = assembler.buffer = bytearray(wire.MESSAGE_MAX)
    for length in lengths:
        reports = split(CID, 1, MESSAGE[:length], size)
        assert count(length, size) == len(reports)
        assert [cut(CID, 1, MESSAGE[:length], number, size) for number in range(len(reports))] == reports
        buffer[:] = bytes(wire.MESSAGE_MAX)
        assert [assembler.feed(report) for report in reports[:-1]] == [None] * (len(reports) - 1)
        whole = assembler.feed(reports[-1])
        if len(reports) == 1:
            assert (whole, assembler.gathered) == ((CID, 1, MESSAGE[:length]), 0)
        else:
            assert (whole, assembler.gathered) == ((CID, 1, b""), length)
            assert buffer == MESSAGE[:length] + bytes(wire.MESSAGE_MAX - length)


def test_the_longest_message_uses_every_sequence_number() -> None:
    reports = split(CID, wire.CMD_RECORD, MESSAGE)
    assert [report[4] for report in reports[1:]] == list(range(128))
    with pytest.raises(ValueError, match="7609"):
        split(CID, wire.CMD_RECORD, MESSAGE + b"\0")


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_any_buffer_is_split(kind: type) -> None:
    assert split(CID, 1, kind(MESSAGE)) == split(CID, 1, MESSAGE)


_heads = st.builds(
    lambda cid, rest, size: (cid + rest).ljust(size, b"\0")[:size],
    st.sampled_from([CID, OTHER, wire.CID_BROADCAST]),
    st.binary(min_size=1, max_size=3) | st.sampled_from([b"\x00", b"\x01", b"\x02", b"\x81\x01\x00", b"\xc3\x1d\xb9"]),
    st.sampled_from([0, 1, 4, 5, 6, 63, 64, 64, 64, 64, 64, 64, 65, 1024]),
)


@given(st.lists(_heads | st.binary(max_size=70), max_size=40))
def test_arbitrary_reports_raise_nothing_but_frame_error(reports: list[bytes]) -> None:
    assembler = Assembler()
    for report in reports:
        before = (assembler.busy, assembler.cid)
        try:
            message = assembler.feed(report)
        except FrameError as error:
            assert error.code in ERRORS  # noqa: PT017
            assert len(error.cid) == 4  # noqa: PT017
            # Only the channel's own fault costs its message.
            assert assembler.busy == (before[0] and error.cid != before[1])  # noqa: PT017
        else:
            assert message is None or len(message[2]) <= wire.MESSAGE_MAX
    # Whatever came before, INIT on the same channel starts afresh.
    cid = assembler.cid if assembler.busy else CID
    assert assembler.feed(split(cid, wire.CMD_INIT, b"12345678")[0]) == (cid, wire.CMD_INIT, b"12345678")


@given(st.integers(58, 600), st.integers(0, 600), st.data())
def test_another_channel_in_between_is_refused_and_harms_nothing(length: int, other: int, data: st.DataObject) -> None:
    mine, theirs = split(CID, 1, MESSAGE[:length]), split(OTHER, 1, MESSAGE[:other])
    assembler = Assembler()
    assert assembler.feed(mine[0]) is None
    for report in mine[1:-1]:
        foreign = data.draw(st.sampled_from(theirs))
        with pytest.raises(FrameError) as busy:
            assembler.feed(foreign)
        assert (busy.value.code, busy.value.cid) == (wire.ERR_CHANNEL_BUSY, OTHER)
        assert assembler.feed(report) is None
    assert assembler.feed(mine[-1]) == (CID, 1, MESSAGE[:length])


def test_one_message_after_the_other() -> None:
    assembler = Assembler()
    for cid in (CID, OTHER, CID):
        whole = [assembler.feed(report) for report in split(cid, 1, MESSAGE[:300])]
        assert whole[-1] == (cid, 1, MESSAGE[:300])


def test_reset_forgets() -> None:
    assembler = Assembler()
    reports = split(CID, 1, MESSAGE[:100])
    assembler.feed(reports[0])
    assembler.reset()
    assert not assembler.busy
    assert assembler.feed(reports[1]) is None
    assert assembler.feed(split(OTHER, 1, b"x")[0]) == (OTHER, 1, b"x")


class Device(CtapHidConnection):
    """A device made of our framing, for python-fido2 to talk to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.assembler = Assembler(size)
        self.out: list[bytes] = []
        self.seen: list[tuple[int, int]] = []

    def write_packet(self, data: bytes) -> None:
        try:
            message = self.assembler.feed(data)
        except FrameError as error:
            self.out += split(error.cid, wire.CMD_ERROR, bytes((error.code,)), self.size)
            return
        if message is None:
            return
        cid, cmd, payload = message
        self.seen.append((cmd, len(payload)))
        if cmd == wire.CMD_INIT:
            payload += CID + bytes((wire.FRAME_VERSION, 0, 1, 0, 0))
        elif cmd == wire.CMD_PLAIN:
            self.out += split(cid, wire.CMD_ERROR, bytes((wire.ERR_INVALID_CMD,)), self.size)
            return
        elif cmd == wire.CMD_RECORD:
            for status in (wire.KEEPALIVE_PROCESSING, wire.KEEPALIVE_PERSON):
                self.out += split(cid, wire.CMD_KEEPALIVE, bytes((status,)), self.size)
        self.out += split(cid, cmd, payload, self.size)

    def read_packet(self) -> bytes:
        return self.out.pop(0)

    def close(self) -> None:
        pass


@pytest.fixture(params=SIZES)
def device(request: pytest.FixtureRequest) -> Device:
    return Device(request.param)


def fido(device: Device) -> CtapHidDevice:
    where = HidDescriptor("", wire.USB_VENDOR, wire.USB_PRODUCT, device.size, device.size, None, None)
    return CtapHidDevice(where, device)


def test_fido2_opens_a_channel(device: Device) -> None:
    client = fido(device)
    assert client.version == wire.FRAME_VERSION
    assert client.device_version == (0, 1, 0)
    assert client.capabilities == 0
    assert device.assembler.cid == wire.CID_BROADCAST


@pytest.mark.parametrize("length", [1, 57, 58, 1017, 1018, wire.MESSAGE_MAX])
def test_fido2_reads_and_writes_what_we_do(device: Device, length: int) -> None:
    client = fido(device)
    assert client.ping(MESSAGE[:length]) == MESSAGE[:length]
    assert device.seen[-1] == (wire.CMD_PING, length)
    assert not device.out


def test_fido2_hears_our_errors_and_keepalives(device: Device) -> None:
    client = fido(device)
    with pytest.raises(CtapError) as refused:
        client.call(CTAPHID.VENDOR_FIRST, b"\xa1\x00\x01")
    assert refused.value.code == CtapError.ERR.INVALID_COMMAND == wire.ERR_INVALID_CMD
    statuses: list[int] = []
    assert client.call(wire.CMD_RECORD, b"record", on_keepalive=statuses.append) == b"record"
    assert statuses == [wire.KEEPALIVE_PROCESSING, wire.KEEPALIVE_PERSON]


def test_the_numbers_are_those_of_ctaphid() -> None:
    ours = {name: getattr(wire, "CMD_" + name) for name in ("PING", "INIT", "CANCEL", "KEEPALIVE", "ERROR")}
    assert ours == {name: CTAPHID[name] for name in ours}
    assert wire.CMD_PLAIN == CTAPHID.VENDOR_FIRST
    assert wire.ERR_CHANNEL_BUSY == CtapError.ERR.CHANNEL_BUSY
    assert wire.ERR_INVALID_SEQ == CtapError.ERR.INVALID_SEQ
    assert wire.ERR_MSG_TIMEOUT == CtapError.ERR.TIMEOUT
    assert wire.ERR_INVALID_CHANNEL == CtapError.ERR.INVALID_CHANNEL
    assert wire.ERR_SESSION >= CtapError.ERR.VENDOR_FIRST
