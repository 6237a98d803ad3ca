"""One party's view of one vault, whatever form it was written in: decoded and bounded.

What comes out can be trusted to be of the right type, size and alphabet, and no more than that. Which library made the
key shares is told by the shares themselves: apps have written the wrong one, or none, and guess it from a file's name
or size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from . import base64text, fields
from .dkls import MAGIC as DKLS_MAGIC
from .errors import FieldError, NotYetLibraryError
from .limits import MAX_CHAINS, MAX_KEY_SHARES, MAX_UNKNOWN_SIZE
from .names import is_showable

LIB_GG20: Final = 0
LIB_DKLS: Final = 1
LIB_KEYIMPORT: Final = 2

_DKLS_TEXT_START: Final = base64text.encode(DKLS_MAGIC)[:5].decode()
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")


@dataclass(frozen=True, slots=True)
class KeyShareText:
    """A key share as the file has it."""

    #: Hexadecimal in lower case, where it is hexadecimal.
    public_key: str
    #: Base64 or JSON. Secret.
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChainKey:
    """The key of one chain. Its text is not decoded: not every chain's is a point."""

    chain: str
    public_key: str
    is_eddsa: bool


@dataclass(frozen=True, slots=True)
class VaultMessage:
    """The fields of one vault. Holds the key shares: secret."""

    name: str
    public_key_ecdsa: bytes
    public_key_eddsa: bytes
    chain_code: bytes = field(repr=False)
    party: str
    #: In the file's order.
    signers: tuple[str, ...]
    #: Unix seconds.
    created_at: int | None
    #: None where the form of the file has no place for it.
    reshare_prefix: str | None
    lib_type: int
    key_shares: tuple[KeyShareText, ...] = field(repr=False)
    chain_keys: tuple[ChainKey, ...]
    #: As the file has them, empty where there is none.
    public_key_mldsa44: str
    public_key_frozt: str
    public_key_fromt: str
    warnings: tuple[str, ...]

    @property
    def is_gg20(self) -> bool:
        """Whether the key shares are those of the GG20 library."""
        ecdsa = self.public_key_ecdsa.hex()
        texts = [share.text for share in self.key_shares if share.public_key == ecdsa]
        if any(text.lstrip().startswith("{") for text in texts):
            return True
        # Older exports of DKLS vaults name no library, which reads as GG20.
        return self.lib_type == LIB_GG20 and not any(
            share.text.startswith(_DKLS_TEXT_START) for share in self.key_shares
        )


def make_message(
    *,
    name: str,
    public_key_ecdsa: str,
    public_key_eddsa: str,
    chain_code: str,
    party: str,
    signers: list[str],
    created_at: int | None,
    reshare_prefix: str | None,
    lib_type: int,
    key_shares: Iterable[tuple[str, str]],
    chain_keys: Iterable[tuple[str, str, bool]] = (),
    public_key_mldsa44: str = "",
    public_key_frozt: str = "",
    public_key_fromt: str = "",
    warnings: list[str],
) -> VaultMessage:
    """The message of these values, as texts from a file; `warnings` are added to.

    `key_shares` are (public key, text), `chain_keys` (chain, public key, is_eddsa). Raises `FieldError` where a value
    is not what its field must be, `NotYetLibraryError`.
    """
    if lib_type not in (LIB_GG20, LIB_DKLS, LIB_KEYIMPORT):
        raise NotYetLibraryError(
            f"This share was made by signing library {lib_type}, which this version does not know."
        )
    shares = tuple(KeyShareText(key_name(key), text) for key, text in key_shares)
    if len(shares) > MAX_KEY_SHARES:
        raise FieldError("key_shares", f"holds {len(shares)} key shares; {MAX_KEY_SHARES} is the limit")
    for share in shares:
        fields.bounded("key_shares", share.public_key, MAX_UNKNOWN_SIZE)
    message = VaultMessage(
        name=fields.label(name, warnings),
        public_key_ecdsa=fields.hex_bytes("public_key_ecdsa", public_key_ecdsa, fields.ECDSA_KEY_SIZE),
        public_key_eddsa=fields.hex_bytes("public_key_eddsa", public_key_eddsa, fields.EDDSA_KEY_SIZE),
        chain_code=fields.hex_bytes("hex_chain_code", chain_code, fields.CHAIN_CODE_SIZE),
        party=fields.identity("local_party_id", party),
        signers=fields.signers(signers),
        created_at=None if created_at is None else fields.date(created_at, warnings),
        reshare_prefix=None if reshare_prefix is None else _prefix(reshare_prefix),
        lib_type=lib_type,
        key_shares=shares,
        chain_keys=_chain_keys(chain_keys),
        public_key_mldsa44=_opaque("public_key_mldsa44", public_key_mldsa44),
        public_key_frozt=_opaque("public_key_frozt", public_key_frozt),
        public_key_fromt=_opaque("public_key_fromt", public_key_fromt),
        warnings=(),
    )
    if message.is_gg20 and lib_type != LIB_GG20:
        warnings.append("The file calls its library another one than GG20; its key shares are GG20 shares.")
    if not message.is_gg20 and lib_type == LIB_GG20:
        warnings.append("The file calls its library GG20 or names none; its key shares are DKLS shares.")
    return replace(message, warnings=tuple(warnings))


def key_name(key: str) -> str:
    """A public key as a name to compare: hexadecimal digits count in either case."""
    return key.lower() if _HEX.fullmatch(key) else key


def _prefix(text: str) -> str:
    return fields.showable("reshare_prefix", fields.bounded("reshare_prefix", text))


def _opaque(name: str, key: str) -> str:
    if not is_showable(fields.bounded(name, key, MAX_UNKNOWN_SIZE)):
        raise FieldError(name, "holds control characters")
    return key_name(key)


def _chain_keys(keys: Iterable[tuple[str, str, bool]]) -> tuple[ChainKey, ...]:
    found: dict[str, ChainKey] = {}
    for name, public_key, is_eddsa in keys:
        chain = fields.showable("chain_public_keys", fields.bounded("chain_public_keys", name))
        key = ChainKey(chain, _opaque("chain_public_keys", public_key), is_eddsa)
        if not chain.strip():
            raise FieldError("chain_public_keys", "holds a key that names no chain")
        if found.setdefault(chain, key) != key:
            raise FieldError("chain_public_keys", f"names the chain {chain} twice, with different keys")
        if len(found) > MAX_CHAINS:
            raise FieldError("chain_public_keys", f"names more than {MAX_CHAINS} chains")
    return tuple(found.values())
