"""The cryptography that the seal stands on, one function each, and the only module that imports it.

The imports are inside the functions: `cryptography` takes longer to load than the rest of a command's start.
"""

from __future__ import annotations

from coldshare.seal import profile
from coldshare.seal.errors import KdfCostError, KdfUnavailableError


class AuthenticationError(Exception):
    """A key does not fit, or the bytes were changed. Never leaves this package."""


def hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256, extract and expand, 32 bytes (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), profile.KEY_LEN, salt, info).derive(secret)


def hkdf_expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand with SHA-256, 32 bytes, for a key that is already uniform (RFC 5869 section 2.3)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    return HKDFExpand(SHA256(), profile.KEY_LEN, info).derive(key)


def argon2id(password: bytes, salt: bytes, *, memory_kib: int, passes: int, lanes: int) -> bytes:
    """Argon2id version 0x13, 32 bytes (RFC 9106). Bounds are the caller's duty."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        return Argon2id(
            salt=salt, length=profile.KEY_LEN, iterations=passes, lanes=lanes, memory_cost=memory_kib
        ).derive(password)
    except UnsupportedAlgorithm as error:
        raise KdfUnavailableError from error
    except MemoryError as error:
        raise KdfCostError(
            f"This computer cannot provide the {memory_kib >> 10} MiB of memory that the password needs.",
            next_step="Close other programs and try again, or use a computer with more memory.",
        ) from error


def wrap(key: bytes, secret: bytes) -> bytes:
    """AES-256 key wrap of `secret` (RFC 3394); 8 bytes longer."""
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    return aes_key_wrap(key, secret)


def unwrap(key: bytes, wrapped: bytes) -> bytes:
    """Undo `wrap`, or raise `AuthenticationError`."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    try:
        return aes_key_unwrap(key, wrapped)
    except InvalidUnwrap:
        raise AuthenticationError from None


def encrypt(key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """AES-256-GCM (NIST SP 800-38D); the 16-byte tag is at the end."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).encrypt(iv, plaintext, aad)


def decrypt(key: bytes, iv: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Undo `encrypt`, or raise `AuthenticationError`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(iv, ciphertext, aad)
    except InvalidTag:
        raise AuthenticationError from None
