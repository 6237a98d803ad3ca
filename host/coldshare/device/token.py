"""A token, as the host speaks to it: one method per thing a token can do."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event

from coldshare.device import history
from coldshare.device.errors import (
    CapabilityError,
    CodeRejectedError,
    NotPairedError,
    OtherTokenError,
    SessionLostError,
    SessionRefusedError,
    VersionError,
    WrongTokenError,
)
from coldshare.device.history import Head, History
from coldshare.device.link import Link, OnStatus
from coldshare.device.pairings import Pairing, PairingStore
from coldshare.device.transport import Transport
from coldshare_iface import wire
from coldshare_iface.codec import Value
from coldshare_iface.errors import (
    BurntError,
    CancelledError,
    ColdshareError,
    PinFormatError,
    ProtocolError,
    ReplyError,
)
from coldshare_iface.messages import (
    AuditPage,
    Backup,
    Contents,
    Info,
    Opened,
    Paired,
    Reservation,
    decode_reply,
    encode_request,
    take,
)
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import RECORD_MAX, LocalProtocolError, RemoteProtocolError, Session
from coldshare_iface.text import unshowable
from coldshare_iface.transfer import Transfer

#: Bytes done and bytes in all.
Progress = Callable[[int, int], None]

# Requests that the token may enter into its audit ring.
_ENTERED = frozenset(
    (
        wire.OP_COMMIT,
        wire.OP_CONFIRM,
        wire.OP_OPEN,
        wire.OP_LABEL,
        wire.OP_CHANGE_PIN,
        wire.OP_UNPAIR,
        wire.OP_REMOVE,
        wire.OP_RETIRE,
        wire.OP_UN_RETIRE,
        wire.OP_DESTROY,
    )
)
# What fits one record beside the map, the operation, the offset and the head of the byte string.
_CHUNK_MAX = RECORD_MAX - 16


def check_pin(pin: str) -> str:
    """`pin`, if a token could take it. Raises PinFormatError before anybody presses a button for nothing."""
    if not (wire.PIN_MIN <= len(pin) <= wire.PIN_MAX and pin.isascii() and pin.isdigit()):
        raise PinFormatError
    return pin


class TokenClient:
    """An open token. `on_status` hears what it waits for, `cancel` gives up whatever it is doing.

    Methods raise TokenError when the token refuses, DeviceError when it cannot be reached, ProtocolError when the
    two do not understand each other.
    """

    def __init__(self, transport: Transport, *, on_status: OnStatus | None = None, cancel: Event | None = None) -> None:
        self._transport = transport
        self._on_status = on_status
        self._cancel = cancel
        self._session: Session | None = None
        self._store: PairingStore | None = None
        #: The id of the pairing key that this session is under.
        self.psk_id = b""
        #: What was done to the token since this computer last saw it; None until it is unlocked.
        self.history: History | None = None
        self._entered = False  # whether there may be entries since the last head we heard of
        self._link = Link(transport)
        self.info = self._read_info()

    @classmethod
    def over(
        cls, transport: Transport, *, on_status: OnStatus | None = None, cancel: Event | None = None
    ) -> TokenClient:
        """The token at a transport that nobody else uses: closed, if there is none. Raises as the methods do."""
        try:
            return cls(transport, on_status=on_status, cancel=cancel)
        except BaseException:
            transport.close()
            raise

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._link.close()

    def __enter__(self) -> TokenClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self.history is not None and self._entered:
                # What this session did is seen, too: an image from the middle of it would be noticed.
                with suppress(ColdshareError):
                    self._see(history.read(self.audit, self.history.head))
        finally:
            self.close()

    # --- getting to know each other
    def _read_info(self) -> Info:
        info = Info.decode(self._link.call(wire.CMD_PLAIN, encode_request(wire.OP_INFO)))
        if wire.PROTOCOL_VERSION not in info.versions:
            versions = ", ".join(str(version) for version in info.versions)
            raise VersionError(f"The token speaks protocol version {versions}; this coldshare {wire.PROTOCOL_VERSION}.")
        if wire.CAP_BACKUP not in info.capabilities:
            raise CapabilityError("This token does not say that it can keep backups.")
        return info

    def identify(self) -> None:
        """Let the token show that it is the one."""
        decode_reply(self._link.call(wire.CMD_PLAIN, encode_request(wire.OP_IDENTIFY)))

    @property
    def unattended(self) -> bool:
        """True where the token's buttons are pressed by a script."""
        return self._transport.unattended

    def pair(self, store: PairingStore, compare: Callable[[str], bool], host: str | None = None) -> None:
        """Exchange a pairing key (Noise XX). `compare` shows the code to the person and returns their verdict.

        Nothing is kept unless the person accepted the code here and pressed the token's button there.
        Raises CodeRejectedError, and OtherTokenError for a device with the serial of a token that is known, and
        other keys.
        """
        store.check()
        session = self._pairing_channel()
        try:
            token_key = self._check_same(store, session.peer)
            if not compare(session.code):
                raise CodeRejectedError
        except BaseException:
            session.close()
            with suppress(ColdshareError):
                self._link.restart()  # or the code would stay on the token's screen
            raise
        name = _short(host or platform.node(), wire.LABEL_MAX) or "a computer"
        reply = self._once(session, wire.OP_PAIR_ACCEPT, name)
        psk_id = take(reply, 1, bytes, wire.PSK_ID_SIZE, wire.PSK_ID_SIZE)
        psk = take(reply, 2, bytes, wire.PSK_SIZE, wire.PSK_SIZE)
        burnt = self.info.state == wire.TOKEN_BURNT
        known = store.find(self.info.serial)
        label = "" if known is None else known.label
        store.keep(Pairing(self.info.serial, psk_id, psk, label, token_key=token_key, burnt=burnt))

    def _check_same(self, store: PairingStore, token_key: bytes) -> bytes:
        """The key to know the token by: `token_key`, or the one it had before it destroyed its keys.

        A token's key stays as long as its serial does. One that says it is burnt has another one, and gets no PIN.
        """
        known = store.find(self.info.serial)
        if known is None or known.token_key in (b"", token_key):
            return token_key
        if self.info.state != wire.TOKEN_BURNT:
            raise OtherTokenError
        return known.token_key

    def _pairing_channel(self) -> Session:
        """Noise XX up to the comparison code. Such a channel takes one request."""
        self.info = self._read_info()
        suite = NativeSuite()
        session = Session(suite, initiator=True)
        # A key of its own for every pairing: the token needs it for this one handshake only.
        session.pairing(self.info.raw, suite.generate())
        with _channel():
            session.read_handshake(self._link.call(wire.CMD_PAIR, session.write_handshake()))
            self._link.call(wire.CMD_PAIR, session.write_handshake())
        return session

    def _once(self, session: Session, op: int, *fields: bytes | str | int) -> dict[int, Value]:
        """The one request of a pairing channel. It ends whatever session there was before."""
        self._session = session
        try:
            return self._call(op, *fields)
        finally:
            self._session = None
            session.close()

    def connect(self, store: PairingStore) -> None:
        """Open a session (Noise NNpsk0) under this computer's pairing key.

        Raises NotPairedError, SessionRefusedError, and BurntError for a token that has destroyed its keys, this
        computer's among them. One that was paired again since lets its contents be listed and copied, without a PIN.
        """
        if self._session is not None:
            self.info = self._read_info()
        try:
            self._connect(store)
        except SessionRefusedError:
            # What `info` says goes into the handshake, and may be something else since it was asked for.
            before, self.info = self.info, self._read_info()
            if self.info.serial != before.serial:
                raise
            self._connect(store)

    def _connect(self, store: PairingStore) -> None:
        burnt = self.info.state == wire.TOKEN_BURNT
        pairing = store.find(self.info.serial)
        if pairing is None:
            raise BurntError if burnt else NotPairedError
        if pairing.burnt and not burnt:
            raise SessionRefusedError  # nothing brings its keys back, so it is another one
        session = Session(NativeSuite(), initiator=True)
        session.session(self.info.raw, pairing.psk_id, pairing.psk)
        try:
            answer = self._link.call(wire.CMD_SESSION, pairing.psk_id + session.write_handshake())
        except SessionRefusedError as error:
            if burnt:
                raise BurntError from error
            raise
        try:
            session.read_handshake(answer)
        except RemoteProtocolError as error:
            raise SessionRefusedError from error
        self._session = session
        self._store = store
        self.psk_id = pairing.psk_id

    def _remember(self, label: str) -> None:
        """For `coldshare tokens`. Nothing else fails because of it."""
        if self._store is not None:
            with suppress(ColdshareError):
                self._store.remember(self.info.serial, label)

    def check_cancelled(self) -> None:
        """Raise CancelledError once `cancel` is set: for work that is done without the token."""
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError

    def _call(self, op: int, *fields: bytes | str | int) -> dict[int, Value]:
        self.check_cancelled()
        self._entered = self._entered or op in _ENTERED
        return self._exchange(encode_request(op, *fields), self._cancel)

    def _exchange(self, request: bytes, cancel: Event | None) -> dict[int, Value]:
        if self._session is None:
            raise ProtocolError("There is no secure channel to the token yet.")
        with _channel():
            record = self._session.seal(request)
            answer = self._link.call(wire.CMD_RECORD, record, cancel=cancel, on_status=self._on_status)
            return decode_reply(self._session.open(answer))

    # --- who may use it
    def set_up(self, pin: str, label: str) -> None:
        """Give a new token its PIN (4 to 12 digits) and label, with a press. It is unlocked afterwards."""
        self._call(wire.OP_SET_UP, check_pin(pin), label)
        self._remember(label)

    def unlock(self, pin: str) -> str:
        """Unlock and return the token's label. Raises PinWrongError with the attempts left, and RolledBackError when
        the token's audit ring does not go on from what this computer saw last."""
        reply = self._call(wire.OP_UNLOCK, check_pin(pin))
        label = take(reply, 1, str, 0, wire.LABEL_MAX)
        self._remember(label)
        if wire.CAP_AUDIT in self.info.capabilities:
            head, seen = Head.decode(reply, 2), self._seen()
            # Nothing to compare with, or nothing new: what most visits find, and not worth another question.
            if seen is None or head == seen:
                self._see(History(head, (), seen is not None, None if seen is None else head.count))
            else:
                self._see(history.read(self.audit, seen))
        return label

    def _seen(self) -> Head | None:
        """The head of the audit ring that this computer saw last."""
        pairing = self._store.find(self.info.serial) if self._store is not None else None
        return None if pairing is None else pairing.seen

    def _see(self, read: History) -> None:
        self.history = read if self.history is None else self.history
        self._saw(read.head)

    def _saw(self, head: Head) -> None:
        self._entered = False
        if self._store is not None:
            # A share must come back on a computer whose disk is full, too: the next visit looks further back, then.
            with suppress(ColdshareError):
                self._store.saw(self.info.serial, self.psk_id, head)

    # --- life with it
    def _manage(self, op: int, *fields: bytes | str | int) -> dict[int, Value]:
        """A request that older firmware does not know. Raises CapabilityError."""
        self.check_manage()
        return self._call(op, *fields)

    def check_manage(self) -> None:
        """Raise CapabilityError for a token that cannot be managed, before anybody types a PIN for it."""
        if wire.CAP_MANAGE not in self.info.capabilities:
            raise CapabilityError("The firmware of this token is too old: it can keep backups, and cannot do this.")

    def set_label(self, label: str) -> None:
        """Give it another label, with a press."""
        self._manage(wire.OP_LABEL, label)
        self._remember(label)

    def change_pin(self, old: str, new: str) -> None:
        """Give it another PIN, with a press. The old one is an attempt like that of `unlock`; raises what that does."""
        self._manage(wire.OP_CHANGE_PIN, check_pin(old), check_pin(new))

    def pairings(self) -> list[Paired]:
        """The computers that it knows, oldest first."""
        return Paired.decode_all(self._manage(wire.OP_PAIRINGS))

    def unpair(self, psk_id: bytes, *, others: bool = False) -> None:
        """Let it forget that computer, or all `others`, with a press."""
        self._manage(wire.OP_UNPAIR, psk_id, wire.UNPAIR_OTHERS if others else wire.UNPAIR_ONE)

    def remove(self, backup_id: bytes) -> None:
        """Destroy a backup and the token's factor for it, with a button that is held."""
        self._manage(wire.OP_REMOVE, backup_id)

    def wipe(self) -> bytes:
        """Destroy all that it holds and knows, with a button that is held. `info` is that of the new token afterwards.

        It needs neither PIN nor pairing, works on a burnt token, and ends the session there is. Returns the serial that
        it had: the one that the handshake has confirmed, whatever was said before.
        """
        self.check_manage()
        session = self._pairing_channel()
        serial = self.info.serial
        self._once(session, wire.OP_WIPE)
        with suppress(ColdshareError):  # it is done, whatever comes now
            self.info = self._read_info()
        return serial

    # --- what it keeps
    def backups(self) -> list[Backup]:
        """The backups on the token that it knows the owners of, oldest first."""
        return list(self.contents().backups)

    def contents(self) -> Contents:
        """All that is on the token, also what it has no names for."""
        entries: list[Value] = []
        while True:
            reply = self._call(wire.OP_LIST, len(entries))
            page = take(reply, 1, list, 0, wire.LIST_PAGE)
            total = take(reply, 2, int, 0, wire.BACKUPS_MAX + 1)
            entries += page
            if len(entries) > total:
                raise ReplyError("The token lists more backups than it announces.")
            if len(entries) == total:
                return Contents.decode(entries)
            if not page:
                raise ReplyError("The token announces more backups than it lists.")

    # --- after a reshare
    def _generations(self, op: int, *fields: bytes) -> None:
        if wire.CAP_GENERATIONS not in self.info.capabilities:
            raise CapabilityError("The firmware of this token is too old: it knows one generation of a vault only.")
        self._call(op, *fields)

    def retire(self, newer: bytes, generation: bytes) -> None:
        """Let `generation` (32 bytes) count as older than that of the backup `newer`, with a button that is held."""
        self._generations(wire.OP_RETIRE, newer, generation)

    def un_retire(self, backup_id: bytes, generation: bytes) -> None:
        """Take that back, for the vault of the backup `backup_id`, with a button that is held."""
        self._generations(wire.OP_UN_RETIRE, backup_id, generation)

    def destroy(self, backup_id: bytes) -> None:
        """As `remove`, for a backup that is retired, and for no other."""
        self._generations(wire.OP_DESTROY, backup_id)

    # --- what was done to it
    def check_audit(self) -> None:
        """Raise CapabilityError for a token that keeps no record, before anybody types a PIN for it."""
        if wire.CAP_AUDIT not in self.info.capabilities:
            raise CapabilityError("The firmware of this token is too old: it keeps no record of what is done to it.")

    def audit(self, start: int = 1) -> AuditPage:
        """Entries of its audit ring from number `start` on, or from the oldest one after it that it still has."""
        return AuditPage.decode(self._call(wire.OP_AUDIT, start))

    # --- a share goes there
    def reserve(self, declaration: bytes, *, newer: bool = False) -> Reservation:
        """Room for one share, refused by the token's rules if need be.

        With `newer` it may be of a newer generation than the one that is there; the token will ask its person.
        """
        if newer and wire.CAP_GENERATIONS not in self.info.capabilities:
            raise CapabilityError("The firmware of this token is too old: it knows one generation of a vault only.")
        reply = self._call(wire.OP_RESERVE_NEXT if newer else wire.OP_RESERVE, declaration)
        return Reservation(
            take(reply, 1, bytes, wire.BACKUP_ID_SIZE, wire.BACKUP_ID_SIZE),
            take(reply, 2, bytes, wire.FACTOR_SIZE, wire.FACTOR_SIZE),
        )

    def put(self, backup_id: bytes, sealed: bytes, progress: Progress | None = None) -> None:
        """Transfer the sealed share up to and including `prepare`. Goes on where an earlier try stopped."""
        digest = hashlib.sha256(sealed).digest()
        transfer = Transfer()
        reply = self._call(wire.OP_BEGIN, backup_id, len(sealed), digest)
        size = min(take(reply, 2, int, 1, wire.MESSAGE_MAX), _CHUNK_MAX)
        transfer.begin(backup_id, len(sealed), digest, take(reply, 1, int, 0, len(sealed)))
        while True:
            if progress is not None:
                progress(transfer.offset, transfer.size)
            offset, length = transfer.next_chunk(size)
            if not length:
                break
            reply = self._call(wire.OP_CHUNK, offset, sealed[offset : offset + length])
            transfer.chunk(offset, length)
            if take(reply, 1, int) != transfer.offset:
                raise ReplyError("The token counts the bytes of a transfer differently.")
        stored = take(self._call(wire.OP_PREPARE, backup_id), 1, bytes, wire.DIGEST_SIZE, wire.DIGEST_SIZE)
        if stored != digest:
            raise WrongTokenError("The token says that it stored other bytes than it was sent.")

    def commit(self, backup_id: bytes) -> None:
        """Store the prepared share, with a press. It counts from here on, beside the one it replaces."""
        self._call(wire.OP_COMMIT, backup_id)

    def confirm(self, backup_id: bytes) -> None:
        """Say that the share was read back; the one it replaces is destroyed."""
        reply = self._call(wire.OP_CONFIRM, backup_id)
        if wire.CAP_AUDIT in self.info.capabilities:
            self._saw(Head.decode(reply, 1))

    def abort(self, backup_id: bytes) -> None:
        """Let the token forget a share that is not committed. Raises BadStateError for one that is."""
        self._exchange(encode_request(wire.OP_ABORT, backup_id), None)

    def give_up(self, backup_id: bytes) -> None:
        """The same, for cleaning up: a failure here is no news."""
        with suppress(ColdshareError):
            self.abort(backup_id)

    # --- a share comes back
    def open(self, backup_id: bytes, purpose: int) -> Opened:
        """Ask for a backup, with a press: its size, digest, declaration and the token's factor."""
        return Opened.decode(self._call(wire.OP_OPEN, backup_id, purpose))

    def get(self, backup_id: bytes, size: int, digest: bytes, progress: Progress | None = None) -> bytes:
        """Read a sealed share of `size` bytes and check it against `digest`. Raises WrongTokenError."""
        sealed = bytearray()
        while len(sealed) < size:
            if progress is not None:
                progress(len(sealed), size)
            reply = self._call(wire.OP_READ, backup_id, len(sealed))
            sealed += take(reply, 1, bytes, 1, size - len(sealed))
        if progress is not None:
            progress(size, size)
        if hashlib.sha256(sealed).digest() != digest:
            raise WrongTokenError("The token returned other bytes than it announced.")
        return bytes(sealed)


@contextmanager
def _channel() -> Iterator[None]:
    """What goes wrong inside a secure channel that was open already."""
    try:
        yield
    except (RemoteProtocolError, LocalProtocolError) as error:
        raise ProtocolError(f"The secure channel to the token broke: {error}.") from error
    except SessionRefusedError as error:
        raise SessionLostError from error


def _short(text: str, limit: int) -> str:
    """`text` cut to `limit` bytes of UTF-8, at a character, without anything a screen cannot show."""
    shown = "".join("?" if unshowable(ord(char)) else char for char in text)
    return shown.encode()[:limit].decode(errors="ignore")
