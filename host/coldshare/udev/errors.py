"""What can go wrong with the rules for udev."""

from __future__ import annotations

from coldshare.device.errors import DeviceError
from coldshare.errors import InputError, RefusedError


class RulesMissingError(InputError):
    """This installation of coldshare has no rules for udev in it."""

    code = "udev_rules_missing"
    next_step = "Install coldshare again with pip, or take the file udev/70-coldshare.rules from its source."


class NeedsRootError(RefusedError):
    """Only root may install rules for udev. Nothing was done."""

    code = "needs_root"
    next_step = "Run it as root."


class UdevMaskedError(RefusedError):
    """Somebody has turned the rules off on purpose, with an empty file or a link to /dev/null. Nothing was done."""

    code = "udev_masked"
    next_step = "If you want the rules all the same, remove that file and run this again."


class NoUdevError(DeviceError):
    """There is no udev on this computer. Nothing was done."""

    code = "no_udev"
    next_step = "Whatever makes the nodes in /dev here must let you read and write those of the token: docs/usb.md"


class UdevFailedError(DeviceError):
    """The rules are in their place, and udev could not be made to use them."""

    code = "udev_failed"
    next_step = "Start the computer anew; the rules count from then on."
