"""X25519 (RFC 7748) on Python integers, and the token's Noise suite. Portable subset.

Python integers are not constant time. Sessions use fresh keys only, so their timing teaches nothing that lasts. The
static key is used in pairing handshakes, which anybody at the cable may start; whoever timed it out of the token could
pose as this token at a later pairing, and there the two codes are compared by eye.
"""

from coldshare_iface.suite import A128cbcHs256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable

    from coldshare_firmware.types import Hal

_P = (1 << 255) - 19
_MASK = (1 << 255) - 1
_A24 = 121665
# Added before a subtraction so that no intermediate is negative: a multiple of p above every folded value.
_BIAS = 4 * _P
_BASE = b"\x09" + bytes(31)


def _fold(x: int) -> int:
    """Below 2^255 + 2^12 for every x that occurs here. One fold is not enough: ladder values would grow."""
    x = (x & _MASK) + 19 * (x >> 255)
    return (x & _MASK) + 19 * (x >> 255)


def x25519(private: bytes, public: bytes, progress: "Callable[[], None] | None" = None) -> bytes:
    """The shared secret, 32 bytes; all zeros for a public key of low order (the caller refuses those).

    `progress` is called 16 times on the way, at the same places whatever the key.
    """
    k = int.from_bytes(private, "little")
    k = (k & ~7 & ((1 << 254) - 1)) | (1 << 254)
    x1 = int.from_bytes(public, "little") & _MASK
    x2, z2, x3, z3 = 1, 0, x1, 1
    swapped = 0
    for t in range(254, -1, -1):
        bit = (k >> t) & 1
        if swapped ^ bit:
            x2, x3 = x3, x2
            z2, z3 = z3, z2
        swapped = bit
        a = x2 + z2
        b = x2 - z2 + _BIAS
        aa = _fold(a * a)
        bb = _fold(b * b)
        e = aa - bb + _BIAS
        da = _fold((x3 - z3 + _BIAS) * a)
        cb = _fold((x3 + z3) * b)
        s = da + cb
        d = da - cb + _BIAS
        x3 = _fold(s * s)
        z3 = _fold(x1 * _fold(d * d))
        x2 = _fold(aa * bb)
        z2 = _fold(e * (aa + _fold(_A24 * e)))
        if progress is not None and not t & 15:
            progress()
    if swapped:
        x2, z2 = x3, z3
    # Fermat, because pow(a, -1, p) returns 0 on MicroPython.
    out = x2 % _P * pow(z2 % _P, _P - 2, _P) % _P
    return out.to_bytes(32, "little")


class TokenSuite:
    """X25519 and A128CBC-HS256 with the board's AES and randomness (`coldshare_iface.types.Suite`)."""

    name = "25519_A128CBCHS256_SHA256"

    def __init__(self, hal: "Hal") -> None:
        self._hal = hal
        self._progress: Callable[[], None] | None = getattr(hal, "progress", None)

    def generate(self) -> bytes:
        return self._hal.random(32)

    def public(self, private: bytes) -> bytes:
        return x25519(private, _BASE, self._progress)

    def dh(self, private: bytes, public: bytes) -> bytes:
        return x25519(private, public, self._progress)

    def cipher(self, key: bytes) -> A128cbcHs256:
        return A128cbcHs256(self._hal.aes, key)

    def cipherlen(self, n: int) -> int:
        return A128cbcHs256.cipherlen(n)
