"""Carriers of reports. A backend is three small methods; which one is used follows from the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from coldshare.device.address import Address
from coldshare.device.errors import TransportUnavailableError

if TYPE_CHECKING:
    from coldshare.device.turn import OnWait


class Transport(Protocol):
    """An open way to one token. `report_size` is in bytes.

    A DeviceError means that the way is gone. After any other ColdshareError the token has dropped the request and
    takes the next one. A transport whose waiting takes other time than the computer's also has a `clock`: seconds.
    """

    report_size: int
    #: True where the person at this computer is the person at the token, as on a simulator that approves by itself.
    unattended: bool

    def write(self, report: bytes) -> None:
        """Send one report of exactly `report_size` bytes."""
        ...

    def read(self, timeout: float) -> bytes | None:
        """The next report; None after `timeout` seconds without one."""
        ...

    def close(self) -> None: ...


#: Software tokens that another process serves.
_SERVED = ("sim+unix", "sim+tcp")
#: Real tokens, of which one process at a time has its turn.
_PLUGGED = ("hid", "usb")


def check_supported(address: Address) -> None:
    """Raise TransportUnavailableError for a scheme that is reserved and not built yet."""
    if address.scheme not in ("sim", "sim+mpy", *_SERVED, *_PLUGGED):
        raise TransportUnavailableError(f"{address.scheme}: addresses are not supported by this version of coldshare.")


def open_transport(address: Address, *, create: bool = False, on_wait: OnWait | None = None) -> Transport:
    """Open the way to the token at `address`. `create` makes a software token that does not exist yet.

    A token that another coldshare process uses is waited for; `on_wait` hears of it (`coldshare.device.turn`).
    """
    check_supported(address)
    if address.scheme in _PLUGGED:
        return _open_plugged(address, on_wait)
    if address.scheme in _SERVED:
        from coldshare.device.transport.served import open_served

        return open_served(address)
    if address.scheme == "sim+mpy":
        from coldshare.device.transport.mpy import open_mpy

        return open_mpy(address, create=create)
    from coldshare.device.transport.sim import open_sim

    return open_sim(address, create=create)


def _open_plugged(address: Address, on_wait: OnWait | None) -> Transport:
    from coldshare.device import turn

    ours = turn.take(address.where, on_wait)
    try:
        if address.scheme == "hid":
            from coldshare.device.transport.hid import open_hid

            return open_hid(address.where, ours)
        from coldshare.device.transport.usb import open_usb

        return open_usb(address.where, ours)
    except BaseException:
        ours.close()
        raise
