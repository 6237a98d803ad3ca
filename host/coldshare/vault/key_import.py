"""Vaults made from an imported seed: besides the vault's own two keys, a key for every chain, or group of chains.

`chain_public_keys` says which chain has which key; each key has a key share of its own, a whole DKLS or Schnorr share
(`is_eddsa`) from a keygen of its own, of the same committee. Chains that derive the same key share one. A chain's key
can be the vault's own. The chain codes of these shares are the library's affair and bind nothing.
Source: vultisig-ios, KeygenViewModel (key import); vultisig-windows, toCommVault; vultiserver, batch import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from .checks import Checks
from .dkls import DklsPublic, read_dkls
from .facts import ChainFacts
from .fields import ECDSA_KEY_SIZE, EDDSA_KEY_SIZE, hex_bytes
from .key_shares import KeyShares, raw_share
from .message import ChainKey, VaultMessage
from .schnorr import SchnorrPublic, read_schnorr

_GENERATION_LABEL: Final = b"coldshare/1 key import generation"

#: (public key, final_session_id), once per keygen.
Generation = tuple[bytes, bytes]


def generation_of(generations: Sequence[Generation]) -> bytes:
    """One id for the generation of a vault with several ECDSA keys: 32 bytes, no secret.

    With one keygen it is that keygen's `final_session_id`. With several it is SHA-256 over a label and, sorted and
    each once, every ECDSA key with its `final_session_id`: equal for all parties, and another one after a reshare of
    any of the keys. Shares that agree in the vault's own key only, and not in every chain's, cannot sign together on
    every chain, so they are not of one generation. EdDSA shares have no id and do not count.
    """
    distinct = sorted(set(generations))
    if len(distinct) == 1:
        return distinct[0][1]
    digest = hashlib.sha256(_GENERATION_LABEL)
    for key, session in distinct:
        digest.update(key + session)
    return digest.digest()


def read_chains(
    chains: Sequence[ChainKey],
    shares: KeyShares,
    vault: VaultMessage,
    ecdsa: DklsPublic,
    eddsa: SchnorrPublic,
    checks: Checks,
) -> tuple[tuple[ChainFacts, ...], list[Generation]]:
    """Every chain's key, its key share checked, and the keygens of the ECDSA ones.

    `ecdsa` and `eddsa` are the vault's own. Raises `FieldError`, `ShareCheckError` naming the chains.
    """
    found: dict[str, tuple[bytes, bytes | None]] = {}
    generations: list[Generation] = []
    names: dict[str, list[str]] = {}
    for chain in chains:
        names.setdefault(chain.public_key, []).append(chain.chain)
    facts = []
    for chain in chains:
        size = EDDSA_KEY_SIZE if chain.is_eddsa else ECDSA_KEY_SIZE
        key = hex_bytes("chain_public_keys", chain.public_key, size)
        if chain.public_key not in found:
            of = _listed(names[chain.public_key])
            if key == vault.public_key_ecdsa:
                found[chain.public_key] = (ecdsa.public_shares[ecdsa.index], ecdsa.generation)
            elif key == vault.public_key_eddsa:
                found[chain.public_key] = (eddsa.public_share, None)
            elif chain.is_eddsa:
                found[chain.public_key] = (_read_eddsa(key, of, shares, ecdsa, checks), None)
            else:
                own, sessions = _read_ecdsa(key, of, shares, ecdsa, checks)
                found[chain.public_key] = (own, sessions[0])
                generations += [(key, session) for session in sessions]
        public_share, generation = found[chain.public_key]
        facts.append(ChainFacts(chain.chain, key, chain.is_eddsa, public_share, generation))
    return tuple(facts), generations


class _Public(Protocol):
    @property
    def threshold(self) -> int: ...
    @property
    def parties(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def public_key(self) -> bytes: ...


_P = TypeVar("_P", bound=_Public)


def _read_ecdsa(key: bytes, of: str, shares: KeyShares, root: DklsPublic, checks: Checks) -> tuple[bytes, list[bytes]]:
    def reader(text: str, checks: Checks) -> DklsPublic:
        return read_dkls(raw_share("ECDSA", text), checks)

    read = _read(key, of, shares, root, checks, reader)
    return read[0].public_shares[root.index], [public.generation for public in read]


def _read_eddsa(key: bytes, of: str, shares: KeyShares, root: DklsPublic, checks: Checks) -> bytes:
    def reader(text: str, checks: Checks) -> SchnorrPublic:
        return read_schnorr(raw_share("EdDSA", text), checks)

    return _read(key, of, shares, root, checks, reader)[0].public_share


def _read(
    key: bytes,
    of: str,
    shares: KeyShares,
    root: DklsPublic,
    checks: Checks,
    reader: Callable[[str, Checks], _P],
) -> list[_P]:
    checks.require(
        "chain_key_share",
        key.hex() in shares,
        f"There is none for {of}. Restored from this file, a device could not sign there.",
    )
    checks = checks.within(f"It is that of {of}.")
    read = shares.read(key.hex(), of, checks, reader)
    for public in read:
        checks.require("chain_key", public.public_key == key, "The key inside is another one.")
        said = (public.threshold, public.parties, public.index)
        own = (root.threshold, root.parties, root.index)
        checks.require(
            "chain_committee",
            said == own,
            f"It says {said[0]} of {said[1]}, number {said[2]}; the vault's own key says {own[0]} of {own[1]},"
            f" number {own[2]}.",
        )
    return read


def _listed(chains: Sequence[str]) -> str:
    """The names of chains, as many as fit a sentence."""
    shown = ", ".join(chains[:3])
    return shown if len(chains) <= 3 else f"{shown} and {len(chains) - 3} more"
