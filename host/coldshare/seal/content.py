"""What is inside a sealed file: the original file in a compact form, and the proof that it comes back.

Vault files are base64 in base64 in base64, around bytes that do not compress. So the file is kept as a tree of
parts: a byte string stands for itself, a list inside the tree for the standard padded base64 (RFC 4648 section 4)
of what its items give together. The tree is deflated when that makes the sealed file smaller.

Whatever the tree came from, `pack` returns only when `unpack` has given back the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from dataclasses import dataclass, field
from typing import Final, TypeAlias, Union

from coldshare.seal import profile
from coldshare.seal.errors import (
    DamagedSealError,
    RebuildError,
    SealTooLargeError,
    UnsupportedSealError,
)
from coldshare.seal.padding import pad, unpad
from coldshare_iface import codec
from coldshare_iface.codec import CodecError, Encodable, Value

__all__ = ["Content", "Part", "pack", "rebuild", "unpack"]

#: A byte string stands for itself, a list for the base64 of its rebuilt parts.
Part: TypeAlias = Union[bytes, list["Part"]]  # noqa: UP007

#: Layers of base64 inside one another. A vault file has three.
LAYERS_MAX: Final = 4
#: Parts in one list.
PARTS_MAX: Final = 256

# Keys of the content map.
_VERSION: Final = 1
_COMPRESSION: Final = 2
_CONTENT: Final = 3
_INFLATED_LEN: Final = 4
_ORIGINAL_LEN: Final = 5
_ORIGINAL_SHA256: Final = 6
_DECLARATION: Final = 7
_RECORD: Final = 8
_KEYS: Final = range(_VERSION, _RECORD + 1)

_VERSION_1: Final = 1
_PLAIN: Final = 0
_DEFLATE: Final = 1

#: The encoded tree: the parts are never longer than the original; their heads come on top.
_TREE_MAX: Final = profile.ORIGINAL_MAX + (1 << 16)
_RAW_DEFLATE: Final = -15
_WHERE: Final = "content"


@dataclass(frozen=True)
class Content:
    """What `unpack` returns: the file that was backed up, and what was recorded with it.

    `declaration` is the encoded declaration that the host made to the token; `record` is the map of public facts.
    """

    original: bytes = field(repr=False)
    declaration: bytes = field(repr=False)
    record: dict[int, Value] = field(repr=False)


def rebuild(parts: list[Part]) -> bytes:
    """Return the bytes that the tree stands for. The root list is joined, the lists inside are base64.

    Raises `SealTooLargeError` above 16 MiB, before building anything, and `DamagedSealError` for a tree that is
    too deep.
    """
    if _joined_length(parts, 0) > profile.ORIGINAL_MAX:
        raise SealTooLargeError(f"The parts give more than {profile.ORIGINAL_MAX} bytes.")
    return _joined(parts)


def pack(original: bytes, parts: list[Part], *, declaration: bytes, record: dict[int, Encodable]) -> bytes:
    """Return the padded plaintext for `envelope.seal`.

    `parts` must rebuild to `original`. `declaration` and `record` (unsigned keys, the wire's value types) come
    back from `unpack` as they are.

    Raises `RebuildError` when anything would not come back byte for byte, `SealTooLargeError` when the original
    has more than 16 MiB or the plaintext more than 1 MiB, `codec.CodecError` for a record that cannot be encoded.
    """
    if len(original) > profile.ORIGINAL_MAX:
        raise SealTooLargeError(
            f"This file has {len(original)} bytes; at most {profile.ORIGINAL_MAX} can be backed up."
        )
    try:
        tree = codec.encode(parts, limit=_TREE_MAX, items=PARTS_MAX)
    except CodecError as error:
        raise RebuildError from error

    def plaintext(compression: int, content: bytes) -> bytes:
        return pad(
            codec.encode(
                {
                    _VERSION: _VERSION_1,
                    _COMPRESSION: compression,
                    _CONTENT: content,
                    _INFLATED_LEN: len(tree),
                    _ORIGINAL_LEN: len(original),
                    _ORIGINAL_SHA256: hashlib.sha256(original).digest(),
                    _DECLARATION: declaration,
                    _RECORD: record,
                },
                limit=2 * _TREE_MAX,
            )
        )

    # Compare after padding: compression that does not make the sealed file smaller only adds work.
    packed = min(plaintext(_PLAIN, tree), plaintext(_DEFLATE, _deflate(tree)), key=len)
    if len(packed) > profile.PLAINTEXT_MAX:
        raise SealTooLargeError(
            f"This file takes {len(packed)} bytes in its most compact form; at most {profile.PLAINTEXT_MAX} can be "
            "sealed.",
            next_step="Check that this is the file of one share.",
        )
    try:
        back = unpack(packed)
    except (DamagedSealError, SealTooLargeError) as error:
        raise RebuildError from error
    if (
        back.original != original
        or back.declaration != declaration
        or codec.encode(back.record) != codec.encode(record)
    ):
        raise RebuildError
    return packed


def unpack(plaintext: bytes) -> Content:
    """Undo `pack`. The plaintext is authentic by now; that is no reason to trust it.

    Never builds more than 16 MiB of original. Raises `DamagedSealError`, `SealTooLargeError`, and
    `UnsupportedSealError` for another version or compression.
    """
    if len(plaintext) > profile.PLAINTEXT_MAX:
        raise SealTooLargeError(f"The content has {len(plaintext)} bytes; at most {profile.PLAINTEXT_MAX} are allowed.")
    fields = _decode(unpad(plaintext), limit=profile.PLAINTEXT_MAX)
    if not isinstance(fields, dict):
        raise DamagedSealError(_WHERE, "it is not a map")
    version = _integer(fields, _VERSION)
    if version != _VERSION_1:
        raise UnsupportedSealError(f"The content has the format version {version}; this coldshare knows 1.")
    compression = _integer(fields, _COMPRESSION)
    if compression not in (_PLAIN, _DEFLATE):
        raise UnsupportedSealError(
            f"The content is compressed in a way (number {compression}) that this version does not know."
        )
    if fields.keys() != set(_KEYS):
        raise DamagedSealError(_WHERE, "it does not have exactly the keys of its version")
    content, digest = _bytes(fields, _CONTENT), _bytes(fields, _ORIGINAL_SHA256)
    declaration, record = _bytes(fields, _DECLARATION), fields[_RECORD]
    if not isinstance(record, dict):
        raise DamagedSealError(_WHERE, "its record is not a map")

    inflated_length = _integer(fields, _INFLATED_LEN)
    if inflated_length > _TREE_MAX:
        raise SealTooLargeError(f"The content inflates to {inflated_length} bytes; at most {_TREE_MAX} are allowed.")
    tree = content if compression == _PLAIN else _inflate(content, inflated_length)
    if len(tree) != inflated_length:
        raise DamagedSealError(_WHERE, "it does not have the length that it records")
    parts = _parts(_decode(tree, limit=_TREE_MAX, items=PARTS_MAX))

    original_length = _integer(fields, _ORIGINAL_LEN)
    if _joined_length(parts, 0) != original_length:
        raise DamagedSealError(_WHERE, "the file would not have the length that was recorded")
    original = rebuild(parts)
    if not hmac.compare_digest(hashlib.sha256(original).digest(), digest):
        raise DamagedSealError(_WHERE, "the file is not the one whose digest was recorded")
    return Content(original, declaration, record)


def _joined_length(parts: list[Part], layers: int) -> int:
    if layers > LAYERS_MAX:
        raise DamagedSealError(_WHERE, f"it has more than {LAYERS_MAX} layers of base64")
    return sum(
        len(part) if isinstance(part, bytes) else (_joined_length(part, layers + 1) + 2) // 3 * 4 for part in parts
    )


def _joined(parts: list[Part]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else base64.b64encode(_joined(part)) for part in parts)


def _parts(value: Value) -> list[Part]:
    """Return `value` as a tree. The codec has bounded its depth already."""
    if not isinstance(value, list):
        raise DamagedSealError(_WHERE, "its parts are not a list")
    return [item if isinstance(item, bytes) else _parts(item) for item in value]


def _deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(level=9, wbits=_RAW_DEFLATE)
    return deflater.compress(data) + deflater.flush()


def _inflate(data: bytes, length: int) -> bytes:
    """Inflate to exactly `length` bytes; one more is asked for, to see that there is none."""
    inflater = zlib.decompressobj(wbits=_RAW_DEFLATE)
    try:
        inflated = inflater.decompress(data, length + 1)
    except zlib.error:
        raise DamagedSealError(_WHERE, "it does not inflate") from None
    if not inflater.eof or inflater.unused_data:
        raise DamagedSealError(_WHERE, "it does not inflate to the length that it records")
    return inflated


def _decode(data: bytes, *, limit: int, items: int = codec.ITEMS) -> Value:
    try:
        return codec.decode(data, limit=limit, items=items)
    except CodecError as error:
        raise DamagedSealError(_WHERE, f"{codec.REASONS[error.reason]}, at byte {error.at}") from error


def _integer(fields: dict[int, Value], key: int) -> int:
    value = fields.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DamagedSealError(_WHERE, f"key {key} is not an unsigned integer")
    return value


def _bytes(fields: dict[int, Value], key: int) -> bytes:
    value = fields.get(key)
    if not isinstance(value, bytes):
        raise DamagedSealError(_WHERE, f"key {key} is not a byte string")
    return value
