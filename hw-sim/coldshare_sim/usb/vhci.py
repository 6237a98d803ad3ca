"""Linux's virtual USB host controller (vhci_hcd): a device at the other end of a socket stands on a real bus.

The kernel is told by sysfs which socket that is; it speaks USB/IP there (`usbip`), and no network is needed.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.errors import NoVirtualBusError, VirtualBusForbiddenError, VirtualBusFullError
from coldshare_sim.usb.usbip import DEVICE_ID

#: The first controller: it speaks for all of them.
CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
_FREE = 4  # the state of a port without a device (usbip_common.h)
_FAST_HUB = "hs"  # where devices below SuperSpeed go
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
#: Somebody else was quicker; older kernels say EINVAL for that, too.
_TAKEN = (errno.EBUSY, errno.EINVAL)


def free_ports(status: str) -> Iterator[int]:
    """The ports that are free for a device of full or high speed, out of what a `status` file says."""
    for line in status.splitlines():
        fields = line.split()
        if len(fields) < 3 or not fields[1].isdigit():
            continue  # the headings
        hub, port, state = fields[:3]
        if hub == _FAST_HUB and int(state) == _FREE:
            yield int(port)


class Slot:
    """A device in a port. `sock` is our end, does not block, and ends when the device is detached by whomever."""

    def __init__(self, port: int, sock: socket.socket, controller: Path) -> None:
        self.port = port
        self.sock = sock
        self._controller = controller

    def detach(self) -> None:
        """Pull it out. The kernel forgets it at once or a moment later; the socket is closed."""
        try:
            (self._controller / "detach").write_text(str(self.port))
        except OSError:
            pass  # it is gone already, and closing tells the kernel as well
        finally:
            self.sock.close()


def attach(speed: Speed, controller: Path | None = None) -> Slot:
    """Plug a device of that speed in; what it is the kernel asks over the socket.

    Raises NoVirtualBusError, VirtualBusForbiddenError and VirtualBusFullError.
    """
    controller = controller or CONTROLLER
    if not (controller / "status").exists():
        raise NoVirtualBusError
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with theirs:
            port = _plug_in(theirs, speed, controller)
        ours.setblocking(False)
    except BaseException:
        ours.close()
        raise
    return Slot(port, ours, controller)


def _plug_in(sock: socket.socket, speed: Speed, controller: Path) -> int:
    for port in _all_free(controller):
        try:
            (controller / "attach").write_text(f"{port} {sock.fileno()} {DEVICE_ID} {speed.value}")
        except OSError as error:
            if error.errno in _TAKEN:
                continue
            if error.errno in _FORBIDDEN:
                raise VirtualBusForbiddenError from error
            what = os.strerror(error.errno or 0)
            raise NoVirtualBusError(f"The virtual USB bus does not take the token: {what}.") from error
        return port
    raise VirtualBusFullError


def _all_free(controller: Path) -> Iterator[int]:
    # One file for each controller: status, status.1, status.2.
    for status in sorted(controller.glob("status*")):
        try:
            text = status.read_text()
        except OSError:
            continue
        yield from free_ports(text)
