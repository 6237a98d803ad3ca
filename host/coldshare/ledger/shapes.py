"""What one field of an event may be, and how it is written.

A shape turns a value into what the codec takes and back, and refuses what does not fit with `ShapeError`. The fields
of a record are those of its dataclass, each `Annotated` with its shape; in CBOR they are a map with the keys 1, 2, 3
and so on in the order of the class, every key always there. So the order of fields is part of the format.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar, get_type_hints

from coldshare_iface.codec import Encodable, Value
from coldshare_iface.text import unshowable

__all__ = ["Bytes", "Flag", "Items", "Maybe", "Nested", "Number", "Shape", "ShapeError", "Text", "pack", "unpack"]

R = TypeVar("R")


class ShapeError(ValueError):
    """A value that the format has no room for. It quotes nothing."""


class Shape(Protocol):
    def check(self, value: Any) -> Encodable:
        """What the codec takes for `value`. Raises ShapeError."""

    def read(self, value: Value) -> Any:
        """The value again. Raises ShapeError."""


class _Same(ABC):
    """Written as it is."""

    def read(self, value: Value) -> Any:
        return self.check(value)

    @abstractmethod
    def check(self, value: Any) -> Encodable: ...


@dataclass(frozen=True)
class Bytes(_Same):
    """`low` to `high` bytes."""

    low: int
    high: int

    def check(self, value: Any) -> Encodable:
        if type(value) is not bytes or not self.low <= len(value) <= self.high:
            raise ShapeError("bytes")
        return value


@dataclass(frozen=True)
class Text(_Same):
    """`low` to `high` bytes of UTF-8, nothing in it that a terminal would obey."""

    low: int
    high: int

    def check(self, value: Any) -> Encodable:
        if type(value) is not str or any(unshowable(ord(char)) for char in value):
            raise ShapeError("text")
        if not self.low <= len(value.encode()) <= self.high:
            raise ShapeError("text")
        return value


@dataclass(frozen=True)
class Number(_Same):
    low: int
    high: int

    def check(self, value: Any) -> Encodable:
        if type(value) is not int or not self.low <= value <= self.high:
            raise ShapeError("number")
        return value


class Flag(_Same):
    def check(self, value: Any) -> Encodable:
        if type(value) is not bool:
            raise ShapeError("flag")
        return value


@dataclass(frozen=True)
class Maybe:
    """Or None, written as null."""

    shape: Shape

    def check(self, value: Any) -> Encodable:
        return None if value is None else self.shape.check(value)

    def read(self, value: Value) -> Any:
        return None if value is None else self.shape.read(value)


@dataclass(frozen=True)
class Items:
    """A tuple of at most `high`."""

    shape: Shape
    high: int

    def check(self, value: Any) -> Encodable:
        if type(value) is not tuple or len(value) > self.high:
            raise ShapeError("items")
        return [self.shape.check(one) for one in value]

    def read(self, value: Value) -> Any:
        if not isinstance(value, list) or len(value) > self.high:
            raise ShapeError("items")
        return tuple(self.shape.read(one) for one in value)


@dataclass(frozen=True)
class Nested:
    """A record of that class."""

    kind: type[Any]

    def check(self, value: Any) -> Encodable:
        if type(value) is not self.kind:
            raise ShapeError("record")
        return pack(value)

    def read(self, value: Value) -> Any:
        return unpack(self.kind, value)


#: By class: what `_shapes` found.
_KNOWN: dict[type[Any], tuple[tuple[str, Shape], ...]] = {}


def _shapes(kind: type[Any]) -> tuple[tuple[str, Shape], ...]:
    if kind not in _KNOWN:
        hints = get_type_hints(kind, include_extras=True)
        _KNOWN[kind] = tuple((field.name, hints[field.name].__metadata__[0]) for field in fields(kind))
    return _KNOWN[kind]


def pack(record: Any) -> dict[int, Encodable]:
    """The map for a record. Raises ShapeError."""
    shapes = _shapes(type(record))
    return {key: shape.check(getattr(record, name)) for key, (name, shape) in enumerate(shapes, start=1)}


def unpack(kind: type[R], value: Value) -> R:
    """The record of the class `kind` again. Raises ShapeError, also for keys that are missing or too many."""
    shapes = _shapes(kind)
    if not isinstance(value, dict) or sorted(value) != list(range(1, len(shapes) + 1)):
        raise ShapeError("keys")
    return kind(**{name: shape.read(value[key]) for key, (name, shape) in enumerate(shapes, start=1)})
