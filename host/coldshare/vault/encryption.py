"""The vendor's own encryption of a vault file: reading it. coldshare never writes it, and never relies on it.

Both forms of a `.vult` are AES-256-GCM without associated data, and only the blob's first four bytes tell them apart:

- `VLT\\x02`: magic[4], salt[16], iv[12], ciphertext, tag[16]; key = PBKDF2-HMAC-SHA256, 600 000 iterations.
- legacy: nonce[12], ciphertext, tag[16]; key = SHA-256 of the password.

A blob is opened as the one form that its first bytes name, never as the other after a failure.

The oldest backups (`.dat`) are legacy blobs without a container around them, and before those came AES-256-CBC with
PKCS #7 padding, a zero IV and the legacy key, which authenticates nothing: what it gives is good only if its content
proves so. Nothing marks either, so such a file is told by looking like nothing else: `looks_encrypted`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from .errors import FileDamagedError, NotYetContainerError, VaultPasswordWrongError

VLT2_MAGIC: Final = b"VLT\x02"
VLT2_ITERATIONS: Final = 600_000
SALT_SIZE: Final = 16
NONCE_SIZE: Final = 12
KEY_SIZE: Final = 32
TAG_SIZE: Final = 16

_BLOCK_SIZE: Final = 16
# Old backups have 28 KB and more.
_SAMPLE_SIZE: Final = 64 * 1024
_MIN_SAMPLE: Final = 8 * 1024
# Quick to see, and true of all but one ciphertext in 10^20.
_MIN_VALUES: Final = 240
# Mean 255, standard deviation 22.6.
_CHI_SQUARED_LIMIT: Final = 395.0


class Encryption(StrEnum):
    """How a vault file protects what is inside it."""

    NONE = "none"
    LEGACY = "legacy"
    VLT2 = "vlt2"
    CBC = "cbc"


def encryption_of(blob: bytes) -> Encryption:
    """The form of an encrypted blob."""
    return Encryption.VLT2 if blob.startswith(VLT2_MAGIC) else Encryption.LEGACY


def decrypt(blob: bytes, password: str) -> bytes:
    """The vault message in an encrypted blob. Raises `FileDamagedError`, `VaultPasswordWrongError`."""
    secret = _encoded(password)
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


def looks_encrypted(blob: bytes) -> bool:
    """Whether nothing tells `blob` from random bytes: no value occurs too often or too seldom.

    Pearson's chi-squared test on its first 64 KiB, 255 degrees of freedom: of ciphertexts one in 10^8 fails it. Most
    compressed files and pictures fail it too, for their headers and tables; one that passes costs a question for a
    password that nothing opens.
    """
    sample = blob[:_SAMPLE_SIZE]
    if len(sample) < _MIN_SAMPLE or len(set(sample)) < _MIN_VALUES:
        return False
    expected = len(sample) / 256
    counts = Counter(sample)
    return sum((counts[value] - expected) ** 2 for value in range(256)) / expected < _CHI_SQUARED_LIMIT


def decrypt_old(blob: bytes, password: str, is_plaintext: Callable[[bytes], bool]) -> tuple[bytes, Encryption]:
    """What is in the encrypted blob of an old backup, and how it was encrypted.

    `is_plaintext` recognises what AES-CBC cannot authenticate. Raises `VaultPasswordWrongError`.
    """
    key = legacy_key(_encoded(password))
    try:
        return _open(key, blob), Encryption.LEGACY
    except VaultPasswordWrongError:
        plaintext = _open_cbc(key, blob)
        if plaintext is None or not is_plaintext(plaintext):
            raise
        return plaintext, Encryption.CBC


def legacy_key(password: bytes) -> bytes:
    """The key of a legacy blob: 32 bytes."""
    return hashlib.sha256(password).digest()


def vlt2_key(password: bytes, salt: bytes) -> bytes:
    """The key of a `VLT\\x02` blob: 32 bytes, in about 0.2 s."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, VLT2_ITERATIONS, KEY_SIZE)


def _encoded(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError:  # its text would quote the password
        raise VaultPasswordWrongError("The password is not valid text.") from None


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


def _open_cbc(key: bytes, blob: bytes) -> bytes | None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    if not blob or len(blob) % _BLOCK_SIZE:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK_SIZE))).decryptor()
    unpadder = PKCS7(8 * _BLOCK_SIZE).unpadder()
    padded = decryptor.update(blob) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
