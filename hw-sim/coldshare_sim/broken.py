"""Tokens with one rule of the contract broken on purpose, to test what tests tokens.

Each flaw is named like the row of the conformance kit that must fail, and alone fail, because of it. A flaw is put
into the running firmware at every power-up; the firmware itself knows nothing of it. The model of such a token says
BROKEN, so that none is taken for a good one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from typing import Any

from coldshare_firmware import cbor, policy
from coldshare_firmware.keys import F_FAILS, F_LABEL, F_PAIRINGS, F_RETIRED, F_SERIAL, F_SLOTS, S_ID, S_STATE, S_VAULT
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_YES, OpError
from coldshare_firmware.token import Token
from coldshare_iface import transfer, wire
from coldshare_iface.framing import FrameError
from coldshare_sim.errors import SimulatorError

Flaw = Callable[[Any], None]
FLAWS: dict[str, Flaw] = {}
MODEL = "coldshare-sim BROKEN"


class UnknownFlawError(SimulatorError):
    """There is no such rule to break."""

    code = "unknown_flaw"
    next_step = "See which there are: coldshare-sim flaws"


def check(name: str) -> str:
    """`name`, if it is a flaw. Raises UnknownFlawError."""
    if name not in FLAWS:
        raise UnknownFlawError(f"There is no rule {name!r} that a software token could break.")
    return name


def break_rule(token: Token, name: str) -> None:
    """Put the flaw into firmware that has just been powered up."""
    FLAWS[check(name)](token)


def sentence(name: str) -> str:
    """What such a token does wrong."""
    return (inspect.getdoc(FLAWS[name]) or "").splitlines()[0]


def _flaw(name: str) -> Callable[[Flaw], Flaw]:
    def enter(flaw: Flaw) -> Flaw:
        FLAWS[name] = flaw
        return flaw

    return enter


def _with_words(flaw: Flaw, words: str) -> Flaw:
    flaw.__doc__ = words
    return flaw


def _around(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by `around(original, *args)`."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *args: around(original, *args))


# --- frames
@_flaw("frames-ping")
def _ping(token: Any) -> None:
    """It gives back all but the last byte of a long PING."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        original(cid, cmd, data[:-1] if cmd == wire.CMD_PING and len(data) > 4096 else data)

    _around(token, "_message", message)


@_flaw("frames-init")
def _init(token: Any) -> None:
    """It answers INIT with another frame version."""

    def send(original: Any, cid: bytes, cmd: int, payload: bytes) -> None:
        original(cid, cmd, payload[:12] + b"\x01" + payload[13:] if cmd == wire.CMD_INIT else payload)

    _around(token._port, "send", send)


@_flaw("frames-init-again")
def _init_again(token: Any) -> None:
    """INIT on a channel leaves its secure channel open."""

    def init(original: Any, cid: bytes, nonce: bytes) -> None:
        token._session_cid, kept = b"", token._session_cid
        original(cid, nonce)
        token._session_cid = kept

    _around(token, "_init", init)


@_flaw("frames-init-length")
def _init_length(token: Any) -> None:
    """It takes an INIT with a nonce of seven bytes."""
    _around(token, "_init", lambda original, cid, nonce: original(cid, nonce.ljust(wire.INIT_NONCE, b"\0")))


def _forgiving(token: Any, forgive: Callable[[FrameError, bytes], bool]) -> None:
    """Frame errors for which `forgive` says so are not reported."""

    def feed(original: Any, report: bytes) -> Any:
        try:
            return original(report)
        except FrameError as error:
            if forgive(error, report):
                return None
            raise

    _around(token._port._assembler, "feed", feed)


@_flaw("frames-sequence")
def _sequence(token: Any) -> None:
    """It says nothing about a continuation that is out of order."""
    _forgiving(token, lambda error, report: error.code == wire.ERR_INVALID_SEQ and not report[4] & 0x80)


@_flaw("frames-new-message")
def _new_message(token: Any) -> None:
    """It says nothing about a message in the middle of another one."""
    _forgiving(token, lambda error, report: error.code == wire.ERR_INVALID_SEQ and bool(report[4] & 0x80))


@_flaw("frames-busy")
def _busy(token: Any) -> None:
    """A report of another channel makes it drop the message under way."""

    def error(original: Any, cid: bytes, code: int) -> None:
        if code == wire.ERR_CHANNEL_BUSY:
            token._port._assembler.reset()
        original(cid, code)

    _around(token._port, "error", error)


@_flaw("frames-timeout")
def _timeout(token: Any) -> None:
    """It drops a message that does not go on, and says nothing."""
    _around(token._port, "abandon", lambda original, code: token._port._assembler.reset())


@_flaw("frames-too-long")
def _too_long(token: Any) -> None:
    """It calls a message that is too long a wrong parameter."""

    def feed(original: Any, report: bytes) -> Any:
        try:
            return original(report)
        except FrameError as error:
            if error.code == wire.ERR_INVALID_LEN:
                error.code = wire.ERR_INVALID_PAR
            raise

    _around(token._port._assembler, "feed", feed)


@_flaw("frames-unknown-channel")
def _unknown_channel(token: Any) -> None:
    """It answers on channels that it never gave out."""

    def may_begin(original: Any, cid: bytes, report: bytes) -> bool:
        return cid != wire.CID_BROADCAST or bool(original(cid, report))

    _around(token._port, "_may_begin", may_begin)


@_flaw("frames-broadcast")
def _broadcast(token: Any) -> None:
    """It answers a PING on broadcast."""

    def may_begin(original: Any, cid: bytes, report: bytes) -> bool:
        return (cid == wire.CID_BROADCAST and report[4] & 0x7F == wire.CMD_PING) or bool(original(cid, report))

    _around(token._port, "_may_begin", may_begin)


@_flaw("frames-unknown-command")
def _unknown_command(token: Any) -> None:
    """It echoes commands that it does not know."""

    def error(original: Any, cid: bytes, code: int) -> None:
        if code == wire.ERR_INVALID_CMD:
            token._port.send(cid, wire.CMD_PING, b"")
        else:
            original(cid, code)

    _around(token._port, "error", error)


@_flaw("frames-stray")
def _stray(token: Any) -> None:
    """It complains about a continuation when nothing is under way."""

    def feed(original: Any, report: bytes) -> Any:
        if not token._port.receiving and not report[4] & 0x80:
            token._port.error(report[:4], wire.ERR_INVALID_SEQ)
            return None
        return original(report)

    _around(token._port, "feed", feed)


@_flaw("frames-filling")
def _filling(token: Any) -> None:
    """It wants a report to be filled with zeros."""

    def feed(original: Any, report: bytes) -> Any:
        size = int.from_bytes(report[5:7], "big")
        if report[4] & 0x80 and any(report[7 + size :]):
            token._port.error(report[:4], wire.ERR_INVALID_LEN)
            return None
        return original(report)

    _around(token._port, "feed", feed)


@_flaw("frames-keepalive")
def _keepalive(token: Any) -> None:
    """It sends a keepalive every second only."""
    last = [-1000]

    def send(original: Any, cid: bytes, cmd: int, payload: bytes) -> None:
        if cmd == wire.CMD_KEEPALIVE:
            now = token._hal.now_ms()
            if now - last[0] < 1000:
                return
            last[0] = now
        original(cid, cmd, payload)

    _around(token._port, "send", send)


@_flaw("frames-cancel")
def _cancel(token: Any) -> None:
    """It answers a cancelled request with REJECTED."""

    def reply(original: Any, fields: dict[int, Any]) -> None:
        original({0: wire.STATUS_REJECTED} if fields == {0: wire.STATUS_CANCELLED} else fields)

    _around(token, "_reply", reply)


@_flaw("frames-cancel-stranger")
def _cancel_stranger(token: Any) -> None:
    """Any channel can cancel what another one asked for."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        original(token._job_cid if cmd == wire.CMD_CANCEL and token._job is not None else cid, cmd, data)

    _around(token, "_message", message)


@_flaw("frames-busy-working")
def _busy_working(token: Any) -> None:
    """It answers info on another channel while a question waits."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        if token._job is not None and cmd == wire.CMD_PLAIN:
            token._plain(cid, data)
        else:
            original(cid, cmd, data)

    _around(token, "_message", message)


# --- in the clear
def _info(token: Any, change: Callable[[dict[int, Any]], None]) -> None:
    fields: Any = cbor.decode(token.info())
    change(fields)
    # It stays as true as it was about everything else.
    token.info = lambda: cbor.encode(dict(sorted((fields | {5: token._keys.state, 4: _serial(token)}).items())))


def _serial(token: Any) -> Any:
    return token._keys.record[F_SERIAL]


@_flaw("clear-info")
def _versions(token: Any) -> None:
    """Its info names a version that nobody has."""
    _info(token, lambda fields: fields.update({1: [7]}))


@_flaw("clear-capabilities")
def _capabilities(token: Any) -> None:
    """Its info leaves out that it keeps an audit ring."""
    _info(token, lambda fields: fields[6].remove(wire.CAP_AUDIT))


@_flaw("clear-nothing-else")
def _nothing_else(token: Any) -> None:
    """It lists its backups in the clear."""

    def plain(original: Any, cid: bytes, data: bytes) -> None:
        if data == cbor.encode({0: wire.OP_LIST, 1: 0}):
            token._port.send(cid, wire.CMD_PLAIN, cbor.encode({0: 0, 1: [], 2: 0}))
        else:
            original(cid, data)

    _around(token, "_plain", plain)


def _lenient(data: bytes) -> bytes:
    """The same value, encoded as it should have been; cbor2 is not strict."""
    import cbor2

    value = cbor2.loads(data)
    fields = {key: item for key, item in value.items() if isinstance(key, int) and key >= 0}
    return cbor.encode(dict.fromkeys(sorted(fields), 0) | {0: fields[0]})


_REASONS = {
    "trailing": "bytes after the value",
    "not_minimal": "numbers that could be shorter",
    "indefinite": "indefinite lengths",
    "key_order": "keys out of order",
    "duplicate_key": "keys that come twice",
    "key_type": "keys that are no unsigned integers",
    "tag": "tags",
    "float": "floating-point numbers",
    "simple": "any simple value",
    "depth": "values nested too deeply",
    "items": "arrays that are too long",
}


def _cbor(reason: str) -> Flaw:
    def flaw(token: Any) -> None:
        def plain(original: Any, cid: bytes, data: bytes) -> None:
            try:
                cbor.decode(data)
            except cbor.CborError as error:
                if error.args[0] == reason:
                    data = _lenient(data)
            original(cid, data)

        _around(token, "_plain", plain)

    return _with_words(flaw, f"It takes CBOR with {_REASONS[reason]}.")


for _reason in _REASONS:
    FLAWS["cbor-" + _reason.replace("_", "-")] = _cbor(_reason)


# --- requests, after the channel and before they are looked at
def _requests(token: Any, change: Callable[[dict[int, Any]], None]) -> None:
    def new_session(original: Any, cid: bytes) -> Any:
        current = original(cid)

        def opened(original: Any, record: bytearray) -> bytes:
            plaintext = bytes(original(record))
            try:
                fields: Any = cbor.decode(plaintext)
            except cbor.CborError:
                return plaintext
            if isinstance(fields, dict) and isinstance(fields.get(0), int):
                change(fields)
            return cbor.encode(fields)

        _around(current, "open_in_place", opened)
        return current

    _around(token, "_new_session", new_session)


@_flaw("requests-true")
def _true(token: Any) -> None:
    """It takes true for 1 where an entry's number is asked for."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_AUDIT and fields.get(1) is True:
            fields[1] = 1

    _requests(token, change)


@_flaw("requests-extra-field")
def _extra_field(token: Any) -> None:
    """It ignores a field that `pairings` does not have."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_PAIRINGS, 1: 0}:
            del fields[1]

    _requests(token, change)


@_flaw("requests-missing-field")
def _missing_field(token: Any) -> None:
    """It lists from the start when nobody says from where."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_LIST}:
            fields[1] = 0

    _requests(token, change)


@_flaw("requests-type")
def _type(token: Any) -> None:
    """It takes a text for a number."""

    def change(fields: dict[int, Any]) -> None:
        if fields == {0: wire.OP_LIST, 1: "0"}:
            fields[1] = 0

    _requests(token, change)


@_flaw("requests-size")
def _size(token: Any) -> None:
    """It takes the first 16 bytes of a longer backup id."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_REMOVE and isinstance(fields.get(1), bytes) and len(fields[1]) == 17:
            fields[1] = fields[1][:16]

    _requests(token, change)


@_flaw("requests-unshowable")
def _unshowable(token: Any) -> None:
    """It shows texts that turn the direction of writing."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == wire.OP_LABEL and isinstance(fields.get(1), str):
            fields[1] = fields[1].replace("turn\u202eed", "turned")

    _requests(token, change)


@_flaw("requests-unknown")
def _unknown(token: Any) -> None:
    """It takes op 200 for `pairings`."""

    def change(fields: dict[int, Any]) -> None:
        if fields[0] == 200:
            fields[0] = wire.OP_PAIRINGS

    _requests(token, change)


# --- the secure channel
@_flaw("channel-pairing-short")
def _pairing_short(token: Any) -> None:
    """It fills a first pairing message that is too short."""
    _around(
        token, "_pair", lambda original, cid, data: original(cid, b"\x09" + bytes(data) if len(data) == 31 else data)
    )


@_flaw("channel-pairing-payload")
def _pairing_payload(token: Any) -> None:
    """It ignores a payload in the first pairing message."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        original(cid, data[:32] if bytes(data[32:]) == b"payload" else data)

    _around(token, "_pair", pair)


@_flaw("channel-pairing-low-order")
def _low_order(token: Any) -> None:
    """It answers a public key of zeros."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        if bytes(data) == bytes(32):
            token._port.send(cid, wire.CMD_PAIR, bytes(128))
        else:
            original(cid, data)

    _around(token, "_pair", pair)


@_flaw("channel-pairing-altered")
def _pairing_altered(token: Any) -> None:
    """It does not say that a third pairing message was altered."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        if len(data) != 96:
            original(cid, data)
            return
        refuse, token._refuse_session = token._refuse_session, lambda cid: token._port.send(cid, wire.CMD_PAIR, b"")
        original(cid, data)
        token._refuse_session = refuse

    _around(token, "_pair", pair)


@_flaw("channel-session-unknown")
def _session_unknown(token: Any) -> None:
    """A psk id that it does not know ends the session there is."""

    def open_session(original: Any, cid: bytes, data: bytes) -> None:
        if token._keys.psk(bytes(data[: wire.PSK_ID_SIZE])) is None:
            token._close_session()
        original(cid, data)

    _around(token, "_open_session", open_session)


@_flaw("channel-record-replayed")
def _replayed(token: Any) -> None:
    """It answers a record again when it comes again."""
    last: dict[bytes, bytes] = {}

    def record(original: Any, cid: bytes, data: bytes) -> None:
        again = last.get(bytes(data))
        if again is not None:
            token._port.send(cid, wire.CMD_RECORD, again)
            return
        last.clear()
        if cid == token._session_cid:
            last[bytes(data)] = b""
        original(cid, data)

    def send(original: Any, cid: bytes, cmd: int, payload: bytes) -> None:
        if cmd == wire.CMD_RECORD:
            for key in last:
                last[key] = bytes(payload)
        original(cid, cmd, payload)

    _around(token, "_record", record)
    _around(token._port, "send", send)


@_flaw("channel-record-stranger")
def _record_stranger(token: Any) -> None:
    """A record on a stranger's channel ends the session there is."""

    def record(original: Any, cid: bytes, data: bytes) -> None:
        if token._session is not None and cid != token._session_cid:
            token._close_session()
        original(cid, data)

    _around(token, "_record", record)


# --- pairing
@_flaw("pairing-code")
def _code(token: Any) -> None:
    """It shows another comparison code than its own."""

    def show(original: Any, lines: list[str], milliseconds: int) -> None:
        if lines[0] == "Pair? Compare:":
            lines = [lines[0], lines[2], lines[1], *lines[3:]]
        original(lines, milliseconds)

    _around(token, "_show", show)


def _no_is_yes(headline: str, words: str) -> Flaw:
    """A NO at that question counts as a YES."""
    return _buttons(headline, lambda pressed: BUTTON_YES if pressed == BUTTON_NO else pressed, words)


def _press_is_hold(headline: str, words: str) -> Flaw:
    """A short press at that question counts as one that was held."""
    return _buttons(headline, lambda pressed: BUTTON_HELD if pressed == BUTTON_YES else pressed, words)


def _buttons(headline: str, change: Callable[[int], int], words: str) -> Flaw:
    def flaw(token: Any) -> None:
        hal = token._hal
        asked = [False]

        def show(original: Any, lines: list[str], question: bool) -> None:
            asked[0] = question and any(headline in line for line in lines)
            original(lines, question)

        def button(original: Any) -> int:
            pressed = int(original())
            return change(pressed) if asked[0] else pressed

        _around(hal, "show", show)
        _around(hal, "button", button)

    return _with_words(flaw, words)


FLAWS["pairing-press"] = _no_is_yes("Pair with", "It gives a pairing key although NO was pressed.")
FLAWS["pin-button"] = _no_is_yes("Try another PIN?", "It tries a PIN although NO was pressed.")
FLAWS["pin-set-up"] = _no_is_yes("Set up this token?", "It is set up although NO was pressed.")
FLAWS["pin-change"] = _no_is_yes("Change the PIN?", "It changes its PIN although NO was pressed.")
FLAWS["backup-press"] = _no_is_yes("Store this share?", "It stores a share although NO was pressed.")
FLAWS["backup-open-press"] = _no_is_yes("RELEASE to restore?", "It releases a share although NO was pressed.")
FLAWS["generation-retire"] = _no_is_yes("RETIRE old share?", "It retires a generation although NO was pressed.")
FLAWS["manage-label"] = _no_is_yes("New label?", "It changes its label although NO was pressed.")
FLAWS["pin-burnt-copies"] = _press_is_hold("to copy sealed shares", "Burnt, it pairs after a short press.")
FLAWS["generation-retire-held"] = _press_is_hold("RETIRE old share?", "It retires after a short press.")
FLAWS["generation-un-retire-held"] = _press_is_hold("Take OLD share back?", "It takes back after a short press.")
FLAWS["generation-destroy-held"] = _press_is_hold("DESTROY old share?", "It destroys after a short press.")
FLAWS["manage-remove-held"] = _press_is_hold("DESTROY this share?", "It removes after a short press.")
FLAWS["wipe-held"] = _press_is_hold("WIPE this token?", "It is wiped after a short press.")


@_flaw("pairing-eight")
def _eight(token: Any) -> None:
    """A ninth host takes the place of the first."""

    def run_pairing(original: Any, op: int, values: list[Any], code: str) -> Any:
        pairings = token._keys.record[F_PAIRINGS]
        if op == wire.OP_PAIR_ACCEPT and len(pairings) >= wire.PAIRINGS_MAX:
            token._keys.change({F_PAIRINGS: pairings[1:]})
        return original(op, values, code)

    _around(token._ops, "run_pairing", run_pairing)


# --- operations
Job = Generator[int, None, Any]


def _ops(*ops: int) -> Callable[[Callable[..., Job]], Flaw]:
    """Make a flaw of a generator `(token, job, op, values) -> reply` around the job of these operations."""

    def enter(around: Callable[..., Job]) -> Flaw:
        def flaw(token: Any) -> None:
            def run(original: Any, op: int, values: list[Any]) -> Job:
                if op not in ops:
                    job: Job = original(op, values)
                    return job
                return around(token, lambda: original(op, values), op, values)

            _around(token._ops, "run", run)

        return _with_words(flaw, around.__doc__ or "")

    return enter


def _instead(ops: int, status: int, reply: dict[int, Any] | int, words: str, when: Any = None) -> Flaw:
    """That refusal of that operation becomes another reply, or another status."""

    def around(token: Any, job: Any, op: int, values: list[Any]) -> Job:
        try:
            return (yield from job())
        except (OpError, transfer.TransferError) as error:
            if error.status != status or (when is not None and not when(token, values)):
                raise
            if isinstance(reply, int):
                raise OpError(reply) from None
            return dict(reply)

    around.__doc__ = words
    return _ops(ops)(around)


def _slot_state(token: Any, backup_id: bytes) -> int:
    return policy.state(token._keys.slot(backup_id))


FLAWS["backup-abort"] = _instead(
    wire.OP_ABORT, wire.STATUS_BAD_STATE, {}, "It says that it has forgotten what it has committed."
)
FLAWS["backup-declaration"] = _instead(
    wire.OP_RESERVE, wire.STATUS_BAD_DECLARATION, wire.STATUS_BAD_REQUEST, "It calls a bad declaration a bad request."
)
FLAWS["backup-not-found"] = _instead(
    wire.OP_OPEN, wire.STATUS_NOT_FOUND, wire.STATUS_STORAGE, "It calls an unknown backup a damaged one."
)
FLAWS["backup-offset"] = _instead(
    wire.OP_CHUNK, wire.STATUS_BAD_OFFSET, wire.STATUS_BAD_OFFSET, "It does not say which offset it expects."
)
FLAWS["policy-party"] = _instead(
    wire.OP_RESERVE, wire.STATUS_OTHER_PARTY, wire.STATUS_OTHER_GENERATION, "It calls another party another generation."
)
FLAWS["generation-stale"] = _instead(
    wire.OP_RESERVE, wire.STATUS_RETIRED, wire.STATUS_OTHER_GENERATION, "It does not say that a share is stale."
)
FLAWS["generation-un-retire"] = _instead(
    wire.OP_UN_RETIRE, wire.STATUS_NOT_FOUND, {}, "It takes back what was not retired."
)
FLAWS["generation-destroy"] = _instead(
    wire.OP_DESTROY, wire.STATUS_BAD_STATE, {}, "It says that it has destroyed what is not retired."
)
FLAWS["generation-retire-verified"] = _instead(
    wire.OP_RETIRE,
    wire.STATUS_BAD_STATE,
    {},
    "It retires for a newer share that was not read back.",
    lambda token, values: _slot_state(token, values[0]) == wire.BACKUP_PENDING,
)
FLAWS["generation-retire-itself"] = _instead(
    wire.OP_RETIRE,
    wire.STATUS_BAD_STATE,
    {},
    "It retires the generation of the share that retires it.",
    lambda token, values: _slot_state(token, values[0]) == wire.BACKUP_ACTIVE,
)


@_flaw("pin-format")
@_ops(wire.OP_UNLOCK)
def _pin_format(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """What is no PIN costs an attempt."""
    try:
        return (yield from job())
    except OpError as error:
        if error.status == wire.STATUS_PIN_FORMAT and token._keys.record[F_FAILS] == 0:
            token._keys.change({F_FAILS: 1})
        raise


@_flaw("pin-counts")
@_ops(wire.OP_UNLOCK)
def _pin_counts(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A wrong PIN does not lock what was unlocked."""
    unlocked = token._ops._unlocked
    try:
        return (yield from job())
    finally:
        token._ops._unlocked = token._ops._unlocked or unlocked


@_flaw("pin-resets")
@_ops(wire.OP_UNLOCK)
def _pin_resets(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """The right PIN does not give the attempts back."""
    fails = token._keys.record[F_FAILS]
    reply = yield from job()
    if fails:
        token._keys.change({F_FAILS: fails})
    return reply


@_flaw("pin-three")
@_ops(wire.OP_UNLOCK)
def _pin_three(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It takes as many PINs as it gets without being unplugged."""
    token._ops._gate._wrong_since_power_up = 0
    return (yield from job())


@_flaw("pin-back-off")
@_ops(wire.OP_UNLOCK)
def _pin_back_off(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not wait between PINs."""
    token._ops._gate._back_off_from = -1_000_000
    return (yield from job())


FLAWS["pin-burnt"] = _instead(
    wire.OP_UNLOCK,
    wire.STATUS_BURNT,
    wire.STATUS_PIN_WRONG,
    "It does not say that the last PIN has burnt it.",
    lambda token, values: token._ops._gate._wrong_since_power_up,
)
FLAWS["pin-not-set-up"] = _instead(
    wire.OP_UNLOCK, wire.STATUS_NOT_SET_UP, {1: ""}, "It says that it is unlocked before it has a PIN."
)


@_flaw("pin-locked")
def _pin_locked(token: Any) -> None:
    """It stays unlocked for the next session."""

    def new_session(original: Any, *args: Any) -> None:
        unlocked = token._ops._unlocked
        original(*args)
        token._ops._unlocked = unlocked

    _around(token._ops, "new_session", new_session)


@_flaw("backup-read-back")
@_ops(wire.OP_COMMIT)
def _read_back(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """After commit it wants another press before it is read back."""
    reply = yield from job()
    token._ops._outgoing.opened = b""
    return reply


@_flaw("backup-pending")
@_ops(wire.OP_CONFIRM)
def _pending(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refuses a confirm that comes twice."""
    if _slot_state(token, values[0]) == wire.BACKUP_ACTIVE:
        raise OpError(wire.STATUS_BAD_STATE)
    return (yield from job())


@_flaw("backup-replaced")
@_ops(wire.OP_CONFIRM)
def _replaced(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """What a share replaces is still listed after confirm."""
    before = list(token._keys.slots)
    reply = yield from job()
    gone = [slot for slot in before if slot[S_ID] not in [kept[S_ID] for kept in token._keys.slots]]
    if gone and len(before) == 2:
        token._keys.change({F_SLOTS: token._keys.slots + gone})
    return reply


@_flaw("backup-kept")
@_ops(wire.OP_COMMIT)
def _kept(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A backup that was never confirmed is lost to the next one."""
    alone = [slot[S_ID] for slot in token._keys.slots if slot[S_STATE] == wire.BACKUP_PENDING]
    active = any(slot[S_STATE] == wire.BACKUP_ACTIVE for slot in token._keys.slots)
    reply = yield from job()
    if alone and not active and values[0] not in alone:
        token._keys.change({F_SLOTS: [slot for slot in token._keys.slots if slot[S_ID] not in alone]})
    return reply


@_flaw("backup-resume")
def _resume(token: Any) -> None:
    """It forgets at power-up how far a transfer had come."""
    token._ops._outgoing._store.drop_staged()


@_flaw("backup-past-the-end")
@_ops(wire.OP_CHUNK)
def _past_the_end(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It says that it has stored a chunk which passes the end."""
    try:
        return (yield from job())
    except transfer.TransferError as error:
        if error.status != wire.STATUS_BAD_REQUEST:
            raise
        return {1: values[0] + len(values[1])}


@_flaw("backup-digest")
@_ops(wire.OP_PREPARE)
def _digest(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not compare what it stored with what was announced."""
    try:
        return (yield from job())
    except transfer.TransferError as error:
        if error.status != wire.STATUS_BAD_DIGEST:
            raise
        return {1: bytes(32)}


FLAWS["backup-prepare-first"] = _instead(
    wire.OP_PREPARE, wire.STATUS_BAD_STATE, {1: bytes(32)}, "It prepares before the last chunk is there."
)


@_flaw("backup-read-opened")
@_ops(wire.OP_READ)
def _read_opened(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """Once one backup is opened, it lets all be read."""
    outgoing = token._ops._outgoing
    opened = outgoing.opened
    if opened:
        outgoing.opened = values[0]
    try:
        return (yield from job())
    finally:
        outgoing.opened = opened


@_flaw("backup-sixteen")
@_ops(wire.OP_RESERVE)
def _sixteen(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """A full token does not replace what it holds."""
    if len(token._keys.slots) >= wire.BACKUPS_MAX:
        raise OpError(wire.STATUS_NO_SPACE)
    return (yield from job())


@_flaw("policy-generation")
def _generation(token: Any) -> None:
    """It takes every other generation for a newer one."""

    def run(original: Any, op: int, values: list[Any]) -> Any:
        return original(wire.OP_RESERVE_NEXT if op == wire.OP_RESERVE else op, values)

    _around(token._ops, "run", run)


@_flaw("generation-remove-active")
@_ops(wire.OP_REMOVE)
def _remove_active(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It forgets that the generation it removes is older than the one behind it."""
    reply = yield from job()
    token._keys.change({F_RETIRED: []})
    return reply


@_flaw("generation-same-refresh")
@_ops(wire.OP_RESERVE)
def _same_refresh(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It refreshes the old generation while a newer one waits."""
    try:
        return (yield from job())
    except OpError as error:
        waits = any(slot[S_STATE] == wire.BACKUP_NEXT for slot in token._keys.slots)
        if error.status != wire.STATUS_OTHER_GENERATION or not waits:
            raise
        return {1: bytes(16), 2: bytes(32)}


# --- life with a token
@_flaw("manage-pairings")
@_ops(wire.OP_PAIRINGS)
def _pairings(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It does not know the names of its hosts."""
    reply = yield from job()
    for entry in reply[1]:
        entry[2] = "?"
    return reply


@_flaw("manage-unpair")
@_ops(wire.OP_UNPAIR)
def _unpair(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It says that it has forgotten a host, and has not."""
    return {}
    yield from job()


@_flaw("manage-remove")
@_ops(wire.OP_REMOVE)
def _remove(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It removes the backups of other vaults too."""
    vaults = [slot[S_VAULT] for slot in token._keys.slots if slot[S_ID] == values[0]]
    reply = yield from job()
    token._keys.change({F_SLOTS: [slot for slot in token._keys.slots if slot[S_VAULT] in vaults]})
    return reply


@_flaw("wipe-all")
def _wipe_all(token: Any) -> None:
    """A wiped token keeps its serial."""

    def found(original: Any) -> None:
        serial = token._keys.record[F_SERIAL]
        original()
        token._keys.change({F_SERIAL: serial})

    _around(token._keys, "found", found)


# --- the audit ring
def _silent(event: int, words: str) -> Flaw:
    """That event is not entered."""

    def flaw(token: Any) -> None:
        def change(original: Any, updates: dict[int, Any], what: int, *rest: Any) -> None:
            if what == event:
                token._keys.change(updates or {F_LABEL: token._keys.record[F_LABEL]})
            else:
                original(updates, what, *rest)

        _around(token._ops._audit, "change", change)

    return _with_words(flaw, words)


FLAWS["audit-chain"] = _silent(wire.EVENT_SET_UP, "It does not enter that it was set up.")
FLAWS["audit-events"] = _silent(wire.EVENT_RELEASED, "It does not enter that a share was released.")
FLAWS["audit-wrong-pins"] = _silent(wire.EVENT_WRONG_PINS, "It does not enter wrong PINs.")


@_flaw("audit-kept")
@_ops(wire.OP_AUDIT)
def _audit_kept(token: Any, job: Any, op: int, values: list[Any]) -> Job:
    """It gives the last 128 entries only."""
    reply = yield from job()
    oldest = reply[1] - 127
    if reply[3] < oldest:
        first, before, entries = token._ops._audit.read(oldest)
        return {**reply, 3: first, 4: before, 5: entries}
    return reply


def names() -> Iterator[str]:
    """All flaws, by section."""
    return iter(sorted(FLAWS))
