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
        "key_share_keys": (_MISMATCH, "each key share is of one of the vault's keys, and each key has one"),
        "key_share_copies": (_MISMATCH, "the key shares of one key say the same"),
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
        # The keys of single chains, in a vault made from an imported seed.
        "chain_key_share": (_MISMATCH, "each chain's key has a key share"),
        "chain_key": (_MISMATCH, "the key share of a chain is of the chain's key"),
        "chain_committee": (_MISMATCH, "the key shares of all chains belong to the same party of the same committee"),
        # Both halves of a GG20 share.
        "gg20_parties": (_LAYOUT, f"a GG20 key share is for 2 to {MAX_PARTIES} parties"),
        "gg20_lists": (_LAYOUT, "the lists in a GG20 key share have one entry per party"),
        "gg20_points": (_LAYOUT, "the parties' points Ks ascend and are distinct in the field, none of them 0"),
        "gg20_names": (_MISMATCH, "the parties' points Ks are the names of the committee"),
        "gg20_share_id": (_MISMATCH, "ShareID is the name of this party"),
        "gg20_party": (_MISMATCH, "this party is one of the committee"),
        "gg20_public_key_valid": (_ARITHMETIC, "the GG20 public key is a point of its curve"),
        "gg20_public_shares_valid": (_ARITHMETIC, "every BigXj is a point of its curve"),
        "gg20_secret_range": (_ARITHMETIC, "the GG20 secret Xi is in range"),
        "gg20_own_public_share": (_ARITHMETIC, "Xi*G == BigXj of this party"),
        "gg20_interpolation": (_ARITHMETIC, "every t of the BigXj interpolate to the public key"),
        "gg20_degree": (_ARITHMETIC, "fewer than t of the BigXj do not give the public key"),
        "gg20_paillier": (_ARITHMETIC, "this party's Paillier key belongs together"),
        "gg20_paillier_listed": (_MISMATCH, "this party's Paillier and ring-Pedersen numbers are listed as its own"),
        "gg20_ring_pedersen": (_ARITHMETIC, "this party's ring-Pedersen numbers belong together"),
        "gg20_halves": (_MISMATCH, "both halves of a GG20 share are of one committee, party and reshare"),
        "gg20_public_key": (_MISMATCH, "the public keys of a GG20 share are the vault's"),
        "gg20_chain_code": (_MISMATCH, "the chain code of a GG20 share is the vault's"),
        "gg20_committee": (_MISMATCH, "the committee of a GG20 share is the vault's signers, in whatever order"),
        "gg20_local_party": (_MISMATCH, "a GG20 share belongs to the vault's own party"),
        # The vault around them.
        "signer_count": (_MISMATCH, "the vault names as many signers as the share has parties"),
        "party_is_signer": (_MISMATCH, "this party is one of the vault's signers"),
        "party_index": (_MISMATCH, "this party's place among the signers is the share's party index"),
    }
)

_NO_LIBRARY: Final = "coldshare cannot compute with this kind; the share is kept as it came"

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
        "gg20_other_parties": (
            "the Paillier and ring-Pedersen numbers listed for the other parties are theirs",
            "only they know; damage shows when signing",
        ),
        "mldsa_share": ("the ML-DSA key share is sound", _NO_LIBRARY),
        "frozt_share": ("the FROST key share for Zcash is sound", _NO_LIBRARY),
        "fromt_share": ("the FROST key share for Monero is sound", _NO_LIBRARY),
        "unknown_share": ("a key share of an unknown kind is sound", _NO_LIBRARY),
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
    """The checks made on one share, in order, and what could not be checked."""

    def __init__(self) -> None:
        self._made: dict[str, None] = {}
        self._impossible: dict[str, None] = {}
        self._place = ""

    def within(self, place: str) -> Checks:
        """The same record, for a part of the file: `place`, a sentence, goes before what a failing check says."""
        inner = Checks()
        inner._made, inner._impossible, inner._place = self._made, self._impossible, f"{self._place}{place} "
        return inner

    def require(self, name: str, holds: bool, where: str) -> None:
        """Note that `name` holds, or raise its `ShareCheckError`. `where` is a sentence without secrets."""
        error, claim = CHECKS[name]
        if not holds:
            raise error(name, claim, self._place + where)
        self._made[name] = None

    def impossible(self, *names: str) -> None:
        """Note what a share of this kind leaves open: keys of `NOT_CHECKED`."""
        self._impossible.update(dict.fromkeys(names))

    def report(self) -> tuple[Check, ...]:
        """What was checked, then what could not be."""
        made = [Check(name, CHECKS[name][1], "ok") for name in self._made]
        missing = [
            Check(name, claim, f"not possible: {why}")
            for name, (claim, why) in NOT_CHECKED.items()
            if name in self._impossible
        ]
        return (*made, *missing)
