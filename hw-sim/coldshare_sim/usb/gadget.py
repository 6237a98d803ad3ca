"""The token as a USB device: control requests, reports on the HID endpoints, frames on the bulk ones. Sans-IO.

Nothing that comes over the bus raises. A token whose cable fails (`coldshare_sim.faults`) raises UnpluggedError from
every method that reaches the firmware.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Any

from coldshare_firmware import cbor
from coldshare_iface import wire
from coldshare_sim.token import SoftToken
from coldshare_sim.usb import descriptors
from coldshare_sim.usb.descriptors import BULK_IN, BULK_INTERFACE, BULK_OUT, HID_IN, HID_INTERFACE, HID_OUT, Speed

#: Nobody has fetched anything for so long: the computer is gone, and what is left for it is dropped, as on the board.
STUCK_MS = 3000
#: So long after the last word to it the token may leave the bus for a moment, to come back under another serial.
QUIET_MS = 2000
#: Reports that wait at the endpoint; the firmware keeps the others.
_REPORTS = 4
_SERIAL = 4  # in the answer to `info`
_IN = 0x80
_ENDPOINT_HALT = 0
_ADDRESS_MAX = 127
_INPUT_REPORT, _OUTPUT_REPORT = 1, 2
_INTERFACE_OF = {HID_IN: HID_INTERFACE, HID_OUT: HID_INTERFACE, BULK_IN: BULK_INTERFACE, BULK_OUT: BULK_INTERFACE}

# bmRequestType, without the direction: who is asked, and by which rules.
_DEVICE, _INTERFACE, _ENDPOINT = 0x00, 0x01, 0x02
_HID_CLASS = 0x21
_VENDOR = 0x40

# bRequest
_GET_STATUS, _CLEAR_FEATURE, _SET_FEATURE, _SET_ADDRESS = 0, 1, 3, 5
_GET_DESCRIPTOR, _GET_CONFIGURATION, _SET_CONFIGURATION = 6, 8, 9
_GET_INTERFACE, _SET_INTERFACE = 10, 11
_GET_REPORT, _GET_IDLE, _SET_REPORT, _SET_IDLE = 1, 2, 9, 10


def serial(token: SoftToken) -> str:
    """The token's serial as it stands on the bus."""
    answer: Any = cbor.decode(token.info())
    number: bytes = answer[_SERIAL]
    return number.hex()


class Gadget:
    """One token at one speed of the bus. `token.report_size` must be that speed's."""

    def __init__(self, token: SoftToken, speed: Speed) -> None:
        if token.report_size != speed.report_size:
            raise ValueError(f"at that speed a report has {speed.report_size} bytes, not {token.report_size}")
        self.speed = speed
        self.token = token
        self.serial = serial(token)
        self.device_descriptor = descriptors.device()
        self.configuration_descriptor = descriptors.configuration(speed)
        self.report_descriptor = descriptors.report(speed)
        self._strings = descriptors.strings(self.serial)
        self.configured = False
        #: Whether the last `take` had a packet that was longer than what was left of the transfer; it is lost.
        self.babbled = False
        self._halted: set[int] = set()
        self._reports: deque[bytes] = deque()
        self._last_report = bytes(speed.report_size)
        self._frame: bytes | None = None  # the rest of what the bulk endpoint has to say; b"" is a packet of no bytes
        self._half = bytearray()  # of a frame that comes
        self._framed = False  # whether there has been a frame: before that the token has nothing to say on bulk
        now = token.clock.now_ms()
        self._heard_at = now
        self._checked = True  # whether the serial is known to be what the bus says
        self._flowing = {HID_IN: now, BULK_IN: now}  # when something last went, or there was nothing

    def reset(self) -> None:
        """The bus is reset: nothing is configured, and nothing is under way at the endpoints."""
        self.configured = False
        self._fresh()

    def _fresh(self) -> None:
        self._halted.clear()
        self._reports.clear()
        self._frame = None
        self._half.clear()

    def halted(self, endpoint: int) -> bool:
        """Whether that endpoint answers everything with STALL."""
        return endpoint in self._halted

    # --- control requests
    def control(self, setup: bytes, data: bytes) -> bytes | None:
        """The answer to a request, cut to what was asked for; None is a STALL.

        `setup` is the packet of 8 bytes, `data` what follows it to the device.
        """
        if len(setup) != 8:
            return None
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind & _IN:
            answer = self._ask(kind & ~_IN, request, value, index)
            return None if answer is None else answer[:length]
        if len(data) != length:
            return None
        return b"" if self._tell(kind, request, value, index, data) else None

    def _ask(self, kind: int, request: int, value: int, index: int) -> bytes | None:
        if kind == _VENDOR:
            asked = (request, value, index)
            wanted = (descriptors.MICROSOFT_REQUEST, 0, descriptors.MICROSOFT_INDEX)
            return descriptors.microsoft() if asked == wanted else None
        if kind == _DEVICE:
            return self._ask_device(request, value, index)
        if kind == _INTERFACE:
            return self._ask_interface(request, value, index)
        if kind == _ENDPOINT:
            known = request == _GET_STATUS and value == 0 and self._is_endpoint(index)
            return bytes((index in self._halted, 0)) if known else None
        if kind == _HID_CLASS and index == HID_INTERFACE and self.configured:
            if request == _GET_REPORT and value == _INPUT_REPORT << 8:
                return self._last_report
            if request == _GET_IDLE and value == 0:
                return b"\0"
        return None

    def _ask_device(self, request: int, value: int, index: int) -> bytes | None:
        if request == _GET_DESCRIPTOR:
            return self._descriptor(value >> 8, value & 0xFF)
        if value or index:
            return None
        if request == _GET_STATUS:
            return b"\0\0"  # powered by the bus, wakes nobody up
        if request == _GET_CONFIGURATION:
            return bytes((descriptors.CONFIGURATION_VALUE if self.configured else 0,))
        return None

    def _descriptor(self, kind: int, index: int) -> bytes | None:
        if kind == descriptors.STRING:
            return self._strings[index] if index < len(self._strings) else None
        if index:
            return None
        if kind == descriptors.DEVICE:
            return self.device_descriptor
        if kind == descriptors.CONFIGURATION:
            return self.configuration_descriptor
        if kind == descriptors.BOS:
            return descriptors.bos()
        if self.speed is Speed.HIGH and kind == descriptors.QUALIFIER:
            return descriptors.qualifier()
        if self.speed is Speed.HIGH and kind == descriptors.OTHER_SPEED:
            return descriptors.configuration(Speed.FULL, descriptors.OTHER_SPEED)
        return None

    def _ask_interface(self, request: int, value: int, index: int) -> bytes | None:
        if request == _GET_DESCRIPTOR and index == HID_INTERFACE:
            # Read before the configuration is set, too: some systems look at all of a device first.
            if value == descriptors.HID << 8:
                return descriptors.hid(self.speed)
            return self.report_descriptor if value == descriptors.REPORT << 8 else None
        if value or not self.configured or index not in (HID_INTERFACE, BULK_INTERFACE):
            return None
        if request == _GET_STATUS:
            return b"\0\0"
        return b"\0" if request == _GET_INTERFACE else None

    def _is_endpoint(self, address: int) -> bool:
        return address in (0, _IN) or (self.configured and address in _INTERFACE_OF)

    def _tell(self, kind: int, request: int, value: int, index: int, data: bytes) -> bool:
        if kind == _HID_CLASS and index == HID_INTERFACE and self.configured:
            if request == _SET_REPORT and value == _OUTPUT_REPORT << 8:
                self._hear()
                self.token.write(data)
                return True
            # Nothing is ever sent twice, so no other rate can be kept. Boot protocols are for keyboards and mice.
            return request == _SET_IDLE and value == 0 and not data
        if data:
            return False
        if kind == _DEVICE and index == 0:
            if request == _SET_ADDRESS:
                return value <= _ADDRESS_MAX
            if request == _SET_CONFIGURATION and value in (0, descriptors.CONFIGURATION_VALUE):
                self.configured = value != 0
                self._fresh()
                return True
        if kind == _INTERFACE and self.configured and request == _SET_INTERFACE:
            return self._set_interface(value, index)
        if kind == _ENDPOINT and value == _ENDPOINT_HALT and self._is_endpoint(index):
            return self._set_halt(request, index)
        return False

    def _set_interface(self, setting: int, interface: int) -> bool:
        endpoints = [address for address, of in _INTERFACE_OF.items() if of == interface]
        if setting or not endpoints:
            return False
        for address in endpoints:
            self._set_halt(_CLEAR_FEATURE, address)
        return True

    def _set_halt(self, request: int, address: int) -> bool:
        if address not in _INTERFACE_OF:
            return request == _CLEAR_FEATURE  # the control endpoint is never halted
        if request == _SET_FEATURE:
            self._halted.add(address)
        elif request == _CLEAR_FEATURE:
            self._halted.discard(address)
            if address == BULK_OUT:
                self._half.clear()
            elif address == BULK_IN:
                self._frame = None
                self.token.drop_bulk()
        else:
            return False
        return True

    # --- the endpoints
    def out(self, endpoint: int, data: bytes) -> bool:
        """Data for the token: any number of packets, all full but the last. False is a STALL.

        A frame ends with a packet that is not full, so one that ends with a full packet needs `b""` after it.
        """
        if not self.configured or endpoint in self._halted:
            return False
        self._hear()
        if endpoint == HID_OUT:
            size = self.speed.report_size
            for at in range(0, len(data) or 1, size):
                self.token.write(data[at : at + size])
            return True
        if endpoint != BULK_OUT:
            return False
        # One byte too many is enough for the firmware to see that a frame is too long.
        self._half += data[: wire.BULK_FRAME_MAX + 1 - len(self._half)]
        if not data or len(data) % self.speed.bulk_packet:
            frame = bytes(self._half)
            self._half.clear()
            self._framed = True
            self.token.write_bulk(frame)
        return True

    def take(self, endpoint: int, size: int) -> bytes | None:
        """What the token says in one transfer of at most `size` bytes; None when it has nothing to say now."""
        self.babbled = False
        if not self.configured or endpoint in self._halted:
            return None
        if endpoint == HID_IN and self._reports:
            said = self._last_report = self._reports.popleft()
            self.babbled = len(said) > size
            said = said[:size]
        elif endpoint == BULK_IN and self._frame is not None:
            said = self._take_bulk(self._frame, size)
        else:
            return None
        self._flowing[endpoint] = self.token.clock.now_ms()
        return said

    def _take_bulk(self, frame: bytes, size: int) -> bytes:
        packet = self.speed.bulk_packet
        if len(frame) > size:
            self.babbled = size % packet != 0
            rest = frame[(size + packet - 1) // packet * packet :]
            # The packet that did not fit may have been the last one.
            over = self.babbled and not rest and len(frame) % packet
            self._frame = None if over else rest
            return frame[:size]
        # A full transfer that ends with a full packet says nothing about the end: a packet of no bytes comes later.
        self._frame = b"" if frame and len(frame) == size and size % packet == 0 else None
        return frame

    def step(self) -> None:
        """Let the firmware do one step of what it is at, and fetch what it has to say."""
        now = self.token.clock.now_ms()
        for endpoint, held in ((HID_IN, bool(self._reports)), (BULK_IN, self._frame is not None)):
            if held and now - self._flowing[endpoint] >= STUCK_MS:
                if endpoint == HID_IN:
                    self._reports.clear()
                else:
                    self._frame = None
            elif not held:
                self._flowing[endpoint] = now
        while self._room_for_reports:
            report = self.token.poll()
            if report is None:
                break
            self._reports.append(report)
            if self.token.busy:
                break  # on a slow machine each of its steps may have something to say
        if self._room_for_frames:
            self._frame = self.token.poll_bulk()

    @property
    def _room_for_reports(self) -> bool:
        return len(self._reports) < _REPORTS

    @property
    def _room_for_frames(self) -> bool:
        return self._frame is None and self._framed

    def _hear(self) -> None:
        self._heard_at = self.token.clock.now_ms()
        self._checked = False

    @property
    def renamed(self) -> bool:
        """Whether the token has another serial by now than it has on the bus: a wipe gives it one.

        Not before whoever wiped it has heard so and a moment has passed.
        """
        if self._checked or self.waiting or self.token.clock.now_ms() - self._heard_at < QUIET_MS:
            return False
        self._checked = True
        return serial(self.token) != self.serial

    @property
    def busy(self) -> bool:
        """Whether the next `step` has work to do at once."""
        return self.token.busy and (self._room_for_reports or self._room_for_frames)

    @property
    def waiting(self) -> bool:
        """Whether a later `step` may have something to do though nothing comes over the bus until then."""
        return self.token.waiting or bool(self._reports) or self._frame is not None
