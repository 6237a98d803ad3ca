"""A computer at the other end of USB/IP: what Linux's vhci_hcd and its drivers do, in Python and without a kernel."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import Protocol

from coldshare.device.errors import TokenGoneError
from coldshare_iface import wire
from coldshare_sim.usb.usbip import Connection, Port

DEVICE_ID = 0x10002
ECONNRESET, EPIPE = 104, 32
ZERO_PACKET, SHORT_NOT_OK = 0x40, 0x01
PATIENCE = 20.0


class StalledError(Exception):
    """The device answered with STALL."""


class Link(Protocol):
    """A stream of bytes each way."""

    def send(self, data: bytes) -> None: ...
    def receive(self, timeout: float) -> bytes:
        """What has come; b"" after `timeout` seconds. Raises EOFError at the end."""
        ...

    def close(self) -> None: ...


class SocketLink:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, data: bytes) -> None:
        self.sock.settimeout(PATIENCE)
        self.sock.sendall(data)

    def receive(self, timeout: float) -> bytes:
        self.sock.settimeout(max(timeout, 0.001))
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            return b""
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        self.sock.close()


class InMemory:
    """A connection that lives in this process, `step` by `step`; waiting takes the time of the device's own clock."""

    def __init__(self, port: Port, *, imported: bool = False) -> None:
        self.connection = Connection(port, imported=imported)
        self._port = port

    def send(self, data: bytes) -> None:
        self.connection.receive(data)

    def receive(self, timeout: float) -> bytes:
        device = self._port.device
        end = None if device is None else device.token.clock.now_ms() + timeout * 1000
        while True:
            if device is not None:
                device.step()
            self.connection.pump()
            if self.connection.out:
                said = bytes(self.connection.out)
                self.connection.out.clear()
                return said
            if self.connection.ended or device is None:
                raise EOFError
            if not device.busy and device.token.clock.now_ms() >= end:
                return b""
            if not device.busy:
                device.token.clock.sleep(0.01)

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True)
class Done:
    """How an URB ended."""

    status: int
    length: int
    data: bytes


class Computer:
    """Submits URBs, unlinks them, and hears how they ended."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.done: dict[int, Done] = {}
        self.unlinked: dict[int, int] = {}
        self._number = 0
        self._in: set[int] = set()  # of these the answer carries data
        self._held = bytearray()

    def _take(self, size: int, timeout: float = PATIENCE) -> bytes:
        end = time.monotonic() + timeout
        while len(self._held) < size:
            if time.monotonic() > end:
                raise TimeoutError
            self._held += self.link.receive(timeout)
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    # --- before a device is imported
    def operation(self, code: int, body: bytes = b"", version: int = 0x0111) -> tuple[int, int, int]:
        self.link.send(struct.pack(">HHI", version, code, 0) + body)
        return struct.unpack(">HHI", self._take(8))

    def list(self) -> list[bytes]:
        """Of each device what the list says of it, its interfaces included."""
        assert self.operation(0x8005) == (0x0111, 5, 0)
        (count,) = struct.unpack(">I", self._take(4))
        found = []
        for _ in range(count):
            about = self._take(312)
            found.append(about + self._take(4 * about[-1]))
        return found

    def attach(self, bus_id: str = "1-1") -> int:
        """The status; 0 when the device is ours."""
        version, code, status = self.operation(0x8003, struct.pack("32s", bus_id.encode()))
        assert (version, code) == (0x0111, 3)
        if status == 0:
            self._take(312)
        return status

    # --- URBs
    def submit(
        self, endpoint: int, size: int = 0, data: bytes = b"", setup: bytes = bytes(8), flags: int = 0, packets: int = 0
    ) -> int:
        """`endpoint` has bit 7 for IN; `data` goes out, `size` is the room for what comes in."""
        self._number += 1
        into = bool(endpoint & 0x80)
        if into:
            self._in.add(self._number)
        head = struct.pack(">5I", 1, self._number, DEVICE_ID, into, endpoint & 0x7F)
        size = size if into else len(data)
        self.link.send(head + struct.pack(">5I", flags, size, 0, packets, 0) + setup + (b"" if into else data))
        return self._number

    def hear(self, timeout: float) -> bool:
        """One more answer; False when none comes in time."""
        if len(self._held) < 48:
            more = self.link.receive(timeout)
            self._held += more
            if not more:
                return False
            if len(self._held) < 48:
                return True
        command, number, device, direction, endpoint = struct.unpack_from(">5I", self._held)
        assert (device, direction, endpoint) == (0, 0, 0)
        head = self._take(48)
        (status,) = struct.unpack_from(">i", head, 20)
        if command == 4:
            self.unlinked[number] = status
            return True
        assert command == 3
        (length,) = struct.unpack_from(">I", head, 24)
        assert head[28:] == bytes(20)
        data = self._take(length) if number in self._in else b""
        assert number not in self.done
        self.done[number] = Done(status, length, data)
        return True

    def wait(self, number: int, timeout: float = PATIENCE) -> Done | None:
        """How that URB ended; None while it has not."""
        while number not in self.done:
            if not self.hear(timeout):
                return None
        return self.done.pop(number)

    def result(self, number: int) -> Done:
        done = self.wait(number)
        assert done is not None
        return done

    def unlink(self, number: int) -> int:
        """The status of that: -ECONNRESET when the URB has no other answer."""
        self._number += 1
        mine = self._number
        self.link.send(struct.pack(">5I", 2, mine, DEVICE_ID, 0, 0) + struct.pack(">I24x", number))
        while mine not in self.unlinked:
            assert self.hear(PATIENCE)
        return self.unlinked.pop(mine)

    # --- what drivers do
    def ask(self, kind: int, request: int, value: int = 0, index: int = 0, length: int = 255) -> bytes:
        """A control request that is answered with data. Raises StalledError."""
        setup = struct.pack("<BBHHH", kind, request, value, index, length)
        return self._finished(self.submit(0x80, length, setup=setup)).data

    def tell(self, kind: int, request: int, value: int = 0, index: int = 0, data: bytes = b"") -> None:
        """A control request that carries data, or nothing. Raises StalledError."""
        setup = struct.pack("<BBHHH", kind, request, value, index, len(data))
        self._finished(self.submit(0x00, data=data, setup=setup))

    def _finished(self, number: int) -> Done:
        done = self.result(number)
        if done.status == -EPIPE:
            raise StalledError
        assert done.status == 0
        return done

    def enumerate(self) -> list[str]:
        """What Linux asks a new device: its strings are the answer. The device is configured then."""
        about = self.ask(0x80, 6, 0x0100, 0, 64)
        assert about == self.ask(0x80, 6, 0x0100, 0, 18)
        head = self.ask(0x80, 6, 0x0F00, 0, 5)
        assert len(self.ask(0x80, 6, 0x0F00, 0, head[2] | head[3] << 8)) == head[2] | head[3] << 8
        head = self.ask(0x80, 6, 0x0200, 0, 9)
        whole = self.ask(0x80, 6, 0x0200, 0, head[2] | head[3] << 8)
        assert len(whole) == head[2] | head[3] << 8
        language = self.ask(0x80, 6, 0x0300)
        strings = [self.ask(0x80, 6, 0x0300 | n, language[2] | language[3] << 8) for n in about[14:17]]
        self.tell(0x00, 9, whole[5])
        self.tell(0x21, 10)
        self.ask(0x81, 6, 0x2200, 0, whole[25] | whole[26] << 8)
        return [one[2:].decode("utf-16-le") for one in strings]

    def clear_halt(self, endpoint: int) -> None:
        self.tell(0x02, 1, 0, endpoint)


class UsbIpTransport:
    """One carrier of the token as a transport (`coldshare.device.transport`), as hidraw or libusb would have it."""

    unattended = True

    def __init__(self, computer: Computer, *, bulk: bool, packet: int) -> None:
        self.computer = computer
        self.report_size = wire.BULK_FRAME_MAX if bulk else packet
        self._bulk = bulk
        self._packet = packet
        self._reading: int | None = None
        self._marks = 0
        if bulk:
            computer.clear_halt(0x82)
            computer.clear_halt(0x02)

    def write(self, report: bytes) -> None:
        flags = 0
        more = False
        if self._bulk and len(report) % self._packet == 0:
            # Both ways to end such a frame that a computer has, in turn.
            self._marks += 1
            flags, more = (ZERO_PACKET, False) if self._marks % 2 else (0, True)
        try:
            numbers = [self.computer.submit(2 if self._bulk else 1, data=report, flags=flags)]
            if more:
                numbers.append(self.computer.submit(2))
            for number in numbers:
                assert self.computer.result(number).status == 0
        except (EOFError, OSError) as error:
            raise TokenGoneError from error

    def read(self, timeout: float) -> bytes | None:
        endpoint, room = (0x82, 16384) if self._bulk else (0x81, self.report_size)
        try:
            if self._reading is None:
                self._reading = self.computer.submit(endpoint, room)
            done = self.computer.wait(self._reading, timeout)
            if done is None and self._bulk:
                # libusb takes a transfer back that was not in time; it may have been, at the last moment.
                self.computer.unlink(self._reading)
                done = self.computer.done.pop(self._reading, None)
                self._reading = None
        except (EOFError, OSError) as error:
            raise TokenGoneError from error
        if done is None:
            return None
        self._reading = None
        assert done.status == 0
        return done.data

    def close(self) -> None:
        self.computer.link.close()
