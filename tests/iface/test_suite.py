"""The symmetric half of the channel against C2SP Wycheproof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare_iface.primitives import NativeAes
from coldshare_iface.suite import A128cbcHs256, TagError, equal, hkdf, hmac_sha256, sha256


def cases(vectors_dir: Path, name: str, count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every (group, test) of a file; `count` of them, so that an empty file is no success."""
    data = json.loads((vectors_dir / "wycheproof" / f"{name}_test.json").read_text())
    out = [(group, test) for group in data["testGroups"] for test in group["tests"]]
    assert len(out) == data["numberOfTests"] == count
    return out


def test_a128cbc_hs256(vectors_dir: Path) -> None:
    opened = 0
    for _, test in cases(vectors_dir, "a128cbc_hs256", 94):
        key, iv, ad, message, body, tag = (bytes.fromhex(test[k]) for k in ("key", "iv", "aad", "msg", "ct", "tag"))
        cipher = A128cbcHs256(NativeAes(), key)
        if test["result"] == "valid":
            assert cipher.encrypt_iv(iv, ad, message) == body + tag, test["tcId"]
            assert cipher.decrypt_iv(iv, ad, body + tag) == message, test["tcId"]
            assert A128cbcHs256.cipherlen(len(message)) == len(body + tag)
            opened += 1
        else:
            with pytest.raises(TagError):
                cipher.decrypt_iv(iv, ad, body + tag)
    assert opened


def test_hmac(vectors_dir: Path) -> None:
    for group, test in cases(vectors_dir, "hmac_sha256", 174):
        key, message = bytes.fromhex(test["key"]), bytes.fromhex(test["msg"])
        tag = hmac_sha256(key, message)[: group["tagSize"] // 8]
        assert (tag.hex() == test["tag"]) == (test["result"] == "valid"), test["tcId"]
        # Parts are one message.
        assert hmac_sha256(key, message[:3], message[3:]) == hmac_sha256(key, message)


def test_hkdf(vectors_dir: Path) -> None:
    for _, test in cases(vectors_dir, "hkdf_sha256", 86):
        ikm, salt, info = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info"))
        if test["result"] == "valid":
            assert hkdf(salt, ikm, info, test["size"]).hex() == test["okm"], test["tcId"]
        else:
            assert test["flags"] == ["SizeTooLarge"]
            with pytest.raises(ValueError, match="range"):
                hkdf(salt, ikm, info, test["size"])


def test_sha256_takes_parts() -> None:
    # FIPS 180-2 appendix B.1
    assert sha256(b"a", b"", b"bc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal(a: bytes, b: bytes) -> None:
    assert equal(a, b) == (a == b)
    assert equal(a, bytes(a))


@given(st.integers(0, (1 << 64) - 2), st.binary(max_size=70), st.binary(max_size=200), st.integers(0, 1 << 20))
def test_the_record_cipher(nonce: int, ad: bytes, plaintext: bytes, at: int) -> None:
    cipher = A128cbcHs256(NativeAes(), bytes(range(32)))
    sealed = cipher.encrypt(nonce, ad, plaintext)
    assert len(sealed) == A128cbcHs256.cipherlen(len(plaintext))
    assert cipher.decrypt(nonce, ad, sealed) == plaintext
    changed = bytearray(sealed)
    changed[at // 8 % len(sealed)] ^= 1 << at % 8
    for other in ((nonce, ad, bytes(changed)), (nonce + 1, ad, sealed), (nonce, ad + b"\0", sealed)):
        with pytest.raises(TagError):
            cipher.decrypt(*other)


def test_every_nonce_has_its_own_iv() -> None:
    cipher = A128cbcHs256(NativeAes(), bytes(32))
    assert len({cipher.encrypt(nonce, b"", b"") for nonce in range(100)}) == 100


@pytest.mark.parametrize("size", [0, 1, 15, 16, 2031, 2032, 2047, 2048, 2049, 4096, 7582, 7583])
def test_sealing_in_place(size: int) -> None:
    """Against AES-CBC over the whole at once; sizes around the slices that pass through AES."""
    plaintext = bytes([i % 251 for i in range(size)])
    cipher = A128cbcHs256(NativeAes(), bytes(range(32)))
    iv = NativeAes().ecb_encrypt(bytes(range(16, 32)), (3).to_bytes(16, "big"))
    pad = 16 - size % 16
    body = NativeAes().cbc_encrypt(bytes(range(16, 32)), iv, plaintext + bytes((pad,)) * pad)
    tag = hmac_sha256(bytes(range(16)), b"ad", iv, body, (16).to_bytes(8, "big"))[:16]
    buffer = bytearray(plaintext) + bytes(A128cbcHs256.cipherlen(size) - size)
    cipher.seal(3, b"ad", buffer, size)
    assert bytes(buffer) == body + tag == cipher.encrypt(3, b"ad", plaintext)
    view = memoryview(bytearray(100) + buffer)[100:]
    assert cipher.open(3, b"ad", view) == size
    assert bytes(view[:size]) == plaintext
    buffer[-1] ^= 1
    changed = bytes(buffer)
    with pytest.raises(TagError):
        cipher.open(3, b"ad", buffer)
    assert bytes(buffer) == changed, "nothing is decrypted before the tag is verified"
