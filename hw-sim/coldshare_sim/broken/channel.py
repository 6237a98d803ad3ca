"""The secure channel, and pairing."""

from __future__ import annotations

from typing import Any

from coldshare_firmware.keys import F_PAIRINGS
from coldshare_iface import wire
from coldshare_sim.broken.making import FLAWS, around, flaw, no_is_yes


@flaw("channel-pairing-short")
def _pairing_short(token: Any) -> None:
    """It fills a first pairing message that is too short."""
    around(
        token, "_pair", lambda original, cid, data: original(cid, b"\x09" + bytes(data) if len(data) == 31 else data)
    )


@flaw("channel-pairing-payload")
def _pairing_payload(token: Any) -> None:
    """It ignores a payload in the first pairing message."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        original(cid, data[:32] if bytes(data[32:]) == b"payload" else data)

    around(token, "_pair", pair)


@flaw("channel-pairing-low-order")
def _low_order(token: Any) -> None:
    """It answers a public key of zeros."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        if bytes(data) == bytes(32):
            token._port.send(cid, wire.CMD_PAIR, bytes(128))
        else:
            original(cid, data)

    around(token, "_pair", pair)


@flaw("channel-pairing-altered")
def _pairing_altered(token: Any) -> None:
    """It does not say that a third pairing message was altered."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        if len(data) != 96 or cid != token._session_cid:
            original(cid, data)
            return
        refuse, token._refuse_session = token._refuse_session, lambda cid: token._port.send(cid, wire.CMD_PAIR, b"")
        original(cid, data)
        token._refuse_session = refuse

    around(token, "_pair", pair)


@flaw("channel-session-unknown")
def _session_unknown(token: Any) -> None:
    """A psk id that it does not know ends the session there is."""

    def open_session(original: Any, cid: bytes, data: bytes) -> None:
        if token._keys.psk(bytes(data[: wire.PSK_ID_SIZE])) is None:
            token._close_session()
        original(cid, data)

    around(token, "_open_session", open_session)


@flaw("channel-record-replayed")
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

    around(token, "_record", record)
    around(token._port, "send", send)


@flaw("channel-record-stranger")
def _record_stranger(token: Any) -> None:
    """A record on a stranger's channel ends the session there is."""

    def record(original: Any, cid: bytes, data: bytes) -> None:
        if token._session is not None and cid != token._session_cid:
            token._close_session()
        original(cid, data)

    around(token, "_record", record)


# --- pairing
@flaw("pairing-code")
def _code(token: Any) -> None:
    """It shows another comparison code than its own."""

    def show(original: Any, lines: list[str], milliseconds: int) -> None:
        if lines[0] == "Pair? Compare:":
            lines = [lines[0], lines[2], lines[1], *lines[3:]]
        original(lines, milliseconds)

    around(token, "_show", show)


FLAWS["pairing-press"] = no_is_yes("Pair with", "It gives a pairing key although NO was pressed.")


@flaw("pairing-eight")
def _eight(token: Any) -> None:
    """A ninth host takes the place of the first."""

    def run_pairing(original: Any, op: int, values: list[Any], code: str) -> Any:
        pairings = token._keys.record[F_PAIRINGS]
        if op == wire.OP_PAIR_ACCEPT and len(pairings) >= wire.PAIRINGS_MAX:
            token._keys.change({F_PAIRINGS: pairings[1:]})
        return original(op, values, code)

    around(token._ops, "run_pairing", run_pairing)


@flaw("channel-session-payload")
def _session_payload(token: Any) -> None:
    """It ignores what is behind a first session message."""
    size = wire.PSK_ID_SIZE + 64
    around(token, "_open_session", lambda original, cid, data: original(cid, data[:size]))


@flaw("channel-session-short")
def _session_short(token: Any) -> None:
    """It answers a first session message that is too short."""

    def open_session(original: Any, cid: bytes, data: bytes) -> None:
        if len(data) < wire.PSK_ID_SIZE + 64:
            token._port.send(cid, wire.CMD_SESSION, bytes(64))
        else:
            original(cid, data)

    around(token, "_open_session", open_session)


@flaw("channel-record-length")
def _record_length(token: Any) -> None:
    """It answers a record that is shorter than a tag."""

    def record(original: Any, cid: bytes, data: bytes) -> None:
        if len(data) < 16:
            token._port.send(cid, wire.CMD_RECORD, b"")
        else:
            original(cid, data)

    around(token, "_record", record)


@flaw("channel-pairing-one")
def _pairing_one(token: Any) -> None:
    """It goes on with a pairing that another one has ended."""

    def pair(original: Any, cid: bytes, data: bytes) -> None:
        if len(data) == 96 and cid != token._session_cid:
            token._port.send(cid, wire.CMD_PAIR, b"")
        else:
            original(cid, data)

    around(token, "_pair", pair)


@flaw("pairing-shown")
def _shown(token: Any) -> None:
    """It does not show who wants to pair."""

    def show(original: Any, lines: list[str], question: bool) -> None:
        original(["Pair with?", *lines[1:]] if lines[0].startswith("Pair with ") else lines, question)

    around(token._hal, "show", show)


@flaw("pairing-closed")
def _closed(token: Any) -> None:
    """After CANCEL it takes another record of that pairing."""
    cancelled = [b""]

    def reply(original: Any, fields: dict[int, Any]) -> None:
        cid = token._job_cid
        original(fields)
        if fields == {0: wire.STATUS_CANCELLED} and token._session is None:
            cancelled[0] = cid

    def record(original: Any, cid: bytes, data: bytes) -> None:
        if token._session is None and cid == cancelled[0]:
            token._port.send(cid, wire.CMD_RECORD, b"")
        else:
            original(cid, data)

    around(token, "_reply", reply)
    around(token, "_record", record)
