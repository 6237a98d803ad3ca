"""USB/IP as a kernel speaks it, without a kernel and without a socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_iface import framing, wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from coldshare_sim.usb import usbip
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.gadget import Gadget
from coldshare_sim.usb.usbip import Connection, Port, UsbIpError
from support.client import LABEL, NONCE, PIN, Host, Puppet, blob
from support.usbip import DEVICE_ID, ECONNRESET, EPIPE, SHORT_NOT_OK, Computer, InMemory, StalledError, UsbIpTransport


def ported(speed: Speed) -> Port:
    token = SoftToken(Chip(), Puppet(), clock=VirtualClock(), report_size=speed.report_size)
    return Port(Gadget(token, speed))


@pytest.fixture(params=list(Speed), ids=lambda speed: speed.name.lower())
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    port = ported(request.param)
    token = port.device.token
    yield port
    token.close()


@pytest.fixture
def computer(port: Port) -> Computer:
    """One that has imported and enumerated the device."""
    computer = Computer(InMemory(port))
    assert computer.attach() == 0
    computer.enumerate()
    return computer


def init(size: int) -> bytes:
    return framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, size)[0]


# --- operations
def test_the_list(port: Port) -> None:
    computer = Computer(InMemory(port))
    (about,) = computer.list()
    path, bus_id, bus, number, speed, vendor, product, release = struct.unpack_from(">256s32sIIIHHH", about)
    assert path.rstrip(b"\0").startswith(b"/")
    assert bus_id.rstrip(b"\0") == b"1-1"
    assert (bus << 16 | number, speed) == (DEVICE_ID, port.device.speed.value)
    assert (vendor, product) == (wire.USB_VENDOR, wire.USB_PRODUCT)
    assert release == int.from_bytes(port.device.device_descriptor[12:14], "little")
    assert about[306:312] == bytes((0, 0, 0, 1, 1, 2))
    assert about[312:] == bytes((3, 0, 0, 0, *wire.USB_BULK_INTERFACE, 0))
    with pytest.raises(EOFError):
        computer.link.receive(1)


def test_an_empty_list() -> None:
    assert Computer(InMemory(Port())).list() == []


def test_the_device_enumerates(port: Port) -> None:
    computer = Computer(InMemory(port))
    assert computer.attach() == 0
    assert computer.enumerate() == ["coldshare", wire.USB_PRODUCT_STRING, port.device.serial]
    assert port.device.configured


def test_only_one_has_it_at_a_time(port: Port) -> None:
    first, second = Computer(InMemory(port)), Computer(InMemory(port))
    assert first.attach() == 0
    first.enumerate()
    for other in (second, Computer(InMemory(port))):
        assert other.attach() == 2
        with pytest.raises(EOFError):
            other.link.receive(1)
    assert port.device.configured
    first.link.close()
    third = Computer(InMemory(port))
    assert third.attach() == 0
    assert not port.device.configured


def test_a_second_list_does_not_end_an_import(port: Port) -> None:
    first = Computer(InMemory(port))
    assert first.attach() == 0
    assert len(Computer(InMemory(port)).list()) == 1
    assert first.enumerate()


@pytest.mark.parametrize("bus_id", ["1-2", "", "1-1.1", "\xff"])
def test_another_device_is_not_there(port: Port, bus_id: str) -> None:
    assert Computer(InMemory(port)).attach(bus_id) == 4


def test_a_port_without_a_device_gives_none() -> None:
    assert Computer(InMemory(Port())).attach() == 4
    with pytest.raises(ValueError, match="no device"):
        Connection(Port(), imported=True)


# --- URBs
def test_urbs_are_answered_in_their_order(computer: Computer, port: Port) -> None:
    size = port.device.speed.report_size
    first, second = computer.submit(0x81, size), computer.submit(0x81, size)
    assert computer.wait(first, 0.1) is None
    for nonce in (b"AAAAAAAA", b"BBBBBBBB"):
        (report,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, nonce, size)
        assert computer.result(computer.submit(0x01, data=report)).length == size
    assert computer.result(first).data[7:15] == b"AAAAAAAA"
    assert computer.result(second).data[7:15] == b"BBBBBBBB"


def test_an_urb_that_waits_is_unlinked(computer: Computer, port: Port) -> None:
    size = port.device.speed.report_size
    unwanted, wanted = computer.submit(0x81, size), computer.submit(0x81, size)
    assert computer.unlink(unwanted) == -ECONNRESET
    computer.result(computer.submit(0x01, data=init(size)))
    assert computer.result(wanted).data[7:15] == NONCE
    assert unwanted not in computer.done


def test_an_urb_that_is_done_or_never_was_is_not_unlinked(computer: Computer, port: Port) -> None:
    size = port.device.speed.report_size
    number = computer.submit(0x01, data=init(size))
    computer.result(number)
    assert computer.unlink(number) == 0
    assert computer.unlink(123456) == 0


def test_what_is_unlinked_takes_nothing_along(computer: Computer, port: Port) -> None:
    """An answer that comes after the unlink goes to the next URB."""
    number = computer.submit(0x82, 16384)
    assert computer.unlink(number) == -ECONNRESET
    (frame,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, wire.BULK_FRAME_MAX)
    computer.result(computer.submit(0x02, data=frame))
    assert computer.result(computer.submit(0x82, 16384)).data[7:15] == NONCE


def test_a_stall_is_a_broken_pipe(computer: Computer) -> None:
    with pytest.raises(StalledError):
        computer.ask(0x80, 6, 0x0342)
    with pytest.raises(StalledError):
        computer.tell(0x21, 11, 1)
    assert computer.ask(0x80, 0) == b"\0\0"


@pytest.mark.parametrize("endpoint", [0x03, 0x83, 0x8F])
def test_an_endpoint_that_is_not_there(computer: Computer, endpoint: int) -> None:
    assert computer.result(computer.submit(endpoint, 64, data=bytes(3))).status == -EPIPE


def test_an_urb_at_a_halted_endpoint(computer: Computer) -> None:
    waiting = computer.submit(0x82, 512)
    computer.tell(0x02, 3, 0, 0x82)
    computer.tell(0x02, 3, 0, 0x02)
    assert computer.result(waiting).status == -EPIPE
    assert computer.result(computer.submit(0x02, data=b"x")).status == -EPIPE
    computer.clear_halt(0x82)
    assert computer.wait(computer.submit(0x82, 512), 0.1) is None


def test_an_answer_that_is_shorter_than_it_may_be(computer: Computer) -> None:
    (frame,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, wire.BULK_FRAME_MAX)
    computer.result(computer.submit(0x02, data=frame))
    done = computer.result(computer.submit(0x82, 512, flags=SHORT_NOT_OK))
    assert (done.status, done.length) == (-121, 7 + 17)
    computer.result(computer.submit(0x02, data=frame))
    done = computer.result(computer.submit(0x82, 24, flags=SHORT_NOT_OK))
    assert (done.status, done.length) == (0, 24)


def test_an_answer_that_is_longer_than_it_may_be(computer: Computer) -> None:
    (frame,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, wire.BULK_FRAME_MAX)
    computer.result(computer.submit(0x02, data=frame))
    done = computer.result(computer.submit(0x82, 10))
    assert (done.status, done.length) == (-75, 10)


def test_the_control_pipe_is_cut_to_the_transfer(computer: Computer, port: Port) -> None:
    """However long the request itself says that the answer may be."""
    setup = struct.pack("<BBHHH", 0x80, 6, 0x0100, 0, 18)
    done = computer.result(computer.submit(0x80, 8, setup=setup))
    assert done.data == port.device.device_descriptor[:8]


@pytest.mark.parametrize("bulk", [False, True], ids=["hid", "bulk"])
def test_a_backup_and_back(computer: Computer, port: Port, bulk: bool) -> None:
    speed = port.device.speed
    transport = UsbIpTransport(computer, bulk=bulk, packet=speed.bulk_packet if bulk else speed.report_size)
    host = Host(transport).hello()
    host.pair()
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    data = blob(30_000)
    backup_id, _ = host.put(data)
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert host.get(backup_id, len(data)) == data


def test_frames_at_the_ends_of_packets(computer: Computer, port: Port) -> None:
    packet = port.device.speed.bulk_packet
    host = Host(UsbIpTransport(computer, bulk=True, packet=packet)).hello()
    for length in [at - 7 + by for at in (packet, 2 * packet, 14 * packet) for by in (-1, 0, 0, 1)]:
        message = blob(min(length, wire.MESSAGE_MAX))
        assert host.call(wire.CMD_PING, message) == message


# --- what is no USB/IP
def urb(**changes: int) -> bytes:
    fields = {
        "command": 1,
        "number": 1,
        "device": DEVICE_ID,
        "direction": 0,
        "endpoint": 1,
        "flags": 0,
        "size": 0,
        "start": 0,
        "packets": 0,
        "interval": 0,
    }
    return struct.pack(">10I", *(fields | changes).values()) + bytes(8)


GARBAGE = {
    "HTTP": (False, b"GET / HTTP/1.1\r\n", "version"),
    "another version": (False, struct.pack(">HHI", 0x0106, 0x8005, 0), "version"),
    "another operation": (False, struct.pack(">HHI", 0x0111, 0x8001, 0), "operation"),
    "command": (True, urb(command=3), "command"),
    "device": (True, urb(device=0x10003), "device"),
    "direction": (True, urb(direction=2), "direction"),
    "endpoint": (True, urb(endpoint=16), "endpoint"),
    "isochronous": (True, urb(packets=1), "isochronous"),
    "size": (True, urb(size=usbip.TRANSFER_MAX + 1), "bytes"),
    "too many": (True, urb(direction=1, endpoint=2, size=64) * (usbip.PENDING_MAX + 1), "at once"),
}


@pytest.mark.parametrize(("imported", "data", "why"), GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_the_connection_and_says_why(imported: bool, data: bytes, why: str) -> None:
    port = ported(Speed.FULL)
    connection = Connection(port, imported=imported)
    with pytest.raises(UsbIpError, match=why):
        connection.receive(data)
    connection.close()
    assert port.importer is None
    assert not connection.pump()


@given(st.binary(max_size=200), st.booleans(), st.integers(1, 50))
def test_no_bytes_are_anything_but_requests_or_an_error(data: bytes, imported: bool, piece: int) -> None:
    port = ported(Speed.FULL)
    connection = Connection(port, imported=imported)
    try:
        for at in range(0, len(data), piece):
            connection.receive(data[at : at + piece])
            port.device.step()
            connection.pump()
    except UsbIpError:
        connection.close()
    assert connection.pending <= usbip.PENDING_MAX
    other = Computer(InMemory(port))
    connection.close()
    assert other.attach() == 0
    assert other.enumerate()[2] == port.device.serial


_SETUPS = [
    bytes(8),
    struct.pack("<BBHHH", 0x00, 9, 1, 0, 0),
    struct.pack("<BBHHH", 0x00, 9, 0, 0, 0),
    struct.pack("<BBHHH", 0x80, 6, 0x0100, 0, 18),
    struct.pack("<BBHHH", 0x02, 3, 0, 0x82, 0),
    struct.pack("<BBHHH", 0x02, 1, 0, 0x82, 0),
]
_URB = st.tuples(
    st.sampled_from([0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x03, 0x83]),
    st.one_of(st.binary(max_size=140), st.just(init(64))),
    st.sampled_from(_SETUPS),
    st.sampled_from([0, 0, 1, 0x40]),
)
_UNLINK = st.integers(0, 30)


@given(st.lists(st.one_of(_URB, _UNLINK), max_size=30))
def test_each_urb_has_one_answer_or_is_unlinked_or_waits(doings: list[tuple[int, bytes, bytes, int] | int]) -> None:
    port = ported(Speed.FULL)
    computer = Computer(InMemory(port))
    assert computer.attach() == 0
    computer.enumerate()
    submitted, gone = set(), set()
    for doing in doings:
        if isinstance(doing, int):
            if computer.unlink(doing):
                gone.add(doing)
        else:
            endpoint, data, setup, flags = doing
            submitted.add(computer.submit(endpoint, len(data), data, setup, flags))
    while computer.hear(0):
        pass
    answered = set(computer.done)
    assert answered <= submitted
    assert gone <= submitted
    assert not answered & gone
    assert len(submitted) == len(answered) + len(gone) + computer.link.connection.pending
    port.device.token.close()
