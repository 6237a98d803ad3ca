"""Frames, channel ids, keepalive and CANCEL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coldshare_firmware.channels import is_bulk
from coldshare_iface import wire
from coldshare_iface.framing import FrameError
from coldshare_sim.broken.making import around, flaw


@flaw("frames-ping")
def _ping(token: Any) -> None:
    """It gives back all but the last byte of a long PING."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        original(cid, cmd, data[:-1] if cmd == wire.CMD_PING and len(data) > 4096 else data)

    around(token, "_message", message)


@flaw("frames-init")
def _init(token: Any) -> None:
    """It answers INIT with another frame version."""

    def send(original: Any, cid: bytes, cmd: int, payload: bytes) -> None:
        original(cid, cmd, payload[:12] + b"\x01" + payload[13:] if cmd == wire.CMD_INIT else payload)

    around(token._port, "send", send)


@flaw("frames-init-again")
def _init_again(token: Any) -> None:
    """INIT on a channel leaves its secure channel open."""

    def init(original: Any, cid: bytes, nonce: bytes) -> None:
        token._session_cid, kept = b"", token._session_cid
        original(cid, nonce)
        token._session_cid = kept

    around(token, "_init", init)


@flaw("frames-init-length")
def _init_length(token: Any) -> None:
    """It takes an INIT with a nonce of seven bytes."""
    around(token, "_init", lambda original, cid, nonce: original(cid, nonce.ljust(wire.INIT_NONCE, b"\0")))


def _forgiving(token: Any, forgive: Callable[[FrameError, bytes], bool]) -> None:
    """Frame errors for which `forgive` says so are not reported."""

    def feed(original: Any, report: bytes) -> Any:
        try:
            return original(report)
        except FrameError as error:
            if forgive(error, report):
                return None
            raise

    around(token._port._assembler, "feed", feed)


@flaw("frames-sequence")
def _sequence(token: Any) -> None:
    """It says nothing about a continuation that is out of order."""
    _forgiving(token, lambda error, report: error.code == wire.ERR_INVALID_SEQ and not report[4] & 0x80)


@flaw("frames-new-message")
def _new_message(token: Any) -> None:
    """It says nothing about a message in the middle of another one."""
    _forgiving(token, lambda error, report: error.code == wire.ERR_INVALID_SEQ and bool(report[4] & 0x80))


@flaw("frames-busy")
def _busy(token: Any) -> None:
    """A report of another channel makes it drop the message under way."""

    def error(original: Any, cid: bytes, code: int) -> None:
        if code == wire.ERR_CHANNEL_BUSY and not is_bulk(cid):
            token._port._assembler.reset()
        original(cid, code)

    around(token._port, "error", error)


@flaw("frames-timeout")
def _timeout(token: Any) -> None:
    """It drops a message that does not go on, and says nothing."""
    around(token._port, "abandon", lambda original, code: token._port._assembler.reset())


@flaw("frames-too-long")
def _too_long(token: Any) -> None:
    """It calls a message that is too long a wrong parameter."""

    def feed(original: Any, report: bytes) -> Any:
        try:
            return original(report)
        except FrameError as error:
            if error.code == wire.ERR_INVALID_LEN:
                error.code = wire.ERR_INVALID_PAR
            raise

    around(token._port._assembler, "feed", feed)


@flaw("frames-unknown-channel")
def _unknown_channel(token: Any) -> None:
    """It answers on channels that it never gave out."""

    def may_begin(original: Any, cid: bytes, report: bytes) -> bool:
        unheard = wire.CID_BROADCAST > cid >= token._port._channels.allocate(is_bulk(cid))
        return unheard or bool(original(cid, report))

    around(token._port, "_may_begin", may_begin)


@flaw("frames-broadcast")
def _broadcast(token: Any) -> None:
    """It answers a PING on broadcast."""

    def may_begin(original: Any, cid: bytes, report: bytes) -> bool:
        return (cid == wire.CID_BROADCAST and report[4] & 0x7F == wire.CMD_PING) or bool(original(cid, report))

    around(token._port, "_may_begin", may_begin)


@flaw("frames-unknown-command")
def _unknown_command(token: Any) -> None:
    """It echoes commands that it does not know."""

    def error(original: Any, cid: bytes, code: int) -> None:
        if code == wire.ERR_INVALID_CMD:
            token._port.send(cid, wire.CMD_PING, b"")
        else:
            original(cid, code)

    around(token._port, "error", error)


@flaw("frames-stray")
def _stray(token: Any) -> None:
    """It complains about a continuation when nothing is under way."""

    def feed(original: Any, report: bytes) -> Any:
        if not token._port.receiving and not report[4] & 0x80:
            token._port.error(report[:4], wire.ERR_INVALID_SEQ)
            return None
        return original(report)

    around(token._port, "feed", feed)


@flaw("frames-filling")
def _filling(token: Any) -> None:
    """It wants a report to be filled with zeros."""

    def feed(original: Any, report: bytes) -> Any:
        size = int.from_bytes(report[5:7], "big")
        if report[4] & 0x80 and any(report[7 + size :]):
            token._port.error(report[:4], wire.ERR_INVALID_LEN)
            return None
        return original(report)

    around(token._port, "feed", feed)


@flaw("frames-keepalive")
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

    around(token._port, "send", send)


@flaw("frames-cancel")
def _cancel(token: Any) -> None:
    """It answers a cancelled request with REJECTED."""

    def reply(original: Any, fields: dict[int, Any]) -> None:
        original({0: wire.STATUS_REJECTED} if fields == {0: wire.STATUS_CANCELLED} else fields)

    around(token, "_reply", reply)


@flaw("frames-cancel-stranger")
def _cancel_stranger(token: Any) -> None:
    """Any channel can cancel what another one asked for."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        original(token._job_cid if cmd == wire.CMD_CANCEL and token._job is not None else cid, cmd, data)

    around(token, "_message", message)


@flaw("frames-busy-working")
def _busy_working(token: Any) -> None:
    """It answers info on another channel of the same carrier while a question waits."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        if token._job is not None and cmd == wire.CMD_PLAIN and is_bulk(cid) == is_bulk(token._job_cid):
            token._plain(cid, data)
        else:
            original(cid, cmd, data)

    around(token, "_message", message)


@flaw("frames-init-drops")
def _init_drops(token: Any) -> None:
    """INIT on a channel leaves the question there that this channel has asked for."""

    def init(original: Any, cid: bytes, nonce: bytes) -> None:
        token._job_cid, kept = b"", token._job_cid
        original(cid, nonce)
        token._job_cid = kept

    around(token, "_init", init)


@flaw("frames-cancel-idle")
def _cancel_idle(token: Any) -> None:
    """It complains about a CANCEL when nothing is under way."""

    def message(original: Any, cid: bytes, cmd: int, data: bytes) -> None:
        if cmd == wire.CMD_CANCEL and token._job is None:
            token._port.error(cid, wire.ERR_INVALID_CMD)
        else:
            original(cid, cmd, data)

    around(token, "_message", message)


@flaw("frames-timed-out")
def _timed_out(token: Any) -> None:
    """It calls a question that nobody has answered refused."""

    def reply(original: Any, fields: dict[int, Any]) -> None:
        original({0: wire.STATUS_REJECTED} if fields == {0: wire.STATUS_TIMED_OUT} else fields)

    around(token, "_reply", reply)
