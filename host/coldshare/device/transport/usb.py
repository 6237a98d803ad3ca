"""`usb:SERIAL`: a token's bulk interface, by pyusb and libusb. A whole message is one USB transfer."""

from __future__ import annotations

import array
import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from coldshare.device import sysfs
from coldshare.device.errors import (
    CarrierError,
    DeviceError,
    LibraryMissingError,
    NoPermissionError,
    NotPluggedInError,
    SameSerialError,
    TokenGoneError,
    TokenInUseError,
    TokenTimeoutError,
    TransportUnavailableError,
    UnfitDeviceError,
)
from coldshare.device.turn import Turn
from coldshare_iface import wire

#: Room for the longest frame, in whole packets of full and of high speed: a shorter read could overflow.
_READ_SIZE = 7680
_HEADER = 7
#: Five seconds. In slices, because a signal is heard between two calls into libusb and in none.
_WRITE_SLICE_MS = 250
_WRITE_SLICES = 20
#: What a control request gets, in milliseconds.
_CONTROL_MS = 500
_GONE = (errno.ENODEV, errno.ENOENT, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class Listed:
    """A token that libusb sees. `device` is pyusb's; `release` is bcdDevice."""

    serial: str
    product: str
    manufacturer: str
    release: int
    device: Any


@cache
def backend() -> Any:
    """pyusb's backend: the libusb of the package libusb-package, else this system's. Raises LibraryMissingError."""
    try:
        from usb.backend import libusb1  # type: ignore[import-untyped]
    except ImportError as error:
        raise LibraryMissingError(
            "The library for USB devices, pyusb, is not installed or cannot be loaded.",
            next_step="Install it: pip install pyusb. Or use the token's hid: address.",
        ) from error
    found = None
    with suppress(ImportError):
        import libusb_package

        found = libusb1.get_backend(find_library=libusb_package.find_library)
    if found is None:
        found = libusb1.get_backend()
    if found is None:
        raise LibraryMissingError(
            "There is no libusb on this computer, which usb: addresses need.",
            next_step="Install it: pip install libusb-package. Or use the token's hid: address, which does without.",
        )
    return found


def listing() -> list[Listed]:
    """The tokens that libusb sees. On Linux no device is opened; elsewhere what cannot be opened is not listed.

    Raises LibraryMissingError.
    """
    import usb.core  # type: ignore[import-untyped]
    import usb.util  # type: ignore[import-untyped]

    found: list[Listed] = []
    known = {(one.bus, one.address): one for one in sysfs.tokens()}
    ids = {"idVendor": wire.USB_VENDOR, "idProduct": wire.USB_PRODUCT}
    devices: Any = usb.core.find(find_all=True, backend=backend(), **ids)
    for device in devices:
        if sysfs.present():
            seen = known.get((device.bus, device.address))
            if seen is not None:
                found.append(Listed(seen.serial, seen.product, seen.manufacturer, seen.release, device))
            continue
        device.default_timeout = _CONTROL_MS
        # ValueError: a device that tells no languages, be it dead or not ours to ask.
        with suppress(usb.core.USBError, ValueError, NotImplementedError):
            if device.product == wire.USB_PRODUCT_STRING:
                strings = device.serial_number or "", device.product, device.manufacturer or ""
                found.append(Listed(*strings, device.bcdDevice, device))
        usb.util.dispose_resources(device)
    return found


class UsbTransport:
    """An open bulk interface behind the three methods of a transport.

    `device` is pyusb's; `into` and `out_of` are the addresses of the endpoints to the token and from it, `packet` is
    the size of their packets in bytes.
    """

    report_size = wire.BULK_FRAME_MAX
    unattended = False

    def __init__(
        self,
        device: Any,
        interface: int,
        into: int,
        out_of: int,
        packet: int,
        turn: Turn,
    ) -> None:
        self._device = device
        self._interface = interface
        self._into = into
        self._out_of = out_of
        self._packet = packet
        self._turn = turn
        self._torn = False  # part of a frame is on the token, and will not be followed by its rest
        self._came = bytearray()  # part of a frame from the token
        self._room = array.array("B", bytes(_READ_SIZE))

    def resynchronise(self) -> None:
        """Let both sides forget what an earlier program has left half-sent or unread."""
        with _spoken():
            self._device.clear_halt(self._into)
            self._device.clear_halt(self._out_of)

    def write(self, report: bytes) -> None:
        with _spoken():
            if self._torn:
                self._device.clear_halt(self._into)
            self._torn = True
            at = 0
            while at < len(report):
                # What did not go out in time goes on where it stopped: whole packets did.
                at += self._out(report[at:])
            if len(report) % self._packet == 0:
                self._out(b"")
            self._torn = False

    def _out(self, data: bytes) -> int:
        """How many bytes went out in a slice; of no bytes, once they did. Raises USBError, TokenTimeoutError."""
        from usb.core import USBTimeoutError

        for _ in range(_WRITE_SLICES):
            with suppress(USBTimeoutError):
                sent: int = self._device.write(self._into, data, _WRITE_SLICE_MS)
                if sent or not data:
                    return sent
        raise TokenTimeoutError("The token does not take what is sent to it.")

    def read(self, timeout: float) -> bytes | None:
        milliseconds = max(1, round(timeout * 1000))  # 0 would wait for ever
        while True:
            count = self._in(milliseconds)
            if count is None or not (count or self._came):
                return None
            self._came += self._room[:count].tobytes()
            # A transfer ends with a packet that is not full. Without one the rest of the frame is still to come, or
            # only the empty packet after it, for which nobody has to wait.
            if count % self._packet or not count or self._whole():
                frame = bytes(self._came)
                self._came.clear()
                return frame

    def _in(self, milliseconds: int) -> int | None:
        """How many bytes came in a slice, none where there was but an empty packet; None when nothing came."""
        from usb.core import USBTimeoutError

        with _spoken():
            try:
                count: int = self._device.read(self._out_of, self._room, milliseconds)
            except USBTimeoutError:
                return None
        return count

    def _whole(self) -> bool:
        """Whether all is there that the frame's own header says. One that is too long is for others to refuse."""
        came = self._came
        return len(came) >= _HEADER and len(came) >= min(_HEADER + (came[5] << 8 | came[6]), wire.BULK_FRAME_MAX)

    def close(self) -> None:
        from usb import util
        from usb.core import USBError

        try:
            with suppress(USBError, NotImplementedError):
                util.release_interface(self._device, self._interface)
            util.dispose_resources(self._device)
        finally:
            self._turn.close()


def open_usb(serial: str, turn: Turn) -> UsbTransport:
    """Open the bulk interface of the token with that serial. The transport ends `turn` when it is closed.

    Raises NotPluggedInError, SameSerialError, NoPermissionError, TokenInUseError, UnfitDeviceError,
    LibraryMissingError and TransportUnavailableError.
    """
    from usb import util

    found = [one for one in listing() if one.serial.lower() == serial.lower()]
    if not found:
        raise NotPluggedInError
    if len(found) > 1:
        raise SameSerialError
    device = found[0].device
    device.default_timeout = _CONTROL_MS
    try:
        with _spoken(opening=True):
            transport = _claim(device, turn)
            # An address on the bus is used again: another device may have been plugged in since we looked.
            if _serial(device).lower() != serial.lower():
                raise NotPluggedInError(
                    "Another device was plugged in at the moment in which the token was to be opened."
                )
        transport.resynchronise()
    except BaseException:
        util.dispose_resources(device)
        raise
    return transport


def _claim(device: Any, turn: Turn) -> UsbTransport:
    from usb import util

    kind = dict(
        zip(("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"), wire.USB_BULK_INTERFACE, strict=True)
    )
    interface: Any = util.find_descriptor(_configuration(device), **kind)
    if interface is None:
        raise UnfitDeviceError("This token has no interface for bulk transfers.")
    endpoints: dict[int, Any] = {}
    for one in interface:
        if util.endpoint_type(one.bmAttributes) == util.ENDPOINT_TYPE_BULK:
            endpoints[util.endpoint_direction(one.bEndpointAddress)] = one
    if len(endpoints) != 2:
        raise UnfitDeviceError("This token's interface for bulk transfers has not one endpoint each way.")
    into, out_of = endpoints[util.ENDPOINT_OUT], endpoints[util.ENDPOINT_IN]
    number = interface.bInterfaceNumber
    util.claim_interface(device, number)
    packet = into.wMaxPacketSize
    if packet < 8 or _READ_SIZE % packet or out_of.wMaxPacketSize != packet:
        raise UnfitDeviceError(f"This token's packets have {packet} and {out_of.wMaxPacketSize} bytes.")
    return UsbTransport(device, number, into.bEndpointAddress, out_of.bEndpointAddress, packet, turn)


def _configuration(device: Any) -> Any:
    """The active one. Setting it again would reset the HID interface under whoever uses it."""
    from usb.core import USBError

    try:
        return device.get_active_configuration()
    except USBError as error:
        if error.errno is not None:
            raise
    device.set_configuration()
    return device.get_active_configuration()


def _serial(device: Any) -> str:
    """As the open device tells it, now. Raises USBError."""
    from usb import util

    # Asked for here, because pyusb takes a device that does not answer for one without strings.
    languages = util.get_langids(device)
    return util.get_string(device, device.iSerialNumber, languages[0]) or "" if languages else ""


@contextmanager
def _spoken(*, opening: bool = False) -> Iterator[None]:
    """What pyusb raises, in our classes."""
    from usb.core import USBError

    try:
        yield
    except USBError as error:
        raise _error(error, opening) from error
    except NotImplementedError as error:
        raise TransportUnavailableError(
            "This system has no driver through which programs reach the token's bulk interface.",
            next_step="Use the token's hid: address.",
        ) from error


def _error(error: OSError, opening: bool) -> DeviceError:
    code = error.errno
    if code in (errno.EACCES, errno.EPERM):
        return NoPermissionError()
    if code == errno.EBUSY:
        return TokenInUseError("Another program has taken the token's bulk interface.")
    if code in _GONE:
        return NotPluggedInError() if opening else TokenGoneError()
    if code == errno.EIO:
        # What a cable says that is being pulled out, and a bad one.
        return TokenGoneError("The link to the token broke.")
    if code == errno.ETIMEDOUT:
        return TokenTimeoutError()
    if code == errno.EPIPE:
        return CarrierError("The token has halted its bulk interface.")
    return CarrierError(f"USB does not carry what is sent to the token: {error.strerror}.")
