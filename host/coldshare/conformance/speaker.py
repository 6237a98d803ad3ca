"""A host that knows the wire and nothing else: it says exactly what it is told to, right or wrong.

The real client (`coldshare.device`) is careful; this one has to be able to lie, stop half-way and ask for what it
should not. The conformance kit and the tests speak through it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Protocol

from coldshare_iface import codec, framing, wire
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import Session

#: Fields of a request or a reply.
Map = dict[int, Any]

#: Seconds for one report. A token waits up to a minute for its person, and says so all the time.
PATIENCE = 120.0
#: Keepalives in answer to one request, four a second. A minute of back-off and two questions is what a token may take.
KEEPALIVES_MAX = 1000
#: Reports on the way to one message that are no part of one for this channel. Eight hosts that all read whole shares
#: are far below it.
_STRAY_MAX = 5000
NONCE = b"\x01\x02\x03\x04\x05\x06\x07\x08"


class Wire(Protocol):
    """What a speaker needs of a transport."""

    report_size: int

    def write(self, report: bytes) -> None: ...
    def read(self, timeout: float) -> bytes | None: ...


def _names(prefix: str) -> dict[int, str]:
    return {value: name.removeprefix(prefix) for name, value in vars(wire).items() if name.startswith(prefix)}


_ERRORS, _STATUSES, _OPS, _CMDS = _names("ERR_"), _names("STATUS_"), _names("OP_"), _names("CMD_")


def error_name(code: int) -> str:
    """The byte of an ERROR, for a person."""
    return f"{_ERRORS.get(code, '(unknown)')} (0x{code:02x})"


def status_name(status: int) -> str:
    """A status, for a person."""
    return f"{_STATUSES.get(status, '(unknown)')} ({status})"


def cmd_name(cmd: int) -> str:
    """A command, for a person."""
    return f"{_CMDS.get(cmd, '(unknown)')} (0x{cmd:02x})"


def op_name(op: int) -> str:
    """A request, as the contract writes it."""
    return _OPS.get(op, f"op {op}").lower().replace("_", "-")


class FrameRefusedError(Exception):
    """The token answered with ERROR. `code` is its byte."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the token answers ERROR {error_name(code)}")
        self.code = code


class SilenceError(TimeoutError):
    """The token says nothing where it should answer."""


class UnexpectedAnswerError(Exception):
    """The token answers something else than it was asked."""


class Speaker:
    """One computer at one token's cable. `name` is what it calls itself when it pairs.

    `on_keepalive` hears the status of every keepalive, and whether it is another one than before in this request.
    """

    def __init__(
        self, token: Wire, name: str = "desk", on_keepalive: Callable[[int, bool], None] | None = None
    ) -> None:
        self.token = token
        self.name = name
        self.cid = wire.CID_BROADCAST
        self.info = b""
        self.session: Session | None = None
        self.psk_id = b""
        self.psk = b""
        #: Every keepalive since the last request.
        self.keepalives: list[int] = []
        #: Seconds to wait for a report.
        self.patience = PATIENCE
        self._on_keepalive = on_keepalive
        self._asked = 0
        self._status = -1
        self._heard = 0
        self._assembler = framing.Assembler(token.report_size)

    # --- frames
    def reports(self, cmd: int, data: bytes = b"") -> list[bytes]:
        """A message of this channel, cut into reports."""
        return list(framing.split(self.cid, cmd, data, self.token.report_size))

    def write(self, cmd: int, data: bytes = b"") -> None:
        if cmd != wire.CMD_CANCEL:
            self._asked, self._status, self._heard = cmd, -1, 0
        for report in self.reports(cmd, data):
            self.token.write(report)

    def read(self, timeout: float | None = None, keepalives: bool = False) -> tuple[int, bytes]:
        """The next message for this host's channel: (command, data). Raises SilenceError."""
        stray = 0
        while True:
            report = self.token.read(self.patience if timeout is None else timeout)
            if report is None:
                raise SilenceError(f"the token does not answer {cmd_name(self._asked)}")
            stray += 1
            if stray > _STRAY_MAX:
                raise SilenceError("the token sends reports without end and no answer")
            if report[:4] != self.cid:
                continue
            message = self._assembler.feed(report)
            if message is None:
                continue
            if message[1] == wire.CMD_KEEPALIVE:
                stray = 0
                self._hear(message[2])
                if not keepalives:
                    self.keepalives.append(message[2][0])
                    continue
            return message[1], message[2]

    def _hear(self, data: bytes) -> None:
        if len(data) != 1:
            raise UnexpectedAnswerError(f"a KEEPALIVE has {len(data)} bytes instead of one")
        self._heard += 1
        if self._heard > KEEPALIVES_MAX:
            raise SilenceError("the token sends keepalives for minutes and no answer")
        if self._on_keepalive is not None:
            self._on_keepalive(data[0], data[0] != self._status)
        self._status = data[0]

    def call(self, cmd: int, data: bytes = b"") -> bytes:
        """Send a message and give its answer. Raises FrameRefusedError for ERROR."""
        self.keepalives = []
        self.write(cmd, data)
        return self.answer(cmd)

    def answer(self, cmd: int) -> bytes:
        answered, reply = self.read()
        if answered == wire.CMD_ERROR:
            raise FrameRefusedError(reply[0])
        if answered != cmd:
            raise UnexpectedAnswerError(f"{cmd_name(cmd)} is answered with {cmd_name(answered)}")
        return reply

    def cancel(self) -> None:
        self.write(wire.CMD_CANCEL)

    def channel(self, nonce: bytes = NONCE) -> bytes:
        """INIT on broadcast: a channel, which is this host's from now on. The whole answer."""
        self.cid = wire.CID_BROADCAST
        self._assembler.reset()
        reply = self.call(wire.CMD_INIT, nonce)
        if len(reply) < len(nonce) + 4:
            raise UnexpectedAnswerError("the answer to INIT is too short")
        if reply[: len(nonce)] != nonce:
            raise UnexpectedAnswerError("INIT is answered with another nonce")
        self.cid = reply[len(nonce) : len(nonce) + 4]
        return reply

    def hello(self) -> Speaker:
        """A channel, and the token's `info`."""
        self.channel()
        self.read_info()
        return self

    def plain(self, op: int, *fields: object) -> Map:
        return as_map(self.call(wire.CMD_PLAIN, request(op, *fields)))

    def read_info(self) -> Map:
        self.info = self.call(wire.CMD_PLAIN, request(wire.OP_INFO))
        return as_map(self.info)

    # --- channels
    def handshake(self) -> str:
        """Pairing up to the comparison; the code on the host's side."""
        self.read_info()
        self.session = Session(NativeSuite(), initiator=True)
        self.session.pairing(self.info, NativeSuite().generate())
        self.session.read_handshake(self.call(wire.CMD_PAIR, self.session.write_handshake()))
        if self.call(wire.CMD_PAIR, self.session.write_handshake()) != b"":
            raise UnexpectedAnswerError("the answer to the third pairing message is not empty")
        return self.session.code

    def pair(self) -> Map:
        """The answer to `pair-accept`, whose key is this host's from now on."""
        self.handshake()
        reply = self.ask(wire.OP_PAIR_ACCEPT, self.name)
        if reply[0] == wire.STATUS_OK:
            self.psk_id, self.psk = reply[1], reply[2]
        return reply

    def wipe(self) -> Map:
        """Whoever is at the cable can ask for it; it takes no pairing."""
        self.handshake()
        return self.ask(wire.OP_WIPE)

    def open(self, info: bytes | None = None, psk_id: bytes | None = None, psk: bytes | None = None) -> Speaker:
        """A session under the pairing key, or under what is given instead."""
        if info is None:
            self.read_info()
            info = self.info
        known = self.psk_id if psk_id is None else psk_id
        self.session = Session(NativeSuite(), initiator=True)
        self.session.session(info, known, self.psk if psk is None else psk)
        self.session.read_handshake(self.call(wire.CMD_SESSION, known + self.session.write_handshake()))
        return self

    # --- records
    def seal(self, op: int, *fields: object) -> bytes:
        return self._open_session().seal(request(op, *fields))

    def opened(self, record: bytes) -> Map:
        return as_map(self._open_session().open(record))

    def _open_session(self) -> Session:
        if self.session is None:
            raise RuntimeError("no secure channel was opened")
        return self.session

    def ask(self, op: int, *fields: object) -> Map:
        """A request in a record, and its reply, whatever the status."""
        return self.opened(self.call(wire.CMD_RECORD, self.seal(op, *fields)))

    def start(self, op: int, *fields: object) -> None:
        """Send a request and do not wait for its answer."""
        self.keepalives = []
        self.write(wire.CMD_RECORD, self.seal(op, *fields))

    def finish(self) -> Map:
        """The answer to what `start` sent."""
        return self.opened(self.answer(wire.CMD_RECORD))

    def ok(self, op: int, *fields: object) -> Map:
        """`ask`, where anything but OK is a failure."""
        reply = self.ask(op, *fields)
        if reply[0] != wire.STATUS_OK:
            raise UnexpectedAnswerError(f"{op_name(op)} is refused with {status_name(reply[0])}")
        return reply

    def status(self, op: int, *fields: object) -> int:
        return int(self.ask(op, *fields)[0])

    # --- whole steps
    def reserve(self, declared: bytes) -> tuple[bytes, bytes]:
        """(backup id, factor)"""
        reply = self.ok(wire.OP_RESERVE, declared)
        return reply[1], reply[2]

    def begin(self, backup_id: bytes, data: bytes) -> int:
        """The offset at which the token wants to go on."""
        return int(self.ok(wire.OP_BEGIN, backup_id, len(data), hashlib.sha256(data).digest())[1])

    def send(self, backup_id: bytes, data: bytes, chunk: int) -> None:
        """Up to and including `prepare`, `chunk` bytes at a time."""
        offset = self.begin(backup_id, data)
        while offset < len(data):
            offset, before = self.ok(wire.OP_CHUNK, offset, data[offset : offset + chunk])[1], offset
            if offset <= before:
                raise UnexpectedAnswerError(f"after a chunk at {before} the token wants to go on at {offset}")
        if self.ok(wire.OP_PREPARE, backup_id)[1] != hashlib.sha256(data).digest():
            raise UnexpectedAnswerError("prepare answers the digest of other bytes than were sent")

    def get(self, backup_id: bytes, size: int) -> bytes:
        """The bytes of a backup that is open for reading."""
        data = b""
        while len(data) < size:
            more = self.ok(wire.OP_READ, backup_id, len(data))[1]
            if not more:
                raise UnexpectedAnswerError(f"read at {len(data)} of {size} gives no bytes")
            data += more
        return data

    def list(self) -> list[Map]:
        """All entries of `list`."""
        out: list[Map] = []
        while True:
            reply = self.ok(wire.OP_LIST, len(out))
            out += reply[1]
            if len(out) > wire.BACKUPS_MAX + 1:
                raise UnexpectedAnswerError(f"list gives {len(out)} backups and more")
            if len(out) >= reply[2]:
                return out
            if not reply[1]:
                raise UnexpectedAnswerError(f"list from {len(out)} on gives none of {reply[2]} backups")


def request(op: int, *fields: object) -> bytes:
    return codec.encode(dict(enumerate((op, *fields))))


def as_map(data: bytes) -> Map:
    """The fields of an answer. Raises UnexpectedAnswerError."""
    try:
        value = codec.decode(data)
    except codec.CodecError as error:
        raise UnexpectedAnswerError(f"the answer is not CBOR of the profile ({error.reason})") from error
    if not isinstance(value, dict):
        raise UnexpectedAnswerError("the answer is not a map")
    return value


def declaration(**changes: Any) -> bytes:
    """A declaration, with some of its fields replaced: vault, name, party, generation, threshold, parties, nonce."""
    fields: dict[str, Any] = {
        "vault": b"\x02" + b"v" * 32,
        "name": "Savings",
        "party": "Phone",
        "generation": b"\xab\xcd\x01\x02" + b"g" * 28,
        "threshold": 2,
        "parties": 3,
        "library": wire.LIBRARY_DKLS,
        "nonce": b"n" * 16,
    }
    fields.update(changes)
    return codec.encode(dict(enumerate(fields.values(), start=1)))
