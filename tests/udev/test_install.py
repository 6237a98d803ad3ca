"""Installing the rules: what is done, in which order, and what is said when it cannot be."""

from __future__ import annotations

import os
import shlex
import site
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import coldshare
from coldshare.udev import check, install
from coldshare.udev.rules import NAME, shipped
from support.shell import Shell, failed
from support.udevd import listening

from .conftest import Computer

RULES = shipped()


def test_copy_reload_trigger_settle(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    token = computer.device("1-1")
    stranger = computer.device("1-2", product="somebody's experiment")
    path = computer.folders[0] / NAME
    # The file is there before udev is told to read it.
    computer.udevadm(f'read -r first < "{path}" || exit 9; echo "  $first" >> "{computer.log}"')
    said = shell("udev", "install")
    assert said.status == 0, said
    first = RULES.decode().splitlines()[0]
    assert [line for line in computer.told if line != f"  {first}"] == [
        "control --reload-rules",
        f"trigger --action=change --subsystem-match=usb --subsystem-match=hidraw --parent-match={token}",
        "settle --timeout=10",
    ]
    assert computer.told.count(f"  {first}") == 3
    assert str(stranger) not in "".join(computer.told)
    assert path.read_bytes() == RULES
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]
    # It says what it does before it does it, and what is true afterwards.
    assert [line.split(":")[0] for line in said.err.splitlines()] == [
        f"Write the rules to {path}.",
        "Tell udev to read its rules again",
        "Apply them to the token 00112233aabbccdd",
        "Wait until that is done",
    ]
    assert f"The rules are installed: {path}" in said.out


def test_the_umask_does_not_hide_the_rules(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    before = os.umask(0o077)
    try:
        assert shell("udev", "install").status == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((computer.folders[0] / NAME).stat().st_mode) == 0o644


def test_without_a_token_nothing_is_triggered(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    said = shell("udev", "install", "--json").json
    assert computer.told == ["control --reload-rules"]
    assert said["done"] is said["written"] is True
    assert said["path"] == str(computer.folders[0] / NAME)


def test_what_is_there_already_is_not_written_again(computer: Computer, shell: Shell) -> None:
    """The rules of a distribution's package: udev may still not have heard of them."""
    computer.udevd()
    computer.udevadm()
    path = computer.folders[1] / NAME
    path.write_bytes(RULES)
    said = shell("udev", "install", "--json").json
    assert (said["written"], said["path"]) == (False, str(path))
    assert list(computer.folders[0].iterdir()) == []
    assert computer.told == ["control --reload-rules"]


def test_another_version_is_replaced(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    path = computer.folders[0] / NAME
    path.write_bytes(b"# of last year\n")
    assert f"Replace {path}, which is another version." in shell("udev", "install").err
    assert path.read_bytes() == RULES


def test_an_older_one_of_a_package_gets_one_in_front_of_it(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    older = computer.folders[1] / NAME
    older.write_bytes(b"# of last year\n")
    path = computer.folders[0] / NAME
    assert f"Write the rules to {path}, in front of {older}." in shell("udev", "install").err
    assert (path.read_bytes(), older.read_bytes()) == (RULES, b"# of last year\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_whoever_is_not_root(as_json: bool, computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.udevd()
    computer.udevadm()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = shell("udev", "install", *(["--json"] if as_json else []))
    text = failed(said, "needs_root", 5, as_json=as_json)
    assert f"sudo {shlex.quote(sys.executable)} -P -m coldshare udev install" in text
    assert computer.told == []
    assert list(computer.folders[0].iterdir()) == []


def test_the_command_for_root_is_one(computer: Computer, tmp_path: Path) -> None:
    """In a folder with something else of our name in it, as root would run it: from the same environment."""
    (tmp_path / "coldshare.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    command = shlex.split(install.as_root())
    assert command[0] == "sudo"
    done = subprocess.run([*command[1:-1], "print"], cwd=tmp_path, env={}, capture_output=True, check=True)
    assert done.stdout == RULES


def test_the_command_for_root_where_root_would_not_find_us(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Path(coldshare.__file__).resolve().parents[1]
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(ours))
    assert shlex.split(install.as_root())[:3] == ["sudo", "env", f"PYTHONPATH={ours}"]


def test_a_dry_run_does_nothing(computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it need root."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    computer.udevd()
    computer.udevadm()
    token = computer.device("1-1")
    said = shell("udev", "install", "--dry-run")
    assert said.status == 0
    assert f"Write the rules to {computer.folders[0] / NAME}" in said.out
    assert f"--parent-match={token}" in said.out
    answer = shell("udev", "install", "--dry-run", "--json").json
    assert [step["command"][1:2] for step in answer["steps"]] == [[], ["control"], ["trigger"], ["settle"]]
    assert (answer["done"], answer["written"]) == (False, False)
    assert computer.told == []
    assert list(computer.folders[0].iterdir()) == []


def test_a_dry_run_of_something_else(shell: Shell) -> None:
    failed(shell("udev", "check", "--dry-run"), "usage", 2, as_json=False)


def test_no_udev_at_all(computer: Computer, shell: Shell) -> None:
    failed(shell("udev", "install"), "no_udev", 6, as_json=False)
    assert list(computer.folders[0].iterdir()) == []


@pytest.mark.parametrize("how", ["null", "empty"])
def test_rules_that_somebody_turned_off(how: str, computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    path = computer.folders[0] / NAME
    if how == "null":
        path.symlink_to("/dev/null")
    else:
        path.touch()
    text = failed(shell("udev", "install"), "udev_masked", 5, as_json=False)
    assert str(path) in text
    assert check.check(RULES, computer.folders).state == check.MASKED
    assert computer.told == []


@pytest.mark.parametrize("left", [False, True])
def test_udevd_is_not_running(left: bool, computer: Computer, shell: Shell) -> None:
    computer.udevadm()
    if left:
        listening(computer.root / "control").close()
    text = failed(shell("udev", "install"), "udev_failed", 6, as_json=False)
    assert "udevd is not running" in text
    assert computer.told == []
    # They count when it starts.
    assert (computer.folders[0] / NAME).read_bytes() == RULES


@pytest.mark.parametrize("fails", ["control", "trigger", "settle"])
def test_a_step_that_fails_is_named(fails: str, computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.device("1-1")
    computer.udevadm(f'[ "$1" != {fails} ] || {{ echo "Failed to talk: no such thing" >&2; exit 1; }}')
    text = failed(shell("udev", "install"), "udev_failed", 6, as_json=False)
    assert f"udevadm {fails}" in text
    assert "Failed to talk: no such thing" in text
    assert computer.told[-1].split()[0] == fails


def test_a_udevadm_that_never_ends(computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "_TIMEOUT", 0.01)
    computer.udevd()
    computer.udevadm("while :; do :; done")
    assert "has not finished" in failed(shell("udev", "install"), "udev_failed", 6, as_json=False)


def test_a_udevadm_that_cannot_be_run(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    program = computer.root / "bin/udevadm"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    assert "cannot be run" in failed(shell("udev", "install"), "udev_failed", 6, as_json=False)


def test_a_folder_that_cannot_be_written(computer: Computer, shell: Shell) -> None:
    computer.udevd()
    computer.udevadm()
    computer.folders[0].rmdir()
    computer.folders[0].write_text("not a folder", encoding="utf-8")
    failed(shell("udev", "install"), "output_failed", 3, as_json=False)
    assert computer.told == []


def test_nothing_is_left_of_a_copy_that_fails(
    computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    computer.udevd()
    computer.udevadm()
    path = computer.folders[0] / NAME
    path.write_bytes(b"# of last year\n")
    monkeypatch.setattr(os, "fsync", full)
    failed(shell("udev", "install"), "output_failed", 3, as_json=False)
    assert path.read_bytes() == b"# of last year\n"
    assert list(path.parent.iterdir()) == [path]
