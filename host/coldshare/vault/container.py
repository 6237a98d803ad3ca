"""From the bytes of a file to the vault message inside it: base64, container, base64, encryption."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from . import base64text, protowire
from .encryption import Encryption, decrypt, encryption_of
from .errors import (
    FileDamagedError,
    FileEmptyError,
    FileTooLargeError,
    NotAVaultFileError,
    NotYetContainerError,
    NotYetOldJsonError,
    NotYetZipError,
    VaultPasswordNeededError,
)
from .limits import MAX_FILE_SIZE

# How every container that the vendor's apps write begins: version 1, then the vault.
_CONTAINER_START: Final = b"\x08\x01\x12"
_FILE_START: Final = base64text.encode(_CONTAINER_START)
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class OpenedContainer:
    """What a container held, in the clear."""

    #: The serialised vault message. Secret.
    vault: bytes = field(repr=False)
    encryption: Encryption


def open_container(data: bytes, password: str | None) -> OpenedContainer:
    """Undo the two outer layers of a vault file. A password given for a plain file is not looked at.

    Raises an `InputError` that says what the file is instead, `VaultPasswordNeededError`,
    `VaultPasswordWrongError`.
    """
    if len(data) > MAX_FILE_SIZE:
        raise FileTooLargeError
    text = data.rstrip(b" \t\r\n")
    if not text:
        raise FileEmptyError
    _refuse_other_formats(text)
    container = _parse_container(_decode_file(text))
    try:
        blob = base64text.decode(container.vault)
    except base64text.Base64Error as error:
        raise FileDamagedError(f"The vault inside this file is damaged: in its base64, {error}.") from None
    if not container.is_encrypted:
        return OpenedContainer(blob, Encryption.NONE)
    if password is None:
        raise VaultPasswordNeededError
    return OpenedContainer(decrypt(blob, password), encryption_of(blob))


@dataclass(frozen=True, slots=True)
class _Container:
    vault: bytes = field(repr=False)
    is_encrypted: bool


def _refuse_other_formats(text: bytes) -> None:
    if text.startswith(_ZIP_STARTS):
        raise NotYetZipError
    # The old backups are JSON in hexadecimal, some of them encrypted. No container is all hexadecimal digits.
    if text.startswith(b"{") or _HEX_DIGITS.issuperset(text):
        raise NotYetOldJsonError


def _decode_file(text: bytes) -> bytes:
    try:
        return base64text.decode(text)
    except base64text.Base64Error as error:
        if text.startswith(_FILE_START):
            raise FileDamagedError(f"This vault file is damaged or cut short: {error}.") from None
        raise NotAVaultFileError(f"This is not a vault file; a vault file is base64 text, but {error}.") from None


def _parse_container(raw: bytes) -> _Container:
    try:
        protowire.walk(raw)
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
    return _Container(message.vault.encode(), message.is_encrypted)
