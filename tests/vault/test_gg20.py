"""GG20 shares: every check can fail and says where; the generation is one for all parties and new after a reshare."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.vault import CHECKS, read_share
from coldshare.vault.curves import ED25519_ORDER, SECP256K1_ORDER
from coldshare.vault.errors import FieldError, ShareCheckError
from coldshare.vault.vault_pb2 import LIB_TYPE_DKLS

from .clearly import refuses_clearly
from .gg20 import Gg20Share, ed_xy, make_gg20, open_gg20, pack, secp_xy

PARTIES = ("phone", "laptop", "tablet", "desktop")
SHARES = make_gg20("Old vault", PARTIES)
SHARE = SHARES[0]

Change = Callable[[Gg20Share], object]
G_HEX = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
B_HEX = "58" + "66" * 31
G, B = secp_xy(bytes.fromhex(G_HEX)), ed_xy(bytes.fromhex(B_HEX))


def put(half: str, *path: str | int, value: Any) -> Change:
    """Set one value in the JSON of a half; a callable computes it from what was there."""

    def change(share: Gg20Share) -> None:
        target = getattr(share, half)
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value(target[path[-1]]) if callable(value) else value

    return change


def ecdsa(*path: str | int, value: Any) -> Change:
    return put("ecdsa", "ecdsa_local_data", *path, value=value)


def eddsa(*path: str | int, value: Any) -> Change:
    return put("eddsa", "eddsa_local_data", *path, value=value)


def both(*path: str | int, value: Any) -> Change:
    def change(share: Gg20Share) -> None:
        for half in ("ecdsa", "eddsa"):
            put(half, *path, value=value)(share)

    return change


def field(name: str, value: Any) -> Change:
    def change(share: Gg20Share) -> None:
        if isinstance(value, list):
            getattr(share.vault, name)[:] = value
        else:
            setattr(share.vault, name, value)

    return change


def add(number: int) -> Callable[[int], int]:
    return lambda before: before + number


INDEX = SHARE.ecdsa["ecdsa_local_data"]["Ks"].index(SHARE.ecdsa["ecdsa_local_data"]["ShareID"])
OTHER = (INDEX + 1) % 4


def another_key(share: Gg20Share) -> None:
    """The whole vault is said to be of G, the share is not."""
    share.vault.public_key_ecdsa = share.ecdsa["pub_key"] = (
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    )


def another_eddsa_key(share: Gg20Share) -> None:
    share.vault.public_key_eddsa = share.eddsa["pub_key"] = B_HEX


def a_stranger(share: Gg20Share) -> None:
    both("local_party_key", value="watch")(share)
    ecdsa("ShareID", value=int.from_bytes(b"watch"))(share)


FAILURES: list[tuple[str, Change, str]] = [
    ("gg20_parties", both("keygen_committee_keys", value=["phone"]), "It names 1"),
    ("gg20_parties", both("keygen_committee_keys", value=[f"p{k}" for k in range(33)]), "It names 33"),
    ("gg20_lists", ecdsa("Ks", value=lambda ks: ks[:-1]), "4 parties there are 3 Ks and 4 BigXj"),
    (
        "gg20_lists",
        eddsa("BigXj", value=lambda points: points * 2),
        "For 4 parties there are 4 Ks and 8 BigXj",
    ),
    ("gg20_lists", ecdsa("NTildej", value=lambda numbers: numbers[1:]), "there are 3 NTildej"),
    ("gg20_lists", ecdsa("PaillierPKs", value=[]), "there are 0 PaillierPKs"),
    ("gg20_points", ecdsa("Ks", value=lambda ks: ks[::-1]), "key_shares.ecdsa_local_data.Ks"),
    ("gg20_points", ecdsa("Ks", 3, value=SECP256K1_ORDER), "key_shares.ecdsa_local_data.Ks"),
    ("gg20_points", eddsa("Ks", value=lambda ks: [*ks[:-1], ks[0] + ED25519_ORDER]), "eddsa_local_data.Ks"),
    ("gg20_names", ecdsa("Ks", 3, value=add(1)), "key_shares.ecdsa_local_data.Ks"),
    ("gg20_names", both("keygen_committee_keys", 0, value="watch"), "It is the ECDSA one"),
    ("gg20_names", both("reshare_prefix", value="1a2b"), "It is the ECDSA one"),
    ("gg20_names", both("keygen_committee_keys", value=["phone"] * 4), "It is the ECDSA one"),
    ("gg20_share_id", ecdsa("ShareID", value=add(1)), "key_shares.ecdsa_local_data.ShareID"),
    ("gg20_share_id", both("local_party_key", value="laptop"), "key_shares.ecdsa_local_data.ShareID"),
    (
        "gg20_party",
        lambda s: (both("local_party_key", value="watch")(s), ecdsa("ShareID", value=int.from_bytes(b"watch"))(s)),
        "says watch",
    ),
    ("gg20_public_key_valid", ecdsa("ECDSAPub", "Coords", 0, value=add(1)), "key_shares.ecdsa_local_data.ECDSAPub"),
    ("gg20_public_key_valid", eddsa("EDDSAPub", "Coords", value=[0, 1]), "key_shares.eddsa_local_data.EDDSAPub"),
    ("gg20_public_key_valid", ecdsa("ECDSAPub", "Coords", 1, value=add(2**256)), "ECDSAPub"),
    ("gg20_public_shares_valid", ecdsa("BigXj", OTHER, "Coords", 1, value=add(1)), f"BigXj[{OTHER}]"),
    ("gg20_public_shares_valid", eddsa("BigXj", OTHER, "Coords", 1, value=add(1)), f"BigXj[{OTHER}]"),
    ("gg20_public_shares_valid", eddsa("BigXj", OTHER, "Coords", 0, value=add(2**255 - 19)), f"BigXj[{OTHER}]"),
    ("gg20_secret_range", ecdsa("Xi", value=0), "key_shares.ecdsa_local_data.Xi"),
    ("gg20_secret_range", ecdsa("Xi", value=SECP256K1_ORDER), "key_shares.ecdsa_local_data.Xi"),
    ("gg20_secret_range", eddsa("Xi", value=10**1000), "key_shares.eddsa_local_data.Xi"),
    ("gg20_own_public_share", ecdsa("Xi", value=lambda x: x - 1 or 2), f"BigXj[{INDEX}]"),
    (
        "gg20_own_public_share",
        eddsa("Xi", value=lambda x: x - 1 or 2),
        "It is the EdDSA one. Xi does not",
    ),
    ("gg20_own_public_share", ecdsa("BigXj", INDEX, "Coords", value=G), "Xi does not belong"),
    ("gg20_interpolation", ecdsa("BigXj", OTHER, "Coords", value=G), "It is the ECDSA one. The public share"),
    ("gg20_interpolation", eddsa("BigXj", OTHER, "Coords", value=B), "It is the EdDSA one. The public share"),
    ("gg20_interpolation", ecdsa("ECDSAPub", "Coords", value=G), "parties 0 to 2 give another key"),
    ("gg20_paillier", ecdsa("PaillierSK", "PhiN", value=add(2)), "key_shares.ecdsa_local_data.PaillierSK"),
    ("gg20_paillier", ecdsa("PaillierSK", "LambdaN", value=add(1)), "PaillierSK"),
    ("gg20_paillier", ecdsa("PaillierSK", "LambdaN", value=1), "PaillierSK"),
    ("gg20_paillier", ecdsa("PaillierSK", "P", value=add(2)), "PaillierSK"),
    ("gg20_paillier", ecdsa("PaillierSK", "PhiN", value=0), "PaillierSK"),
    ("gg20_paillier_listed", ecdsa("PaillierSK", "N", value=add(2)), f"PaillierPKs[{INDEX}]"),
    ("gg20_paillier_listed", ecdsa("NTildej", INDEX, value=add(2)), f"NTildej[{INDEX}]"),
    ("gg20_paillier_listed", ecdsa("H1i", value=add(2)), f"H1j[{INDEX}]"),
    ("gg20_paillier_listed", ecdsa("H2j", INDEX, value=add(2)), f"H2j[{INDEX}]"),
    ("gg20_ring_pedersen", ecdsa("Alpha", value=add(2)), "Alpha, Beta, P and Q of key_shares.ecdsa_local_data."),
    ("gg20_ring_pedersen", ecdsa("Beta", value=add(2)), "NTildei"),
    ("gg20_ring_pedersen", ecdsa("P", value=0), "NTildei"),
    ("gg20_ring_pedersen", ecdsa("Q", value=add(2)), "NTildei"),
    ("gg20_halves", put("eddsa", "chain_code_hex", value="00" * 32), "They differ in chain_code_hex"),
    ("gg20_public_key", another_key, "public_key_ecdsa"),
    ("gg20_public_key", another_eddsa_key, "public_key_eddsa"),
    ("gg20_chain_code", field("hex_chain_code", "00" * 32), "hex_chain_code"),
    ("gg20_chain_code", put("ecdsa", "chain_code_hex", value=""), "hex_chain_code"),
    ("gg20_committee", field("signers", ["phone", "laptop", "tablet"]), "names 3 signers, the share 4 parties"),
    ("gg20_committee", field("signers", ["phone", "laptop", "tablet", "watch"]), "names 4 signers"),
    ("gg20_local_party", field("local_party_id", "laptop"), "local_party_id says laptop"),
]


def lower_degree() -> bytes:
    """Any two can sign, where three should be needed."""
    return make_gg20("Too easy", PARTIES, threshold=2)[0].vult()


def halves_of_two_parties() -> bytes:
    share = copy.deepcopy(SHARES[0])
    share.eddsa = copy.deepcopy(SHARES[1].eddsa)
    return share.vult()


def halves_of_two_generations() -> bytes:
    """The EdDSA half has been reshared, the ECDSA half has not."""
    old, new = make_gg20("v", PARTIES)[0], make_gg20("v", PARTIES, prefix="77")[0]
    old.eddsa = new.eddsa
    old.vault.public_key_eddsa = new.vault.public_key_eddsa
    return old.vult()


WHOLE_FAILURES = [
    ("gg20_degree", lower_degree, "Already 2 do"),
    ("gg20_halves", halves_of_two_parties, "They differ in local_party_key"),
    ("gg20_halves", halves_of_two_generations, "They differ in reshare_prefix"),
]
FAILED_CHECKS = {row[0] for row in FAILURES} | {row[0] for row in WHOLE_FAILURES}


def secrets_of(share: Gg20Share) -> list[str]:
    data = share.ecdsa["ecdsa_local_data"]
    numbers = [
        data["Xi"],
        share.eddsa["eddsa_local_data"]["Xi"],
        data["PaillierSK"]["LambdaN"],
        data["P"],
        data["Beta"],
    ]
    return [str(number) for number in numbers] + [f"{number:x}" for number in numbers]


def failing(data: bytes, check: str, where: str) -> None:
    with pytest.raises(ShareCheckError) as refused:
        read_share(data)
    error, claim = CHECKS[check]
    assert refused.value.check == check
    assert type(refused.value) is error
    assert claim in refused.value.message
    assert where in refused.value.message
    assert not [secret for secret in secrets_of(SHARE) if secret in refused.value.message]


@pytest.mark.parametrize(
    ("check", "change", "where"), FAILURES, ids=[f"{n}-{row[0]}" for n, row in enumerate(FAILURES)]
)
def test_a_share_that_fails_a_check(check: str, change: Change, where: str) -> None:
    failing(SHARE.edited(change), check, where)


@pytest.mark.parametrize(("check", "make", "where"), WHOLE_FAILURES, ids=[row[1].__name__ for row in WHOLE_FAILURES])
def test_a_vault_that_fails_a_check(check: str, make: Callable[[], bytes], where: str) -> None:
    failing(make(), check, where)


def test_every_check_is_made_on_a_sound_share() -> None:
    made = {check.name for check in read_share(SHARE.vult()).facts.checks if check.result == "ok"}
    assert made == {name for name in CHECKS if name.startswith("gg20_")} | {"key_share_keys"}


LIES: list[tuple[Change, str]] = [
    (put("ecdsa", "ecdsa_local_data", value=None), "key_shares.ecdsa_local_data should be an object"),
    (put("eddsa", "eddsa_local_data", value=[]), "key_shares.eddsa_local_data should be an object"),
    (ecdsa("Xi", value=None), "key_shares.ecdsa_local_data.Xi should be a whole number"),
    (ecdsa("Xi", value=-1), "ecdsa_local_data.Xi should be a whole number, not negative"),
    (ecdsa("Xi", value=1.5), "ecdsa_local_data.Xi should be a whole number"),
    (ecdsa("Xi", value=True), "ecdsa_local_data.Xi should be a whole number"),
    (ecdsa("Xi", value="12"), "ecdsa_local_data.Xi should be a whole number"),
    (ecdsa("Xi", value=10**1300), "key_shares holds a number of 1301 digits; 1300 is the limit"),
    (ecdsa("Ks", value={}), "ecdsa_local_data.Ks should be a list"),
    (ecdsa("Ks", 1, value="x"), "ecdsa_local_data.Ks[1] should be a whole number"),
    (ecdsa("BigXj", 2, value=5), "ecdsa_local_data.BigXj[2] should be an object"),
    (ecdsa("BigXj", 2, "Curve", value="ed25519"), "ecdsa_local_data.BigXj[2].Curve should be secp256k1"),
    (eddsa("BigXj", 0, "Curve", value="P-256"), "eddsa_local_data.BigXj[0].Curve should be ed25519"),
    (ecdsa("BigXj", 2, "Coords", value=[1]), "BigXj[2].Coords should be 2 numbers, and is 1"),
    (ecdsa("ECDSAPub", value=None), "ecdsa_local_data.ECDSAPub should be an object"),
    (ecdsa("PaillierSK", "N", value=None), "ecdsa_local_data.PaillierSK.N should be a whole number"),
    (put("ecdsa", "keygen_committee_keys", value=None), "key_shares.keygen_committee_keys should be a list"),
    (put("ecdsa", "keygen_committee_keys", 0, value=7), "keygen_committee_keys[0] should be a text"),
    (put("ecdsa", "keygen_committee_keys", 0, value="a\u202eb"), "keygen_committee_keys holds control characters"),
    (put("ecdsa", "keygen_committee_keys", 0, value="a\ud800b"), "keygen_committee_keys[0] holds half of a character"),
    (put("ecdsa", "local_party_key", value=""), "key_shares.local_party_key is empty"),
    (put("ecdsa", "reshare_prefix", value=5), "key_shares.reshare_prefix should be a text"),
    (put("ecdsa", "reshare_prefix", value="\x1b"), "key_shares.reshare_prefix holds control characters"),
    (both("chain_code_hex", value="xyz"), "key_shares.chain_code_hex should be hexadecimal"),
    (lambda s: s.vault.chain_public_keys.add(chain="Solana", public_key="00" * 32), "which no GG20 vault has"),
]


@pytest.mark.parametrize(("change", "says"), LIES, ids=[row[1][-50:] for row in LIES])
def test_a_field_that_lies(change: Change, says: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_share(SHARE.edited(change))
    assert says in refused.value.message
    assert refused.value.code == "vault_field_invalid"
    assert len(refused.value.message) < 1000


def texts(text: str) -> bytes:
    share = copy.deepcopy(SHARE)
    share.vult()
    share.vault.key_shares[0].keyshare = text
    return pack(share.vault)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "key_shares is not JSON, at character 1"),
        ('{"a": 1', "is not JSON"),
        ("{}", "key_shares.ecdsa_local_data should be an object"),
        ("{} x", "is not JSON"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ('{"a": 1, "a": 2}', "two fields of one name"),
        ('{"a": ' + "9" * 1_000_000 + "}", "a number of 1000000 digits"),
        ('{"a": 0.' + "9" * 1_000_000 + "}", "digits; 1300 is the limit"),
        ('{"a": ' + "[" * 1_000_000, "nests more than 16 deep"),
        ('{"a": [' + "0," * 1_000_000 + "0]}", "holds more than 10000 items"),
        ('{"a": "' + "\\" * 1_000_001, "is not JSON"),
        ("{" + '"' * 9_000, "is not JSON"),
        ("{" + " " * (8 * 2**20), "characters of JSON; 8388608 is the limit"),
    ],
    ids=range(14),
)
def test_a_text_that_is_hostile(text: str, says: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_share(texts(text))
    assert says in refused.value.message
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_brackets_inside_strings_do_not_nest() -> None:
    share = copy.deepcopy(SHARE)
    share.ecdsa["note"] = '[[[[[[[[[[[[[[[[[[[[{{{{"\\'
    assert read_share(share.vult()).facts.party == "phone"


class TestGeneration:
    def test_it_is_one_for_all_parties(self) -> None:
        facts = [read_share(share.vult()).facts for share in SHARES]
        assert len({each.generation for each in facts}) == 1
        assert len({each.signers for each in facts}) == 1  # by party index, whatever the file's order
        assert len({tuple(share.vault.signers) for share in SHARES}) == 4
        assert [each.signers[each.index] for each in facts] == list(PARTIES)
        assert len(facts[0].generation) == 32

    def test_a_reshare_is_another_one(self) -> None:
        secrets = (5, 7)
        before, after, again = (
            read_share(make_gg20("v", PARTIES, keys=secrets, prefix=prefix)[0].vult()).facts
            for prefix in ("", "1a2b3c4d", "1a2b3c4d")
        )
        assert before.public_key_ecdsa == after.public_key_ecdsa == again.public_key_ecdsa
        assert (before.reshared, after.reshared, again.reshared) == (False, True, True)
        assert len({before.generation, after.generation, again.generation}) == 3
        assert after.reshare_prefix == again.reshare_prefix == "1a2b3c4d"

    def test_half_a_reshare_is_another_one(self) -> None:
        """Same committee, same ECDSA half: only the EdDSA polynomial is new."""
        from coldshare.vault.checks import Checks
        from coldshare.vault.gg20 import generation_of, read_gg20_ecdsa, read_gg20_eddsa

        ecdsa_half = read_gg20_ecdsa(json.dumps(SHARE.ecdsa), Checks())
        other = make_gg20("v", PARTIES)[0]
        assert generation_of(ecdsa_half, read_gg20_eddsa(json.dumps(SHARE.eddsa), Checks())) != generation_of(
            ecdsa_half, read_gg20_eddsa(json.dumps(other.eddsa), Checks())
        )

    def test_it_is_pinned(self) -> None:
        """Ledgers and tokens hold it: it must never change for a share that exists."""
        from coldshare.vault.gg20 import Gg20Half, generation_of

        half = Gg20Half(
            committee=frozenset({"a", "b"}),
            party="a",
            reshare_prefix="77",
            chain_code_hex="",
            points=(0x373761, 0x373762),
            own_point=0x373761,
            public_shares=(b"\x02" * 33, b"\x03" * 33),
            public_key=b"\x02" * 33,
        )
        assert generation_of(half, half).hex() == "41e2febaa3b7768ae3f811ffd2031c0af0cffeaf89ab8031d9396f17e13478c5"

    def test_it_is_one_for_the_vendors_shares(self, fixtures: Path) -> None:
        facts = [read_share((fixtures / f"real/Test-part{k}of2.vult").read_bytes()).facts for k in (1, 2)]
        assert facts[0].generation == facts[1].generation
        assert facts[0].generation.hex() == "5447626b35e3d10dea531b5f16201335e43fe5cd49c33fb6848e0ee0ddbfc94e"
        assert facts[0].public_shares_ecdsa == facts[1].public_shares_ecdsa


def test_names_longer_than_the_field() -> None:
    """A party id of more than 32 bytes is a point beyond the order of the curve; it counts modulo that."""
    made = make_gg20("v", ["x" * 60 + str(k) for k in range(3)])
    facts = [read_share(share.vult()).facts for share in made]
    assert len({each.generation for each in facts}) == 1
    assert all(len(point) == 32 for point in facts[0].points_ecdsa)


@pytest.mark.parametrize(("parties", "threshold"), [(2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5)])
def test_the_threshold_is_two_thirds(parties: int, threshold: int) -> None:
    facts = read_share(make_gg20("v", [f"device {k}" for k in range(parties)])[0].vult()).facts
    assert (facts.threshold, facts.parties) == (threshold, parties)


def test_older_shares_have_no_paillier_factors() -> None:
    share = make_gg20("v", PARTIES, factors=False)[0]
    assert "P" not in share.ecdsa["ecdsa_local_data"]["PaillierSK"]
    assert read_share(share.vult()).facts.library == "GG20"
    with pytest.raises(ShareCheckError) as refused:
        read_share(share.edited(ecdsa("PaillierSK", "PhiN", value=add(-2))))
    assert refused.value.check == "gg20_paillier"


def test_a_share_without_a_reshare_prefix_has_never_been_reshared() -> None:
    def change(share: Gg20Share) -> None:
        for half in (share.ecdsa, share.eddsa):
            del half["reshare_prefix"]

    facts = read_share(SHARE.edited(change)).facts
    assert (facts.reshared, facts.reshare_prefix, facts.warnings) == (False, "", ())


def test_another_prefix_around_the_shares_is_a_warning() -> None:
    facts = read_share(SHARE.edited(field("reshare_prefix", "null"))).facts
    assert facts.reshare_prefix == ""
    assert any("another reshare prefix" in warning for warning in facts.warnings)


def test_a_vault_that_is_called_dkls_is_told_by_its_shares() -> None:
    facts = read_share(SHARE.edited(field("lib_type", LIB_TYPE_DKLS))).facts
    assert facts.library == "GG20"
    assert any("its key shares are GG20 shares" in warning for warning in facts.warnings)


def test_the_facts_of_the_vendors_shares(fixtures: Path) -> None:
    for k, party in ((1, "Pixel 5a-a9b"), (2, "iPhone-EC4")):
        data = (fixtures / f"real/Test-part{k}of2.vult").read_bytes()
        share = read_share(data)
        facts = share.facts
        assert share.original == data
        assert (facts.library, facts.vault_name, facts.party) == ("GG20", "Test private key vault", party)
        assert (facts.threshold, facts.parties, facts.reshared, facts.warnings) == (2, 2, False, ())
        assert facts.signers == ("iPhone-EC4", "Pixel 5a-a9b")
        assert facts.public_key_ecdsa.hex().startswith("0267db8165")
        assert len(facts.public_shares_eddsa) == 2
        assert facts.public_share_eddsa == facts.public_shares_eddsa[facts.index]


def test_nothing_printed_holds_a_secret(fixtures: Path) -> None:
    share = open_gg20((fixtures / "real/Test-part1of2.vult").read_bytes())
    read = read_share(share.vult())
    for text in (repr(read), repr(read.facts), json.dumps(read.describe())):
        assert not [secret for secret in secrets_of(share) if secret in text]
    assert read.facts.chain_code.hex() not in json.dumps(read.describe())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
FIELDS = [
    *((("ecdsa", "ecdsa_local_data", name)) for name in SHARE.ecdsa["ecdsa_local_data"]),
    *((("eddsa", "eddsa_local_data", name)) for name in SHARE.eddsa["eddsa_local_data"]),
    *((half, name) for half in ("ecdsa", "eddsa") for name in SHARE.ecdsa if name != "pub_key"),
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FIELDS), JSON)
def test_any_value_in_any_field(path: tuple[str, ...], value: Any) -> None:
    half, *rest = path
    refuses_clearly(SHARE.edited(put(half, *rest, value=value)))


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10_000), st.text(alphabet='0123456789"[]{},:\\ \u00e9', max_size=6), st.integers(0, 6))
def test_any_damage_to_the_text(at: int, insert: str, remove: int) -> None:
    text = json.dumps(SHARE.ecdsa)
    at %= len(text)
    refuses_clearly(texts(text[:at] + insert + text[at + remove :]))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    for one in (text, "{" + text, "{" + text + "}"):
        refuses_clearly(texts(one))
