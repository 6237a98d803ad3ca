"""Messages to reports and back: the CTAPHID layout. Sans-IO, portable subset.

A report is `channel id [4] | command with bit 7 set | length [2] | data` (initial) or
`channel id [4] | sequence 0..127 | data` (continuation), zero-padded to the report size
(FIDO CTAP 2.1 section 11.2.4). A carrier whose reports have BULK_FRAME_MAX bytes is a bulk one: there every message
is a single initial report, as long as it is and not padded. Neither side of this file knows whether it is the host or
the token.
"""

from coldshare_iface import wire

_INIT = 7
_CONT = 5
_SEQUENCES = 128
_TOGETHER = 16  # reports that a board joins at once
# The headers of all continuations on a channel. A process talks on one or two channels, so a few are kept.
_headers: "dict[bytes, list[bytes]]" = {}
_CHANNELS_KEPT = 4


def _continuations(cid: bytes) -> "list[bytes]":
    headers = _headers.get(cid)
    if headers is None:
        if len(_headers) >= _CHANNELS_KEPT:
            _headers.clear()
        headers = _headers[cid] = [cid + bytes((n,)) for n in range(_SEQUENCES)]
    return headers


class FrameError(Exception):
    """A report breaks the framing rules.

    `code` is the CTAPHID error byte the other side should be told, `cid` the channel that sent the report.
    """

    def __init__(self, code: int, cid: bytes, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.cid = cid


def split(cid: bytes, cmd: int, message: "bytes | bytearray", size: int = wire.REPORT_FS) -> "list[bytes]":
    """Cut `message` (at most 7609 bytes) into reports of exactly `size` bytes; one frame for a bulk carrier.

    Raises ValueError for a message that is too long: that is the caller's mistake, not the peer's.
    """
    total = len(message)
    if total > wire.MESSAGE_MAX:
        raise ValueError("message longer than 7609 bytes")
    room = size - _INIT
    step = size - _CONT
    reports = [cid + bytes((cmd | 0x80, total >> 8, total & 0xFF)) + message[:room]]
    if total > room:
        starts = range(room, total, step)
        reports += [head + message[at : at + step] for head, at in zip(_continuations(cid), starts)]
    last = reports[-1]
    if len(last) < size and size != wire.BULK_FRAME_MAX:
        reports[-1] = last + bytes(size - len(last))
    return reports


def count(total: int, size: int) -> int:
    """How many reports of `size` bytes a message of `total` bytes takes."""
    rest = total - (size - _INIT)
    return 1 if rest <= 0 else 1 + (rest + size - _CONT - 1) // (size - _CONT)


def cut(cid: bytes, cmd: int, message: "bytes | memoryview", number: int, size: int) -> bytes:
    """Report `number` of those that `split` gives, made when it is sent: a board has no room for all at once."""
    total = len(message)
    if number == 0:
        report = cid + bytes((cmd | 0x80, total >> 8, total & 0xFF)) + message[: size - _INIT]
    else:
        at = size - _INIT + (number - 1) * (size - _CONT)
        report = cid + bytes((number - 1,)) + message[at : at + size - _CONT]
    if len(report) == size or size == wire.BULK_FRAME_MAX:
        return report
    return report + bytes(size - len(report))


def bulk(frame: "bytes | bytearray | memoryview") -> "tuple[bytes, int, bytes | bytearray | memoryview]":
    """Channel, command and message of a bulk frame; the message is a part of what was given. Raises FrameError."""
    cid = bytes(frame[:4])
    if len(frame) < _INIT or not frame[4] & 0x80 or len(frame) - _INIT != frame[5] << 8 | frame[6]:
        if len(cid) < len(wire.CID_BROADCAST):
            cid = wire.CID_BROADCAST  # too short to say who sent it
        raise FrameError(wire.ERR_INVALID_LEN, cid, "a bulk frame that is not as long as it says")
    if len(frame) > wire.BULK_FRAME_MAX:
        raise FrameError(wire.ERR_INVALID_LEN, cid, "a message longer than 7609 bytes")
    return cid, frame[4] & 0x7F, frame[_INIT:]


class Assembler:
    """Joins reports into messages, one message at a time.

    `feed` returns None, or `(cid, cmd, message)` when a message is whole. After a FrameError the partial message
    is gone unless the offending report belonged to another channel.

    A board sets `buffer`, of MESSAGE_MAX bytes, between messages. One that takes more than one report is gathered in
    it, `gathered` is its length, and `feed` gives no bytes in its place: a small heap has one such block and no second.
    """

    def __init__(self, size: int = wire.REPORT_FS) -> None:
        self.size = size
        self.cid = b""
        self.buffer: bytearray | None = None
        self.gathered = 0
        self._cmd = 0
        self._total = 0
        self._parts: list[bytes] = []
        self._filled = 0  # bytes in `buffer`
        self._next = -1  # the sequence of the next continuation; -1 between messages
        self._end = 0  # the sequence at which the parts are joined

    @property
    def busy(self) -> bool:
        """True between the first and the last report of a message."""
        return self._next >= 0

    def reset(self) -> None:
        """Forget a partial message."""
        self._next = -1
        self._parts = []

    def feed(self, report: bytes) -> "tuple[bytes, int, bytes] | None":
        # The hot path first: the continuation that comes next.
        sequence = self._next
        if len(report) == self.size and report[4] == sequence and report.startswith(self.cid):
            self._parts.append(report[_CONT:])
            self._next = sequence = sequence + 1
            return None if sequence < self._end else self._join()
        return self._feed_slow(report)

    def _join(self) -> "tuple[bytes, int, bytes] | None":
        at = self._filled
        joined = b"".join(self._parts)[: self._total - at]
        buffer = self.buffer
        if buffer is None or self._next == 0:
            self.reset()
            self.gathered = 0
            return self.cid, self._cmd, joined
        buffer[at : at + len(joined)] = joined
        self._filled = at = at + len(joined)
        self._parts = []
        if at < self._total:
            self._end = min(self._next + _TOGETHER, count(self._total, self.size) - 1)
            return None
        self.reset()
        self.gathered = at
        return self.cid, self._cmd, b""

    def _feed_slow(self, report: bytes) -> "tuple[bytes, int, bytes] | None":
        if self.size == wire.BULK_FRAME_MAX:
            self.cid, self._cmd, message = bulk(report)
            return self.cid, self._cmd, bytes(message)
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
        self._total = total
        self._parts = [bytes(report[_INIT:])]
        self._filled = 0
        self._next = 0
        self._end = count(total, self.size) - 1
        if not self._end:
            return self._join()
        if self.buffer is not None:
            self._end = min(_TOGETHER, self._end)
        return None
