"""A share of a vault of the DKLS library: its two halves, and whether the vault around them says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .checks import Checks
from .dkls import DklsPublic, read_dkls
from .extra_keys import take_extra_keys, take_the_rest
from .facts import ShareFacts, server_warnings
from .key_import import generation_of, read_chains
from .key_shares import KeyShares, raw_share
from .message import LIB_KEYIMPORT, VaultMessage
from .schnorr import SchnorrPublic, read_schnorr

_ECDSA_KEY: Final = "the vault's ECDSA key"
_EDDSA_KEY: Final = "the vault's EdDSA key"


def read_ecdsa(text: str, checks: Checks) -> DklsPublic:
    """The public values of an ECDSA key share. Raises `FieldError`, `ShareCheckError`."""
    return read_dkls(raw_share("ECDSA", text), checks)


def read_eddsa(text: str, checks: Checks) -> SchnorrPublic:
    """The public values of an EdDSA key share. Raises `FieldError`, `ShareCheckError`."""
    return read_schnorr(raw_share("EdDSA", text), checks)


def check_dkls_vault(vault: VaultMessage, checks: Checks) -> ShareFacts:
    """The facts of a checked share. Raises `FieldError`, `ShareCheckError`."""
    shares = KeyShares(vault.key_shares)
    ecdsa_key, eddsa_key = vault.public_key_ecdsa.hex(), vault.public_key_eddsa.hex()
    shares.need(ecdsa_key, _ECDSA_KEY, checks)
    shares.need(eddsa_key, _EDDSA_KEY, checks)
    dkls = shares.read_one(ecdsa_key, _ECDSA_KEY, checks, read_ecdsa)
    schnorr = shares.read_one(eddsa_key, _EDDSA_KEY, checks, read_eddsa)
    _check_agreement(vault, dkls, schnorr, checks)
    extra = take_extra_keys(vault, shares, checks)
    chains, generations = read_chains(extra.chains, shares, vault, dkls, schnorr, checks)
    rest = take_the_rest(shares, checks)
    checks.impossible("dkls_ot_seeds_agree", "schnorr_interpolation")
    key_import = bool(chains) or vault.lib_type == LIB_KEYIMPORT
    return ShareFacts(
        vault_name=vault.name,
        public_key_ecdsa=dkls.public_key,
        public_key_eddsa=schnorr.public_key,
        chain_code=dkls.chain_code,
        party=vault.party,
        signers=vault.signers,
        index=dkls.index,
        threshold=dkls.threshold,
        parties=dkls.parties,
        library="KEYIMPORT" if key_import else "DKLS",
        generation=generation_of([(dkls.public_key, dkls.generation), *generations]),
        reshared=dkls.reshared,
        created_at=vault.created_at,
        reshare_prefix=vault.reshare_prefix or "",
        points_ecdsa=dkls.points,
        public_shares_ecdsa=dkls.public_shares,
        point_eddsa=(schnorr.index + 1).to_bytes(32, "big"),
        public_share_eddsa=schnorr.public_share,
        chains=chains,
        extra_keys=extra.names,
        checks=checks.report(),
        warnings=(
            *vault.warnings,
            *server_warnings(vault.party),
            *shares.warnings,
            *extra.warnings,
            *rest,
            *_odd_halves(dkls, schnorr),
        ),
    )


def _check_agreement(vault: VaultMessage, dkls: DklsPublic, schnorr: SchnorrPublic, checks: Checks) -> None:
    """The two halves and the vault around them tell of the same vault and party."""
    checks.require("dkls_public_key", dkls.public_key == vault.public_key_ecdsa, "The field is public_key_ecdsa.")
    checks.require("dkls_chain_code", dkls.chain_code == vault.chain_code, "The field is hex_chain_code.")
    checks.require("schnorr_public_key", schnorr.public_key == vault.public_key_eddsa, "It is public_key_eddsa.")
    for name, of_dkls, of_schnorr in (
        ("schnorr_threshold", dkls.threshold, schnorr.threshold),
        ("schnorr_parties", dkls.parties, schnorr.parties),
        ("schnorr_index", dkls.index, schnorr.index),
    ):
        checks.require(name, of_dkls == of_schnorr, f"The ECDSA share says {of_dkls}, the EdDSA one {of_schnorr}.")
    checks.require(
        "signer_count",
        len(vault.signers) == dkls.parties,
        f"The vault names {len(vault.signers)}, the share is for {dkls.parties}.",
    )
    checks.require("party_is_signer", vault.party in vault.signers, f"The field local_party_id says {vault.party}.")
    place = vault.signers.index(vault.party)
    checks.require(
        "party_index",
        place == dkls.index,
        f"{vault.party} is number {place} of the signers, the share is that of number {dkls.index}.",
    )


def _odd_halves(dkls: DklsPublic, schnorr: SchnorrPublic) -> Sequence[str]:
    warnings = []
    if dkls.reshared != schnorr.reshared:
        warnings.append(
            "Only one half of this share (ECDSA or EdDSA) has been reshared. A reshare may have stopped halfway:"
            " make sure that the vault still signs on both kinds of chain."
        )
    if schnorr.reserved:
        warnings.append("The EdDSA share has an unknown mark at byte 99; it is kept as it is.")
    return warnings
