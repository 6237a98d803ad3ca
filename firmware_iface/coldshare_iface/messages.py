"""The messages of the contract as typed values (host side). Field numbers and limits are those of `protocol.cddl`.

A reply is read strictly: a missing field, a wrong type or a size out of bounds is a `ReplyError`. Only `info`, which
negotiates everything else, may hold fields this version does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from coldshare_iface import codec, wire
from coldshare_iface.codec import CodecError, Value
from coldshare_iface.errors import ReplyError, TokenError, token_error

_T = TypeVar("_T", int, bytes, str, list[Value])


def encode_request(op: int, *fields: bytes | str | int) -> bytes:
    """`{0: op, 1: fields[0], ...}` as the wire wants it."""
    message: dict[int, bytes | str | int] = {0: op}
    message.update(enumerate(fields, start=1))
    return codec.encode(message)


def _not_cbor(what: str, error: CodecError) -> ReplyError:
    return ReplyError(f"{what} is not CBOR of the profile ({error.reason} at byte {error.at}).")


def decode_reply(data: bytes) -> dict[int, Value]:
    """The fields of a successful reply. Raises the `TokenError` the token answered with, or `ReplyError`."""
    try:
        reply = codec.decode(data)
    except CodecError as error:
        raise _not_cbor("The token's answer", error) from error
    if not isinstance(reply, dict):
        raise ReplyError("The token's answer is not a map.")
    status = take(reply, 0, int)
    if status != wire.STATUS_OK:
        detail = reply.get(1)
        raise token_error(status, detail if isinstance(detail, int) else None)
    return reply


def take(reply: dict[int, Value], key: int, kind: type[_T], least: int = 0, most: int | None = None) -> _T:
    """Field `key`, of type `kind`; `least` and `most` bound a number's value or a string's or list's length."""
    value = reply.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ReplyError(f"Field {key} of the token's answer is missing or of the wrong type.")
    size = value if isinstance(value, int) else len(value)
    if size < least or (most is not None and size > most):
        raise ReplyError(f"Field {key} of the token's answer is out of bounds.")
    return value


@dataclass(frozen=True, slots=True)
class Info:
    """What a token says of itself in the clear. `raw` is the answer byte for byte: handshakes hash it."""

    versions: tuple[int, ...]
    model: str
    firmware: str
    serial: bytes
    state: int
    capabilities: frozenset[int]
    message_max: int
    chunk: int
    raw: bytes = field(repr=False)

    @classmethod
    def decode(cls, data: bytes) -> Info:
        """Unknown fields, versions and capabilities are ignored: that is how the protocol can grow."""
        reply = decode_reply(data)
        return cls(
            versions=_numbers(reply, 1),
            model=take(reply, 2, str, 1, wire.NAME_MAX),
            firmware=take(reply, 3, str, 1, wire.NAME_MAX),
            serial=take(reply, 4, bytes, wire.SERIAL_SIZE, wire.SERIAL_SIZE),
            state=take(reply, 5, int),
            capabilities=frozenset(_numbers(reply, 6)),
            message_max=take(reply, 7, int, 1, wire.MESSAGE_MAX),
            chunk=take(reply, 8, int, 1, wire.MESSAGE_MAX),
            raw=data,
        )


def _numbers(reply: dict[int, Value], key: int) -> tuple[int, ...]:
    numbers = take(reply, key, list)
    return tuple(number for number in numbers if isinstance(number, int) and not isinstance(number, bool))


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the host says about a share it hands over; `encode()` is what token and seal keep.

    `vault` is the vault's ECDSA public key (33 bytes), `generation` 32 bytes, `nonce` 16 random bytes that keep the
    digest in the seal's readable header from confirming a guess.
    """

    vault: bytes
    name: str
    party: str
    generation: bytes
    threshold: int
    parties: int
    library: int
    nonce: bytes = field(repr=False)

    def encode(self) -> bytes:
        return codec.encode(
            {
                1: self.vault,
                2: self.name,
                3: self.party,
                4: self.generation,
                5: self.threshold,
                6: self.parties,
                7: self.library,
                8: self.nonce,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Declaration:
        """Raises ReplyError."""
        try:
            fields = codec.decode(data, limit=wire.DECLARATION_MAX)
        except CodecError as error:
            raise _not_cbor("A declaration", error) from error
        if not isinstance(fields, dict) or sorted(fields) != list(range(1, 9)):
            raise ReplyError("A declaration has missing or unknown fields.")
        parties = take(fields, 6, int, 1)
        return cls(
            vault=take(fields, 1, bytes, 1, wire.VAULT_ID_MAX),
            name=take(fields, 2, str, 0, wire.NAME_MAX),
            party=take(fields, 3, str, 1, wire.NAME_MAX),
            generation=take(fields, 4, bytes, wire.GENERATION_SIZE, wire.GENERATION_SIZE),
            threshold=take(fields, 5, int, 1, parties),
            parties=parties,
            library=take(fields, 7, int, 1),
            nonce=take(fields, 8, bytes, wire.DECLARATION_NONCE, wire.DECLARATION_NONCE),
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup as a token lists it. `state` is one of `wire.BACKUP_*`, `size` that of the sealed share in bytes; 0
    when the token has lost it."""

    backup_id: bytes
    state: int
    size: int
    declaration: Declaration
    declared: bytes = field(repr=False)

    @property
    def pending(self) -> bool:
        """Stored, and not read back yet."""
        return self.state == wire.BACKUP_PENDING

    @property
    def retired(self) -> bool:
        """Of a generation that a newer one has replaced."""
        return self.state == wire.BACKUP_RETIRED


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A backup of which the token cannot say whose it is: its record is damaged, or (`wire.BACKUP_KEYLESS`) the token
    has destroyed its keys. What is sealed in it may be whole. `size` as in `Backup`."""

    backup_id: bytes
    state: int
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is on a token, in its order."""

    backups: tuple[Backup, ...]
    unnamed: tuple[Unnamed, ...]

    @classmethod
    def decode(cls, entries: list[Value]) -> Contents:
        """All entries of a token's list. Raises ReplyError, also for a backup that is listed twice."""
        backups: list[Backup] = []
        unnamed: list[Unnamed] = []
        for entry in entries:
            if not isinstance(entry, dict):
                raise ReplyError("A backup in the token's list is not a map.")
            backup_id = take(entry, 1, bytes, wire.BACKUP_ID_SIZE, wire.BACKUP_ID_SIZE)
            state = take(entry, 2, int, wire.BACKUP_ACTIVE, wire.BACKUP_KEYLESS)
            size = take(entry, 3, int, 0, wire.BLOB_MAX)
            if 4 not in entry:
                unnamed.append(Unnamed(backup_id, state, size))
                continue
            declared = take(entry, 4, bytes, 1, wire.DECLARATION_MAX)
            backups.append(Backup(backup_id, state, size, Declaration.decode(declared), declared))
        ids = [*(one.backup_id for one in backups), *(one.backup_id for one in unnamed)]
        if len(set(ids)) != len(ids):
            raise ReplyError("The token lists a backup twice.")
        return cls(tuple(backups), tuple(unnamed))


@dataclass(frozen=True, slots=True)
class Paired:
    """A host that a token knows: the id of its pairing key, and the name it gave."""

    psk_id: bytes
    host: str

    @classmethod
    def decode_all(cls, reply: dict[int, Value]) -> list[Paired]:
        """All of an answer to `pairings`, in the order in which they were made."""
        paired = []
        for entry in take(reply, 1, list, 0, wire.PAIRINGS_MAX):
            if not isinstance(entry, dict):
                raise ReplyError("A pairing in the token's list is not a map.")
            psk_id = take(entry, 1, bytes, wire.PSK_ID_SIZE, wire.PSK_ID_SIZE)
            paired.append(cls(psk_id, take(entry, 2, str, 1, wire.LABEL_MAX)))
        return paired


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room for a backup: its id (16 bytes), and the token's factor for the seal (32 bytes, secret)."""

    backup_id: bytes
    factor: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup whose release the person agreed to. `digest` is what the token reads from its storage now.

    `declared` is empty where the token does not know any more whose share it is, `factor` where its keys are gone.
    """

    size: int
    digest: bytes
    declared: bytes = field(repr=False)
    factor: bytes = field(repr=False)

    @classmethod
    def decode(cls, reply: dict[int, Value]) -> Opened:
        return cls(
            size=take(reply, 1, int, 1, wire.BLOB_MAX),
            digest=take(reply, 2, bytes, wire.DIGEST_SIZE, wire.DIGEST_SIZE),
            declared=take(reply, 3, bytes, 1, wire.DECLARATION_MAX) if 3 in reply else b"",
            factor=take(reply, 4, bytes, wire.FACTOR_SIZE, wire.FACTOR_SIZE) if 4 in reply else b"",
        )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries of a token's audit ring as it sends them. `count` and `head` are those of the whole chain; `first` is
    the number of the first entry here, `before` the hash before it, `entries` 32 bytes for each."""

    count: int
    head: bytes
    first: int
    before: bytes
    entries: bytes

    @classmethod
    def decode(cls, reply: dict[int, Value]) -> AuditPage:
        return cls(
            count=take(reply, 1, int, 0, 0xFFFFFFFF),
            head=take(reply, 2, bytes, wire.DIGEST_SIZE, wire.DIGEST_SIZE),
            first=take(reply, 3, int, 1),
            before=take(reply, 4, bytes, wire.DIGEST_SIZE, wire.DIGEST_SIZE),
            entries=take(reply, 5, bytes, 0, wire.AUDIT_PAGE * wire.AUDIT_ENTRY),
        )


__all__ = [
    "AuditPage",
    "Backup",
    "Contents",
    "Declaration",
    "Info",
    "Opened",
    "Paired",
    "Reservation",
    "TokenError",
    "Unnamed",
    "decode_reply",
    "encode_request",
    "take",
]
