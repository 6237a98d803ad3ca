"""Keys that a vault can have besides ECDSA and EdDSA, whose shares coldshare cannot look into.

ML-DSA-44 (`public_key_mldsa44`), and FROST for Zcash and Monero (`public_key_frozt`, `public_key_fromt`). The desktop
app and the server list the latter two among the chains as well, and with them `SaplingExtras`, which is no key but
data that goes with the Zcash one. Their shares are bounded, kept, and named to the user as not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .checks import Checks
from .fields import ECDSA_KEY_SIZE, EDDSA_KEY_SIZE
from .key_shares import KeyShares
from .message import ChainKey, VaultMessage

MLDSA: Final = "ML-DSA-44"
FROZT: Final = "FROST (Zcash)"
FROMT: Final = "FROST (Monero)"

_CHAIN_OF: Final = {"ZcashSapling": FROZT, "Monero": FROMT}
_NO_KEY: Final = "SaplingExtras"
_CHECK_OF: Final = {MLDSA: "mldsa_share", FROZT: "frozt_share", FROMT: "fromt_share"}
_POINT_SIZES: Final = (2 * ECDSA_KEY_SIZE, 2 * EDDSA_KEY_SIZE)


@dataclass(frozen=True, slots=True)
class ExtraKeys:
    """What was found and set aside."""

    names: tuple[str, ...]
    #: The chains that are left: their keys are points.
    chains: tuple[ChainKey, ...]
    warnings: tuple[str, ...]


def take_extra_keys(vault: VaultMessage, shares: KeyShares, checks: Checks) -> ExtraKeys:
    """Set aside every key that cannot be checked, and its shares. Raises `FieldError` where one is too large."""
    keys: dict[str, set[str]] = {MLDSA: {vault.public_key_mldsa44}, FROZT: {vault.public_key_frozt}}
    keys[FROMT] = {vault.public_key_fromt}
    chains = []
    for chain in vault.chain_keys:
        if chain.chain in _CHAIN_OF:
            keys[_CHAIN_OF[chain.chain]].add(chain.public_key)
        elif chain.chain != _NO_KEY:
            chains.append(chain)
    names, warnings = [], []
    for name, texts in keys.items():
        texts.discard("")
        if not texts:
            continue
        names.append(name)
        checks.impossible(_CHECK_OF[name])
        kept = [shares.keep(text) for text in sorted(texts)]
        if not any(kept):
            warnings.append(
                f"The vault has a key for {name}, but this file holds no share of it. A device that joined in a reshare"
                " never gets one. Restored from this backup, a device cannot sign with that key."
            )
    return ExtraKeys(tuple(names), tuple(chains), tuple(warnings))


def take_the_rest(shares: KeyShares, checks: Checks) -> tuple[str, ...]:
    """Keep what is left of the key shares; warnings about it.

    A share of what could be an ECDSA or EdDSA key, but that of no key which the vault names, is refused: such a file
    has lost a key, and a device restored from it would show other addresses. Raises `ShareMismatchError`.
    """
    left = shares.left()
    strays = [key for key in left if len(key) in _POINT_SIZES]
    checks.require("key_share_keys", not strays, _named(strays))
    for key in left:
        shares.keep(key)
    if not left:
        return ()
    checks.impossible("unknown_share")
    return (
        f"The file holds {len(left)} more key share{'s'[: len(left) > 1]}, of a kind that this version does not know."
        " They are kept, and not checked.",
    )


def _named(keys: Sequence[str]) -> str:
    return f"A key share names another public key; there are {len(keys)} such key shares."
