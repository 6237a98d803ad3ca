"""The vendor's encryption, against the vendor's own vectors."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from coldshare.vault import Encryption, read_share, split
from coldshare.vault import encryption as vendor
from coldshare.vault.encryption import VLT2_MAGIC, decrypt, encryption_of
from coldshare.vault.errors import FileDamagedError, NotYetContainerError, VaultPasswordWrongError
from coldshare.vault.synthetic import encrypt_legacy, encrypt_vlt2

from .builders import pack, rebuild


def blob_of(vult: bytes) -> bytes:
    container = split(vult)[0]
    assert isinstance(container, list)
    vault = container[1]
    assert isinstance(vault, list)
    return rebuild(vault)


@pytest.mark.parametrize("file", ["backup_ios.json", "backup_extension.json"])
def test_the_vendors_vectors_both_ways(vectors: Path, file: str) -> None:
    vector = json.loads((vectors / "vultisig" / file).read_text())
    blob = base64.b64decode(vector["ciphertextBase64"])
    plain = vector["plaintext"].encode()
    assert encryption_of(blob) is Encryption.VLT2
    assert decrypt(blob, vector["password"]) == plain

    chosen = iter([blob[4:20], blob[20:32]])
    written = encrypt_vlt2(pack(plain), vector["password"], random=lambda size: next(chosen))
    assert blob_of(written) == blob


def test_the_current_key_is_pbkdf2() -> None:
    """Held against another implementation, where the vendor's vectors are not at hand."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    password, salt = b"pass word", b"\x03" * 16
    assert vendor.vlt2_key(password, salt) == PBKDF2HMAC(SHA256(), 32, salt, 600_000).derive(password)


def test_the_legacy_key_is_one_sha256() -> None:
    assert vendor.legacy_key("pässword".encode()) == hashlib.sha256("pässword".encode()).digest()


def test_a_file_written_here_reads_back(vult: bytes) -> None:
    for encrypt, form in ((encrypt_legacy, Encryption.LEGACY), (encrypt_vlt2, Encryption.VLT2)):
        encrypted = encrypt(vult, "pä ss")
        share = read_share(encrypted, password="pä ss")
        assert share.encryption is form
        assert share.original == encrypted
        assert share.facts == read_share(vult).facts


def test_a_password_for_a_plain_file_is_not_looked_at(vult: bytes) -> None:
    assert read_share(vult, password="whatever").encryption is Encryption.NONE


def test_a_vlt2_blob_is_never_opened_as_legacy() -> None:
    """A legacy blob whose nonce happens to read VLT\\x02 would open under the legacy key. It must not."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = VLT2_MAGIC + bytes(8)
    blob = nonce + AESGCM(vendor.legacy_key(b"pw")).encrypt(nonce, b"x" * 64, None)
    with pytest.raises(VaultPasswordWrongError):
        decrypt(blob, "pw")


def test_a_version_that_is_newer_is_named() -> None:
    with pytest.raises(NotYetContainerError, match="VLT version 3"):
        decrypt(b"VLT\x03" + bytes(100), "pw")


@pytest.mark.parametrize("blob", [b"", b"VLT\x02", b"VLT\x02" + bytes(44), bytes(28)])
def test_too_short_to_be_a_vault(blob: bytes) -> None:
    with pytest.raises(FileDamagedError, match="cut short"):
        decrypt(blob, "pw")


def test_a_password_that_is_no_text_is_not_quoted() -> None:
    with pytest.raises(VaultPasswordWrongError) as refused:
        decrypt(bytes(100), "sec\udcffret")
    assert "sec" not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_damaged_ciphertext_is_refused(vult: bytes) -> None:
    blob = bytearray(blob_of(encrypt_legacy(vult, "pw")))
    blob[1000] ^= 1
    with pytest.raises(VaultPasswordWrongError, match="or the file is damaged"):
        decrypt(bytes(blob), "pw")
