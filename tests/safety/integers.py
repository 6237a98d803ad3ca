"""Both curves and Shamir's interpolation in plain Python integers: slow, short, and shared with nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
G = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)
Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
B = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def secp256k1(scalar: int) -> bytes:
    """scalar*G, compressed, by doubling and adding."""
    total: tuple[int, int] | None = None
    for bit, term in enumerate(_doubles_of_g()):
        if (scalar % N) >> bit & 1:
            total = _weierstrass(total, term)
    assert total is not None
    return bytes([2 + (total[1] & 1)]) + total[0].to_bytes(32, "big")


@cache
def _doubles_of_g() -> list[tuple[int, int]]:
    """2**n * G, for every bit of a scalar."""
    terms = [G]
    while len(terms) < 256:
        doubled = _weierstrass(terms[-1], terms[-1])
        assert doubled is not None
        terms.append(doubled)
    return terms


def _weierstrass(a: tuple[int, int] | None, b: tuple[int, int]) -> tuple[int, int] | None:
    if a is None:
        return b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def ed25519(scalar: int) -> bytes:
    """scalar*B, as RFC 8032 writes points."""
    total = (0, 1)
    for bit, term in enumerate(_doubles_of_b()):
        if (scalar % L) >> bit & 1:
            total = _edwards(total, term)
    return (total[1] | (total[0] & 1) << 255).to_bytes(32, "little")


@cache
def _doubles_of_b() -> list[tuple[int, int]]:
    """2**n * B, for every bit of a scalar."""
    terms = [B]
    while len(terms) < 253:
        terms.append(_edwards(terms[-1], terms[-1]))
    return terms


def _edwards(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    product = D * a[0] * b[0] * a[1] * b[1] % Q
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, Q) % Q
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, Q) % Q
    return x, y


def at_zero(shares: Sequence[tuple[int, int]], order: int) -> int:
    """f(0) of the polynomial through these (x, f(x))."""
    total = 0
    for x, value in shares:
        for other, _ in shares:
            if other != x:
                value = value * other * pow(other - x, -1, order) % order
        total += value
    return total % order


def fit(shares: Sequence[tuple[int, int]], threshold: int, secret: int, order: int) -> bool:
    """Whether every `threshold` of them give the secret: all of them are tried."""
    return all(at_zero(some, order) == secret for some in combinations(shares, threshold))
