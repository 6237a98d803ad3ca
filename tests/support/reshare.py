"""Throw-away vaults that were reshared: the same keys, new shares, as the libraries write them."""

from __future__ import annotations

from functools import cache

from coldshare.vault.synthetic import SyntheticShare, make_vault
from coldshare.vault.synthetic_reshare import reshare_vault

_THRESHOLD = 2


@cache
def generations(
    count: int = 3, name: str = "Savings", parties: tuple[str, ...] = ("Phone", "Laptop", "Tablet")
) -> list[list[SyntheticShare]]:
    """That many generations of one 2-of-n vault, oldest first; the same ones every time they are asked for."""
    out = [_named(make_vault(name, parties, _THRESHOLD))]
    while len(out) < count:
        out.append(_named(reshare_vault([share.vult for share in out[-1]], parties, _THRESHOLD)))
    return out


def _named(shares: list[SyntheticShare]) -> list[SyntheticShare]:
    return [SyntheticShare(share.party, f"{share.party}.vult", share.vult) for share in shares]
