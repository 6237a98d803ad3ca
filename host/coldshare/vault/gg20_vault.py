"""A share of a vault of the GG20 library: its two halves, and whether the vault around them says the same."""

from __future__ import annotations

from typing import Final

from .checks import Checks
from .errors import FieldError
from .extra_keys import take_extra_keys, take_the_rest
from .facts import ShareFacts, server_warnings
from .gg20 import join_halves, read_gg20_ecdsa, read_gg20_eddsa
from .key_shares import KeyShares
from .message import VaultMessage

_ECDSA_KEY: Final = "the vault's ECDSA key"
_EDDSA_KEY: Final = "the vault's EdDSA key"


def check_gg20_vault(vault: VaultMessage, checks: Checks) -> ShareFacts:
    """The facts of a checked share. Raises `FieldError`, `ShareCheckError`."""
    shares = KeyShares(vault.key_shares)
    ecdsa_key, eddsa_key = vault.public_key_ecdsa.hex(), vault.public_key_eddsa.hex()
    shares.need(ecdsa_key, _ECDSA_KEY, checks)
    shares.need(eddsa_key, _EDDSA_KEY, checks)
    ecdsa = shares.read_one(ecdsa_key, _ECDSA_KEY, checks, read_gg20_ecdsa)
    eddsa = shares.read_one(eddsa_key, _EDDSA_KEY, checks, read_gg20_eddsa)
    checks.require("gg20_public_key", ecdsa.public_key == vault.public_key_ecdsa, "The field is public_key_ecdsa.")
    checks.require("gg20_public_key", eddsa.public_key == vault.public_key_eddsa, "The field is public_key_eddsa.")
    share = join_halves(ecdsa, eddsa, checks)
    checks.require("gg20_chain_code", share.chain_code == vault.chain_code, "The field is hex_chain_code.")
    checks.require(
        "gg20_committee",
        set(share.parties) == set(vault.signers),
        f"The vault names {len(vault.signers)} signers, the share {len(share.parties)} parties.",
    )
    checks.require("gg20_local_party", ecdsa.party == vault.party, f"The field local_party_id says {vault.party}.")
    extra = take_extra_keys(vault, shares, checks)
    if extra.chains:
        raise FieldError("chain_public_keys", "names the keys of chains, which no GG20 vault has")
    rest = take_the_rest(shares, checks)
    checks.impossible("gg20_other_parties")
    prefix_warnings = []
    if vault.reshare_prefix not in (None, share.reshare_prefix):
        prefix_warnings.append(
            "The vault states another reshare prefix than its key shares. The one in the key shares counts for signing;"
            " a reshare may need the app to be told."
        )
    return ShareFacts(
        vault_name=vault.name,
        public_key_ecdsa=ecdsa.public_key,
        public_key_eddsa=eddsa.public_key,
        chain_code=share.chain_code,
        party=vault.party,
        signers=share.parties,
        index=share.index,
        threshold=share.threshold,
        parties=len(share.parties),
        library="GG20",
        generation=share.generation,
        reshared=share.reshare_prefix != "",
        created_at=vault.created_at,
        reshare_prefix=share.reshare_prefix,
        points_ecdsa=share.points_ecdsa,
        public_shares_ecdsa=share.public_shares_ecdsa,
        point_eddsa=share.points_eddsa[share.index],
        public_share_eddsa=share.public_shares_eddsa[share.index],
        public_shares_eddsa=share.public_shares_eddsa,
        extra_keys=extra.names,
        checks=checks.report(),
        warnings=(
            *vault.warnings,
            *server_warnings(vault.party),
            *shares.warnings,
            *extra.warnings,
            *rest,
            *prefix_warnings,
        ),
    )
