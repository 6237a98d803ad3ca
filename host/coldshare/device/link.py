"""One conversation over frames: send a message, wait for its answer. The one place on the host that waits."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from threading import Event

from coldshare.device.errors import (
    DeviceError,
    FrameProtocolError,
    SessionRefusedError,
    TokenChannelBusyError,
    TokenTimeoutError,
)
from coldshare.device.transport import Transport
from coldshare_iface import framing, wire
from coldshare_iface.errors import ColdshareError, ProtocolError
from coldshare_iface.framing import Assembler, FrameError

log = logging.getLogger(__name__)

# Short, so that Ctrl-C and `cancel` are noticed; a token that works sends a keepalive every quarter of a second.
_SLICE = 0.1
_SILENCE = 5.0
# The longest that one request takes: a minute of back-off, one for a button held, one for the question, and room.
_LONGEST = 300.0
# What a token gets to answer a cancelled request; the steps of a job that it does not break off are shorter.
_CANCEL = 10.0
_DRAIN = 2.0
_LOST = (
    "Run the command again; a backup goes on with: coldshare resume. This computer may have been too busy to take all "
    "that the token said, or the cable is bad."
)

OnStatus = Callable[[int], None]


class _Patience:
    """How long to wait for one answer. Nothing that a token does, or keeps doing, makes the host wait for ever."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heard = clock()
        self._until = self._heard + _LONGEST
        self._silent = 0.0

    def silence(self) -> None:
        """One slice has passed without a report."""
        self._silent += _SLICE
        if self._silent > _SILENCE:
            raise TokenTimeoutError

    def others(self) -> None:
        """A report that is not for us: it proves that somebody is alive, not that the token hears us."""
        now = self._clock()
        if now - self._heard > _SILENCE or now > self._until:
            raise TokenTimeoutError

    def ours(self) -> None:
        self._silent = 0.0
        self._heard = self._clock()
        if self._heard > self._until:
            raise TokenTimeoutError("The token keeps working and does not answer.")

    def cancelled(self) -> None:
        self._until = min(self._until, self._clock() + _CANCEL)


class Link:
    """A channel of our own to one token. `call` is the whole story of waiting, progress and cancelling.

    A link whose answer was given up on is not used again: the late answer would be taken for the next one. After an
    ERROR the channel is started afresh before the next message, for the same reason.
    """

    def __init__(self, transport: Transport, clock: Callable[[], float] | None = None) -> None:
        self._transport = transport
        # Patience is measured in the time that the transport's own waiting takes, which need not be ours.
        self._clock = clock if clock is not None else getattr(transport, "clock", time.monotonic)
        self._assembler = Assembler(transport.report_size)
        self._cid = wire.CID_BROADCAST
        self._lost = False
        self._owed = False  # an answer that an ERROR came before
        self._cid = self._init()
        log.debug("channel %s", self._cid.hex())

    def _init(self) -> bytes:
        """CTAPHID INIT: a channel id, or on the channel we have a fresh start."""
        nonce = secrets.token_bytes(wire.INIT_NONCE)
        # Others ask on the broadcast channel too, and so did we in an earlier life.
        answer = self.call(wire.CMD_INIT, nonce, ours=lambda data: data[: wire.INIT_NONCE] == nonce)
        if len(answer) < wire.INIT_NONCE + 4:
            raise FrameProtocolError("The token's answer to INIT is too short.")
        return answer[wire.INIT_NONCE : wire.INIT_NONCE + 4]

    def restart(self) -> None:
        """Let the token forget what is under way on this channel, its secure channel included."""
        self._init()

    def call(
        self,
        cmd: int,
        message: bytes,
        *,
        cancel: Event | None = None,
        on_status: OnStatus | None = None,
        ours: Callable[[bytes], bool] | None = None,
    ) -> bytes:
        """Send `message` under `cmd` and return the answer; with `ours`, the first one that it accepts.

        `on_status` hears a keepalive status (`wire.KEEPALIVE_*`) when it changes. When `cancel` is set, or on Ctrl-C,
        the token is told and its answer still awaited, so that no later call can mistake it for its own.

        Raises DeviceError or ProtocolError.
        """
        if self._lost:
            raise TokenTimeoutError
        if self._owed and cmd != wire.CMD_INIT:
            self.restart()
        log.debug("> %02x, %d bytes", cmd, len(message))
        self._lost = True
        sent = False
        try:
            for report in framing.split(self._cid, cmd, message, self._transport.report_size):
                self._transport.write(report)
            sent = True
            answered, data = self._receive(cmd, cancel, on_status, ours)
        except KeyboardInterrupt:
            self._cancel()
            # Half a message has no answer to wait for.
            self._lost = not (sent and self._drained(cmd))
            raise
        except (DeviceError, ProtocolError):
            raise
        except ColdshareError:
            self._lost = False  # the carrier's own trouble, such as a simulator without a person: nothing is owed
            raise
        self._lost = False
        log.debug("< %02x, %d bytes", answered, len(data))
        # Where a report came twice the ERROR is about the copy, and the request itself is still under way.
        self._owed = answered == wire.CMD_ERROR
        if self._owed:
            raise _frame_error(data)
        return data

    def _cancel(self) -> None:
        for report in framing.split(self._cid, wire.CMD_CANCEL, b"", self._transport.report_size):
            self._transport.write(report)

    def _drained(self, cmd: int) -> bool:
        """Let the answer to a cancelled request pass by; False when it did not come in time."""
        until = self._clock() + _DRAIN
        waited = 0.0
        while waited < _DRAIN and self._clock() < until:
            report = self._transport.read(_SLICE)
            if report is None:
                waited += _SLICE
                continue
            message = self._whole(report, cmd)
            if message is not None and message[0] != wire.CMD_KEEPALIVE:
                return True
        return False

    def _receive(
        self,
        cmd: int,
        cancel: Event | None,
        on_status: OnStatus | None,
        ours: Callable[[bytes], bool] | None,
    ) -> tuple[int, bytes]:
        patience = _Patience(self._clock)
        status = -1
        cancelled = False
        while True:
            if cancel is not None and cancel.is_set() and not cancelled:
                cancelled = True
                patience.cancelled()
                self._cancel()
            report = self._transport.read(_SLICE)
            if report is None:
                patience.silence()
                continue
            # Every process that has a HID token open sees every report; other channels are none of our business.
            if bytes(report[:4]) != self._cid:
                patience.others()
                continue
            message = self._whole(report, cmd)
            if ours is not None and message is not None and message[0] == cmd and not ours(message[1]):
                patience.others()
                continue
            patience.ours()
            if message is None:
                continue
            answered, data = message
            if answered == wire.CMD_KEEPALIVE:
                if data and data[0] != status:
                    status = data[0]
                    if on_status is not None:
                        on_status(status)
                continue
            return answered, data

    def _whole(self, report: bytes, cmd: int) -> tuple[int, bytes] | None:
        """The message that `report` completes, if it is for us: an answer to `cmd`, an error or a keepalive."""
        if bytes(report[:4]) != self._cid:
            return None
        try:
            message = self._assembler.feed(report)
        except FrameError as error:
            broken = FrameProtocolError(f"The token broke the framing rules: {error}.")
            if error.code == wire.ERR_INVALID_SEQ:
                # A kernel keeps so many reports for a program, and drops the others without a word.
                broken.next_step = _LOST
            raise broken from error
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
