"""The oldest backups, usually `.dat`: JSON, in hexadecimal, as the first iOS and Android apps wrote it.

    {"version": "v1", "vault": {...}}, or the vault alone: name, signers, createdAt, pubKeyECDSA, pubKeyEdDSA,
    hexChainCode, keyshares [{pubkey, keyshare}], localPartyID, resharePrefix, libType

Android has `pubKeyEDDSA` for `pubKeyEdDSA`, no resharePrefix and no libType. createdAt counts seconds from 2001, which
is what Foundation makes of a date. The key shares are what they are in a `.vult`.
Source: vultisig-ios, Vault.swift and EncryptedBackupViewModel.swift; vultisig-android, OldJsonVault and its parser.
"""

from __future__ import annotations

import math
from typing import Final

from . import json_text
from .errors import FieldError, FileDamagedError, NotYetContainerError, NotYetLibraryError
from .json_text import JsonError, JsonObject
from .message import LIB_DKLS, LIB_GG20, LIB_KEYIMPORT, VaultMessage, make_message
from .names import displayed

_VERSION: Final = "v1"
_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
#: From 1970 to 2001, in seconds.
_FOUNDATION_EPOCH: Final = 978_307_200
_LIBRARIES: Final = {"gg20": LIB_GG20, "dkls": LIB_DKLS, "keyimport": LIB_KEYIMPORT}


def is_hex(text: bytes) -> bool:
    """Whether `text` is nothing but hexadecimal digits. No other form of a vault file is."""
    return bool(text) and _HEX_DIGITS.issuperset(text)


def json_of(text: bytes) -> bytes:
    """The JSON in `text`: hexadecimal, or JSON as it is. Raises `FileDamagedError`."""
    if not is_hex(text):
        return text
    if len(text) % 2:
        raise FileDamagedError("This old backup is cut short: half a byte is missing at its end.")
    content = bytes.fromhex(text.decode())
    if not content.lstrip().startswith(b"{"):
        raise FileDamagedError("This file is hexadecimal text, as old backups are, but there is no vault inside.")
    return content


def parse_old_vault(content: bytes) -> VaultMessage:
    """The vault in `content`, a JSON text.

    Raises `FileDamagedError` where it is none, `FieldError` where a field holds what it must not,
    `NotYetContainerError`, `NotYetLibraryError`.
    """
    try:
        root = json_text.parse(content.decode())
    except UnicodeDecodeError:  # it holds the document
        raise FileDamagedError("This old backup is damaged: it is not UTF-8 text.") from None
    except JsonError as error:
        raise FileDamagedError(f"This old backup is damaged or cut short: its content {error}.") from None
    vault = root
    if root.has("vault"):
        version = root.text("version", default=_VERSION)
        if version != _VERSION:
            raise NotYetContainerError(
                f"This old backup says it is version {displayed(version[:32])}; coldshare knows version {_VERSION}."
            )
        vault = root.record("vault")
    warnings: list[str] = []
    return make_message(
        name=vault.text("name", default=""),
        public_key_ecdsa=vault.text("pubKeyECDSA"),
        public_key_eddsa=vault.text("pubKeyEDDSA" if vault.has("pubKeyEDDSA") else "pubKeyEdDSA"),
        chain_code=vault.text("hexChainCode"),
        party=vault.text("localPartyID"),
        signers=vault.texts("signers"),
        created_at=_created_at(vault),
        reshare_prefix=vault.text("resharePrefix") if vault.has("resharePrefix") else None,
        lib_type=_library(vault),
        key_shares=[(share.text("pubkey"), share.text("keyshare")) for share in vault.records("keyshares")],
        public_key_mldsa44=vault.text("publicKeyMLDSA44", default=""),
        warnings=warnings,
    )


def _created_at(vault: JsonObject) -> int | None:
    seconds = vault.number("createdAt")
    if seconds is None or not math.isfinite(seconds):
        return None
    return _FOUNDATION_EPOCH + int(seconds)


def _library(vault: JsonObject) -> int:
    value = vault.value("libType")
    if value is None:
        return LIB_GG20
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise FieldError(vault.path("libType"), "should name a signing library, and does not")
    try:
        return _LIBRARIES[value.lower()]
    except KeyError:
        raise NotYetLibraryError(
            f"This share was made by the signing library {displayed(value[:32])}, which this version does not know."
        ) from None
