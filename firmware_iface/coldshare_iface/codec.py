"""Strict CBOR, host side: a value has one encoding, and only that one is read (RFC 8949 section 4.2.1).

The profile is the one of the wire: integers of at most 64 bits, byte strings, text strings, arrays, maps,
booleans and null; definite lengths; shortest heads; map keys unsigned integers in ascending order; bounded
nesting, items and size; nothing after the value. cbor2 alone, at its strictest, still takes shared
references, bignums, longer heads than needed and trailing bytes. So `decode` first walks the encoded bytes
with a scanner of its own, which builds nothing and cannot recurse, and only then lets cbor2 make objects.

The order of the checks is part of the contract, because the token has a second codec that must name the same
`reason` at the same offset. Bytes are judged from left to right and the first failure is reported:

1. the whole input: ``size``;
2. the tag, when the caller asks for one: ``truncated``, ``tag`` (also when it is missing), ``not_minimal``;
3. for each item: no byte left ``truncated``; in key position a head that is no integer of the allowed kind
   ``key_type``; a head that RFC 8949 leaves unassigned ``reserved``; ``tag``; ``float``; ``simple``;
   ``indefinite`` (a lone break too); an incomplete head ``truncated``; ``not_minimal``;
4. then by kind: a key is compared with the one before it (``duplicate_key`` when equal, ``key_order`` when
   lower); a string that is cut off ``truncated``, then ``utf8``; a container ``depth``, then ``items``;
5. after the value: ``trailing``.

`CodecError.at` is the offset of the first byte of the item at fault; for ``size`` it is the limit, for
``trailing`` the first byte too many.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias, Union

import cbor2

from coldshare_iface.errors import ColdshareError

__all__ = ["DEPTH", "ITEMS", "LIMIT", "REASONS", "CodecError", "Encodable", "Value", "decode", "encode"]

#: What `decode` returns.
Value: TypeAlias = Union[int, bytes, str, bool, list["Value"], dict[int, "Value"], None]  # noqa: UP007
#: What `encode` takes. Sequences and maps are checked item by item, so they stay loosely typed here.
Encodable: TypeAlias = object

#: Bytes in one message on the wire.
LIMIT = 7609
#: Items in one array; pairs in one map.
ITEMS = 64
#: Containers inside one another, the outermost included.
DEPTH = 8

#: Every `CodecError.reason`, and what it means.
REASONS = {
    "truncated": "the bytes end in the middle of a value",
    "trailing": "there are bytes after the value",
    "not_minimal": "an integer or a length is not in its shortest form",
    "indefinite": "an indefinite length is used",
    "reserved": "a head is used that RFC 8949 does not define",
    "key_order": "map keys are not in ascending order",
    "duplicate_key": "a map key occurs twice",
    "key_type": "a map key is not an integer of the kind allowed here",
    "tag": "a tag is missing, or used where none belongs",
    "simple": "a simple value other than false, true and null is used",
    "float": "a floating-point number is used",
    "utf8": "a text is not valid UTF-8",
    "depth": "values are nested too deeply",
    "items": "an array or a map has too many items",
    "size": "the encoding is too long",
    "int_range": "an integer has more than 64 bits",  # encode only: on the wire it would be a tag
    "type": "a value has a type that the profile does not have",  # encode only
}


class CodecError(ColdshareError):
    """The bytes are not CBOR as coldshare writes it."""

    code: ClassVar[str] = "cbor"
    next_step = "Nothing was changed. The sender is faulty, or the data was damaged on its way."

    def __init__(self, reason: str, at: int | None = None) -> None:
        """`reason` is a key of `REASONS`; `at` a byte offset, None when encoding."""
        if at is None:
            super().__init__(f"This value cannot be written as CBOR: {REASONS[reason]}.")
        else:
            super().__init__(f"These bytes are not CBOR as coldshare writes it: {REASONS[reason]}, at byte {at}.")
        self.reason = reason
        self.at = at


def decode(
    data: bytes | bytearray | memoryview,
    *,
    limit: int = LIMIT,
    items: int = ITEMS,
    depth: int = DEPTH,
    negative_keys: bool = False,
    tag: int | None = None,
) -> Value:
    """Return the one value that `data` encodes, or raise `CodecError`.

    `limit` bounds the bytes, `items` each array and map, `depth` the nesting. `negative_keys` allows negative
    integers as map keys (COSE header labels), in the bytewise order of their encodings. With `tag` the value
    must stand inside exactly that tag, and is returned without it.
    """
    if len(data) > limit:
        raise CodecError("size", limit)
    data = bytes(data)
    start = 0 if tag is None else _skip_tag(data, tag)
    end = _scan(data, start, items, depth, negative_keys)
    if end != len(data):
        raise CodecError("trailing", end)
    value: Value = cbor2.loads(data[start:] if start else data, max_depth=depth + 1)
    return value


def encode(
    value: Encodable,
    *,
    limit: int = LIMIT,
    items: int = ITEMS,
    depth: int = DEPTH,
    negative_keys: bool = False,
    tag: int | None = None,
) -> bytes:
    """Return the one encoding of `value`, or raise `CodecError`. The options are those of `decode`.

    Tuples are written as arrays, bytearrays and memoryviews as byte strings, maps in the order of their keys.
    """
    body = cbor2.dumps(_checked(value, items, depth, negative_keys))
    if tag is not None:
        body = _head(6, tag) + body
    if len(body) > limit:
        raise CodecError("size")
    return body


def _skip_tag(data: bytes, tag: int) -> int:
    """Return the offset behind the head of `tag`."""
    if not data:
        raise CodecError("truncated", 0)
    if data[0] >> 5 != 6 or data[0] & 31 > 27:
        raise CodecError("tag", 0)
    number, pos = _argument(data, 0)
    if number != tag:
        raise CodecError("tag", 0)
    return pos


def _argument(data: bytes, at: int) -> tuple[int, int]:
    """Return the argument of the head at `at` and the offset behind the head (RFC 8949 section 3)."""
    info = data[at] & 31
    if info < 24:
        return info, at + 1
    width = 1 << (info - 24)
    pos = at + 1 + width
    if pos > len(data):
        raise CodecError("truncated", at)
    argument = int.from_bytes(data[at + 1 : pos], "big")
    # The shortest form of 24 is one byte long; of 2**8, two; of 2**16, four; of 2**32, eight.
    if argument < (24 if width == 1 else 1 << (4 * width)):
        raise CodecError("not_minimal", at)
    return argument, pos


def _scan(data: bytes, pos: int, items: int, depth: int, negative_keys: bool) -> int:
    """Walk the one value at `pos` and return the offset behind it. Nothing is built, and nothing recurses."""
    end = len(data)
    key_majors = 2 if negative_keys else 1
    # The container being walked: how many items are missing; in a map, the last key as (major, argument).
    # Keys take part in `left`, so in a map an even `left` means that a key comes next.
    left, in_map, last = 1, False, (-1, 0)
    outer: list[tuple[int, bool, tuple[int, int]]] = []
    while True:
        while not left:
            if not outer:
                return pos
            left, in_map, last = outer.pop()
        at = pos
        if at >= end:
            raise CodecError("truncated", at)
        is_key = in_map and not left & 1
        left -= 1
        major, info = data[at] >> 5, data[at] & 31
        if is_key and major >= key_majors:
            raise CodecError("key_type", at)
        if info > 23:
            _check_long_head(major, info, at)
        if major == 6:
            raise CodecError("tag", at)
        if major == 7:
            if not 20 <= info <= 22:
                raise CodecError("simple", at)
            pos += 1
            continue
        argument, pos = _argument(data, at)
        if is_key:
            # With shortest heads this is the bytewise order of the encoded keys.
            key = (major, argument)
            if key <= last:
                raise CodecError("duplicate_key" if key == last else "key_order", at)
            last = key
        elif major in (2, 3):
            if argument > end - pos:
                raise CodecError("truncated", at)
            if major == 3:
                try:
                    data[pos : pos + argument].decode("utf-8")
                except UnicodeDecodeError:
                    raise CodecError("utf8", at) from None
            pos += argument
        elif major in (4, 5):
            # `outer` holds one entry for every container around this one.
            if len(outer) >= depth:
                raise CodecError("depth", at)
            if argument > items:
                raise CodecError("items", at)
            outer.append((left, in_map, last))
            left, in_map, last = argument * (major - 3), major == 5, (-1, 0)


def _check_long_head(major: int, info: int, at: int) -> None:
    """Refuse what additional information 24 to 31 can mean besides a longer argument."""
    if 28 <= info <= 30 or (info == 31 and major in (0, 1, 6)):
        raise CodecError("reserved", at)
    if major == 7 and 25 <= info <= 27:
        raise CodecError("float", at)
    if info == 31:
        raise CodecError("indefinite", at)


def _checked(value: Encodable, items: int, depth: int, negative_keys: bool) -> Value:
    """Return `value` with plain types only and maps in order, ready for cbor2. Recursion ends at `depth`."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return _checked_int(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise CodecError("utf8") from None
        return str(value)
    if isinstance(value, (list, tuple, dict)):
        if not depth:
            raise CodecError("depth")
        if len(value) > items:
            raise CodecError("items")
        if not isinstance(value, dict):
            return [_checked(item, items, depth - 1, negative_keys) for item in value]
        keys = [_checked_key(key, negative_keys) for key in value]
        # Shortest heads make (negative?, distance from zero) the bytewise order of the encodings.
        keys.sort(key=lambda key: (key < 0, abs(key)))
        return {key: _checked(value[key], items, depth - 1, negative_keys) for key in keys}
    if isinstance(value, float):
        raise CodecError("float")
    if isinstance(value, cbor2.CBORTag):
        raise CodecError("tag")
    if isinstance(value, cbor2.CBORSimpleValue) or value is cbor2.undefined:
        raise CodecError("simple")
    raise CodecError("type")


def _checked_int(value: int) -> int:
    if not -(1 << 64) <= value < 1 << 64:
        raise CodecError("int_range")
    return int(value)


def _checked_key(key: object, negative_keys: bool) -> int:
    if not isinstance(key, int) or isinstance(key, bool) or (key < 0 and not negative_keys):
        raise CodecError("key_type")
    return _checked_int(key)


def _head(major: int, argument: int) -> bytes:
    """Return the shortest head of an item (RFC 8949 section 3)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * width):
            return bytes([major << 5 | info]) + argument.to_bytes(width, "big")
    raise CodecError("int_range")
