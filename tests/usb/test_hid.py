"""What is HID's own: which module is hidapi's, how long reports are, and what its few words of failure mean."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.device.address import Address
from coldshare.device.errors import (
    DeviceError,
    LibraryMissingError,
    LibraryShadowedError,
    NoPermissionError,
    NotPluggedInError,
    TokenGoneError,
    TokenInUseError,
    TokenTimeoutError,
    UnfitDeviceError,
)
from coldshare.device.link import Link
from coldshare.device.transport import hid, open_transport
from coldshare.device.transport.hid import CannotHidError, HidTransport
from coldshare.device.transport.reports import ReportDescriptorError, report_size, sizes
from coldshare_iface import framing, wire
from coldshare_sim.usb import descriptors
from coldshare_sim.usb.descriptors import HID_IN
from support.desk import Desk
from support.usbbus import Bus, Plug, Speed

LINUX = sys.platform.startswith("linux")


@pytest.fixture
def plug(bus: Bus, desk: Desk) -> Plug:
    return bus.plug(desk.token(), Speed.FULL)


def opened(plug: Plug) -> HidTransport:
    transport = open_transport(Address.parse(f"hid:{plug.serial}"))
    assert isinstance(transport, HidTransport)
    return transport


# --- reports


@pytest.mark.parametrize("speed", [Speed.FULL, Speed.HIGH])
def test_the_size_of_reports_is_the_devices_to_say(bus: Bus, desk: Desk, speed: Speed) -> None:
    assert opened(bus.plug(desk.token(), speed)).report_size == speed.report_size


@pytest.mark.parametrize(
    ("descriptor", "there", "back"),
    [
        (b"", 0, 0),
        (b"\x75\x08\x95\x40\x81\x02\x91\x02", 64, 64),
        (b"\x75\x08\x96\x00\x04\x81\x02\x91\x02", 1024, 1024),
        (b"\x77\x08\0\0\0\x97\x40\0\0\0\x81\x02", 64, 0),
        (b"\x75\x01\x95\x03\x81\x02", 1, 0),  # three bits are a byte
        (b"\x75\x08\x95\x20\x81\x02\x81\x02\x91\x02", 64, 32),
        (b"\x75\x08\x95\x40\xa4\x95\x01\x91\x02\xb4\x81\x02", 64, 1),  # pushed and popped
        (b"\xfe\x03\x00abc\x75\x08\x95\x40\x81\x02", 64, 0),  # a long item, which says nothing
        (b"\xb1\x02\x75\x08\x95\x40\xb1\x02", 0, 0),  # a feature is no report of ours
    ],
)
def test_report_descriptors(descriptor: bytes, there: int, back: int) -> None:
    assert sizes(descriptor) == (there, back)


@pytest.mark.parametrize(
    ("descriptor", "says"),
    [
        (b"\x75", "middle of an item"),
        (b"\x77\x08\0", "middle of an item"),
        (b"\x85\x01", "have ids"),
        (b"\xb4", "did not keep"),
        (b"\xa4" * 17, "too deeply"),
        (b"\x77\xff\xff\xff\xff\x97\xff\xff\xff\xff\x81\x02", "too long"),
        (b"\0" * 4097, "too long"),
    ],
)
def test_what_is_none(descriptor: bytes, says: str) -> None:
    with pytest.raises(ReportDescriptorError, match=says):
        sizes(descriptor)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=4200)))
def test_any_bytes(descriptor: bytes) -> None:
    try:
        there, back = sizes(descriptor)
    except ReportDescriptorError:
        return
    assert 0 <= there <= 65536
    assert 0 <= back <= 65536


@given(st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_a_damaged_one_of_ours(at: int, damage: bytes) -> None:
    good = descriptors.report(Speed.FULL)
    bad = good[:at] + damage + good[at + len(damage) :]
    try:
        assert report_size(bad) in (wire.REPORT_FS, wire.REPORT_HS)
    except ReportDescriptorError as error:
        assert str(error)  # noqa: PT017 - either way of ending is fine


@pytest.mark.parametrize(
    ("descriptor", "says"),
    [
        (b"\x75\x08\x95\x20\x81\x02\x91\x02", "32 and 32 bytes"),
        (b"\x75\x08\x95\x40\x81\x02", "64 and 0 bytes"),
        (b"\x85\x01", "have ids"),
    ],
)
def test_a_device_with_other_reports(bus: Bus, plug: Plug, descriptor: bytes, says: str) -> None:
    bus.hidapi.report_descriptor = descriptor
    with pytest.raises(UnfitDeviceError, match=says):
        opened(plug)
    assert plug.opened == 0


# --- which device


def test_another_usage_page_is_another_interface(bus: Bus, plug: Plug) -> None:
    bus.hidapi.usage_page = 0xF1D0
    with pytest.raises(NotPluggedInError):
        opened(plug)
    bus.hidapi.usage_page = 0  # hidapi on libusb does not tell
    opened(plug).close()


def test_it_is_pulled_out_while_it_is_opened(bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(opened: Plug) -> None:
        opened.here = False

    bus.hidapi.on_open = pull
    monkeypatch.setattr(hid, "_refusal", lambda path: FileNotFoundError(errno.ENOENT, "no"))
    with pytest.raises(NotPluggedInError if LINUX else TokenInUseError):
        opened(plug)


@pytest.mark.skipif(not LINUX, reason="only Linux says why")
@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (PermissionError(errno.EACCES, ""), NoPermissionError),
        (PermissionError(errno.EPERM, ""), NoPermissionError),
        (OSError(errno.ENODEV, ""), NotPluggedInError),
        (OSError(errno.EBUSY, ""), TokenInUseError),
        (OSError(errno.EMFILE, ""), DeviceError),
        (None, TokenInUseError),
    ],
)
def test_why_it_cannot_be_opened(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, refusal: OSError | None, kind: type[DeviceError]
) -> None:
    plug.allowed = False
    monkeypatch.setattr(hid, "_refusal", lambda path: refusal)
    with pytest.raises(kind) as caught:
        opened(plug)
    assert type(caught.value) is kind
    assert caught.value.next_step


@pytest.mark.skipif(not LINUX, reason="only Linux says why")
def test_what_the_kernel_says_to_who_opens_a_node(tmp_path: Path) -> None:
    node = tmp_path / "hidraw0"
    missing = hid._refusal(os.fsencode(node))
    assert missing is not None
    assert missing.errno == errno.ENOENT
    node.touch()
    assert hid._refusal(os.fsencode(node)) is None
    node.unlink()
    node.mkdir()
    folder = hid._refusal(os.fsencode(node))
    assert folder is not None
    assert folder.errno == errno.EISDIR


@pytest.mark.parametrize(
    ("driver", "kind"), [("usbfs", TokenInUseError), (None, CannotHidError), ("usbhid", NotPluggedInError)]
)
def test_plugged_in_and_without_a_hid_node(bus: Bus, plug: Plug, driver: str | None, kind: type[DeviceError]) -> None:
    """Linux can tell a token that a program has taken from one that is not there."""
    bus.linux()
    bus.tell(plug, hid=driver)
    bus.plugs.remove(plug)
    with pytest.raises(kind) as caught:
        opened(plug)
    assert type(caught.value) is kind


# --- reading and writing


def test_a_read_that_a_signal_cuts_short_is_begun_again(bus: Bus, plug: Plug) -> None:
    """hidapi says the same as for a device that is gone, and the second Ctrl-C must not look like that."""
    link = Link(opened(plug))
    signals = 2

    def interrupted(plug: Plug, endpoint: int) -> None:
        nonlocal signals
        if endpoint == HID_IN and signals:
            signals -= 1
            raise OSError("read error")

    bus.hidapi.before = interrupted
    assert link.call(wire.CMD_PING, b"?") == b"?"
    assert signals == 0


def test_a_device_that_fails_again_and_again_is_gone(bus: Bus, plug: Plug) -> None:
    link = Link(opened(plug))
    tried = 0

    def gone(plug: Plug, endpoint: int) -> None:
        nonlocal tried
        if endpoint == HID_IN:
            tried += 1
            raise OSError("read error")

    bus.hidapi.before = gone
    with pytest.raises(TokenGoneError):
        link.call(wire.CMD_PING, b"?")
    assert tried == 3


def test_a_queue_full_of_other_programs_answers_does_not_cost_us_ours(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux keeps 64 reports for us and drops what comes after them; nobody reads while a PIN is typed."""
    transport = opened(plug)
    link = Link(transport)
    device = transport._device
    write, read = device.write, device.read
    kept = [framing.split(b"\x5a" * 4, wire.CMD_PING, b"somebody else's")[0]] * 64

    def sent(data: bytes) -> int:
        written = write(data)
        while answer := bytes(read(64, 1)):
            if len(kept) < 64:
                kept.append(answer)
        return written

    monkeypatch.setattr(device, "write", sent)
    monkeypatch.setattr(device, "read", lambda size, timeout_ms: kept.pop(0) if kept else [])
    assert link.call(wire.CMD_PING, b"?") == b"?"


@pytest.mark.skipif(not LINUX, reason="only there hidapi says why")
def test_a_token_that_does_not_take_what_is_sent(plug: Plug) -> None:
    transport = opened(plug)
    plug.frozen = True
    with pytest.raises(TokenTimeoutError, match="does not take"):
        transport.write(bytes(64))


@pytest.mark.parametrize(
    ("written", "linux", "fine"),
    [(65, True, True), (64, True, True), (63, True, False), (64, False, True), (8, False, True), (1025, False, True)],
)
def test_what_a_whole_report_counts_for(
    plug: Plug, monkeypatch: pytest.MonkeyPatch, written: int, linux: bool, fine: bool
) -> None:
    transport = opened(plug)
    monkeypatch.setattr(sys, "platform", "linux" if linux else "win32")
    monkeypatch.setattr(transport._device, "write", lambda data: written)
    if fine:
        transport.write(bytes(64))
    else:
        with pytest.raises(TokenGoneError):
            transport.write(bytes(64))


# --- the library


@pytest.fixture
def library() -> Any:
    hid.library.cache_clear()
    yield hid.library
    hid.library.cache_clear()


def test_hidapi_itself(library: Any) -> None:
    """The real one: what our protocol says of it is there. On Linux that is the one that leaves the kernel's driver."""
    module = library()
    assert module.__name__ == ("hidraw" if LINUX else "hid")
    for name in ("open_path", "close", "write", "read", "get_report_descriptor", "get_serial_number_string", "error"):
        assert callable(getattr(module.device(), name))
    assert isinstance(module.enumerate(0xFFFF, 0xFFFF), list)
    assert hid.library() is module


def foreign(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = "/elsewhere/hid/__init__.py"
    module.enumerate = lambda *ids: []  # type: ignore[attr-defined]
    module.Device = object  # type: ignore[attr-defined]
    return module


def test_a_foreign_package_called_hid(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    monkeypatch.setattr(hid, "_MODULES", ("hid",))
    monkeypatch.setitem(sys.modules, "hid", foreign("hid"))
    with pytest.raises(LibraryShadowedError, match=r"/elsewhere/hid/__init__\.py has the name"):
        library()


def test_a_foreign_package_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, library: Any, tmp_path: Path) -> None:
    (tmp_path / "hid_of_others").mkdir()
    (tmp_path / "hid_of_others" / "__init__.py").write_text("raise ImportError('Unable to load any library')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(hid, "_MODULES", ("hid_of_others",))
    with pytest.raises(LibraryShadowedError, match="hid_of_others"):
        library()


def test_beside_a_foreign_one_the_right_one_is_used(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    right = foreign("hid")
    right.device = object  # type: ignore[attr-defined]
    monkeypatch.setattr(hid, "_MODULES", ("hidraw", "hid"))
    monkeypatch.setitem(sys.modules, "hidraw", foreign("hidraw"))
    monkeypatch.setitem(sys.modules, "hid", right)
    assert library() is right


def test_none_at_all(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    monkeypatch.setattr(hid, "_MODULES", ("no_such_hidapi",))
    with pytest.raises(LibraryMissingError, match="hidapi") as caught:
        library()
    assert "pip install hidapi" in caught.value.next_step
