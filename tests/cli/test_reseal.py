"""`coldshare reseal`: another password, another code, another cost, as a person and as a script use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.cli.ui import Ui
from coldshare.recovery import RecoveryCode, parse_file
from support.desk import PASSWORD, Desk, vault
from support.shell import Said, Shell, failed
from support.terminal import Terminal

# Processes, terminals and real key derivation take their time; tests/host has the same without them.
pytestmark = pytest.mark.slow

YES = "sim:a.token?user=approve"
TOKEN = ("--at", YES, "--pin-file", "pin")
NEW = "quartz-lantern-marble-57-otter"
SHARE = vault()[0].vult


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def stored(shell: Shell) -> Shell:
    """A token with a backup; its recovery code is in `code`."""
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    good(shell("backup", "phone.vult", *TOKEN, "--password-file", "pw", "--recovery-out", "code"))
    shell.secrets.add("recovery code", parse_file((shell.folder / "code").read_text()).code.text)
    shell.write("new", NEW, secret="new password")
    shell.write("weak", "sunshine1", secret="weak password")
    return shell


def opens(shell: Shell, *key: str) -> bool:
    return shell("verify", *TOKEN, *key).status == 0


PASSWORD_FILE = ("--password-file", "pw")


def test_another_password(stored: Shell) -> None:
    said = good(stored("reseal", *TOKEN, *PASSWORD_FILE, "--new-password-file", "new", "--recovery-out", "code-2"))
    assert "Resealed: the share of Phone of 'Savings'" in said.out
    assert "still open with its old recovery code" in said.out
    assert not opens(stored, *PASSWORD_FILE)
    assert not opens(stored, "--recovery-file", "code")
    assert opens(stored, "--password-file", "new")
    assert opens(stored, "--recovery-file", "code-2")
    good(stored("restore", *TOKEN, "--password-file", "new", "--out", "back"))
    assert (stored.folder / "back").read_bytes() == SHARE


def test_as_json(stored: Shell) -> None:
    (before,) = good(stored("list", *TOKEN, "--json")).json["backups"]
    answer = good(stored("reseal", *TOKEN, *PASSWORD_FILE, "--no-recovery", "--kdf-memory", "512", "--json")).json
    assert answer["old_backup_id"] == before["backup_id"] != answer["backup_id"]
    assert (answer["password_changed"], answer["recovery"], answer["older_exports"]) == (False, False, [])
    assert answer["slots"] == [{"factors": ["password", "token"], "kdf": {"memory_mib": 512, "passes": 3, "lanes": 4}}]
    text = failed(stored("verify", *TOKEN, *PASSWORD_FILE), "kdf_cost", 3, as_json=False)
    assert "--allow-cost" in text
    assert opens(stored, *PASSWORD_FILE, "--allow-cost")
    (held,) = good(stored("list", *TOKEN, "--json")).json["backups"]
    assert held["backup_id"] == answer["backup_id"]


def test_a_forgotten_password(stored: Shell) -> None:
    text = failed(
        stored("reseal", *TOKEN, "--recovery-file", "code", "--no-recovery"), "secret_needed", 4, as_json=False
    )
    assert "--new-password-file" in text
    argv = ("reseal", *TOKEN, "--recovery-file", "code", "--new-password-file", "new", "--no-recovery", "--json")
    assert good(stored(*argv)).json["password_changed"] is True
    assert opens(stored, "--password-file", "new")


def test_older_exports_are_named_and_keep_opening(stored: Shell) -> None:
    (stored.folder / "cloud").mkdir()
    out = good(stored("export", *TOKEN, "--out", "cloud", "--json")).json["out"]
    answer = good(stored("reseal", *TOKEN, *PASSWORD_FILE, "--recovery-out", "code-2", "--json")).json
    assert answer["older_exports"] == [str(stored.folder / out)]
    good(stored("verify", "--from", out, "--recovery-file", "code"))
    failed(stored("verify", "--from", out, "--recovery-file", "code-2"), "factor_wrong", 4, as_json=False)
    failed(stored("verify", "--from", out, *PASSWORD_FILE, *TOKEN), "export_not_on_token", 3, as_json=False)
    # The new one may stand beside the old one: it is the same party.
    good(stored("export", *TOKEN, "--out", "cloud"))


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("more", "code", "status", "says"),
    [
        ((*PASSWORD_FILE,), "usage", 2, "--no-recovery"),
        ((*PASSWORD_FILE, "--no-recovery", "--recovery-out", "x"), "usage", 2, "exclude each other"),
        ((*PASSWORD_FILE, "--no-recovery", "--new-password", "--new-password-file", "new"), "usage", 2, "exclude"),
        ((*PASSWORD_FILE, "--recovery-file", "code", "--no-recovery"), "usage", 2, "exclude each other"),
        ((*PASSWORD_FILE, "--no-recovery", "--kdf-memory", "63"), "kdf_cost", 3, "64 MiB"),
        ((*PASSWORD_FILE, "--no-recovery", "--kdf-memory", "-1"), "kdf_cost", 3, "64 MiB"),
        ((*PASSWORD_FILE, "--no-recovery", "--kdf-memory", "4096"), "kdf_cost", 3, ""),
        ((*PASSWORD_FILE, "--no-recovery", "--kdf-memory", "much"), "usage", 2, "--kdf-memory"),
        ((*PASSWORD_FILE, "--no-recovery", "--new-password-file", "weak"), "password_weak", 4, ""),
        (("--password-file", "new", "--no-recovery"), "factor_wrong", 4, ""),
        ((*PASSWORD_FILE, "--recovery-out", "code"), "output_exists", 3, "--recovery-out"),
        ((*PASSWORD_FILE, "--recovery-out", "x", "--backup", "zz"), "no_backup", 3, "zz"),
        ((*PASSWORD_FILE, "--recovery-out", "x", "--at", "sim:a.token?user=reject"), "rejected", 5, ""),
    ],
)
def test_what_is_refused_changes_nothing(
    stored: Shell, more: tuple[str, ...], code: str, status: int, says: str, as_json: bool
) -> None:
    before = stored.snapshot()
    said = stored("reseal", *TOKEN, *more, *(["--json"] if as_json else []))
    assert says in failed(said, code, status, as_json=as_json)
    assert stored.snapshot() == before


def test_cut_short_after_the_press_and_finished_as_it_says(stored: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    on_step = Ui.on_step
    steps: list[str] = []

    def cancelled(ui: Ui, now: str, done: int, total: int) -> None:
        on_step(ui, now, done, total)
        if not steps or steps[-1] != now:
            steps.append(now)
        if steps[-3:] == ["writing", "confirming", "reading"]:
            ui.cancel.set()

    with monkeypatch.context() as patch:
        patch.setattr(Ui, "on_step", cancelled)
        said = stored("reseal", *TOKEN, *PASSWORD_FILE, "--new-password-file", "new", "--recovery-out", "code-2")
    text = failed(said, "cancelled", 130, as_json=False)
    assert "still counts" in text
    assert "Keep code-2" in text
    old, new = good(stored("list", *TOKEN, "--json")).json["backups"]
    assert (old["state"], new["state"]) == ("active", "unconfirmed")
    assert opens(stored, *PASSWORD_FILE, "--backup", old["backup_id"])
    argv = ("verify", *TOKEN, "--password-file", "new", "--backup", new["backup_id"], "--json")
    (seen,) = good(stored(*argv)).json["backups"]
    assert seen["confirmed_now"] is True
    assert opens(stored, "--recovery-file", "code-2")
    assert len(good(stored("list", *TOKEN, "--json")).json["backups"]) == 1


def test_at_a_terminal(stored: Shell, folder: Path) -> None:
    # What a process of its own opens, a process of its own has to seal: it pays what a password costs.
    good(stored.spawn("backup", "phone.vult", *TOKEN, *PASSWORD_FILE, "--no-recovery"))
    with Terminal("reseal", "--new-password", "--at", "sim:a.token", "--pin-file", "pin", cwd=folder) as terminal:
        terminal.answer("Password of the backup: ", PASSWORD)
        terminal.answer("New password for this backup: ", "sunshine")
        terminal.until("too easy to guess")
        terminal.answer("New password for this backup: ", NEW)
        terminal.answer("The same once more: ", NEW)
        terminal.until("RELEASE to verify?")
        terminal.press("y")
        terminal.until("Recovery code of backup ")
        rows = [
            line.strip()
            for line in terminal.until("Press Enter").splitlines()
            if line.startswith("    ") and "-" in line
        ]
        code = RecoveryCode.parse("-".join(rows))
        terminal.type("\n")
        terminal.answer("Type it from the paper (Enter shows it again): ", code.text)
        terminal.until("Replace this share?")
        terminal.press("y")
        assert terminal.finish() == 0
        assert "Resealed" in terminal.screen
        assert terminal.sane
        stored.check(terminal.raw)
    stored.write("code-2", code.text)
    assert opens(stored, "--recovery-file", "code-2")
    good(stored.spawn("verify", *TOKEN, "--password-file", "new"))


def test_a_cost_above_the_default_is_asked_about(stored: Shell, folder: Path) -> None:
    good(stored("reseal", *TOKEN, *PASSWORD_FILE, "--no-recovery", "--kdf-memory", "257"))
    argv = ("verify", *TOKEN, *PASSWORD_FILE)
    with Terminal(*argv, cwd=folder) as terminal:
        terminal.answer("Argon2id with 257 MiB, t=3, p=4. Go on? [y/N]: ", "n")
        assert terminal.finish() == 3
        assert "--allow-cost" in terminal.screen
