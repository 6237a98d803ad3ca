"""Zips of several vaults at the command line: every file is described, one is chosen, and only that one is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.vault.synthetic import encrypt_legacy, make_vault
from support.desk import vault
from support.shell import Shell, failed
from support.terminal import Terminal
from vault.gg20 import make_gg20
from vault.zips import zipped

YES = "sim:a.token?user=approve"
PHONE = vault()[0].vult
OTHER = make_vault("Holidays", ["Phone", "Laptop"], 2)[0].vult
LOCKED = encrypt_legacy(OTHER, "lantern 41")
FILES = {"Savings-share1of3.vult": PHONE, "Holidays (1).bak": OTHER}


@pytest.fixture
def token(shell: Shell) -> Shell:
    """With a token, and the files `all.zip` and `locked.zip`."""
    assert shell("init", "--at", YES, "--label", "Safe A", "--pin-file", "pin").status == 0
    shell.write("all.zip", zipped(*FILES.items()))
    shell.write("locked.zip", zipped(("Savings-share1of3.vult", PHONE), ("Holidays.vult", LOCKED)))
    shell.write("own", "lantern 41", secret="the vault file's own password")
    shell.secrets.add_share(OTHER)
    return shell


def backup(*argv: str) -> tuple[str, ...]:
    return ("backup", *argv, "--at", YES, "--pin-file", "pin", "--password-file", "pw", "--no-recovery")


def restored(shell: Shell, folder: Path, *, own_process: bool = False) -> bytes:
    run = shell.spawn if own_process else shell
    assert run("restore", "--at", YES, "--pin-file", "pin", "--password-file", "pw", "--out", "back").status == 0
    return (folder / "back").read_bytes()


@pytest.mark.parametrize("which", ["2", "Holidays (1).bak"])
def test_one_file_of_a_zip_there_and_back(token: Shell, folder: Path, which: str) -> None:
    answer = token(*backup("all.zip", "--member", which, "--json")).json
    assert answer["ok"]
    assert answer["vault"]["name"] == "Holidays"
    assert restored(token, folder) == OTHER


def test_an_encrypted_file_of_a_zip(token: Shell, folder: Path) -> None:
    argv = backup("locked.zip", "--member", "Holidays.vult")
    failed(token(*argv), "vault_password_needed", 4, as_json=False)
    assert token(*argv, "--vault-password-file", "own").status == 0
    assert restored(token, folder) == LOCKED


def test_a_zip_with_one_file_needs_no_choice(token: Shell, folder: Path) -> None:
    token.write("one.zip", zipped(("__MACOSX/._a", b"x"), ("a.vult", OTHER)))
    said = token(*backup("one.zip"))
    assert said.status == 0
    assert "The zip holds one file: a.vult" in said.err
    assert "__MACOSX/._a is left out" in said.err
    assert restored(token, folder) == OTHER


@pytest.mark.parametrize(
    ("argv", "code", "status", "says"),
    [
        (("all.zip",), "vault_archive", 3, "a zip of 2 files"),
        (("all.zip", "--member", "3"), "archive_member", 3, "1: Savings-share1of3.vult; 2: Holidays (1).bak"),
        (("phone.vult", "--member", "1"), "archive_member", 3, "is no zip"),
        (("cut.zip", "--member", "1"), "archive_damaged", 3, "damaged"),
        (("empty.zip",), "archive_empty", 3, "no vault file"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_chosen(
    token: Shell, argv: tuple[str, ...], code: str, status: int, says: str, as_json: bool
) -> None:
    token.write("cut.zip", zipped(*FILES.items())[:-30])
    token.write("empty.zip", zipped(("folder/", b"")))
    before = token.snapshot()
    said = token(*backup(*argv), *(["--json"] if as_json else []))
    assert says in failed(said, code, status, as_json=as_json)
    assert token.snapshot() == before


def test_inspect_describes_every_file(token: Shell) -> None:
    said = token("inspect", "all.zip")
    assert said.status == 0
    for text in ("1  Savings-share1of3.vult", "2  Holidays (1).bak", "Savings", "Holidays", "--member NUMBER"):
        assert text in said.out
    answer = token("inspect", "all.zip", "--json").json
    assert [member["name"] for member in answer["members"]] == list(FILES)
    assert [member["vault_name"] for member in answer["members"]] == ["Savings", "Holidays"]
    assert answer["ok"]
    assert all(member["ok"] for member in answer["members"])
    assert answer["warnings"] == []


def test_inspect_describes_one_file(token: Shell) -> None:
    assert token("inspect", "all.zip", "--member", "2", "--json").json["vault_name"] == "Holidays"


def test_inspect_says_which_files_fail(token: Shell) -> None:
    token.write("some.zip", zipped(("readme.txt", b"Hello"), ("a.vult", OTHER), ("b.vult", LOCKED)))
    said = token("inspect", "some.zip", "--json")
    assert said.status == 3
    answer = said.json
    assert not answer["ok"]
    assert answer["error"]["code"] == "not_a_vault_file"
    assert [member["ok"] for member in answer["members"]] == [False, True, False]
    assert answer["members"][2]["error"]["code"] == "vault_password_needed"
    text = token("inspect", "some.zip")
    assert text.status == 3
    assert "Error (not_a_vault_file)" in text.out
    opened = token("inspect", "some.zip", "--json", "--vault-password-file", "own").json
    assert [member["ok"] for member in opened["members"]] == [False, True, True]


def test_two_parties_of_one_vault_in_a_zip_are_a_warning(token: Shell) -> None:
    token.write("both.zip", zipped(("a.vult", vault()[0].vult), ("b.vult", vault()[1].vult)))
    assert "never belong in one place" in token("inspect", "both.zip").out
    (warning,) = token("inspect", "both.zip", "--json").json["warnings"]
    assert "2 parties of the vault 'Savings': Phone, Laptop" in warning


@pytest.mark.slow
def test_a_person_is_asked_which(token: Shell, folder: Path) -> None:
    with Terminal(*backup("all.zip"), cwd=folder) as terminal:
        terminal.until("2  Holidays (1).bak: the share of Phone of 'Holidays'")
        terminal.answer("Which one", "3")
        terminal.until("has no file '3'")
        terminal.answer("Which one", "2")
        terminal.until("Backed up: the share of Phone of 'Holidays'")
        assert terminal.finish() == 0
        token.check(terminal.screen)
    assert restored(token, folder, own_process=True) == OTHER


def test_inspect_names_kinds_of_vaults(token: Shell) -> None:
    token.write("old.vult", make_gg20("Old", ["Phone", "Server-1234"])[1].vult())
    said = token("inspect", "old.vult")
    assert said.status == 0
    assert "library       GG20" in said.out
    assert "Server-1234 (the vendor's server)" in said.out
    assert said.out.count("belongs on no device") == 1
