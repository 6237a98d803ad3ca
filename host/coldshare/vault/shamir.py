"""Whether the public shares of a vault's parties belong to its key: one check for every library and both curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .checks import Checks

#: (points, values, at) -> f(at)*G given f(points[k])*G = values[k]; None for the neutral element.
Interpolate: TypeAlias = Callable[[Sequence[int], Sequence[bytes], int], "bytes | None"]


@dataclass(frozen=True, slots=True)
class PublicShares:
    """The public side of a secret that was shared. Everything in it must have been checked to be valid."""

    #: x_k of every party, by index: distinct and not 0 in the field.
    points: Sequence[int]
    #: f(x_k)*G of every party, by index.
    values: Sequence[bytes]
    #: f(0)*G.
    key: bytes
    #: Parties needed, at least 2.
    threshold: int
    interpolate: Interpolate


def check_public_shares(shares: PublicShares, library: str, where: str, checks: Checks) -> None:
    """Every t-subset of the public shares interpolates to the key, in n-t+1 interpolations instead of C(n, t).

    Let f be the polynomial of degree below t through the first t points. If f(0)*G is the key and every
    further share is f(x_k)*G, then all points lie on f, and every t of them give f back, so the key. Conversely,
    if every t-subset gives the key, then for any k beyond, the polynomials through {first t-1, k} and through
    the first t agree in t places (those t-1, and 0, which no x_k is): they are the same, and share k lies on f.

    The first t-1 of them give the key too exactly when f has a lower degree than the threshold says: then fewer
    than t parties could sign.

    The checks are `library`_interpolation and `library`_degree; `where` begins what they say, or is empty.
    """
    t = shares.threshold
    first_points, first_values = shares.points[:t], shares.values[:t]
    key = shares.interpolate(first_points, first_values, 0)
    checks.require(
        f"{library}_interpolation",
        key == shares.key,
        f"{where}The public shares of parties 0 to {t - 1} give another key.",
    )
    for party in range(t, len(shares.points)):
        on_polynomial = shares.interpolate(first_points, first_values, shares.points[party])
        checks.require(
            f"{library}_interpolation",
            on_polynomial == shares.values[party],
            f"{where}The public share of party {party} does not fit those of parties 0 to {t - 1}.",
        )
    too_few = shares.interpolate(first_points[:-1], first_values[:-1], 0)
    checks.require(f"{library}_degree", too_few != shares.key, f"{where}Already {t - 1} do.")
