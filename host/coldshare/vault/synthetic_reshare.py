"""Throw-away vaults, reshared: the same keys and chain code, another committee, new shares, another generation.

Every dealer spreads its old share over a fresh polynomial, and every new share is the sum of what its party was dealt:
Desmedt and Jajodia, "Redistributing secret shares to new access structures" (1997), without the proofs that parties
who do not trust each other need. All of it happens in one process, so it is for vaults that guard nothing only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from . import base64text, curves
from .dkls import SECRET
from .limits import MAX_PARTIES
from .read import read_share
from .schnorr import SECRET as SCHNORR_SECRET
from .synthetic import (
    Random,
    SyntheticShare,
    _evaluate,
    _file_name,
    _Generation,
    _Keygen,
    _scalar,
    _secp256k1_public,
    _vult,
)

__all__ = ["reshare_vault"]


@dataclass(frozen=True, slots=True)
class _Dealer:
    """An old share, with its secrets."""

    point_ecdsa: int
    point_eddsa: int
    ecdsa: int = field(repr=False)
    eddsa: int = field(repr=False)


def reshare_vault(
    old: Sequence[bytes],
    party_ids: Sequence[str],
    threshold: int,
    *,
    created_at: int = 0,
    random: Random = secrets.token_bytes,
) -> list[SyntheticShare]:
    """New shares of the vault of the plain `.vult` files `old`, of which its threshold is needed.

    One share for each of `party_ids`, in their order; any `threshold` of them could sign. The files must be of
    `synthetic.make_vault` or of an earlier call: keys of single chains are not carried over. `created_at` is in Unix
    seconds. Raises ValueError for too few files, files of several vaults or generations or of another library, and a
    committee that no vault can have.
    """
    parties = len(party_ids)
    if not 2 <= threshold <= parties <= MAX_PARTIES or len(set(party_ids)) != parties:
        raise ValueError("a vault has 2 to 32 different parties and a threshold from 2 to their number")
    facts = [read_share(one).facts for one in old]
    if len({(one.public_key_ecdsa, one.generation) for one in facts}) != 1 or facts[0].library != "DKLS":
        raise ValueError("the old shares are not of one generation of one vault with two keys")
    needed = facts[0].threshold
    dealers = list({one.party: _dealer(data) for one, data in zip(facts, old, strict=True)}.values())[:needed]
    if len(dealers) < needed:
        raise ValueError(f"a reshare of this vault needs {needed} of its shares")
    # The library gives the new parties the points 1, 2, 3 and so on, on both curves.
    points = range(1, parties + 1)
    ecdsa = _deal([(one.point_ecdsa, one.ecdsa) for one in dealers], points, threshold, curves.SECP256K1_ORDER, random)
    eddsa = _deal([(one.point_eddsa, one.eddsa) for one in dealers], points, threshold, curves.ED25519_ORDER, random)
    ecdsa_secrets = [one.to_bytes(32, "big") for one in ecdsa]
    first = facts[0]
    generation = _Generation(
        parties=parties,
        threshold=threshold,
        session_id=random(32),
        chain_code=first.chain_code,
        ecdsa_key=first.public_key_ecdsa,
        ecdsa_key_id=first.public_key_ecdsa[:32],
        points=[point.to_bytes(32, "big") for point in points],
        public_shares=[_secp256k1_public(one) for one in ecdsa_secrets],
        eddsa_key=first.public_key_eddsa,
        eddsa_key_id=first.public_key_eddsa,
        eddsa_chain_code=bytes(32),
    )
    run = _Keygen(
        generation,
        ecdsa_secrets,
        [one.to_bytes(32, "little") for one in eddsa],
        {(a, b): random(32) for a in range(parties) for b in range(a + 1, parties)},
    )
    # As in the library: who was a party before keeps the chain code of its EdDSA share, who joins has none.
    chain_codes = {one.party: _schnorr_chain_code(data) for one, data in zip(facts, old, strict=True)}
    shares = []
    for index, party in enumerate(party_ids):
        own = replace(run, generation=replace(generation, eddsa_chain_code=chain_codes.get(party, bytes(32))))
        vult = _vult(first.vault_name, party_ids, index, (generation, own.share(index, random)), [], created_at)
        shares.append(SyntheticShare(party, _file_name(first.vault_name, generation, index), vult))
    return shares


def _deal(
    old: Sequence[tuple[int, int]], points: Sequence[int], threshold: int, order: int, random: Random
) -> list[int]:
    """New values at `points` of the polynomial of degree `threshold` - 1 that has the old one's value at zero."""
    weights = curves.lagrange([point for point, _ in old], 0, order)
    dealt = [
        [weight * value % order, *(_scalar(order, random) for _ in range(threshold - 1))]
        for weight, (_, value) in zip(weights, old, strict=True)
    ]
    return [sum(_evaluate(polynomial, point, order) for polynomial in dealt) % order for point in points]


def _dealer(vult: bytes) -> _Dealer:
    facts = read_share(vult).facts
    ecdsa, eddsa = _raw_shares(vult)
    return _Dealer(
        point_ecdsa=int.from_bytes(facts.points_ecdsa[facts.index], "big"),
        point_eddsa=int.from_bytes(facts.point_eddsa, "big"),
        ecdsa=int.from_bytes(ecdsa[SECRET], "big"),
        eddsa=int.from_bytes(eddsa[SCHNORR_SECRET], "little"),
    )


def _schnorr_chain_code(vult: bytes) -> bytes:
    _, eddsa = _raw_shares(vult)
    return eddsa[-32:]


def _raw_shares(vult: bytes) -> tuple[bytes, bytes]:
    from .vault_pb2 import Vault, VaultContainer

    vault = Vault.FromString(base64text.decode(VaultContainer.FromString(base64text.decode(vult)).vault.encode()))
    raw = {one.public_key: base64text.decode(one.keyshare.encode()) for one in vault.key_shares}
    return raw[vault.public_key_ecdsa], raw[vault.public_key_eddsa]
