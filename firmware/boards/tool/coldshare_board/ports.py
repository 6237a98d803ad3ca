"""Which boards are plugged in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from coldshare_board.errors import (
    BootselError,
    NoBoardError,
    RunningTokenError,
    SeveralBoardsError,
    ToolMissingError,
)
from coldshare_iface import wire

#: Raspberry Pi's USB vendor id, the product id of MicroPython on its chips, and those of the two boot loaders.
VENDOR = 0x2E8A
MICROPYTHON = 0x0005
BOOTSEL = (0x0003, 0x000F)


def find() -> str:
    """The port of the one board there is. Raises NoBoardError, one of its likely reasons, or SeveralBoardsError."""
    try:
        from serial.tools import list_ports  # type: ignore[import-untyped]
    except ImportError:
        raise ToolMissingError("pyserial, which talks to boards, is not installed.") from None
    found: list[str] = sorted(
        port.device for port in list_ports.comports() if (port.vid, port.pid) == (VENDOR, MICROPYTHON)
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise SeveralBoardsError(f"There are {len(found)} boards: {', '.join(found)}.")
    seen = _on_the_bus()
    if any(vendor == VENDOR and product in BOOTSEL for vendor, product, _ in seen):
        raise BootselError
    if any(name == wire.USB_PRODUCT_STRING for _, _, name in seen):
        raise RunningTokenError
    raise NoBoardError


def _on_the_bus() -> list[tuple[int, int, str]]:
    """Vendor, product and product string of what else is plugged in, as far as this computer lets us see it."""
    seen: list[tuple[int, int, str]] = []
    with suppress(Exception):  # no backend, no permission: it only sharpens a message
        import usb.core  # type: ignore[import-untyped]

        devices: Any = usb.core.find(find_all=True) or ()
        seen += [(device.idVendor, device.idProduct, "") for device in devices]
    with suppress(Exception):
        import hid  # type: ignore[import-not-found, unused-ignore]

        seen += [(one["vendor_id"], one["product_id"], one["product_string"] or "") for one in hid.enumerate()]
    return seen
