"""The secure channel: whatever is altered, repeated or made up closes it, and nothing else does."""

from __future__ import annotations

from coldshare.conformance.bench import PIN, Bench
from coldshare.conformance.operator import REFUSE
from coldshare.conformance.rules import (
    PAIRED,
    READY,
    BrokenRuleError,
    expect,
    expect_error,
    expect_reply,
    expect_status,
    row,
)
from coldshare.conformance.speaker import FrameRefusedError, Speaker
from coldshare_iface import wire
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import RemoteProtocolError, Session


def _error(host: Speaker, cmd: int, data: bytes, what: str) -> None:
    """ERROR SESSION must come."""
    try:
        host.call(cmd, data)
    except FrameRefusedError as error:
        expect_error(error.code, wire.ERR_SESSION, f"the error byte for {what}")
        return
    raise BrokenRuleError(f"{what} is answered")


def _flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _pairing(host: Speaker, info: bytes | None = None) -> Session:
    host.read_info()
    session = Session(NativeSuite(), initiator=True)
    session.pairing(host.info if info is None else info, NativeSuite().generate())
    return session


def _second(host: Speaker, info: bytes | None = None) -> Session:
    """A pairing after its first two messages."""
    session = _pairing(host, info)
    session.read_handshake(host.call(wire.CMD_PAIR, session.write_handshake()))
    return session


def _session(host: Speaker) -> Session:
    host.read_info()
    session = Session(NativeSuite(), initiator=True)
    session.session(host.info, host.psk_id, host.psk)
    return session


@row("channel-pairing-short", "channel")
def pairing_short(bench: Bench) -> None:
    """A first pairing message that is too short is ERROR SESSION."""
    _error(bench.host, wire.CMD_PAIR, bytes(31), "31 bytes")


@row("channel-pairing-altered", "channel")
def pairing_altered(bench: Bench) -> None:
    """A third pairing message with one other bit is ERROR SESSION."""
    message = _second(bench.host).write_handshake()
    _error(bench.host, wire.CMD_PAIR, _flipped(message, 3), "a static key with another bit")
    message = _second(bench.host).write_handshake()
    _error(bench.host, wire.CMD_PAIR, _flipped(message), "a tag with another bit")


@row("channel-pairing-low-order", "channel")
def pairing_low_order(bench: Bench) -> None:
    """A public key of low order is ERROR SESSION."""
    _error(bench.host, wire.CMD_PAIR, bytes(32), "a public key of zeros")
    _error(bench.host, wire.CMD_PAIR, b"\x01" + bytes(31), "a public key of one")


@row("channel-pairing-payload", "channel")
def pairing_payload(bench: Bench) -> None:
    """A handshake payload that is not empty is ERROR SESSION."""
    session = _pairing(bench.host)
    _error(bench.host, wire.CMD_PAIR, session.write_handshake() + b"payload", "a payload")


@row("channel-pairing-info", "pairing")
def pairing_info(bench: Bench) -> None:
    """A host that was shown another info cannot pair."""
    host = bench.host
    host.read_info()
    session = _pairing(host, _flipped(host.info))
    answer = host.call(wire.CMD_PAIR, session.write_handshake())
    try:
        session.read_handshake(answer)
    except RemoteProtocolError:
        return
    raise BrokenRuleError("the handshake goes on under another info than the token's")


@row("channel-pairing-order", "channel", needs=PAIRED)
def pairing_order(bench: Bench) -> None:
    """A record before the third pairing message is ERROR SESSION."""
    _second(bench.host)
    _error(bench.host, wire.CMD_RECORD, bytes(48), "a record in the middle of a handshake")


@row("channel-session-altered", "session", needs=READY)
def session_altered(bench: Bench) -> None:
    """A first session message with one other bit is ERROR SESSION."""
    host = bench.host
    _error(host, wire.CMD_SESSION, host.psk_id + _flipped(_session(host).write_handshake()), "another bit")


@row("channel-session-info", "session", needs=READY)
def session_info(bench: Bench) -> None:
    """A host that was shown another info gets no session."""
    host = bench.host
    host.read_info()
    session = Session(NativeSuite(), initiator=True)
    session.session(_flipped(host.info), host.psk_id, host.psk)
    _error(host, wire.CMD_SESSION, host.psk_id + session.write_handshake(), "a session under another info")


@row("channel-session-psk", "session", needs=READY)
def session_psk(bench: Bench) -> None:
    """A host with another pairing key gets no session."""
    host = bench.host
    host.read_info()
    session = Session(NativeSuite(), initiator=True)
    session.session(host.info, host.psk_id, _flipped(host.psk))
    _error(host, wire.CMD_SESSION, host.psk_id + session.write_handshake(), "a session under another key")


@row("channel-session-unknown", "session", needs=READY)
def session_unknown(bench: Bench) -> None:
    """A psk id that the token does not know is ERROR SESSION, and costs an open channel nothing."""
    host = bench.host
    stranger = bench.speaker()
    _error(stranger, wire.CMD_SESSION, _flipped(host.psk_id) + bytes(64), "an unknown psk id")
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_OK, "the status of the next request of the open channel")


@row("channel-session-one", "session", needs=READY)
def session_one(bench: Bench) -> None:
    """A new session ends the old one."""
    host = bench.host
    other = bench.speaker()
    other.psk_id, other.psk = host.psk_id, host.psk
    other.open()
    _error(host, wire.CMD_RECORD, host.seal(wire.OP_LIST, 0), "a record of the old session")


@row("channel-record-altered", "channel", needs=READY)
def record_altered(bench: Bench) -> None:
    """A record with one other bit is ERROR SESSION, and the channel is closed for good."""
    host = bench.host
    record = host.seal(wire.OP_LIST, 0)
    _error(host, wire.CMD_RECORD, _flipped(record), "a record with another bit")
    _error(host, wire.CMD_RECORD, record, "the right record after it")


@row("channel-record-replayed", "channel", needs=READY)
def record_replayed(bench: Bench) -> None:
    """A record that comes twice is ERROR SESSION."""
    host = bench.host
    record = host.seal(wire.OP_UNLOCK, PIN)
    reply = host.opened(host.call(wire.CMD_RECORD, record))
    expect_status(reply[0], wire.STATUS_OK, "the status of the first")
    _error(host, wire.CMD_RECORD, record, "the same record again")


@row("channel-record-none", "channel")
def record_none(bench: Bench) -> None:
    """A record where no channel is open is ERROR SESSION."""
    _error(bench.speaker(), wire.CMD_RECORD, bytes(48), "a record without a channel")


@row("channel-record-stranger", "channel", needs=READY)
def record_stranger(bench: Bench) -> None:
    """A record counts on its own channel only, and a stranger's closes nothing."""
    host, other = bench.host, bench.speaker()
    record = host.seal(wire.OP_LIST, 0)
    _error(other, wire.CMD_RECORD, record, "a record on another channel")
    reply = host.opened(host.call(wire.CMD_RECORD, record))
    expect_status(reply[0], wire.STATUS_OK, "the status of the same record on its own channel")


@row("pairing-code", "pairing", needs=PAIRED, screen=True)
def code(bench: Bench) -> None:
    """After the third message the token shows the comparison code that the host has."""
    code = bench.host.handshake()
    shown = "".join(bench.operator.screen()).replace(" ", "")
    expect(code.replace(" ", "") in shown, f"the screen does not show {code}")


@row("pairing-press", "pairing", needs=PAIRED, spoils=True)
def press(bench: Bench) -> None:
    """Whoever presses NO gives no key."""
    bench.operator.answer = REFUSE
    reply = bench.host.pair()
    expect_reply(reply, wire.STATUS_REJECTED)


@row("pairing-asked", "pairing", needs=PAIRED, spoils=True)
def asked(bench: Bench) -> None:
    """The key comes after the press, not before."""
    host = bench.host
    host.handshake()
    bench.nobody()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    cmd, _ = host.read(keepalives=True)
    expect(cmd == wire.CMD_KEEPALIVE, "it is answered before anybody presses")
    bench.withdraw()


@row("pairing-once", "pairing", needs=PAIRED, spoils=True)
def once(bench: Bench) -> None:
    """A pairing channel takes one request and closes."""
    host = bench.host
    host.handshake()
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_UNKNOWN_OP, "the status of another request")
    host.handshake()
    expect_status(host.ask(wire.OP_PAIR_ACCEPT, "desk")[0], wire.STATUS_OK, "the status of pair-accept")
    _error(host, wire.CMD_RECORD, bytes(48), "a second request")


@row("pairing-eight", "pairing", needs=PAIRED, spoils=True)
def eight(bench: Bench) -> None:
    """A ninth host is refused, and the eight keep their keys."""
    first = bench.host
    for number in range(2, wire.PAIRINGS_MAX + 1):
        bench.pair(bench.speaker(f"host {number}"))
    ninth = bench.speaker("host 9").pair()
    expect_reply(ninth, wire.STATUS_PAIRINGS_FULL, "the answer to the ninth")
    again = bench.speaker()
    again.psk_id, again.psk = first.psk_id, first.psk
    again.open()


@row("pairing-kept", "pairing", needs=PAIRED)
def kept(bench: Bench) -> None:
    """A pairing outlives a power cycle."""
    bench.power_cycle()
    bench.host.open()


@row("channel-session-payload", "session", needs=READY)
def session_payload(bench: Bench) -> None:
    """A payload in the first session message is ERROR SESSION."""
    host = bench.host
    message = _session(host).write_handshake()
    _error(host, wire.CMD_SESSION, host.psk_id + message + bytes(16), "a message that is too long")


@row("channel-session-short", "session", needs=READY)
def session_short(bench: Bench) -> None:
    """A first session message that is too short is ERROR SESSION."""
    _error(bench.host, wire.CMD_SESSION, bench.host.psk_id + bytes(31), "31 bytes")


@row("channel-record-length", "cipher-a128cbc-hs256-behind-a-counter", needs=READY)
def record_length(bench: Bench) -> None:
    """A record whose length no ciphertext has is ERROR SESSION."""
    host = bench.host
    for size in (0, 16, 31, 47):
        host.open()
        _error(host, wire.CMD_RECORD, bytes(size), f"a record of {size} bytes")


@row("channel-pairing-one", "channel", needs=PAIRED)
def pairing_one(bench: Bench) -> None:
    """A handshake on another channel ends the one that was under way."""
    host, other = bench.host, bench.speaker()
    session = _second(host)
    _second(other)
    _error(host, wire.CMD_PAIR, session.write_handshake(), "the third message of the pairing that was first")


@row("pairing-shown", "screens", needs=PAIRED, screen=True)
def shown(bench: Bench) -> None:
    """The question shows the code and the name of the host that wants to pair."""
    host = bench.speaker("the desk")
    code = host.handshake()
    bench.nobody()
    host.start(wire.OP_PAIR_ACCEPT, host.name)
    host.read(keepalives=True)
    lines = bench.operator.screen()
    host.cancel()
    host.finish()
    expect(code.replace(" ", "") in "".join(lines).replace(" ", ""), f"the screen does not show {code}")
    expect("the desk" in " ".join(lines), "the screen does not show the host's name")


@row("pairing-closed", "pairing", needs=PAIRED)
def closed(bench: Bench) -> None:
    """The pairing channel closes with the answer, whatever it was: here after CANCEL."""
    host = bench.host
    bench.nobody()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    host.read(keepalives=True)
    bench.withdraw()
    _error(host, wire.CMD_RECORD, bytes(48), "a second request")
