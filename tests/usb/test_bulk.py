"""What is bulk's own: a frame is one transfer, however it is cut up in time; both sides find its beginning again."""

from __future__ import annotations

import builtins
import errno
import struct
from collections.abc import Sequence
from typing import Any

import pytest
import usb.core
from usb.backend import libusb1
from usb.core import USBError, USBTimeoutError

from coldshare.device.address import Address
from coldshare.device.errors import (
    CarrierError,
    DeviceError,
    FrameProtocolError,
    LibraryMissingError,
    NoPermissionError,
    NotPluggedInError,
    TokenGoneError,
    TokenInUseError,
    TokenTimeoutError,
    TransportUnavailableError,
    UnfitDeviceError,
)
from coldshare.device.link import Link
from coldshare.device.transport import open_transport
from coldshare.device.transport import usb as transport_usb
from coldshare.device.transport.usb import UsbTransport, listing, open_usb
from coldshare.device.turn import Turn
from coldshare_iface import framing, wire
from coldshare_sim.usb.descriptors import BULK_IN, BULK_OUT
from support.desk import Desk
from support.usbbus import Bus, Plug, Speed, usb_error

SPEEDS = [Speed.FULL, Speed.HIGH]


@pytest.fixture(params=SPEEDS, ids=["full speed", "high speed"])
def plug(request: pytest.FixtureRequest, bus: Bus, desk: Desk) -> Plug:
    return bus.plug(desk.token(), request.param)


def opened(plug: Plug) -> UsbTransport:
    transport = open_transport(Address.parse(f"usb:{plug.serial}"))
    assert isinstance(transport, UsbTransport)
    return transport


@pytest.mark.parametrize(
    "pieces", [[1] * 400, [0, 1, 0, 2, 0, 0, 3] * 60, [5] * 90], ids=["ones", "now and then", "fives"]
)
def test_a_frame_in_pieces(plug: Plug, pieces: list[int]) -> None:
    """Both ways: a transfer that does not get done in its time goes on where it stopped, and nothing of it is lost."""
    link = Link(opened(plug))
    message = bytes(i * 11 & 255 for i in range(3000))
    for size in (3000, 505, 1017, 57):
        plug.pieces = list(pieces)
        assert link.call(wire.CMD_PING, message[:size]) == message[:size]
    link.close()


def test_the_empty_packet_that_comes_late_is_nobodys_frame(plug: Plug) -> None:
    """The answer fills its packets, and is taken before the packet of no bytes that ends it."""
    transport = opened(plug)
    link = Link(transport)
    packet = plug.gadget.speed.bulk_packet
    message = bytes(packet * 2 - 7)
    plug.pieces = [99, 2]  # the frame goes out; the answer without its end comes
    assert link.call(wire.CMD_PING, message) == message
    assert plug.pieces == []
    assert transport.read(0.1) is None
    assert link.call(wire.CMD_PING, b"next") == b"next"


def test_a_write_that_fills_its_packets_is_ended(bus: Bus, plug: Plug) -> None:
    sent: list[int] = []
    write = bus.pyusb.bulk_write

    def listening(handle: Any, ep: int, intf: int, data: Any, timeout: int) -> int:
        sent.append(len(data))
        return write(handle, ep, intf, data, timeout)

    bus.pyusb.bulk_write = listening  # type: ignore[method-assign]
    transport = opened(plug)
    packet = plug.gadget.speed.bulk_packet
    for size in (packet - 1, packet, packet + 1, 3 * packet):
        sent.clear()
        transport.write(framing.split(wire.CID_BROADCAST, wire.CMD_PING, bytes(size - 7), wire.BULK_FRAME_MAX)[0])
        assert sent == ([size, 0] if size % packet == 0 else [size])


class Scripted:
    """A device of pyusb's whose IN endpoint gives these transfers: b"" is one of no bytes, None a slice of silence."""

    def __init__(self, transfers: Sequence[bytes | None]) -> None:
        self.transfers = list(transfers)

    def read(self, endpoint: int, room: Any, timeout: int) -> int:
        said = self.transfers.pop(0)
        if said is None:
            raise USBTimeoutError("", -7, errno.ETIMEDOUT)
        room[: len(said)] = type(room)("B", said)
        return len(said)


FULL = b"\0\0\0\1\x81\0\x39" + b"z" * 57


@pytest.mark.parametrize(
    ("transfers", "frames"),
    [
        ([b"\0\0\0\1\x81\0\1"], [b"\0\0\0\1\x81\0\1"]),  # shorter than it says: for the assembler to refuse
        ([b"abc"], [b"abc"]),
        ([None, b""], [None, None]),
        ([b"", b"", b"abc"], [None, None, b"abc"]),
        ([b"x" * 64, b""], [b"x" * 64]),  # ended before it was as long as it says
        ([b"x" * 64, None, None, b"y"], [None, None, b"x" * 64 + b"y"]),
        ([FULL, b"", b"abc"], [FULL, None, b"abc"]),
        ([FULL, None, FULL, b""], [FULL, None, FULL, None]),
        ([b"\xff" * 7616, b""], [b"\xff" * 7616, None]),  # as much as a frame may have: nobody waits for more
        ([b"\xff" * 7616 + b"x" * 64], [b"\xff" * 7616 + b"x" * 64]),
    ],
)
def test_where_a_frame_ends(transfers: list[bytes | None], frames: list[bytes | None]) -> None:
    device = Scripted(transfers)
    transport = UsbTransport(device, 1, BULK_OUT, BULK_IN, 64, Turn(None))
    assert [transport.read(0.1) for _ in frames] == frames
    assert device.transfers == []


def test_what_does_not_keep_to_the_frame_is_refused(plug: Plug) -> None:
    transport = opened(plug)
    link = Link(transport)
    transport.read = lambda timeout: link._cid + b"\x81\0\5abc"  # type: ignore[method-assign]
    with pytest.raises(FrameProtocolError, match="framing rules"):
        link.call(wire.CMD_PING, b"?")


def test_half_a_frame_is_forgotten_before_the_next_one_goes_out(bus: Bus, plug: Plug) -> None:
    """Ctrl-C in the middle: what comes next must not become its end."""
    transport = opened(plug)
    link = Link(transport)
    plug.pieces = [1]

    def interrupt(plug: Plug, endpoint: int) -> None:
        if not plug.pieces and endpoint == BULK_OUT:
            raise KeyboardInterrupt

    bus.pyusb.before = interrupt
    frame = framing.split(link._cid, wire.CMD_PING, bytes(5000), wire.BULK_FRAME_MAX)[0]
    with pytest.raises(KeyboardInterrupt):
        transport.write(frame)
    bus.pyusb.before = lambda plug, endpoint: None
    assert link.call(wire.CMD_PING, b"whole") == b"whole"


@pytest.mark.parametrize("endpoint", [BULK_IN, BULK_OUT])
def test_an_endpoint_that_was_halted_before_is_cleared(plug: Plug, endpoint: int) -> None:
    plug.halt(endpoint)
    assert Link(opened(plug)).call(wire.CMD_PING, b"?") == b"?"


@pytest.mark.parametrize("endpoint", [BULK_IN, BULK_OUT])
def test_an_endpoint_that_is_halted_meanwhile(plug: Plug, endpoint: int) -> None:
    link = Link(opened(plug))
    plug.halt(endpoint)
    with pytest.raises(CarrierError, match="halted"):
        link.call(wire.CMD_PING, b"?")
    link.close()
    assert Link(opened(plug)).call(wire.CMD_PING, b"?") == b"?"


def test_a_token_that_does_not_take_what_is_sent(plug: Plug) -> None:
    transport = opened(plug)
    plug.frozen = True
    with pytest.raises(TokenTimeoutError, match="does not take"):
        transport.write(b"\xff\xff\xff\xff\x81\0\0")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (usb_error(-4), TokenGoneError, "gone"),
        (USBError("", -5, errno.ENOENT), TokenGoneError, "gone"),
        (usb_error(-1), TokenGoneError, "link to the token broke"),
        (usb_error(-3), NoPermissionError, "may not use"),
        (usb_error(-6), TokenInUseError, "Another program"),
        (usb_error(-8), CarrierError, "too large"),
        (USBError("", -7, errno.ETIMEDOUT), TokenTimeoutError, "does not answer"),
        (USBError("Unknown error", -99, None), CarrierError, "Unknown error"),
        (NotImplementedError(), TransportUnavailableError, "no driver"),
    ],
)
def test_what_libusb_says_in_our_words(
    bus: Bus, plug: Plug, error: Exception, kind: type[DeviceError], says: str
) -> None:
    link = Link(opened(plug))

    def fail(plug: Plug, endpoint: int) -> None:
        raise error

    bus.pyusb.before = fail
    with pytest.raises(kind, match=says) as caught:
        link.call(wire.CMD_PING, b"?")
    assert caught.value.next_step
    link.close()
    assert plug.opened == 0


def test_the_interface_is_in_other_hands(plug: Plug) -> None:
    first = open_usb(plug.serial, Turn(None))  # somebody who does not wait for turns
    with pytest.raises(TokenInUseError, match="bulk interface"):
        opened(plug)
    first.close()
    opened(plug).close()


def test_it_is_pulled_out_while_it_is_opened(bus: Bus, plug: Plug) -> None:
    bus.linux()
    bus.tell(plug)
    for passes in range(8):
        plug.passes, plug.passed, plug.here = passes, 0, True
        try:
            opened(plug).close()
        except DeviceError as error:
            assert isinstance(error, NotPluggedInError | TokenGoneError)  # noqa: PT017 - both are right
        else:
            assert passes > 3
        assert (plug.opened, plug.claimed) == (0, {})


def test_what_is_not_used_is_let_go_at_once(bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when somebody collects the garbage."""
    kept: list[Any] = []
    find = usb.core.find

    def keeping(**options: Any) -> Any:
        for device in find(**options):
            kept.append(device)
            yield device

    monkeypatch.setattr(usb.core, "find", keeping)
    assert len(listing()) == 1
    assert plug.opened == 0
    plug.gadget.configuration_descriptor = plug.gadget.configuration_descriptor.replace(
        bytes(wire.USB_BULK_INTERFACE), b"\xff\xff\xff"
    )
    with pytest.raises(UnfitDeviceError):
        opened(plug)
    assert plug.opened == 0
    assert len(kept) == 2


def test_the_configuration_is_never_set_where_it_is_set(bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would reset the HID interface under whoever uses it."""
    calls: list[int] = []
    configure = bus.pyusb.set_configuration

    def listening(handle: Any, value: int) -> None:
        calls.append(value)
        configure(handle, value)

    monkeypatch.setattr(bus.pyusb, "set_configuration", listening)
    opened(plug).close()
    assert calls == []
    plug.gadget.control(struct.pack("<BBHHH", 0, 9, 0, 0, 0), b"")  # nobody has configured it
    opened(plug).close()
    assert calls == [1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.replace(bytes(wire.USB_BULK_INTERFACE), b"\xff\xff\xff"), "no interface for bulk"),
        (lambda data: data.replace(b"\7\5\x02\2", b"\7\5\x02\3"), "not one endpoint each way"),
        (lambda data: data.replace(b"\7\5\x82\2", b"\7\5\x03\2"), "not one endpoint each way"),
        (lambda data: data.replace(b"\7\5\x82\2\x40\0", b"\7\5\x82\2\x07\0"), "packets have 64 and 7 bytes"),
        (lambda data: data.replace(b"\x02\x40\0", b"\x02\0\0"), "packets have 0 and 0 bytes"),
    ],
)
def test_a_device_that_is_laid_out_otherwise(bus: Bus, desk: Desk, change: Any, says: str) -> None:
    plug = bus.plug(desk.token(), Speed.FULL)
    changed = change(plug.gadget.configuration_descriptor)
    assert changed != plug.gadget.configuration_descriptor
    plug.gadget.configuration_descriptor = changed
    with pytest.raises(UnfitDeviceError, match=says):
        opened(plug)
    assert (plug.opened, plug.claimed) == (0, {})


def test_a_device_without_strings_is_nobodys_token(bus: Bus, plug: Plug) -> None:
    plug.gadget._strings = []
    assert listing() == []
    assert plug.opened == 0


# --- the library


@pytest.fixture
def backend() -> Any:
    choose = transport_usb.backend
    choose.cache_clear()
    yield choose
    choose.cache_clear()


def test_no_libusb_at_all(monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
    monkeypatch.setattr(libusb1, "get_backend", lambda find_library=None: None)
    with pytest.raises(LibraryMissingError, match="no libusb on this computer") as caught:
        backend()
    assert "hid:" in caught.value.next_step


def test_the_package_comes_before_the_systems_own(monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(libusb1, "get_backend", lambda find_library=None: asked.append(find_library))
    with pytest.raises(LibraryMissingError):
        backend()
    assert [one.__module__ if one else None for one in asked] == ["libusb_package", None]


@pytest.mark.parametrize(("absent", "asked"), [("libusb_package", 1), ("usb.backend", 0)])
def test_a_package_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, backend: Any, absent: str, asked: int
) -> None:
    imported = builtins.__import__
    calls: list[Any] = []

    def refusing(name: str, *rest: Any, **more: Any) -> Any:
        if name == absent:
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(libusb1, "get_backend", lambda find_library=None: calls.append(find_library))
    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(LibraryMissingError) as caught:
        backend()
    assert "pip install" in caught.value.next_step
    assert len(calls) == asked
