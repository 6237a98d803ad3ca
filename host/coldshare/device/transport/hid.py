"""`hid:SERIAL`: a token's HID interface, by hidapi. Needs no driver on any system, and no library but hidapi."""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from coldshare.device import sysfs
from coldshare.device.errors import (
    DeviceError,
    LibraryMissingError,
    LibraryShadowedError,
    NoPermissionError,
    NotPluggedInError,
    SameSerialError,
    TokenGoneError,
    TokenInUseError,
    TokenTimeoutError,
    UnfitDeviceError,
)
from coldshare.device.transport.reports import ReportDescriptorError, report_size
from coldshare.device.turn import Turn
from coldshare_iface import wire

#: On Linux the module called hid goes past the kernel's HID driver, with libusb; hidraw leaves it in place.
_MODULES = ("hidraw", "hid") if sys.platform.startswith("linux") else ("hid",)
#: The libusb one does not tell usage pages.
_PAGES = (wire.HID_USAGE_PAGE, 0)
_NO_REPORT_ID = b"\0"
#: A read that a signal has cut short looks like one of a device that is gone. The latter stays that way.
_TRIES = 3
#: So many reports Linux keeps for each program that has the node open; what comes after them is dropped.
_KEPT = 64
#: Where the command is in a report, and the bit that says that a message begins there.
_COMMAND, _BEGINS = 4, 0x80


class HidDevice(Protocol):
    """What we use of an open device of hidapi's. `read` and `get_report_descriptor` give bytes as integers."""

    def open_path(self, path: bytes) -> None: ...
    def close(self) -> None: ...
    def write(self, data: bytes) -> int: ...
    def read(self, size: int, timeout_ms: int) -> Sequence[int]: ...
    def get_report_descriptor(self) -> Sequence[int]: ...
    def get_serial_number_string(self) -> str | None: ...
    def set_nonblocking(self, v: int) -> int: ...
    def error(self) -> str: ...


class HidModule(Protocol):
    """What we use of hidapi."""

    def device(self) -> HidDevice: ...
    def enumerate(self, vendor_id: int, product_id: int) -> Sequence[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A token that hidapi sees. `path` is hidapi's, on Linux that of the node; `release` is bcdDevice."""

    serial: str
    path: bytes
    product: str
    manufacturer: str
    release: int


@cache
def library() -> HidModule:
    """hidapi, whichever of its modules is for this system. Raises LibraryMissingError and LibraryShadowedError."""
    foreign: str | None = None
    for name in _MODULES:
        try:
            module = import_module(name)
        except ImportError:
            # Another package of that name looks for a library of its own first, and does not find it.
            with suppress(ImportError, ValueError):
                spec = find_spec(name)
                foreign = foreign or (spec.origin if spec is not None else None)
            continue
        if hasattr(module, "device") and hasattr(module, "enumerate"):
            return cast("HidModule", module)
        foreign = foreign or getattr(module, "__file__", None)
    if foreign is not None:
        raise LibraryShadowedError(f"{foreign} has the name of hidapi's module, and is something else.")
    raise LibraryMissingError(
        "The library for HID devices, hidapi, is not installed or cannot be loaded.",
        next_step="Install it: pip install hidapi",
    )


def listing() -> list[Listed]:
    """The tokens that hidapi sees; no device is opened. Raises the classes of `library`."""
    found: list[Listed] = []
    for one in library().enumerate(wire.USB_VENDOR, wire.USB_PRODUCT):
        if one.get("product_string") != wire.USB_PRODUCT_STRING or one.get("usage_page") not in _PAGES:
            continue
        found.append(
            Listed(
                serial=one.get("serial_number") or "",
                path=one["path"],
                product=wire.USB_PRODUCT_STRING,
                manufacturer=one.get("manufacturer_string") or "",
                release=one.get("release_number") or 0,
            )
        )
    return found


class HidTransport:
    """An open HID interface behind the three methods of a transport."""

    unattended = False

    def __init__(self, device: HidDevice, size: int, turn: Turn) -> None:
        self.report_size = size
        self._device = device
        self._turn = turn
        self._early: deque[bytes] = deque(maxlen=4 * _KEPT)  # came before anybody asked for it
        device.set_nonblocking(1)  # so that a read that waits for nothing returns

    def write(self, report: bytes) -> None:
        if report[_COMMAND] & _BEGINS:
            self._make_room()
        try:
            # Every system wants a report id in front, 0 where there are none.
            written = self._device.write(_NO_REPORT_ID + report)
        except OSError as error:
            raise TokenGoneError from error
        # What a whole report counts for differs: without the id, with it, or as long as the longest one there is.
        if written < 0 or (sys.platform.startswith("linux") and written < len(report)):
            if self._device.error() == os.strerror(errno.ETIMEDOUT):
                raise TokenTimeoutError("The token does not take what is sent to it.")
            raise TokenGoneError

    def _make_room(self) -> None:
        """Fetch what waits. It is mostly other programs' answers, and where they fill the queue ours would be lost."""
        with suppress(OSError):  # the write that follows says it better
            for _ in range(_KEPT):
                waiting = bytes(self._device.read(self.report_size, 0))
                if not waiting:
                    break
                self._early.append(waiting)

    def read(self, timeout: float) -> bytes | None:
        if self._early:
            return self._early.popleft()
        milliseconds = max(1, round(timeout * 1000))  # 0 would not wait at all
        for tried in range(1, _TRIES + 1):
            try:
                return bytes(self._device.read(self.report_size, milliseconds)) or None
            except OSError as error:
                if tried == _TRIES:
                    raise TokenGoneError from error
        return None

    def close(self) -> None:
        try:
            self._device.close()
        finally:
            self._turn.close()


def open_hid(serial: str, turn: Turn) -> HidTransport:
    """Open the HID interface of the token with that serial. The transport ends `turn` when it is closed.

    Raises NotPluggedInError, SameSerialError, NoPermissionError, TokenInUseError, UnfitDeviceError and the classes of
    `library`.
    """
    found = [one for one in listing() if one.serial.lower() == serial.lower()]
    if not found:
        raise _absent(serial)
    if len(found) > 1:
        raise SameSerialError
    path = found[0].path
    device = library().device()
    try:
        device.open_path(path)
    except OSError as error:
        raise _closed(path) from error
    try:
        # A path is used again: another device may have been plugged in since we looked.
        if (device.get_serial_number_string() or "").lower() != serial.lower():
            raise NotPluggedInError("Another device was plugged in at the moment in which the token was to be opened.")
        size = report_size(bytes(device.get_report_descriptor()))
    except ReportDescriptorError as error:
        device.close()
        raise UnfitDeviceError(f"The HID interface of the device is not that of a token: {error}.") from error
    except OSError as error:
        device.close()
        raise TokenGoneError from error
    except BaseException:
        device.close()
        raise
    return HidTransport(device, size, turn)


def _absent(serial: str) -> DeviceError:
    """Nothing to open. Linux can tell a token that is away from one that a program has taken from the HID driver."""
    there = next((one for one in sysfs.tokens() if one.serial.lower() == serial.lower()), None)
    if there is not None and there.hid is not None and there.hid.hidraw is None:
        if there.hid.driver == "usbfs":
            return TokenInUseError("Another program has taken the token's HID interface.")
        return CannotHidError()
    return NotPluggedInError()


class CannotHidError(DeviceError):
    """The token is plugged in, but this system's HID driver has not taken it."""

    code = "no_hid_driver"
    next_step = "Use its other address: coldshare tokens. Or unplug it and plug it in again."


def _closed(path: bytes) -> DeviceError:
    """Why hidapi, which does not tell, could not open it."""
    if not sys.platform.startswith("linux"):
        return TokenInUseError("The token cannot be opened: another program has it, or your account may not use it.")
    error = _refusal(path)
    if error is None:
        return TokenInUseError("The token could not be opened at that moment.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NoPermissionError()
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return NotPluggedInError()
    if error.errno == errno.EBUSY:
        return TokenInUseError()
    return DeviceError(
        f"The token cannot be opened: {os.strerror(error.errno or 0)}.", next_step=TokenGoneError.next_step
    )


def _refusal(path: bytes) -> OSError | None:
    """What the kernel says to who opens that node."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return error
    return None
