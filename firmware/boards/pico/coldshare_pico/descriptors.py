"""What the board tells a computer about itself on the bus. Portable subset; no machine access.

One configuration, one interface: a vendor HID with reports of 64 bytes, no report ids, interrupt endpoints both ways.
"""

import struct

from coldshare_firmware import VERSION
from coldshare_iface import wire

#: The endpoint's number; with bit 7 it is the one to the computer.
ENDPOINT = 1
IN = 0x80 | ENDPOINT
OUT = ENDPOINT
SIZE = wire.REPORT_FS

MANUFACTURER = "coldshare"
_POWER = 50  # in units of 2 mA

# Descriptor types, and the class that HID is.
DEVICE = 1
CONFIGURATION = 2
INTERFACE = 4
ENDPOINT_TYPE = 5
HID = 0x21
REPORT = 0x22
_CLASS_HID = 3
_INTERRUPT = 3


def report() -> bytes:
    """The report descriptor: a page of the vendor's own, one report each way, bytes without a meaning."""
    page = wire.HID_USAGE_PAGE
    # Laid out like FIDO's, each report with all of its numbers: there are parsers that inherit none.
    # fmt: off
    field = bytes((
        0x15, 0x00,        # logical minimum 0
        0x26, 0xFF, 0x00,  # logical maximum 255
        0x75, 0x08,        # report size: 8 bits
        0x95, SIZE,        # report count
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


def hid() -> bytes:
    """The HID descriptor, version 1.11, with one report descriptor."""
    return struct.pack("<BBHBBBH", 9, HID, 0x0111, 0, 1, REPORT, len(report()))


def _endpoint(address: int) -> bytes:
    return struct.pack("<BBBBHB", 7, ENDPOINT_TYPE, address, _INTERRUPT, SIZE, 1)  # every millisecond


def configuration() -> bytes:
    interface = struct.pack("<BBBBBBBBB", 9, INTERFACE, 0, 0, 2, _CLASS_HID, 0, 0, 0)
    body = interface + hid() + _endpoint(IN) + _endpoint(OUT)
    return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), 1, 1, 0, 0x80, _POWER) + body


def device() -> bytes:
    """The device descriptor; its version is the firmware's, major and minor."""
    major, minor = [int(part) for part in VERSION.split(".")[:2]]
    return struct.pack(
        "<BBHBBBBHHHBBBB",
        18,
        DEVICE,
        0x0200,
        0,
        0,
        0,
        64,
        wire.USB_VENDOR,
        wire.USB_PRODUCT,
        major << 8 | minor,
        1,
        2,
        3,
        1,
    )


def strings(serial: str) -> "list[str | None]":
    """By their index. The first one is the language, and MicroPython has that."""
    return [None, MANUFACTURER, wire.USB_PRODUCT_STRING, serial]
