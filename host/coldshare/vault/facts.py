"""What a vault file says about itself: public values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .checks import Check

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue] | None"

#: Party ids of the vendor's server. It signs for fast vaults, and its share belongs on no device.
_SERVER_PREFIX: Final = "Server-"
_OLD_SERVERS: Final = ("vultisignerapp", "vultisigner")


def is_server_id(party: str) -> bool:
    """Whether a party id is that of the vendor's server."""
    return party.startswith(_SERVER_PREFIX) or party.lower().startswith(_OLD_SERVERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareFacts:
    """One share of one vault, described. Every value was checked unless it says otherwise."""

    #: A label that people chose; characters unfit for a screen are replaced. Not checked.
    vault_name: str
    #: secp256k1, 33 bytes compressed. The vault's identity.
    public_key_ecdsa: bytes
    #: edwards25519, 32 bytes.
    public_key_eddsa: bytes
    #: 32 bytes. No key, but with the public key it reveals every address of the vault: keep it private.
    chain_code: bytes = field(repr=False)
    #: The party this share belongs to (`local_party_id`).
    party: str
    #: All party ids of this generation, by party index.
    signers: tuple[str, ...]
    #: The party's place in `signers`, from 0. After a reshare a new device can have a lost one's index.
    index: int
    #: Parties needed to sign (t).
    threshold: int
    #: Parties in all (n).
    parties: int
    #: The signing library.
    library: str
    #: `final_session_id`, 32 bytes: the same for all shares of one keygen or reshare, and for no others.
    generation: bytes
    #: Whether the vault has been reshared at least once.
    reshared: bool
    #: Unix seconds, or None. Not checked. Android writes the time of the export, others that of the keygen.
    created_at: int | None
    #: Used by GG20 vaults; kept as it came. Not checked.
    reshare_prefix: str
    #: x_k of every party, by index: 32 bytes big endian each, where Shamir's polynomial is S_k.
    points_ecdsa: tuple[bytes, ...]
    #: S_k of every party, by index: 33 bytes compressed each.
    public_shares_ecdsa: tuple[bytes, ...]
    #: S_i = s_i*B of this party: 32 bytes. Its point is index + 1.
    public_share_eddsa: bytes
    #: What was checked, and what could not be.
    checks: tuple[Check, ...]
    #: Oddities that are no reason to refuse.
    warnings: tuple[str, ...]

    @property
    def fast_vault(self) -> bool:
        """Whether the vendor's server is one of the signers."""
        return any(is_server_id(signer) for signer in self.signers)

    @property
    def is_server(self) -> bool:
        """Whether this very share is the server's."""
        return is_server_id(self.party)

    def describe(self) -> dict[str, JsonValue]:
        """The facts as JSON values, bytes in hexadecimal. No secret and no chain code; `checks` says it matches."""
        described: Mapping[str, JsonValue] = {
            "vault_name": self.vault_name,
            "public_key_ecdsa": self.public_key_ecdsa.hex(),
            "public_key_eddsa": self.public_key_eddsa.hex(),
            "party": self.party,
            "signers": list(self.signers),
            "index": self.index,
            "threshold": self.threshold,
            "parties": self.parties,
            "library": self.library,
            "generation": self.generation.hex(),
            "reshared": self.reshared,
            "fast_vault": self.fast_vault,
            "is_server": self.is_server,
            "created_at": self.created_at,
            "reshare_prefix": self.reshare_prefix,
            "points_ecdsa": [point.hex() for point in self.points_ecdsa],
            "public_shares_ecdsa": [share.hex() for share in self.public_shares_ecdsa],
            "public_share_eddsa": self.public_share_eddsa.hex(),
            "checks": [{"name": made.name, "check": made.check, "result": made.result} for made in self.checks],
            "warnings": list(self.warnings),
        }
        return dict(described)
