"""Throw-away vaults are of honest size and layout, and their arithmetic is true."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from coldshare.vault import read_share
from coldshare.vault.curves import ED25519_ORDER, SECP256K1_ORDER, ed25519_times_base, lagrange, secp256k1_times_base
from coldshare.vault.dkls import size_of
from coldshare.vault.protowire import walk
from coldshare.vault.synthetic import SyntheticShare, make_vault

from .builders import Opened, open_vult


def test_every_t_shares_give_both_keys_and_fewer_do_not() -> None:
    opened = [open_vult(share.vult) for share in make_vault("v", ["a", "b", "c", "d"], 3)]

    def ecdsa_key(parties: tuple[Opened, ...]) -> bytes | None:
        points = [int.from_bytes(p.ecdsa[172 + 98 * p.ecdsa[10] + 34 :][:32], "big") for p in parties]
        secrets = [int.from_bytes(p.ecdsa[140:172], "big") for p in parties]
        terms = zip(lagrange(points, 0, SECP256K1_ORDER), secrets, strict=True)
        return secp256k1_times_base((sum(c * s for c, s in terms) % SECP256K1_ORDER).to_bytes(32, "big"))

    def eddsa_key(parties: tuple[Opened, ...]) -> bytes | None:
        secrets = [int.from_bytes(p.eddsa[3:35], "little") for p in parties]
        terms = zip(lagrange([p.eddsa[2] + 1 for p in parties], 0, ED25519_ORDER), secrets, strict=True)
        return ed25519_times_base((sum(c * s for c, s in terms) % ED25519_ORDER).to_bytes(32, "little"))

    vault = opened[0].vault
    for size in (2, 3, 4):
        for parties in itertools.combinations(opened, size):
            assert (ecdsa_key(parties) == bytes.fromhex(vault.public_key_ecdsa)) is (size >= 3)
            assert (eddsa_key(parties) == bytes.fromhex(vault.public_key_eddsa)) is (size >= 3)


@pytest.mark.parametrize(("parties", "threshold"), [(2, 2), (3, 2), (3, 3), (7, 5), (32, 22)])
def test_the_reader_accepts_them(parties: int, threshold: int) -> None:
    made = make_vault("v", [f"device {k}" for k in range(parties)], threshold)
    facts = read_share(made[-1].vult).facts
    assert (facts.threshold, facts.parties, facts.index) == (threshold, parties, parties - 1)
    assert facts.party == made[-1].party == f"device {parties - 1}"
    assert not facts.reshared
    assert facts.warnings == ()


def test_nothing_that_should_be_random_is_blank(shares: list[SyntheticShare]) -> None:
    opened = [open_vult(share.vult) for share in shares]
    for one in opened:
        seeds = one.ecdsa[466:]
        assert len(set(seeds)) == 256
        assert b"\0" * 8 not in seeds
    assert len({bytes(one.ecdsa[466:498]) for one in opened}) == 3
    generations = {bytes(one.ecdsa[11:43]) for one in opened}
    assert len(generations) == 1
    assert generations != {bytes(32)}
    # One zeta seed per pair of parties, shared by the two; the last slot is empty, as the library leaves it.
    zeta = [[bytes(one.ecdsa[172 + 98 * k + 66 :][:32]) for k in range(3)] for one in opened]
    assert zeta[0][0] == zeta[1][0]
    assert zeta[0][1] == zeta[2][0]
    assert zeta[1][1] == zeta[2][1]
    assert len({seed for slots in zeta for seed in slots[:2]}) == 3
    assert {slots[2] for slots in zeta} == {bytes(32)}


def test_two_vaults_have_nothing_in_common() -> None:
    first, second = (read_share(make_vault("v", ["a", "b"], 2)[0].vult).facts for _ in range(2))
    assert first.public_key_ecdsa != second.public_key_ecdsa
    assert first.public_key_eddsa != second.public_key_eddsa
    assert first.generation != second.generation
    assert first.chain_code != second.chain_code


def test_the_random_source_decides_everything() -> None:
    def counting() -> object:
        state = itertools.count()
        return lambda size: bytes((next(state) * 7 + k * 13) % 251 + 1 for k in range(size))

    first, second = (make_vault("v", ["a", "b"], 2, random=counting()) for _ in range(2))  # type: ignore[arg-type]
    assert [share.vult for share in first] == [share.vult for share in second]


def test_names(shares: list[SyntheticShare]) -> None:
    key = open_vult(shares[0].vult).vault.public_key_ecdsa
    assert [share.file_name for share in shares] == [f"Testvault-{key[-4:]}-share{k}of3.vult" for k in (1, 2, 3)]
    (odd, _) = make_vault("../../etc/passwd", ["a", "b"], 2)
    assert re.fullmatch(r"etcpasswd-[0-9a-f]{4}-share1of2\.vult", odd.file_name)
    assert "vult=" not in repr(odd)


@pytest.mark.parametrize(
    ("parties", "threshold"),
    [([], 2), (["a"], 1), (["a", "b"], 1), (["a", "b"], 3), (["a", "a"], 2), ([str(k) for k in range(33)], 2)],
)
def test_committees_that_no_vault_can_have(parties: list[str], threshold: int) -> None:
    with pytest.raises(ValueError, match="a vault has 2 to 32"):
        make_vault("v", parties, threshold)


@pytest.mark.parametrize("byte", [b"\x00", b"\x07", b"\xff"])
def test_a_random_source_that_is_stuck(byte: bytes) -> None:
    with pytest.raises(ValueError, match="random source"):
        make_vault("v", ["a", "b"], 2, random=lambda size: byte * size)


def test_they_look_like_the_real_ones(fixtures: Path) -> None:
    """Same fields in the same order, same sizes, same fixed bytes; only names, keys and randomness differ."""
    signers = ["iPhone-a1b2c3d4e5f60718", "MacBook-1122334455667788", "Pixel-99aabbccddeeff00"]
    made = make_vault("Sim Vault", signers, 2, created_at=1_794_228_789)
    for k, share in enumerate(made):
        real_file = fixtures / f"made/orig_2of3/SimVault-2903-share{k + 1}of3.vult"
        real_data = real_file.read_bytes()
        assert len(share.vult) == len(real_data) or abs(len(share.vult) - len(real_data)) <= 4
        assert share.file_name.split("-")[::2] == real_file.name.split("-")[::2]
        real, ours = open_vult(real_data), open_vult(share.vult)
        assert shape(real.container.SerializeToString()) == shape(ours.container.SerializeToString())
        assert shape(real.vault.SerializeToString()) == shape(ours.vault.SerializeToString())
        assert len(real.ecdsa) == len(ours.ecdsa) == size_of(3)
        assert len(real.eddsa) == len(ours.eddsa) == 132
        assert real.ecdsa[:11] == ours.ecdsa[:11]
        assert real.eddsa[:3] == ours.eddsa[:3]
        assert real.eddsa[99] == ours.eddsa[99]
        for at in (172, 270, 368):
            assert real.ecdsa[at] == ours.ecdsa[at]
            assert real.ecdsa[at + 1] in (2, 3)
        assert real.ecdsa[434:466] == ours.ecdsa[434:466] == bytes(32)


def shape(message: bytes) -> list[tuple[int, int, int]]:
    return [(field.number, field.wire_type, field.end - field.start) for field in walk(message)]
