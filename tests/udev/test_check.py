"""Whether what is installed counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.udev import check
from coldshare.udev.rules import NAME, shipped
from support.shell import Shell

from .conftest import Computer

RULES = shipped()


def look(computer: Computer) -> check.Installed:
    return check.check(RULES, computer.folders)


def test_nothing_is_installed(computer: Computer) -> None:
    (computer.folders[1] / "70-uaccess.rules").write_text("# another one\n", encoding="utf-8")
    assert look(computer) == check.Installed(check.MISSING)


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    assert check.check(RULES, (tmp_path / "none",)) == check.Installed(check.MISSING)


@pytest.mark.parametrize("which", [0, 1])
def test_the_present_ones(which: int, computer: Computer) -> None:
    path = computer.folders[which] / NAME
    path.write_bytes(RULES)
    assert look(computer) == check.Installed(check.CURRENT, path)


def test_a_file_stands_in_front_of_another(computer: Computer) -> None:
    etc, lib = (folder / NAME for folder in computer.folders)
    etc.write_bytes(b"# of last year\n")
    lib.write_bytes(RULES)
    assert look(computer) == check.Installed(check.DIFFERENT, etc, (), (lib,))


@pytest.mark.parametrize("how", ["null", "empty"])
def test_turned_off(how: str, computer: Computer) -> None:
    etc, lib = (folder / NAME for folder in computer.folders)
    lib.write_bytes(RULES)
    if how == "null":
        etc.symlink_to("/dev/null")
    else:
        etc.touch()
    assert look(computer) == check.Installed(check.MASKED, etc, (), (lib,))


@pytest.mark.parametrize("how", ["folder", "loop"])
def test_something_that_cannot_be_read(how: str, computer: Computer) -> None:
    etc = computer.folders[0] / NAME
    if how == "folder":
        etc.mkdir()
    else:
        etc.symlink_to(etc)
    assert look(computer).state == check.UNREADABLE


@pytest.mark.parametrize("name", ["99-coldshare.rules", "74-coldshare.rules", "10-coldshare.rules"])
def test_a_name_that_is_read_too_early_or_too_late(name: str, computer: Computer) -> None:
    path = computer.folders[0] / name
    path.write_bytes(RULES)
    assert look(computer) == check.Installed(check.MISSING, None, (path,))


def test_one_folder_under_two_names_is_one(computer: Computer) -> None:
    lib = computer.root / "lib"
    lib.symlink_to(computer.folders[1], target_is_directory=True)
    path = computer.folders[1] / NAME
    path.write_bytes(RULES)
    assert check.check(RULES, (*computer.folders, lib)) == check.Installed(check.CURRENT, path)


def test_the_command(computer: Computer, shell: Shell) -> None:
    said = shell("udev", "check")
    assert said.status == 6
    assert said.out == "The rules are not installed. Next: coldshare udev install\n"
    path = computer.folders[0] / NAME
    path.write_bytes(RULES)
    said = shell("udev", "check")
    assert (said.status, said.out) == (0, f"The rules are installed: {path}\n")
    (computer.folders[1] / NAME).write_bytes(RULES)
    (computer.folders[1] / "99-coldshare.rules").write_bytes(RULES)
    said = shell("udev", "check", "--json")
    assert said.status == 0
    assert said.json == {
        "ok": True,
        "command": "udev",
        "needed": True,
        "state": "current",
        "path": str(path),
        "misplaced": [str(computer.folders[1] / "99-coldshare.rules")],
        "shadowed": [str(computer.folders[1] / NAME)],
    }
    assert "99-coldshare.rules is read at the wrong time" in shell("udev", "check").out


def test_print_is_the_file(shell: Shell) -> None:
    assert shell("udev", "print").out.encode() == RULES
    said = shell("udev", "print", "--json").json
    assert said["rules"].encode() == RULES
    assert said["name"] == NAME


@pytest.mark.parametrize("action", ["check", "install"])
def test_elsewhere_nothing_is_needed(
    action: str, computer: Computer, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    said = shell("udev", action)
    assert said.status == 0
    assert "nothing" in said.out or "no permission" in said.out
    assert shell("udev", action, "--json").json["needed"] is False
    assert not any(folder.iterdir() for folder in computer.folders if any(folder.iterdir()))
