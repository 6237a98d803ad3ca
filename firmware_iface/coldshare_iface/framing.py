"""Messages to reports and back: the CTAPHID layout. Sans-IO, portable subset.

A report is `channel id [4] | command with bit 7 set | length [2] | data` (initial) or
`channel id [4] | sequence 0..127 | data` (continuation), zero-padded to the report size
(FIDO CTAP 2.1 section 11.2.4). Neither side of this file knows whether it is the host or the token.
"""

from coldshare_iface import wire

_INIT = 7
_CONT = 5
_SEQ = tuple([bytes((n,)) for n in range(128)])


class FrameError(Exception):
    """A report breaks the framing rules.

    `code` is the CTAPHID error byte the other side should be told, `cid` the channel that sent the report.
    """

    def __init__(self, code: int, cid: bytes, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.cid = cid


def split(cid: bytes, cmd: int, message: "bytes | bytearray", size: int = wire.REPORT_FS) -> "list[bytes]":
    """Cut `message` (at most 7609 bytes) into reports of exactly `size` bytes.

    Raises ValueError for a message that is too long: that is the caller's mistake, not the peer's.
    """
    total = len(message)
    if total > wire.MESSAGE_MAX:
        raise ValueError("message longer than 7609 bytes")
    view = memoryview(message)
    step = size - _CONT
    at = size - _INIT
    head = cid + bytes((cmd | 0x80, total >> 8, total & 0xFF)) + bytes(view[:at])
    if total <= at:
        return [head + bytes(size - len(head))]
    reports = [head]
    seq = 0
    while at < total:
        reports.append(cid + _SEQ[seq] + bytes(view[at : at + step]))
        at += step
        seq += 1
    last = reports[-1]
    if len(last) < size:
        reports[-1] = last + bytes(size - len(last))
    return reports


class Assembler:
    """Joins reports into messages, one message at a time.

    `feed` returns None, or `(cid, cmd, message)` when a message is whole. After a FrameError the partial message
    is gone unless the offending report belonged to another channel.
    """

    def __init__(self, size: int = wire.REPORT_FS) -> None:
        self.size = size
        self.cid = b""
        self._cmd = 0
        self._seq = 0
        self._left = 0
        self._parts: list[bytes] = []

    @property
    def busy(self) -> bool:
        """True between the first and the last report of a message."""
        return self._left > 0

    def reset(self) -> None:
        """Forget a partial message."""
        self._left = 0
        self._parts = []

    def feed(self, report: bytes) -> "tuple[bytes, int, bytes] | None":
        # The hot path first: a continuation of the message in progress.
        left = self._left
        if left and len(report) == self.size and report[4] == self._seq and report[:4] == self.cid:
            step = self.size - _CONT
            self._parts.append(report[_CONT:] if left >= step else report[_CONT : _CONT + left])
            if left > step:
                self._left = left - step
                self._seq += 1
                return None
            return self._finish()
        return self._feed_slow(report)

    def _finish(self) -> "tuple[bytes, int, bytes]":
        message = b"".join(self._parts)
        self.reset()
        return self.cid, self._cmd, message

    def _feed_slow(self, report: bytes) -> "tuple[bytes, int, bytes] | None":
        cid = bytes(report[:4])
        if len(report) != self.size:
            if len(cid) < len(wire.CID_BROADCAST):
                cid = wire.CID_BROADCAST  # too short to say who sent it
            if cid == self.cid:
                self.reset()
            raise FrameError(wire.ERR_INVALID_LEN, cid, "a report of the wrong size")
        if not report[4] & 0x80:
            if not self.busy:
                # CTAPHID: a continuation out of nowhere is ignored, it may be the rest of something cancelled.
                return None
            if cid != self.cid:
                raise FrameError(wire.ERR_CHANNEL_BUSY, cid, "a continuation on another channel")
            self.reset()
            raise FrameError(wire.ERR_INVALID_SEQ, cid, "a report is missing or out of order")
        cmd = report[4] & 0x7F
        if self.busy and cid != self.cid:
            raise FrameError(wire.ERR_CHANNEL_BUSY, cid, "another channel is in the middle of a message")
        if self.busy and cmd != wire.CMD_INIT and cmd != wire.CMD_CANCEL:
            self.reset()
            raise FrameError(wire.ERR_INVALID_SEQ, cid, "a new message before the last one was whole")
        total = report[5] << 8 | report[6]
        self.reset()
        if total > wire.MESSAGE_MAX:
            raise FrameError(wire.ERR_INVALID_LEN, cid, "a message longer than 7609 bytes")
        self.cid = cid
        self._cmd = cmd
        self._seq = 0
        room = self.size - _INIT
        self._parts = [bytes(report[_INIT : _INIT + min(total, room)])]
        if total <= room:
            return self._finish()
        self._left = total - room
        return None
