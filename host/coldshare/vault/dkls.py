"""The raw ECDSA share of the DKLS library: its layout, and whether its numbers belong together.

    magic 00000001 | extra u32 BE | n u8 | t u8 | party u8 | final_session_id 32 | root_chain_code 32
    | public_key 33 | key_id 32 | s_i 32 (secret, big endian)                                    = 172 bytes
    then per party:       rank u8 | S_k 33 | x_k 32 (big endian) | zeta_seed 32 (secret)         =  98 bytes
    then per other party: OT seeds (secret)                                                      = 65,600 bytes
    then `extra` bytes

x_k are the points of Shamir's polynomial. Keygen draws them at random; a reshare sets x_k = k + 1.
Source: silence-laboratories/dkls23, src/keygen/keyshare/details.rs, and the shares of the vendor's apps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import curves
from .checks import Checks
from .limits import MAX_BLANK_RUN, MAX_PARTIES
from .shamir import PublicShares, check_public_shares

MAGIC: Final = b"\x00\x00\x00\x01"
HEADER_SIZE: Final = 172
ENTRY_SIZE: Final = 98
OT_SEEDS_SIZE: Final = 65_600

_GENERATION: Final = slice(11, 43)
_CHAIN_CODE: Final = slice(43, 75)
_PUBLIC_KEY: Final = slice(75, 108)
_KEY_ID: Final = slice(108, 140)
SECRET: Final = slice(140, 172)
_ENTRY_PUBLIC_SHARE: Final = slice(1, 34)
_ENTRY_POINT: Final = slice(34, 66)


@dataclass(frozen=True, slots=True)
class DklsPublic:
    """The public values of a checked ECDSA share."""

    parties: int
    threshold: int
    index: int
    generation: bytes
    chain_code: bytes
    public_key: bytes
    key_id: bytes
    #: x_k, 32 bytes big endian, by party index.
    points: tuple[bytes, ...]
    #: S_k = f(x_k)*G, 33 bytes compressed, by party index.
    public_shares: tuple[bytes, ...]

    @property
    def reshared(self) -> bool:
        """Whether this share came out of a reshare: the library then derives key_id from the public key."""
        return self.key_id == self.public_key[: len(self.key_id)]


def size_of(parties: int, extra: int = 0) -> int:
    """Bytes of a share for so many parties."""
    return HEADER_SIZE + ENTRY_SIZE * parties + OT_SEEDS_SIZE * (parties - 1) + extra


def read_dkls(raw: bytes, checks: Checks) -> DklsPublic:
    """The public values of `raw` after every check that needs only `raw`. Raises `ShareCheckError`."""
    public = _read_layout(raw, checks)
    _check_arithmetic(public, raw[SECRET], checks)
    return public


def _read_layout(raw: bytes, checks: Checks) -> DklsPublic:
    checks.require("dkls_header", len(raw) >= HEADER_SIZE, f"It has {len(raw)} bytes, a header has {HEADER_SIZE}.")
    checks.require("dkls_magic", raw.startswith(MAGIC), f"Its first 4 bytes are {raw[:4].hex()}.")
    extra = int.from_bytes(raw[4:8], "big")
    parties, threshold, index = raw[8], raw[9], raw[10]
    checks.require("dkls_parties", 2 <= parties <= MAX_PARTIES, f"Byte 8 says {parties}.")
    checks.require("dkls_threshold", 2 <= threshold <= parties, f"Byte 9 says {threshold} of {parties}.")
    checks.require("dkls_index", index < parties, f"Byte 10 says {index} of {parties}, counted from 0.")
    expected = size_of(parties, extra)
    checks.require(
        "dkls_size",
        len(raw) == expected,
        f"For {parties} parties and {extra} extra bytes it should have {expected} bytes; it has {len(raw)}.",
    )
    generation = raw[_GENERATION]
    checks.require("dkls_generation", any(generation), "Bytes 11 to 42 are all zero.")

    points: list[bytes] = []
    public_shares: list[bytes] = []
    for party in range(parties):
        at = HEADER_SIZE + ENTRY_SIZE * party
        entry = raw[at : at + ENTRY_SIZE]
        checks.require("dkls_rank", entry[0] == 0, f"Party {party} (byte {at}) has rank {entry[0]}.")
        point = entry[_ENTRY_POINT]
        checks.require(
            "dkls_points",
            0 < int.from_bytes(point, "big") < curves.SECP256K1_ORDER and point not in points,
            f"That of party {party} (byte {at + _ENTRY_POINT.start}) is not.",
        )
        points.append(point)
        public_shares.append(entry[_ENTRY_PUBLIC_SHARE])

    # A share whose seeds were blanked on both sides still signs, under seeds that anyone can guess.
    seeds_at = HEADER_SIZE + ENTRY_SIZE * parties
    blank_at = raw.find(bytes(MAX_BLANK_RUN), seeds_at, size_of(parties))
    checks.require("dkls_ot_seeds", blank_at < 0, f"Such a run begins at byte {blank_at}.")
    return DklsPublic(
        parties=parties,
        threshold=threshold,
        index=index,
        generation=generation,
        chain_code=raw[_CHAIN_CODE],
        public_key=raw[_PUBLIC_KEY],
        key_id=raw[_KEY_ID],
        points=tuple(points),
        public_shares=tuple(public_shares),
    )


def _check_arithmetic(public: DklsPublic, secret: bytes, checks: Checks) -> None:
    key_ok = curves.secp256k1_is_point(public.public_key)
    checks.require("dkls_public_key_valid", key_ok, f"Bytes {_PUBLIC_KEY.start} to {_PUBLIC_KEY.stop - 1} are not.")
    for party, value in enumerate(public.public_shares):
        at = HEADER_SIZE + ENTRY_SIZE * party + _ENTRY_PUBLIC_SHARE.start
        checks.require(
            "dkls_public_shares_valid",
            curves.secp256k1_is_point(value),
            f"That of party {party} (byte {at}) is not.",
        )
    own = curves.secp256k1_times_base(secret)
    checks.require("dkls_secret_range", own is not None, f"The 32 bytes at byte {SECRET.start} are not.")
    checks.require(
        "dkls_own_public_share",
        own == public.public_shares[public.index],
        f"The secret at byte {SECRET.start} does not belong to the public share of party {public.index}.",
    )
    points = [int.from_bytes(point, "big") for point in public.points]
    shares = PublicShares(
        points, public.public_shares, public.public_key, public.threshold, curves.secp256k1_interpolate
    )
    check_public_shares(shares, "dkls", "", checks)
