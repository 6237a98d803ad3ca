"""`error.vendor`: what the wallet vendor's own tools call the same thing."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from coldshare.vault.synthetic import encrypt_vlt2
from support.desk import vault
from support.reshare import generations
from support.shell import Said, Shell
from vault.builders import edit

ROOT = Path(__file__).parents[2]
#: All codes that the vendor's SDK has for an import, but one.
CODES = {
    "CORRUPTED_DATA",
    "DUPLICATE_VAULT",
    "INCOMPATIBLE_VAULT",
    "INVALID_FILE_FORMAT",
    "INVALID_PASSWORD",
    "OTHER_DEVICE_SHARE",
    "PASSWORD_REQUIRED",
    "PERSISTENCE_FAILED",
    "STALE_SHARE",
    "UNSUPPORTED_FORMAT",
}
#: coldshare compares with public values, and has no vault that it would have to open for that.
NONE_OF_OURS = "EXISTING_VAULT_PASSWORD_REQUIRED"
PW = ("--password-file", "pw")
STICK = ("--at", "folder:stick")


def make_errors() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_errors", ROOT / "docs" / "make_errors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_code_of_the_vendor_is_mapped() -> None:
    assert set(make_errors().by_vendor()) == CODES
    assert f"`{NONE_OF_OURS}` does not occur" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_the_table_is_what_the_classes_say() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    _, _, after = page.partition("| `error.vendor` | with `error.code` |\n|---|---|\n")
    rows = [re.findall(r"`(\w+)`", row) for row in after.partition("\n\n")[0].splitlines()]
    assert {row[0]: sorted(row[1:]) for row in rows} == make_errors().by_vendor()


def says(said: Said, code: str, vendor: str | None) -> None:
    error = said.json["error"]
    assert (error["code"], error.get("vendor")) == (code, vendor)


@cache
def bad() -> dict[str, bytes]:
    data = vault()[0].vult
    return {
        "cut.vult": data[:-1000],
        "empty.vult": b"",
        "note.vult": b"Dear diary, ",
        "large.vult": b"A" * (17 << 20),
        "later.vult": edit(data, lambda opened: setattr(opened.container, "version", 2)),
        "locked.vult": encrypt_vlt2(data, "plain-old-password"),
        "bent.vult": edit(data, lambda opened: opened.ecdsa.__setitem__(141, opened.ecdsa[141] ^ 1)),
    }


@pytest.fixture
def files(shell: Shell) -> Shell:
    """Files that are not what they should be, each in its own way."""
    for name, data in bad().items():
        shell.write(name, data)
    shell.write("other", "velvet-orchid-wrong-92-horse", secret="wrong password")
    (shell.folder / "stick").mkdir()
    return shell


@pytest.mark.parametrize(
    ("argv", "code", "vendor"),
    [
        (("inspect", "cut.vult"), "vault_file_damaged", "CORRUPTED_DATA"),
        (("inspect", "bent.vult"), "share_arithmetic", "CORRUPTED_DATA"),
        (("inspect", "empty.vult"), "vault_file_empty", "INVALID_FILE_FORMAT"),
        (("inspect", "note.vult"), "not_a_vault_file", "INVALID_FILE_FORMAT"),
        (("inspect", "large.vult"), "vault_file_too_large", "INVALID_FILE_FORMAT"),
        (("inspect", "later.vult"), "not_yet_container", "UNSUPPORTED_FORMAT"),
        (("inspect", "locked.vult", "--vault-password-file", "other"), "vault_password_wrong", "INVALID_PASSWORD"),
        (("inspect", "nowhere.vult"), "vault_file_unreadable", None),
    ],
)
def test_files_that_are_bad(files: Shell, argv: tuple[str, ...], code: str, vendor: str | None) -> None:
    says(files(*argv, "--json"), code, vendor)
    said = files(*argv)
    assert said.err.startswith(f"Error ({code}): ")
    assert vendor is None or vendor not in said.err, "it is for scripts"


def test_places_that_refuse(files: Shell) -> None:
    older, newer = (one[0].vult for one in generations(2))
    files.write("older.vult", older)
    files.write("newer.vult", newer)
    assert files("backup", "older.vult", *PW, "--no-recovery", *STICK).status == 0
    says(
        files("backup", "newer.vult", *PW, "--no-recovery", *STICK, "--json"), "folder_other_generation", "STALE_SHARE"
    )
    files.write("second.vult", generations(2)[0][1].vult)
    said = files("backup", "second.vult", *PW, "--no-recovery", *STICK, "--json")
    says(said, "folder_other_party", "OTHER_DEVICE_SHARE")


def test_seals_that_do_not_open(files: Shell) -> None:
    assert files("backup", "phone.vult", *PW, "--no-recovery", *STICK).status == 0
    says(
        files("restore", "--password-file", "other", *STICK, "--out", "x", "--json"), "factor_wrong", "INVALID_PASSWORD"
    )
    says(files("restore", *PW, *STICK, "--out", "none/x", "--json"), "output_failed", "PERSISTENCE_FAILED")
    sealed = next((files.folder / "stick" / "coldshare").glob("[0-9a-f]*.a")).read_bytes()
    files.write("bad.seal", sealed[:5000] + bytes(40) + sealed[5040:])
    says(files("restore", "--from", "bad.seal", *PW, "--out", "x", "--json"), "seal_damaged", "CORRUPTED_DATA")
    files.write("cut.seal", sealed[: len(sealed) // 2])
    says(files("restore", "--from", "cut.seal", *PW, "--out", "x", "--json"), "seal_damaged", "CORRUPTED_DATA")
    short = files("list", *STICK, "--json").json["backups"][0]["backup_id"][:8]
    for copy in (files.folder / "stick" / "coldshare").glob(f"{short}.?"):
        copy.write_bytes(copy.read_bytes()[:-1])
    says(files("restore", *PW, *STICK, "--out", "x", "--json"), "folder_damaged", "CORRUPTED_DATA")
    assert not (files.folder / "x").exists()


def test_files_of_the_vendors_own_apps(shell: Shell, fixtures_dir: Path) -> None:
    data = (fixtures_dir / "real" / "TestSecureVault-cfa0-share1of2.vult").read_bytes()
    shell.write("real.vult", data)
    shell.write("wrong", "Password124!")
    says(
        shell("inspect", "real.vult", "--vault-password-file", "wrong", "--json"),
        "vault_password_wrong",
        "INVALID_PASSWORD",
    )
    plain = (fixtures_dir / "real" / "TestDKLS2of2.vult").read_bytes()
    shell.write("cut.vult", plain[: len(plain) * 3 // 4])
    says(shell("inspect", "cut.vult", "--json"), "vault_file_damaged", "CORRUPTED_DATA")
