"""What a token is told: always something it accepts, and never the same for two different parties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from coldshare import declare
from coldshare.declare import DeclarationMismatchError, agree, agree_record, showable_name, showable_party
from coldshare.vault import ShareFacts, read_share
from coldshare_firmware.declaration import Declaration as OnToken
from coldshare_iface import wire
from coldshare_iface.messages import Declaration
from support.desk import vault

# Long, empty, invisible, turning, at the edges of UTF-8 and of the token's limit.
_names = st.one_of(
    st.text(max_size=256),
    st.text(alphabet="a\u200b\u202e\x00\x1b\x9b\ufeff\U000e0001\N{GRINNING FACE}\N{EURO SIGN}\u0301", max_size=120),
    st.sampled_from(["", "a" * 96, "a" * 97, "\N{EURO SIGN}" * 32, "\N{EURO SIGN}" * 33, "a" + "\U0001f600" * 24]),
)


def told(name: str, party: str) -> Declaration:
    return Declaration(
        vault=b"\x02" * 33,
        name=showable_name(name),
        party=showable_party(party),
        generation=bytes(32),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=bytes(16),
    )


@given(name=_names, party=_names)
def test_the_token_accepts_every_name(name: str, party: str) -> None:
    accepted = OnToken(told(name, party).encode())
    assert accepted.name == showable_name(name)
    assert accepted.party == showable_party(party)


@given(a=_names, b=_names)
def test_distinct_parties_stay_distinct(a: str, b: str) -> None:
    assume(a != b)
    assert showable_party(a) != showable_party(b)


@given(_names)
@example("x\u200b")
@example("a" * 97)
def test_no_party_can_take_the_name_that_another_one_is_shown_under(party: str) -> None:
    shown = showable_party(party)
    assert shown == party or showable_party(shown) != shown


@given(_names)
def test_what_can_be_shown_is_shown_as_it_is(text: str) -> None:
    shown = showable_name(text)
    if shown == text and text:
        assert showable_party(text) == text or " #" in text


@pytest.mark.parametrize(
    ("party", "shown"),
    [
        ("iPhone-a1b2c3d4e5f60718", "iPhone-a1b2c3d4e5f60718"),
        ("Dorian\u2019s Mac mini-ABC", "Dorian\u2019s Mac mini-ABC"),
        ("x\u200b", "x? #34b429386efd"),
        ("", " #e3b0c44298fc"),
        ("a" * 97, "a" * 82 + " #2a2c60fe96af"),
        ("\U0001f600" * 30, "\U0001f600" * 20 + " #1717f7d7aea9"),
        ("x #0123456789ab", "x #0123456789ab #0e1a47c85623"),
    ],
)
def test_how_parties_are_shown_is_pinned(party: str, shown: str) -> None:
    """A token compares parties by this text: another spelling of it would make one party two."""
    assert showable_party(party) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sim Vault", "Sim Vault"),
        ("", ""),
        ("tab\tand \x1b[31mred\u202e", "tab?and ?[31mred?"),
        ("\N{EURO SIGN}" * 33, "\N{EURO SIGN}" * 32),
        ("a" + "\N{EURO SIGN}" * 32, "a" + "\N{EURO SIGN}" * 31),
    ],
)
def test_how_vault_names_are_shown_is_pinned(name: str, shown: str) -> None:
    assert showable_name(name) == shown


def facts() -> ShareFacts:
    return read_share(vault()[0].vult).facts


def test_a_declaration_says_what_the_share_says_and_no_two_are_equal() -> None:
    one, two = declare.declare(facts()), declare.declare(facts())
    assert one.encode() != two.encode()
    assert replace(one, nonce=b"") == replace(two, nonce=b"")
    agree(one, facts())
    assert (one.name, one.party, one.threshold, one.parties) == ("Savings", "Phone", 2, 3)
    assert one.vault == facts().public_key_ecdsa
    assert declare.library_name(one.library) == "DKLS"
    assert declare.library_name(200) == "library 200"


LIES: list[tuple[str, Any]] = [
    ("vault", b"\x03" * 33),
    ("name", "Holidays"),
    ("party", "Laptop"),
    ("generation", bytes(32)),
    ("threshold", 3),
    ("parties", 4),
    ("library", wire.LIBRARY_GG20),
]


@pytest.mark.parametrize(("field", "value"), LIES)
def test_a_lie_in_any_field_is_named(field: str, value: Any) -> None:
    lie = replace(declare.declare(facts()), **{field: value})
    with pytest.raises(DeclarationMismatchError, match="was told another") as caught:
        agree(lie, facts())
    assert caught.value.code == "declaration_mismatch"
    assert caught.value.exit_status == 7


def recorded() -> dict[int, Any]:
    return cast("dict[int, Any]", declare.record(read_share(vault()[0].vult)))


@pytest.mark.parametrize(("field", "value"), LIES)
def test_a_lie_about_a_share_that_stays_closed_is_named_too(field: str, value: Any) -> None:
    agree_record(declare.declare(facts()), recorded())
    lie = replace(declare.declare(facts()), **{field: value})
    with pytest.raises(DeclarationMismatchError):
        agree_record(lie, recorded())


@pytest.mark.parametrize("key", [1, 2, 3, 5, 7, 14, 15])
@pytest.mark.parametrize("value", [None, 5, b"x", "x", [], True, {}])
def test_a_record_of_the_wrong_kind_is_a_lie(key: int, value: Any) -> None:
    with pytest.raises(DeclarationMismatchError):
        agree_record(declare.declare(facts()), recorded() | {key: value})
    with pytest.raises(DeclarationMismatchError):
        agree_record(declare.declare(facts()), {k: v for k, v in recorded().items() if k != key})


def test_the_record_holds_nothing_secret() -> None:
    share = read_share(vault()[0].vult)
    assert share.facts.chain_code not in recorded().values()
    assert not any(value == share.original for value in recorded().values())
