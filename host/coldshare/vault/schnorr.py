"""The raw EdDSA share (132 bytes): its layout, and what can be checked of it alone.

    t u8 | n u8 | party u8 | s_i 32 (secret, little endian) | public_key 32 | key_id 32 | 00 | chain_code 32

Its point of Shamir's polynomial is party + 1. It holds no S_k and no session id, so one share cannot be checked
against the key: S_i = s_i*B is recorded, and t recorded ones can. Its chain code is the library's own, never the
vault's, and all zero for a party that joined in a reshare; the vault derives nothing from it.
Source: the shares of the vendor's apps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import curves
from .checks import Checks

SIZE: Final = 132

SECRET: Final = slice(3, 35)
_PUBLIC_KEY: Final = slice(35, 67)
_KEY_ID: Final = slice(67, 99)
_RESERVED: Final = 99


@dataclass(frozen=True, slots=True)
class SchnorrPublic:
    """The public values of a checked EdDSA share."""

    threshold: int
    parties: int
    index: int
    public_key: bytes
    key_id: bytes
    #: S_i = s_i*B, 32 bytes.
    public_share: bytes
    #: Always 0 in the shares known so far.
    reserved: int

    @property
    def reshared(self) -> bool:
        """Whether this share came out of a reshare: the library then derives key_id from the public key."""
        return self.key_id == self.public_key


def read_schnorr(raw: bytes, checks: Checks) -> SchnorrPublic:
    """The public values of `raw` after every check that needs only `raw`. Raises `ShareCheckError`."""
    checks.require("schnorr_size", len(raw) == SIZE, f"It has {len(raw)}.")
    public_key = raw[_PUBLIC_KEY]
    checks.require(
        "schnorr_public_key_valid",
        curves.ed25519_is_point(public_key),
        f"Bytes {_PUBLIC_KEY.start} to {_PUBLIC_KEY.stop - 1} are not.",
    )
    public_share = curves.ed25519_times_base(raw[SECRET])
    where = f"The 32 bytes at byte {SECRET.start} are not."
    checks.require("schnorr_secret_range", public_share is not None, where)
    return SchnorrPublic(
        threshold=raw[0],
        parties=raw[1],
        index=raw[2],
        public_key=public_key,
        key_id=raw[_KEY_ID],
        public_share=public_share or b"",
        reserved=raw[_RESERVED],
    )
