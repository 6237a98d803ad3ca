"""Recovery codes as a person meets them: made, written down, typed back, and used on a computer that is new."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from coldshare.cli.ui import Ui
from coldshare.recovery import RecoveryCode, parse_file
from support.desk import PASSWORD, PIN, Desk, vault
from support.shell import Said, Shell, failed, holds
from support.terminal import Terminal

# Processes, terminals and real key derivation take their time; tests/host has the same without them.
pytestmark = pytest.mark.slow

AT = "sim:a.token?user=approve"
TOKEN = ("--at", AT, "--pin-file", "pin")
BACKUP = ("backup", "phone.vult", *TOKEN, "--password-file", "pw")
SHARE = vault()[0].vult


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """A token that is set up and holds nothing."""
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    return shell


def learn_code(shell: Shell, name: str) -> RecoveryCode:
    """From now on nothing may say it, in any spelling."""
    code = parse_file((shell.folder / name).read_text()).code
    shell.secrets.add("recovery code", code.text)
    for row in code.rows:
        shell.secrets.add(f"row {row[:1]} of the recovery code", row)
    shell.secrets.add("recovery secret", code.secret)
    shell.secrets.add("recovery factor", code.factor())
    return code


@pytest.fixture
def stored(ready: Shell) -> Shell:
    """And a backup with a recovery code, which is in the file `code`."""
    good(ready(*BACKUP, "--recovery-out", "code"))
    learn_code(ready, "code")
    return ready


# --- making one


def test_into_a_file(ready: Shell) -> None:
    said = good(ready(*BACKUP, "--recovery-out", "code"))
    code = learn_code(ready, "code")
    ready.check(said.out + said.err)
    assert "recovery code in code" in said.out
    assert "Without a recovery code" not in said.out + said.err
    assert stat.S_IMODE((ready.folder / "code").stat().st_mode) == 0o600
    (held,) = good(ready("verify", *TOKEN, "--recovery-file", "code", "--json")).json["backups"]
    assert (held["opened"], held["recovery"]) == (True, True)
    assert held["slots"] == [
        {"factors": ["password", "token"], "kdf": {"memory_mib": 256, "passes": 3, "lanes": 4}},
        {"factors": ["recovery"], "kdf": None},
    ]
    assert f"# backup {held['backup_id'][:8]}" in (ready.folder / "code").read_text()
    said = good(ready("verify", *TOKEN, "--password-file", "pw"))
    assert "or with its recovery code alone" in said.out
    # As typed from paper by somebody with a will of their own.
    ready.write("typed", code.text.lower().replace("-", " ").replace("0", "o"))
    good(ready("verify", *TOKEN, "--recovery-file", "typed"))
    good(ready("verify", *TOKEN, "--recovery-file", "-", stdin=code.text.encode()))


def test_json_needs_a_word_about_it(ready: Shell) -> None:
    before = ready.snapshot()
    text = failed(ready(*BACKUP, "--json"), "usage", 2, as_json=True)
    assert "--recovery-out" in text
    assert "--no-recovery" in text
    assert ready.snapshot() == before
    answer = good(ready(*BACKUP, "--recovery-out", "code", "--json")).json
    assert (answer["recovery"], answer["recovery_file"], answer["warnings"]) == (True, "code", [])
    answer = good(ready(*BACKUP, "--no-recovery", "--json")).json
    assert (answer["recovery"], answer["recovery_file"]) == (False, None)
    assert "8 wrong PINs" in answer["warnings"][0]


def test_away_from_a_terminal_there_is_a_warning_that_names_both_options(ready: Shell) -> None:
    said = good(ready.spawn(*BACKUP))
    assert "8 wrong PINs" in said.err
    assert "--recovery-out" in said.err
    assert "--no-recovery" in said.err
    (held,) = good(ready("verify", *TOKEN, "--no-password", "--json")).json["backups"]
    assert (held["opened"], held["recovery"]) == (False, False)
    said = good(ready(*BACKUP, "--no-recovery"))
    assert "8 wrong PINs" in said.err
    assert "--recovery-out" not in said.err


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("more", "code", "status", "says"),
    [
        (("--recovery-out", "phone.vult"), "output_exists", 3, "--recovery-out"),
        (("--recovery-out", "missing/code"), "output_failed", 3, "--recovery-out"),
        (("--recovery-out", "code", "--no-recovery"), "usage", 2, "exclude each other"),
        (("--recovery-out", "code", "--at", "sim:a.token?user=reject"), "rejected", 5, "Nothing was changed"),
        (("--recovery-out", "code", "--password-file", "pin"), "password_weak", 4, ""),
    ],
)
def test_what_is_refused_leaves_no_file(
    ready: Shell, more: tuple[str, ...], code: str, status: int, says: str, as_json: bool
) -> None:
    before = ready.snapshot()
    said = ready(*BACKUP, *more, *(["--json"] if as_json else []))
    assert says in failed(said, code, status, as_json=as_json)
    assert ready.snapshot() == before


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("step", ["writing", "reading"])
def test_a_backup_that_is_cut_short(ready: Shell, monkeypatch: pytest.MonkeyPatch, step: str, as_json: bool) -> None:
    on_step = Ui.on_step

    def cancelled(ui: Ui, now: str, done: int, total: int) -> None:
        on_step(ui, now, done, total)
        if now == step:
            ui.cancel.set()

    monkeypatch.setattr(Ui, "on_step", cancelled)
    said = ready(*BACKUP, "--recovery-out", "code", *(["--json"] if as_json else []))
    text = failed(said, "cancelled", 130, as_json=as_json)
    assert (ready.folder / "code").exists() == (step == "reading")
    assert ("Keep code" in text) == (step == "reading")


CODE = re.compile("    ([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})$", re.MULTILINE)


def shown(terminal: Terminal) -> tuple[RecoveryCode, str]:
    """The code and the backup's short id, as they are on the terminal now."""
    terminal.until("Recovery code of backup ")
    text = terminal.until("Press Enter when it is on paper: ")
    rows = CODE.findall(text)
    assert len(rows) == 3
    return RecoveryCode.parse("-".join(rows)), text[:8]


def test_on_a_terminal_it_is_shown_and_typed_back(ready: Shell, folder: Path) -> None:
    arguments = ("--at", "sim:a.token", "--pin-file", "pin", "--password-file", "pw")
    with Terminal("backup", "phone.vult", *arguments, cwd=folder) as terminal:
        code, short = shown(terminal)
        terminal.type("\n")
        wrong = code.text[:-1] + ("0" if code.text[-1] != "0" else "1")
        terminal.answer("Type it from the paper (Enter shows it again): ", wrong)
        terminal.until("does not fit its checksum")
        terminal.until("group 9")
        terminal.answer("Type it from the paper (Enter shows it again): ", RecoveryCode.generate().text)
        terminal.until("not the one that was shown")
        terminal.answer("Type it from the paper (Enter shows it again): ", "")
        assert shown(terminal) == (code, short)
        terminal.type("\n")
        terminal.answer("Type it from the paper (Enter shows it again): ", code.text.lower())
        terminal.until("Sealing")
        terminal.press("y")
        assert terminal.finish() == 0
        assert f"is on 'Safe A' as {short}" in terminal.screen
        assert "recovery code on your paper" in terminal.screen
        # All of it was on the second screen, which leaves nothing to scroll back to.
        assert terminal.raw.count("\x1b[?1049h") == terminal.raw.count("\x1b[?1049l") == 1
        outside = terminal.raw.partition("\x1b[?1049h")[0] + terminal.raw.partition("\x1b[?1049l")[2]
        ready.secrets.add("recovery code", code.text)
        ready.secrets.add("row of the recovery code", code.rows[0])
        ready.check(outside)
        assert terminal.sane
    ready.write("code", code.text)
    back = good(ready("restore", *TOKEN, "--recovery-file", "code", "--out", "back"))
    assert "byte for byte" in back.out
    assert (folder / "back").read_bytes() == SHARE


@pytest.mark.parametrize("when", ["Press Enter", "Type it"])
def test_ctrl_c_before_the_code_is_confirmed(ready: Shell, folder: Path, when: str) -> None:
    before = holds(folder / "a.token")
    arguments = ("--at", "sim:a.token", "--pin-file", "pin", "--password-file", "pw")
    with Terminal("backup", "phone.vult", *arguments, cwd=folder) as terminal:
        shown(terminal)
        if when == "Type it":
            terminal.type("\n")
            terminal.until("Type it from the paper")
        assert terminal.interrupt() == 130
        assert "Error (interrupted)" in terminal.screen
        assert terminal.raw.endswith("\n")
        assert terminal.raw.count("\x1b[?1049h") == terminal.raw.count("\x1b[?1049l") == 1
        assert terminal.sane
    assert holds(folder / "a.token") == before


def test_a_no_after_the_code_was_written_down(ready: Shell, folder: Path) -> None:
    arguments = ("--at", "sim:a.token", "--pin-file", "pin", "--password-file", "pw")
    with Terminal("backup", "phone.vult", *arguments, cwd=folder) as terminal:
        code, _ = shown(terminal)
        terminal.type("\n")
        terminal.answer("Type it from the paper (Enter shows it again): ", code.text)
        terminal.press("n")
        assert terminal.finish() == 5
        assert "opens nothing now" in terminal.screen


def test_no_code_goes_to_a_log(ready: Shell, folder: Path) -> None:
    """A person types, but standard error goes elsewhere: that is no place to show a secret."""
    import sys

    arguments = f"--at '{AT}' --pin-file pin --password-file pw"
    path = str(Path(sys.executable).parent)
    script = f"PATH={path}:$PATH; coldshare backup phone.vult {arguments} 2> log"
    with Terminal(cwd=folder, program=["/bin/sh", "-c", script]) as terminal:
        assert terminal.finish() == 0
    log = (folder / "log").read_text()
    assert "8 wrong PINs" in log
    assert not CODE.search(log + terminal.screen)


# --- using one


def test_on_a_computer_that_the_token_has_never_seen(stored: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    said = good(
        stored.spawn("restore", *TOKEN, "--recovery-file", "code", "--out", "back", COLDSHARE_HOME=".other/home")
    )
    assert "new to the token" in said.err
    assert (stored.folder / "back").read_bytes() == SHARE
    assert stat.S_IMODE((stored.folder / "back").stat().st_mode) == 0o600
    # It is paired now.
    assert good(stored.spawn("list", *TOKEN, COLDSHARE_HOME=".other/home")).err == ""
    # The other commands do not pair by themselves, and a token that is set up by nobody is not paired for a restore.
    monkeypatch.setenv("COLDSHARE_HOME", str(stored.folder / ".third"))
    failed(stored("verify", *TOKEN, "--recovery-file", "code"), "not_paired", 5, as_json=False)
    failed(
        stored("restore", "--at", "sim:a.token", "--pin-file", "pin", "--recovery-file", "code", "--out", "x"),
        "person_needed",
        5,
        as_json=False,
    )


def test_with_a_person_at_the_new_computer(stored: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSHARE_HOME", str(folder / ".other"))
    code = parse_file((folder / "code").read_text()).code
    with Terminal("restore", "--at", "sim:a.token", "--recovery", "--out", "back", cwd=folder) as terminal:
        terminal.until("new to the token")
        terminal.answer("Are the two the same, every character? [y/N]: ", "y")
        terminal.press("y")
        terminal.answer("PIN of the token: ", PIN)
        terminal.answer("Recovery code: ", code.text[:-1])
        terminal.until("There are not 4 characters in group 9")
        terminal.answer("Recovery code: ", code.text)
        terminal.until("RELEASE to restore?")
        terminal.press("y")
        assert terminal.finish() == 0
        stored.check(terminal.raw)
        assert terminal.sane
    assert (folder / "back").read_bytes() == SHARE


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", ["restore", "verify"])
def test_codes_that_do_not_open(stored: Shell, command: str, as_json: bool) -> None:
    code = parse_file((stored.folder / "code").read_text()).code
    other = RecoveryCode.generate()
    stored.write("other", other.text, secret="other code")
    stored.write("noted", other.file_text(bytes(16)))
    stored.write("slip", code.text[:-1] + ("0" if code.text[-1] != "0" else "1"))
    stored.write("short", code.text[:-5])
    stored.write("empty", "# nothing")
    before = stored.snapshot()
    more = ["--out", "back"] if command == "restore" else []
    more += ["--json"] if as_json else []
    for file, name, status, says in (
        ("other", "factor_wrong", 4, "compare the id beside the code"),
        ("noted", "factor_wrong", 4, "00000000"),
        ("slip", "recovery_code_mistyped", 4, "group 9"),
        ("short", "recovery_code_form", 4, "8 groups"),
        ("empty", "recovery_code_form", 4, "empty"),
        ("missing", "secret_file", 3, "missing"),
    ):
        said = stored(command, *TOKEN, "--recovery-file", file, *more)
        assert says in failed(said, name, status, as_json=as_json)
    assert stored.snapshot() == before


def test_options_that_do_not_go_together(stored: Shell) -> None:
    for more in (
        ("--recovery-file", "code", "--password-file", "pw"),
        ("--recovery", "--recovery-file", "code"),
        ("--no-password", "--recovery-file", "code"),
        ("--no-password", "--recovery"),
    ):
        failed(stored("verify", *TOKEN, *more), "usage", 2, as_json=False)
    text = failed(stored("verify", *TOKEN, "--recovery"), "secret_needed", 4, as_json=False)
    assert "--recovery-file" in text


def test_one_that_is_replaced_takes_its_code_along(stored: Shell) -> None:
    said = good(stored(*BACKUP, "--no-recovery"))
    assert "a recovery code of that one does not open this one" in said.out
    # Before it is made, and not once more behind it.
    assert (said.err.count("Without a recovery code"), said.out.count("Without a recovery code")) == (1, 0)
    failed(stored("verify", *TOKEN, "--recovery-file", "code"), "factor_missing", 4, as_json=False)


def test_a_backup_without_one(ready: Shell) -> None:
    good(ready(*BACKUP, "--no-recovery"))
    ready.write("other", RecoveryCode.generate().text)
    text = failed(ready("verify", *TOKEN, "--recovery-file", "other"), "factor_missing", 4, as_json=False)
    assert "without a recovery code" in text


def test_the_code_is_no_pin(stored: Shell) -> None:
    stored.write("bad", "918273", secret="wrong PIN")
    argv = ("restore", "--at", AT, "--pin-file", "bad", "--recovery-file", "code", "--out", "back")
    text = failed(stored(*argv), "pin_wrong", 4, as_json=False)
    assert "coldshare restore --from" in text
    assert "--from" not in failed(stored("list", "--at", AT, "--pin-file", "bad"), "pin_wrong", 4, as_json=False)


def test_the_password_still_needs_its_token(stored: Shell) -> None:
    assert PASSWORD not in good(stored("restore", *TOKEN, "--password-file", "pw", "--out", "back")).out
    assert (stored.folder / "back").read_bytes() == SHARE
