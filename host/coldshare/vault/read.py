"""Reading a vault file: what it is, and whether the share inside is sound."""

from __future__ import annotations

from typing import Final, NoReturn

from .checks import Checks
from .container import open_container
from .dkls import DklsPublic, read_dkls
from .encryption import Encryption
from .facts import JsonValue, ShareFacts
from .message import VaultMessage, parse_vault
from .schnorr import SchnorrPublic, read_schnorr


class VaultShare:
    """One share: the file exactly as it came, and what it says. Made by `read_share` only.

    `original` is secret. It is in no repr, comparison, copy or pickle of this object.
    """

    __slots__ = ("encryption", "facts", "original")

    def __init__(self, original: bytes, facts: ShareFacts, encryption: Encryption) -> None:
        #: The file, byte for byte. This is what is stored and given back.
        self.original: Final = original
        self.facts: Final = facts
        #: The file's own protection, which coldshare does not rely on.
        self.encryption: Final = encryption

    def __repr__(self) -> str:
        facts = self.facts
        return (
            f"<VaultShare {facts.vault_name!r} of {facts.party!r}, {facts.threshold} of {facts.parties},"
            f" {self.encryption}, {len(self.original)} bytes>"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault share is secret and is neither copied nor pickled")

    def describe(self) -> dict[str, JsonValue]:
        """The facts, the file's size and its encryption, as JSON values. Never a secret."""
        return {
            **self.facts.describe(),
            "encryption": self.encryption.value,
            "file_size": len(self.original),
        }


def read_share(data: bytes, *, password: str | None = None) -> VaultShare:
    """Read and check a `.vult` file of a DKLS vault, plain or encrypted.

    `password` is the file's own; it is not looked at where the file is plain. Raises `InputError` where this is
    no vault file, a damaged one or a kind not supported yet, `VaultPasswordNeededError` and
    `VaultPasswordWrongError`, `ShareCheckError` where the share contradicts itself or the vault around it.
    """
    opened = open_container(data, password)
    checks = Checks()
    vault = parse_vault(opened.vault, checks)
    dkls = read_dkls(vault.ecdsa_share, checks)
    schnorr = read_schnorr(vault.eddsa_share, checks)
    _check_agreement(vault, dkls, schnorr, checks)
    facts = ShareFacts(
        vault_name=vault.name,
        public_key_ecdsa=dkls.public_key,
        public_key_eddsa=schnorr.public_key,
        chain_code=dkls.chain_code,
        party=vault.party,
        signers=vault.signers,
        index=dkls.index,
        threshold=dkls.threshold,
        parties=dkls.parties,
        library="DKLS",
        generation=dkls.generation,
        reshared=dkls.reshared,
        created_at=vault.created_at,
        reshare_prefix=vault.reshare_prefix,
        points_ecdsa=dkls.points,
        public_shares_ecdsa=dkls.public_shares,
        public_share_eddsa=schnorr.public_share,
        checks=checks.report(),
        warnings=(*vault.warnings, *_odd_halves(dkls, schnorr)),
    )
    return VaultShare(data, facts, opened.encryption)


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


def _odd_halves(dkls: DklsPublic, schnorr: SchnorrPublic) -> list[str]:
    warnings = []
    if dkls.reshared != schnorr.reshared:
        warnings.append(
            "Only one half of this share (ECDSA or EdDSA) has been reshared. A reshare may have stopped halfway:"
            " make sure that the vault still signs on both kinds of chain."
        )
    if schnorr.reserved:
        warnings.append("The EdDSA share has an unknown mark at byte 99; it is kept as it is.")
    return warnings
