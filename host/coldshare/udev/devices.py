"""The tokens that the kernel has, as sysfs tells them: nothing is opened, and no token has to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coldshare_iface import wire

_DEVICES = Path("/sys/bus/usb/devices")
_ID = (f"{wire.USB_VENDOR:04x}", f"{wire.USB_PRODUCT:04x}")


@dataclass(frozen=True)
class UsbDevice:
    """A device with our USB id. `path` is its folder in sysfs; strings that it does not have are empty."""

    path: Path
    product: str
    serial: str

    @property
    def ours(self) -> bool:
        return self.product == wire.USB_PRODUCT_STRING


def devices() -> list[UsbDevice]:
    """Every device with our USB id, also those that are no token: the id is for tests, and anybody may use it."""
    found: list[UsbDevice] = []
    try:
        entries = sorted(_DEVICES.iterdir())
    except OSError:
        return []
    for entry in entries:
        if (_text(entry, "idVendor"), _text(entry, "idProduct")) == _ID:
            found.append(UsbDevice(entry.resolve(), _text(entry, "product"), _text(entry, "serial")))
    return found


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError:
        return ""
