"""What a shell offers for --at of a command that takes a folder."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from coldshare.cli.app import cli


@pytest.fixture(autouse=True)
def here(stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stick)
    for name in ("photos", "photos/2024", "pin", "a b", "$(x)"):
        Path(name).mkdir()
    Path("phone.vult").touch()


def offered(command: str, incomplete: str) -> list[str]:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    (at,) = [parameter for parameter in found.params if parameter.name == "at"]
    return [one.value for one in at.shell_complete(click.Context(found), incomplete)]


def test_folders_and_nothing_else() -> None:
    assert offered("backup", "fo") == ["folder:"]
    assert offered("backup", "folder:") == ["folder:photos/", "folder:pin/"]
    assert offered("verify", "folder:ph") == ["folder:photos/"]
    assert offered("verify", "folder:photos/") == ["folder:photos/2024/"]
    assert offered("verify", "folder:nowhere/") == []
    assert "folder:" in offered("list", "")


def test_not_where_a_folder_is_no_use() -> None:
    assert offered("wipe", "fo") == []
    assert "folder:" not in offered("pin", "")
