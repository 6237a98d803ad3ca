"""The descriptors of the simulated device, read by parsers that are not ours."""

from __future__ import annotations

import struct
from uuid import UUID

import hid_parser
import pytest
from fido2.hid.base import parse_report_descriptor
from usb_protocol.types.descriptors.standard import (
    BinaryObjectStoreDescriptor,
    ConfigurationDescriptor,
    DeviceDescriptor,
    DeviceQualifierDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    StringDescriptor,
    StringLanguageDescriptor,
    USB2ExtensionDescriptor,
)

from coldshare_firmware import VERSION
from coldshare_iface import wire
from coldshare_sim.usb import descriptors
from coldshare_sim.usb.descriptors import Speed

SPEEDS = pytest.mark.parametrize("speed", list(Speed))


def parts(data: bytes) -> list[bytes]:
    """A configuration cut along its lengths."""
    found = []
    while data:
        found.append(data[: data[0]])
        data = data[data[0] :]
    return found


def test_the_device() -> None:
    found = DeviceDescriptor.parse(descriptors.device())
    assert (found.idVendor, found.idProduct) == (wire.USB_VENDOR, wire.USB_PRODUCT)
    assert (found.bDeviceClass, found.bMaxPacketSize0, found.bNumConfigurations) == (0, 64, 1)
    assert [found.iManufacturer, found.iProduct, found.iSerialNumber] == [1, 2, 3]
    assert found.bcdUSB == 2.1
    major, minor = VERSION.split(".")[:2]
    assert descriptors.device()[12:14] == bytes((int(minor), int(major)))


def test_the_qualifier() -> None:
    # usb-protocol takes 9 for its length; USB 2.0, table 9-9, has ten fields of a byte each but for bcdUSB.
    found = DeviceQualifierDescriptor.parse(b"\x09" + descriptors.qualifier()[1:])
    assert (found.bMaxPacketSize0, found.bNumConfigurations) == (64, 1)
    assert descriptors.qualifier()[0] == len(descriptors.qualifier()) == 10


@SPEEDS
def test_the_configuration(speed: Speed) -> None:
    data = descriptors.configuration(speed)
    head, hid_face, hid, hid_in, hid_out, bulk_face, bulk_in, bulk_out = parts(data)
    found = ConfigurationDescriptor.parse(head)
    assert (found.wTotalLength, found.bNumInterfaces, found.bConfigurationValue) == (len(data), 2, 1)
    assert head[7] == 0x80  # powered by the bus, no remote wake-up
    kinds = []
    for number, face in enumerate((hid_face, bulk_face)):
        read = InterfaceDescriptor.parse(face)
        assert (read.bInterfaceNumber, read.bAlternateSetting, read.bNumEndpoints) == (number, 0, 2)
        kinds.append((read.bInterfaceClass, read.bInterfaceSubclass, read.bInterfaceProtocol))
    assert kinds == [(3, 0, 0), wire.USB_BULK_INTERFACE]
    assert hid == descriptors.hid(speed)
    assert int.from_bytes(hid[7:9], "little") == len(descriptors.report(speed))
    endpoints = [EndpointDescriptor.parse(one) for one in (hid_in, hid_out, bulk_in, bulk_out)]
    assert [one.bEndpointAddress for one in endpoints] == [0x81, 0x01, 0x82, 0x02]
    assert [one.bmAttributes & 3 for one in endpoints] == [3, 3, 2, 2]
    packet = {Speed.FULL: 64, Speed.HIGH: 512}[speed]
    report = {Speed.FULL: wire.REPORT_FS, Speed.HIGH: wire.REPORT_HS}[speed]
    assert [one.wMaxPacketSize for one in endpoints] == [report, report, packet, packet]
    every = {Speed.FULL: 1, Speed.HIGH: 4}[speed]  # 1 frame, 2**3 microframes
    assert [one.bInterval for one in endpoints] == [every, every, 0, 0]


def test_the_other_speed_is_the_same_but_for_its_kind() -> None:
    other = descriptors.configuration(Speed.FULL, descriptors.OTHER_SPEED)
    assert other[1] == 7
    assert other[:1] + b"\2" + other[2:] == descriptors.configuration(Speed.FULL)


# One usage for all fields: it counts for all of them (HID 1.11, 6.2.2.8), as in FIDO's own descriptor.
@pytest.mark.filterwarnings("ignore:Expecting .* usages:hid_parser.HIDComplianceWarning")
@SPEEDS
def test_the_report(speed: Speed) -> None:
    found = hid_parser.ReportDescriptor(descriptors.report(speed))
    assert found.input_report_ids == found.output_report_ids == [None]
    assert found.feature_report_ids == []
    items = list(found.get_input_items()) + list(found.get_output_items())
    assert {item.usage.page for item in items} == {wire.HID_USAGE_PAGE}
    assert [(item.logical_min, item.logical_max, int(item.size)) for item in items] == [(0, 255, 8)] * 2


@SPEEDS
def test_the_reports_are_as_long_as_they_should_be(speed: Speed) -> None:
    """python-fido2's parser, which counts them, and knows FIDO's usage page only."""
    ours = wire.HID_USAGE_PAGE.to_bytes(2, "little")
    data = descriptors.report(speed)
    assert data.count(b"\x06" + ours) == 1
    assert parse_report_descriptor(data.replace(b"\x06" + ours, b"\x06\xd0\xf1")) == (speed.report_size,) * 2


def test_the_strings() -> None:
    language, *strings = descriptors.strings("0001020304050607")
    assert list(StringLanguageDescriptor.parse(language).wLANGID) == [0x0409]
    assert [StringDescriptor.parse(one).bString for one in strings] == [
        "coldshare",
        wire.USB_PRODUCT_STRING,
        "0001020304050607",
        "coldshare HID",
        "coldshare bulk",
    ]


def test_the_object_store_leads_to_the_descriptors_for_windows() -> None:
    data = descriptors.bos()
    head, extension, platform = parts(data)
    found = BinaryObjectStoreDescriptor.parse(head)
    assert (found.wTotalLength, found.bNumDeviceCaps) == (len(data), 2)
    assert USB2ExtensionDescriptor.parse(extension).bmAttributes == 0
    assert platform[:4] == bytes((28, 16, 5, 0))
    assert UUID(bytes_le=platform[4:20]) == UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f")
    version, size, request, alternative = struct.unpack("<IHBB", platform[20:])
    assert (version, size) == (0x06030000, len(descriptors.microsoft()))
    assert (request, alternative) == (descriptors.MICROSOFT_REQUEST, 0)


def test_windows_gives_the_bulk_interface_to_winusb() -> None:
    """Nobody publishes a parser of these in Python: read by the specification's tables 10 to 15."""
    data = descriptors.microsoft()
    assert struct.unpack_from("<HHIH", data) == (10, 0, 0x06030000, len(data))
    assert struct.unpack_from("<HHBBH", data, 10) == (8, 1, 0, 0, len(data) - 10)
    assert struct.unpack_from("<HHBBH", data, 18) == (8, 2, descriptors.BULK_INTERFACE, 0, len(data) - 18)
    assert struct.unpack_from("<HH8s8s", data, 26) == (20, 3, b"WINUSB\0\0", bytes(8))
    size, kind, type_, named = struct.unpack_from("<HHHH", data, 46)
    assert (size, kind, type_) == (len(data) - 46, 4, 7)
    name = data[54 : 54 + named].decode("utf-16-le")
    assert name == "DeviceInterfaceGUIDs\0"
    (length,) = struct.unpack_from("<H", data, 54 + named)
    value = data[56 + named :]
    assert len(value) == length == 80
    text = value.decode("utf-16-le")
    assert text.endswith("\0\0")
    assert UUID(text.rstrip("\0")).version == 4
