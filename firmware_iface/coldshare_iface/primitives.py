"""AES and X25519 on a computer, from the `cryptography` package, in the shapes the portable half expects."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from coldshare_iface.noise import NoiseError
from coldshare_iface.suite import A128cbcHs256


class NativeAes:
    """AES-128, ECB and CBC, whole blocks only (`coldshare_iface.types.Aes`)."""

    def ecb_encrypt(self, key: bytes, block: bytes) -> bytes:
        # One block of a counter under a fresh key: the use SP 800-38A appendix C describes, not ECB of a message.
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
        return encryptor.update(block) + encryptor.finalize()

    def cbc_encrypt(self, key: bytes, iv: bytes, data: bytes | memoryview) -> bytes:
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def cbc_decrypt(self, key: bytes, iv: bytes, data: bytes | memoryview) -> bytes:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()


class NativeSuite:
    """X25519 and A128CBC-HS256 for the host (`coldshare_iface.types.Suite`)."""

    name = "25519_A128CBCHS256_SHA256"

    def __init__(self) -> None:
        self._aes = NativeAes()

    def generate(self) -> bytes:
        return X25519PrivateKey.generate().private_bytes_raw()

    def public(self, private: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def dh(self, private: bytes, public: bytes) -> bytes:
        try:
            peer = X25519PublicKey.from_public_bytes(public)
            return X25519PrivateKey.from_private_bytes(private).exchange(peer)
        except ValueError:
            raise NoiseError("the peer sent a public key of low order") from None

    def cipher(self, key: bytes) -> A128cbcHs256:
        return A128cbcHs256(self._aes, key)

    def cipherlen(self, n: int) -> int:
        return A128cbcHs256.cipherlen(n)
