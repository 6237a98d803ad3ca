"""Rule 8: a backup is as strong as its password. Weak ones are refused with a reason, and the seal never depends on
the vault file's own encryption."""

from __future__ import annotations

from pathlib import Path

import pytest

from nine_rules.people import KINDS, SEAL, People, good, token

WEAK = ("password", "12345678", "Savings2024", "correct", "phone-phone-phone")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_password_is_refused_with_a_reason(people: People, kind: str, weak: str) -> None:
    people.write("weak", weak)
    argv = ("backup", "phone.vult", "--password-file", "weak", "--no-recovery", *KINDS[kind]("phone"))
    text = people.refused(argv, "password_weak", 4)
    reason, step = text.split("\n")
    assert len(reason.split()) > 4
    assert step
    good(people("backup", "phone.vult", *SEAL, *KINDS[kind]("phone")))


@pytest.mark.parametrize("kind", KINDS)
def test_nor_does_one_come_in_later(people: People, kind: str) -> None:
    people.back_up("phone", *KINDS[kind]("phone"))
    people.write("weak", "password")
    argv = ("reseal", "--password-file", "pw", "--new-password-file", "weak", "--no-recovery", *KINDS[kind]("phone"))
    people.refused(argv, "password_weak", 4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_vault_file_is_sealed_like_any_other(people: People, kind: str, fixtures_dir: Path) -> None:
    """Its own password, which was made for another purpose, opens nothing here and is not even tried."""
    own = "correct horse 2-of-3"
    people.write("own", own, secret="the file's own password")
    data = (fixtures_dir / "made/orig_2of3/SimVault-2903-share1of3.legacy.vult").read_bytes()
    people.write("encrypted.vult", data)
    where = KINDS[kind]("phone")
    good(people("backup", "encrypted.vult", *SEAL, "--vault-password-file", "own", *where))
    text = people.refused(("verify", "--password-file", "own", *where), "factor_wrong", 4)
    assert "password" in text
    good(people("restore", "--password-file", "pw", *where, "--out", "back"))
    assert (people.folder / "back").read_bytes() == data


def test_with_the_token_alone_nobody_gets_at_the_share(people: People) -> None:
    """Whoever has token and PIN and not the password."""
    people.back_up("phone", *token("phone"))
    people.write("guess", "tidal-orchid-velvet-92-kettlf")
    argv = ("restore", "--password-file", "guess", *token("phone"), "--out", "back")
    people.refused(argv, "factor_wrong", 4)
    assert not (people.folder / "back").exists()
