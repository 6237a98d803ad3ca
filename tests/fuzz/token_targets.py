"""The firmware under a hostile host, and the host under a hostile token."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any

from coldshare.device.history import Head, read
from coldshare.device.link import Link
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.keys import F_PAIRINGS, F_SLOTS, RESERVED, S_ID, S_STATE
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.request import _SHAPES, CHUNK
from coldshare_firmware.token import Token
from coldshare_iface import codec, framing, wire
from coldshare_iface.errors import ColdshareError
from coldshare_iface.messages import AuditPage, Declaration
from fuzz.script import Script
from fuzz.wire_targets import CIDS, report
from support.board import Board
from support.client import LABEL, PIN, WRONG, FrameRefusedError, Host, declaration
from support.desk import Puppet, _OneKey

_STEP_MS = 250
_STATUS_END = 1 + max(value for name, value in vars(wire).items() if name.startswith("STATUS_"))
_KEPT = b"kept since before " * 40
_GENERATION = Declaration.decode(declaration()).generation
#: What a request may do although it is refused: count a guess, give up a transfer that arrived damaged.
_REFUSED_AND_CHANGED = {wire.OP_UNLOCK, wire.OP_CHANGE_PIN}
_REFUSED_AND_DROPPED = {(wire.OP_PREPARE, wire.STATUS_BAD_DIGEST)}
#: What takes a committed backup away when it is granted.
_TAKES_AWAY = {wire.OP_COMMIT, wire.OP_CONFIRM, wire.OP_REMOVE, wire.OP_DESTROY, wire.OP_WIPE}


class TimedBoard(Board):
    """Time stands still on it until somebody waits."""

    clock = 0

    def now_ms(self) -> int:
        return self.clock


class Cable:
    """The token on that board, as `support.client.Host` wants it."""

    def __init__(self, report_size: int) -> None:
        self.board = TimedBoard()
        self.board.report_size = self.report_size = report_size
        self.token = Token(self.board)

    def write(self, report: bytes) -> None:
        self.token.feed(report)

    def read(self, timeout: float) -> bytes | None:
        end = self.board.clock + 1000 * timeout
        while (report := self.token.poll()) is None:
            if not self.token.busy:
                if not self.token.waiting or self.board.clock >= end:
                    return None
                self.board.clock += _STEP_MS
        return report


World = tuple[Cable, Host, bytes, bytes]


@cache
def _ready(report_size: int) -> World:
    """A token with a backup, a reservation and half a transfer, unlocked: (token, its host, backup id, reserved id)."""
    cable = Cable(report_size)
    host: Any = Host(cable)  # type: ignore[arg-type]
    host.hello().pair()
    host.open().ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    backup_id, _ = host.put(_KEPT, declaration())
    reserved, _ = host.reserve(declaration(nonce=b"m" * 16))
    host.begin(reserved, _KEPT)
    host.ok(wire.OP_CHUNK, 0, _KEPT[:100])
    return cable, host, backup_id, reserved


@cache
def _locked() -> World:
    """The same in a new session, without the PIN."""
    world = copy.deepcopy(_ready(wire.REPORT_HS))
    world[1].hello().open()
    return world


@cache
def _pairing() -> World:
    """The same while somebody pairs: the codes are compared, and one request may follow."""
    world = copy.deepcopy(_ready(wire.REPORT_HS))
    world[1].handshake()
    return world


def _alive(cable: Cable) -> dict[int, Any]:
    """After whatever came: drain, start afresh, and ask who is there."""
    cable.board.clock += 61_000
    for _ in range(2000):
        if cable.read(61) is None:
            break
    else:
        raise AssertionError("the token talks without end")
    return Host(cable).hello().read_info()  # type: ignore[arg-type]


def _record(cable: Cable) -> dict[int, Any]:
    """What the key area says, read from the flash."""
    return _read(*cable.board.blocks.blocks)


@lru_cache(64)
def _read(*blocks: bytes) -> dict[int, Any]:
    board = Board()
    board.blocks.blocks = list(blocks)
    record: Any = KeyArea(board.keys).load()
    assert record is not None
    return record


def _flash(cable: Cable) -> tuple[tuple[bytes, ...], dict[str, bytes]]:
    return tuple(cable.board.blocks.blocks), dict(cable.board.kept.files)


def _committed(cable: Cable) -> dict[bytes, bytes]:
    """Every backup that was acknowledged, with its bytes."""
    files = cable.board.kept.files
    return {
        slot[S_ID]: files["/b/" + slot[S_ID].hex()] for slot in _record(cable)[F_SLOTS] if slot[S_STATE] != RESERVED
    }


def reports(data: bytes) -> None:
    """Raw reports: nothing raises, what comes back is well-formed and bounded, and nothing on the flash changes."""
    script = Script(data)
    size = wire.REPORT_HS if script.flag() else wire.REPORT_FS
    cable, _, _, _ = copy.deepcopy(_ready(size))
    before = _flash(cable)
    heard = 0
    steps = 0
    while script and steps < 40:
        steps += 1
        match script.number() % 4:
            case 0:
                sent = [report(script, size)]
            case 1:
                cable.board.clock += script.number() * 10
                sent = []
            case _:
                cid, cmd = script.pick(CIDS), script.number()
                body = (script.string() * (1 + script.number() % 80))[: wire.MESSAGE_MAX]
                sent = framing.split(cid, cmd, body, size)
        for one in sent:
            cable.write(one)
        for _ in range(script.number()):
            answer = cable.read(0)
            if answer is None:
                break
            heard += 1
            assert len(answer) == size
    assert len(cable.token._port._out) <= 300
    assert heard <= 300 * steps
    assert _flash(cable) == before
    info = _alive(cable)
    assert (info[0], info[5]) == (wire.STATUS_OK, wire.TOKEN_READY)


def _field(script: Script, ids: list[bytes]) -> object:
    match script.number() % 12:
        case 0:
            return script.pick(ids)
        case 1:
            return script.pick((PIN, WRONG, LABEL, "999999", "", "x" * 33))
        case 2:
            return script.number(2)
        case 3:
            return script.pick((0, 1, 2, 3, 100, len(_KEPT), CHUNK, wire.BLOB_MAX, wire.BLOB_MAX + 1))
        case 4:
            return hashlib.sha256(_KEPT).digest()
        case 5:
            return _KEPT[100 * (script.number() & 1) :][: script.number(2)]
        case 6:
            changes: dict[str, Any] = {}
            for _ in range(script.number() % 3):
                name = script.pick(("vault", "name", "party", "generation", "threshold", "parties", "library", "nonce"))
                changes[name] = script.value(1)
            with suppress(codec.CodecError):
                return declaration(**changes)
            return b""
        case 7:
            return declaration()
        case 8:
            return declaration(generation=bytes([script.number() % 3]) * 32)
        case 9:
            return bytes([script.number() % 3]) * 32 if script.flag() else _GENERATION
        case 10:
            return declaration(vault=bytes([script.number() % 4]) * 33, party=script.pick(("Phone", "Tablet")))
        case _:
            return script.value()


#: The fields that fit each operation, by their kinds in `_field`; None asks the script.
_USUAL: dict[int, tuple[tuple[int, ...], ...]] = {
    wire.OP_RESERVE: ((6, 7, 8, 10),),
    wire.OP_RESERVE_NEXT: ((6, 7, 8, 10),),
    wire.OP_RETIRE: ((0,), (9,)),
    wire.OP_UN_RETIRE: ((0,), (9,)),
    wire.OP_AUDIT: ((3, 2),),
    wire.OP_BEGIN: ((0,), (3, 2), (4, 11)),
    wire.OP_CHUNK: ((3, 2), (5, 11)),
    wire.OP_OPEN: ((0,), (3,)),
    wire.OP_READ: ((0,), (3, 2)),
    wire.OP_SET_UP: ((1,), (1,)),
    wire.OP_UNLOCK: ((1,),),
    wire.OP_CHANGE_PIN: ((1,), (1,)),
    wire.OP_LABEL: ((1, 11),),
    wire.OP_UNPAIR: ((0,), (3,)),
}


def _fields(script: Script, op: int, ids: list[bytes]) -> list[object]:
    """Fields for `op`: usually as many and of the kinds that it takes."""
    shape = _SHAPES.get(op, ())
    usual = _USUAL.get(op, ((0,),) * len(shape))
    if script.number() % 8 == 0 or len(usual) != len(shape):
        return [_field(script, ids) for _ in range(script.number() % 4)]
    return [_field(Script(bytes([script.pick(kinds)]) + script.take(24)), ids) for kinds in usual]


def requests(data: bytes) -> None:
    """Any requests in an open channel, from a host that is paired, and perhaps knows the PIN.

    Each gets one answer of the contract. What is refused changes nothing on the flash but the count of wrong PINs and
    a transfer that arrived damaged; what is granted touches a committed backup only where that is its purpose.
    """
    script = Script(data)
    kind = script.number() % 8
    world = _pairing() if kind == 7 else _locked() if kind == 6 else _ready(wire.REPORT_HS)
    cable, host, backup_id, reserved = copy.deepcopy(world)
    ids = [backup_id, reserved, bytes(16), host.psk_id]
    answers = (BUTTON_YES, BUTTON_YES, BUTTON_NO, BUTTON_NONE, BUTTON_HELD)
    for _ in range(12):
        if not script or host.session is None:
            break
        cable.board.answer = script.pick(answers)
        op = script.number() % 32
        if script.number() % 16 == 0:
            plaintext = script.string()
        else:
            try:
                plaintext = codec.encode(dict(enumerate([op, *_fields(script, op, ids)])))
            except codec.CodecError:
                continue
        flash, committed = _flash(cable), _committed(cable)
        sealed = {path: kept for path, kept in flash[1].items() if path.startswith("/b/")}
        assert committed.get(backup_id, _KEPT) == _KEPT
        try:
            reply = host.opened(host.call(wire.CMD_RECORD, host.session.seal(plaintext)))
        except FrameRefusedError as error:
            # The channel is gone, with a key that was forgotten or after the one request of a pairing.
            assert error.code == wire.ERR_SESSION
            break
        status = reply[0]
        assert type(status) is int
        assert 0 <= status < _STATUS_END
        assert status != wire.STATUS_STORAGE, "nothing is wrong with this flash"
        if status == wire.STATUS_OK:
            if op in (wire.OP_RESERVE, wire.OP_RESERVE_NEXT):
                ids.append(reply[1])
            now = _committed(cable)
            if op not in _TAKES_AWAY:
                assert now == committed
        elif op not in _REFUSED_AND_CHANGED and (op, status) not in _REFUSED_AND_DROPPED:
            assert _flash(cable) == flash
        elif op in _REFUSED_AND_CHANGED:
            # Even one guess too many leaves what is sealed.
            assert {path: kept for path, kept in _flash(cable)[1].items() if path in sealed} == sealed
        if host.session.state == "closed":
            break
        if host.psk_id not in [entry[0] for entry in _record(cable)[F_PAIRINGS]]:
            break
    info = _alive(cable)
    assert info[0] == wire.STATUS_OK


def image(data: bytes) -> None:
    """Damage to what a token keeps: it powers up, or says that its flash is unusable; and nothing raises afterwards."""
    script = Script(data)
    cable, host, backup_id, reserved = copy.deepcopy(_ready(wire.REPORT_HS))
    board = cable.board
    for _ in range(1 + script.number() % 3):
        if script.number() % 4 == 0:
            block = script.number() & 1
            board.blocks.blocks[block] = script.edit(board.blocks.blocks[block]).ljust(4096, b"\xff")[:4096]
            continue
        path = script.pick(sorted(board.kept.files))
        match script.number() % 4:
            case 0:
                del board.kept.files[path]
            case 1:
                board.kept.files[script.pick(("/a/x", "/b/x", "/r/00", "/s/y", "/b/" + "00" * 16))] = script.string()
            case _:
                board.kept.files[path] = script.edit(board.kept.files[path])
        if not board.kept.files:
            break
    try:
        cable.token = Token(board)
    except (StorageError, OSError):
        return
    try:
        host.hello().open()
        for op, *fields in (
            (wire.OP_UNLOCK, PIN),
            (wire.OP_LIST, 0),
            (wire.OP_AUDIT, 1),
            (wire.OP_BEGIN, reserved, len(_KEPT), hashlib.sha256(_KEPT).digest()),
            (wire.OP_CHUNK, 100, _KEPT[100:]),
            (wire.OP_PREPARE, reserved),
            (wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY),
            (wire.OP_READ, backup_id, 0),
            (wire.OP_LABEL, LABEL),
            (wire.OP_REMOVE, backup_id),
        ):
            assert 0 <= host.status(op, *fields) < _STATUS_END
    except FrameRefusedError as error:
        assert error.code == wire.ERR_SESSION  # its keys are gone, this host's among them
    assert _alive(cable)[0] == wire.STATUS_OK


# --- a hostile token


class _Carrier:
    """A carrier whose reports come from a script. It answers INIT truly, or no conversation would begin."""

    report_size = wire.REPORT_FS
    unattended = True

    def __init__(self, script: Script) -> None:
        self.script = script
        self.now = 0.0
        self.out: list[bytes] = []
        self.cid = b"\x00\x00\x00\x01"
        self.reads = 0

    def write(self, sent: bytes) -> None:
        if sent[:4] == wire.CID_BROADCAST and sent[4] == wire.CMD_INIT | 0x80:
            answer = sent[7:15] + self.cid + bytes((wire.FRAME_VERSION, 0, 0, 0, 0))
            self.out += framing.split(wire.CID_BROADCAST, wire.CMD_INIT, answer)

    def read(self, timeout: float) -> bytes | None:
        self.reads += 1
        self.now += 0.001
        if self.out:
            return self.out.pop(0)
        if not self.script:
            self.now += timeout
            return None
        match self.script.number() % 4:
            case 0:
                return report(self.script, self.report_size)
            case 1:
                self.now += timeout
                return None
            case 2:
                status = bytes((self.script.number(),))
                return framing.split(self.cid, wire.CMD_KEEPALIVE, status)[0]
        cmd = self.script.pick((wire.CMD_PING, wire.CMD_RECORD, wire.CMD_ERROR, wire.CMD_INIT))
        self.out = framing.split(self.cid, cmd, self.script.string() * (1 + self.script.number() % 4))
        return self.out.pop(0)

    def close(self) -> None:
        pass


def link(data: bytes) -> None:
    """Whatever reports a token sends, a call ends: with an answer to it, or an error of ours, in bounded time."""
    script = Script(data)
    carrier = _Carrier(script)
    line = Link(carrier, clock=lambda: carrier.now)
    for cmd in (wire.CMD_PING, wire.CMD_RECORD):
        began, before = carrier.now, carrier.reads
        try:
            answer = line.call(cmd, b"ask")
        except ColdshareError as error:
            assert error.code != "error"
            assert error.next_step
        else:
            assert len(answer) <= wire.MESSAGE_MAX
        assert carrier.now - began < 310
        assert carrier.reads - before < len(data) * 140 + 100


@cache
def _everything() -> bytes:
    """The `info` of a token that can do all there is."""
    fields: Any = codec.decode(Puppet(lambda op, request: {}).info)
    able = [value for name, value in vars(wire).items() if name.startswith("CAP_")]
    return codec.encode({**fields, 6: able})


def _paired() -> PairingStore:
    store = _OneKey()
    store.keep(Puppet.pairing)
    return store


_SHARE = b"sealed" * 300
_DIGEST = hashlib.sha256(_SHARE).digest()
_ASK: tuple[Callable[[TokenClient], object], ...] = (
    lambda client: client.set_up(PIN, LABEL),
    lambda client: client.unlock(PIN),
    lambda client: client.backups(),
    lambda client: client.reserve(declaration()),
    lambda client: client.put(bytes(16), _SHARE),
    lambda client: client.commit(bytes(16)),
    lambda client: client.confirm(bytes(16)),
    lambda client: client.give_up(bytes(16)),
    lambda client: client.open(bytes(16), wire.PURPOSE_VERIFY),
    lambda client: client.get(bytes(16), len(_SHARE), _DIGEST),
    lambda client: client.remove(bytes(16)),
    lambda client: client.pairings(),
    lambda client: client.wipe(),
    lambda client: client.contents(),
    lambda client: client.reserve(declaration(), newer=True),
    lambda client: client.retire(bytes(16), bytes(32)),
    lambda client: client.destroy(bytes(16)),
    lambda client: client.audit(),
)


def replies(data: bytes) -> None:
    """Whatever a token answers inside the channel, the client ends with an error of ours or with a checked value."""
    script = Script(data)
    asked = 0

    def answer(op: int, fields: dict[int, Any]) -> bytes:
        nonlocal asked
        asked += 1
        kind = script.number()
        if kind & 7 == 0:
            return script.string()
        reply: dict[int, object] = {0: 0 if kind & 7 < 6 else script.number()}
        usual: tuple[object, ...] = (
            {1: bytes([script.number()]) * 16, 2: 1, 3: 5, 4: declaration()},
            len(_SHARE),
            _DIGEST,
            _SHARE[: script.number(2)],
            script.number(),
            declaration(),
        )
        for key in range(1, 1 + (kind >> 3) % 5):
            value = script.pick(usual) if script.flag() else script.value()
            reply[key] = [value] * (script.number() % 4) if script.number() % 8 == 0 else value
        try:
            return codec.encode(reply, limit=7000)
        except codec.CodecError:
            return script.string()

    client = TokenClient(Puppet(answer, _everything()))
    client.connect(_paired())
    ask = script.pick(_ASK)
    try:
        got = ask(client)
    except ColdshareError as error:
        assert error.code != "error"
        assert error.next_step
    else:
        if ask is _ASK[9]:
            assert got == _SHARE
    assert asked <= 20 + 2 * len(_SHARE)


def history(data: bytes) -> None:
    """An audit ring that is believed is a chain, and where it is known it leads from what was seen to its head."""
    script = Script(data)
    entries = [
        number.to_bytes(4, "big") + script.take(28).ljust(28, b"\0") for number in range(1, 1 + script.number() % 40)
    ]
    links = [bytes(32)]
    for entry in entries:
        links.append(hashlib.sha256(links[-1] + entry).digest())
    at = script.number() % (len(links) + 1)
    seen = None
    if script.flag():
        seen = Head(at, links[at] if at < len(links) else script.take(32).ljust(32, b"\0"))
        if script.number() % 8 == 0:
            seen = Head(script.number(2), seen.hash)
    oldest, step = script.number() % 8, 1 + script.number() % wire.AUDIT_PAGE
    pages: list[AuditPage] = []

    def ask(start: int) -> AuditPage:
        assert start >= 1
        first = min(max(start, 1 + oldest), len(links))
        page = {
            "count": len(entries),
            "head": links[-1],
            "first": first,
            "before": links[first - 1],
            "entries": b"".join(entries[first - 1 : first - 1 + step]),
        }
        if script.number() % 4 == 3:
            name = script.pick(sorted(page))
            value = page[name]
            page[name] = script.number(2) if isinstance(value, int) else script.edit(value)
        pages.append(AuditPage(**page))  # type: ignore[arg-type]
        return pages[-1]

    try:
        told = read(ask, seen, everything=script.flag())
    except ColdshareError as error:
        assert error.code in ("bad_reply", "token_rolled_back")
        assert error.next_step
        return
    finally:
        assert len(pages) <= len(entries) + 20
    sent = b"".join(page.entries for page in pages)
    assert len(sent) == 32 * len(told.entries)
    number, link = pages[0].first - 1, pages[0].before
    passed = {number: link}
    for entry in told.entries:
        link = hashlib.sha256(link + sent[:32]).digest()
        number, sent = number + 1, sent[32:]
        assert entry.number == number
        passed[number] = link
    assert (number, link) == (told.head.count, told.head.hash)
    if told.known:
        assert seen is not None
        assert passed[seen.count] == seen.hash
