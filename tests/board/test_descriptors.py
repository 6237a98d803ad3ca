"""The descriptors, read by parsers that are not ours."""

from __future__ import annotations

import hid_parser
import pytest
from fido2.hid.base import parse_report_descriptor
from usb_protocol.types.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)

from coldshare_firmware import VERSION
from coldshare_iface import wire
from coldshare_pico import descriptors


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
    major, minor = VERSION.split(".")[:2]
    assert descriptors.device()[12:14] == bytes((int(minor), int(major)))


def test_the_configuration() -> None:
    data = descriptors.configuration()
    head, interface, hid, *endpoints = parts(data)
    found = ConfigurationDescriptor.parse(head)
    assert (found.wTotalLength, found.bNumInterfaces, found.bConfigurationValue) == (len(data), 1, 1)
    assert head[7] == 0x80  # powered by the bus, no remote wake-up
    face = InterfaceDescriptor.parse(interface)
    assert (face.bInterfaceClass, face.bInterfaceSubclass, face.bInterfaceProtocol) == (3, 0, 0)
    assert face.bNumEndpoints == len(endpoints) == 2
    assert hid == descriptors.hid()
    assert int.from_bytes(hid[7:9], "little") == len(descriptors.report())
    read = [EndpointDescriptor.parse(one) for one in endpoints]
    assert [one.bEndpointAddress for one in read] == [0x81, 0x01]
    for one in read:
        assert (one.bmAttributes & 3, one.wMaxPacketSize, one.bInterval) == (3, wire.REPORT_FS, 1)


# One usage for 64 fields: it counts for all of them (HID 1.11, 6.2.2.8), as in FIDO's own descriptor. This parser says
# so and looks at the first field only; how many there are is the next test's.
@pytest.mark.filterwarnings("ignore:Expecting 64 usages:hid_parser.HIDComplianceWarning")
def test_the_report() -> None:
    found = hid_parser.ReportDescriptor(descriptors.report())
    assert found.input_report_ids == found.output_report_ids == [None]
    assert found.feature_report_ids == []
    items = list(found.get_input_items()) + list(found.get_output_items())
    assert len(items) == 2
    for item in items:
        assert (item.logical_min, item.logical_max, int(item.size)) == (0, 255, 8)
        assert item.data
        assert item.absolute
    assert {item.usage.page for item in items} == {wire.HID_USAGE_PAGE}


def test_the_reports_are_as_long_as_a_security_keys() -> None:
    """python-fido2's parser, which knows FIDO's usage page only."""
    ours = wire.HID_USAGE_PAGE.to_bytes(2, "little")
    data = descriptors.report()
    assert data.count(b"\x06" + ours) == 1
    assert parse_report_descriptor(data.replace(b"\x06" + ours, b"\x06\xd0\xf1")) == (64, 64)


def test_the_strings() -> None:
    language, *strings = descriptors.strings("0001020304050607")
    assert language is None
    assert strings == ["coldshare", wire.USB_PRODUCT_STRING, "0001020304050607"]
