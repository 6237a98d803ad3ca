"""The simulated device under a hostile computer: control requests, endpoints, and USB/IP."""

from __future__ import annotations

import copy
import struct
from functools import cache
from typing import Any

from coldshare_firmware.token import Token
from coldshare_iface import framing, wire
from coldshare_sim.usb import usbip
from coldshare_sim.usb.descriptors import BULK_IN, BULK_OUT, HID_IN, HID_OUT, Speed
from coldshare_sim.usb.gadget import STUCK_MS, Gadget
from coldshare_sim.usb.usbip import Connection, Port, UsbIpError
from fuzz.script import Script
from fuzz.token_targets import TimedBoard
from fuzz.wire_targets import CIDS

_NONCE = b"fuzzfuzz"
_CONFIGURE = struct.pack("<BBHHH", 0x00, 9, 1, 0, 0)
_CLEAR = {end: struct.pack("<BBHHH", 0x02, 1, 0, end, 0) for end in (HID_IN, HID_OUT, BULK_IN, BULK_OUT)}
_ENDS = (HID_IN, HID_OUT, BULK_IN, BULK_OUT, 0x00, 0x80, 0x03, 0x83)
_SENT_NOWHERE = tuple(end for end in _ENDS if end != BULK_OUT)
_BULK_CID = b"\x80\x00\x00\x01"


class BoardToken:
    """The firmware on a board in memory, as `Gadget` wants a software token. It keeps every frame that it is fed."""

    def __init__(self, report_size: int) -> None:
        self.board = self.clock = TimedBoard()
        self.board.report_size = self.report_size = report_size
        self.token = Token(self.board)
        self.frames: list[bytes] = []

    def write(self, report: bytes) -> None:
        self.token.feed(report)

    def write_bulk(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.token.feed(frame, bulk=True)

    def poll(self) -> bytes | None:
        return self.token.poll()

    def poll_bulk(self) -> bytes | None:
        return self.token.poll(bulk=True)

    def drop_bulk(self) -> None:
        self.token.drop_bulk()

    def info(self) -> bytes:
        return self.token.info()

    @property
    def busy(self) -> bool:
        return self.token.busy

    @property
    def waiting(self) -> bool:
        return self.token.waiting


@cache
def _made(speed: Speed) -> tuple[BoardToken, Gadget]:
    token: Any = BoardToken(speed.report_size)
    return token, Gadget(token, speed)


def _fresh(script: Script) -> tuple[BoardToken, Gadget]:
    return copy.deepcopy(_made(script.pick((Speed.FULL, Speed.HIGH))))


def _setup(script: Script) -> bytes:
    """Any setup packet, or one that is nearly right."""
    if script.number() & 3 == 0:
        return script.take(8).ljust(8, b"\0")
    kind = script.pick((0x00, 0x01, 0x02, 0x21, 0x40, 0x80, 0x81, 0x82, 0xA1, 0xC0))
    request = script.number() % 13
    value = script.pick((0, 1, 0x0100, 0x0200, 0x0300, 0x0301, 0x0F00, 0x2100, 0x2200, script.number(2)))
    return struct.pack("<BBHHH", kind, request, value, script.pick((0, 1, 7, *_ENDS)), script.number())


class _Reassembly:
    """What becomes a frame, once more and as slowly as it can be written: packet by packet."""

    def __init__(self, packet: int) -> None:
        self.packet = packet
        self.half = b""
        self.frames: list[bytes] = []

    def feed(self, data: bytes) -> None:
        packets = [data[at : at + self.packet] for at in range(0, len(data), self.packet)] or [b""]
        for packet in packets:
            self.half += packet
            if len(packet) < self.packet:
                self.frames.append(self.half[: wire.BULK_FRAME_MAX + 1])
                self.half = b""


def _frame(script: Script) -> bytes:
    """Something for the bulk endpoint: a frame, mostly, or a part of one, or anything."""
    if script.number() & 3 == 0:
        return script.string()
    cid = script.pick((*CIDS, _BULK_CID))
    message = (script.string() * (1 + script.number()))[: wire.MESSAGE_MAX]
    (frame,) = framing.split(cid, script.pick((wire.CMD_PING, wire.CMD_INIT, script.number() & 0x7F)), message, 7616)
    return frame[: script.number(2)] if script.flag() else frame


def device(data: bytes) -> None:
    """Any requests, packets and fetches: nothing raises, no answer is longer than it may be, what waits is bounded, a
    frame is what lies between two packets that are not full, and the device can be used afterwards."""
    script = Script(data)
    token, gadget = _fresh(script)
    packet = gadget.speed.bulk_packet
    reference = _Reassembly(packet)
    if script.flag():
        gadget.control(_CONFIGURE, b"")
    for _ in range(60):
        if not script:
            break
        match script.number() % 6:
            case 0:
                setup = _setup(script)
                length = int.from_bytes(setup[6:], "little")
                body = b"" if setup[0] & 0x80 else script.take(length)
                answer = gadget.control(setup, body)
                assert answer is None or len(answer) <= length
                if answer is not None and _restarts(setup):
                    reference.half = b""
            case 1:
                frame = _frame(script)
                if gadget.out(BULK_OUT, frame):
                    reference.feed(frame)
            case 2:
                gadget.out(script.pick((HID_OUT, HID_OUT, *_SENT_NOWHERE)), script.string())
            case 3:
                end, size = script.pick(_ENDS), script.number(2)
                said = gadget.take(end, size)
                assert said is None or len(said) <= size
                assert said is None or not gadget.halted(end)
            case 4:
                token.board.clock += script.number() * 20
            case _:
                gadget.step()
        assert len(gadget._reports) <= 4
        assert len(gadget._half) <= wire.BULK_FRAME_MAX + 1
    assert token.frames == reference.frames
    _usable(token, gadget)


def _restarts(setup: bytes) -> bool:
    """Whether that request, which was granted, makes the bulk endpoint forget half a frame."""
    kind, request, value, index, _ = struct.unpack("<BBHHH", setup)
    return (kind, request) == (0x00, 9) or (kind, request, value, index) in ((2, 1, 0, BULK_OUT), (1, 11, 0, 1))


def _usable(token: Any, gadget: Any) -> None:
    """A new computer: it sets the configuration, waits until what others left is gone, and gets a channel each way."""
    gadget.reset()
    assert gadget.control(_CONFIGURE, b"") == b""
    for _ in range(4000):
        token.board.clock += STUCK_MS
        gadget.step()
        if not gadget.waiting and gadget.take(HID_IN, 1024) is None and gadget.take(BULK_IN, 16384) is None:
            break
    else:
        raise AssertionError("the token talks without end")
    for end in _CLEAR:
        assert gadget.control(_CLEAR[end], b"") == b""
    (report,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, _NONCE, token.report_size)
    assert gadget.out(HID_OUT, report)
    (frame,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, _NONCE, wire.BULK_FRAME_MAX)
    assert gadget.out(BULK_OUT, frame)
    gadget.step()
    for end in (HID_IN, BULK_IN):
        answer = gadget.take(end, 16384)
        assert answer is not None
        assert answer[7:15] == _NONCE


def usb_ip(data: bytes) -> None:
    """Any bytes at a connection, or URBs that are nearly right: no failure but UsbIpError, each URB answered at most
    once and with no more than it has room for, and the next client gets the device."""
    script = Script(data)
    token, gadget = _fresh(script)
    port: Any = Port(gadget)
    imported = script.flag()
    connection = Connection(port, imported=imported)
    rooms: dict[int, tuple[bool, int]] = {}
    gone = 0
    raw = not imported
    try:
        for number in range(1, 60):
            if not script:
                break
            kind = script.number() % 8
            if kind == 0 or not imported:
                raw = True
                connection.receive(script.string())
            elif kind == 1:
                unlink = struct.pack(">5II24x", 2, number, usbip.DEVICE_ID, 0, 0, script.number() % 60)
                connection.receive(unlink)
                gone += 1
            elif kind == 2:
                token.board.clock += script.number() * 20
                gadget.step()
            else:
                end, flags = script.pick(_ENDS), script.pick((0, 0, 1, 0x40, script.number(2)))
                body = _frame(script) if end == BULK_OUT else script.string()
                into = bool(end & 0x80)
                size = script.number(2) if into else len(body)
                rooms[number] = into, size
                head = struct.pack(">10I", 1, number, usbip.DEVICE_ID, into, end & 0x7F, flags, size, 0, 0, 0)
                connection.receive(head + _setup(script) + (b"" if into else body))
            connection.pump()
            assert connection.pending <= usbip.PENDING_MAX
    except UsbIpError:
        raw = True
    if not raw:
        answered = _answers(bytes(connection.out), rooms)
        assert len(rooms) >= answered + connection.pending >= len(rooms) - gone
    connection.close()
    assert port.importer is None
    after = Connection(port)
    after.receive(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"))
    assert after.imported
    _usable(token, gadget)


def _answers(out: bytes, rooms: dict[int, tuple[bool, int]]) -> int:
    """How many URBs have been answered."""
    seen = set()
    while out:
        command, number, device_id, direction, end, _, length = struct.unpack_from(">5IiI", out)
        assert (device_id, direction, end) == (0, 0, 0)
        out = out[48:]
        if command == 4:
            continue
        assert command == 3
        assert number not in seen
        seen.add(number)
        into, room = rooms[number]
        assert length <= room
        if into:
            assert len(out) >= length
            out = out[length:]
    return len(seen)
