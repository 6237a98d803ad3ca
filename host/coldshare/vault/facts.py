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

_SERVER_SHARE: Final = (
    "This is the share of {party}, the vendor's server, which signs for this fast vault. It belongs on no device: a"
    " device that imports it takes the server's place, and fast signing breaks. Back up the share of each of your own"
    " devices first. The server's share can be requested again from the vendor, who sends it by e-mail."
)


def is_server_id(party: str) -> bool:
    """Whether a party id is that of the vendor's server."""
    return party.startswith(_SERVER_PREFIX) or party.lower().startswith(_OLD_SERVERS)


def server_warnings(party: str) -> tuple[str, ...]:
    """What to know before backing up a server's share; nothing for a device's."""
    return (_SERVER_SHARE.format(party=party),) if is_server_id(party) else ()


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """The key of one chain, in a vault made from an imported seed. Chains can have the same key."""

    chain: str
    #: secp256k1, 33 bytes compressed, or edwards25519, 32 bytes.
    public_key: bytes
    is_eddsa: bool
    #: This party's public share of that key, as `ShareFacts` has them for the vault's own.
    public_share: bytes
    #: The `final_session_id` of its keygen, 32 bytes; None for EdDSA, whose shares have none.
    generation: bytes | None

    def describe(self) -> dict[str, JsonValue]:
        """The facts as JSON values."""
        return {
            "chain": self.chain,
            "public_key": self.public_key.hex(),
            "is_eddsa": self.is_eddsa,
            "public_share": self.public_share.hex(),
            "generation": None if self.generation is None else self.generation.hex(),
        }


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
    #: All party ids of this generation, by party index. The file's own order differs where the library is GG20.
    signers: tuple[str, ...]
    #: The party's place in `signers`, from 0. After a reshare a new device can have a lost one's index.
    index: int
    #: Parties needed to sign (t).
    threshold: int
    #: Parties in all (n).
    parties: int
    #: The signing library: DKLS, GG20, or KEYIMPORT (DKLS, with a key per chain).
    library: str
    #: 32 bytes, the same for all shares of one keygen or reshare, and for no others. DKLS: `final_session_id`; GG20:
    #: `gg20.generation_of`; KEYIMPORT: `key_import.generation_of`.
    generation: bytes
    #: Whether the vault has been reshared at least once.
    reshared: bool
    #: Unix seconds, or None. Not checked. Android writes the time of the export, others that of the keygen.
    created_at: int | None
    #: Where the library is GG20: empty, or what every party's name begins with since a reshare. Else not checked.
    reshare_prefix: str
    #: x_k of every party, by index: 32 bytes big endian each, where Shamir's polynomial is S_k.
    points_ecdsa: tuple[bytes, ...]
    #: S_k of every party, by index: 33 bytes compressed each.
    public_shares_ecdsa: tuple[bytes, ...]
    #: x_i of this party on the EdDSA polynomial: 32 bytes big endian. DKLS: index + 1.
    point_eddsa: bytes
    #: S_i = s_i*B of this party: 32 bytes.
    public_share_eddsa: bytes
    #: S_k of every party, by index, where the share holds them (GG20); else empty.
    public_shares_eddsa: tuple[bytes, ...] = ()
    #: Every chain with a key of its own, in the file's order (KEYIMPORT).
    chains: tuple[ChainFacts, ...] = ()
    #: Keys besides these that the vault names and coldshare cannot check, by name.
    extra_keys: tuple[str, ...] = ()
    #: What was checked, and what could not be.
    checks: tuple[Check, ...]
    #: Oddities that are no reason to refuse.
    warnings: tuple[str, ...]

    @property
    def servers(self) -> tuple[str, ...]:
        """The signers that are the vendor's server: none or one."""
        return tuple(signer for signer in self.signers if is_server_id(signer))

    @property
    def fast_vault(self) -> bool:
        """Whether the vendor's server is one of the signers."""
        return bool(self.servers)

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
            "servers": list(self.servers),
            "created_at": self.created_at,
            "reshare_prefix": self.reshare_prefix,
            "points_ecdsa": [point.hex() for point in self.points_ecdsa],
            "public_shares_ecdsa": [share.hex() for share in self.public_shares_ecdsa],
            "point_eddsa": self.point_eddsa.hex(),
            "public_share_eddsa": self.public_share_eddsa.hex(),
            "public_shares_eddsa": [share.hex() for share in self.public_shares_eddsa],
            "chains": [chain.describe() for chain in self.chains],
            "extra_keys": list(self.extra_keys),
            "checks": [{"name": made.name, "check": made.check, "result": made.result} for made in self.checks],
            "warnings": list(self.warnings),
        }
        return dict(described)
