"""On Linux: the rules, udevd, and of each token the nodes, who may open them, who has, and which driver."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from coldshare.device import sysfs
from coldshare.device.discovery import Found, Way
from coldshare.device.errors import NoPermissionError
from coldshare.doctor.finding import Fact, Finding
from coldshare.doctor.holders import Holders, who
from coldshare.udev import check, install
from coldshare.udev.errors import RulesMissingError
from coldshare.udev.rules import shipped

#: What to do when no token is seen.
NONE_PLUGGED_IN = "If one is: try another cable and another port. Some cables only carry power."
# What the kernel may have bound to an interface while a token works: its own driver for HID, a program's claim, nobody.
_PROGRAM = "usbfs"
_USUAL = {"hid": ("usbhid",), "usb": (None, _PROGRAM)}
_NOBODY = Holders((), complete=False)


def rules() -> Iterator[Finding]:
    try:
        found = check.check(shipped(), check.FOLDERS)
    except RulesMissingError as error:
        yield Finding("udev_rules", "warn", error.code, error.message, error.next_step)
        return
    good = found.state == check.CURRENT
    # Who may open which node is another line, and that one decides.
    yield Finding("udev_rules", "ok" if good else "warn", found.state, check.says(found), check.mend(found))
    for path in found.misplaced:
        yield Finding(
            "udev_rules", "warn", "misplaced", f"{path} is read at the wrong time.", f"Remove it; {check.NUMBERS}"
        )


def udevd() -> Iterator[Finding]:
    if install.running():
        yield Finding("udevd", "ok", "running", "udevd is running.")
        return
    yield Finding(
        "udevd",
        "warn",
        "not_running",
        "udevd is not running: whatever made the nodes in /dev has decided who may open them.",
        "In a container this is usual; install the rules on its host: docs/usb.md. Else start udevd.",
    )


def devices(tokens: Sequence[Found]) -> Iterator[Finding]:
    """What is plugged in, and what says that it is one of ours and is not, or the other way round."""
    for one in tokens:
        # Nothing of it goes into `facts`: a device may say anything.
        says = f"{one.serial}: {one.model} {one.release}, {', '.join(way.address for way in one.ways)}"
        yield Finding("tokens", "ok", "plugged_in", says, serial=one.serial, facts={"ways": len(one.ways)})
    known = {one.serial for one in tokens}
    unfit = [one for one in sysfs.tokens() if one.serial.lower() not in known]
    strangers = sysfs.strangers()
    for device in unfit:
        yield Finding(
            "tokens",
            "fail",
            "unfit",
            f"At {device.folder.name} is a token with the serial {device.serial!r} and no interface that can be used.",
            "Plug it in again. If that does not help, its firmware is broken: install it anew.",
        )
    for device in strangers:
        yield Finding(
            "tokens",
            "ok" if tokens else "warn",
            "other_device",
            f"At {device.folder.name} is a device with the USB id of tokens that calls itself {device.product!r}.",
            "" if tokens else "If that is your token, its firmware is not coldshare's.",
        )
    serials = [one.serial for one in tokens]
    for serial in sorted({one for one in serials if serials.count(one) > 1}):
        yield Finding(
            "tokens", "fail", "same_serial", f"Two devices have the serial {serial}.", "Unplug one.", serial=serial
        )
    if not tokens and not unfit:
        yield Finding(
            "tokens",
            "warn",
            "none",
            "No token is plugged in.",
            NONE_PLUGGED_IN,
        )


def nodes(tokens: Sequence[Found]) -> Iterator[Finding]:
    """Each way to each token: may this account open it, and who else has it."""
    holders = who({way.node for one in tokens for way in one.ways if way.node is not None})
    for one in tokens:
        for way in one.ways:
            if way.node is None and way.driver == _PROGRAM:
                # Past the kernel's driver, whose node is away for as long: by the device's own.
                device = next((other.node for other in one.ways if other.node is not None), "")
                yield _in_use(one, way, "its interface is taken by", holders.get(device, _NOBODY))
                continue
            yield _node(one, way)
            driver = _driver(one, way)
            if driver is not None:
                yield driver
            users = holders.get(way.node or "")
            if users is not None and (users.found or way.access == "busy"):
                yield _in_use(one, way, f"{way.node} is open in", users)


def _scheme(way: Way) -> str:
    return way.address.partition(":")[0]


def _node(token: Found, way: Way) -> Finding:
    facts: dict[str, Fact] = {"way": _scheme(way), "driver": way.driver}
    if way.node is None:
        return Finding(
            "permission",
            "fail",
            "no_node",
            f"{way.address}: no driver has made a node for it.",
            "Plug the token in again. If that does not help, use its other address.",
            token.serial,
            facts,
        )
    try:
        status = os.stat(way.node)  # noqa: PTH116 - a path of the kernel's
    except OSError:
        return Finding(
            "permission",
            "fail",
            "not_in_dev",
            f"{way.address}: {way.node} is not there, though the kernel has the token.",
            "In a container: pass that node in, docs/usb.md. Else start udevd.",
            token.serial,
            facts,
        )
    facts["mode"] = f"{status.st_mode & 0o7777:04o}"
    if os.access(way.node, os.R_OK | os.W_OK):
        return Finding(
            "permission", "ok", "allowed", f"{way.address}: {way.node} is yours to use.", "", token.serial, facts
        )
    return Finding(
        "permission", "fail", "denied", f"{way.address}: you may not use {way.node}.", _grant(), token.serial, facts
    )


def _grant() -> str:
    """What helps depends on whether the rules are there."""
    with suppress(RulesMissingError):
        if check.check(shipped(), check.FOLDERS).state != check.CURRENT:
            return NoPermissionError.next_step
    return (
        "The rules are installed and give tokens to whoever sits at this computer: log in at its own screen, and plug "
        "the token in again. Over ssh and for services: docs/usb.md"
    )


def _driver(token: Found, way: Way) -> Finding | None:
    scheme = _scheme(way)
    if way.driver in _USUAL.get(scheme, (way.driver,)):
        return None
    name = way.driver or "no driver"
    return Finding(
        "drivers",
        "warn",
        "unusual",
        f"{way.address}: the kernel has bound {name} to it.",
        "Plug the token in again. If that does not help, use its other address.",
        token.serial,
        {"way": scheme, "driver": way.driver},
    )


def _in_use(token: Found, way: Way, how: str, users: Holders) -> Finding:
    return Finding(
        "in_use",
        "warn",
        "open_elsewhere",
        f"{way.address}: {how} {users}.",
        "Two programs at one token disturb each other: end the other one.",
        token.serial,
        {"way": _scheme(way), "holders": len(users.found)},
    )
