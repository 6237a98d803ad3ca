"""The vault inside a `.vult`: a protobuf message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import protowire
from .errors import FileDamagedError
from .message import VaultMessage, make_message

if TYPE_CHECKING:
    from .vault_pb2 import Vault

_REPEATED_FIELDS: Final = frozenset({4, 7, 11})
_LAST_FIELD: Final = 14
#: The known fields, and those of the messages in them.
_FIELDS: Final[protowire.Known] = {
    **dict.fromkeys(range(1, _LAST_FIELD + 1)),
    7: {1: None, 2: None},
    11: {1: None, 2: None, 3: None},
}


def parse_vault(raw: bytes) -> VaultMessage:
    """The vault in `raw`, a serialised `Vault`.

    Raises `FileDamagedError` where it is none, `FieldError` where a field holds what it must not,
    `NotYetLibraryError`.
    """
    warnings = _odd_fields(raw)
    vault = _decode(raw)
    return make_message(
        name=vault.name,
        public_key_ecdsa=vault.public_key_ecdsa,
        public_key_eddsa=vault.public_key_eddsa,
        chain_code=vault.hex_chain_code,
        party=vault.local_party_id,
        signers=list(vault.signers),
        created_at=vault.created_at.seconds if vault.HasField("created_at") else None,
        reshare_prefix=vault.reshare_prefix,
        lib_type=int(vault.lib_type),
        key_shares=((share.public_key, share.keyshare) for share in vault.key_shares),
        chain_keys=((key.chain, key.public_key, key.is_eddsa) for key in vault.chain_public_keys),
        public_key_mldsa44=vault.public_key_mldsa44,
        public_key_frozt=vault.public_key_frozt,
        public_key_fromt=vault.public_key_fromt,
        warnings=warnings,
    )


def _odd_fields(raw: bytes) -> list[str]:
    """Warnings about fields that a reader passes over in silence. Raises `FileDamagedError`."""
    try:
        found = protowire.walk(raw)
    except protowire.WireError as error:
        raise FileDamagedError(f"The vault inside this file is damaged or cut short: {error}.") from None
    warnings = []
    unknown = protowire.unknown_fields(raw, found, _FIELDS)
    if unknown:
        warnings.append(protowire.unknown_warning("vault", unknown))
    single = [field.number for field in found if field.number not in _REPEATED_FIELDS and field.number <= _LAST_FIELD]
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
