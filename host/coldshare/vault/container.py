"""From the bytes of a file to the vault inside it, in the clear. The content decides what a file is, never its name.

.vult, .bak       base64 of a container; in it, base64 of the vault, a protobuf message, or of its ciphertext
.dat              hexadecimal of the vault, JSON
.dat, encrypted   the ciphertext of that hexadecimal text; bare (iOS), or its base64 (Android)
.zip              of any of these: see `archive`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from . import base64text, protowire
from .archive import is_archive
from .encryption import Encryption, decrypt, decrypt_old, encryption_of, looks_encrypted
from .errors import (
    FileDamagedError,
    FileEmptyError,
    FileTooLargeError,
    NotAVaultFileError,
    NotYetContainerError,
    VaultArchiveError,
    VaultPasswordNeededError,
)
from .limits import MAX_FILE_SIZE
from .old_json import is_hex, json_of

# How every container that the vendor's apps write begins: version 1, then the vault.
_CONTAINER_START: Final = b"\x08\x01\x12"
_FILE_START: Final = base64text.encode(_CONTAINER_START)
_VERSION: Final = 1


class Form(StrEnum):
    """What a vault file is written as."""

    VULT = "vult"
    OLD_JSON = "old_json"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """What a file held, in the clear."""

    #: The serialised vault message, or the JSON. Secret.
    vault: bytes = field(repr=False)
    form: Form
    encryption: Encryption
    warnings: tuple[str, ...] = ()


def open_file(data: bytes, password: str | None) -> OpenedFile:
    """Undo the outer layers of a vault file. A password given for a plain file is not looked at.

    Raises an `InputError` that says what the file is instead, `VaultPasswordNeededError`,
    `VaultPasswordWrongError`.
    """
    if len(data) > MAX_FILE_SIZE:
        raise FileTooLargeError
    text = data.rstrip(b" \t\r\n")
    if not text:
        raise FileEmptyError
    if is_archive(text):
        raise VaultArchiveError
    # Before anything is told by how it begins: one ciphertext in 256 begins like JSON. No text looks encrypted.
    if looks_encrypted(data):
        return _open_old(data, password)
    if is_hex(text) or text.startswith(b"{"):
        return OpenedFile(json_of(text), Form.OLD_JSON, Encryption.NONE)
    try:
        raw = base64text.decode(text)
    except base64text.Base64Error as error:
        if text.startswith(_FILE_START):
            raise FileDamagedError(f"This vault file is damaged or cut short: {error}.") from None
        raise NotAVaultFileError(f"This is not a vault file; a vault file is base64 text, but {error}.") from None
    if looks_encrypted(raw):  # a container is text for the most part
        return _open_old(raw, password)
    return _open_vult(raw, password)


def _open_old(blob: bytes, password: str | None) -> OpenedFile:
    if password is None:
        raise VaultPasswordNeededError(
            "Nothing tells what this file is, so it can be an encrypted backup of an old app; its password is needed"
            " to check the share before it is stored as it came."
        )
    plaintext, encryption = decrypt_old(blob, password, is_hex)
    return OpenedFile(json_of(plaintext.rstrip(b" \t\r\n")), Form.OLD_JSON, encryption)


def _open_vult(raw: bytes, password: str | None) -> OpenedFile:
    container = _parse_container(raw)
    try:
        blob = base64text.decode(container.vault)
    except base64text.Base64Error as error:
        raise FileDamagedError(f"The vault inside this file is damaged: in its base64, {error}.") from None
    if not container.is_encrypted:
        return OpenedFile(blob, Form.VULT, Encryption.NONE, container.warnings)
    if password is None:
        raise VaultPasswordNeededError
    return OpenedFile(decrypt(blob, password), Form.VULT, encryption_of(blob), container.warnings)


@dataclass(frozen=True, slots=True)
class _Container:
    vault: bytes = field(repr=False)
    is_encrypted: bool
    warnings: tuple[str, ...]


def _parse_container(raw: bytes) -> _Container:
    try:
        found = protowire.walk(raw)
    except protowire.WireError as error:
        if raw.startswith(_CONTAINER_START):
            raise FileDamagedError(f"This vault file is damaged or cut short: {error}.") from None
        raise NotAVaultFileError("This is base64 text, but there is no vault container inside.") from None

    # Imported here, so that naming an error or a fact of this package does not load protobuf.
    from google.protobuf.message import DecodeError

    from .vault_pb2 import VaultContainer

    try:
        message = VaultContainer.FromString(raw)
    except (DecodeError, UnicodeDecodeError):  # the latter from protobuf without its C library
        raise NotAVaultFileError("This is base64 text, but there is no vault container inside.") from None
    if not message.vault:
        raise NotAVaultFileError("This is base64 text, but there is no vault inside.")
    if message.version != _VERSION:
        raise NotYetContainerError(
            f"This file says it is container version {message.version}; coldshare knows version {_VERSION}."
        )
    unknown = protowire.unknown_fields(raw, found, dict.fromkeys((1, 2, 3)))
    warnings = (protowire.unknown_warning("container around the vault", unknown),) if unknown else ()
    return _Container(message.vault.encode(), message.is_encrypted, warnings)
