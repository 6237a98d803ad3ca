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

    @property
    def receiving(self) -> bool:
        """True in the middle of a message."""
        return self._assembler.busy

    @property
    def sending(self) -> bool:
        return bool(self._out)

    def feed(self, report: bytes) -> "tuple[bytes, int, bytes] | None":
        """Take one report; (channel, command, message) when it completes one."""
        self.expire()
        assembler = self._assembler
        cid = report[:4]
        if len(report) == self._size and report[4] & 0x80 and not self._may_begin(cid, report):
            return None
        try:
            message = assembler.feed(report)
        except FrameError as error:
            # A stranger's report does not keep the message under way alive: `_last` stays.
            self.error(error.cid, error.code)
            return None
        self._last = self._hal.now_ms()
        return message

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

    def send(self, cid: bytes, cmd: int, payload: bytes) -> None:
        reports = count(len(payload), self._size)
        if self._backlog and self._backlog + reports > _BACKLOG:
            return
        self._backlog += reports
        self._out.append([cid, cmd, payload, 0])

    def error(self, cid: bytes, code: int) -> None:
        self.send(cid, wire.CMD_ERROR, bytes((code,)))

    def forget(self, cid: bytes) -> None:
        """Drop what that channel has not fetched: after a fresh start an old answer would be taken for a new one."""
        self._out = [entry for entry in self._out if entry[0] != cid]
        self._backlog = sum([count(len(entry[2]), self._size) - entry[3] for entry in self._out])

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
        return report
