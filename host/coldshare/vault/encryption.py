"""The vendor's own encryption of a `.vult`: reading it. coldshare never writes it, and never relies on it.

Both forms are AES-256-GCM without associated data, and only the blob's first four bytes tell them apart:

- `VLT\\x02`: magic[4], salt[16], iv[12], ciphertext, tag[16]; key = PBKDF2-HMAC-SHA256, 600 000 iterations.
- legacy: nonce[12], ciphertext, tag[16]; key = SHA-256 of the password.

A blob is opened as the one form that its first bytes name, never as the other after a failure.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

from .errors import FileDamagedError, NotYetContainerError, VaultPasswordWrongError

VLT2_MAGIC: Final = b"VLT\x02"
VLT2_ITERATIONS: Final = 600_000
SALT_SIZE: Final = 16
NONCE_SIZE: Final = 12
KEY_SIZE: Final = 32
TAG_SIZE: Final = 16


class Encryption(StrEnum):
    """How a vault file protects what is inside it."""

    NONE = "none"
    LEGACY = "legacy"
    VLT2 = "vlt2"


def encryption_of(blob: bytes) -> Encryption:
    """The form of an encrypted blob."""
    return Encryption.VLT2 if blob.startswith(VLT2_MAGIC) else Encryption.LEGACY


def decrypt(blob: bytes, password: str) -> bytes:
    """The vault message in an encrypted blob. Raises `FileDamagedError`, `VaultPasswordWrongError`."""
    try:
        secret = password.encode()
    except UnicodeEncodeError:  # its text would quote the password
        raise VaultPasswordWrongError("The password is not valid text.") from None
    if encryption_of(blob) is Encryption.VLT2:
        salt_end = len(VLT2_MAGIC) + SALT_SIZE
        salt, sealed = blob[len(VLT2_MAGIC) : salt_end], blob[salt_end:]
        _check_size(sealed)
        key = vlt2_key(secret, salt)
    else:
        sealed = blob
        _check_size(sealed)
        key = legacy_key(secret)
    try:
        return _open(key, sealed)
    except VaultPasswordWrongError:
        # One nonce in 2^24 begins like this; a form that is newer than this code is likelier.
        if blob.startswith(VLT2_MAGIC[:3]) and not blob.startswith(VLT2_MAGIC):
            raise NotYetContainerError(
                f"This file's encryption calls itself VLT version {blob[3]}; coldshare knows version 2."
            ) from None
        raise


def legacy_key(password: bytes) -> bytes:
    """The key of a legacy blob: 32 bytes."""
    return hashlib.sha256(password).digest()


def vlt2_key(password: bytes, salt: bytes) -> bytes:
    """The key of a `VLT\\x02` blob: 32 bytes, in about 0.2 s."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, VLT2_ITERATIONS, KEY_SIZE)


def _check_size(sealed: bytes) -> None:
    if len(sealed) <= NONCE_SIZE + TAG_SIZE:
        raise FileDamagedError("The encrypted vault in this file is cut short: too few bytes to hold one.")


def _open(key: bytes, sealed: bytes) -> bytes:
    # Imported here: most users of this package never open an encrypted file, and the library is slow to load.
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], None)
    except InvalidTag:
        raise VaultPasswordWrongError from None
