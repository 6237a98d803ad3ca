"""The arithmetic of Shamir shares on secp256k1 and edwards25519.

Python's integers see public values only (points' coordinates x_k, Lagrange coefficients). Secret scalars go
straight into libsecp256k1 and libsodium. Lagrange interpolation: Shamir, "How to share a secret" (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: Order of secp256k1: SEC 2 v2, section 2.4.1.
SECP256K1_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
#: Order of the prime subgroup of edwards25519: RFC 8032, section 5.1.
ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493

# The field and the curve of edwards25519: RFC 8032, section 5.1.
_ED25519_FIELD: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_FIELD) % _ED25519_FIELD
_ED25519_NEUTRAL: Final = (1).to_bytes(32, "little")


def lagrange(points: Sequence[int], at: int, order: int) -> list[int]:
    """Coefficients c_k with f(at) = sum of c_k*f(points[k]) mod `order` for every f of degree below len(points).

    `points` must be distinct mod `order`.
    """
    coefficients = []
    for k, x_k in enumerate(points):
        above = below = 1
        for j, x_j in enumerate(points):
            if j != k:
                above = above * (at - x_j) % order
                below = below * (x_k - x_j) % order
        coefficients.append(above * pow(below, -1, order) % order)
    return coefficients


def secp256k1_is_point(point: bytes) -> bool:
    """Whether the 33 bytes are a compressed point. The point at infinity has no such form."""
    from coincurve import PublicKey

    try:
        return PublicKey(point).format() == point
    except ValueError:
        return False


def secp256k1_from_coordinates(x: int, y: int) -> bytes | None:
    """The point (x, y), compressed (33 bytes); None where it is not on the curve."""
    from coincurve import PublicKey

    if max(x, y).bit_length() > 256:
        return None
    try:
        return PublicKey(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")).format()
    except ValueError:
        return None


def secp256k1_times_base(scalar: bytes) -> bytes | None:
    """scalar*G, compressed (33 bytes), of 32 big-endian bytes; None where the scalar is not in 1..order-1."""
    from coincurve import PublicKey

    try:
        return PublicKey.from_secret(scalar).format()
    except ValueError:
        return None


def secp256k1_interpolate(points: Sequence[int], values: Sequence[bytes], at: int) -> bytes | None:
    """f(at)*G, compressed, given f(points[k])*G = values[k]; None for infinity. Public values only."""
    from coincurve import PublicKey

    terms = [
        PublicKey(value).multiply(coefficient.to_bytes(32, "big"))
        for value, coefficient in zip(values, lagrange(points, at, SECP256K1_ORDER), strict=True)
        if coefficient
    ]
    try:
        return PublicKey.combine_keys(terms).format()
    except ValueError:
        return None


def ed25519_is_point(point: bytes) -> bool:
    """Whether the 32 bytes are a canonical point of the prime subgroup, and not the identity."""
    from nacl.bindings import crypto_core_ed25519_is_valid_point

    return bool(crypto_core_ed25519_is_valid_point(point))


def ed25519_from_coordinates(x: int, y: int) -> bytes | None:
    """The point (x, y), encoded (32 bytes); None where it is not a point as `ed25519_is_point` has it."""
    if max(x, y) >= _ED25519_FIELD:
        return None
    x2, y2 = x * x, y * y
    if (y2 - x2 - 1 - _ED25519_D * x2 * y2) % _ED25519_FIELD:
        return None
    point = (y | (x & 1) << 255).to_bytes(32, "little")
    return point if ed25519_is_point(point) else None


def ed25519_times_base(scalar: bytes) -> bytes | None:
    """scalar*B (32 bytes), of 32 little-endian bytes; None where the scalar is not in 1..order-1."""
    from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

    if not 0 < int.from_bytes(scalar, "little") < ED25519_ORDER:
        return None
    return crypto_scalarmult_ed25519_base_noclamp(scalar)


def ed25519_interpolate(points: Sequence[int], values: Sequence[bytes], at: int) -> bytes | None:
    """f(at)*B (32 bytes) given f(points[k])*B = values[k]; None for the neutral element. Public values only."""
    from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_noclamp

    total = _ED25519_NEUTRAL
    for value, coefficient in zip(values, lagrange(points, at, ED25519_ORDER), strict=True):
        if coefficient:
            term = crypto_scalarmult_ed25519_noclamp(coefficient.to_bytes(32, "little"), value)
            total = crypto_core_ed25519_add(total, term)
    return None if total == _ED25519_NEUTRAL else total
