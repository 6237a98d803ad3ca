"""The symmetric half of the channel: HMAC, HKDF and AEAD_AES_128_CBC_HMAC_SHA_256. Portable subset.

Stock MicroPython has SHA-256 and AES-ECB/CBC in C and nothing else, so the AEAD is composed here from those two;
AES comes from outside (`aes`): `cryptolib` on a board, `cryptography` on a computer.
"""

import hashlib

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_iface.types import Aes

_BLOCK = 64
# Bytes that pass through AES at once. A board has no room for two whole records.
_SLICE = 2048


class TagError(Exception):
    """A ciphertext does not verify."""


def sha256(*parts: "bytes | bytearray | memoryview") -> bytes:
    """SHA-256 of the concatenation of `parts`."""
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


def hmac_sha256(key: bytes, *parts: "bytes | memoryview") -> bytes:
    """HMAC-SHA256 (RFC 2104) of the concatenation of `parts`."""
    if len(key) > _BLOCK:
        key = sha256(key)
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([b ^ 0x36 for b in key]))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256(bytes([b ^ 0x5C for b in key]))
    outer.update(inner.digest())
    return outer.digest()


def hkdf(salt: bytes, secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA256 (RFC 5869), extract then expand."""
    prk = hmac_sha256(salt, secret)
    block = b""
    out = b""
    counter = 1
    while len(out) < size:
        block = hmac_sha256(prk, block, info, bytes((counter,)))
        out += block
        counter += 1
    return out[:size]


def equal(a: bytes, b: bytes) -> bool:
    """Compare without leaving early at the first difference."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0


class A128cbcHs256:
    """AEAD_AES_128_CBC_HMAC_SHA_256 (RFC 7518 section 5.2.3) behind a 64-bit counter nonce.

    The key is `MAC key [16] | AES key [16]`. The IV of nonce n is AES-ECB(AES key, n as a 16-byte block), which is
    unpredictable without the key (NIST SP 800-38A appendix C) and therefore need not be sent.
    """

    def __init__(self, aes: "Aes", key: bytes) -> None:
        self._aes = aes
        self._mac_key = key[:16]
        self._aes_key = key[16:]

    @staticmethod
    def cipherlen(n: int) -> int:
        """Length of the ciphertext of `n` bytes: CBC pads to the next whole block, the tag adds 16."""
        return 16 * (n // 16 + 1) + 16

    def _iv(self, nonce: int) -> bytes:
        return self._aes.ecb_encrypt(self._aes_key, nonce.to_bytes(16, "big"))

    def _tag(self, iv: bytes, ad: bytes, body: "bytes | memoryview") -> bytes:
        bits = (8 * len(ad)).to_bytes(8, "big")
        return hmac_sha256(self._mac_key, ad, iv, body, bits)[:16]

    def encrypt(self, nonce: int, ad: bytes, plaintext: bytes) -> bytes:
        return self.encrypt_iv(self._iv(nonce), ad, plaintext)

    def decrypt(self, nonce: int, ad: bytes, ciphertext: bytes) -> bytes:
        """Raises TagError; nothing is decrypted before the tag has been checked."""
        return self.decrypt_iv(self._iv(nonce), ad, ciphertext)

    def seal(self, nonce: int, ad: bytes, buffer: "bytearray | memoryview", size: int) -> None:
        """Encrypt the first `size` bytes of `buffer` where they are; it has room for `cipherlen(size)`."""
        self._seal(self._iv(nonce), ad, buffer, size)

    def open(self, nonce: int, ad: bytes, buffer: "bytearray | memoryview") -> int:
        """Decrypt all of `buffer` where it is; how many bytes at its beginning are plaintext. Raises TagError."""
        return self._open(self._iv(nonce), ad, buffer)

    def encrypt_iv(self, iv: bytes, ad: bytes, plaintext: bytes) -> bytes:
        size = len(plaintext)
        buffer = bytearray(self.cipherlen(size))
        buffer[:size] = plaintext
        self._seal(iv, ad, buffer, size)
        return bytes(buffer)

    def decrypt_iv(self, iv: bytes, ad: bytes, ciphertext: bytes) -> bytes:
        buffer = bytearray(ciphertext)
        size = self._open(iv, ad, buffer)
        return bytes(memoryview(buffer)[:size])

    def _seal(self, iv: bytes, ad: bytes, buffer: "bytearray | memoryview", size: int) -> None:
        end = len(buffer) - 16
        pad = end - size
        buffer[size:end] = bytes((pad,)) * pad
        view = memoryview(buffer)
        last = iv
        for at in range(0, end, _SLICE):
            part = self._aes.cbc_encrypt(self._aes_key, last, view[at : min(at + _SLICE, end)])
            buffer[at : at + len(part)] = part
            last = part[-16:]
        buffer[end:] = self._tag(iv, ad, view[:end])

    def _open(self, iv: bytes, ad: bytes, buffer: "bytearray | memoryview") -> int:
        end = len(buffer) - 16
        if end < 16 or end % 16:
            raise TagError("a ciphertext of an impossible length")
        view = memoryview(buffer)
        if not equal(self._tag(iv, ad, view[:end]), bytes(view[end:])):
            raise TagError("the tag does not verify")
        last = iv
        for at in range(0, end, _SLICE):
            part = view[at : min(at + _SLICE, end)]
            following = bytes(part[-16:])
            buffer[at : at + len(part)] = self._aes.cbc_decrypt(self._aes_key, last, part)
            last = following
        pad = buffer[end - 1]
        if pad < 1 or pad > 16 or bytes(view[end - pad : end]) != bytes((pad,)) * pad:
            raise TagError("bad padding under a good tag")
        return end - pad
