"""AES-128 in C, as MicroPython has it. Portable subset."""

from cryptolib import aes  # type: ignore[import-not-found, unused-ignore]

_ECB = 1
_CBC = 2


class Aes:
    """`coldshare_iface.types.Aes`."""

    def ecb_encrypt(self, key: bytes, block: bytes) -> bytes:
        out: bytes = aes(key, _ECB).encrypt(block)
        return out

    def cbc_encrypt(self, key: bytes, iv: bytes, data: "bytes | memoryview") -> bytes:
        out: bytes = aes(key, _CBC, iv).encrypt(data)
        return out

    def cbc_decrypt(self, key: bytes, iv: bytes, data: "bytes | memoryview") -> bytes:
        out: bytes = aes(key, _CBC, iv).decrypt(data)
        return out
