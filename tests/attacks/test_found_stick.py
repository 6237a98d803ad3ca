"""Who: somebody who finds a stick, or copies it while nobody looks.
Wants: the share on it, or to know whose it is, of which vault, and who else to look for.
What stops him: the share is sealed under a password that is stronger than a token's has to be, because he can try for
as long as he likes; and nothing in the folder names a vault, a party or a key, but as digests under a random salt.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.places import shares
from coldshare.places.folder import open_folder
from coldshare.seal import Factors, parse
from coldshare.seal.errors import WrongFactorError
from coldshare.vault import read_share
from support.desk import PASSWORD, vault
from support.shell import Shell, failed, share_secrets

FACTS = read_share(vault()[0].vult).facts
#: Good enough where a token's secret has to be had, too.
GUESSABLE = "correct horse batt"
WORDS = ["123456", "password", "savings", "iloveyou", "correct horse battery staple", GUESSABLE, "qwertz"]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def put(shell: Shell, stick: Path, password: str = "pw") -> None:
    said = shell("backup", "phone.vult", "--at", f"folder:{stick}", "--password-file", password, "--no-recovery")
    assert said.status == 0, said.err


def guessed(stick: Path) -> bytes | None:
    """What he gets out of it with a list of words; he needs nothing else."""
    (sealed,) = (stick / "coldshare").glob("????????.a")
    for word in WORDS:
        try:
            return parse(sealed.read_bytes()).open(Factors(password=word))
        except WrongFactorError:
            continue
    return None


@pytest.mark.parametrize("defended", [True, False])
def test_a_password_that_can_be_found(
    shell: Shell, stick: Path, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """The control: the bound that is enough with a token."""
    shell.write("guessable", GUESSABLE)
    if defended:
        argv = ("--at", f"folder:{stick}", "--password-file", "guessable", "--no-recovery")
        failed(shell("backup", "phone.vult", *argv), "password_weak_alone", 4, as_json=False)
        assert not (stick / "coldshare").exists()
        put(shell, stick)
        assert guessed(stick) is None
        return
    monkeypatch.setattr(shares, "GUESSES_ALONE", 0)
    put(shell, stick, "guessable")
    plain = guessed(stick)
    assert plain is not None
    # Raw: the seal holds the file without its layers of base64.
    assert share_secrets(vault()[0].vult, None)["s_i"] in plain


def test_what_is_on_it_names_nobody(shell: Shell, stick: Path) -> None:
    put(shell, stick)
    names = [
        FACTS.vault_name.encode(),
        FACTS.party.encode(),
        *(signer.encode() for signer in FACTS.signers),
        *(value for key in keys() for value in (key, key.hex().encode())),
    ]
    files = [one for one in stick.rglob("*") if one.is_file()]
    assert len(files) >= 5
    for one in files:
        data = one.read_bytes() + one.name.encode()
        assert not [name for name in names if name in data], one.name


def keys() -> list[bytes]:
    return [FACTS.public_key_ecdsa, FACTS.public_key_eddsa, FACTS.chain_code, FACTS.generation]


def test_control_who_knows_the_vault_sees_that_it_is_there(shell: Shell, stick: Path) -> None:
    """The salt lies beside the digests. That is what remains: of a vault whose public key he has, and a name that he
    guesses, he can tell."""
    put(shell, stick)
    with open_folder(str(stick), write=False) as folder:
        (kept,) = folder.contents().backups
    assert kept.record.is_vault(FACTS.public_key_ecdsa)
    assert not kept.record.is_vault(bytes([2]) * 33)
    assert kept.record.is_party(FACTS.public_key_ecdsa, "Phone")
    assert not kept.record.is_party(FACTS.public_key_ecdsa, "Laptop")
    assert kept.record.is_generation(FACTS.generation)


def test_the_right_password_opens_it(shell: Shell, stick: Path) -> None:
    """And so nothing but the password stands before him."""
    put(shell, stick)
    (sealed,) = (stick / "coldshare").glob("????????.a")
    assert share_secrets(vault()[0].vult, None)["s_i"] in parse(sealed.read_bytes()).open(Factors(password=PASSWORD))
