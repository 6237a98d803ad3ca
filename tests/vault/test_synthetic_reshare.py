"""Throw-away vaults, reshared: the keys stay, everything else is new, and the two generations never meet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations, count
from pathlib import Path

import pytest

from coldshare.vault import ShareFacts, read_share
from coldshare.vault.synthetic import ChainGroup, make_key_import, make_vault
from coldshare.vault.synthetic_reshare import reshare_vault
from safety.integers import L, N, at_zero, ed25519, secp256k1
from support.shell import share_secrets

from .builders import edit, open_vult
from .gg20 import make_gg20

NAMES = tuple("abcdefgh")
Shares = list[tuple[int, int]]


def draws(seed: str) -> Callable[[int], bytes]:
    numbers = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


@cache
def made(parties: int, threshold: int) -> tuple[bytes, ...]:
    return tuple(one.vult for one in make_vault("v", NAMES[:parties], threshold, random=draws("made")))


def reshared(old: Sequence[bytes], parties: Sequence[str], threshold: int) -> list[bytes]:
    return [one.vult for one in reshare_vault(old, parties, threshold, random=draws("reshared"))]


def secrets_of(vults: Sequence[bytes]) -> tuple[Shares, Shares]:
    """(x, f(x)) of every party on both curves: plain integers, read from the files themselves."""
    ecdsa, eddsa = [], []
    for one in vults:
        raw, scalars = open_vult(one), share_secrets(one, None)
        index, entry = raw.ecdsa[10], 172 + 98 * raw.ecdsa[10]
        point = int.from_bytes(raw.ecdsa[entry + 34 : entry + 66], "big")
        ecdsa.append((point, int.from_bytes(scalars["s_i"], "big")))
        eddsa.append((index + 1, int.from_bytes(scalars["EdDSA s_i"], "little")))
    return ecdsa, eddsa


def facts_of(vults: Sequence[bytes]) -> list[ShareFacts]:
    return [read_share(one).facts for one in vults]


SHAPES = [
    ((2, 2), (2, 2)),
    ((3, 2), (3, 2)),
    ((3, 2), (2, 2)),
    ((3, 2), (4, 3)),
    ((4, 3), (3, 2)),
    ((5, 4), (4, 3)),
    ((2, 2), (5, 4)),
]


@pytest.mark.parametrize(("before", "after"), SHAPES, ids=str)
def test_every_t_give_both_keys_and_fewer_do_not(before: tuple[int, int], after: tuple[int, int]) -> None:
    old = made(*before)
    parties, threshold = after
    new = reshared(old, NAMES[3 : 3 + parties], threshold)
    first = facts_of(old)[0]
    ecdsa, eddsa = secrets_of(new)
    for size in range(1, parties + 1):
        for some in combinations(range(parties), size):
            enough = size >= threshold
            assert (secp256k1(at_zero([ecdsa[one] for one in some], N)) == first.public_key_ecdsa) is enough
            assert (ed25519(at_zero([eddsa[one] for one in some], L)) == first.public_key_eddsa) is enough


@pytest.mark.parametrize("count_of_old", [1, 2])
def test_old_and_new_never_together(count_of_old: int) -> None:
    """Not even where a party keeps its name: the secrets are of two polynomials."""
    old = made(3, 3)
    new = reshared(old, NAMES[:3], 3)
    first = facts_of(old)[0]
    for curve, (order, key, public) in enumerate(
        ((N, first.public_key_ecdsa, secp256k1), (L, first.public_key_eddsa, ed25519))
    ):
        older, newer = secrets_of(old)[curve], secrets_of(new)[curve]
        assert not {value for _, value in older} & {value for _, value in newer}
        tried = 0
        for some in combinations(older, count_of_old):
            for rest in combinations(newer, 3 - count_of_old):
                if len({x for x, _ in (*some, *rest)}) == 3:
                    assert public(at_zero([*some, *rest], order)) != key
                    tried += 1
        assert tried


def test_what_stays_and_what_is_new() -> None:
    old = made(3, 2)
    new = reshared(old, ("a", "b", "h"), 2)
    before, after = facts_of(old), facts_of(new)
    for one in after:
        assert one.public_key_ecdsa == before[0].public_key_ecdsa
        assert one.public_key_eddsa == before[0].public_key_eddsa
        assert one.chain_code == before[0].chain_code
        assert one.vault_name == before[0].vault_name
        assert one.generation == after[0].generation != before[0].generation
        assert one.signers == ("a", "b", "h")
        assert one.reshared
        assert one.library == "DKLS"
        assert one.warnings == ()
        assert not set(one.public_shares_ecdsa) & set(before[0].public_shares_ecdsa)
    assert not any(one.reshared for one in before)
    assert len({one.public_share_eddsa for one in (*before, *after)}) == 6
    assert [one.party for one in after] == ["a", "b", "h"]
    assert [one.index for one in after] == [0, 1, 2]


def test_a_reshare_of_a_reshare() -> None:
    runs: list[Sequence[bytes]] = [made(3, 2)]
    for parties, threshold in ((("a", "b", "d"), 2), (("a", "d", "e", "f"), 3), (("f", "a"), 2)):
        runs.append([one.vult for one in reshare_vault(runs[-1], parties, threshold)])
    first = facts_of(runs[0])[0]
    assert len({facts_of(run)[0].generation for run in runs}) == 4
    for run in runs:
        ecdsa, eddsa = secrets_of(run)
        threshold = facts_of(run)[0].threshold
        assert secp256k1(at_zero(ecdsa[-threshold:], N)) == first.public_key_ecdsa
        assert ed25519(at_zero(eddsa[-threshold:], L)) == first.public_key_eddsa


def test_any_threshold_of_the_old_ones_is_enough() -> None:
    old = made(4, 3)
    for some in combinations(old, 3):
        new = reshared(some, NAMES[:2], 2)
        assert facts_of(new)[0].public_key_ecdsa == facts_of(old)[0].public_key_ecdsa
    for some in ([], old[:1], old[:2], [old[0], old[1], old[1]]):
        with pytest.raises(ValueError, match=r"old shares are not|needs 3 of its shares"):
            reshared(some, NAMES[:2], 2)


def test_the_random_source_decides_everything() -> None:
    assert reshared(made(3, 2), NAMES[:3], 2) == reshared(made(3, 2), NAMES[:3], 2)
    (one, _), (two, _) = (reshare_vault(made(3, 2), NAMES[:2], 2) for _ in range(2))
    assert facts_of([one.vult])[0].generation != facts_of([two.vult])[0].generation


def test_the_vendors_own_reshare_looks_like_that(fixtures: Path) -> None:
    """Points 1, 2, 3 on both curves, and the mark by which a reshared DKLS share is known."""
    theirs = [
        (fixtures / f"made/reshared_1_2_4/SimVault-2903-share{number}of3.vult").read_bytes() for number in (1, 2, 3)
    ]
    old = [(fixtures / f"made/orig_2of3/SimVault-2903-share{number}of3.vult").read_bytes() for number in (1, 2, 3)]
    ours = reshared(old, facts_of(theirs)[0].signers, 2)
    for mine, their in zip(ours, theirs, strict=True):
        one, other = facts_of([mine, their])
        assert one.points_ecdsa == other.points_ecdsa
        assert one.point_eddsa == other.point_eddsa
        assert (one.signers, one.index, one.threshold) == (other.signers, other.index, other.threshold)
        assert one.public_key_ecdsa == other.public_key_ecdsa
        assert one.public_key_eddsa == other.public_key_eddsa
        assert one.chain_code == other.chain_code
        assert one.reshared is other.reshared is True
        for raw in (open_vult(mine), open_vult(their)):
            assert raw.ecdsa[108:140] == one.public_key_ecdsa[:32]
            assert raw.eddsa[67:99] == one.public_key_eddsa
        # Who was a party before has kept this, who joined has zeros.
        assert open_vult(mine).eddsa[100:132] == open_vult(their).eddsa[100:132]
    assert len({one.generation for one in facts_of([*ours, *theirs, *old])}) == 3


@pytest.mark.parametrize(
    ("parties", "threshold"),
    [([], 2), (["a"], 1), (["a", "b"], 1), (["a", "b"], 3), (["a", "a"], 2), ([str(k) for k in range(33)], 2)],
)
def test_committees_that_no_vault_can_have(parties: list[str], threshold: int) -> None:
    with pytest.raises(ValueError, match="a vault has 2 to 32"):
        reshare_vault(made(3, 2), parties, threshold)


def test_shares_that_do_not_belong_together() -> None:
    old = made(3, 2)
    other = [one.vult for one in make_vault("v", NAMES[:3], 2)]
    new = reshared(old, NAMES[:3], 2)
    imported = make_key_import("v", NAMES[:2], 2, [ChainGroup(("Bitcoin",))])
    older_library = make_gg20("v", NAMES[:2])
    for mixed in (
        [old[0], other[1]],
        [old[0], new[1]],
        [one.vult for one in imported],
        [one.vult() for one in older_library],
    ):
        with pytest.raises(ValueError, match="not of one generation"):
            reshare_vault(mixed, NAMES[:3], 2)
    renamed = edit(old[1], lambda opened: setattr(opened.vault, "name", "another name"))
    assert len(reshared([old[0], renamed], NAMES[:3], 2)) == 3
