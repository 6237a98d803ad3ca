"""Vaults made from a seed: every chain's key share is checked, none may be missing, and all of them count."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.vault import CHECKS, read_share
from coldshare.vault.errors import FieldError, ShareArithmeticError, ShareCheckError
from coldshare.vault.key_import import generation_of
from coldshare.vault.synthetic import ChainGroup, SyntheticShare, make_key_import, make_vault
from coldshare.vault.vault_pb2 import LIB_TYPE_DKLS, LIB_TYPE_KEYIMPORT, Vault, VaultContainer

from .builders import pack
from .clearly import refuses_clearly

PARTIES = ["phone", "laptop", "tablet"]
EVM = ("Ethereum", "Arbitrum", "Base", "BSC", "Polygon")
GROUPS = [ChainGroup(("Bitcoin",)), ChainGroup(EVM), ChainGroup(("Solana",), is_eddsa=True), ChainGroup(("Sui",), True)]
SHARES = make_key_import("Imported", PARTIES, 2, GROUPS)
VULT = SHARES[0].vult
OTHER = make_key_import("Imported", PARTIES, 2, GROUPS)[0].vult
ROOT_ECDSA, ROOT_EDDSA, BITCOIN, ETHEREUM, SOLANA, SUI = range(6)

Change = Callable[[Vault], object]


def opened(vult: bytes) -> Vault:
    return Vault.FromString(base64.b64decode(VaultContainer.FromString(base64.b64decode(vult)).vault))


def edited(change: Change, vult: bytes = VULT) -> bytes:
    vault = opened(vult)
    change(vault)
    return pack(vault.SerializeToString())


def raw(index: int, at: int, value: bytes) -> Change:
    def change(vault: Vault) -> None:
        share = bytearray(base64.b64decode(vault.key_shares[index].keyshare))
        share[at : at + len(value)] = value
        vault.key_shares[index].keyshare = base64.b64encode(share).decode()

    return change


def take_share(index: int, source: bytes, source_index: int | None = None) -> Change:
    """The text of another file's share under this file's key."""
    text = opened(source).key_shares[index if source_index is None else source_index].keyshare
    return lambda vault: setattr(vault.key_shares[index], "keyshare", text)


def lose(index: int) -> Change:
    return lambda vault: vault.key_shares.__delitem__(index)


def test_facts_name_every_chain() -> None:
    share = read_share(VULT)
    facts = share.facts
    assert share.original == VULT
    assert (facts.library, facts.threshold, facts.parties, facts.index) == ("KEYIMPORT", 2, 3, 0)
    assert [chain.chain for chain in facts.chains] == ["Bitcoin", *EVM, "Solana", "Sui"]
    assert [chain.is_eddsa for chain in facts.chains] == [False] * 6 + [True] * 2
    assert [len(chain.public_key) for chain in facts.chains] == [33] * 6 + [32] * 2
    assert [len(chain.public_share) for chain in facts.chains] == [33] * 6 + [32] * 2
    assert len({chain.public_key for chain in facts.chains}) == 4
    assert [chain.generation is None for chain in facts.chains] == [False] * 6 + [True] * 2
    assert facts.warnings == ()
    told = json.loads(json.dumps(share.describe()))
    assert told["chains"][0] == {
        "chain": "Bitcoin",
        "public_key": facts.chains[0].public_key.hex(),
        "is_eddsa": False,
        "public_share": facts.chains[0].public_share.hex(),
        "generation": (facts.chains[0].generation or b"").hex(),
    }


def test_the_generation_is_one_for_all_parties_and_covers_every_keygen() -> None:
    facts = [read_share(share.vult).facts for share in SHARES]
    assert len({each.generation for each in facts}) == 1
    sessions = {(chain.public_key, chain.generation) for chain in facts[0].chains if chain.generation is not None} | {
        (facts[0].public_key_ecdsa, base64.b64decode(opened(VULT).key_shares[0].keyshare)[11:43])
    }
    assert len(sessions) == 3
    expected = hashlib.sha256(b"coldshare/1 key import generation" + b"".join(a + b for a, b in sorted(sessions)))
    assert facts[0].generation == expected.digest()


def test_the_generation_changes_with_the_keygen_of_any_chain() -> None:
    before = read_share(VULT).facts.generation
    for index in (ROOT_ECDSA, BITCOIN, ETHEREUM):
        assert read_share(edited(raw(index, 11, bytes(range(32))))).facts.generation != before


def test_one_keygen_is_its_own_generation() -> None:
    one = make_key_import("v", PARTIES, 2, [ChainGroup(("Solana",), is_eddsa=True)])[0].vult
    session = base64.b64decode(opened(one).key_shares[0].keyshare)[11:43]
    assert read_share(one).facts.generation == session
    assert generation_of([(b"k", session)]) == generation_of([(b"k", session)] * 2) == session


def test_a_vault_with_chains_is_an_import_whatever_it_is_called() -> None:
    assert read_share(edited(lambda v: setattr(v, "lib_type", LIB_TYPE_DKLS))).facts.library == "KEYIMPORT"
    plain = make_vault("v", PARTIES, 2)[0].vult
    called = read_share(edited(lambda v: setattr(v, "lib_type", LIB_TYPE_KEYIMPORT), plain)).facts
    assert (called.library, called.chains) == ("KEYIMPORT", ())


def test_a_chain_can_have_the_vaults_own_key() -> None:
    def change(vault: Vault) -> None:
        vault.chain_public_keys.add(chain="THORChain", public_key=vault.public_key_ecdsa.upper())
        vault.chain_public_keys.add(chain="Ton", public_key=vault.public_key_eddsa, is_eddsa=True)

    facts = read_share(edited(change)).facts
    own, eddsa = facts.chains[-2:]
    assert (own.public_key, own.public_share) == (facts.public_key_ecdsa, facts.public_shares_ecdsa[0])
    assert (eddsa.public_key, eddsa.public_share) == (facts.public_key_eddsa, facts.public_share_eddsa)


def of_the_second_party(index: int) -> Change:
    return take_share(index, SHARES[1].vult)


GROUP = "Ethereum, Arbitrum, Base and 2 more"
NUMBER = "Of the 2 key shares for {} it is number {}."

FAILURES: list[tuple[str, Change, str]] = [
    ("chain_key_share", lose(BITCOIN), "There is none for Bitcoin."),
    ("chain_key_share", lose(ETHEREUM), f"There is none for {GROUP}."),
    ("chain_key_share", lose(SUI), "There is none for Sui."),
    ("chain_key", take_share(BITCOIN, OTHER), "It is that of Bitcoin. The key inside is another one."),
    ("chain_key", take_share(SOLANA, VULT, SUI), "It is that of Solana. The key inside is another one."),
    ("chain_committee", of_the_second_party(ETHEREUM), "number 1; the vault's own key says 2 of 3, number 0"),
    ("chain_committee", of_the_second_party(SOLANA), "It is that of Solana. It says 2 of 3, number 1"),
    ("chain_committee", raw(SUI, 0, b"\x03"), "It is that of Sui. It says 3 of 3"),
    ("key_share_keys", lambda v: v.chain_public_keys.__delitem__(0), "names another public key; there are 1"),
    ("dkls_own_public_share", raw(ETHEREUM, 140, bytes(31) + b"\x01"), f"It is that of {GROUP}. The secret"),
    ("dkls_ot_seeds", raw(BITCOIN, 1000, bytes(600)), "It is that of Bitcoin. Such a run"),
    ("dkls_magic", raw(BITCOIN, 0, b"\x01"), "It is that of Bitcoin. Its first 4 bytes"),
    ("schnorr_secret_range", raw(SUI, 3, bytes(32)), "It is that of Sui. The 32 bytes"),
    ("dkls_chain_code", raw(ROOT_ECDSA, 43, bytes(32)), "hex_chain_code"),
]


def copies(index: int, change: Change | None = None, *, first: bool = False) -> bytes:
    """A second share of one key, changed, before or after the first."""
    vault = opened(VULT)
    source = opened(edited(change) if change else VULT).key_shares[index]
    shares = list(vault.key_shares)
    shares.insert(index + (not first), source)
    del vault.key_shares[:]
    vault.key_shares.extend(shares)
    return pack(vault.SerializeToString())


COPY_FAILURES: list[tuple[str, bytes, str]] = [
    ("key_share_copies", copies(ROOT_ECDSA, raw(ROOT_ECDSA, 11, bytes(32 * [7]))), "Those for the vault's ECDSA"),
    ("key_share_copies", copies(ROOT_EDDSA, raw(ROOT_EDDSA, 3, b"\x07" + bytes(31))), "Those for the vault's EdDSA"),
    ("dkls_ot_seeds", copies(ROOT_ECDSA, raw(ROOT_ECDSA, 1000, bytes(600))), NUMBER.format("the vault's ECDSA key", 2)),
    ("dkls_ot_seeds", copies(ETHEREUM, raw(ETHEREUM, 1000, bytes(600)), first=True), NUMBER.format(GROUP, 1)),
]
FAILED_CHECKS = {row[0] for row in FAILURES} | {row[0] for row in COPY_FAILURES}


@pytest.mark.parametrize(
    ("check", "data", "where"),
    [(check, edited(change), where) for check, change, where in FAILURES] + COPY_FAILURES,
    ids=[f"{n}-{row[0]}" for n, row in enumerate([*FAILURES, *COPY_FAILURES])],
)
def test_a_share_that_fails_a_check(check: str, data: bytes, where: str) -> None:
    with pytest.raises(ShareCheckError) as refused:
        read_share(data)
    assert refused.value.check == check
    assert CHECKS[check][1] in refused.value.message
    assert where in refused.value.message


class TestCopies:
    def test_equal_ones_count_once(self) -> None:
        for index in range(6):
            facts = read_share(copies(index)).facts
            assert facts.warnings == ()
            assert facts == dataclasses.replace(read_share(VULT).facts)

    def test_different_ones_are_kept_with_a_warning(self) -> None:
        """Two keygens of one imported key: older apps made one per chain, where chains derive the same key."""
        data = copies(ETHEREUM, raw(ETHEREUM, 11, b"\x07" * 32))
        facts = read_share(data).facts
        (warning,) = facts.warnings
        assert "2 different key shares for Ethereum, Arbitrum, Base and 2 more" in warning
        assert "iOS takes the first" in warning
        assert "Android and the desktop the last" in warning
        assert facts.generation != read_share(VULT).facts.generation
        assert read_share(data).original == data

    def test_nine_are_too_many(self) -> None:
        with pytest.raises(FieldError, match="more than 8 different key shares of one key"):
            read_share(edited(lambda v: [v.key_shares.add(public_key="00", keyshare=f"{k}") for k in range(9)]))

    def test_seeds_that_differ_are_a_warning(self) -> None:
        """Nothing that can be checked tells these apart, and only one of them can be what the others have."""
        facts = read_share(copies(ROOT_ECDSA, raw(ROOT_ECDSA, 70_000, b"\x01\x02\x03"))).facts
        assert "2 different key shares for the vault's ECDSA key" in facts.warnings[0]
        assert facts.generation == read_share(VULT).facts.generation


LIES: list[tuple[Change, str]] = [
    (lambda v: v.chain_public_keys.add(chain="", public_key="00"), "holds a key that names no chain"),
    (lambda v: v.chain_public_keys.add(chain="a\x1b", public_key="00"), "chain_public_keys holds control characters"),
    (lambda v: v.chain_public_keys.add(chain="c" * 257, public_key="00"), "chain_public_keys has 257 bytes"),
    (lambda v: v.chain_public_keys.add(chain="Dash", public_key="00"), "chain_public_keys should be 66 hexadecimal"),
    (lambda v: v.chain_public_keys.add(chain="Dash", public_key="a\nb"), "chain_public_keys holds control"),
    (lambda v: v.chain_public_keys.add(chain="Dash", public_key="0" * 65_537), "has 65537 bytes"),
    (lambda v: v.chain_public_keys.add(chain="Bitcoin", public_key="00"), "the chain Bitcoin twice"),
    (lambda v: setattr(v.chain_public_keys[0], "is_eddsa", True), "should be 64 hexadecimal digits"),
    (lambda v: setattr(v.chain_public_keys[6], "is_eddsa", False), "should be 66 hexadecimal digits"),
    (lambda v: [v.chain_public_keys.add(chain=f"c{k}", public_key=f"{k}") for k in range(121)], "more than 128 chains"),
]


@pytest.mark.parametrize(("change", "says"), LIES, ids=range(len(LIES)))
def test_a_field_that_lies(change: Change, says: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_share(edited(change))
    assert says in refused.value.message


class TestExtraKeys:
    """ML-DSA and FROST: kept, named, bounded, and not checked."""

    @staticmethod
    def with_extra(field: str, key: str, text: str | None, vult: bytes) -> bytes:
        def change(vault: Vault) -> None:
            setattr(vault, field, key)
            if text is not None:
                vault.key_shares.add(public_key=key, keyshare=text)

        return edited(change, vult)

    @pytest.mark.parametrize("vult", [VULT, make_vault("v", PARTIES, 2)[0].vult], ids=["import", "dkls"])
    @pytest.mark.parametrize(
        ("field", "key", "name", "check"),
        [
            ("public_key_mldsa44", "ab" * 1312, "ML-DSA-44", "mldsa_share"),
            ("public_key_mldsa44", "AB" * 32, "ML-DSA-44", "mldsa_share"),
            ("public_key_frozt", "cd" * 32, "FROST (Zcash)", "frozt_share"),
            ("public_key_fromt", "ef" * 32, "FROST (Monero)", "fromt_share"),
        ],
    )
    def test_a_key(self, vult: bytes, field: str, key: str, name: str, check: str) -> None:
        data = self.with_extra(field, key, base64.b64encode(bytes(2892)).decode(), vult)
        facts = read_share(data).facts
        assert read_share(data).original == data
        assert facts.extra_keys == (name,)
        assert facts.warnings == ()
        (told,) = [made.result for made in facts.checks if made.name == check]
        assert told.startswith("not possible: ")
        assert facts.library == read_share(vult).facts.library

        without = read_share(self.with_extra(field, key, None, vult)).facts
        assert without.extra_keys == (name,)
        assert any(f"a key for {name}, but this file holds no share of it" in text for text in without.warnings)

    def test_frost_keys_among_the_chains(self) -> None:
        """The desktop app and the server list them there too, and the data that goes with the Zcash key."""

        def change(vault: Vault) -> None:
            vault.public_key_frozt = "cd" * 32
            for chain, key in (("ZcashSapling", "cd" * 32), ("SaplingExtras", "Zm9v"), ("Monero", "ef" * 32)):
                vault.chain_public_keys.add(chain=chain, public_key=key)
                if chain != "SaplingExtras":
                    vault.key_shares.add(public_key=key, keyshare="Zm9v")

        plain = read_share(edited(change, make_vault("v", PARTIES, 2)[0].vult)).facts
        assert (plain.library, plain.chains, plain.warnings) == ("DKLS", (), ())
        assert plain.extra_keys == ("FROST (Zcash)", "FROST (Monero)")
        imported = read_share(edited(change)).facts
        assert len(imported.chains) == 8
        assert imported.extra_keys == plain.extra_keys

    def test_a_share_of_an_unknown_kind_is_kept_with_a_warning(self) -> None:
        facts = read_share(edited(lambda v: v.key_shares.add(public_key="f00d", keyshare="?"))).facts
        assert any("1 more key share, of a kind" in text for text in facts.warnings)
        assert "unknown_share" in {made.name for made in facts.checks if made.result != "ok"}
        both = [("f00d", "?"), ("beef", "!")]
        facts = read_share(edited(lambda v: [v.key_shares.add(public_key=k, keyshare=t) for k, t in both])).facts
        assert any("2 more key shares" in text for text in facts.warnings)


def test_damage_to_one_chain_of_many_is_found() -> None:
    many = make_key_import("v", ["a", "b"], 2, [ChainGroup((f"chain {k}",)) for k in range(10)])[1].vult
    assert len(read_share(many).facts.chains) == 10
    with pytest.raises(ShareArithmeticError, match="It is that of chain 7"):
        read_share(edited(raw(9, 171, b"\x00"), edited(raw(9, 170, b"\x00"), many)))


@pytest.mark.parametrize("share", SHARES, ids=PARTIES)
def test_every_party_is_accepted(share: SyntheticShare) -> None:
    assert read_share(share.vult).facts.party == share.party


CHAINS = st.text(max_size=5) | st.sampled_from(["Bitcoin", "Monero", "SaplingExtras"])


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=3),
    st.lists(st.tuples(CHAINS, st.text(max_size=66), st.booleans()), max_size=3),
)
def test_any_change(index: int, writes: list[tuple[int, int]], keys: list[tuple[str, str, bool]]) -> None:
    def change(vault: Vault) -> None:
        for at, value in writes:
            size = len(vault.key_shares[index].keyshare) // 4 * 3 - 2
            raw(index, at % size, bytes([value]))(vault)
        for chain, key, is_eddsa in keys:
            vault.chain_public_keys.add(chain=chain, public_key=key, is_eddsa=is_eddsa)

    refuses_clearly(edited(change))
