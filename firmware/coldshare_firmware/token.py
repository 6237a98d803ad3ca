"""The token itself: reports in, reports out. Portable subset.

`feed` takes one report, `poll` gives the next one to send, or None. The board calls `poll` over and over; a job that
waits for a person or for time goes on there. Nothing here blocks.
"""

from coldshare_firmware import VERSION, cbor, request, screens
from coldshare_firmware.channels import Channels
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_FAILS, F_LABEL, F_SERIAL, F_STATIC, Keys
from coldshare_firmware.ops import Operations
from coldshare_firmware.person import OpError
from coldshare_firmware.request import CHUNK
from coldshare_firmware.store import Store
from coldshare_firmware.x25519 import TokenSuite
from coldshare_iface import session, wire
from coldshare_iface.framing import Assembler, FrameError, split
from coldshare_iface.session import RemoteProtocolError, Session
from coldshare_iface.transfer import TransferError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.ops import Job
    from coldshare_firmware.types import Hal, Map


class Token:
    """One token, from power-up to unplugging."""

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._keys = Keys(hal)
        self._store = Store(hal, self._keys)
        if self._keys.fresh:
            # Sealed shares without any keys: the key area was lost. Keep what there is, promise nothing.
            self._keys.found(wire.TOKEN_BURNT if self._store.has_blobs() else wire.TOKEN_NEW)
        if self._keys.state == wire.TOKEN_READY and self._keys.record[F_FAILS] >= wire.PIN_ATTEMPTS:
            self._keys.burn()
        if self._keys.state != wire.TOKEN_BURNT:
            self._store.sweep()
        self._suite = TokenSuite(hal)
        self._ops = Operations(hal, self._keys, self._store)
        self._assembler = Assembler(hal.report_size)
        self._out: list[bytes] = []
        self._channels = Channels()
        self._last_report = 0
        self._session: Session | None = None
        self._session_cid = b""
        self._job: Job | None = None
        self._job_cid = b""
        self._status = 0
        self._status_at = 0
        self._idle()

    def _idle(self) -> None:
        record = self._keys.record
        self._hal.show(screens.idle(self._keys.state, record[F_LABEL], record[F_SERIAL]), False)

    # --- reports
    def feed(self, report: bytes) -> None:
        """Take one report from the host, exactly `hal.report_size` bytes."""
        now = self._hal.now_ms()
        if self._assembler.busy and now - self._last_report > wire.FRAME_TIMEOUT_MS:
            self._send_error(self._assembler.cid, wire.ERR_MSG_TIMEOUT)
            self._assembler.reset()
        self._last_report = now
        try:
            message = self._assembler.feed(report)
        except FrameError as error:
            self._send_error(error.cid, error.code)
            return
        if message is not None:
            self._message(message[0], message[1], message[2])

    def poll(self) -> "bytes | None":
        """The next report for the host, if there is one now."""
        if not self._out and self._job is not None:
            self._advance()
        if self._out:
            return self._out.pop()
        return None

    @property
    def waiting(self) -> bool:
        """True while a job is under way, so that `poll` may have more to say later."""
        return self._job is not None

    def _send(self, cid: bytes, cmd: int, payload: bytes) -> None:
        # Reversed, because poll takes from the end: popping from the front of a list costs its length.
        reports = split(cid, cmd, payload, self._hal.report_size)
        reports.reverse()
        self._out = reports + self._out

    def _send_error(self, cid: bytes, code: int) -> None:
        self._send(cid, wire.CMD_ERROR, bytes((code,)))

    def _message(self, cid: bytes, cmd: int, data: bytes) -> None:
        if cmd == wire.CMD_INIT:
            self._init(cid, data)
        elif not self._channels.known(cid):
            self._send_error(cid, wire.ERR_INVALID_CHANNEL)
        elif cmd == wire.CMD_CANCEL:
            if self._job is not None and cid == self._job_cid:
                self._finish_error(OpError(wire.STATUS_CANCELLED))
        elif self._job is not None:
            self._send_error(cid, wire.ERR_CHANNEL_BUSY)
        elif cmd == wire.CMD_PING:
            self._send(cid, cmd, data)
        elif cmd == wire.CMD_PLAIN:
            self._plain(cid, data)
        elif cmd == wire.CMD_PAIR:
            self._pair(cid, data)
        elif cmd == wire.CMD_SESSION:
            self._open_session(cid, data)
        elif cmd == wire.CMD_RECORD:
            self._record(cid, data)
        else:
            self._send_error(cid, wire.ERR_INVALID_CMD)

    def _init(self, cid: bytes, nonce: bytes) -> None:
        """CTAPHID_INIT: a channel of one's own, or a fresh start on the one there is."""
        if len(nonce) != wire.INIT_NONCE:
            self._send_error(cid, wire.ERR_INVALID_LEN)
            return
        channel = cid
        if cid == wire.CID_BROADCAST:
            channel = self._channels.allocate()
        elif not self._channels.known(cid):
            self._send_error(cid, wire.ERR_INVALID_CHANNEL)
            return
        else:
            if cid == self._job_cid:
                self._drop_job()
                self._idle()
            if cid == self._session_cid:
                self._close_session()
        # After the version: firmware major, minor, patch, and CTAPHID capability flags, of which we have none.
        numbers = [int(part) for part in VERSION.split(".")]
        tail = bytes([wire.FRAME_VERSION] + numbers + [0])
        self._send(cid, wire.CMD_INIT, nonce + channel + tail)

    # --- in the clear
    def info(self) -> bytes:
        """The plaintext `info` answer; handshakes hash it, so that nobody can alter it on the way."""
        hal = self._hal
        return cbor.encode(
            {
                0: wire.STATUS_OK,
                1: [wire.PROTOCOL_VERSION],
                2: hal.model,
                3: VERSION,
                4: self._keys.record[F_SERIAL],
                5: self._keys.state,
                6: [wire.CAP_BACKUP, wire.CAP_SCREEN],
                7: wire.MESSAGE_MAX,
                8: CHUNK,
            }
        )

    def _plain(self, cid: bytes, data: bytes) -> None:
        try:
            op = request.fields(cbor.decode(data), request.PLAIN)[0]
        except cbor.CborError:
            reply = cbor.encode({0: wire.STATUS_BAD_REQUEST})
        except OpError as error:
            reply = cbor.encode({0: error.status})
        else:
            if op == wire.OP_INFO:
                reply = self.info()
            else:
                record = self._keys.record
                self._hal.show(screens.identify(record[F_LABEL], record[F_SERIAL]), False)
                reply = cbor.encode({0: wire.STATUS_OK})
        self._send(cid, wire.CMD_PLAIN, reply)

    # --- the secure channel
    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
        self._session_cid = b""
        self._ops.new_session()

    def _new_session(self, cid: bytes) -> Session:
        self._close_session()
        self._session = Session(self._suite, False)
        self._session_cid = cid
        return self._session

    def _pair(self, cid: bytes, data: bytes) -> None:
        current = self._session
        try:
            if current is None or cid != self._session_cid or current.state != session.XX_2:
                current = self._new_session(cid)
                current.pairing(self.info(), self._keys.record[F_STATIC])
                current.read_handshake(data)
                self._send(cid, wire.CMD_PAIR, current.write_handshake())
                return
            current.read_handshake(data)
        except RemoteProtocolError:
            self._close_session()
            self._send_error(cid, wire.ERR_SESSION)
            return
        self._hal.show(screens.compare(current.code), False)
        self._send(cid, wire.CMD_PAIR, b"")

    def _open_session(self, cid: bytes, data: bytes) -> None:
        psk_id = data[: wire.PSK_ID_SIZE]
        psk = self._keys.psk(psk_id)
        if psk is None:
            self._send_error(cid, wire.ERR_SESSION)
            return
        current = self._new_session(cid)
        try:
            current.session(self.info(), psk_id, psk)
            current.read_handshake(data[wire.PSK_ID_SIZE :])
            answer = current.write_handshake()
        except RemoteProtocolError:
            self._close_session()
            self._send_error(cid, wire.ERR_SESSION)
            return
        self._send(cid, wire.CMD_SESSION, answer)

    def _record(self, cid: bytes, data: bytes) -> None:
        current = self._session
        if current is None or cid != self._session_cid:
            self._send_error(cid, wire.ERR_SESSION)
            return
        code = current.code
        try:
            pairing = current.state == session.COMPARE
            plaintext = current.open(data)
        except RemoteProtocolError:
            self._close_session()
            self._send_error(cid, wire.ERR_SESSION)
            self._idle()
            return
        self._job_cid = cid
        try:
            try:
                op, values = request.fields(cbor.decode(plaintext))
            except cbor.CborError:
                raise OpError(wire.STATUS_BAD_REQUEST)
            if pairing != (op == wire.OP_PAIR_ACCEPT):
                raise OpError(wire.STATUS_UNKNOWN_OP)
            if pairing:
                self._job = self._ops.pair(code, str(values[0]))
            else:
                self._job = self._ops.run(op, values)
        except OpError as error:
            self._finish_error(error)

    # --- jobs
    def _advance(self) -> None:
        job = self._job
        if job is None:
            return
        try:
            status = next(job)
        except StopIteration as done:
            self._finish(done.value)
            return
        except OpError as error:
            self._finish_error(error)
            return
        except TransferError as error:
            self._finish_error(OpError(error.status, error.detail))
            return
        except (StorageError, OSError):
            self._finish_error(OpError(wire.STATUS_STORAGE))
            return
        now = self._hal.now_ms()
        if status != self._status or now - self._status_at >= wire.KEEPALIVE_MS:
            self._status = status
            self._status_at = now
            self._send(self._job_cid, wire.CMD_KEEPALIVE, bytes((status,)))

    def _finish(self, reply: "Map") -> None:
        reply[0] = wire.STATUS_OK
        self._reply(reply)

    def _finish_error(self, error: OpError) -> None:
        reply: Map = {0: error.status}
        if error.detail is not None:
            reply[1] = error.detail
        self._reply(reply)

    def _reply(self, reply: "Map") -> None:
        cid = self._job_cid
        asked = self._status == wire.KEEPALIVE_PERSON or reply[0] != wire.STATUS_OK
        self._drop_job()
        if self._session is not None and cid == self._session_cid:
            self._send(cid, wire.CMD_RECORD, self._session.seal(cbor.encode(reply)))
            if self._session.state == session.CLOSED or self._keys.state == wire.TOKEN_BURNT:
                self._close_session()
                asked = True
        if asked:
            self._idle()

    def _drop_job(self) -> None:
        if self._job is not None:
            self._job.close()
        self._job = None
        self._job_cid = b""
        self._status = 0
