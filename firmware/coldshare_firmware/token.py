"""The token itself: reports in, reports out. Portable subset.

`feed` takes one report, `poll` gives the next one to send, or None. The board calls `poll` over and over; a job that
waits for a person or for time goes on there. Nothing here blocks, and nothing that a host sends raises.
"""

import gc

from coldshare_firmware import VERSION, cbor, info, jobs, person, request, screens
from coldshare_firmware.audit import Audit
from coldshare_firmware.channels import is_bulk
from coldshare_firmware.keys import F_FAILS, F_LABEL, F_SERIAL, F_STATIC, Keys
from coldshare_firmware.ops import Operations
from coldshare_firmware.person import OpError
from coldshare_firmware.pin import PinGate
from coldshare_firmware.port import Port
from coldshare_firmware.store import Store
from coldshare_firmware.x25519 import TokenSuite
from coldshare_iface import session, wire
from coldshare_iface.session import RemoteProtocolError, Session

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

    from coldshare_firmware.ops import Job
    from coldshare_firmware.types import Hal, Map

_IDENTIFY_MS = 10000
_COMPARE_MS = 300000


class Token:
    """One token, from power-up to unplugging. Raises StorageError or OSError for a flash it cannot use."""

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._keys = Keys(hal)
        store = Store(hal, self._keys)
        if self._keys.fresh:
            if store.has_blobs():
                self._keys.lose()
            else:
                self._keys.found()
        audit = Audit(hal, self._keys)
        gate = PinGate(hal, self._keys, audit)
        if self._keys.state == wire.TOKEN_READY and self._keys.record[F_FAILS] >= wire.PIN_ATTEMPTS:
            gate.burn()
        if self._keys.state != wire.TOKEN_BURNT:
            store.sweep()
        if not self._keys.lost:
            audit.forget()
        self._suite = TokenSuite(hal)
        self._ops = Operations(hal, self._keys, store, audit, gate)
        self._port = Port(hal)
        self._session: Session | None = None
        self._session_cid = b""
        self._psk_id = b""  # of the session
        self._job: Job | None = None
        self._job_cid = b""
        self._status = person.BUSY
        self._status_at = 0
        self._lines: list[str] = []  # what is on the screen; nothing we know of while a person is asked
        self._until = -1  # when a screen that asks nothing gives way to the idle one
        self._idle()

    # --- the screen
    def _idle(self) -> None:
        record = self._keys.record
        left = wire.PIN_ATTEMPTS - record[F_FAILS]
        self._until = -1
        self._put(screens.idle(self._keys.state, record[F_LABEL], record[F_SERIAL], left))

    def _show(self, lines: "list[str]", milliseconds: int) -> None:
        self._until = self._hal.now_ms() + milliseconds
        self._put(lines)

    def _put(self, lines: "list[str]") -> None:
        if lines != self._lines:
            self._lines = lines
            self._hal.show(lines, False)

    # --- reports
    def feed(self, report: "Any", bulk: bool = False) -> None:
        """Take one report from the host, or one frame from the bulk carrier."""
        try:
            message = self._port.feed_bulk(report) if bulk else self._port.feed(report)
            if message is not None:
                self._message(message[0], message[1], message[2])
        except MemoryError:
            gc.collect()
            self._port.abandon(wire.ERR_OTHER)
            if self._job is None:
                self._close_session()  # its counters may have moved on already

    def poll(self, bulk: bool = False) -> "Any":
        """The next report for the host, or the next frame on the bulk carrier, if there is one now.

        A job goes on at either, once what it said before has been fetched.
        """
        port = self._port
        if not port.sending(bulk):
            port.expire()
            if self._job is not None:
                if not port.sending(is_bulk(self._job_cid)):
                    self._advance(self._job)
            elif self._until >= 0 and self._hal.now_ms() >= self._until:
                self._idle()
        return port.fetch(bulk)

    @property
    def waiting(self) -> bool:
        """True while `poll` may have more to say without being fed: a job, half a message, something unfetched."""
        return self._job is not None or self._port.active

    @property
    def busy(self) -> bool:
        """True while a job has work at the very next `poll`: it awaits nothing else."""
        return self._job is not None and self._status == person.BUSY and not self.sending(is_bulk(self._job_cid))

    def sending(self, bulk: bool) -> bool:
        return self._port.sending(bulk)

    def drop_bulk(self) -> None:
        self._port.drop_bulk()

    def _message(self, cid: bytes, cmd: int, data: "Any") -> None:
        port = self._port
        if cmd == wire.CMD_INIT:
            self._init(cid, data)
        elif cmd == wire.CMD_CANCEL:
            if self._job is not None and cid == self._job_cid:
                self._reply(jobs.refusal(wire.STATUS_CANCELLED))
        elif self._job is not None:
            port.error(cid, wire.ERR_CHANNEL_BUSY)
        elif cmd == wire.CMD_PING:
            port.send(cid, cmd, data)
        elif cmd == wire.CMD_PLAIN:
            self._plain(cid, data)
        elif cmd == wire.CMD_PAIR:
            self._pair(cid, data)
        elif cmd == wire.CMD_SESSION:
            self._open_session(cid, data)
        elif cmd == wire.CMD_RECORD:
            self._record(cid, data)
        else:
            port.error(cid, wire.ERR_INVALID_CMD)

    def _init(self, cid: bytes, nonce: bytes) -> None:
        """CTAPHID_INIT: a channel of one's own, or a fresh start on the one there is."""
        if len(nonce) != wire.INIT_NONCE:
            self._port.error(cid, wire.ERR_INVALID_LEN)
            return
        channel = cid
        if cid == wire.CID_BROADCAST:
            channel = self._port.allocate()
        else:
            self._port.forget(cid)
            if cid == self._job_cid:
                self._drop_job()
                self._idle()
            if cid == self._session_cid:
                self._close_session()
        # The firmware's major, minor, patch, and CTAPHID capability flags: none.
        numbers = [int(part) for part in VERSION.split(".")]
        tail = bytes([wire.FRAME_VERSION] + numbers + [0])
        self._port.send(cid, wire.CMD_INIT, nonce + channel + tail)

    # --- in the clear
    def info(self) -> bytes:
        return info.answer(self._hal, self._keys)

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
                self._show(screens.identify(record[F_LABEL], record[F_SERIAL]), _IDENTIFY_MS)
                reply = cbor.encode({0: wire.STATUS_OK})
        self._port.send(cid, wire.CMD_PLAIN, reply)

    # --- the secure channel
    def _close_session(self) -> None:
        """End the channel there is, and with it everything that its host was allowed."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._session_cid = b""
        self._ops.new_session()
        if self._until >= 0:
            self._idle()

    def _new_session(self, cid: bytes) -> Session:
        self._close_session()
        self._session = Session(self._suite, False)
        self._session_cid = cid
        return self._session

    def _refuse_session(self, cid: bytes) -> None:
        self._close_session()
        self._port.error(cid, wire.ERR_SESSION)

    def _pair(self, cid: bytes, data: bytes) -> None:
        current = self._session
        try:
            if current is None or cid != self._session_cid or current.state != session.XX_2:
                current = self._new_session(cid)
                current.pairing(self.info(), self._keys.record[F_STATIC])
                current.read_handshake(data)
                self._port.send(cid, wire.CMD_PAIR, current.write_handshake())
                return
            current.read_handshake(data)
        except RemoteProtocolError:
            self._refuse_session(cid)
            return
        self._show(screens.compare(current.code), _COMPARE_MS)
        self._port.send(cid, wire.CMD_PAIR, b"")

    def _open_session(self, cid: bytes, data: bytes) -> None:
        psk_id = data[: wire.PSK_ID_SIZE]
        psk = self._keys.psk(psk_id)
        if psk is None:
            self._port.error(cid, wire.ERR_SESSION)
            return
        current = self._new_session(cid)
        try:
            current.session(self.info(), psk_id, psk)
            current.read_handshake(data[wire.PSK_ID_SIZE :])
            answer = current.write_handshake()
        except RemoteProtocolError:
            self._refuse_session(cid)
            return
        self._psk_id = psk_id
        self._ops.new_session(psk_id)
        self._port.send(cid, wire.CMD_SESSION, answer)

    def _record(self, cid: bytes, data: bytearray) -> None:
        current = self._session
        if current is None or cid != self._session_cid:
            self._port.error(cid, wire.ERR_SESSION)
            return
        code = current.code
        pairing = current.state == session.COMPARE
        try:
            plaintext = current.open_in_place(data)
        except RemoteProtocolError:
            self._refuse_session(cid)
            return
        self._job_cid = cid
        self._status_at = self._hal.now_ms()
        try:
            try:
                op, values = request.fields(cbor.decode(plaintext))
            except cbor.CborError:
                raise OpError(wire.STATUS_BAD_REQUEST)
            if pairing != (op in request.PAIRING):
                raise OpError(wire.STATUS_UNKNOWN_OP)
            if pairing:
                self._job = self._ops.run_pairing(op, values, code)
            else:
                self._job = self._ops.run(op, values)
        except OpError as error:
            self._reply(jobs.refusal(error.status, error.detail))

    # --- jobs
    def _advance(self, job: "Job") -> None:
        try:
            status, reply = jobs.advance(job)
        except BaseException:
            self._drop_job()  # the board's own trouble: it must not find half a job at its next poll
            raise
        if reply is not None:
            self._reply(reply)
            return
        if status == wire.KEEPALIVE_PERSON:
            self._lines = []
        now = self._hal.now_ms()
        if status != self._status or now - self._status_at >= wire.KEEPALIVE_MS:
            self._status_at = now
            self._port.send(self._job_cid, wire.CMD_KEEPALIVE, bytes((status or wire.KEEPALIVE_PROCESSING,)))
        self._status = status

    def _reply(self, reply: "Map") -> None:
        cid = self._job_cid
        current = self._session
        self._drop_job()
        if current is not None and cid == self._session_cid:
            try:
                self._port.send(cid, wire.CMD_RECORD, current.seal_parts(cbor.parts(reply), self._port.room))
            except MemoryError:
                gc.collect()
                self._refuse_session(cid)
            if current.state == session.CLOSED or self._keys.psk(self._psk_id) is None:
                self._close_session()
        self._idle()

    def _drop_job(self) -> None:
        if self._job is not None:
            self._job.close()
        self._job = None
        self._job_cid = b""
        self._status = person.BUSY
