"""One conversation over frames: send a message, wait for its answer. The one place on the host that waits."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from threading import Event

from coldshare.device.errors import (
    FrameProtocolError,
    SessionRefusedError,
    TokenChannelBusyError,
    TokenTimeoutError,
)
from coldshare.device.transport import Transport
from coldshare_iface import framing, wire
from coldshare_iface.errors import ProtocolError
from coldshare_iface.framing import Assembler, FrameError

log = logging.getLogger(__name__)

# Short, so that Ctrl-C and `cancel` are noticed; a token that works sends a keepalive every quarter of a second.
_SLICE = 0.1
_SILENCE = 5.0
_DRAIN = 2.0

OnStatus = Callable[[int], None]


class Link:
    """A channel of our own to one token. `call` is the whole story of waiting, progress and cancelling."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._assembler = Assembler(transport.report_size)
        self._cid = wire.CID_BROADCAST
        nonce = secrets.token_bytes(wire.INIT_NONCE)
        answer = self.call(wire.CMD_INIT, nonce)
        while answer[: wire.INIT_NONCE] != nonce:  # somebody else's, or one of an earlier life
            answer = self._receive(wire.CMD_INIT, None, None)
        if len(answer) < wire.INIT_NONCE + 4:
            raise FrameProtocolError("The token's answer to INIT is too short.")
        self._cid = answer[wire.INIT_NONCE : wire.INIT_NONCE + 4]
        log.debug("channel %s", self._cid.hex())

    def call(
        self,
        cmd: int,
        message: bytes,
        *,
        cancel: Event | None = None,
        on_status: OnStatus | None = None,
    ) -> bytes:
        """Send `message` under `cmd` and return the answer.

        `on_status` hears a keepalive status (`wire.KEEPALIVE_*`) when it changes. When `cancel` is set, or on Ctrl-C,
        the token is told and its answer still awaited, so that no later call can mistake it for its own.

        Raises DeviceError or ProtocolError.
        """
        log.debug("> %02x, %d bytes", cmd, len(message))
        for report in framing.split(self._cid, cmd, message, self._transport.report_size):
            self._transport.write(report)
        try:
            return self._receive(cmd, cancel, on_status)
        except KeyboardInterrupt:
            self._cancel()
            self._drain(cmd)
            raise

    def _cancel(self) -> None:
        for report in framing.split(self._cid, wire.CMD_CANCEL, b"", self._transport.report_size):
            self._transport.write(report)

    def _drain(self, cmd: int) -> None:
        """Let the answer to a cancelled request pass by."""
        waited = 0.0
        while waited < _DRAIN:
            report = self._transport.read(_SLICE)
            if report is None:
                waited += _SLICE
            elif self._whole(report, cmd) is not None:
                return

    def _receive(self, cmd: int, cancel: Event | None, on_status: OnStatus | None) -> bytes:
        silent = 0.0
        status = -1
        cancelled = False
        while True:
            if cancel is not None and cancel.is_set() and not cancelled:
                cancelled = True
                self._cancel()
            report = self._transport.read(_SLICE)
            if report is None:
                silent += _SLICE
                if silent > _SILENCE:
                    raise TokenTimeoutError
                continue
            silent = 0.0
            message = self._whole(report, cmd)
            if message is None:
                continue
            answered, data = message
            if answered == wire.CMD_KEEPALIVE:
                if data and data[0] != status:
                    status = data[0]
                    if on_status is not None:
                        on_status(status)
                continue
            log.debug("< %02x, %d bytes", answered, len(data))
            if answered == wire.CMD_ERROR:
                raise _frame_error(data)
            return data

    def _whole(self, report: bytes, cmd: int) -> tuple[int, bytes] | None:
        """The message that `report` completes, if it is for us: an answer to `cmd`, an error or a keepalive.

        Every process that has a HID token open sees every report: those of other channels are none of our business.
        """
        if bytes(report[:4]) != self._cid:
            return None
        try:
            message = self._assembler.feed(report)
        except FrameError as error:
            raise FrameProtocolError(f"The token broke the framing rules: {error}.") from error
        if message is None or message[1] not in (cmd, wire.CMD_ERROR, wire.CMD_KEEPALIVE):
            return None
        return message[1], message[2]

    def close(self) -> None:
        self._transport.close()


def _frame_error(data: bytes) -> Exception:
    code = data[0] if data else wire.ERR_OTHER
    if code == wire.ERR_SESSION:
        return SessionRefusedError()
    if code == wire.ERR_CHANNEL_BUSY:
        return TokenChannelBusyError()
    return ProtocolError(f"The token reports a protocol error (0x{code:02x}).")
