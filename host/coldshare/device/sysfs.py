"""What Linux knows of the tokens on its buses, read from sysfs: no permission is needed, and no device is asked.

So a device that is dead, or that another program has taken, is listed like any other and delays nobody.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from coldshare_iface import wire

#: Every USB device and every interface has a folder here.
DEVICES = Path("/sys/bus/usb/devices")
#: Where the kernel's nodes are.
NODES = Path("/dev")

_HID_CLASS = 3
#: As the kernel writes them: without zeros in front.
_IDS = [f"{wire.USB_VENDOR:x}", f"{wire.USB_PRODUCT:x}"]
#: More than any attribute has.
_ATTRIBUTE_MAX = 1024


@dataclass(frozen=True, slots=True)
class Interface:
    """`kind` is class, subclass and protocol. `driver` is None when no driver has it; "usbfs" is a program. `hidraw`
    is the path of its node, for a HID interface that the kernel's driver has."""

    number: int
    kind: tuple[int, int, int]
    driver: str | None
    hidraw: str | None


@dataclass(frozen=True, slots=True)
class Device:
    """A USB device with the ids and the product string of a token. `release` is its bcdDevice, `node` the path for
    libusb. `serial` is as the device tells it: nobody has checked that it is one."""

    folder: Path
    bus: int
    address: int
    serial: str
    product: str
    manufacturer: str
    release: int
    node: str
    interfaces: tuple[Interface, ...]

    @property
    def hid(self) -> Interface | None:
        return next((one for one in self.interfaces if one.kind[0] == _HID_CLASS), None)

    @property
    def bulk(self) -> Interface | None:
        return next((one for one in self.interfaces if one.kind == wire.USB_BULK_INTERFACE), None)


def present() -> bool:
    """Whether there is such a thing here: on Linux, unless something hides it."""
    return DEVICES.is_dir()


def tokens() -> list[Device]:
    """The devices that say they are tokens, by bus and address."""
    return sorted(_devices(wire.USB_PRODUCT_STRING), key=lambda one: (one.bus, one.address))


def strangers() -> list[Device]:
    """Devices with the USB ids of tokens that say they are something else."""
    return [one for one in _devices(None) if one.product != wire.USB_PRODUCT_STRING]


def at(bus: int, address: int) -> Device | None:
    """The token at that place."""
    return next((one for one in tokens() if (one.bus, one.address) == (bus, address)), None)


def _devices(product: str | None) -> list[Device]:
    # Strings, and as few files as there can be: whoever waits for a token looks here often. A file called uevent has in
    # one read what other programs are told of a device; the serial and the other strings are in files of their own.
    top = str(DEVICES)
    try:
        names = os.listdir(top)  # noqa: PTH208
    except OSError:
        return []
    found: list[Device] = []
    for name in names:
        if ":" in name or name.startswith("usb"):  # an interface, or a root hub
            continue
        folder = f"{top}/{name}"
        told = _told(folder)
        ids = told.get("PRODUCT", "").split("/")
        if ids[:2] != _IDS:
            continue
        said = _text(f"{folder}/product")
        if product is not None and said != product:
            continue
        try:
            bus, address, release = int(told["BUSNUM"]), int(told["DEVNUM"]), int(ids[2], 16)
        except (KeyError, ValueError, IndexError):  # it was pulled out while we read
            continue
        found.append(
            Device(
                folder=DEVICES / name,
                bus=bus,
                address=address,
                serial=_text(f"{folder}/serial"),
                product=said,
                manufacturer=_text(f"{folder}/manufacturer"),
                release=release,
                node=f"{NODES}/bus/usb/{bus:03}/{address:03}",
                interfaces=_interfaces(folder, name, names),
            )
        )
    return found


def _interfaces(device: str, name: str, names: list[str]) -> tuple[Interface, ...]:
    """Those of the device called `name`; `names` is all that is on the buses."""
    found: list[Interface] = []
    for one in sorted(names):
        if not one.startswith(f"{name}:"):
            continue
        folder = f"{device}/{one}"
        told = _told(folder)
        try:
            # After the configuration, as in 1-1:1.0
            number = int(one.rpartition(".")[2])
            a, b, c = (int(part) for part in told["INTERFACE"].split("/"))
        except (KeyError, ValueError):
            continue
        hidraw = _hidraw(folder) if a == _HID_CLASS else None
        found.append(Interface(number, (a, b, c), told.get("DRIVER"), hidraw))
    return tuple(found)


def _hidraw(interface: str) -> str | None:
    """The node that the kernel's HID driver has made: .../0003:1209:0001.0001/hidraw/hidraw0"""
    try:
        for name in os.listdir(interface):  # noqa: PTH208
            if name.count(":") == 2:
                for node in os.listdir(f"{interface}/{name}/hidraw"):  # noqa: PTH208
                    return f"{NODES}/{node}"
    except OSError:
        pass
    return None


def _told(folder: str) -> dict[str, str]:
    """What the kernel tells whoever listens, by name."""
    return dict(line.split("=", 1) for line in _text(f"{folder}/uevent").split("\n") if "=" in line)


def _text(path: str) -> str:
    """What is in an attribute; empty when there is none, or when the device was pulled out while we read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _ATTRIBUTE_MAX).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
