"""The token's end of the cable: reports to messages and back, channels, and what is still to be sent. Portable subset.

The rules are CTAPHID's. What a message means is none of this file's business.
"""

from coldshare_firmware.channels import Channels
from coldshare_iface import wire
from coldshare_iface.framing import Assembler, FrameError, count, cut

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

    from coldshare_firmware.types import Hal

_INIT = wire.CMD_INIT | 0x80
# Reports kept for a host that does not fetch them: two whole messages and some errors. What comes on top is dropped,
# or a host that only ever talks would fill the memory.
_BACKLOG = 300


class Port:
    """One USB port, full of channels."""

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._size = hal.report_size
        self._assembler = Assembler(hal.report_size)
        self._channels = Channels()
        self._last = 0  # when the message under way last grew
        self._out: list[list[Any]] = []  # messages to send: [channel, command, message, its next report]
        self._backlog = 0  # reports in all of them
        # The one large block of memory, for what comes and what goes: later there may be room enough and none so long.
        self._block = bytearray(wire.MESSAGE_MAX)
        self._lent: memoryview | None = None  # the part of it that is to be sent

    @property
    def receiving(self) -> bool:
        """True in the middle of a message."""
        return self._assembler.busy

    @property
    def sending(self) -> bool:
        return bool(self._out)

    def feed(self, report: bytes) -> "tuple[bytes, int, Any] | None":
        """Take one report; (channel, command, message) when it completes one.

        A record is a buffer that may be altered, and that the next `feed` may alter.
        """
        self.expire()
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

    def _may_begin(self, cid: bytes, report: bytes) -> bool:
        """Whether this channel may begin this message. One nobody was given must not occupy the only buffer."""
        if cid == wire.CID_BROADCAST:
            if report[4] != _INIT:
                self.error(cid, wire.ERR_INVALID_CHANNEL)
                return False
            if report[5] or report[6] != wire.INIT_NONCE:
                self.error(cid, wire.ERR_INVALID_LEN)
                return False
        elif not self._channels.known(cid):
            self.error(cid, wire.ERR_INVALID_CHANNEL)
            return False
        return True

    def expire(self) -> None:
        """Give up a message whose next report does not come, and say so."""
        if self._assembler.busy and self._hal.now_ms() - self._last > wire.FRAME_TIMEOUT_MS:
            self.abandon(wire.ERR_MSG_TIMEOUT)

    def abandon(self, code: int) -> None:
        """Forget the message under way, and tell its sender."""
        cid = self._assembler.cid
        self._assembler.reset()
        self.error(cid, code)

    def allocate(self) -> bytes:
        """A channel id nobody has."""
        return self._channels.allocate()

    def room(self, size: int) -> "bytearray | memoryview":
        """A place to write a message of `size` bytes, to be sent next."""
        if self._lent is not None or self._assembler.busy:
            return bytearray(size)
        self._lent = memoryview(self._block)[:size]
        return self._lent

    def send(self, cid: bytes, cmd: int, payload: "bytes | bytearray | memoryview") -> None:
        reports = count(len(payload), self._size)
        if self._backlog and self._backlog + reports > _BACKLOG:
            self._settle()
            return
        self._backlog += reports
        self._out.append([cid, cmd, payload, 0])
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
        self._backlog = sum([count(len(entry[2]), self._size) - entry[3] for entry in self._out])
        self._settle()

    def fetch(self) -> "bytes | None":
        """The next report to send."""
        if not self._out:
            return None
        entry = self._out[0]
        cid, cmd, message, number = entry
        report = cut(cid, cmd, message, number, self._size)
        entry[3] = number + 1
        self._backlog -= 1
        if number + 1 == count(len(message), self._size):
            self._out.pop(0)
            self._settle()
        return report
