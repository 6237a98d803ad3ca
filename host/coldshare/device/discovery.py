"""Which tokens are plugged in. No channel is opened, and on Linux no device: one that is dead delays nobody."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from coldshare.device import sysfs, turn
from coldshare.device.address import Address, is_serial
from coldshare.device.errors import DeviceError, LibraryMissingError, NoAddressError, SeveralTokensError

log = logging.getLogger(__name__)

#: "busy": another program has it, or another coldshare. "unknown": this system does not tell without trying.
Access = Literal["ok", "no_permission", "busy", "unknown"]

_CLAIMED = "usbfs"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a token. `node` is the file in /dev that must be open to this account, `driver` the kernel's name for
    who has the interface; both None where this system does not tell."""

    address: str
    access: Access
    node: str | None = None
    driver: str | None = None

    @property
    def usable(self) -> bool:
        return self.access in ("ok", "unknown")


@dataclass(frozen=True, slots=True)
class Found:
    """A token that is plugged in, as USB tells it: nothing of this is proved. `model` is what its maker calls itself,
    `release` the version that it tells, `place` where it is plugged in; a token that was plugged in anew has another.
    `ways` has the faster one first.
    """

    serial: str
    product: str
    model: str
    release: str
    ways: tuple[Way, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from the last look: a token was `plugged` in, `unplugged`, or its ways `changed`."""

    event: Literal["plugged", "unplugged", "changed"]
    token: Found


def find() -> list[Found]:
    """The tokens that are plugged in, by serial. HID and bulk interface of one token are one token."""
    found = _in_sysfs() if sysfs.present() else _by_libraries()
    return sorted(found, key=lambda one: (one.serial, one.place))


def best(found: Found) -> Way:
    """The way to take when nobody has said which: bulk where it can be used, else HID, else whichever is there."""
    order = [way for way in found.ways if _has_library(way)] or list(found.ways)
    for access in ("ok", "unknown"):
        for way in order:
            if way.access == access:
                return way
    return order[0]


def only(labels: Mapping[str, str]) -> Address:
    """The one token that is plugged in. `labels` has what is known of serials, for the sentence about several.

    Raises NoAddressError and SeveralTokensError.
    """
    found = find()
    if not found:
        raise NoAddressError(
            "No token was named, and none is plugged in.",
            next_step="Plug one in, or name a software token: --at sim:PATH, or COLDSHARE_AT. See: coldshare tokens",
        )
    if len(found) > 1:
        named = ", ".join(
            f"{best(one).address} ({labels[one.serial]!r})" if labels.get(one.serial) else best(one).address
            for one in found
        )
        raise SeveralTokensError(f"Several tokens are plugged in, and none was named: {named}.")
    return Address.parse(best(found[0]).address)


def changes(before: Iterable[Found], after: Iterable[Found]) -> list[Change]:
    """What happened between two looks, what is gone first."""
    then = {(one.serial, one.place): one for one in before}
    now = {(one.serial, one.place): one for one in after}
    return [
        *(Change("unplugged", one) for key, one in then.items() if key not in now),
        *(Change("plugged", one) for key, one in now.items() if key not in then),
        *(Change("changed", one) for key, one in now.items() if key in then and then[key] != one),
    ]


def _has_library(way: Way) -> bool:
    from coldshare.device.transport import hid, usb

    try:
        if way.address.startswith("usb:"):
            usb.backend()
        else:
            hid.library()
    except DeviceError:
        return False
    return True


def _in_sysfs() -> list[Found]:
    found: list[Found] = []
    for device in sysfs.tokens():
        serial = device.serial.lower()
        if not is_serial(serial):
            log.debug("%s has no serial of a token", device.folder.name)
            continue
        taken = turn.taken(serial)
        ways: list[Way] = []
        if (bulk := device.bulk) is not None:
            ways.append(Way(f"usb:{serial}", _access(device.node, bulk.driver, taken), device.node, bulk.driver))
        if (hid := device.hid) is not None:
            ways.append(Way(f"hid:{serial}", _access(hid.hidraw, hid.driver, taken), hid.hidraw, hid.driver))
        if ways:
            place = f"{device.folder.name} {device.bus:03}/{device.address:03}"
            release = _release(device.release)
            found.append(Found(serial, device.product, device.manufacturer, release, tuple(ways), place))
    return found


def _access(node: str | None, driver: str | None, taken: bool) -> Access:
    if taken or driver == _CLAIMED:
        return "busy"
    if node is None or not os.path.exists(node):  # noqa: PTH110 - as it is asked for below
        return "unknown"
    return "ok" if os.access(node, os.R_OK | os.W_OK) else "no_permission"


def _by_libraries() -> list[Found]:
    """Where the kernel tells nothing. A library that is missing is none of this function's business."""
    from coldshare.device.transport import hid, usb

    listed: list[tuple[str, hid.Listed | usb.Listed]] = []
    with suppress(LibraryMissingError):
        listed += [("usb", one) for one in usb.listing()]
    with suppress(DeviceError):
        listed += [("hid", one) for one in hid.listing()]
    ways: dict[str, list[Way]] = {}
    first: dict[str, hid.Listed | usb.Listed] = {}
    for scheme, one in listed:
        serial = one.serial.lower()
        if not is_serial(serial):
            log.debug("a token without the serial of one")
            continue
        first.setdefault(serial, one)
        way = Way(f"{scheme}:{serial}", "busy" if turn.taken(serial) else "unknown")
        if way not in ways.setdefault(serial, []):
            ways[serial].append(way)
    return [
        Found(serial, one.product, one.manufacturer, _release(one.release), tuple(ways[serial]))
        for serial, one in first.items()
    ]


def _release(number: int) -> str:
    """bcdDevice: the firmware's version, major and minor."""
    return f"{number >> 8}.{number & 0xFF}"
