"""The checks a share must pass, by name, and the record of those that were made.

`CHECKS` is the whole list: what each one claims, and which error says that it does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .errors import ShareArithmeticError, ShareCheckError, ShareLayoutError, ShareMismatchError
from .limits import MAX_BLANK_RUN, MAX_PARTIES

_LAYOUT = ShareLayoutError
_ARITHMETIC = ShareArithmeticError
_MISMATCH = ShareMismatchError

CHECKS: Final[Mapping[str, tuple[type[ShareCheckError], str]]] = MappingProxyType(
    {
        "key_share_keys": (_MISMATCH, "the key shares are of the vault's ECDSA and EdDSA keys, one each"),
        # The ECDSA half.
        "dkls_header": (_LAYOUT, "the ECDSA share is long enough for its header"),
        "dkls_magic": (_LAYOUT, "the ECDSA share begins as a DKLS share does"),
        "dkls_parties": (_LAYOUT, f"the ECDSA share is for 2 to {MAX_PARTIES} parties"),
        "dkls_threshold": (_LAYOUT, "the ECDSA threshold is from 2 to the number of parties"),
        "dkls_index": (_LAYOUT, "the ECDSA party index is below the number of parties"),
        "dkls_size": (_LAYOUT, "the ECDSA share has exactly the size its header implies"),
        "dkls_generation": (_LAYOUT, "the generation (final_session_id) is not blank"),
        "dkls_rank": (_LAYOUT, "every party has rank 0"),
        "dkls_points": (_LAYOUT, "the parties' points x_k are distinct and in the field, none of them 0"),
        "dkls_ot_seeds": (_LAYOUT, f"the OT seeds hold no run of {MAX_BLANK_RUN} zero bytes"),
        "dkls_public_key_valid": (_ARITHMETIC, "the ECDSA public key is a point of secp256k1"),
        "dkls_public_shares_valid": (_ARITHMETIC, "every S_k is a point of secp256k1"),
        "dkls_secret_range": (_ARITHMETIC, "the ECDSA secret s_i is in range"),
        "dkls_own_public_share": (_ARITHMETIC, "s_i*G == S_i"),
        "dkls_interpolation": (_ARITHMETIC, "every t of the S_k interpolate to the ECDSA public key"),
        "dkls_degree": (_ARITHMETIC, "fewer than t of the S_k do not give the ECDSA public key"),
        "dkls_public_key": (_MISMATCH, "the ECDSA share's public key is the vault's"),
        "dkls_chain_code": (_MISMATCH, "the ECDSA share's root chain code is the vault's"),
        # The EdDSA half.
        "schnorr_size": (_LAYOUT, "the EdDSA share has exactly 132 bytes"),
        "schnorr_secret_range": (_ARITHMETIC, "the EdDSA secret s_i is in range"),
        "schnorr_public_key_valid": (
            _ARITHMETIC,
            "the EdDSA public key is a point of edwards25519 of prime order",
        ),
        "schnorr_public_key": (_MISMATCH, "the EdDSA share's public key is the vault's"),
        "schnorr_threshold": (_MISMATCH, "both halves have the same threshold"),
        "schnorr_parties": (_MISMATCH, "both halves have the same number of parties"),
        "schnorr_index": (_MISMATCH, "both halves belong to the same party index"),
        # The vault around them.
        "signer_count": (_MISMATCH, "the vault names as many signers as the share has parties"),
        "party_is_signer": (_MISMATCH, "this party is one of the vault's signers"),
        "party_index": (_MISMATCH, "this party's place among the signers is the share's party index"),
    }
)

#: What no check on one share alone can tell; said to the user beside what was checked.
NOT_CHECKED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "dkls_ot_seeds_agree": (
            "the OT seeds of the ECDSA share are undamaged",
            "only the other parties hold their counterpart; damage shows when signing",
        ),
        "schnorr_interpolation": (
            "the EdDSA share is one of the EdDSA public key",
            "needs the recorded S_i of t parties",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check and how it ended: "ok", or why it could not be made."""

    #: Stable: a key of `CHECKS` or `NOT_CHECKED`.
    name: str
    #: What it claims.
    check: str
    result: str


class Checks:
    """The checks made on one share, in order."""

    def __init__(self) -> None:
        self._made: dict[str, None] = {}

    def require(self, name: str, holds: bool, where: str) -> None:
        """Note that `name` holds, or raise its `ShareCheckError`. `where` is a sentence without secrets."""
        error, claim = CHECKS[name]
        if not holds:
            raise error(name, claim, where)
        self._made[name] = None

    def report(self) -> tuple[Check, ...]:
        """What was checked, then what could not be."""
        made = [Check(name, CHECKS[name][1], "ok") for name in self._made]
        missing = [Check(name, claim, f"not possible: {why}") for name, (claim, why) in NOT_CHECKED.items()]
        return (*made, *missing)
