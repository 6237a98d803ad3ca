"""The token's own CBOR codec: the strict profile of the contract, nothing more. Portable subset.

Every refusal is named by the same words as the host's codec uses; the two are tested against each other.
"""

from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

_U64 = 1 << 64
_LONG = 512  # bytes of a string that is not copied


class CborError(Exception):
    """Bytes outside the profile. `reason` is a stable word, `at` the offset of the offending item."""

    def __init__(self, reason: str, at: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


def _head(out: bytearray, major: int, n: int) -> None:
    major <<= 5
    if n < 24:
        out.append(major | n)
    elif n < 256:
        out.append(major | 24)
        out.append(n)
    elif n < 65536:
        out.append(major | 25)
        out += n.to_bytes(2, "big")
    elif n < 4294967296:
        out.append(major | 26)
        out += n.to_bytes(4, "big")
    elif n < _U64:
        out.append(major | 27)
        out += n.to_bytes(8, "big")
    else:
        raise CborError("int_range")


def encode(value: object) -> bytes:
    """Deterministic encoding (RFC 8949 section 4.2.1). Raises CborError for what the profile does not have."""
    pieces = parts(value)
    out = pieces[0]
    for piece in pieces[1:]:
        out += piece
    return bytes(out)


def parts(value: object) -> "list[bytearray | bytes]":
    """The same in pieces, of which the first is a bytearray: a long byte string is one by itself, and not copied."""
    pieces: list[bytearray | bytes] = [bytearray()]
    _encode(value, pieces, 0)
    return pieces


def _encode(value: object, pieces: "list[Any]", depth: int) -> None:
    out = pieces[-1]
    if value is None:
        out.append(0xF6)
    elif value is True:
        out.append(0xF5)
    elif value is False:
        out.append(0xF4)
    elif isinstance(value, int):
        if value >= 0:
            _head(out, 0, value)
        else:
            _head(out, 1, -1 - value)
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        if len(value) < _LONG:
            out += value
        else:
            pieces.append(value)
            pieces.append(bytearray())
    elif isinstance(value, str):
        data = value.encode()
        _head(out, 3, len(data))
        out += data
    elif depth >= wire.CBOR_DEPTH and isinstance(value, (list, tuple, dict)):
        raise CborError("depth")
    elif isinstance(value, (list, tuple)):
        if len(value) > wire.CBOR_ITEMS:
            raise CborError("items")
        _head(out, 4, len(value))
        for item in value:
            _encode(item, pieces, depth + 1)
    elif isinstance(value, dict):
        if len(value) > wire.CBOR_ITEMS:
            raise CborError("items")
        _head(out, 5, len(value))
        # MicroPython's dicts have no order of their own; unsigned keys sort as their encodings do.
        for key in sorted(value):
            if not isinstance(key, int) or key is True or key is False or key < 0:
                raise CborError("key_type")
            _head(pieces[-1], 0, key)
            _encode(value[key], pieces, depth + 1)
    else:
        raise CborError("type")


def decode(data: "bytes | memoryview") -> object:
    """One item of the profile, all of `data`. Raises CborError."""
    if len(data) > wire.MESSAGE_MAX:
        raise CborError("size", wire.MESSAGE_MAX)
    value, end = _item(data, 0, 0)
    if end != len(data):
        raise CborError("trailing", end)
    return value


def _argument(data: "bytes | memoryview", at: int, key: bool = False) -> "tuple[int, int, int]":
    """(major type, argument, offset after the head). The order of the checks is part of the contract."""
    if at >= len(data):
        raise CborError("truncated", at)
    first = data[at]
    major = first >> 5
    low = first & 31
    if key and major != 0:
        raise CborError("key_type", at)
    if 28 <= low <= 30 or (low == 31 and major in (0, 1, 6)):
        raise CborError("reserved", at)
    if major == 7 and 25 <= low <= 27:
        raise CborError("float", at)
    if low == 31:
        raise CborError("indefinite", at)
    if major == 6:
        raise CborError("tag", at)
    if major == 7:
        if low < 20 or low > 22:
            raise CborError("simple", at)
        return 7, low, at + 1
    if low < 24:
        return major, low, at + 1
    width = 1 << (low - 24)
    end = at + 1 + width
    if end > len(data):
        raise CborError("truncated", at)
    n = int.from_bytes(data[at + 1 : end], "big")
    if n < 24 or (width > 1 and n >> (4 * width) == 0):
        raise CborError("not_minimal", at)
    return major, n, end


def _item(data: "bytes | memoryview", at: int, depth: int) -> "tuple[object, int]":
    start = at
    major, n, at = _argument(data, at)
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major == 7:
        return (False, True, None)[n - 20], at
    if major < 4:
        end = at + n
        if end > len(data):
            raise CborError("truncated", start)
        chunk = bytes(data[at:end])
        if major == 2:
            return chunk, end
        if not _is_utf8(chunk):
            raise CborError("utf8", start)
        return chunk.decode(), end
    if depth >= wire.CBOR_DEPTH:
        raise CborError("depth", start)
    if n > wire.CBOR_ITEMS:
        raise CborError("items", start)
    if major == 4:
        items = []
        for _ in range(n):
            value, at = _item(data, at, depth + 1)
            items.append(value)
        return items, at
    pairs: dict[int, object] = {}
    last = -1
    for _ in range(n):
        here = at
        _, key, at = _argument(data, at, True)
        if key <= last:
            raise CborError("duplicate_key" if key == last else "key_order", here)
        last = key
        pairs[key], at = _item(data, at, depth + 1)
    return pairs, at


def _is_utf8(data: bytes) -> bool:
    """RFC 3629: no overlong forms, no surrogates. MicroPython's own decoder lets both through."""
    i = 0
    n = len(data)
    while i < n:
        lead = data[i]
        i += 1
        if lead < 0x80:
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if i + more > n:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        if data[i] < low or data[i] > high:
            return False
        for j in range(i + 1, i + more):
            if data[j] & 0xC0 != 0x80:
                return False
        i += more
    return True
