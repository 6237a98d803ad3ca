"""The vault message inside a container: decoded, bounded, and refused where it is a kind not supported yet.

What comes out can be trusted to be of the right type, size and alphabet, and no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from . import base64text, protowire
from .checks import Checks
from .dkls import MAGIC as DKLS_MAGIC
from .errors import (
    FieldError,
    FileDamagedError,
    NotYetExtraKeySharesError,
    NotYetFrostError,
    NotYetGg20Error,
    NotYetKeyImportError,
    NotYetLibraryError,
    NotYetMldsaError,
)
from .limits import MAX_NAME_SIZE, MAX_PARTIES
from .names import displayed, is_showable

if TYPE_CHECKING:
    from .vault_pb2 import KeyShare, Vault

ECDSA_KEY_SIZE: Final = 33
EDDSA_KEY_SIZE: Final = 32
CHAIN_CODE_SIZE: Final = 32

_LIB_GG20: Final = 0
_LIB_DKLS: Final = 1
_LIB_KEYIMPORT: Final = 2
_REPEATED_FIELDS: Final = frozenset({4, 7, 11})
_LAST_FIELD: Final = 14
#: Seconds from 1970 to the year 10000, the end of a protobuf Timestamp.
_END_OF_TIME: Final = 253_402_300_800
_DKLS_TEXT_START: Final = base64text.encode(DKLS_MAGIC)[:5].decode()


@dataclass(frozen=True, slots=True)
class VaultMessage:
    """The fields of one vault message. Holds both raw key shares: secret."""

    name: str
    public_key_ecdsa: bytes
    public_key_eddsa: bytes
    chain_code: bytes = field(repr=False)
    party: str
    signers: tuple[str, ...]
    created_at: int | None
    reshare_prefix: str
    ecdsa_share: bytes = field(repr=False)
    eddsa_share: bytes = field(repr=False)
    warnings: tuple[str, ...]


def parse_vault(raw: bytes, checks: Checks) -> VaultMessage:
    """The vault in `raw`, a serialised `Vault`.

    Raises `FileDamagedError` where it is none, `FieldError` where a field holds what it must not, a
    `NotYetSupportedError` for another kind of vault, `ShareCheckError` where the key shares are of other keys.
    """
    warnings = _odd_fields(raw)
    vault = _decode(raw)
    _refuse_other_kinds(vault)
    if vault.lib_type == _LIB_GG20:
        warnings.append("The file calls its library GG20 or names none; its key shares are DKLS shares.")
    public_key_ecdsa = _hex("public_key_ecdsa", vault.public_key_ecdsa, ECDSA_KEY_SIZE)
    public_key_eddsa = _hex("public_key_eddsa", vault.public_key_eddsa, EDDSA_KEY_SIZE)
    ecdsa, eddsa = _pair(vault.key_shares, public_key_ecdsa.hex(), public_key_eddsa.hex(), checks)
    return VaultMessage(
        name=_label(vault.name, warnings),
        public_key_ecdsa=public_key_ecdsa,
        public_key_eddsa=public_key_eddsa,
        chain_code=_hex("hex_chain_code", vault.hex_chain_code, CHAIN_CODE_SIZE),
        party=_identity("local_party_id", vault.local_party_id),
        signers=_signers(vault.signers),
        created_at=_created_at(vault, warnings),
        reshare_prefix=_showable("reshare_prefix", _bounded("reshare_prefix", vault.reshare_prefix)),
        ecdsa_share=_share_bytes("ECDSA", ecdsa),
        eddsa_share=_share_bytes("EdDSA", eddsa),
        warnings=tuple(warnings),
    )


def _odd_fields(raw: bytes) -> list[str]:
    """Warnings about fields that a reader passes over in silence. Raises `FileDamagedError`."""
    try:
        numbers = [found.number for found in protowire.walk(raw)]
    except protowire.WireError as error:
        raise FileDamagedError(f"The vault inside this file is damaged or cut short: {error}.") from None
    warnings = []
    if unknown := sorted({number for number in numbers if number > _LAST_FIELD}):
        shown = ", ".join(map(str, unknown[:8])) + (", and more" if len(unknown) > 8 else "")
        warnings.append(
            f"The vault has fields that this version does not know ({shown}). They are kept, and not checked."
        )
    single = [number for number in numbers if number not in _REPEATED_FIELDS and number <= _LAST_FIELD]
    if twice := sorted({number for number in single if single.count(number) > 1}):
        shown = ", ".join(map(str, twice))
        warnings.append(f"The vault states fields more than once ({shown}); the last statement counts.")
    return warnings


def _decode(raw: bytes) -> Vault:
    # Imported here, so that naming an error or a fact of this package does not load protobuf.
    from google.protobuf.message import DecodeError

    from .vault_pb2 import Vault

    try:
        vault = Vault.FromString(raw)
    except (DecodeError, UnicodeDecodeError):  # the latter from protobuf without its C library
        raise FileDamagedError(
            "The vault inside this file is damaged: a field holds text that is not UTF-8, or a broken message."
        ) from None
    if not raw:
        raise FileDamagedError("The vault inside this file is empty.")
    return vault


def _refuse_other_kinds(vault: Vault) -> None:
    if vault.lib_type == _LIB_KEYIMPORT or vault.chain_public_keys:
        raise NotYetKeyImportError
    if vault.lib_type not in (_LIB_GG20, _LIB_DKLS):
        raise NotYetLibraryError(
            f"This share was made by signing library {int(vault.lib_type)}, which this version does not know."
        )
    # Older exports of DKLS vaults name no library, which reads as GG20; the shares themselves tell.
    if vault.lib_type == _LIB_GG20 and not any(
        share.keyshare.startswith(_DKLS_TEXT_START) for share in vault.key_shares
    ):
        raise NotYetGg20Error
    if vault.public_key_mldsa44:
        raise NotYetMldsaError
    if vault.public_key_frozt or vault.public_key_fromt:
        raise NotYetFrostError
    if len(vault.key_shares) > 2:
        raise NotYetExtraKeySharesError(
            f"This file holds {len(vault.key_shares)} key shares; only one ECDSA and one EdDSA share are supported yet."
        )


def _pair(shares: Sequence[KeyShare], ecdsa_key: str, eddsa_key: str, checks: Checks) -> tuple[KeyShare, KeyShare]:
    """The ECDSA and the EdDSA key share, told apart by the public key that each one names."""
    if len(shares) != 2:
        raise FieldError("key_shares", f"holds {len(shares)} key shares; there should be one ECDSA and one EdDSA")
    by_key = {share.public_key.lower(): share for share in shares}
    checks.require("key_share_keys", by_key.keys() == {ecdsa_key, eddsa_key}, "A key share names another public key.")
    return by_key[ecdsa_key], by_key[eddsa_key]


def _share_bytes(half: str, share: KeyShare) -> bytes:
    try:
        return base64text.decode(share.keyshare.encode())
    except base64text.Base64Error as error:
        raise FieldError("key_shares", f"holds an {half} share that is damaged: in its base64, {error}") from None


def _hex(name: str, text: str, size: int) -> bytes:
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * size}}}", text):
        raise FieldError(name, f"should be {2 * size} hexadecimal digits, and is not")
    return bytes.fromhex(text)


def _bounded(name: str, text: str) -> str:
    size = len(text.encode())
    if size > MAX_NAME_SIZE:
        raise FieldError(name, f"has {size} bytes; {MAX_NAME_SIZE} is the limit")
    return text


def _showable(name: str, text: str) -> str:
    if not is_showable(text):
        raise FieldError(
            name,
            f"holds control characters ({displayed(text)}), so that no screen can show it as it is",
        )
    return text


def _identity(name: str, text: str) -> str:
    if not text.strip():
        raise FieldError(name, "is empty; it should name a party")
    return _showable(name, _bounded(name, text))


def _label(text: str, warnings: list[str]) -> str:
    if not is_showable(_bounded("name", text)):
        warnings.append("The vault's name holds control characters; they are shown as � here.")
    if not text.strip():
        warnings.append("The vault has no name.")
    return displayed(text)


def _signers(signers: Sequence[str]) -> tuple[str, ...]:
    if len(signers) > MAX_PARTIES:
        raise FieldError("signers", f"names {len(signers)} parties; {MAX_PARTIES} is the limit")
    parties = tuple(_identity("signers", signer) for signer in signers)
    for party in parties:
        if parties.count(party) > 1:
            raise FieldError("signers", f"names the party {party} more than once")
    return parties


def _created_at(vault: Vault, warnings: list[str]) -> int | None:
    if not vault.HasField("created_at"):
        return None
    seconds = vault.created_at.seconds
    if not 0 <= seconds < _END_OF_TIME:
        warnings.append("The vault's created_at is not a date; it is left out.")
        return None
    return seconds
