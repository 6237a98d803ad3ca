"""Throw-away vaults that were reshared: the same keys, new shares, as the libraries write them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import cache

from coldshare.vault import curves, synthetic
from coldshare.vault.synthetic import SyntheticShare, _Keygen

_THRESHOLD = 2


@cache
def generations(
    count: int = 3, name: str = "Savings", parties: tuple[str, ...] = ("Phone", "Laptop", "Tablet")
) -> list[list[SyntheticShare]]:
    """That many generations of one 2-of-n vault, oldest first; the same ones every time they are asked for."""
    run = synthetic._keygen(len(parties), _THRESHOLD, secrets.token_bytes)
    out = [_shares(name, parties, run)]
    while len(out) < count:
        run = _reshare(run)
        out.append(_shares(name, parties, run))
    return out


def _shares(name: str, parties: tuple[str, ...], run: _Keygen) -> list[SyntheticShare]:
    made = []
    for index, party in enumerate(parties):
        root = (run.generation, run.share(index, secrets.token_bytes))
        made.append(SyntheticShare(party, f"{party}.vult", synthetic._vult(name, parties, index, root, [], 0)))
    return made


def _reshare(old: _Keygen) -> _Keygen:
    """New polynomials through the same keys."""
    parties = old.generation.parties
    points = [int.from_bytes(point, "big") for point in old.generation.points]
    ecdsa = _refresh(points, [int.from_bytes(one, "big") for one in old.ecdsa_secrets], curves.SECP256K1_ORDER)
    eddsa = _refresh(
        list(range(1, parties + 1)), [int.from_bytes(one, "little") for one in old.eddsa_secrets], curves.ED25519_ORDER
    )
    ecdsa_secrets = [one.to_bytes(32, "big") for one in ecdsa]
    return _Keygen(
        replace(
            old.generation,
            session_id=secrets.token_bytes(32),
            ecdsa_key_id=old.generation.ecdsa_key[:32],
            eddsa_key_id=old.generation.eddsa_key,
            public_shares=[synthetic._secp256k1_public(one) for one in ecdsa_secrets],
        ),
        ecdsa_secrets,
        [one.to_bytes(32, "little") for one in eddsa],
        {pair: secrets.token_bytes(32) for pair in old.zeta_seeds},
    )


def _refresh(points: list[int], values: list[int], order: int) -> list[int]:
    """Values at the same points of another line that meets the old one at zero."""
    a, b = points[0], points[1]
    slope = (values[1] - values[0]) * pow(b - a, -1, order) % order
    at_zero = (values[0] - slope * a) % order
    other = secrets.randbelow(order - 1) + 1
    return [(at_zero + other * point) % order for point in points]
