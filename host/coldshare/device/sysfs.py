"""What Linux knows of the tokens on its buses, read from sysfs: no permission is needed, and no device is asked.

So a device that is dead, or that another program has taken, is listed like any other and delays nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coldshare_iface import wire

#: Every USB device and every interface has a folder here.
DEVICES = Path("/sys/bus/usb/devices")
#: Where the kernel's nodes are.
NODES = Path("/dev")

_HID_CLASS = 3
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
    try:
        folders = sorted(DEVICES.iterdir())
    except OSError:
        return []
    found: list[Device] = []
    for folder in folders:
        if ":" in folder.name:  # an interface
            continue
        if _number(folder, "idVendor", 16) != wire.USB_VENDOR or _number(folder, "idProduct", 16) != wire.USB_PRODUCT:
            continue
        said = _text(folder, "product")
        bus, address = _number(folder, "busnum"), _number(folder, "devnum")
        # One that was pulled out while we read has no numbers any more.
        if (product is not None and said != product) or bus is None or address is None:
            continue
        found.append(
            Device(
                folder=folder,
                bus=bus,
                address=address,
                serial=_text(folder, "serial"),
                product=said,
                manufacturer=_text(folder, "manufacturer"),
                release=_number(folder, "bcdDevice", 16) or 0,
                node=str(NODES / "bus" / "usb" / f"{bus:03}" / f"{address:03}"),
                interfaces=_interfaces(folder),
            )
        )
    return found


def _interfaces(device: Path) -> tuple[Interface, ...]:
    found: list[Interface] = []
    try:
        folders = sorted(device.glob(f"{device.name}:*"))
    except OSError:
        return ()
    for folder in folders:
        number = _number(folder, "bInterfaceNumber", 16)
        kind = tuple(_number(folder, f"bInterface{name}", 16) for name in ("Class", "SubClass", "Protocol"))
        if number is None or None in kind:
            continue
        a, b, c = (part or 0 for part in kind)
        found.append(Interface(number, (a, b, c), _driver(folder), _hidraw(folder)))
    return tuple(found)


def _driver(interface: Path) -> str | None:
    try:
        return (interface / "driver").readlink().name
    except OSError:
        return None


def _hidraw(interface: Path) -> str | None:
    """The node that the kernel's HID driver has made: .../0003:1209:0001.0001/hidraw/hidraw0"""
    try:
        node = next(iter(interface.glob("*/hidraw/hidraw*")), None)
    except OSError:
        return None
    return None if node is None else str(NODES / node.name)


def _text(folder: Path, name: str) -> str:
    try:
        with (folder / name).open("rb") as file:
            return file.read(_ATTRIBUTE_MAX).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def _number(folder: Path, name: str, base: int = 10) -> int | None:
    try:
        return int(_text(folder, name), base)
    except ValueError:
        return None
