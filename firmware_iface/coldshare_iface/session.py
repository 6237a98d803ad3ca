"""The life of a secure channel: every transition in one table that does not know its role. Sans-IO, portable.

Pairing is Noise XX, compared by eye and followed by exactly one exchange (the host's acceptance, the token's pairing
key). A session is NNpsk0 under that key. Any error closes the channel for good.
"""

from coldshare_iface import wire
from coldshare_iface.noise import CipherState, Handshake, NoiseError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coldshare_iface.types import Suite

    Room = Callable[[int], bytearray | memoryview]

# States
FRESH = "fresh"
XX_1 = "xx-1"
XX_2 = "xx-2"
COMPARE = "compare"
ACCEPTED = "accepted"
NN_1 = "nn-1"
OPEN = "open"
CLOSED = "closed"

# Events: a message of that kind crossed the wire, in the one direction it ever travels.
PAIR_1 = "pair-1"  # host to token
PAIR_2 = "pair-2"  # token to host
PAIR_3 = "pair-3"  # host to token
ACCEPT = "accept"  # host to token, first record
KEY = "key"  # token to host, second record; closes the pairing channel
SESSION_1 = "session-1"
SESSION_2 = "session-2"
RECORD = "record"

TRANSITIONS = {
    (FRESH, PAIR_1): XX_1,
    (XX_1, PAIR_2): XX_2,
    (XX_2, PAIR_3): COMPARE,
    (COMPARE, ACCEPT): ACCEPTED,
    (ACCEPTED, KEY): CLOSED,
    (FRESH, SESSION_1): NN_1,
    (NN_1, SESSION_2): OPEN,
    (OPEN, RECORD): OPEN,
}
_HANDSHAKE = {FRESH: 0, XX_1: 1, XX_2: 2, NN_1: 1}
_PAIR_EVENTS = (PAIR_1, PAIR_2, PAIR_3)
_SESSION_EVENTS = (SESSION_1, SESSION_2)
_RECORDS = {COMPARE: ACCEPT, ACCEPTED: KEY, OPEN: RECORD}

# The longest plaintext whose record still fits one message: CBC pads by 1 to 16 bytes, the tag takes 16.
RECORD_MAX = (wire.MESSAGE_MAX - 16) // 16 * 16 - 1


class LocalProtocolError(Exception):
    """Our own side tried what the state of the channel does not allow."""


class RemoteProtocolError(Exception):
    """The peer sent what the state of the channel does not allow, or what does not verify."""


def pairing_code(handshake_hash: bytes) -> str:
    """20 base32 characters in groups of 5: 100 bits of the handshake hash, to be compared by eye."""
    bits = int.from_bytes(handshake_hash[:13], "big") >> 4
    text = ""
    for _ in range(wire.CODE_GROUPS * wire.CODE_GROUP):
        text = wire.CODE_ALPHABET[bits & 31] + text
        bits >>= 5
    return " ".join([text[i : i + wire.CODE_GROUP] for i in range(0, len(text), wire.CODE_GROUP)])


class Session:
    """One channel, seen from either side. `initiator` is true for the host."""

    def __init__(self, suite: "Suite", initiator: bool) -> None:
        self._suite = suite
        self._initiator = initiator
        self._handshake: Handshake | None = None
        self._events: tuple[str, ...] = ()
        self._send: CipherState | None = None
        self._receive: CipherState | None = None
        self.state = FRESH
        self.code = ""
        self.peer = b""  # the public static key that the other side has proved to have, after XX

    def pairing(self, info: bytes, static_private: bytes) -> None:
        """Prepare to pair. `info` is the plaintext `info` answer, byte for byte, so that it cannot be downgraded."""
        self._prepare(_PAIR_EVENTS, "XX", wire.LABEL_PAIRING + info, static_private, None)

    def session(self, info: bytes, psk_id: bytes, psk: bytes) -> None:
        """Prepare a session under the pairing key `psk` (32 bytes) with its id (8 bytes)."""
        self._prepare(_SESSION_EVENTS, "NNpsk0", wire.LABEL_SESSION + psk_id + info, None, psk)

    def _prepare(
        self,
        events: "tuple[str, ...]",
        pattern: str,
        prologue: bytes,
        static: "bytes | None",
        psk: "bytes | None",
    ) -> None:
        if self.state != FRESH or self._handshake is not None:
            raise LocalProtocolError("this channel has been used already")
        self._events = events
        self._handshake = Handshake(self._suite, pattern, self._initiator, prologue, static, psk)

    def close(self) -> None:
        """Forget every key of this channel."""
        self.state = CLOSED
        self._handshake = None
        self._send = None
        self._receive = None

    def _step(self, event: "str | None") -> None:
        following = TRANSITIONS.get((self.state, event or ""))
        if following is None:
            raise LocalProtocolError("not now: the channel is " + self.state)
        self.state = following
        if following == CLOSED:
            self.close()

    def _handshake_event(self) -> "tuple[Handshake, str]":
        handshake = self._handshake
        row = _HANDSHAKE.get(self.state)
        if handshake is None or row is None:
            raise LocalProtocolError("no handshake is under way: the channel is " + self.state)
        return handshake, self._events[row]

    def _advance(self, handshake: Handshake, event: str) -> None:
        self._step(event)
        if handshake.finished:
            self._send, self._receive = handshake.split()
            self.code = pairing_code(handshake.hash)
            self.peer = handshake.remote_static
            self._handshake = None

    def write_handshake(self) -> bytes:
        """Our next handshake message; its payload is empty by rule.

        A peer's key of low order shows only here: it closes the channel and raises RemoteProtocolError.
        """
        handshake, event = self._handshake_event()
        if not handshake.my_turn:
            raise LocalProtocolError("it is the peer's turn in the handshake")
        try:
            message = handshake.write()
        except NoiseError as error:
            self.close()
            raise RemoteProtocolError(str(error))
        self._advance(handshake, event)
        return message

    def read_handshake(self, message: bytes) -> None:
        """Take the peer's handshake message. Any fault closes the channel and raises RemoteProtocolError."""
        try:
            handshake, event = self._handshake_event()
            payload = handshake.read(message)
        except (NoiseError, LocalProtocolError) as error:
            self.close()
            raise RemoteProtocolError(str(error))
        if payload:
            self.close()
            raise RemoteProtocolError("a handshake message with a payload")
        self._advance(handshake, event)

    def _may_send(self) -> bool:
        if self.state == COMPARE:
            return self._initiator
        return self.state == OPEN or (self.state == ACCEPTED and not self._initiator)

    def _may_receive(self) -> bool:
        if self.state == COMPARE:
            return not self._initiator
        return self.state == OPEN or (self.state == ACCEPTED and self._initiator)

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt one message (at most RECORD_MAX bytes) for the peer."""
        return bytes(self.seal_parts([plaintext], bytearray))

    def seal_parts(self, parts: "Sequence[bytes | bytearray]", room: "Room") -> "bytearray | memoryview":
        """The same for a message in pieces, put together in what `room` gives for that many bytes."""
        if self._send is None or not self._may_send():
            raise LocalProtocolError("not now: the channel is " + self.state)
        size = sum([len(part) for part in parts])
        if size > RECORD_MAX:
            raise LocalProtocolError("a message too long for one record")
        record = room(self._suite.cipherlen(size))
        at = 0
        for part in parts:
            record[at : at + len(part)] = part
            at += len(part)
        self._send.seal(record, size)
        self._step(_RECORDS[self.state])
        return record

    def open(self, record: bytes) -> bytes:
        """Decrypt one message of the peer. Any fault closes the channel and raises RemoteProtocolError."""
        return bytes(self.open_in_place(bytearray(record)))

    def open_in_place(self, record: "bytearray | memoryview") -> memoryview:
        """The same, with the message where the record was."""
        if self._receive is None or not self._may_receive():
            state = self.state
            self.close()
            raise RemoteProtocolError("a record out of turn: the channel is " + state)
        try:
            size = self._receive.open(record)
        except NoiseError as error:
            self.close()
            raise RemoteProtocolError(str(error))
        self._step(_RECORDS[self.state])
        return memoryview(record)[:size]
