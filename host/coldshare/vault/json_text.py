"""JSON from a file that nobody vouches for: bounded before it is decoded, and read by field.

The standard library's decoder recurses with the text, turns any run of digits into a number in quadratic time, and
takes the last of two equal names. So the text is looked over first, and an object here has every name once.
No error quotes the text: it holds secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from .errors import FieldError
from .limits import MAX_JSON_DEPTH, MAX_JSON_DIGITS, MAX_JSON_ITEMS, MAX_JSON_TEXT

# Strings are skipped whole, one without an end up to the end of the text, so that no character is looked at twice.
# What is left of structure is counted; brackets inside strings do not nest.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


class JsonError(ValueError):
    """The text is no JSON, or more of it than is allowed. Its message lacks a subject, and quotes nothing."""


class JsonObject:
    """One object of a JSON text, and the path to it. Holds secrets: it has no repr of its content.

    Every method raises `FieldError`, with the path of the field, where the value is missing or of another kind.
    """

    __slots__ = ("_path", "_values")

    def __init__(self, values: Mapping[str, object], path: str) -> None:
        self._values: Final = values
        self._path: Final = path

    def path(self, name: str) -> str:
        """Where the field `name` of this object is."""
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        """Whether there is a field `name` that is not null."""
        return self._values.get(name) is not None

    def text(self, name: str, *, default: str | None = None) -> str:
        """The string `name`; `default` where there is none or null."""
        if default is not None and not self.has(name):
            return default
        return _text(self._values.get(name), self.path(name))

    def integer(self, name: str) -> int:
        """The whole number `name`, not negative."""
        return _integer(self._values.get(name), self.path(name))

    def number(self, name: str) -> float | None:
        """The number `name`, or None where it is none: for values that nothing depends on."""
        value = self._values.get(name)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def value(self, name: str) -> object:
        """What `name` is, of whatever kind; None where there is none."""
        return self._values.get(name)

    def record(self, name: str) -> JsonObject:
        """The object `name`."""
        return _object(self._values.get(name), self.path(name))

    def texts(self, name: str) -> list[str]:
        """The list of strings `name`."""
        return [_text(value, f"{self.path(name)}[{at}]") for at, value in enumerate(self._list(name))]

    def integers(self, name: str) -> list[int]:
        """The list of whole numbers `name`, none negative."""
        return [_integer(value, f"{self.path(name)}[{at}]") for at, value in enumerate(self._list(name))]

    def records(self, name: str) -> list[JsonObject]:
        """The list of objects `name`."""
        return [_object(value, f"{self.path(name)}[{at}]") for at, value in enumerate(self._list(name))]

    def _list(self, name: str) -> Sequence[object]:
        value = self._values.get(name)
        if not isinstance(value, list):
            raise FieldError(self.path(name), "should be a list, and is not")
        return value


def parse(text: str, *, root: str = "") -> JsonObject:
    """The object that `text` is. Raises `JsonError`. `root` goes before the path of each field in it."""
    if len(text) > MAX_JSON_TEXT:
        raise JsonError(f"has {len(text)} characters of JSON; {MAX_JSON_TEXT} is the limit")
    _look_over(text)
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_once
        )
    except json.JSONDecodeError as error:  # it holds the document
        raise JsonError(f"is not JSON, at character {error.pos}") from None
    if not isinstance(value, dict):
        raise JsonError("is not a JSON object")
    return JsonObject(value, root)


def _look_over(text: str) -> None:
    depth = items = 0
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == '"':
            continue
        items += 1
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_JSON_DEPTH:
            raise JsonError(f"nests more than {MAX_JSON_DEPTH} deep")
        if items > MAX_JSON_ITEMS:
            raise JsonError(f"holds more than {MAX_JSON_ITEMS} items")


def _bounded(digits: str) -> str:
    if len(digits) > MAX_JSON_DIGITS:
        raise JsonError(f"holds a number of {len(digits)} digits; {MAX_JSON_DIGITS} is the limit")
    return digits


def _whole(digits: str) -> int:
    return int(_bounded(digits))


def _fraction(digits: str) -> float:
    return float(_bounded(digits))


def _constant(name: str) -> NoReturn:
    raise JsonError(f"holds {name}, which is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise JsonError("holds an object with two fields of one name")
    return values


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise FieldError(path, "should be a text, and is not")
    if _HALF_CHARACTER.search(value):
        raise FieldError(path, "holds half of a character (a lone surrogate)")
    return value


def _integer(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FieldError(path, "should be a whole number, not negative, and is not")
    return value


def _object(value: object, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError(path, "should be an object, and is not")
    return JsonObject(value, path)
