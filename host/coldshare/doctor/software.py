"""What coldshare runs on: Python, hidapi, libusb."""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from coldshare import __version__
from coldshare.device.errors import LibraryMissingError, LibraryShadowedError
from coldshare.doctor.finding import Finding


def coldshare() -> Iterator[Finding]:
    facts = {
        "coldshare": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    says = "coldshare {coldshare}, {implementation} {python}, {system} on {machine}".format(**facts)
    # The rest of it is whatever whoever built the kernel calls it.
    kernel = re.match(r"[0-9.]*", platform.release())
    yield Finding("coldshare", "ok", "version", says, facts=facts | {"kernel": kernel[0] if kernel else ""})


def hidapi() -> Iterator[Finding]:
    """Needed for hid: addresses."""
    from coldshare.device.transport import hid

    try:
        module: Any = hid.library()
    except (LibraryMissingError, LibraryShadowedError) as error:
        yield Finding("hidapi", "fail", error.code, error.message, error.next_step)
        return
    name, version = str(module.__name__), _version("hidapi")
    facts = {"module": name, "hidapi": version}
    if sys.platform.startswith("linux") and name != "hidraw":
        yield Finding(
            "hidapi",
            "warn",
            "not_hidraw",
            f"hidapi {version} is here without its module hidraw: it reaches tokens past the kernel's driver.",
            "Install hidapi's own wheel: pip install --force-reinstall hidapi",
            facts=facts,
        )
        return
    yield Finding("hidapi", "ok", "found", f"hidapi {version}, module {name}", facts=facts)


def libusb() -> Iterator[Finding]:
    """Needed for usb: addresses only."""
    from coldshare.device.transport import usb

    try:
        backend = usb.backend()
    except LibraryMissingError as error:
        yield Finding("libusb", "warn", error.code, f"{error.message}", error.next_step)
        return
    path = str(getattr(backend.lib, "_name", "") or "")
    origin = "libusb-package" if "libusb_package" in path else "system"
    version, pyusb = _libusb_version(backend.lib), _version("pyusb")
    says = f"libusb {version} ({path}), pyusb {pyusb}"
    yield Finding("libusb", "ok", "found", says, facts={"libusb": version, "pyusb": pyusb, "origin": origin})


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


class _Version(ctypes.Structure):
    """struct libusb_version"""

    _fields_ = [(name, ctypes.c_uint16) for name in ("major", "minor", "micro", "nano")]


def _libusb_version(library: Any) -> str:
    try:
        ask = library.libusb_get_version
        ask.restype = ctypes.POINTER(_Version)
        said = ask().contents
        return f"{said.major}.{said.minor}.{said.micro}"
    except (AttributeError, ValueError, TypeError):
        return "unknown"
