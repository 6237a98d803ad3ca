"""`--at folder:PATH`: the same verbs as for a token, as people and scripts use them."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare.places.files import Found, OsFiles
from places.test_shares import snapshot
from support.desk import PASSWORD, PIN, Desk, vault
from support.reshare import generations
from support.shell import Said, Shell, failed
from support.terminal import Terminal

AT = ("--at", "folder:stick")
PW = ("--password-file", "pw")
NEW_PASSWORD = "walnut-harbor-sixteen-lunar-moth"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stick: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pw", PASSWORD, secret="password")
    shell.write("new", NEW_PASSWORD, secret="new password")
    for share in vault():
        shell.write(f"{share.party.lower()}.vult", share.vult)
        shell.secrets.add_share(share.vult)
    for name, generation in zip(("older", "newer"), generations(2), strict=True):
        shell.write(f"{name}.vult", generation[0].vult)
    return shell


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def backup(shell: Shell, name: str = "phone.vult", *more: str) -> str:
    """The id."""
    code = () if {"--recovery-out", "--no-recovery"} & {*more} else ("--no-recovery",)
    answer = good(shell("backup", name, *PW, *code, *more, *AT, "--json")).json
    found = answer["backup_id"]
    assert isinstance(found, str)
    return found


def states(shell: Shell) -> dict[str, str]:
    return {one["backup_id"]: one["state"] for one in good(shell("list", *AT, "--json")).json["backups"]}


def test_there_and_back(shell: Shell) -> None:
    said = good(shell("backup", "phone.vult", *PW, "--recovery-out", "code", *AT))
    shell.secrets.add("code", (shell.folder / "code").read_text().splitlines()[2])
    assert said.err.count("A folder is weaker than a token") == 1
    assert "opens with its password alone" in said.out
    assert "1 of 2" not in good(shell("list", *AT)).out
    checked = good(shell("verify", *PW, *AT))
    assert "Good: " in checked.out
    assert "Both copies" in checked.out
    assert "weaker" not in checked.out + checked.err, "it is said once"
    good(shell("restore", *PW, *AT, "--out", "a.vult"))
    good(shell("restore", "--recovery-file", "code", *AT, "--out", "b.vult"))
    for name in ("a.vult", "b.vult"):
        assert (shell.folder / name).read_bytes() == (shell.folder / "phone.vult").read_bytes()
    assert failed(shell("restore", *PW, *AT, "--out", "a.vult"), "output_exists", 3, as_json=False)


def test_one_file_opens_without_a_token_and_without_the_folder(shell: Shell) -> None:
    """A copy is the sealed share itself, so it works wherever an exported file does."""
    name = backup(shell)[:8]
    good(shell("verify", "--from", f"stick/coldshare/{name}.b", *PW))
    good(shell("restore", "--from", f"stick/coldshare/{name}.a", *PW, "--out", "c.vult"))
    assert (shell.folder / "c.vult").read_bytes() == (shell.folder / "phone.vult").read_bytes()


def test_json_tells_the_same(shell: Shell) -> None:
    answer = good(shell("backup", "phone.vult", *PW, "--no-recovery", *AT, "--json")).json
    assert answer["place"] == {"folder": str(shell.folder / "stick" / "coldshare")}
    assert any("weaker than a token" in words for words in answer["warnings"])
    assert answer["party"] == "Phone"
    listed = good(shell("list", *AT, "--json")).json
    assert listed["backups"] == [
        {
            "backup_id": answer["backup_id"],
            "state": "active",
            "sealed_size": answer["sealed_size"],
            "copies": 2,
            "noted": {"vault": "Savings", "party": "Phone"},
            "old": False,
        }
    ]
    assert (listed["strangers"], listed["crowded"]) == ([], False)
    checked = good(shell("verify", *PW, *AT, "--json")).json
    assert checked["findings"] == checked["mended"] == []
    assert checked["backups"][0]["opened"] is True
    assert checked["backups"][0]["party"] == "Phone"


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("argv", "code", "status"),
    [
        (("backup", "laptop.vult", *PW, "--no-recovery"), "folder_other_party", 5),
        (("backup", "newer.vult", *PW, "--no-recovery"), "folder_other_generation", 5),
        (("verify", "--password-file", "new"), "factor_wrong", 4),
        (("restore", *PW, "--out", "x", "--backup", "ffffffff"), "no_backup", 3),
        (("retire", "OLD"), "no_newer", 5),
        (("un-retire", "OLD"), "not_retired", 5),
        (("destroy", "OLD", "--yes"), "not_retired", 5),
        (("destroy", "--all", "--yes"), "not_retired", 5),
        (("remove", "OLD"), "confirmation_needed", 5),
        (("pin",), "folder_verb", 3),
        (("wipe",), "folder_verb", 3),
        (("list", "--pin-file", "pw"), "usage", 2),
        (("list", "--trace", "t"), "usage", 2),
    ],
)
def test_refusals_change_nothing(shell: Shell, argv: tuple[str, ...], code: str, status: int, as_json: bool) -> None:
    old = backup(shell, "older.vult" if "newer.vult" in argv else "phone.vult")
    before = snapshot(shell.folder / "stick")
    words = [old[:8] if word == "OLD" else word for word in argv]
    said = shell(*words, *AT, *(["--json"] if as_json else []))
    failed(said, code, status, as_json=as_json)
    assert snapshot(shell.folder / "stick") == before


@pytest.mark.parametrize(
    ("where", "code"), [("nowhere", "folder_not_found"), ("pw", "folder_not_found"), ("stick", "folder_empty")]
)
@pytest.mark.parametrize(
    "argv", [("list",), ("verify", *PW), ("restore", *PW, "--out", "x"), ("remove", "1234", "--yes")]
)
def test_where_there_is_no_place(shell: Shell, argv: tuple[str, ...], where: str, code: str) -> None:
    failed(shell(*argv, "--at", f"folder:{where}"), code, 3, as_json=False)
    assert not (shell.folder / "nowhere").exists()
    assert list((shell.folder / "stick").iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made(shell: Shell) -> None:
    said = shell("backup", "phone.vult", *PW, "--no-recovery", "--at", "folder:nowhere")
    failed(said, "folder_not_found", 3, as_json=False)
    assert not (shell.folder / "nowhere").exists()


def test_a_weak_password(shell: Shell) -> None:
    shell.write("weak", "correct horse batt", secret="weak password")
    said = shell("backup", "phone.vult", "--password-file", "weak", "--no-recovery", *AT)
    assert "five or more words" in failed(said, "password_weak_alone", 4, as_json=False)
    assert list((shell.folder / "stick").iterdir()) == []


def test_after_a_reshare(shell: Shell) -> None:
    old = backup(shell, "older.vult")
    new = backup(shell, "newer.vult", "--newer")
    assert states(shell) == {old: "active", new: "next"}
    failed(shell("retire", new[:8], *AT), "no_newer", 5, as_json=False)
    assert "still work with each other" in good(shell("retire", old[:8], *AT)).out
    assert states(shell) == {old: "retired", new: "active"}
    failed(shell("retire", old[:8], *AT), "already_retired", 5, as_json=False)
    failed(shell("backup", "older.vult", *PW, "--no-recovery", *AT), "folder_retired_generation", 5, as_json=False)
    assert "RETIRED" in good(shell("restore", "--backup", old[:8], *PW, *AT, "--out", "old.vult")).out
    good(shell("un-retire", old[:8], *AT))
    assert states(shell) == {old: "active", new: "next"}
    good(shell("retire", old[:8], *AT))
    said = good(shell("destroy", "--all", "--yes", *AT))
    assert "To be rid of it, destroy the stick" in said.out
    assert states(shell) == {new: "active"}
    failed(
        shell("backup", "older.vult", *PW, "--no-recovery", "--newer", *AT),
        "folder_retired_generation",
        5,
        as_json=False,
    )


def test_a_generation_by_name(shell: Shell) -> None:
    """The old share never was in this folder."""
    new = backup(shell, "newer.vult")
    old = good(shell("inspect", "older.vult", "--json")).json["generation"]
    good(shell("retire", "--generation", old, "--newer", new[:8], *AT))
    failed(shell("backup", "older.vult", *PW, "--no-recovery", *AT), "folder_retired_generation", 5, as_json=False)
    failed(
        shell("retire", "--generation", good(shell("inspect", "newer.vult", "--json")).json["generation"], "--newer",
              new[:8], *AT), "no_newer", 5, as_json=False,
    )  # fmt: skip
    good(shell("un-retire", "--generation", old, "--newer", new[:8], *AT))
    failed(shell("backup", "older.vult", *PW, "--no-recovery", *AT), "folder_other_generation", 5, as_json=False)


def test_reseal(shell: Shell) -> None:
    old = backup(shell)
    good(shell("reseal", *PW, "--new-password-file", "new", "--no-recovery", *AT))
    assert list(states(shell).values()) == ["active"]
    assert old not in states(shell)
    failed(shell("verify", *PW, *AT), "factor_wrong", 4, as_json=False)
    good(shell("verify", "--password-file", "new", *AT))


def test_remove(shell: Shell) -> None:
    old = backup(shell)
    good(shell("remove", old[:8], "--yes", *AT))
    assert states(shell) == {}
    assert [path.name for path in (shell.folder / "stick/coldshare").iterdir() if path.suffix == ".tag"] == []
    good(shell("backup", "laptop.vult", *PW, "--no-recovery", *AT))


def test_export(shell: Shell) -> None:
    name = backup(shell)[:8]
    (shell.folder / "drive").mkdir()
    good(shell("export", "--out", "drive", *AT))
    (file,) = (shell.folder / "drive").iterdir()
    assert file.read_bytes() == (shell.folder / f"stick/coldshare/{name}.a").read_bytes()
    good(shell("verify", "--from", f"drive/{file.name}", *PW))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["a", "b"])
@pytest.mark.parametrize("how", [damage, Path.unlink], ids=["rot", "gone"])
def test_a_bad_copy_is_told_and_mended_when_asked(shell: Shell, kind: str, how: Callable[[Path], None]) -> None:
    name = backup(shell)[:8]
    path = shell.folder / "stick" / "coldshare" / f"{name}.{kind}"
    before = path.read_bytes()
    how(path)
    said = shell("verify", *PW, *AT)
    assert said.status == 7
    assert f"Not good: {path.name}" in said.out
    assert "--repair" in said.out
    assert not path.exists() or path.read_bytes() != before, "nothing is mended unasked"
    good(shell("restore", *PW, *AT, "--out", "x.vult"))
    mended = good(shell("verify", "--repair", *PW, *AT, "--json")).json
    assert [one["file"] for one in mended["mended"]] == [path.name]
    assert path.read_bytes() == before
    good(shell("verify", *PW, *AT))


def test_both_copies_bad(shell: Shell) -> None:
    name = backup(shell)[:8]
    for kind in "ab":
        damage(shell.folder / "stick" / "coldshare" / f"{name}.{kind}")
    for argv in (
        ("verify", *PW),
        ("verify", "--no-password"),
        ("verify", "--repair", *PW),
        ("restore", *PW, "--out", "x"),
    ):
        failed(shell(*argv, *AT), "folder_damaged", 7, as_json=False)
    assert not (shell.folder / "x").exists()


def test_a_lost_list_is_made_anew_from_the_files(shell: Shell) -> None:
    old, new = backup(shell, "older.vult"), backup(shell, "newer.vult", "--newer")
    for kind in "ab":
        (shell.folder / "stick" / "coldshare" / f"index.{kind}").write_bytes(b"rot")
    for argv in (("list",), ("backup", "older.vult", *PW, "--no-recovery"), ("remove", old[:8], "--yes")):
        assert "--repair" in failed(shell(*argv, *AT), "folder_index", 7, as_json=False)
    good(shell("verify", "--repair", *PW, *AT))
    # Nobody but a person knows which of the two is newer.
    assert states(shell) == {old: "unlisted", new: "unlisted"}
    good(shell("retire", old[:8], *AT))
    assert states(shell) == {old: "retired", new: "active"}


def test_a_lost_list_of_one_share(shell: Shell) -> None:
    old = backup(shell)
    for kind in "ab":
        (shell.folder / "stick" / "coldshare" / f"index.{kind}").unlink()
    good(shell("verify", "--repair", "--no-password", *AT))
    assert states(shell) == {old: "active"}
    failed(shell("backup", "laptop.vult", *PW, "--no-recovery", *AT), "folder_other_party", 5, as_json=False)


def test_a_person_is_asked(shell: Shell) -> None:
    old = backup(shell)
    damage(shell.folder / "stick" / "coldshare" / f"{old[:8]}.b")
    with Terminal("verify", "--no-password", *AT, cwd=shell.folder) as terminal:
        terminal.answer("Write what is damaged anew", "y")
        assert terminal.finish() == 0
    with Terminal("remove", old[:8], *AT, cwd=shell.folder) as terminal:
        terminal.answer("Destroy it?", "n")
        assert terminal.finish() == 130
    assert states(shell) == {old: "active"}
    with Terminal("remove", old[:8], *AT, cwd=shell.folder) as terminal:
        terminal.answer("Destroy it?", "y")
        assert terminal.finish() == 0
    assert states(shell) == {}


def test_a_file_is_not_exported_beside_another_partys_folder(shell: Shell) -> None:
    """The phone's share is in a folder on this disk, which another computer has made; the laptop's is on a token."""
    backup(shell)
    (shell.folder / ".home" / "exports.json").unlink()
    chip = Desk(shell.home).token()
    (shell.folder / "a.token").write_bytes(chip.image)
    shell.write("pin", PIN, secret="PIN")
    token = ("--at", "sim:a.token?user=approve", "--pin-file", "pin")
    good(shell("backup", "laptop.vult", *PW, "--no-recovery", *token))
    (shell.folder / "stick" / "sub").mkdir()
    for out in ("stick", "stick/sub", "stick/coldshare"):
        failed(shell("export", "--out", out, *token), "folder_other_party", 5, as_json=False)
    good(shell("remove", good(shell("list", *AT, "--json")).json["backups"][0]["backup_id"], "--yes", *AT))
    good(shell("export", "--out", "stick", *token))


def test_names_come_from_the_ledger_and_not_from_the_stick(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(shell)
    assert "Savings  Phone" in good(shell("list", *AT)).out
    monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / "another computer"))
    elsewhere = good(shell("list", *AT)).out
    assert "Phone" not in elsewhere
    assert "?" in elsewhere
    assert not (shell.folder / "another computer").exists(), "to look makes no ledger"
    good(shell("verify", *PW, *AT))
    assert "Savings  Phone" in good(shell("list", *AT)).out


def test_nobody_waits_for_the_folder_while_a_person_types(shell: Shell) -> None:
    backup(shell)
    for argv in (("verify",), ("restore", "--out", "x.vult")):
        with Terminal(*argv, *AT, cwd=shell.folder) as terminal:
            terminal.until("Password of the backup")
            handle = os.open(shell.folder / "stick" / "coldshare", os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises if somebody holds it
            os.close(handle)
            terminal.interrupt()
    assert not (shell.folder / "x.vult").exists()


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_stick_that_is_pulled_out(shell: Shell, monkeypatch: pytest.MonkeyPatch, comes_back: bool) -> None:
    """A recovery code that opens nothing is taken back. Where nobody can look, it is kept: it may open something."""
    old = backup(shell)
    before = snapshot(shell.folder / "stick")
    gone = False

    def pulled(*given: object) -> None:
        nonlocal gone
        gone = not comes_back
        raise OSError(errno.EIO, "pulled out")

    def scan(self: OsFiles) -> list[Found]:
        return pulled() or [] if gone else looked(self)

    looked = OsFiles.scan
    with monkeypatch.context() as patched:
        patched.setattr(OsFiles, "scan", scan)
        patched.setattr(OsFiles, "write", pulled)
        said = shell("backup", "phone.vult", *PW, "--recovery-out", "code", *AT)
    words = failed(said, "folder_gone", 6, as_json=False)
    assert (shell.folder / "code").exists() == (not comes_back)
    assert ("Keep code" in words) == (not comes_back)
    assert snapshot(shell.folder / "stick") == before
    assert list(states(shell)) == [old]


@pytest.mark.parametrize("number", range(1, 9))
def test_ctrl_c_in_the_middle(shell: Shell, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """At any write: what was there counts, or the new one does, and the next backup clears up."""
    old = backup(shell)
    write, count = OsFiles.write, 0

    def interrupted(self: OsFiles, handle: int, data: bytes) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise KeyboardInterrupt
        write(self, handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(OsFiles, "write", interrupted)
        said = shell("backup", "phone.vult", *PW, "--no-recovery", *AT)
    assert said.status == (130 if number <= 7 else 0)
    assert len(states(shell)) == 1
    assert (old in states(shell)) == (number <= 6)
    new = backup(shell)
    assert states(shell) == {new: "active"}
    assert len(list((shell.folder / "stick" / "coldshare").iterdir())) == 6
