"""Undo the base64 layers of a vault file where that can be done, and say how to put them back.

The format wraps a share in base64 up to three times (file, vault, key share), 2.37 bytes for one. Storing the
bytes inside and the recipe for the rest brings a plain file to 0.42 of its size, an encrypted one to 0.56.

Nothing is re-serialised. A layer is undone only when encoding its bytes again gives its very text; whatever
does not (line breaks, another alphabet, damage) stays as it is, as a literal. So the result rebuilds every input
byte for byte, whether it is a vault file or not, and no password is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from . import base64text, protowire
from .limits import MAX_FILE_SIZE
from .old_json import is_hex

#: A literal, or (as a list) the base64 of its parts joined: standard alphabet, padded, no line breaks.
Part: TypeAlias = "bytes | list[Part]"

#: Items in any list, the root included. More than a real file needs, and no more than stored lists may have.
MAX_ITEMS: Final = 64

# The way down: in the container its vault (2), in the vault each key share (7), in that its share (2).
_CONTAINER: Final = (2,)
_VAULT: Final = (7, 2)

_Splitter: TypeAlias = Callable[[bytes], "list[Part]"]


def split(data: bytes) -> list[Part]:
    """Parts that rebuild `data`: literals joined as they are, each list as the base64 of its parts joined.

    Never raises. Lists nest at most 4 deep, counting the root, and hold at most `MAX_ITEMS` items. Input over
    `MAX_FILE_SIZE`, or that is no vault file, comes back as one literal; empty input as an empty list.
    """
    if len(data) > MAX_FILE_SIZE:
        return [data]
    text = data.rstrip(b" \t\r\n")
    # Hexadecimal text reads as base64 too. Undoing that would hide it from compression, which halves it.
    container = None if is_hex(text) else _undo(text)
    if container is None:
        return _literals([data])
    return _literals([_split_container(container), data[len(text) :]])


def _split_container(container: bytes) -> list[Part]:
    return _split_fields(container, _CONTAINER, _split_vault)


def _split_vault(vault: bytes) -> list[Part]:
    return _split_fields(vault, _VAULT, lambda share: [share])


def _split_fields(message: bytes, path: tuple[int, ...], inner: _Splitter) -> list[Part]:
    """`message` cut at the texts that `path` leads to, each of them undone and handed to `inner`."""
    parts: list[Part] = []
    done = 0
    for start, end in _find(message, path):
        raw = _undo(message[start:end])
        if raw is not None:
            parts += [message[done:start], inner(raw)]
            done = end
    parts.append(message[done:])
    found = _literals(parts)
    return found if len(found) <= MAX_ITEMS else [message]


def _find(message: bytes, path: tuple[int, ...]) -> Iterable[tuple[int, int]]:
    """Byte ranges in `message` of the values that the field numbers in `path` lead to, if it is protobuf."""
    try:
        fields = protowire.walk(message)
    except protowire.WireError:
        return
    on_path = [f for f in fields if f.number == path[0] and f.wire_type == protowire.LENGTH_DELIMITED]
    if len(on_path) > MAX_ITEMS:
        return
    for field in on_path:
        if len(path) == 1:
            yield field.start, field.end
        else:
            for start, end in _find(message[field.start : field.end], path[1:]):
                yield field.start + start, field.start + end


def _undo(text: bytes) -> bytes | None:
    """What `text` is the base64 of, or None where it is empty or would not come back exactly."""
    try:
        return base64text.decode(text) or None
    except base64text.Base64Error:
        return None


def _literals(parts: list[Part]) -> list[Part]:
    """`parts` without the empty ones."""
    return [part for part in parts if part]
