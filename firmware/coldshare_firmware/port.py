"""The token's end of the cable: reports to messages and back, channels, and what is still to be sent. Portable subset.

The rules are CTAPHID's. What a message means is none of this file's business. A token may have two carriers, HID and
bulk. A channel belongs to the one where it was given out, and its id tells which.
"""

from coldshare_firmware.channels import Channels, is_bulk
from coldshare_iface import framing, wire
from coldshare_iface.framing import Assembler, FrameError, count, cut

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

    from coldshare_firmware.types import Hal

_INIT = wire.CMD_INIT | 0x80
# Reports kept on each carrier for a host that does not fetch them: two whole messages and some errors. What comes on
# top is dropped, or a host that only ever talks would fill the memory.
_BACKLOG = 300
_HEADER = 7  # of a frame


class Port:
    """One USB port, full of channels."""

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._size = hal.report_size
        self._assembler = Assembler(hal.report_size)
        self._channels = Channels()
        self._last = 0  # when the message under way last grew
        self._bulk = False  # whether that is the carrier of what came last
        self._out: list[list[Any]] = []  # messages to send: [channel, command, message, its next report, bulk]
        self._backlog = [0, 0]  # reports in all of them on HID, and what those on bulk would be there
        # The one large block of memory, for what comes and what goes: later there may be room enough and none so long.
        self._block = bytearray(wire.BULK_FRAME_MAX)
        self._lent: memoryview | None = None  # the part of it that is to be sent; before it is room for a header

    @property
    def active(self) -> bool:
        """True in the middle of a message, or while one waits to be fetched."""
        return self._assembler.busy or bool(self._out)

    @property
    def receiving(self) -> bool:
        """True in the middle of a message."""
        return self._assembler.busy

    def sending(self, bulk: bool = False) -> bool:
        """Whether something waits to be fetched on that carrier."""
        return self._backlog[bulk] > 0

    def feed(self, report: bytes) -> "tuple[bytes, int, Any] | None":
        """Take one report; (channel, command, message) when it completes one.

        A record is a buffer that may be altered, and that the next `feed` may alter.
        """
        self.expire()
        self._bulk = False
        assembler = self._assembler
        if len(report) == self._size and report[4] & 0x80:
            if not self._may_begin(report[:4], report):
                return None
            if not assembler.busy:
                assembler.buffer = self._block
                total = report[5] << 8 | report[6]
                if self._lent is not None and self._size - 7 < total <= wire.MESSAGE_MAX:
                    assembler.cid = report[:4]  # whom `abandon` tells, when the heap has no room for it
                    assembler.buffer = bytearray(total)
        try:
            message = assembler.feed(report)
        except FrameError as error:
            # A stranger's report does not keep the message under way alive: `_last` stays.
            self.error(error.cid, error.code)
            return None
        self._last = self._hal.now_ms()
        if message is None:
            return None
        cid, cmd, data = message
        buffer = assembler.buffer
        if assembler.gathered and buffer is not None:
            gathered = memoryview(buffer)[: assembler.gathered]
            return cid, cmd, gathered if cmd == wire.CMD_RECORD else bytes(gathered)
        return cid, cmd, bytearray(data) if cmd == wire.CMD_RECORD else data

    def feed_bulk(self, frame: "bytes | bytearray | memoryview") -> "tuple[bytes, int, Any] | None":
        """Take one frame from the bulk carrier; the message that it is, as `feed` gives it."""
        self.expire()
        self._bulk = True
        try:
            cid, cmd, data = framing.bulk(frame)
        except FrameError as error:
            self.error(error.cid, error.code)
            return None
        if not self._may_begin(cid, frame):
            return None
        if self._assembler.busy:
            self.error(cid, wire.ERR_CHANNEL_BUSY)
            return None
        self._assembler.cid = cid  # whom `abandon` tells
        if cmd != wire.CMD_RECORD:
            return cid, cmd, bytes(data)
        if self._lent is not None:
            return cid, cmd, bytearray(data)
        record = memoryview(self._block)[: len(data)]
        record[:] = data
        return cid, cmd, record

    def _may_begin(self, cid: bytes, report: "bytes | bytearray | memoryview") -> bool:
        """Whether this channel may begin this message. One nobody was given must not occupy the only buffer."""
        if cid == wire.CID_BROADCAST:
            if report[4] != _INIT:
                self.error(cid, wire.ERR_INVALID_CHANNEL)
                return False
            if report[5] or report[6] != wire.INIT_NONCE:
                self.error(cid, wire.ERR_INVALID_LEN)
                return False
        elif not self._channels.known(cid, self._bulk):
            self.error(cid, wire.ERR_INVALID_CHANNEL)
            return False
        return True

    def expire(self) -> None:
        """Give up a message whose next report does not come, and say so."""
        if self._assembler.busy and self._hal.now_ms() - self._last > wire.FRAME_TIMEOUT_MS:
            self._bulk = False
            self.abandon(wire.ERR_MSG_TIMEOUT)

    def abandon(self, code: int) -> None:
        """Forget the message under way, and tell its sender."""
        cid = self._assembler.cid
        self._assembler.reset()
        self.error(cid, code)

    def allocate(self) -> bytes:
        """A channel id nobody has, for the carrier of the message that came last."""
        return self._channels.allocate(self._bulk)

    def room(self, size: int) -> "bytearray | memoryview":
        """A place to write a message of `size` bytes, to be sent next."""
        if self._lent is not None or self._assembler.busy:
            return bytearray(size)
        self._lent = memoryview(self._block)[_HEADER : _HEADER + size]
        return self._lent

    def send(self, cid: bytes, cmd: int, payload: "bytes | bytearray | memoryview") -> None:
        # An error is for whoever sent what came last, be the channel that it names its own or not.
        bulk = self._bulk if cmd == wire.CMD_ERROR or cid == wire.CID_BROADCAST else is_bulk(cid)
        reports = count(len(payload), self._size)
        backlog = self._backlog[bulk]
        if backlog and backlog + reports > _BACKLOG:
            self._settle()
            return
        if bulk and len(payload) > self._size and payload is not self._lent:
            room = self.room(len(payload))  # a frame is sent in one piece
            room[:] = payload
            payload = room
        self._backlog[bulk] += reports
        self._out.append([cid, cmd, payload, 0, bulk])
        self._settle()

    def _settle(self) -> None:
        """The block is free again, unless something in it is still to be sent."""
        for entry in self._out:
            if entry[2] is self._lent:
                return
        self._lent = None

    def error(self, cid: bytes, code: int) -> None:
        self.send(cid, wire.CMD_ERROR, bytes((code,)))

    def forget(self, cid: bytes) -> None:
        """Drop what that channel has not fetched: after a fresh start an old answer would be taken for a new one."""
        self._out = [entry for entry in self._out if entry[0] != cid]
        self._backlog = [0, 0]
        for entry in self._out:
            self._backlog[entry[4]] += count(len(entry[2]), self._size) - entry[3]
        self._settle()

    def drop_bulk(self) -> None:
        """Forget what was not fetched on bulk: its host has cleared the halt of that endpoint."""
        while self.fetch(True) is not None:
            pass

    def fetch(self, bulk: bool = False) -> "Any":
        """The next report to send, or the next frame on bulk, a buffer that the next `feed` may alter; None without."""
        if not self._backlog[bulk]:
            return None
        at = 0
        while self._out[at][4] != bulk:
            at += 1
        cid, cmd, message, number, _ = self._out[at]
        reports = count(len(message), self._size)
        if bulk and self._lent is not None and message is self._lent:
            self._block[:_HEADER] = cut(cid, cmd, b"", 0, wire.BULK_FRAME_MAX)
            self._block[5:_HEADER] = len(message).to_bytes(2, "big")
            report: Any = memoryview(self._block)[: _HEADER + len(message)]
            self._backlog[bulk] -= reports
        elif bulk:
            report = cut(cid, cmd, message, 0, wire.BULK_FRAME_MAX)
            self._backlog[bulk] -= reports
        else:
            report = cut(cid, cmd, message, number, self._size)
            self._out[at][3] = number + 1
            self._backlog[bulk] -= 1
        if bulk or number + 1 == reports:
            self._out.pop(at)
            self._settle()
        return report
