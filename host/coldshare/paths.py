"""Paths as text that a person can copy, whatever bytes they have.

Most paths are written as they are. One with characters that no terminal shows, or with bytes that are no text, cannot
be copied from one, so it is written as `file://` with `%0A` and the like for these, as addresses on the web have it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from coldshare_iface.text import unshowable

__all__ = ["ENCODED", "home", "label", "path_of", "whole", "written"]

#: What such a path begins with. No other path does: it would be one of a folder `file:` in whatever folder this is.
ENCODED: Final = "file://"
#: Bytes of UTF-8 of a label in the ledger, and what stands at the end of one that was cut.
_LABEL_MAX: Final = 200
_CUT: Final = "\u2026"


def written(path: str) -> str:
    """`path` in characters that a terminal shows. `path_of` brings it back, byte for byte."""
    if not path.startswith(ENCODED) and not any(unshowable(ord(char)) for char in path):
        return path
    return ENCODED + "".join(_escaped(char) for char in path)


def _escaped(char: str) -> str:
    if char != "%" and not unshowable(ord(char)):
        return char
    return "".join(f"%{byte:02X}" for byte in os.fsencode(char))


def path_of(text: str) -> str:
    """The path that was `written` so. What was never a path stays as it is."""
    if not text.startswith(ENCODED):
        return text
    raw = unquote_to_bytes(text.removeprefix(ENCODED))
    return text if b"\0" in raw else os.fsdecode(raw)


def home(path: str) -> Path:
    """From the root, with `~` for a home, where that is known. Nothing is looked at."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - the other one raises


def label(path: Path) -> str:
    """What the ledger calls a place that is known by its path: the path as it is `written`, or its beginning where that
    is longer than a label may be."""
    text = written(str(path))
    if len(text.encode()) <= _LABEL_MAX:
        return text
    return text.encode()[: _LABEL_MAX - len(_CUT.encode())].decode(errors="ignore") + _CUT


def whole(label: str) -> bool:
    """Whether that label is the path, and not its beginning only."""
    return bool(label) and not label.endswith(_CUT)
