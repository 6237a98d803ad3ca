"""Where the fields of a protobuf message lie, without decoding them.

Two users: the reader, which wants to say at which byte a damaged file breaks before the protobuf library says
only that it does; and `layers`, which must cut a message without ever writing one.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from .limits import MAX_FIELDS

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

_FIXED_SIZE: Final = {FIXED64: 8, FIXED32: 4}
_MAX_NUMBER: Final = 2**29 - 1
_MAX_VARINT_SIZE: Final = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, its wire type and the byte range of its value (after tag and length)."""

    number: int
    wire_type: int
    start: int
    end: int


class WireError(ValueError):
    """The bytes are no protobuf message. `offset` is the byte at which that shows."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"{problem} (byte {offset})")
        self.offset = offset


def walk(message: bytes) -> list[Field]:
    """The top-level fields of `message`, in order. At most `MAX_FIELDS`, no groups. Raises `WireError`."""
    fields: list[Field] = []
    at = 0
    while at < len(message):
        if len(fields) == MAX_FIELDS:
            raise WireError(at, f"more than {MAX_FIELDS} fields")
        tag_at = at
        tag, at = _varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if not 1 <= number <= _MAX_NUMBER:
            raise WireError(tag_at, "a field number out of range")
        if wire_type == VARINT:
            start = at
            _, end = _varint(message, at)
        elif wire_type == LENGTH_DELIMITED:
            size, start = _varint(message, at)
            end = start + size
        elif wire_type in _FIXED_SIZE:
            start = at
            end = start + _FIXED_SIZE[wire_type]
        else:
            raise WireError(tag_at, f"field {number} has wire type {wire_type}, which is not in use")
        if end > len(message):
            raise WireError(tag_at, f"field {number} should have {end - start} bytes, {len(message) - start} are there")
        fields.append(Field(number, wire_type, start, end))
        at = end
    return fields


#: Known field numbers, and for those that are messages, what is known in them.
Known: TypeAlias = "Mapping[int, Known | None]"


def unknown_fields(message: bytes, fields: Sequence[Field], known: Known) -> list[str]:
    """The numbers of the fields of `message` that are not known, each once; `7.3` is field 3 in a message 7."""
    unknown: dict[str, None] = {}
    for field in sorted(fields, key=lambda field: field.number):
        inner = known.get(field.number)
        if field.number not in known:
            unknown[str(field.number)] = None
        elif inner is not None and field.wire_type == LENGTH_DELIMITED:
            value = message[field.start : field.end]
            try:
                found = walk(value)
            except WireError:  # whoever decodes the message says so
                continue
            unknown |= {f"{field.number}.{number}": None for number in unknown_fields(value, found, inner)}
    return list(unknown)


def unknown_warning(what: str, unknown: Sequence[str]) -> str:
    """What to say about them."""
    shown = ", ".join(unknown[:8]) + (", and more" if len(unknown) > 8 else "")
    return f"The {what} has fields that this version does not know ({shown}). They are kept, and not checked."


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` and the offset behind it."""
    value = 0
    for index in range(_MAX_VARINT_SIZE):
        if at + index >= len(message):
            raise WireError(at, "the bytes end inside a number")
        byte = message[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, at + index + 1
    raise WireError(at, "a number of more than 64 bits")
