"""Base64 as the vault format writes it: RFC 4648 section 4, padded, no line breaks, unused bits zero."""

from __future__ import annotations

import binascii
import re

_OUTSIDE = re.compile(rb"[^A-Za-z0-9+/]")


class Base64Error(ValueError):
    """The text is not canonical base64. The message says why and at which byte, and quotes nothing."""


def encode(raw: bytes) -> bytes:
    """Base64 of `raw`, without a line break."""
    return binascii.b2a_base64(raw, newline=False)


def decode(text: bytes) -> bytes:
    """The bytes that `encode` turns into exactly `text`. Raises `Base64Error` when there are none.

    Stricter than the standard library, which ignores the unused bits of the last character and surplus padding:
    two texts for one value would hide a flipped bit, and could not be rebuilt.
    """
    if len(text) % 4:
        stray = _OUTSIDE.search(text.rstrip(b"="))
        raise Base64Error(
            f"{len(text)} characters are not a multiple of four"
            if stray is None
            else f"byte {stray.start()} is not a base64 character"
        )
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        stray = _OUTSIDE.search(text)
        at = stray.start() if stray is not None else len(text)
        raise Base64Error(f"byte {at} is not a base64 character") from None
    if encode(raw) != text:
        raise Base64Error(f"the characters before byte {len(text)} have stray bits or padding")
    return raw
