"""A whole life of the real firmware, every byte of it held against the CDDL. In memory, without a simulator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycddl  # type: ignore[import-untyped]
import pytest

from coldshare_firmware.person import BUTTON_NO
from coldshare_firmware.token import Token
from coldshare_iface import codec, framing, session, wire
from coldshare_iface.framing import Assembler
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import RemoteProtocolError, Session

CDDL = (Path(codec.__file__).parent / "protocol.cddl").read_text(encoding="utf-8")
NAMES = {value: name for name, value in vars(wire).items() if name.startswith("OP_")}
DECLARED = {1: b"\x02" * 33, 2: "Savings", 3: "iPhone", 4: b"g" * 32, 5: 2, 6: 3, 7: wire.LIBRARY_DKLS, 8: b"n" * 16}
BLOB = bytes(range(256)) * 60
DIGEST = hashlib.sha256(BLOB).digest()


def validate(rule: str, data: bytes) -> None:
    try:
        pycddl.Schema(f"start = {rule}\n{CDDL}").validate_cbor(data)
    except pycddl.ValidationError as error:
        pytest.fail(f"{rule}: {str(error)[:200]}")


class FrameRefusedError(Exception):
    """The token answered with an ERROR byte."""


class Host:
    """A host that checks all it says and hears against the CDDL."""

    def __init__(self, board: Any) -> None:
        self.token = Token(board)
        self.cid = wire.CID_BROADCAST
        self.cid = self.call(wire.CMD_INIT, b"12345678")[8:12]
        self.session = Session(NativeSuite(), True)
        self.seen: set[str] = set()

    def call(self, cmd: int, data: bytes) -> bytes:
        for report in framing.split(self.cid, cmd, data):
            self.token.feed(report)
        assembler = Assembler()
        for _ in range(10_000):
            out = self.token.poll()
            message = assembler.feed(out) if out is not None else None
            if message is None or message[1] == wire.CMD_KEEPALIVE:
                continue
            assert message[0] == self.cid
            if message[1] == wire.CMD_ERROR:
                raise FrameRefusedError(message[2])
            assert message[1] == cmd
            return message[2]
        raise AssertionError("the token does not answer")

    def _name(self, op: int) -> str:
        return NAMES[op].removeprefix("OP_").lower().replace("_", "-")

    def plain(self, op: int) -> bytes:
        asked = codec.encode({0: op})
        validate(self._name(op) + "-request", asked)
        answer = self.call(wire.CMD_PLAIN, asked)
        validate(self._name(op) + "-reply", answer)
        self.seen.add(self._name(op))
        return answer

    def rpc(self, op: int, *fields: object) -> dict[int, Any]:
        asked = codec.encode({0: op, **dict(enumerate(fields, 1))})
        validate(self._name(op) + "-request", asked)
        answer = self.session.open(self.call(wire.CMD_RECORD, self.session.seal(asked)))
        reply = codec.decode(answer)
        assert isinstance(reply, dict)
        validate(self._name(op) + "-reply" if reply[0] == wire.STATUS_OK else "error-reply", answer)
        self.seen.add(self._name(op))
        return reply

    def pairing(self) -> None:
        """A pairing channel, up to its first record."""
        self.session = Session(NativeSuite(), True)
        self.session.pairing(self.plain(wire.OP_INFO), b"s" * 32)
        self.session.read_handshake(self.call(wire.CMD_PAIR, self.session.write_handshake()))
        assert self.call(wire.CMD_PAIR, self.session.write_handshake()) == b""

    def pair(self) -> tuple[bytes, bytes]:
        self.pairing()
        reply = self.rpc(wire.OP_PAIR_ACCEPT, "a computer")
        assert reply[0] == wire.STATUS_OK
        return reply[1], reply[2]

    def connect(self, psk_id: bytes, psk: bytes) -> None:
        self.session = Session(NativeSuite(), True)
        self.session.session(self.plain(wire.OP_INFO), psk_id, psk)
        self.session.read_handshake(self.call(wire.CMD_SESSION, psk_id + self.session.write_handshake()))

    def put(self, op: int = wire.OP_RESERVE, **changes: bytes) -> bytes:
        backup_id: bytes = self.rpc(
            op, codec.encode(DECLARED | {int(key[1:]): value for key, value in changes.items()})
        )[1]
        offset: int = 0
        step: int = self.rpc(wire.OP_BEGIN, backup_id, len(BLOB), DIGEST)[2]
        while offset < len(BLOB):
            offset = self.rpc(wire.OP_CHUNK, offset, BLOB[offset : offset + step])[1]
        assert self.rpc(wire.OP_PREPARE, backup_id)[1] == DIGEST
        return backup_id

    def get(self, backup_id: bytes) -> bytes:
        out = b""
        while len(out) < len(BLOB):
            out += self.rpc(wire.OP_READ, backup_id, len(out))[1]
        return out


def records(board: Any) -> Iterator[bytes]:
    for block in board.blocks.blocks:
        if block[:4] == b"csk1":
            yield block[10 : 10 + int.from_bytes(block[8:10], "big")]


def persisted(board: Any) -> None:
    """What is on flash is what the CDDL says, and only one key block is in use."""
    (record,) = records(board)
    validate("key-record", record)
    if "/s/meta" in board.kept.files:
        validate("staged-meta", board.kept.files["/s/meta"])


def a_reshare(host: Host, old: bytes) -> None:
    """`old` is ACTIVE before, and nothing is left afterwards."""
    older, newer = DECLARED[4], b"h" * 32

    def states() -> dict[bytes, int]:
        return {listed[1]: listed[2] for listed in host.rpc(wire.OP_LIST, 0)[1]}

    refused = host.rpc(wire.OP_RESERVE, codec.encode(DECLARED | {4: newer}))
    assert refused == {0: wire.STATUS_OTHER_GENERATION}
    new = host.put(wire.OP_RESERVE_NEXT, f4=newer)
    assert host.rpc(wire.OP_COMMIT, new) == {0: 0}
    assert states() == {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_PENDING}
    assert host.rpc(wire.OP_CONFIRM, new)[0] == wire.STATUS_OK
    assert states() == {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_NEXT}
    assert host.rpc(wire.OP_RETIRE, new, older) == {0: 0}
    assert states() == {old: wire.BACKUP_RETIRED, new: wire.BACKUP_ACTIVE}
    assert host.rpc(wire.OP_RESERVE_NEXT, codec.encode(DECLARED)) == {0: wire.STATUS_RETIRED}
    assert host.rpc(wire.OP_UN_RETIRE, new, older) == {0: 0}
    assert states() == {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_NEXT}
    assert host.rpc(wire.OP_DESTROY, old) == {0: wire.STATUS_BAD_STATE}
    assert host.rpc(wire.OP_RETIRE, new, older) == {0: 0}
    assert host.rpc(wire.OP_DESTROY, old) == {0: 0}
    assert host.rpc(wire.OP_REMOVE, new) == {0: 0}
    assert host.rpc(wire.OP_LIST, 0) == {0: 0, 1: [], 2: 0}
    log = host.rpc(wire.OP_AUDIT, 1)
    link = log[4]
    for at in range(0, len(log[5]), wire.AUDIT_ENTRY):
        link = hashlib.sha256(link + log[5][at : at + wire.AUDIT_ENTRY]).digest()
    assert (log[3], link) == (1, log[2])
    assert len(log[5]) == wire.AUDIT_ENTRY * log[1]


@pytest.fixture
def paired(board: Any) -> tuple[Host, bytes, bytes]:
    host = Host(board)
    psk_id, psk = host.pair()
    host.connect(psk_id, psk)
    assert host.rpc(wire.OP_UNLOCK, "483920") == {0: wire.STATUS_NOT_SET_UP}
    assert host.rpc(wire.OP_SET_UP, "483920", "Safe A") == {0: wire.STATUS_OK}
    return host, psk_id, psk


def test_a_whole_life(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, psk_id, psk = paired
    persisted(board)
    host.connect(psk_id, psk)
    assert host.rpc(wire.OP_LIST, 0) == {0: wire.STATUS_LOCKED}
    assert host.rpc(wire.OP_UNLOCK, "483921") == {0: wire.STATUS_PIN_WRONG, 1: wire.PIN_ATTEMPTS - 1}
    persisted(board)
    unlocked = host.rpc(wire.OP_UNLOCK, "483920")
    log = host.rpc(wire.OP_AUDIT, 1)
    assert unlocked == {0: 0, 1: "Safe A", 2: log[1], 3: log[2]}
    given_up = host.rpc(wire.OP_RESERVE, codec.encode(DECLARED))[1]
    assert host.rpc(wire.OP_ABORT, given_up) == {0: 0}
    first = host.put()
    persisted(board)
    assert host.rpc(wire.OP_COMMIT, first) == {0: 0}
    persisted(board)
    assert host.get(first) == BLOB
    confirmed = host.rpc(wire.OP_CONFIRM, first)
    log = host.rpc(wire.OP_AUDIT, 1)
    assert confirmed == {0: 0, 1: log[1], 2: log[2]}
    assert host.rpc(wire.OP_CHUNK, 0, b"x")[0] == wire.STATUS_BAD_STATE
    assert host.rpc(wire.OP_READ, first, len(BLOB)) == {0: wire.STATUS_BAD_OFFSET, 1: len(BLOB)}
    second = host.put()
    assert host.rpc(wire.OP_COMMIT, second) == {0: 0}
    states = {listed[1]: listed[2] for listed in host.rpc(wire.OP_LIST, 0)[1]}
    assert states == {first: wire.BACKUP_ACTIVE, second: wire.BACKUP_PENDING}
    assert host.rpc(wire.OP_CONFIRM, second)[0] == wire.STATUS_OK
    opened = host.rpc(wire.OP_OPEN, second, wire.PURPOSE_RESTORE)
    assert (opened[1], opened[2], opened[3]) == (len(BLOB), DIGEST, codec.encode(DECLARED))
    assert host.get(second) == BLOB
    assert host.rpc(wire.OP_OPEN, first, wire.PURPOSE_RESTORE) == {0: wire.STATUS_NOT_FOUND}
    host.plain(wire.OP_IDENTIFY)
    persisted(board)
    assert host.rpc(wire.OP_LABEL, "Safe B") == {0: 0}
    assert host.rpc(wire.OP_CHANGE_PIN, "483920", "271828") == {0: 0}
    assert host.rpc(wire.OP_UNLOCK, "271828")[1] == "Safe B"
    assert host.rpc(wire.OP_PAIRINGS) == {0: 0, 1: [{1: psk_id, 2: "a computer"}]}
    assert host.rpc(wire.OP_UNPAIR, psk_id, wire.UNPAIR_OTHERS) == {0: 0}
    a_reshare(host, second)
    persisted(board)
    assert host.rpc(wire.OP_UNPAIR, psk_id, wire.UNPAIR_ONE) == {0: 0}
    persisted(board)
    with pytest.raises(FrameRefusedError):
        host.connect(psk_id, psk)
    host.pairing()
    assert host.rpc(wire.OP_WIPE) == {0: 0}
    persisted(board)
    assert codec.decode(host.plain(wire.OP_INFO))[5] == wire.TOKEN_NEW  # type: ignore[index]
    assert host.seen == {host._name(op) for op in NAMES}


def test_the_eighth_wrong_pin(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    first, psk_id, psk = paired
    kept = first.put()
    assert first.rpc(wire.OP_COMMIT, kept) == {0: 0}
    left = wire.PIN_ATTEMPTS
    while left > 1:
        host = Host(board)  # power-up
        host.connect(psk_id, psk)
        for _ in range(min(wire.PIN_PER_POWER_UP, left - 1)):
            left -= 1
            assert host.rpc(wire.OP_UNLOCK, "0000") == {0: wire.STATUS_PIN_WRONG, 1: left}
        if left > 1:
            assert host.rpc(wire.OP_UNLOCK, "483920") == {0: wire.STATUS_PIN_REPLUG}
    assert host.rpc(wire.OP_UNLOCK, "0000") == {0: wire.STATUS_BURNT}
    persisted(board)
    with pytest.raises(FrameRefusedError):
        host.connect(psk_id, psk)
    assert codec.decode(host.plain(wire.OP_INFO))[5] == wire.TOKEN_BURNT  # type: ignore[index]
    host.connect(*host.pair())
    persisted(board)
    assert host.rpc(wire.OP_LIST, 0) == {0: 0, 1: [{1: kept, 2: wire.BACKUP_KEYLESS, 3: len(BLOB)}], 2: 1}
    assert host.rpc(wire.OP_OPEN, kept, wire.PURPOSE_VERIFY) == {0: 0, 1: len(BLOB), 2: DIGEST}
    assert host.get(kept) == BLOB
    for op, *fields in ((wire.OP_UNLOCK, "0000"), (wire.OP_AUDIT, 1), (wire.OP_REMOVE, kept)):
        assert host.rpc(op, *fields) == {0: wire.STATUS_BURNT}


def test_a_backup_without_its_record(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, *_ = paired
    kept = host.put()
    assert host.rpc(wire.OP_COMMIT, kept) == {0: 0}
    board.kept.files["/r/" + kept.hex()] = bytes(64)
    assert host.rpc(wire.OP_LIST, 0) == {0: 0, 1: [{1: kept, 2: wire.BACKUP_PENDING, 3: len(BLOB)}], 2: 1}
    opened = host.rpc(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE)
    assert sorted(opened) == [0, 1, 2, 4]
    assert host.get(kept) == BLOB
    del board.kept.files["/b/" + kept.hex()]
    assert host.rpc(wire.OP_LIST, 0) == {0: 0, 1: [{1: kept, 2: wire.BACKUP_PENDING, 3: 0}], 2: 1}
    assert host.rpc(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE) == {0: wire.STATUS_STORAGE}


def test_each_kind_of_channel_has_its_own_requests(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, psk_id, psk = paired
    assert host.rpc(wire.OP_PAIR_ACCEPT, "a computer") == {0: wire.STATUS_UNKNOWN_OP}
    for op in (wire.OP_INFO, wire.OP_IDENTIFY):
        assert host.rpc(op) == {0: wire.STATUS_UNKNOWN_OP}
    assert codec.decode(host.call(wire.CMD_PLAIN, codec.encode({0: wire.OP_LIST, 1: 0}))) == {0: wire.STATUS_UNKNOWN_OP}
    host.session = Session(NativeSuite(), True)
    host.session.pairing(host.plain(wire.OP_INFO), b"s" * 32)
    host.session.read_handshake(host.call(wire.CMD_PAIR, host.session.write_handshake()))
    host.call(wire.CMD_PAIR, host.session.write_handshake())
    assert host.rpc(wire.OP_UNLOCK, "483920") == {0: wire.STATUS_UNKNOWN_OP}
    assert host.session.state == session.CLOSED
    with pytest.raises(FrameRefusedError):
        host.call(wire.CMD_RECORD, bytes(64))
    host.connect(psk_id, psk)


def test_one_secure_channel_at_a_time(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, psk_id, psk = paired
    assert host.rpc(wire.OP_LIST, 0)[0] == wire.STATUS_OK
    old = host.session
    with pytest.raises(FrameRefusedError):  # an id that the token does not know costs nothing
        host.connect(bytes(8), psk)
    host.session = old
    assert host.rpc(wire.OP_LIST, 0)[0] == wire.STATUS_OK
    host.connect(psk_id, psk)
    assert host.rpc(wire.OP_LIST, 0) == {0: wire.STATUS_LOCKED}  # a new channel is locked
    with pytest.raises(FrameRefusedError):
        host.call(wire.CMD_RECORD, old.seal(codec.encode({0: wire.OP_LIST, 1: 0})))


def test_no_is_no(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, *_ = paired
    backup_id = host.put()
    board.answer = BUTTON_NO
    assert host.rpc(wire.OP_COMMIT, backup_id) == {0: wire.STATUS_REJECTED}
    assert host.rpc(wire.OP_LIST, 0) == {0: 0, 1: [], 2: 0}
    assert host.rpc(wire.OP_READ, backup_id, 0) == {0: wire.STATUS_BAD_STATE}


@pytest.mark.parametrize("cmd", [wire.CMD_PAIR, wire.CMD_SESSION])
def test_a_key_of_low_order_is_refused_and_the_token_lives(
    board: Any, paired: tuple[Host, bytes, bytes], cmd: int
) -> None:
    host, psk_id, psk = paired

    class Zeros(NativeSuite):
        def public(self, private: bytes) -> bytes:
            return bytes(32)

    liar = Session(Zeros(), True)
    info = host.plain(wire.OP_INFO)
    if cmd == wire.CMD_PAIR:
        liar.pairing(info, b"s" * 32)
        message = liar.write_handshake()
    else:
        liar.session(info, psk_id, psk)
        message = psk_id + liar.write_handshake()
    with pytest.raises(FrameRefusedError) as refused:
        host.call(cmd, message)
    assert refused.value.args[0] == bytes((wire.ERR_SESSION,))
    host.connect(psk_id, psk)
    assert host.rpc(wire.OP_UNLOCK, "483920")[0] == wire.STATUS_OK


def test_a_changed_info_answer_ends_the_handshake(board: Any, paired: tuple[Host, bytes, bytes]) -> None:
    host, psk_id, psk = paired
    told = host.plain(wire.OP_INFO)
    downgraded = told.replace(b"\x01\x81\x01", b"\x01\x81\x00", 1)
    assert downgraded != told
    liar = Session(NativeSuite(), True)
    liar.session(downgraded, psk_id, psk)
    with pytest.raises(FrameRefusedError):
        host.call(wire.CMD_SESSION, psk_id + liar.write_handshake())
    other = Session(NativeSuite(), True)
    other.pairing(downgraded, b"s" * 32)
    answer = host.call(wire.CMD_PAIR, other.write_handshake())
    with pytest.raises(RemoteProtocolError):
        other.read_handshake(answer)
