"""The fields that every form of a vault file has: of the right type, size and alphabet, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .errors import FieldError
from .limits import MAX_NAME_SIZE, MAX_PARTIES
from .names import displayed, is_showable

ECDSA_KEY_SIZE: Final = 33
EDDSA_KEY_SIZE: Final = 32
CHAIN_CODE_SIZE: Final = 32
#: Seconds from 1970 to the year 10000, the end of a protobuf Timestamp.
_END_OF_TIME: Final = 253_402_300_800


def hex_bytes(name: str, text: str, size: int) -> bytes:
    """`text` as `size` bytes. Raises `FieldError`, as all of these do."""
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", text):
        raise FieldError(name, f"should be {2 * size} hexadecimal digits, and is not")
    return bytes.fromhex(text)


def bounded(name: str, text: str, limit: int = MAX_NAME_SIZE) -> str:
    """`text`, of at most `limit` bytes of UTF-8. (Neither protobuf nor `json_text` lets half a character in.)"""
    size = len(text.encode())
    if size > limit:
        raise FieldError(name, f"has {size} bytes; {limit} is the limit")
    return text


def showable(name: str, text: str) -> str:
    """`text` where a screen can show it as it is."""
    if not is_showable(text):
        raise FieldError(
            name,
            f"holds control characters ({displayed(text)}), so that no screen can show it as it is",
        )
    return text


def identity(name: str, text: str) -> str:
    """The id of a party."""
    if not text.strip():
        raise FieldError(name, "is empty; it should name a party")
    return showable(name, bounded(name, text))


def label(text: str, warnings: list[str]) -> str:
    """The vault's name, fit for a screen."""
    if not is_showable(bounded("name", text)):
        warnings.append("The vault's name holds control characters; they are shown as � here.")
    if not text.strip():
        warnings.append("The vault has no name.")
    return displayed(text)


def signers(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of all parties, each of them once."""
    if len(names) > MAX_PARTIES:
        raise FieldError("signers", f"names {len(names)} parties; {MAX_PARTIES} is the limit")
    parties = tuple(identity("signers", name) for name in names)
    for party in parties:
        if parties.count(party) > 1:
            raise FieldError("signers", f"names the party {party} more than once")
    return parties


def date(seconds: int, warnings: list[str]) -> int | None:
    """`seconds` since 1970, or None and a warning where that is no date."""
    if not 0 <= seconds < _END_OF_TIME:
        warnings.append("The vault's created_at is not a date; it is left out.")
        return None
    return seconds
