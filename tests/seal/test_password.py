"""Passwords: which bytes they stand for, and which of them are good enough."""

from __future__ import annotations

import pytest

from coldshare.seal import (
    KdfCostError,
    KdfParams,
    PasswordFormError,
    WeakPasswordError,
    check_password,
    normalise_password,
    primitives,
)
from coldshare.seal.errors import KdfUnavailableError


@pytest.mark.parametrize(
    ("typed", "stands_for"),
    [
        ("plain", b"plain"),
        ("caf\u00e9", b"caf\xc3\xa9"),
        ("cafe\u0301", b"caf\xc3\xa9"),
        ("a\u00a0b", b"a b"),
        ("a\u3000b\u2003c", b"a b c"),
        (" a ", b" a "),
        ("\u212b", "\u00c5".encode()),
        ("\u1e9b\u0323", "\u1e9b\u0323".encode()),
        ("\uff21", "\uff21".encode()),
        ("\ufb01", "\ufb01".encode()),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680".encode()),
        ("Case", b"Case"),
    ],
)
def test_normalise(typed: str, stands_for: bytes) -> None:
    assert normalise_password(typed) == stands_for
    assert normalise_password(stands_for.decode()) == stands_for


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "is empty"),
        ("line\n", "control character"),
        ("line\r", "control character"),
        ("a\tb", "control character"),
        ("a\x00b", "control character"),
        ("a\ud800b", "control character"),
        ("a\U0003fffdb", "too new"),
        ("a" * 4097, "longer than 4096 bytes"),
        ("\u00e9" * 2049, "longer than 4096 bytes"),
    ],
)
def test_what_cannot_be_a_password(typed: str, said: str) -> None:
    for use in (normalise_password, check_password):
        with pytest.raises(PasswordFormError, match=said) as refused:
            use(typed)
        assert refused.value.code == "password_form"


@pytest.mark.parametrize(
    "password",
    [
        "tidal-orchid-velvet-92-kettle",
        "correct horse battery staple",
        "qVn8#tLw2zRk",
        "caf\u00e9 au lait \u00e0 la plage",
        "long words make long passwords and nobody minds when they are longer than seventy-two characters" * 3,
        "long password with different words everywhere " + "x7Kq" * 1000,
    ],
)
def test_good_passwords(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    "password", ["a", "hunter2", "Tr0ub4dour&3", "password123456", "aaaaaaaaaaaaaaaa" * 8, "0" * 4096]
)
def test_weak_passwords_get_a_reason_and_a_suggestion(password: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        check_password(password)
    assert refused.value.code == "password_weak"
    assert refused.value.next_step
    assert len(str(refused.value)) > len("This password is too easy to guess. ")
    assert str(refused.value).endswith(".")
    if len(password) > 1:
        assert password not in str(refused.value) + refused.value.next_step


def test_zxcvbn_is_content_before_we_are_and_we_still_say_why() -> None:
    with pytest.raises(WeakPasswordError, match="ten thousand million guesses") as refused:
        check_password("kettle-bqx7")
    assert "Add another word" in refused.value.next_step


def test_names_that_an_attacker_would_try_do_not_count() -> None:
    check_password("Kwistelbeek-Zomerhuis")
    for hint in (["Kwistelbeek-Zomerhuis"], ["Kwistelbeek", "zomerhuis"], ["Kwistelbeek / Zomerhuis 2024"]):
        with pytest.raises(WeakPasswordError):
            check_password("Kwistelbeek-Zomerhuis", hint)
    # Hints of one call are not remembered in the next one, and useless ones do no harm.
    check_password("Kwistelbeek-Zomerhuis", ["", "ab", "x" * 10_000, *map(str, range(1000))])


# --- cost ------------------------------------------------------------------------------------------------


def test_default_cost() -> None:
    default = KdfParams()
    assert (default.memory_kib, default.passes, default.lanes) == (262144, 3, 4)
    assert not default.above_default
    default.check_write()
    assert str(default) == "Argon2id with 256 MiB, t=3, p=4"


@pytest.mark.parametrize("kdf", [KdfParams(8, 1, 1), KdfParams(64, 10, 8), KdfParams(1 << 20, 10, 8)])
def test_extreme_cost_that_is_still_read(kdf: KdfParams) -> None:
    kdf.check_read()


@pytest.mark.parametrize("kdf", [KdfParams(7, 1, 1), KdfParams(63, 1, 8), KdfParams((1 << 20) + 1, 1, 1)])
def test_derive_checks_again(kdf: KdfParams) -> None:
    with pytest.raises(KdfCostError):
        kdf.derive(b"password", bytes(16))


def test_a_computer_without_memory_or_without_argon2id_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf import argon2

    def fails(error: Exception) -> None:
        def derive(**_: object) -> None:
            raise error

        monkeypatch.setattr(argon2, "Argon2id", derive)

    fails(MemoryError())
    with pytest.raises(KdfCostError, match="cannot provide the 64 MiB"):
        primitives.argon2id(b"p", bytes(16), memory_kib=65536, passes=3, lanes=4)
    fails(UnsupportedAlgorithm("not in this build"))
    with pytest.raises(KdfUnavailableError, match="without Argon2id"):
        primitives.argon2id(b"p", bytes(16), memory_kib=65536, passes=3, lanes=4)
