"""Sealed shares as files: written from a token, read without one, and kept apart from those of the other parties."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from coldshare.export_index import ExportIndex
from coldshare.ledger.events import FILE as FILE_PLACE
from coldshare.ledger.events import TOKEN as TOKEN_PLACE
from coldshare.recovery import parse_file
from coldshare.safety.carriers import Copy, copies
from coldshare_sim.flash import Chip
from support.desk import Desk, put_share, vault
from support.ledgers import view
from support.shell import Said, Shell, failed
from support.terminal import Terminal

YES = "sim:a.token?user=approve"
TOKEN = ("--at", YES, "--pin-file", "pin")
OTHER = ("--at", "sim:b.token?user=approve", "--pin-file", "pin")
RECOVER = Path(__file__).parents[2] / "docs" / "recover.py"
SHARE = vault()[0].vult


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def stored(shell: Shell) -> Shell:
    """Two tokens with the shares of two parties; the recovery codes are in `code` and `code-b`."""
    desk = Desk(shell.home)
    (shell.folder / "a.token").write_bytes(desk.token().image)
    (shell.folder / "b.token").write_bytes(desk.token(1, "Safe B").image)
    good(shell("backup", "phone.vult", *TOKEN, "--password-file", "pw", "--recovery-out", "code"))
    good(shell("backup", "laptop.vult", *OTHER, "--password-file", "pw", "--recovery-out", "code-b"))
    shell.secrets.add("recovery code", parse_file((shell.folder / "code").read_text()).code.text)
    (shell.folder / "cloud").mkdir()
    return shell


def export(shell: Shell, out: str = "cloud", token: tuple[str, ...] = TOKEN) -> Path:
    """The file that it was exported to."""
    answer = good(shell("export", *token, "--out", out, "--json")).json
    assert answer["recovery"] is True
    return shell.folder / answer["out"]


def test_into_a_folder_and_back_without_any_token(stored: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    said = good(stored("export", *TOKEN, "--out", "cloud"))
    (file,) = (stored.folder / "cloud").iterdir()
    assert str(file.relative_to(stored.folder)) in said.out
    assert "Keep the recovery code apart" in said.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"Savings" not in file.read_bytes()
    assert b"Phone" not in file.read_bytes()
    name = str(file.relative_to(stored.folder))

    # Another computer, which has never seen a token.
    monkeypatch.setenv("COLDSHARE_HOME", str(stored.folder / ".other"))
    answer = good(stored("verify", "--from", name, "--recovery-file", "code", "--json")).json
    assert (answer["opened"], answer["party"], answer["recovery"]) == (True, "Phone", True)
    assert file.name == f"coldshare-{answer['backup_id'][:8]}.seal"
    assert "Good: " in good(stored("verify", "--from", name, "--recovery-file", "code")).out
    good(stored("restore", "--from", name, "--recovery-file", "code", "--out", "back"))
    assert (stored.folder / "back").read_bytes() == SHARE
    assert stat.S_IMODE((stored.folder / "back").stat().st_mode) == 0o600


def test_with_the_password_and_the_token(stored: Shell) -> None:
    name = str(export(stored))
    argv = ("--from", name, "--password-file", "pw")
    text = failed(stored("restore", *argv, "--out", "back"), "no_address", 2, as_json=False)
    assert "--recovery-file" in text
    text = failed(stored("restore", *argv, *OTHER, "--out", "back"), "export_not_on_token", 3, as_json=False)
    assert "recovery code" in text
    failed(
        stored("verify", *argv, "--at", "sim:a.token?user=reject", "--pin-file", "pin"), "rejected", 5, as_json=False
    )
    good(stored("verify", *argv, *TOKEN))
    good(stored("restore", *argv, *TOKEN, "--out", "back"))
    assert (stored.folder / "back").read_bytes() == SHARE


def test_typed_at_a_terminal(stored: Shell, folder: Path) -> None:
    name = str(export(stored))
    code = parse_file((folder / "code").read_text()).code
    with Terminal("restore", "--from", name, "--recovery", "--out", "back", cwd=folder) as terminal:
        terminal.answer("Recovery code: ", code.text)
        assert terminal.finish() == 0
        stored.check(terminal.raw)
    assert (folder / "back").read_bytes() == SHARE


def test_without_coldshare(stored: Shell) -> None:
    """The script for the day when coldshare is gone, on a file that the command line wrote."""
    name = str(export(stored, "cloud/mine.seal"))
    done = subprocess.run(
        [sys.executable, "-I", str(RECOVER), name, "back", "--recovery-file", "code"],
        capture_output=True,
        cwd=stored.folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert (stored.folder / "back").read_bytes() == SHARE
    stored.check((done.stdout + done.stderr).decode())


def test_two_parties_never_share_a_folder(stored: Shell) -> None:
    file = export(stored)
    before = stored.snapshot()
    for as_json in (False, True):
        said = stored("export", *OTHER, "--out", "cloud", *(["--json"] if as_json else []))
        assert file.name in failed(said, "other_party_in_folder", 5, as_json=as_json)
    # Said before anybody is asked at the token.
    said = stored("export", "--at", "sim:b.token?user=reject", "--pin-file", "pin", "--out", "cloud")
    failed(said, "other_party_in_folder", 5, as_json=False)
    assert stored.snapshot() == before
    # Elsewhere it may go, and the first place is named.
    (stored.folder / "stick").mkdir()
    said = good(stored("export", *OTHER, "--out", "stick"))
    assert str(file) in said.out
    assert "another party" in said.out


def test_it_is_recognised_even_if_it_was_only_backed_up_or_opened_here(
    stored: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is filled by backup, verify and restore, not only by export."""
    file = export(stored)
    home = stored.home
    # This computer forgets everything; only its pairings stay.
    (home / "exports.json").unlink()
    said = good(stored("export", *OTHER, "--out", "cloud"))
    assert "does not know" in said.out
    assert file.name in said.out
    for path in (stored.folder / "cloud").iterdir():
        if path != file:
            path.unlink()
    for step in (
        ("verify", *TOKEN, "--password-file", "pw"),
        ("restore", *TOKEN, "--recovery-file", "code", "--out", "back-1"),
        ("verify", "--from", str(file), "--recovery-file", "code"),
        ("restore", "--from", str(file), "--recovery-file", "code", "--out", "back-2"),
    ):
        (home / "exports.json").unlink()
        good(stored(*step))
        failed(stored("export", *OTHER, "--out", "cloud"), "other_party_in_folder", 5, as_json=False)
    # Reading back without opening proves nothing, so nothing is learnt from it.
    (home / "exports.json").unlink()
    good(stored("verify", *TOKEN, "--no-password"))
    assert not (home / "exports.json").exists()


def test_an_index_that_cannot_be_used_stops_an_export_and_nothing_else(stored: Shell) -> None:
    (stored.home / "exports.json").write_text("{")
    before = stored.snapshot()
    failed(stored("export", *TOKEN, "--out", "cloud"), "export_index_unreadable", 3, as_json=False)
    assert stored.snapshot() == before
    said = good(stored("verify", *TOKEN, "--password-file", "pw"))
    assert "could not remember" in said.err
    good(stored("verify", *TOKEN, "--password-file", "pw", "--json"))


def test_a_share_that_was_another_one_before(stored: Shell) -> None:
    (held,) = good(stored("list", *TOKEN, "--json")).json["backups"]
    (stored.home / "exports.json").unlink()
    ExportIndex(stored.home / "exports.json").remember(bytes.fromhex(held["backup_id"]), b"\x02" * 33, "Somebody")
    failed(stored("verify", *TOKEN, "--password-file", "pw"), "declaration_mismatch", 7, as_json=False)


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("argv", "code", "status", "says"),
    [
        (("export", *TOKEN, "--out", "there.seal"), "output_exists", 3, "--out"),
        (("export", *TOKEN, "--out", "cloud/name"), "export_name", 3, ".seal"),
        (("export", *TOKEN, "--out", "missing/x.seal"), "output_failed", 3, "missing"),
        (("export", *TOKEN, "--out", "cloud", "--backup", "zz"), "no_backup", 3, "zz"),
        (("export", "--at", "sim:a.token?user=reject", "--pin-file", "pin", "--out", "cloud"), "rejected", 5, ""),
        (("export", *TOKEN), "usage", 2, "--out"),
        (("export", "--out", "cloud"), "no_address", 2, "--at"),
        (("verify", "--from", "none.seal", "--recovery-file", "code"), "export_unreadable", 3, "none.seal"),
        (("verify", "--from", "phone.vult", "--recovery-file", "code"), "seal_damaged", 7, ""),
        (("verify", "--from", "there.seal", "--no-password"), "usage", 2, "--no-password"),
        (("verify", "--from", "there.seal", "--backup", "1"), "usage", 2, "exclude each other"),
        (("restore", "--from", "there.seal", "--backup", "1", "--out", "x"), "usage", 2, "exclude each other"),
        (("restore", "--from", "there.seal", "--recovery-file", "code-b", "--out", "x"), "factor_wrong", 4, "its own"),
        (("restore", "--from", "there.seal", "--recovery-file", "code", "--out", "pw"), "output_exists", 3, "--out"),
        (("verify", "--recovery-file", "code"), "no_address", 2, "--at"),
    ],
)
def test_what_is_refused(
    stored: Shell, argv: tuple[str, ...], code: str, status: int, says: str, as_json: bool
) -> None:
    export(stored, "there.seal")
    before = stored.snapshot()
    said = stored(*argv, *(["--json"] if as_json else []))
    assert says in failed(said, code, status, as_json=as_json)
    assert stored.snapshot() == before


def test_one_without_a_recovery_code_says_what_it_is_not_good_for(stored: Shell) -> None:
    good(stored("backup", "phone.vult", *TOKEN, "--password-file", "pw", "--no-recovery"))
    said = good(stored("export", *TOKEN, "--out", "cloud"))
    assert "no help when the token is lost" in said.out
    assert "coldshare reseal" in said.out


def test_one_of_several(stored: Shell) -> None:
    desk = Desk(stored.home)
    chip = Chip((stored.folder / "a.token").read_bytes())
    second = put_share(desk.client(chip), vault("Other")[0].vult).backup_id.hex()
    (stored.folder / "a.token").write_bytes(chip.image)
    failed(stored("export", *TOKEN, "--out", "cloud"), "which_backup", 3, as_json=False)
    answer = good(stored("export", *TOKEN, "--out", "cloud", "--backup", second[:4], "--json")).json
    assert (answer["backup_id"], answer["recovery"]) == (second, False)


@pytest.mark.parametrize("how", ["verify", "drill", "restore", "export"])
def test_another_sealed_share_in_the_place_of_a_file(stored: Shell, how: str) -> None:
    """It is gone from there, so it is neither counted as a backup nor blamed for being together with the other one."""
    export(stored, "cloud/x.seal")
    (stored.folder / "cloud" / "x.seal").unlink()
    if how == "export":
        export(stored, "cloud/x.seal", OTHER)
    else:
        export(stored, "y.seal", OTHER).rename(stored.folder / "cloud" / "x.seal")
        more = ("--out", "back") if how == "restore" else ()
        good(stored(how, "--from", "cloud/x.seal", "--recovery-file", "code-b", *more))
    places = good(stored("place", "list", "--json")).json["places"]
    (file,) = (one for one in places if one["title"].endswith("cloud/x.seal"))
    assert [one["party"] for one in file["backups"]] == ["Laptop"]
    answer = stored("status", "--json").json["vaults"][0]
    assert not [one for one in answer["findings"] if one["code"] == "together"]


# --- on a computer that has never heard of the token


def copies_elsewhere(shell: Shell, monkeypatch: pytest.MonkeyPatch, *argv: str, token: str = "a") -> list[Copy]:
    """What the ledger of another computer knows of the phone's backups, after it has done this and nothing else."""
    with monkeypatch.context() as patch:
        patch.setenv("COLDSHARE_HOME", str(shell.folder / f"{token}-elsewhere"))
        patch.setenv("COLDSHARE_AT", f"sim:{token}.token?user=approve")
        good(shell("pair"))
        good(shell(*argv))
        known = view()
    (vault,) = known.vaults()
    return copies(known, vault.vault)


OPENED = ("--password-file", "pw", "--pin-file", "pin")


@pytest.mark.parametrize(
    "argv", [("verify", "--from", "FILE"), ("drill", "--from", "FILE"), ("restore", "--from", "FILE", "--out", "back")]
)
def test_a_file_rests_on_the_token_that_it_was_opened_with(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    good(shell("backup", "phone.vult", *TOKEN, "--password-file", "pw", "--no-recovery"))
    file = good(shell("export", *TOKEN, "--out", "phone.seal", "--json")).json["out"]
    words = [file if word == "FILE" else word for word in argv]
    here = copies_elsewhere(shell, monkeypatch, *words, *OPENED)
    assert {one.place.place.kind for one in here} == {TOKEN_PLACE, FILE_PLACE}
    (token,) = (one.place.place for one in here if one.place.place.kind == TOKEN_PLACE)
    assert {one.rests_on for one in here} == {token}, "lost with the token, it opens no more"


def test_an_export_rests_on_the_token_that_it_came_from(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    good(shell("backup", "phone.vult", *TOKEN, "--password-file", "pw", "--no-recovery"))
    here = copies_elsewhere(shell, monkeypatch, "export", "--out", "phone.seal", "--pin-file", "pin")
    assert len(here) == 2
    assert len({one.rests_on for one in here}) == 1


def test_a_file_that_its_code_opened_stands_alone(stored: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    file = export(stored)
    (one,) = copies_elsewhere(stored, monkeypatch, "verify", "--from", str(file), "--recovery-file", "code")
    assert (one.usable, one.rests_on) == (True, one.place.place)


def test_a_file_that_its_password_alone_opened_stands_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came out of a folder, of which that computer has never heard."""
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    (shell.folder / "stick").mkdir()
    at = ("--at", "folder:stick")
    good(shell("backup", "phone.vult", *at, "--password-file", "pw", "--no-recovery"))
    file = good(shell("export", *at, "--out", "phone.seal", "--json")).json["out"]
    (one,) = copies_elsewhere(shell, monkeypatch, "verify", "--from", file, "--password-file", "pw")
    assert (one.usable, one.rests_on) == (True, one.place.place)
