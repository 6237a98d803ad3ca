"""The token as a CTAPHID device: python-fido2 can talk to it, and no report upsets it."""

from __future__ import annotations

import contextlib
from threading import Event

import pytest
from fido2.ctap import CtapError
from fido2.hid import CAPABILITY, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from coldshare_iface import codec, framing, wire
from coldshare_iface.framing import split
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import Session
from support.client import NOBODY, YES, Bench, FrameRefusedError, Host, Puppet, blob


class Connection(CtapHidConnection):
    """What python-fido2 opens on a real device."""

    def __init__(self, bench: Bench) -> None:
        self._token = bench.token

    def read_packet(self) -> bytes:
        report = self._token.read(5)
        assert report is not None
        return report

    def write_packet(self, data: bytes) -> None:
        self._token.write(data)

    def close(self) -> None:
        pass


def fido_device(bench: Bench) -> CtapHidDevice:
    size = bench.report_size
    descriptor = HidDescriptor("token", wire.USB_VENDOR, wire.USB_PRODUCT, size, size, wire.USB_PRODUCT_STRING, None)
    return CtapHidDevice(descriptor, Connection(bench))


@pytest.fixture(params=[wire.REPORT_FS, wire.REPORT_HS])
def device(request: pytest.FixtureRequest) -> CtapHidDevice:
    return fido_device(Bench(report_size=request.param))


def test_fido2_gets_a_channel(device: CtapHidDevice) -> None:
    assert device.version == wire.FRAME_VERSION
    assert device.device_version == (0, 1, 0)
    assert device.capabilities == 0
    assert not CAPABILITY.CBOR.supported(device.capabilities)


@pytest.mark.parametrize("size", [1, 57, 58, 116, 117, 1017, 1018, 7608, 7609])
def test_fido2_pings(device: CtapHidDevice, size: int) -> None:
    assert device.ping(blob(size)) == blob(size)


@pytest.mark.parametrize("cmd", [0x03, 0x08, 0x10, 0x44, 0x7F])
def test_fido2_is_told_of_commands_that_are_not_here(device: CtapHidDevice, cmd: int) -> None:
    with pytest.raises(CtapError) as raised:
        device.call(cmd, b"\x04")
    assert raised.value.code == CtapError.ERR.INVALID_COMMAND


def test_fido2_reads_info(device: CtapHidDevice) -> None:
    info = codec.decode(device.call(wire.CMD_PLAIN, codec.encode({0: wire.OP_INFO})))
    assert isinstance(info, dict)
    assert info[2] == "coldshare-sim"


def waiting(device: CtapHidDevice) -> tuple[Session, bytes]:
    """A pairing by way of python-fido2, up to the record that lets the token ask its person."""
    info = device.call(wire.CMD_PLAIN, codec.encode({0: wire.OP_INFO}))
    session = Session(NativeSuite(), initiator=True)
    session.pairing(info, NativeSuite().generate())
    session.read_handshake(device.call(wire.CMD_PAIR, session.write_handshake()))
    assert device.call(wire.CMD_PAIR, session.write_handshake()) == b""
    return session, session.seal(codec.encode({0: wire.OP_PAIR_ACCEPT, 1: "desk"}))


@pytest.mark.parametrize("size", [wire.REPORT_FS, wire.REPORT_HS])
def test_fido2_hears_that_the_token_waits_for_its_person(size: int) -> None:
    bench = Bench(report_size=size, person=Puppet([NOBODY]))
    device = fido_device(bench)
    session, request = waiting(device)
    heard: list[int] = []

    def agree(status: int) -> None:
        heard.append(status)
        if status == wire.KEEPALIVE_PERSON:
            bench.person.press(YES)

    reply = codec.decode(session.open(device.call(wire.CMD_RECORD, request, on_keepalive=agree)))
    assert isinstance(reply, dict)
    assert (reply[0], len(reply[1]), len(reply[2])) == (wire.STATUS_OK, wire.PSK_ID_SIZE, wire.PSK_SIZE)
    assert heard[-1] == wire.KEEPALIVE_PERSON
    # The channel is closed; the frames go on.
    with pytest.raises(CtapError) as refused:
        device.call(wire.CMD_RECORD, request)
    assert int(refused.value.code) == wire.ERR_SESSION
    assert device.ping(b"still here") == b"still here"


def test_fido2_cancels(bench: Bench) -> None:
    bench.person.default = NOBODY
    device = fido_device(bench)
    session, request = waiting(device)
    given_up = Event()
    reply = device.call(wire.CMD_RECORD, request, event=given_up, on_keepalive=lambda status: given_up.set())
    assert codec.decode(session.open(reply)) == {0: wire.STATUS_CANCELLED}
    assert not any("Pair" in line for line in bench.person.screen)
    assert device.ping(b"still here") == b"still here"


def test_every_channel_is_its_own(bench: Bench) -> None:
    cids = [Host(bench.token).hello().cid for _ in range(300)]
    assert len(set(cids)) == 300
    assert wire.CID_BROADCAST not in cids
    assert bytes(4) not in cids


def raw(bench: Bench, report: bytes) -> tuple[bytes, int, bytes] | None:
    bench.token.write(report)
    answer = bench.token.read(0)
    return None if answer is None else framing.Assembler(bench.report_size).feed(answer)


UNKNOWN = b"\x00\x00\x77\x77"


@pytest.mark.parametrize(
    ("report", "answer"),
    [
        (split(UNKNOWN, wire.CMD_PING, b"x")[0], (UNKNOWN, wire.ERR_INVALID_CHANNEL)),
        (split(UNKNOWN, wire.CMD_INIT, bytes(8))[0], (UNKNOWN, wire.ERR_INVALID_CHANNEL)),
        (split(UNKNOWN, wire.CMD_CANCEL, b"")[0], (UNKNOWN, wire.ERR_INVALID_CHANNEL)),
        (split(UNKNOWN, wire.CMD_PING, bytes(7609))[0], (UNKNOWN, wire.ERR_INVALID_CHANNEL)),
        (split(bytes(4), wire.CMD_PING, b"x")[0], (bytes(4), wire.ERR_INVALID_CHANNEL)),
        (split(wire.CID_BROADCAST, wire.CMD_PING, b"x")[0], (wire.CID_BROADCAST, wire.ERR_INVALID_CHANNEL)),
        (split(wire.CID_BROADCAST, wire.CMD_INIT, bytes(7))[0], (wire.CID_BROADCAST, wire.ERR_INVALID_LEN)),
        (split(wire.CID_BROADCAST, wire.CMD_INIT, bytes(300))[0], (wire.CID_BROADCAST, wire.ERR_INVALID_LEN)),
        (UNKNOWN + b"\x00" + bytes(59), None),  # a continuation of nothing
        (wire.CID_BROADCAST + b"\x05" + bytes(59), None),
        (b"", (wire.CID_BROADCAST, wire.ERR_INVALID_LEN)),
        (bytes(3), (wire.CID_BROADCAST, wire.ERR_INVALID_LEN)),
        (UNKNOWN + bytes(59), (UNKNOWN, wire.ERR_INVALID_LEN)),
        (UNKNOWN + bytes(61), (UNKNOWN, wire.ERR_INVALID_LEN)),
    ],
)
def test_reports_that_lead_nowhere(bench: Bench, report: bytes, answer: tuple[bytes, int] | None) -> None:
    expected = None if answer is None else (answer[0], wire.CMD_ERROR, bytes([answer[1]]))
    assert raw(bench, report) == expected
    assert bench.host.read_info()[0] == wire.STATUS_OK


def test_init_of_the_wrong_length_on_a_channel(bench: Bench) -> None:
    with pytest.raises(FrameRefusedError) as refused:
        bench.host.call(wire.CMD_INIT, bytes(9))
    assert refused.value.code == wire.ERR_INVALID_LEN


@pytest.mark.parametrize("sequence", [1, 127])
def test_a_report_missing_or_twice(bench: Bench, sequence: int) -> None:
    reports = split(bench.host.cid, wire.CMD_PING, blob(500))
    assert raw(bench, reports[0]) is None
    wrong = reports[1][:4] + bytes([sequence]) + reports[1][5:]
    assert raw(bench, wrong) == (bench.host.cid, wire.CMD_ERROR, bytes([wire.ERR_INVALID_SEQ]))
    assert bench.host.call(wire.CMD_PING, b"next") == b"next"


def test_half_a_message_times_out_by_itself(bench: Bench) -> None:
    """The host need not send anything to learn that a report got lost."""
    bench.token.write(split(bench.host.cid, wire.CMD_PING, blob(500))[0])
    start = bench.clock.now_ms()
    assert bench.host.read(5) == (wire.CMD_ERROR, bytes([wire.ERR_MSG_TIMEOUT]))
    assert 0 <= bench.clock.now_ms() - start - wire.FRAME_TIMEOUT_MS < 100
    assert bench.host.call(wire.CMD_PING, b"next") == b"next"


def test_a_stranger_does_not_keep_half_a_message_alive(bench: Bench) -> None:
    """A host that died in the middle of a message must not lock everybody else out for ever."""
    bench.token.write(split(bench.host.cid, wire.CMD_PING, blob(500))[0])
    stranger = Host(bench.token)
    codes = []
    for _ in range(10):
        try:
            stranger.call(wire.CMD_INIT, b"stranger")
        except FrameRefusedError as error:
            codes.append(error.code)
        bench.clock.sleep(0.1)
    assert codes == [wire.ERR_CHANNEL_BUSY] * 6


def test_an_unknown_channel_does_not_occupy_the_buffer(bench: Bench) -> None:
    bench.token.write(split(UNKNOWN, wire.CMD_PING, bytes(7609))[0])
    assert bench.host.call(wire.CMD_PING, b"here") == b"here"


def test_cancel_and_init_cut_into_a_message(bench: Bench) -> None:
    for cmd, data in ((wire.CMD_CANCEL, b""), (wire.CMD_INIT, bytes(8))):
        bench.token.write(split(bench.host.cid, wire.CMD_PING, blob(500))[0])
        bench.host.write(cmd, data)
        if cmd == wire.CMD_INIT:
            assert bench.host.read()[0] == wire.CMD_INIT
        assert bench.host.call(wire.CMD_PING, b"next") == b"next"


def test_init_drops_the_answers_that_nobody_fetched(ready: Bench) -> None:
    """Nothing from before a fresh start is taken for an answer to what comes after it."""
    ready.host.write(wire.CMD_PING, blob(7609))
    for _ in range(5):
        ready.token.read(0)
    ready.host.write(wire.CMD_INIT, b"resync!!")
    report = ready.token.read(0)
    assert report is not None
    assert report[4] == wire.CMD_INIT | 0x80
    assert report[7:15] == b"resync!!"
    assert ready.token.read(0) is None


def test_a_host_that_only_talks(bench: Bench) -> None:
    """What it does not fetch is bounded; once it listens again all is well."""
    for _ in range(50):
        bench.host.write(wire.CMD_PING, blob(7609))
    count = 0
    while bench.token.read(0) is not None:
        count += 1
    assert count == 2 * 129
    assert bench.host.call(wire.CMD_PING, b"now") == b"now"


class SmallHeap:
    """An AES that runs out of memory once."""

    def __init__(self, real: object, after: int) -> None:
        self._real = real
        self._left = after

    def __getattr__(self, name: str) -> object:
        self._left -= 1
        if self._left == 0:
            raise MemoryError
        return getattr(self._real, name)


@pytest.mark.parametrize("after", range(1, 9))
def test_out_of_memory_is_an_answer(ready: Bench, after: int) -> None:
    """Wherever a message finds the heap full: an error for the host, a closed channel at worst, and life goes on."""
    hal = ready.token._token._hal
    receive = ready.token._token._session._receive  # type: ignore[union-attr]
    send = ready.token._token._session._send  # type: ignore[union-attr]
    heap = SmallHeap(hal.aes, after)
    receive._cipher._aes = send._cipher._aes = heap  # type: ignore[union-attr]
    with contextlib.suppress(FrameRefusedError):
        ready.host.ask(wire.OP_LIST, 0)
        ready.host.ask(wire.OP_LIST, 0)
    ready.host.again()
    assert ready.host.list() == []
