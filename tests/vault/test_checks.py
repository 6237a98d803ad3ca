"""Every check can fail, says which one it was, and where."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.errors import IntegrityError
from coldshare.vault import CHECKS, read_share
from coldshare.vault.curves import ED25519_ORDER, SECP256K1_ORDER, secp256k1_interpolate, secp256k1_times_base
from coldshare.vault.errors import ShareArithmeticError, ShareCheckError, ShareLayoutError, ShareMismatchError
from coldshare.vault.synthetic import SyntheticShare, make_vault

from . import test_gg20, test_key_import
from .builders import Opened, edit, open_vult

CODES = {
    ShareLayoutError: "share_layout",
    ShareArithmeticError: "share_arithmetic",
    ShareMismatchError: "share_mismatch",
}

G = secp256k1_times_base((1).to_bytes(32, "big")) or b""
#: The base point of edwards25519: a valid key, and nobody's here.
B = bytes.fromhex("58" + "66" * 31)


def put(where: str, at: int, value: bytes) -> Callable[[Opened], None]:
    def change(opened: Opened) -> None:
        getattr(opened, where)[at : at + len(value)] = value

    return change


def ecdsa(at: int, value: bytes) -> Callable[[Opened], None]:
    return put("ecdsa", at, value)


def eddsa(at: int, value: bytes) -> Callable[[Opened], None]:
    return put("eddsa", at, value)


def flip(where: str, at: int) -> Callable[[Opened], None]:
    def change(opened: Opened) -> None:
        getattr(opened, where)[at] ^= 1

    return change


def other_ecdsa_key(opened: Opened) -> None:
    opened.vault.public_key_ecdsa = opened.vault.key_shares[0].public_key = G.hex()


def same_key_twice(opened: Opened) -> None:
    opened.vault.key_shares[1].public_key = opened.vault.key_shares[0].public_key


def same_point_twice(opened: Opened) -> None:
    opened.ecdsa[270 + 34 : 270 + 66] = opened.ecdsa[172 + 34 : 172 + 66]


def signers(*names: str) -> Callable[[Opened], None]:
    def change(opened: Opened) -> None:
        opened.vault.signers[:] = names

    return change


def party(name: str) -> Callable[[Opened], None]:
    def change(opened: Opened) -> None:
        opened.vault.local_party_id = name

    return change


# Offsets in a 2-of-3 share: header to 172, entries of 98 to 466, OT seeds from there.
FAILURES: list[tuple[str, Callable[[Opened], object], str]] = [
    (
        "key_share_keys",
        lambda o: setattr(o.vault.key_shares[0], "public_key", G.hex()),
        "none for the vault's ECDSA key",
    ),
    ("key_share_keys", same_key_twice, "none for the vault's EdDSA key"),
    (
        "key_share_keys",
        lambda o: setattr(o.vault.key_shares[1], "public_key", "not hex"),
        "none for the vault's EdDSA key",
    ),
    ("dkls_header", lambda o: o.ecdsa.__delitem__(slice(171, None)), "It has 171 bytes"),
    ("dkls_header", lambda o: o.ecdsa.clear(), "It has 0 bytes"),
    ("dkls_magic", ecdsa(0, b"\x01"), "Its first 4 bytes are 01000001"),
    ("dkls_parties", ecdsa(8, b"\x01"), "Byte 8 says 1"),
    ("dkls_parties", ecdsa(8, b"\x00"), "Byte 8 says 0"),
    ("dkls_parties", ecdsa(8, b"\x21"), "Byte 8 says 33"),
    ("dkls_threshold", ecdsa(9, b"\x01"), "Byte 9 says 1 of 3"),
    ("dkls_threshold", ecdsa(9, b"\x04"), "Byte 9 says 4 of 3"),
    ("dkls_index", ecdsa(10, b"\x03"), "Byte 10 says 3 of 3"),
    ("dkls_size", lambda o: o.ecdsa.append(0), "should have 131666 bytes; it has 131667"),
    ("dkls_size", lambda o: o.ecdsa.pop(), "should have 131666 bytes; it has 131665"),
    ("dkls_size", ecdsa(4, b"\xff\xff\xff\xff"), "4294967295 extra bytes"),
    ("dkls_size", ecdsa(8, b"\x02"), "For 2 parties"),
    ("dkls_generation", ecdsa(11, bytes(32)), "final_session_id"),
    ("dkls_rank", ecdsa(270, b"\x01"), "Party 1 (byte 270) has rank 1"),
    ("dkls_points", ecdsa(172 + 34, bytes(32)), "That of party 0 (byte 206)"),
    ("dkls_points", ecdsa(368 + 34, SECP256K1_ORDER.to_bytes(32, "big")), "That of party 2 (byte 402)"),
    ("dkls_points", same_point_twice, "That of party 1 (byte 304)"),
    ("dkls_ot_seeds", ecdsa(70_000, bytes(600)), "Such a run begins at byte"),
    ("dkls_ot_seeds", ecdsa(466, bytes(131_200)), "Such a run begins at byte 466"),
    ("dkls_public_key_valid", ecdsa(75, b"\x04"), "Bytes 75 to 107"),
    ("dkls_public_key_valid", ecdsa(75, bytes(33)), "Bytes 75 to 107"),
    ("dkls_public_key_valid", ecdsa(75, b"\x02" + (5).to_bytes(32, "big")), "Bytes 75 to 107"),
    ("dkls_public_key_valid", ecdsa(75, b"\x02" + b"\xff" * 32), "Bytes 75 to 107"),
    ("dkls_public_shares_valid", ecdsa(271, bytes(33)), "That of party 1 (byte 271)"),
    ("dkls_secret_range", ecdsa(140, bytes(32)), "at byte 140"),
    ("dkls_secret_range", ecdsa(140, SECP256K1_ORDER.to_bytes(32, "big")), "at byte 140"),
    ("dkls_own_public_share", flip("ecdsa", 171), "public share of party 0"),
    ("dkls_own_public_share", ecdsa(173, G), "public share of party 0"),
    ("dkls_own_public_share", ecdsa(10, b"\x01"), "public share of party 1"),
    ("dkls_interpolation", ecdsa(75, G), "parties 0 to 1 give another key"),
    ("dkls_interpolation", ecdsa(271, G), "parties 0 to 1 give another key"),
    ("dkls_interpolation", ecdsa(369, G), "The public share of party 2 does not fit"),
    ("dkls_interpolation", flip("ecdsa", 172 + 65), "parties 0 to 1 give another key"),
    ("dkls_interpolation", flip("ecdsa", 368 + 65), "The public share of party 2 does not fit"),
    ("dkls_degree", ecdsa(9, b"\x03"), "Already 2 do"),
    ("dkls_public_key", other_ecdsa_key, "public_key_ecdsa"),
    ("dkls_chain_code", flip("ecdsa", 43), "hex_chain_code"),
    ("dkls_chain_code", lambda o: setattr(o.vault, "hex_chain_code", "00" * 32), "hex_chain_code"),
    ("schnorr_size", lambda o: o.eddsa.pop(), "It has 131"),
    ("schnorr_size", lambda o: o.eddsa.append(0), "It has 133"),
    ("schnorr_secret_range", eddsa(3, bytes(32)), "at byte 3"),
    ("schnorr_secret_range", eddsa(3, ED25519_ORDER.to_bytes(32, "little")), "at byte 3"),
    ("schnorr_secret_range", eddsa(3, b"\xff" * 32), "at byte 3"),
    ("schnorr_public_key_valid", eddsa(35, b"\x01" + bytes(31)), "Bytes 35 to 66"),
    ("schnorr_public_key_valid", eddsa(35, bytes(32)), "Bytes 35 to 66"),
    ("schnorr_public_key_valid", eddsa(35, b"\x02" + bytes(31)), "Bytes 35 to 66"),
    ("schnorr_public_key_valid", eddsa(35, b"\xff" * 32), "Bytes 35 to 66"),
    ("schnorr_public_key", eddsa(35, B), "public_key_eddsa"),
    ("schnorr_threshold", eddsa(0, b"\x03"), "ECDSA share says 2, the EdDSA one 3"),
    ("schnorr_parties", eddsa(1, b"\x02"), "ECDSA share says 3, the EdDSA one 2"),
    ("schnorr_index", eddsa(2, b"\x01"), "ECDSA share says 0, the EdDSA one 1"),
    ("signer_count", signers("phone", "laptop"), "names 2, the share is for 3"),
    ("signer_count", signers("phone", "laptop", "tablet", "watch"), "names 4, the share is for 3"),
    ("party_is_signer", party("watch"), "local_party_id says watch"),
    ("party_index", party("laptop"), "laptop is number 1 of the signers, the share is that of number 0"),
    ("party_index", signers("laptop", "phone", "tablet"), "phone is number 1"),
]


@pytest.mark.parametrize(
    ("check", "change", "where"), FAILURES, ids=[f"{n}-{row[0]}" for n, row in enumerate(FAILURES)]
)
def test_a_share_that_fails_a_check(vult: bytes, check: str, change: Callable[[Opened], object], where: str) -> None:
    with pytest.raises(ShareCheckError) as refused:
        read_share(edit(vult, change))
    error, claim = CHECKS[check]
    assert refused.value.check == check
    assert type(refused.value) is error
    assert refused.value.code == CODES[error]
    assert isinstance(refused.value, IntegrityError)
    assert claim in refused.value.message
    assert where in refused.value.message
    assert refused.value.next_step
    secret = open_vult(vult).ecdsa[140:172].hex()
    assert secret not in refused.value.message


def test_every_check_has_a_share_that_fails_it() -> None:
    assert {row[0] for row in FAILURES} | test_gg20.FAILED_CHECKS | test_key_import.FAILED_CHECKS == set(CHECKS)


def test_an_untouched_share_passes(vult: bytes) -> None:
    """The rows above fail for what they change, not for being taken apart."""
    assert read_share(edit(vult, lambda opened: None)).original == vult


COMMITTEE = make_vault("Five", ["a", "b", "c", "d", "e"], 3)
SUBSETS = list(itertools.combinations(range(5), 3))


def subsets_that_give_the_key(points: list[bytes], values: list[bytes], key: bytes) -> list[bool]:
    """The check as the rule says it, literally: one interpolation per 3-subset of 5."""
    return [
        secp256k1_interpolate([int.from_bytes(points[k], "big") for k in subset], [values[k] for k in subset], 0) == key
        for subset in SUBSETS
    ]


def test_every_subset_of_a_sound_share_gives_the_key() -> None:
    facts = read_share(COMMITTEE[0].vult).facts
    given_key = subsets_that_give_the_key(
        list(facts.points_ecdsa), list(facts.public_shares_ecdsa), facts.public_key_ecdsa
    )
    assert given_key == [True] * 10


@settings(max_examples=25, deadline=None)
@given(
    changed_points=st.sets(st.integers(0, 4), max_size=3),
    changed_shares=st.sets(st.integers(1, 4), max_size=3),
    scalar=st.integers(1, 2**200),
)
def test_the_short_check_decides_as_every_subset_would(
    changed_points: set[int], changed_shares: set[int], scalar: int
) -> None:
    """Party 0's S_k stays, or s_i*G == S_i would refuse before the interpolation is looked at."""
    opened = open_vult(COMMITTEE[0].vult)
    for k in changed_points:
        at = 172 + 98 * k + 34
        opened.ecdsa[at : at + 32] = (scalar + k).to_bytes(32, "big")
    for k in changed_shares:
        at = 172 + 98 * k + 1
        opened.ecdsa[at : at + 33] = secp256k1_times_base((scalar + k).to_bytes(32, "big")) or b""
    entries = [bytes(opened.ecdsa[172 + 98 * k : 270 + 98 * k]) for k in range(5)]
    literal = subsets_that_give_the_key(
        [entry[34:66] for entry in entries], [entry[1:34] for entry in entries], bytes(opened.ecdsa[75:108])
    )

    def put_back(target: Opened) -> None:
        target.ecdsa[:] = opened.ecdsa

    changed = edit(COMMITTEE[0].vult, put_back)
    if all(literal):
        assert read_share(changed)
    else:
        with pytest.raises(ShareArithmeticError) as refused:
            read_share(changed)
        assert refused.value.check == "dkls_interpolation"


def test_another_partys_secret_is_noticed(shares: list[SyntheticShare]) -> None:
    other = bytes(open_vult(shares[1].vult).ecdsa[140:172])
    with pytest.raises(ShareArithmeticError, match="does not belong"):
        read_share(edit(shares[0].vult, ecdsa(140, other)))


def test_halves_of_two_vaults_are_noticed(vult: bytes) -> None:
    stranger = open_vult(make_vault("Other", ["phone", "laptop", "tablet"], 2)[0].vult)
    with pytest.raises(ShareMismatchError) as refused:
        read_share(edit(vult, lambda opened: opened.eddsa.__setitem__(slice(None), stranger.eddsa)))
    assert refused.value.check == "schnorr_public_key"
