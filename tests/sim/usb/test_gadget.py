"""The token as a USB device, packet by packet: control requests, the HID endpoints, the bulk endpoints."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_firmware import store
from coldshare_firmware.token import Token
from coldshare_iface import framing, wire
from coldshare_iface.framing import Assembler
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.look import look_at
from coldshare_sim.token import SoftToken
from coldshare_sim.usb import descriptors
from coldshare_sim.usb import gadget as gadget_module
from coldshare_sim.usb.descriptors import BULK_IN, BULK_OUT, HID_IN, HID_OUT, Speed
from coldshare_sim.usb.gadget import QUIET_MS, STUCK_MS, Gadget
from support.client import HELD, LABEL, NOBODY, NONCE, PIN, FrameRefusedError, Host, Puppet, blob
from support.gadget import GadgetWire

IN, STALL = 0x80, None
FULL, HIGH = Speed.FULL, Speed.HIGH
BULK = wire.BULK_FRAME_MAX
ENOUGH = 16384


def setup(kind: int, request: int, value: int = 0, index: int = 0, length: int = 0) -> bytes:
    return struct.pack("<BBHHH", kind, request, value, index, length)


class Plugged:
    """A token on a bus, and the computer's half of a transfer."""

    def __init__(self, speed: Speed, person: Puppet | None = None) -> None:
        self.clock = VirtualClock()
        self.chip = Chip()
        self.token = SoftToken(self.chip, person or Puppet(), clock=self.clock, report_size=speed.report_size)
        self.gadget = Gadget(self.token, speed)
        self.size = speed.report_size
        self.packet = speed.bulk_packet
        self.configure()

    def configure(self, value: int = 1) -> None:
        assert self.ask(0x00, 9, value) == b""

    def ask(
        self, kind: int, request: int, value: int = 0, index: int = 0, length: int = 255, data: bytes = b""
    ) -> bytes | None:
        if not kind & IN:
            length = len(data)
        return self.gadget.control(setup(kind, request, value, index, length), data)

    def hid(self, cid: bytes, cmd: int, message: bytes) -> tuple[bytes, int, bytes] | None:
        for report in framing.split(cid, cmd, message, self.size):
            assert self.gadget.out(HID_OUT, report)
        return self.from_hid()

    def from_hid(self) -> tuple[bytes, int, bytes] | None:
        assembler = Assembler(self.size)
        while True:
            self.gadget.step()
            report = self.gadget.take(HID_IN, self.size)
            if report is None:
                return None
            whole = assembler.feed(report)
            if whole is not None:
                return whole

    def send(self, frame: bytes) -> None:
        """A frame, and what marks its end."""
        assert self.gadget.out(BULK_OUT, frame)
        if len(frame) % self.packet == 0:
            assert self.gadget.out(BULK_OUT, b"")

    def bulk(self, cid: bytes, cmd: int, message: bytes) -> tuple[bytes, int, bytes] | None:
        self.send(framing.split(cid, cmd, message, BULK)[0])
        self.gadget.step()
        return self.from_bulk()

    def from_bulk(self) -> tuple[bytes, int, bytes] | None:
        said = self.gadget.take(BULK_IN, ENOUGH)
        return None if said is None else Assembler(BULK).feed(said)

    def channels(self) -> tuple[bytes, bytes]:
        """One on HID, one on bulk."""
        answers = (
            self.hid(wire.CID_BROADCAST, wire.CMD_INIT, NONCE),
            self.bulk(wire.CID_BROADCAST, wire.CMD_INIT, NONCE),
        )
        hid, bulk = (answer[2][8:12] for answer in answers if answer is not None)
        return hid, bulk


@pytest.fixture(params=list(Speed), ids=lambda speed: speed.name.lower())
def plugged(request: pytest.FixtureRequest) -> Iterator[Plugged]:
    plugged = Plugged(request.param)
    yield plugged
    plugged.token.close()


@pytest.fixture
def full() -> Iterator[Plugged]:
    plugged = Plugged(FULL)
    yield plugged
    plugged.token.close()


# --- control requests
def test_a_descriptor_is_cut_to_what_was_asked_for(plugged: Plugged) -> None:
    whole = plugged.gadget.configuration_descriptor
    assert plugged.ask(0x80, 6, 0x0200, 0, 9) == whole[:9]
    assert plugged.ask(0x80, 6, 0x0200, 0, len(whole)) == whole
    assert plugged.ask(0x80, 6, 0x0200, 0, 65535) == whole
    assert plugged.ask(0x80, 6, 0x0100, 0, 8) == plugged.gadget.device_descriptor[:8]
    assert plugged.ask(0x80, 6, 0x0100, 0, 0) == b""
    assert plugged.ask(0x80, 6, 0x0F00) == descriptors.bos()
    assert plugged.ask(0x81, 6, 0x2200) == plugged.gadget.report_descriptor
    assert plugged.ask(0x81, 6, 0x2100) == descriptors.hid(plugged.gadget.speed)
    assert plugged.ask(0xC0, descriptors.MICROSOFT_REQUEST, 0, 7, 1000) == descriptors.microsoft()


def test_the_strings_name_the_token(plugged: Plugged) -> None:
    serial = look_at(Chip(bytes(plugged.chip.image))).serial
    for index, text in ((1, "coldshare"), (2, wire.USB_PRODUCT_STRING), (3, serial)):
        answer = plugged.ask(0x80, 6, 0x0300 + index, 0x0409)
        assert answer is not None
        assert answer[2:].decode("utf-16-le") == text
    assert plugged.ask(0x80, 6, 0x0300) == b"\x04\x03\x09\x04"
    assert plugged.gadget.serial == serial


def test_only_a_device_of_two_speeds_says_how_it_would_be_at_the_other(plugged: Plugged) -> None:
    qualifier, other = plugged.ask(0x80, 6, 0x0600), plugged.ask(0x80, 6, 0x0700)
    if plugged.gadget.speed is FULL:
        assert (qualifier, other) == (STALL, STALL)
    else:
        assert qualifier == descriptors.qualifier()
        assert other == descriptors.configuration(FULL, descriptors.OTHER_SPEED)


REFUSED = {
    "string that is not there": (0x80, 6, 0x0306),
    "Microsoft's old string": (0x80, 6, 0x03EE),
    "second configuration": (0x80, 6, 0x0201),
    "kind of descriptor": (0x80, 6, 0x2900),
    "report descriptor of the bulk interface": (0x81, 6, 0x2200, 1),
    "physical descriptor": (0x81, 6, 0x2300),
    "status of an interface that is not there": (0x81, 0, 0, 2),
    "status of an endpoint that is not there": (0x82, 0, 0, 0x83),
    "status with a value": (0x82, 0, 1, 0x81),
    "frame number": (0x82, 12, 0, 0x81),
    "alternate setting of an interface that is not there": (0x81, 10, 0, 2),
    "status of a device with an index": (0x80, 0, 0, 1),
    "unknown question to the device": (0x80, 99),
    "feature report": (0xA1, 1, 0x0300),
    "output report": (0xA1, 1, 0x0200),
    "input report with an id": (0xA1, 1, 0x0101),
    "report of the bulk interface": (0xA1, 1, 0x0100, 1),
    "protocol of a device that is no keyboard": (0xA1, 3),
    "vendor's request": (0xC0, 0x21, 0, 7),
    "vendor's request with another index": (0xC0, 0x20, 0, 8),
    "configuration 2": (0x00, 9, 2),
    "remote wake-up": (0x00, 3, 1),
    "test mode": (0x00, 3, 2, 0x0100),
    "address 128": (0x00, 5, 128),
    "new descriptor": (0x00, 7, 0x0100),
    "alternate setting": (0x01, 11, 1, 0),
    "setting of an interface that is not there": (0x01, 11, 0, 2),
    "halt of an endpoint that is not there": (0x02, 3, 0, 0x03),
    "halt of the control endpoint": (0x02, 3, 0, 0x00),
    "another feature of an endpoint": (0x02, 3, 1, 0x81),
    "another request to an endpoint": (0x02, 9, 0, 0x81),
    "feature report to the token": (0x21, 9, 0x0300),
    "output report with an id": (0x21, 9, 0x0201),
    "idle rate": (0x21, 10, 0x0400),
    "boot protocol": (0x21, 11, 0),
    "report protocol": (0x21, 11, 1),
    "class of the bulk interface": (0x21, 9, 0x0200, 1),
    "vendor's order": (0x40, 0x20, 0, 7),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(full: Plugged, request_: tuple[int, ...]) -> None:
    assert full.ask(*request_) is STALL


def test_status(plugged: Plugged) -> None:
    assert plugged.ask(0x80, 0) == b"\0\0"
    assert plugged.ask(0x81, 0, 0, 1) == b"\0\0"
    for endpoint in (0x00, 0x80, HID_IN, HID_OUT, BULK_IN, BULK_OUT):
        assert plugged.ask(0x82, 0, 0, endpoint) == b"\0\0"


@pytest.mark.parametrize("endpoint", [HID_IN, HID_OUT, BULK_IN, BULK_OUT])
def test_a_halted_endpoint_stalls_until_it_is_cleared(plugged: Plugged, endpoint: int) -> None:
    channels = plugged.channels()
    assert plugged.ask(0x02, 3, 0, endpoint) == b""
    assert plugged.ask(0x82, 0, 0, endpoint) == b"\1\0"
    assert plugged.gadget.halted(endpoint)
    if endpoint & IN:
        plugged.gadget.step()
        assert plugged.gadget.take(endpoint, ENOUGH) is None
    else:
        assert not plugged.gadget.out(endpoint, bytes(plugged.size))
    assert plugged.ask(0x02, 1, 0, endpoint) == b""
    assert plugged.ask(0x82, 0, 0, endpoint) == b"\0\0"
    hid, bulk = channels
    assert plugged.hid(hid, wire.CMD_PING, b"hid") == (hid, wire.CMD_PING, b"hid")
    assert plugged.bulk(bulk, wire.CMD_PING, b"bulk") == (bulk, wire.CMD_PING, b"bulk")


@pytest.mark.parametrize("how", [(0x01, 11, 0, 1), (0x00, 9, 1)], ids=["setting", "configuration"])
def test_what_else_clears_a_halt(full: Plugged, how: tuple[int, ...]) -> None:
    assert full.ask(0x02, 3, 0, BULK_OUT) == b""
    assert full.ask(*how) == b""
    assert not full.gadget.halted(BULK_OUT)


def test_nothing_but_questions_about_the_device_before_it_is_configured(plugged: Plugged) -> None:
    plugged.configure(0)
    assert plugged.ask(0x80, 8) == b"\0"
    assert plugged.ask(0x81, 10) is STALL
    assert plugged.ask(0x82, 0, 0, BULK_IN) is STALL
    assert plugged.ask(0x21, 9, 0x0200, 0, data=bytes(plugged.size)) is STALL
    assert not plugged.gadget.out(BULK_OUT, bytes(8))
    assert plugged.gadget.take(HID_IN, plugged.size) is None
    assert plugged.ask(0x81, 6, 0x2200) == plugged.gadget.report_descriptor
    plugged.configure()
    assert plugged.ask(0x80, 8) == b"\1"
    assert plugged.ask(0x81, 10) == b"\0"
    plugged.gadget.reset()
    assert plugged.ask(0x80, 8) == b"\0"


def test_an_address_and_no_idle_rate_are_taken(full: Plugged) -> None:
    assert full.ask(0x00, 5, 7) == b""
    assert full.ask(0x21, 10, 0) == b""
    assert full.ask(0xA1, 2) == b"\0"


def test_a_report_through_the_control_pipe(plugged: Plugged) -> None:
    (report,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, plugged.size)
    assert plugged.ask(0xA1, 1, 0x0100, 0, 2000) == bytes(plugged.size)
    assert plugged.ask(0x21, 9, 0x0200, 0, data=report) == b""
    plugged.gadget.step()
    answer = plugged.gadget.take(HID_IN, plugged.size)
    assert answer is not None
    assert answer[7:15] == NONCE
    # GET_REPORT says what was said last, and takes nothing from whoever reads the endpoint.
    assert plugged.ask(0xA1, 1, 0x0100, 0, 2000) == answer


def test_a_report_of_another_size(full: Plugged) -> None:
    assert full.ask(0x21, 9, 0x0200, 0, data=wire.CID_BROADCAST + bytes(3)) == b""
    assert full.from_hid() == (wire.CID_BROADCAST, wire.CMD_ERROR, bytes((wire.ERR_INVALID_LEN,)))
    assert full.gadget.out(HID_OUT, b"")
    assert full.from_hid() == (wire.CID_BROADCAST, wire.CMD_ERROR, bytes((wire.ERR_INVALID_LEN,)))


def test_data_that_is_not_as_long_as_announced(full: Plugged) -> None:
    assert full.gadget.control(setup(0x21, 9, 0x0200, 0, 64), bytes(63)) is STALL
    assert full.gadget.control(b"", b"") is STALL
    assert full.from_hid() is None


def test_the_wrong_size_of_reports_is_the_callers_mistake() -> None:
    token = SoftToken(Chip(), Puppet(), clock=VirtualClock())
    with pytest.raises(ValueError, match="1024"):
        Gadget(token, HIGH)
    token.close()


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=80), st.booleans())
def test_no_control_request_raises(packet: bytes, data: bytes, exact: bool) -> None:
    plugged = Plugged(FULL)
    if exact:
        packet = packet[:6] + len(data).to_bytes(2, "little")
    answer = plugged.gadget.control(packet, data)
    assert answer is None or len(answer) <= int.from_bytes(packet[6:], "little")
    assert plugged.ask(0x80, 6, 0x0100, 0, 18) == plugged.gadget.device_descriptor
    plugged.token.close()


_PART = st.sampled_from([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 0x20, 0x21, 0x40, 0x80, 0x81, 0x82, 0xA1, 0xC0])


@given(st.lists(st.tuples(*[_PART] * 6, st.binary(max_size=3)), max_size=30))
def test_no_sequence_of_likely_requests_raises(requests: list[tuple[int, int, int, int, int, int, bytes]]) -> None:
    plugged = Plugged(HIGH)
    for kind, request, low, high, index, length, data in requests:
        packet = struct.pack("<BBBBHH", kind, request, low, high, index, length if kind & IN else len(data))
        answer = plugged.gadget.control(packet, data)
        assert answer is None or len(answer) <= max(length, len(data))
        plugged.gadget.step()
    plugged.token.close()


# --- bulk
def lengths(packet: int) -> list[int]:
    """Of messages whose frames end at a packet's end, or just beside it."""
    around = [packet, 2 * packet, 7 * packet]
    return [0, 1, *(at - 7 + by for at in around for by in (-1, 0, 1)), wire.MESSAGE_MAX - 1, wire.MESSAGE_MAX]


def test_frames_at_the_ends_of_packets(plugged: Plugged) -> None:
    _, bulk = plugged.channels()
    for length in lengths(plugged.packet):
        message = blob(length)
        assert plugged.bulk(bulk, wire.CMD_PING, message) == (bulk, wire.CMD_PING, message)
        assert plugged.from_bulk() is None


def test_a_frame_packet_by_packet(plugged: Plugged) -> None:
    _, bulk = plugged.channels()
    packet = plugged.packet
    for length in lengths(packet):
        (frame,) = framing.split(bulk, wire.CMD_PING, blob(length), BULK)
        for at in range(0, len(frame) + 1, packet):  # a packet of no bytes at the end, where it has to be
            plugged.gadget.step()
            assert plugged.gadget.take(BULK_IN, packet) is None
            assert plugged.gadget.out(BULK_OUT, frame[at : at + packet])
        plugged.gadget.step()
        said = []
        while not said or len(said[-1]) == packet:
            part = plugged.gadget.take(BULK_IN, packet)
            assert part is not None
            said.append(part)
        assert b"".join(said) == frame
        assert plugged.gadget.take(BULK_IN, packet) is None


def test_a_transfer_that_is_full_does_not_say_that_it_is_the_end(plugged: Plugged) -> None:
    _, bulk = plugged.channels()
    packet = plugged.packet
    plugged.send(framing.split(bulk, wire.CMD_PING, blob(2 * packet - 7), BULK)[0])
    plugged.gadget.step()
    said = plugged.gadget.take(BULK_IN, 2 * packet)
    assert said is not None
    assert len(said) == 2 * packet
    assert plugged.gadget.take(BULK_IN, 2 * packet) == b""
    assert plugged.gadget.take(BULK_IN, 2 * packet) is None


@pytest.mark.parametrize(("size", "lost"), [(100, 28), (40, 24), (70, 58)])
def test_a_packet_longer_than_what_is_left_is_babble(full: Plugged, size: int, lost: int) -> None:
    _, bulk = full.channels()
    (frame,) = framing.split(bulk, wire.CMD_PING, blob(200), BULK)
    full.send(frame)
    full.gadget.step()
    assert full.gadget.take(BULK_IN, size) == frame[:size]
    assert full.gadget.babbled
    assert full.gadget.take(BULK_IN, ENOUGH) == frame[size + lost :]
    assert not full.gadget.babbled
    full.send(frame[:4] + frame[4:5] + b"\0\0")
    full.gadget.step()
    assert full.gadget.take(BULK_IN, 5) == frame[:5]
    assert full.gadget.babbled
    assert full.gadget.take(BULK_IN, 5) is None


def test_a_frame_without_an_end(full: Plugged) -> None:
    """Bounded, and refused once it does end."""
    _, bulk = full.channels()
    (frame,) = framing.split(bulk, wire.CMD_PING, b"", BULK)
    for _ in range(3000):
        assert full.gadget.out(BULK_OUT, frame[:5] + (wire.MESSAGE_MAX + 1).to_bytes(2, "big") + bytes(57))
    assert len(full.gadget._half) == BULK + 1
    assert full.gadget.out(BULK_OUT, b"")
    full.gadget.step()
    assert full.from_bulk() == (bulk, wire.CMD_ERROR, bytes((wire.ERR_INVALID_LEN,)))
    assert full.bulk(bulk, wire.CMD_PING, b"x") == (bulk, wire.CMD_PING, b"x")


def test_clearing_a_halt_starts_that_direction_afresh(plugged: Plugged) -> None:
    _, bulk = plugged.channels()
    packet = plugged.packet
    (frame,) = framing.split(bulk, wire.CMD_PING, blob(3 * packet), BULK)
    for _ in range(3):  # one at the endpoint, the others in the firmware
        plugged.send(frame)
        plugged.gadget.step()
    assert plugged.gadget.take(BULK_IN, packet) == frame[:packet]
    assert plugged.gadget.out(BULK_OUT, frame[:packet])
    assert plugged.ask(0x02, 1, 0, BULK_IN) == b""
    assert plugged.ask(0x02, 1, 0, BULK_OUT) == b""
    assert plugged.bulk(bulk, wire.CMD_PING, b"new") == (bulk, wire.CMD_PING, b"new")
    assert plugged.from_bulk() is None


def test_clearing_the_halt_of_one_direction_leaves_the_other(full: Plugged) -> None:
    _, bulk = full.channels()
    full.send(framing.split(bulk, wire.CMD_PING, b"old", BULK)[0])
    full.gadget.step()
    assert full.ask(0x02, 1, 0, BULK_OUT) == b""
    assert full.from_bulk() == (bulk, wire.CMD_PING, b"old")
    (frame,) = framing.split(bulk, wire.CMD_PING, blob(100), BULK)
    assert full.gadget.out(BULK_OUT, frame[:64])
    assert full.ask(0x02, 1, 0, BULK_IN) == b""
    assert full.gadget.out(BULK_OUT, frame[64:])
    full.gadget.step()
    assert full.from_bulk() == (bulk, wire.CMD_PING, blob(100))


# --- both
def test_reports_that_nobody_fetches_hold_nothing_up(plugged: Plugged) -> None:
    hid, bulk = plugged.channels()
    for _ in range(500):
        for report in framing.split(hid, wire.CMD_PING, b"unread", plugged.size):
            assert plugged.gadget.out(HID_OUT, report)
        plugged.gadget.step()
    assert len(plugged.gadget._reports) < 10
    assert plugged.bulk(bulk, wire.CMD_PING, b"read") == (bulk, wire.CMD_PING, b"read")
    assert plugged.from_hid() == (hid, wire.CMD_PING, b"unread")


@pytest.mark.parametrize("endpoint", [HID_IN, BULK_IN])
def test_what_a_computer_left_behind_is_dropped_at_last(full: Plugged, endpoint: int) -> None:
    hid, bulk = full.channels()
    cid, send = (hid, full.hid) if endpoint == HID_IN else (bulk, full.bulk)
    for report in framing.split(cid, wire.CMD_PING, b"old", full.size if endpoint == HID_IN else BULK):
        full.gadget.out(endpoint & ~IN, report)
    full.gadget.step()
    full.clock.sleep(STUCK_MS / 1000)
    full.gadget.step()
    assert full.gadget.take(endpoint, ENOUGH) is None
    full.gadget.step()
    assert send(cid, wire.CMD_PING, b"new") == (cid, wire.CMD_PING, b"new")


def asking(plugged: Plugged, bulk: bool) -> Host:
    """A computer for whose question the token waits for its person."""
    host = Host(GadgetWire(plugged.gadget, bulk=bulk)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    assert host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    return host


@pytest.mark.parametrize("bulk", [False, True], ids=["hid", "bulk"])
def test_a_request_of_a_computer_that_is_gone_comes_to_its_end(bulk: bool) -> None:
    """Nobody fetches its keepalives: the token waits for that a while, then goes on, and serves the next one."""
    plugged = Plugged(FULL, Puppet(default=NOBODY))
    asking(plugged, bulk)
    other = Host(GadgetWire(plugged.gadget, bulk=not bulk))
    other.channel()
    with pytest.raises(FrameRefusedError) as caught:
        other.read_info()
    assert caught.value.code == wire.ERR_CHANNEL_BUSY
    for _ in range(400):
        plugged.clock.sleep(0.25)
        plugged.gadget.step()
        assert not plugged.gadget.busy
    other.read_info()
    plugged.token.close()


class SlowClock(VirtualClock):
    """Whoever looks at it finds that a quarter of a second has passed, as on a machine that is emulated."""

    def now_ms(self) -> int:
        self.sleep(0.25)
        return super().now_ms()


@pytest.fixture(params=[False, True], ids=["hid", "bulk"])
def works(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugged]:
    """A token on a slow machine, at long work; it has a keepalive to send at each of its steps."""
    plugged = Plugged(FULL)
    host = Host(GadgetWire(plugged.gadget, bulk=request.param)).hello()
    host.pair()
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    backup_id, _ = host.put(blob(60_000))
    monkeypatch.setattr(store, "_SLICES", 1)
    plugged.token.clock = plugged.token._token._hal._clock = SlowClock()
    host.start(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    yield plugged
    plugged.token.close()


def test_a_step_is_a_small_one(works: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus has to be looked at in between."""
    advance, steps = Token._advance, []
    monkeypatch.setattr(Token, "_advance", lambda token, job: steps.append(job) or advance(token, job))
    most = total = 0
    while works.token._token._job is not None:
        steps.clear()
        works.gadget.step()
        most, total = max(most, len(steps)), total + len(steps)
        works.gadget.take(HID_IN, ENOUGH)
        works.gadget.take(BULK_IN, ENOUGH)
    assert total > 10
    assert most <= 2


def test_work_whose_keepalives_nobody_fetches_waits(works: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not busy then: whoever drives it would turn for nothing."""
    monkeypatch.setattr(gadget_module, "STUCK_MS", 1e9)
    for _ in range(10):
        works.gadget.step()
    assert works.token._token._job is not None
    assert not works.gadget.busy
    assert works.gadget.waiting
    while works.token._token._job is not None:
        works.gadget.step()
        works.gadget.take(HID_IN, ENOUGH)
        works.gadget.take(BULK_IN, ENOUGH)


def test_a_wiped_token_wants_another_name_on_the_bus_a_moment_later(plugged: Plugged) -> None:
    plugged.token.person.default = HELD
    host = Host(GadgetWire(plugged.gadget)).hello()
    plugged.clock.sleep(2 * QUIET_MS / 1000)
    assert not plugged.gadget.renamed
    assert host.wipe()[0] == wire.STATUS_OK
    plugged.clock.sleep((QUIET_MS - 1) / 1000)
    assert not plugged.gadget.renamed
    plugged.clock.sleep(0.01)
    assert plugged.gadget.renamed
    assert Gadget(plugged.token, plugged.gadget.speed).serial != plugged.gadget.serial


@pytest.mark.parametrize("bulk", [False, True], ids=["hid", "bulk"])
def test_a_backup_and_back(plugged: Plugged, bulk: bool) -> None:
    host = Host(GadgetWire(plugged.gadget, bulk=bulk)).hello()
    host.pair()
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    data = blob(60_000)
    backup_id, _ = host.put(data)
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert host.get(backup_id, len(data)) == data
