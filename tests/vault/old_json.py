"""Old `.dat` backups, made as the apps made them, of the key shares of any `.vult`."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from coldshare.vault.vault_pb2 import Vault, VaultContainer


def fields_of(vult: bytes) -> dict[str, Any]:
    """The vault in a `.vult` under the names of the old format, as the iOS app wrote it."""
    vault = Vault.FromString(base64.b64decode(VaultContainer.FromString(base64.b64decode(vult)).vault))
    return {
        "name": vault.name,
        "signers": list(vault.signers),
        "createdAt": vault.created_at.seconds - 978_307_200 + 0.25,
        "pubKeyECDSA": vault.public_key_ecdsa,
        "pubKeyEdDSA": vault.public_key_eddsa,
        "hexChainCode": vault.hex_chain_code,
        "keyshares": [{"pubkey": share.public_key, "keyshare": share.keyshare} for share in vault.key_shares],
        "localPartyID": vault.local_party_id,
        "resharePrefix": vault.reshare_prefix,
    }


def hexed(value: object) -> bytes:
    return json.dumps(value).encode().hex().encode()


def ios(vault: dict[str, Any]) -> bytes:
    return hexed({"version": "v1", "vault": vault})


def ios_bare(vault: dict[str, Any]) -> bytes:
    return hexed(vault)


def android(vault: dict[str, Any]) -> bytes:
    """Other names, and fields that are not there."""
    lacking = {
        name: value for name, value in vault.items() if name not in ("resharePrefix", "pubKeyEdDSA", "createdAt")
    }
    return hexed({"vault": {**lacking, "id": "0-0", "pubKeyEDDSA": vault["pubKeyEdDSA"]}, "version": "v1"})


def gcm(text: bytes, password: str, start: bytes = b"") -> bytes:
    """The file as the iOS app encrypts it: bare bytes, no container. They begin with `start`."""
    nonce = start + secrets.token_bytes(12 - len(start))
    return nonce + AESGCM(hashlib.sha256(password.encode()).digest()).encrypt(nonce, text, None)


def cbc(text: bytes, password: str) -> bytes:
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(hashlib.sha256(password.encode()).digest()), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(padder.update(text) + padder.finalize()) + encryptor.finalize()


def wrapped(blob: bytes) -> bytes:
    """As the Android app writes it."""
    return base64.b64encode(blob)
