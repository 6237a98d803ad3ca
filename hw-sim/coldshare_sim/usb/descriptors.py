"""What the token tells a computer about itself on the bus: two interfaces, HID and bulk, at full or high speed.

Numbers are those of USB 2.0 chapter 9, HID 1.11, and Microsoft's OS 2.0 descriptors.
"""

from __future__ import annotations

import struct
from enum import Enum

from coldshare_firmware import VERSION
from coldshare_iface import wire

HID_INTERFACE = 0
BULK_INTERFACE = 1
HID_IN, HID_OUT = 0x81, 0x01
BULK_IN, BULK_OUT = 0x82, 0x02
CONFIGURATION_VALUE = 1
#: The endpoint of control requests, at either speed.
CONTROL_PACKET = 64
MANUFACTURER = "coldshare"

DEVICE = 1
CONFIGURATION = 2
STRING = 3
INTERFACE = 4
ENDPOINT = 5
QUALIFIER = 6
OTHER_SPEED = 7
BOS = 15
CAPABILITY = 16
HID = 0x21
REPORT = 0x22

#: The vendor request with which Windows asks for the descriptors below, and its wIndex.
MICROSOFT_REQUEST = 0x20
MICROSOFT_INDEX = 7

_CLASS_HID = 3
_INTERRUPT = 3
_BULK = 2
_USB_2_1 = 0x0210  # the first version with a BOS
_BUS_POWERED = 0x80
_POWER = 50  # in units of 2 mA
_ENGLISH = 0x0409
_USB_2_EXTENSION = 2
_PLATFORM = 5
# {D8DD60DF-4589-4CC7-9CD2-659D9E648A9F}, as it goes over the wire: it says that what follows is Microsoft's.
_MICROSOFT = bytes.fromhex("df60ddd8 8945 c74c 9cd2 659d9e648a9f")
_WINDOWS_8_1 = 0x06030000
# Of this interface of ours; programs on Windows find it by that.
_INTERFACE_GUID = "{5D1B7A52-6E0C-4C53-9C0F-6B7F0E2F4C1A}"
_MULTI_SZ = 7


class Speed(Enum):
    """A speed of the bus, by the number that Linux has for it."""

    FULL = 2
    HIGH = 3

    @property
    def report_size(self) -> int:
        """Bytes in a HID report."""
        return wire.REPORT_FS if self is Speed.FULL else wire.REPORT_HS

    @property
    def bulk_packet(self) -> int:
        """Bytes in a packet of the bulk endpoints."""
        return 64 if self is Speed.FULL else 512

    @property
    def _millisecond(self) -> int:
        """bInterval for one millisecond: frames at full speed, a power of two of microframes at high speed."""
        return 1 if self is Speed.FULL else 4


def report(speed: Speed) -> bytes:
    """The report descriptor: a page of the vendor's own, one report each way, bytes without a meaning."""
    page = wire.HID_USAGE_PAGE
    size = speed.report_size
    # All of its numbers at each report: there are parsers that inherit none.
    # fmt: off
    field = bytes((
        0x15, 0x00,                     # logical minimum 0
        0x26, 0xFF, 0x00,               # logical maximum 255
        0x75, 0x08,                     # report size: 8 bits
        0x96, size & 0xFF, size >> 8,   # report count
    ))
    return (
        bytes((0x06, page & 0xFF, page >> 8))  # usage page
        + bytes((0x09, 0x01, 0xA1, 0x01))      # usage; collection: application
        + bytes((0x09, 0x20)) + field
        + bytes((0x81, 0x02))                  # input: data, variable, absolute
        + bytes((0x09, 0x21)) + field
        + bytes((0x91, 0x02))                  # output: data, variable, absolute
        + bytes((0xC0,))                       # end of collection
    )
    # fmt: on


def hid(speed: Speed) -> bytes:
    """The HID descriptor, version 1.11, with one report descriptor."""
    return struct.pack("<BBHBBBH", 9, HID, 0x0111, 0, 1, REPORT, len(report(speed)))


def _endpoint(address: int, kind: int, size: int, interval: int) -> bytes:
    return struct.pack("<BBBBHB", 7, ENDPOINT, address, kind, size, interval)


def _interface(number: int, kind: tuple[int, int, int], name: int) -> bytes:
    return struct.pack("<9B", 9, INTERFACE, number, 0, 2, *kind, name)


def configuration(speed: Speed, kind: int = CONFIGURATION) -> bytes:
    """The configuration with everything in it; `kind` is OTHER_SPEED for how it would be at the other one."""
    every = speed._millisecond
    body = (
        _interface(HID_INTERFACE, (_CLASS_HID, 0, 0), 4)
        + hid(speed)
        + _endpoint(HID_IN, _INTERRUPT, speed.report_size, every)
        + _endpoint(HID_OUT, _INTERRUPT, speed.report_size, every)
        + _interface(BULK_INTERFACE, wire.USB_BULK_INTERFACE, 5)
        + _endpoint(BULK_IN, _BULK, speed.bulk_packet, 0)
        + _endpoint(BULK_OUT, _BULK, speed.bulk_packet, 0)
    )
    head = struct.pack("<BBHBBBBB", 9, kind, 9 + len(body), 2, CONFIGURATION_VALUE, 0, _BUS_POWERED, _POWER)
    return head + body


def release() -> int:
    """bcdDevice: the firmware's version, major and minor."""
    major, minor = (int(part) for part in VERSION.split(".")[:2])
    return major << 8 | minor


def device() -> bytes:
    return struct.pack(
        "<BBHBBBBHHHBBBB",
        18,
        DEVICE,
        _USB_2_1,
        0,
        0,
        0,
        CONTROL_PACKET,
        wire.USB_VENDOR,
        wire.USB_PRODUCT,
        release(),
        1,
        2,
        3,
        1,
    )


def qualifier() -> bytes:
    """How the device would be at its other speed. One that knows no high speed has none (USB 2.0, 9.6.2)."""
    return struct.pack("<BBHBBBBBB", 10, QUALIFIER, _USB_2_1, 0, 0, 0, CONTROL_PACKET, 1, 0)


def strings(serial: str) -> list[bytes]:
    """The string descriptors by their index; the first one names the language."""
    texts = (MANUFACTURER, wire.USB_PRODUCT_STRING, serial, "coldshare HID", "coldshare bulk")
    return [struct.pack("<BBH", 4, STRING, _ENGLISH), *(_string(text) for text in texts)]


def _string(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return bytes((2 + len(data), STRING)) + data


def microsoft() -> bytes:
    """The OS 2.0 descriptor set: Windows gives the bulk interface to WinUSB without an .inf file."""
    driver = struct.pack("<HH8s8s", 20, 3, b"WINUSB", b"")
    name = _wide("DeviceInterfaceGUIDs\0")
    value = _wide(f"{_INTERFACE_GUID}\0\0")
    size = 10 + len(name) + len(value)
    named = struct.pack("<HHHH", size, 4, _MULTI_SZ, len(name)) + name + struct.pack("<H", len(value)) + value
    function = struct.pack("<HHBBH", 8, 2, BULK_INTERFACE, 0, 8 + len(driver) + len(named)) + driver + named
    # Windows counts configurations from 0 here, whatever their own value is.
    inner = struct.pack("<HHBBH", 8, 1, 0, 0, 8 + len(function)) + function
    return struct.pack("<HHIH", 10, 0, _WINDOWS_8_1, 10 + len(inner)) + inner


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def bos() -> bytes:
    """The binary object store: no link power management, and where Microsoft's descriptors are."""
    extension = struct.pack("<BBBI", 7, CAPABILITY, _USB_2_EXTENSION, 0)
    about = struct.pack("<IHBB", _WINDOWS_8_1, len(microsoft()), MICROSOFT_REQUEST, 0)
    platform = struct.pack("<BBBB", 28, CAPABILITY, _PLATFORM, 0) + _MICROSOFT + about
    return struct.pack("<BBHB", 5, BOS, 5 + len(extension) + len(platform), 2) + extension + platform
