"""What comes out: help without cost, names that do nothing to a terminal, streams that are not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coldshare import __version__
from coldshare.cli.app import COMMANDS
from coldshare.cli.render import Result, print_error, print_result, safe, size, table
from coldshare_iface.errors import ColdshareError
from support.desk import Desk, put_share, vault
from support.shell import COLDSHARE, Shell, failed

AT = "sim:a.token?user=approve"

# --- help and version

LOADED = """
import sys
from coldshare.cli.app import run
try:
    run(sys.argv[1:])
finally:
    print("LOADED", *sys.modules)
"""


def loaded(*argv: str) -> tuple[str, set[str]]:
    """What a command prints, and the top-level packages beyond Python's own that it has imported."""
    done = subprocess.run([sys.executable, "-c", LOADED, *argv], capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("LOADED")
    assert done.stderr == ""
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    ours = {name.partition(".")[0] for name in set(modules.split()) - set(bare.stdout.split())}
    return text, ours - set(sys.stdlib_module_names)


def test_the_version_imports_click_and_ours_and_nothing_else() -> None:
    text, packages = loaded("--version")
    assert text == f"coldshare {__version__}\n"
    assert packages == {"click", "coldshare", "coldshare_iface"}


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--help"],
        ["backup", "--help"],
        ["reshare", "--help"],
        pytest.param(["-h"], marks=pytest.mark.slow),
        *(pytest.param([name, "--help"], marks=pytest.mark.slow) for name in COMMANDS),
    ],
    ids=" ".join,
)
def test_help_is_cheap_and_touches_nothing(argv: list[str], folder: Path) -> None:
    text, packages = loaded(*argv)
    assert text.startswith("Usage: coldshare")
    assert packages == {"click", "coldshare", "coldshare_iface"}
    assert list(folder.iterdir()) == []


def test_the_list_of_commands_has_whole_sentences(shell: Shell) -> None:
    said = shell()
    assert (said.status, said.err) == (0, "")
    assert said.out == shell("-h").out
    commands = said.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in commands] == list(COMMANDS)
    assert all(line.endswith(".") and "..." not in line for line in commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_json(shell: Shell, name: str) -> None:
    assert "--json" in shell(name, "-h").out


def test_python_m_works_too() -> None:
    done = subprocess.run([sys.executable, "-m", "coldshare", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"coldshare {__version__}\n"


@pytest.mark.slow
def test_the_demo(shell: Shell) -> None:
    answer = shell.spawn("demo", "--json").json
    assert answer["identical"] is True
    assert (answer["ok"], answer["tokens"], answer["restored"]) == (True, 3, "Tablet")
    said = shell("demo")
    assert "identical, byte for byte" in said.out
    assert "Tablet is lost" in said.err
    assert "\x1b" not in said.err


# --- names that would rather not be read

EVIL = "a\x1b[2J\x07\x9b31m\u202eb\u2066\u2028c\nd\r\x00e\udc80"


def test_nothing_moves_the_cursor_or_turns_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(Result({}, [EVIL]), "list", as_json=False)
    print_error(ColdshareError(EVIL, next_step=EVIL), "list", as_json=False)
    out, err = capsys.readouterr()
    for line in (out.rstrip("\n"), *err.splitlines()):
        assert safe(line) == line
    assert len(out.splitlines()) == 1
    assert len(err.splitlines()) == 2


def test_in_json_such_a_name_is_the_same_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    names = {"name": EVIL, "plain": "Dorian\u2019s \N{GRINNING FACE}"}
    print_result(Result(names, []), "list", as_json=True)
    out, _ = capsys.readouterr()
    assert safe(out.replace("\n", "")) == out.replace("\n", "")
    assert json.loads(out) == {"ok": True, "command": "list", **names}
    assert names["plain"] in out


def test_a_label_from_a_token_that_lies(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from coldshare.device.token import TokenClient

    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    unlock = TokenClient.unlock
    monkeypatch.setattr(TokenClient, "unlock", lambda client, pin: unlock(client, pin) and EVIL[:20])
    said = shell("list", "--at", AT, "--pin-file", "pin")
    assert said.status == 0
    assert "\x1b" not in said.out
    assert shell("list", "--at", AT, "--pin-file", "pin", "--json").json["token"]["label"] == EVIL[:20]


def test_small_things() -> None:
    assert [size(count) for count in (0, 9_999, 10_000, 313_256)] == ["0 B", "9,999 B", "10 kB", "313 kB"]
    assert table(["A", "LONG"], [["xyz", "1"], ["", ""]]) == ["A    LONG", "xyz  1", ""]


# --- streams


@pytest.fixture
def ready(shell: Shell) -> Shell:
    chip = Desk(shell.home).token()
    party = "Dorian\u2019s Mac"
    put_share(Desk(shell.home).client(chip), vault("Gr\u00fc\u00dfe", (party, "b", "c"))[0].vult)
    (shell.folder / "a.token").write_bytes(chip.image)
    return shell


def test_a_terminal_that_cannot_write_a_name(ready: Shell) -> None:
    for encoding in ("ascii", "latin-1", "utf-8"):
        said = ready.spawn("list", "--at", AT, "--pin-file", "pin", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert said.status == 0
        assert "Mac" in said.out


def test_a_path_that_is_not_utf_8(ready: Shell, folder: Path) -> None:
    for more in ([], ["--json"]):
        done = subprocess.run([COLDSHARE, "inspect", b"\xff.vult", *more], capture_output=True, cwd=folder, check=False)
        assert done.returncode == 3
        assert b"vault_file_unreadable" in done.stdout + done.stderr


def run_shell(ready: Shell, command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(COLDSHARE).parent), os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=ready.folder,
        env=os.environ | {"PATH": path},
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("more", ["", "--json"])
def test_an_answer_that_finds_no_room(ready: Shell, more: str) -> None:
    done = run_shell(ready, f"coldshare list --at '{AT}' --pin-file pin {more} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("Error (stdout_failed): The answer could not be written: No space left")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("more", ["", "--json"])
def test_a_reader_that_went_away(ready: Shell, more: str) -> None:
    done = run_shell(ready, f"coldshare list --at '{AT}' --pin-file pin {more} | true; echo ${{PIPESTATUS[0]}}")
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")  # it may have been quicker


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(ready: Shell, closed: str) -> None:
    """Descriptors 0 to 2 are free then: the next file to be opened must not become standard output."""
    done = run_shell(ready, f"coldshare list --at '{AT}' --pin-file pin {closed}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert run_shell(ready, f"coldshare list --at '{AT}' --pin-file pin").returncode == 0, "the token is damaged"
    failing = run_shell(ready, f"coldshare list --at '{AT}' {closed}")
    assert failing.returncode == 4


def test_a_name_in_home_that_is_no_path(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde behind the colon is expanded by no shell, so coldshare does it."""
    monkeypatch.setenv("HOME", str(shell.folder))
    assert shell("init", "--at", "sim:~/a.token?user=approve", "--label", "Safe A", "--pin-file", "pin").status == 0
    assert (shell.folder / "a.token").exists()
    failed(shell("list", "--at", "sim:~nobody-here/a.token"), "no_such_token", 6, as_json=False)


# --- a second computer


def test_pairing_a_second_computer(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSHARE_HOME", str(ready.folder / ".other"))
    argv = ("list", "--at", AT, "--pin-file", "pin")
    assert "coldshare pair" in failed(ready(*argv), "not_paired", 5, as_json=False)
    said = ready("pair", "--at", AT)
    assert said.status == 0
    assert "know each other" in said.out
    assert ready(*argv).status == 0
    assert len(ready("pair", "--at", AT, "--json").json["serial"]) == 16
    monkeypatch.setenv("COLDSHARE_HOME", str(ready.home))
    assert ready(*argv).status == 0


def test_the_ninth_computer(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2, 9):
        monkeypatch.setenv("COLDSHARE_HOME", str(ready.folder / f".{number}"))
        assert ready("pair", "--at", AT).status == 0
    monkeypatch.setenv("COLDSHARE_HOME", str(ready.folder / ".9"))
    failed(ready("pair", "--at", AT), "pairings_full", 5, as_json=False)
