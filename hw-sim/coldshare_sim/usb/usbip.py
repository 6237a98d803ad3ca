"""USB/IP 1.1.1, the side that has the device: bytes in, bytes out. Sans-IO.

A connection begins with a request for the list of devices, or for the import of one; after an import, and on a
connection that a kernel was given outright, URBs follow until it ends. Reference: the Linux kernel's "USB/IP protocol".
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Protocol

from coldshare_sim.usb.descriptors import Speed

VERSION = 0x0111
#: The one device that is here, as `usbip attach -b` names it.
BUS_ID = "1-1"
#: The bus and the device number, in one.
DEVICE_ID = 1 << 16 | 2
#: The longest transfer, either way.
TRANSFER_MAX = 1 << 20
#: URBs that wait for something to be said.
PENDING_MAX = 256

_OPERATION = struct.Struct(">HHI")
_BASIC = struct.Struct(">5I")
_SUBMIT = struct.Struct(">5I8s")
_HEADER = 48
_BUS_ID_SIZE = 32
_REQ_DEVLIST, _REP_DEVLIST = 0x8005, 0x0005
_REQ_IMPORT, _REP_IMPORT = 0x8003, 0x0003
_BUSY, _NO_DEVICE = 2, 4
_CMD_SUBMIT, _CMD_UNLINK, _RET_SUBMIT, _RET_UNLINK = 1, 2, 3, 4
_DIRECTION_OUT, _DIRECTION_IN = 0, 1
_ENDPOINT_MAX = 15
_NOT_ISOCHRONOUS = (0, 0xFFFFFFFF)
_SHORT_NOT_OK, _ZERO_PACKET = 0x0001, 0x0040
_INTERFACE, _ENDPOINT = 4, 5
_BULK = 2

# Numbers of Linux, wherever this runs: they go over the wire.
_EPIPE, _EOVERFLOW, _ECONNRESET, _EREMOTEIO = 32, 75, 104, 121


class Device(Protocol):
    """What a device has to be to stand on a bus; `Gadget` is one."""

    @property
    def speed(self) -> Speed: ...
    @property
    def device_descriptor(self) -> bytes: ...
    @property
    def configuration_descriptor(self) -> bytes: ...
    @property
    def babbled(self) -> bool:
        """Whether the last `take` had more to give than there was room for."""
        ...

    def control(self, setup: bytes, data: bytes) -> bytes | None:
        """A control request; None is a STALL."""
        ...

    def out(self, endpoint: int, data: bytes) -> bool:
        """Packets to an endpoint; False is a STALL."""
        ...

    def take(self, endpoint: int, size: int) -> bytes | None:
        """One transfer from an endpoint; None while there is nothing to say."""
        ...

    def halted(self, endpoint: int) -> bool:
        """Whether that endpoint answers with STALL."""
        ...

    def reset(self) -> None:
        """The bus is reset."""
        ...


class UsbIpError(Exception):
    """What the other side sends is no USB/IP, or more than it may ask for. The connection is of no further use."""


class Port:
    """Where one device is, or is not: who has imported it, if anybody."""

    def __init__(self, device: Device | None = None) -> None:
        self.device = device
        self.importer: Connection | None = None


class Connection:
    """One client. `receive` takes what it sends, `out` is what is to be sent to it, `ended` that nothing follows."""

    def __init__(self, port: Port, *, imported: bool = False) -> None:
        self.out = bytearray()
        self.ended = False
        self._port = port
        self._held = bytearray()
        self._device: Device | None = None
        self._packets: dict[int, tuple[int, int]] = {}  # (kind, packet size) of each endpoint
        self._pending: dict[int, deque[tuple[int, int, int]]] = {}  # endpoint -> (sequence number, size, flags)
        if imported:
            if port.device is None:
                raise ValueError("there is no device to import")
            self._import(port.device)

    @property
    def imported(self) -> bool:
        return self._device is not None

    @property
    def pending(self) -> int:
        """URBs that wait for something to be said."""
        return sum(len(urbs) for urbs in self._pending.values())

    def close(self) -> None:
        """The client is gone, or the device is: URBs that wait have no answer any more."""
        self.ended = True
        self._device = None
        self._pending.clear()
        self._held.clear()
        if self._port.importer is self:
            self._port.importer = None

    def receive(self, data: bytes) -> None:
        """Take what the client sends. Raises UsbIpError."""
        self._held += data
        while not self.ended and (self._urb() if self._device is not None else self._operation()):
            pass

    def _take(self, size: int) -> bytes | None:
        """The next `size` bytes, once they are there."""
        if len(self._held) < size:
            return None
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    # --- before a device is imported
    def _operation(self) -> bool:
        if len(self._held) < _OPERATION.size:
            return False
        version, code, _ = _OPERATION.unpack_from(self._held)
        if version != VERSION:
            raise UsbIpError(f"version {version:#06x} of USB/IP, or none at all")
        if code == _REQ_DEVLIST:
            self._list()
        elif code == _REQ_IMPORT:
            request = self._take(_OPERATION.size + _BUS_ID_SIZE)
            if request is None:
                return False
            self._grant(request[_OPERATION.size :].rstrip(b"\0"))
        else:
            raise UsbIpError(f"an operation {code:#06x}, which is not known")
        return True

    def _list(self) -> None:
        device = self._port.device
        self.out += _OPERATION.pack(VERSION, _REP_DEVLIST, 0) + struct.pack(">I", int(device is not None))
        if device is not None:
            self.out += _described(device)
            for kind in _interfaces(device.configuration_descriptor):
                self.out += bytes((*kind, 0))
        self.close()

    def _grant(self, bus_id: bytes) -> None:
        device = self._port.device
        if device is None or bus_id != BUS_ID.encode():
            status = _NO_DEVICE
        elif self._port.importer is not None:
            status = _BUSY
        else:
            self.out += _OPERATION.pack(VERSION, _REP_IMPORT, 0) + _described(device)
            self._import(device)
            return
        self.out += _OPERATION.pack(VERSION, _REP_IMPORT, status)
        self.close()

    def _import(self, device: Device) -> None:
        device.reset()
        self._device = device
        self._packets = dict(_endpoints(device.configuration_descriptor))
        self._port.importer = self

    # --- URBs
    def _urb(self) -> bool:
        held, device = self._held, self._device
        if len(held) < _HEADER or device is None:
            return False
        command, number, device_id, direction, endpoint = _BASIC.unpack_from(held)
        if device_id != DEVICE_ID:
            raise UsbIpError(f"a request for device {device_id:#x}, which was not imported")
        if command == _CMD_UNLINK:
            (unwanted,) = struct.unpack_from(">I", held, _BASIC.size)
            del held[:_HEADER]
            self._unlink(number, unwanted)
            return True
        if command != _CMD_SUBMIT:
            raise UsbIpError(f"a command {command:#x}, which is not known")
        flags, size, _, packets, _, setup = _SUBMIT.unpack_from(held, _BASIC.size)
        if direction not in (_DIRECTION_OUT, _DIRECTION_IN) or endpoint > _ENDPOINT_MAX:
            raise UsbIpError(f"endpoint {endpoint} in direction {direction}")
        if packets not in _NOT_ISOCHRONOUS:
            raise UsbIpError("an isochronous transfer; this device has none")
        if size > TRANSFER_MAX:
            raise UsbIpError(f"a transfer of {size} bytes; {TRANSFER_MAX} is the most")
        body = size if direction == _DIRECTION_OUT else 0
        urb = self._take(_HEADER + body)
        if urb is None:
            return False
        data = urb[_HEADER:]
        if endpoint == 0:
            self._control(device, number, setup, data, size, direction)
        elif direction == _DIRECTION_OUT:
            self._send(device, number, endpoint, data, flags)
        else:
            self._wait(number, endpoint | 0x80, size, flags)
        return True

    def _control(self, device: Device, number: int, setup: bytes, data: bytes, size: int, direction: int) -> None:
        answer = device.control(setup, data)
        if answer is None:
            self._complete(number, -_EPIPE, 0)
        elif direction == _DIRECTION_IN:
            self._complete(number, 0, min(len(answer), size), answer[:size])
        else:
            self._complete(number, 0, size)

    def _send(self, device: Device, number: int, endpoint: int, data: bytes, flags: int) -> None:
        kind, packet = self._packets.get(endpoint, (0, 0))
        taken = bool(packet) and device.out(endpoint, data)
        if taken and flags & _ZERO_PACKET and kind == _BULK and data and len(data) % packet == 0:
            device.out(endpoint, b"")
        self._complete(number, 0 if taken else -_EPIPE, len(data) if taken else 0)

    def _wait(self, number: int, endpoint: int, size: int, flags: int) -> None:
        if endpoint not in self._packets:
            self._complete(number, -_EPIPE, 0)
            return
        if self.pending >= PENDING_MAX:
            raise UsbIpError(f"more than {PENDING_MAX} transfers at once")
        self._pending.setdefault(endpoint, deque()).append((number, size, flags))

    def _unlink(self, number: int, unwanted: int) -> None:
        """An URB that is unlinked has no other answer; one that has been answered, or never was, has status 0."""
        status = 0
        for urbs in self._pending.values():
            for urb in urbs:
                if urb[0] == unwanted:
                    urbs.remove(urb)
                    status = -_ECONNRESET
                    break
        self.out += _BASIC.pack(_RET_UNLINK, number, 0, 0, 0) + struct.pack(">i24x", status)

    def pump(self) -> bool:
        """Answer the URBs for which the device has something to say; False when it has nothing for any of them."""
        device = self._device
        moved = False
        if device is None:
            return False
        for endpoint, urbs in self._pending.items():
            while urbs:
                number, size, flags = urbs[0]
                if device.halted(endpoint):
                    urbs.popleft()
                    self._complete(number, -_EPIPE, 0)
                    continue
                said = device.take(endpoint, size)
                if said is None:
                    break
                urbs.popleft()
                moved = True
                status = 0
                if device.babbled:
                    status = -_EOVERFLOW
                elif flags & _SHORT_NOT_OK and len(said) < size:
                    status = -_EREMOTEIO
                self._complete(number, status, len(said), said)
        return moved

    def _complete(self, number: int, status: int, length: int, data: bytes = b"") -> None:
        self.out += _BASIC.pack(_RET_SUBMIT, number, 0, 0, 0) + struct.pack(">iIIII8x", status, length, 0, 0, 0) + data


def _described(device: Device) -> bytes:
    about = device.device_descriptor
    vendor, product, release = struct.unpack_from("<HHH", about, 8)
    configuration = device.configuration_descriptor
    return (
        struct.pack(">256s32s", b"/sys/devices/coldshare", BUS_ID.encode())
        + struct.pack(">III", DEVICE_ID >> 16, DEVICE_ID & 0xFFFF, device.speed.value)
        + struct.pack(">HHH", vendor, product, release)
        + bytes((*about[4:7], configuration[5], about[17], configuration[4]))
    )


def _descriptors(configuration: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(configuration):
        found.append(configuration[at : at + configuration[at]])
        at += configuration[at]
    return found


def _interfaces(configuration: bytes) -> list[bytes]:
    """Class, subclass and protocol of each interface."""
    return [one[5:8] for one in _descriptors(configuration) if one[1] == _INTERFACE]


def _endpoints(configuration: bytes) -> list[tuple[int, tuple[int, int]]]:
    """The address of each endpoint, its kind, and its packets' size."""
    found = []
    for one in _descriptors(configuration):
        if one[1] == _ENDPOINT:
            found.append((one[2], (one[3] & 3, one[4] | one[5] << 8)))
    return found
