"""What one party's computer tells the others after a reshare: public values, signed.

A report says: this party has its new share, which passed its own arithmetic, belongs to this generation, and was
backed up and read back. It holds no secret. Of the chain code it has a digest only, since with that and the public
keys all addresses of the vault could be found.

As text it is one line of capitals and digits, which a QR code of the alphanumeric mode takes whole (ISO/IEC 18004):

    COLDSHARE:REPORT:1:<base32 (RFC 4648) without padding>

The bytes below it are deterministic CBOR, `report.cddl`: the payload, the public key and an Ed25519 signature over
a fixed context and the payload.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Final

from coldshare.identity import PUBLIC_SIZE, SIGNATURE_SIZE, Identity, signed_by
from coldshare.ledger.events import HOST_SIZE, REPORT_MAX, STATES, TIME_MAX, Place, Share
from coldshare.ledger.shapes import Bytes, Items, Nested, Number, ShapeError, Text, pack, unpack
from coldshare.reshare.errors import ReportError, ReportForgedError
from coldshare_iface import codec, wire
from coldshare_iface.codec import CodecError

__all__ = ["LABEL_MAX", "TEXT_MAX", "Kept", "Report", "Signed", "encode", "read", "sign", "text"]

_FORMAT: Final = 1
_CONTEXT: Final = b"coldshare reshare report 1\0"
_HEAD: Final = "COLDSHARE:REPORT:1:"
_PARTIES_MAX: Final = 32
#: Bytes of a place's label, so that a vault of the most parties with the longest names has room for its backups.
LABEL_MAX: Final = 64
#: Characters of a report as text, with the white space that a mail or an editor may have put between.
TEXT_MAX: Final = 32 * 1024

_PARTY = Text(1, wire.NAME_MAX)
_POINT = Bytes(1, 32)
_PUBLIC = Bytes(32, 33)


@dataclass(frozen=True, slots=True)
class Kept:
    """One backup of the new share, read back. Place, label, size in bytes and state are those that the ledger of the
    reporting computer has; see `ledger.events`."""

    place: Annotated[Place, Nested(Place)]
    label: Annotated[str, Text(0, LABEL_MAX)]
    backup_id: Annotated[bytes, Bytes(wire.BACKUP_ID_SIZE, wire.BACKUP_ID_SIZE)]
    size: Annotated[int, Number(0, 1 << 40)]
    state: Annotated[int, Number(min(STATES), max(STATES))]


@dataclass(frozen=True, slots=True)
class Report:
    """`time` in microseconds since 1970, by the reporting computer's clock, or where that was turned back, a position
    after all that its ledger has; `host` is its id there.

    `share` says whose new share it is; `older` is the generation that it replaces. Lists are by party index. Points
    x_k, S_k and S_i are as in `vault.ShareFacts`; `digest` is SHA-256 of the vault file.
    """

    time: Annotated[int, Number(0, TIME_MAX)]
    host: Annotated[bytes, Bytes(HOST_SIZE, HOST_SIZE)]
    host_name: Annotated[str, Text(0, wire.LABEL_MAX)]
    share: Annotated[Share, Nested(Share)]
    older: Annotated[bytes, Bytes(wire.GENERATION_SIZE, wire.GENERATION_SIZE)]
    signers: Annotated[tuple[str, ...], Items(_PARTY, _PARTIES_MAX)]
    public_key_eddsa: Annotated[bytes, Bytes(32, 32)]
    chain_code_digest: Annotated[bytes, Bytes(32, 32)]
    points_ecdsa: Annotated[tuple[bytes, ...], Items(_POINT, _PARTIES_MAX)]
    public_shares_ecdsa: Annotated[tuple[bytes, ...], Items(_PUBLIC, _PARTIES_MAX)]
    point_eddsa: Annotated[bytes, _POINT]
    public_share_eddsa: Annotated[bytes, Bytes(32, 32)]
    digest: Annotated[bytes, Bytes(32, 32)]
    kept: Annotated[tuple[Kept, ...], Items(Nested(Kept), 8)]

    @property
    def party(self) -> str:
        return self.share.party


@dataclass(frozen=True, slots=True)
class Signed:
    """A report, the key that has signed it, and the bytes that say both. The signature was checked."""

    report: Report
    public_key: bytes
    data: bytes

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.data).digest()


def sign(report: Report, identity: Identity) -> Signed:
    """Raises ReportError for a report that has no room for a value."""
    try:
        payload = codec.encode(pack(report), limit=REPORT_MAX)
        signature = identity.sign(_CONTEXT + payload)
        data = codec.encode({0: _FORMAT, 1: payload, 2: identity.public, 3: signature}, limit=REPORT_MAX)
    except (ShapeError, CodecError):
        raise ReportError("This vault has names or numbers that a report has no room for.", next_step="") from None
    return Signed(report, identity.public, data)


def read(data: bytes) -> Signed:
    """The report in these bytes, as CBOR or as text. Raises ReportError, ReportForgedError."""
    if len(data) > TEXT_MAX:
        raise ReportError("This is too long to be a report on a reshare.")
    return _read(data if data[:1] == _MAP_OF_FOUR else _from_text(data))


#: How a map of four begins (RFC 8949, section 3): no text does.
_MAP_OF_FOUR: Final = b"\xa4"


def _read(data: bytes) -> Signed:
    try:
        fields = codec.decode(data, limit=REPORT_MAX)
        if not isinstance(fields, dict) or sorted(fields) != [0, 1, 2, 3]:
            raise ReportError
        version, payload, public, signature = (fields[key] for key in range(4))
        if type(version) is not int or version != _FORMAT:
            raise ReportError("This report is of another version of coldshare.", next_step="Update coldshare.")
        if not isinstance(payload, bytes) or not isinstance(public, bytes) or not isinstance(signature, bytes):
            raise ReportError
        if len(public) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
            raise ReportError
        if not signed_by(public, _CONTEXT + payload, signature):
            raise ReportForgedError
        return Signed(unpack(Report, codec.decode(payload, limit=REPORT_MAX)), public, data)
    except (ShapeError, CodecError):
        raise ReportError from None


def encode(signed: Signed) -> bytes:
    """The text with a line break, for a file or a mail."""
    return (text(signed) + "\n").encode()


def text(signed: Signed) -> str:
    """One line of capitals, digits and colons: what a QR code takes."""
    return _HEAD + base64.b32encode(signed.data).decode().rstrip("=")


_BETWEEN: Final = re.compile(r"[\s>]+")


def _from_text(data: bytes) -> bytes:
    try:
        # An editor may have put a byte order mark before it, a mail marks of quotation before each of its lines.
        line = _BETWEEN.sub("", data.removeprefix(codecs.BOM_UTF8).decode("ascii")).upper()
    except UnicodeDecodeError:
        raise ReportError from None
    if not line.startswith(_HEAD):
        if re.match(r"COLDSHARE:REPORT:\d+:", line):
            raise ReportError("This report is of another version of coldshare.", next_step="Update coldshare.")
        raise ReportError
    body = line[len(_HEAD) :]
    try:
        out = base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        raise ReportError from None
    if base64.b32encode(out).decode().rstrip("=") != body:
        raise ReportError
    return out
