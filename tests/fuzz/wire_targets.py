"""What comes over the cable: reports, CBOR, Noise, messages, and the byte stream of a served simulator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import cbor2

from coldshare.device.trace import IN, OUT, Reader
from coldshare_firmware import cbor, request
from coldshare_firmware.declaration import Declaration as TokenDeclaration
from coldshare_firmware.person import OpError
from coldshare_iface import codec, framing, stream, wire
from coldshare_iface import session as rules
from coldshare_iface.codec import CodecError
from coldshare_iface.errors import ReplyError, TokenError
from coldshare_iface.framing import Assembler, FrameError
from coldshare_iface.messages import AuditPage, Contents, Declaration, Info, Opened, Paired, decode_reply
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import RemoteProtocolError, Session
from fuzz.script import Script

SIZES = (wire.REPORT_FS, wire.REPORT_HS)
CIDS = (b"\x00\x00\x00\x01", b"\x00\x00\x00\x02", bytes(4), wire.CID_BROADCAST)
TRACED = {
    *("dir", "channel", "cmd", "length", "reports", "end", "op", "status", "error", "given", "firmware"),
    *("fault", "dropped", "size", "sequence", "expected"),
}
FRAME_ERRORS = {value for name, value in vars(wire).items() if name.startswith("ERR_")}


# --- frames


def report(script: Script, size: int) -> bytes:
    """One report: anything, or one that looks like the start or the rest of a message."""
    kind = script.number()
    if kind & 3 == 0:
        return script.string()
    cid = script.pick(CIDS) if kind & 4 else script.take(4)
    if kind & 3 == 1:
        head = cid + bytes((script.number() & 0x7F,))
    else:
        head = cid + bytes((script.number() | 0x80,)) + script.number(2).to_bytes(2, "big")
    return (head + script.string()).ljust(size, b"\0")[:size]


class Reassembly:
    """The rules of the contract again, as slowly as they can be written: what a report does to a message under way."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.cid: bytes | None = None
        self.cmd = 0
        self.total = 0
        self.data = b""
        self.sequence = 0

    def feed(self, report: bytes) -> tuple[bytes, int, bytes] | tuple[int, bytes] | None:
        """A message, or (error code, channel)."""
        cid = report[:4] if len(report) >= 4 else wire.CID_BROADCAST
        mine = self.cid is not None and cid == self.cid
        if len(report) != self.size:
            # As in the table: a message of that channel under way is dropped.
            if mine:
                self.cid = None
            return wire.ERR_INVALID_LEN, cid
        initial, cmd = report[4] >= 0x80, report[4] & 0x7F
        if not initial and self.cid is None:
            return None
        if self.cid is not None and not mine:
            return wire.ERR_CHANNEL_BUSY, cid
        if not initial and report[4] != self.sequence:
            self.cid = None
            return wire.ERR_INVALID_SEQ, cid
        if initial and self.cid is not None and cmd not in (wire.CMD_INIT, wire.CMD_CANCEL):
            self.cid = None
            return wire.ERR_INVALID_SEQ, cid
        if initial:
            self.cid, self.cmd, self.total = cid, cmd, int.from_bytes(report[5:7], "big")
            self.data, self.sequence = report[7:], 0
            if self.total > 7609:
                self.cid = None
                return wire.ERR_INVALID_LEN, cid
        else:
            self.data += report[5:]
            self.sequence += 1
        if len(self.data) < self.total:
            return None
        self.cid = None
        return cid, self.cmd, self.data[: self.total]


def frames(data: bytes) -> None:
    """The assembler does what the table of the contract says, and holds no more than one message. A trace says a few
    words about any report, and nothing else."""
    script = Script(data)
    size = script.pick(SIZES)
    assembler, reference, traces = Assembler(size), Reassembly(size), (Reader(IN, size), Reader(OUT, size))
    while script:
        if script.number() & 1:
            cid = script.pick(CIDS)
            message = (script.string() * (1 + script.number()))[: wire.MESSAGE_MAX]
            reports = framing.split(cid, script.number() & 0x7F, message, size)
            # Some reports of an honest message, mostly all of them.
            if script.flag():
                reports.pop(script.number() % len(reports))
        else:
            reports = [report(script, size)]
        for one in reports:
            assert all(set(trace.read(one) or ()) <= TRACED for trace in traces)
            expected = reference.feed(one)
            try:
                got = assembler.feed(one)
            except FrameError as error:
                assert error.code in FRAME_ERRORS
                assert (error.code, error.cid) == expected
            else:
                assert got == expected
            assert assembler.busy == (reference.cid is not None)
            assert sum(map(len, assembler._parts)) <= wire.MESSAGE_MAX + size


def served_stream(data: bytes) -> None:
    """A byte stream is cut the same however it arrives; nothing but StreamError comes out of it or of a hello."""
    script = Script(data)
    largest, step = 1 + script.number(2) % 2048, 1 + script.number()
    sent = script.rest()

    def cut(step: int) -> list[bytes | str]:
        frames = stream.Frames(1, largest)
        out: list[bytes | str] = []
        try:
            for at in range(0, len(sent), step):
                frames.feed(sent[at : at + step])
                while (one := frames.next()) is not None:
                    out.append(one)
                assert len(frames._held) < 2 + largest
        except stream.StreamError:
            out.append("refused")
        return out

    pieces = cut(step)
    assert pieces == cut(1)
    for piece in (*pieces, sent):
        if isinstance(piece, bytes):
            assert piece is sent or 1 <= len(piece) <= largest
            try:
                hello = stream.Hello.decode(piece)
            except stream.StreamError:
                continue
            assert stream.Hello.decode(hello.encode()) == hello
            assert 64 <= hello.report_size <= 1024


# --- CBOR


def cbor_host(data: bytes) -> None:
    """Whatever the host's codec accepts has no other encoding, under every set of options that is in use."""
    options = (
        {},
        {"negative_keys": True},
        {"negative_keys": True, "tag": 96, "limit": 1 << 20},
        {"items": 256, "limit": 1 << 24},
    )
    for chosen in options:
        try:
            value = codec.decode(data, **chosen)  # type: ignore[arg-type]
        except CodecError as error:
            assert error.reason in codec.REASONS
            assert error.at in range(len(data) + 1)
        else:
            assert codec.encode(value, **chosen) == data  # type: ignore[arg-type]


def cbor_token(data: bytes) -> None:
    """Whatever the token's codec accepts has no other encoding."""
    try:
        value = cbor.decode(data)
    except cbor.CborError as error:
        assert error.reason in codec.REASONS
        assert error.at in range(len(data) + 1)
    else:
        assert cbor.encode(value) == data


def _in_profile(value: object, depth: int = 8) -> bool:
    """Whether a value that cbor2 has made is one of the profile."""
    if isinstance(value, (list, tuple)):
        return depth > 0 and len(value) <= 64 and all(_in_profile(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return (
            depth > 0
            and len(value) <= 64
            and all(type(key) is int and 0 <= key < 1 << 64 for key in value)
            and all(_in_profile(item, depth - 1) for item in value.values())
        )
    if type(value) is int:
        return -(1 << 64) <= value < 1 << 64
    return value is None or type(value) in (bool, bytes, str)


def _by_cbor2(data: bytes) -> tuple[object] | None:
    """The value, if cbor2 reads these bytes and would write them so itself, and it is one of the profile."""
    if len(data) > wire.MESSAGE_MAX:
        return None
    try:
        value = cbor2.loads(data)
        if not _in_profile(value) or cbor2.dumps(value, canonical=True) != data:
            return None
    except (cbor2.CBORError, ValueError, OverflowError, TypeError, RecursionError):
        # cbor2 makes dates, addresses and regular expressions, and lets out what their makers raise.
        return None
    return (value,)


def cbor_both(data: bytes) -> None:
    """Two codecs, one contract: equal values, or equal words for the first fault. And cbor2 as the third."""
    try:
        host: object = codec.decode(data)
    except CodecError as error:
        refused, host = True, (error.reason, error.at)
    else:
        refused = False
    try:
        token: object = cbor.decode(data)
    except cbor.CborError as error:
        token = (error.reason, error.at)
    # repr, because True == 1 and the order of keys counts.
    assert repr(token) == repr(host)
    third = _by_cbor2(data)
    assert (third is None) == refused
    if third is not None:
        assert repr(third[0]) == repr(host)
        assert codec.encode(host) == cbor.encode(host) == data


# --- Noise and the channel

INFO, PSK_ID, PSK = b"info", b"psk id 8", b"k" * 32
#: Everything that crosses, and whether the host sends it.
_PAIRING = (
    (rules.PAIR_1, True),
    (rules.PAIR_2, False),
    (rules.PAIR_3, True),
    (rules.ACCEPT, True),
    (rules.KEY, False),
)
_SESSION = ((rules.SESSION_1, True), (rules.SESSION_2, False), (rules.RECORD, True), (rules.RECORD, False))


@cache
def _channels() -> list[tuple[Session, bytes, str, Session]]:
    """For every message that ever crosses: its reader just before, the honest message, its name, and its writer."""
    out = []
    for events in (_PAIRING, _SESSION):
        host, token = Session(NativeSuite(), True), Session(NativeSuite(), False)
        for side, private in ((host, b"h" * 32), (token, b"t" * 32)):
            if events is _PAIRING:
                side.pairing(INFO, private)
            else:
                side.session(INFO, PSK_ID, PSK)
        for event, from_host in events:
            writer, reader = (host, token) if from_host else (token, host)
            shaking = reader._handshake is not None
            before = copy.deepcopy((reader, writer))
            message = writer.write_handshake() if shaking else writer.seal(b"an honest record")
            out.append((before[0], message, event, before[1]))
            if shaking:
                reader.read_handshake(message)
            else:
                reader.open(message)
    return out


def noise(data: bytes) -> None:
    """In every state a channel takes the honest message and no other; anything else closes it and forgets its keys."""
    script = Script(data)
    reader, honest, event, writer = script.pick(_channels())
    side = copy.deepcopy(reader)
    how = script.number() % 4
    if how == 3 and writer._handshake is not None:
        # From a peer that has the keys and does not keep the rule that payloads are empty.
        message = copy.deepcopy(writer)._handshake.write(script.string() or b"payload")  # type: ignore[union-attr]
    else:
        message = script.edit(honest) if how & 1 else script.rest()
    # The other kind of message is out of turn.
    in_turn = script.number() % 8 != 7
    shaking = (side._handshake is not None) == in_turn
    state = side.state
    try:
        if shaking:
            side.read_handshake(message)
        else:
            assert side.open(message) == b"an honest record"
    except RemoteProtocolError:
        assert in_turn is False or message != honest
        assert side.state == rules.CLOSED
        assert side._handshake is side._send is side._receive is None
        for again in (side.read_handshake, side.open):
            try:
                again(honest)
            except RemoteProtocolError:
                continue
            raise AssertionError("a closed channel took a message") from None
        return
    assert in_turn
    # The first message of XX is a public key, and nothing proves whose.
    assert message == honest or (event == rules.PAIR_1 and len(message) == 32)
    assert side.state == rules.TRANSITIONS[state, event]


# --- messages

_READ_BACK: dict[str, Callable[[bytes], object]] = {
    "reply": decode_reply,
    "info": Info.decode,
    "declaration": Declaration.decode,
    "contents": lambda data: Contents.decode([codec.decode(data)]),
    "pairings": lambda data: Paired.decode_all(decode_reply(data)),
    "opened": lambda data: Opened.decode(decode_reply(data)),
    "audit": lambda data: AuditPage.decode(decode_reply(data)),
}


def _message(script: Script) -> bytes:
    """CBOR more often than not: arbitrary, or a map with the keys of a message."""
    kind = script.number()
    if kind & 3 == 0:
        return script.rest()
    fields = {0: 0 if kind & 4 else script.number()}
    fields.update({key: script.value() for key in range(1, 1 + (kind >> 3) % 10)})  # type: ignore[misc]
    if kind & 3 == 1:
        fields.pop(0)
    try:
        return codec.encode(fields)
    except CodecError:
        return script.rest()


def messages(data: bytes) -> None:
    """Every reader of messages, on both sides, refuses in its own words or keeps what was said."""
    message = _message(Script(data))
    read: dict[str, object] = {}
    for name, reader in _READ_BACK.items():
        try:
            read[name] = reader(message)
        except (ReplyError, TokenError) as error:
            assert error.code
            assert error.next_step
        except CodecError:
            assert name == "contents"
    info, declaration, contents = read.get("info"), read.get("declaration"), read.get("contents")
    if isinstance(info, Info):
        assert info.raw == message
        assert len(info.serial) == wire.SERIAL_SIZE
        assert 1 <= info.chunk <= wire.MESSAGE_MAX
    if isinstance(declaration, Declaration):
        assert declaration.encode() == message
        assert len(message) <= wire.DECLARATION_MAX
    if isinstance(contents, Contents):
        assert len(contents.backups) + len(contents.unnamed) == 1
        assert all(backup.declaration.encode() == backup.declared for backup in contents.backups)
        assert all(0 <= one.size <= wire.BLOB_MAX for one in (*contents.backups, *contents.unnamed))
    # The token is stricter than the host: what it keeps, every host can list.
    try:
        kept = TokenDeclaration(message)
    except ValueError:
        pass
    else:
        assert isinstance(declaration, Declaration)
        assert (kept.vault, kept.name, kept.party) == (declaration.vault, declaration.name, declaration.party)
        assert 1 <= kept.threshold <= kept.parties
    for shapes in (request._SHAPES, request.PLAIN):
        try:
            op, values = request.fields(cbor.decode(message), shapes)
        except (cbor.CborError, OpError):
            continue
        assert cbor.encode(dict(enumerate([op, *values]))) == message
