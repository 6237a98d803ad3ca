"""docs/places.md, as it is typed: every command runs, in order, and says what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldshare.places import resolve
from support.desk import PASSWORD, PIN, Desk, vault
from support.shell import Said, Shell

PAGE = (Path(__file__).parents[2] / "docs" / "places.md").read_text(encoding="utf-8")


def sessions() -> Iterator[tuple[str, list[str]]]:
    """Each command of the page, with the lines that stand below it."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        first, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert first == ""
        for one in rest:
            command, *lines = one.splitlines()
            yield command, lines


def fits(said: list[str], told: list[str]) -> bool:
    """Whether the lines are those of the page, where `...` stands for any number of lines, or for any words in one."""
    if not told:
        return not said
    if told[0] == "...":
        return any(fits(said[number:], told[1:]) for number in range(len(said) + 1))
    pattern = ".*".join(re.escape(part) for part in " ".join(told[0].split()).split("..."))
    return bool(said) and bool(re.fullmatch(pattern, " ".join(said[0].split()))) and fits(said[1:], told[1:])


def good(said: Said) -> Said:
    assert said.status == 0, said.out + said.err
    return said


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The world that the page describes, below the test's own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pw", PASSWORD, secret="password")
    shell.write("pin", PIN, secret="PIN")
    for share in vault():
        shell.write(f"{share.party.lower()}.vult", share.vult)
        shell.secrets.add_share(share.vult)
    desk = Desk(shell.home)
    for number, (name, label) in enumerate((("a.token", "Safe A"), ("b.token", "Safe B"))):
        (tmp_path / name).write_bytes(desk.token(number, label).image)
    (tmp_path / "media/you/STICK").mkdir(parents=True)
    (tmp_path / "home/you/drive").mkdir(parents=True)
    secret = ("--password-file", "pw")
    at = {"laptop": "sim:a.token?user=approve", "tablet": "sim:b.token?user=approve"}
    good(shell("backup", "phone.vult", *secret, "--no-recovery", "--at", f"folder:{tmp_path}/media/you/STICK"))
    for party, address in at.items():
        good(shell("backup", f"{party}.vult", *secret, "--no-recovery", "--pin-file", "pin", "--at", address))
    file = str(tmp_path / "home/you/drive/tablet.seal")
    good(shell("export", "--out", file, "--pin-file", "pin", "--at", at["tablet"]))
    return shell


def test_the_page(shell: Shell) -> None:
    """Paths are those of the test's folder; apart from that, line by line. Names of commands are no other ones."""
    root = str(shell.folder)
    count = 0
    for command, told in sessions():
        program, *argv = shlex.split(command)
        assert program == "coldshare"
        real = [re.sub(r"(?<![\w.])/(media|home)/", rf"{root}/\1/", word) for word in argv]
        said = good(shell(*real)).out.replace(root, "")
        assert fits(said.splitlines(), told), f"$ {command}\n{said}"
        count += 1
    assert count >= 8


def test_a_line_that_is_not_said_is_noticed() -> None:
    assert fits(["a", "b c", "d"], ["a", "b  ...", "d"])
    assert fits(["a", "b", "c"], ["...", "c"])
    assert not fits(["a", "b"], ["a"])
    assert not fits(["a"], ["a", "b"])
    assert not fits(["a", "x"], ["...", "c"])


def test_the_options_are_those_of_the_command() -> None:
    from coldshare.cli.commands.place import command

    (table,) = re.findall(r"\| option \| says \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    options = {name for one in command.commands["set"].params for name in one.opts if name.startswith("--")}
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == options - {"--json"}
    assert f"At most {resolve.TEXT_MAX} bytes" in PAGE


def test_links_lead_somewhere() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for name, anchor in re.findall(r"\]\(([\w.-]+\.md)(?:#([\w-]+))?\)", PAGE):
        heads = re.findall(r"^#+ (.*)$", (docs / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}
