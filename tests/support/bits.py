"""Damage that is damage whatever the bytes were."""

from __future__ import annotations


def flip(data: bytes, at: int = -1) -> bytes:
    """`data` with one bit of the byte `at` turned over. A byte *set* to a value would be the old one now and then."""
    out = bytearray(data)
    out[at] ^= 1
    return bytes(out)
