"""Debian's packages unpacked aside. Nothing here downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare_sim import debian


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        (
            "debian.sources",
            "Types: deb\n# URIs: http://old/debian\nURIs: http://near.example/debian\n",
            "http://near.example/debian",
        ),
        (
            "debian.sources",
            "Types: deb\nURIs: https://near.example/debian/\nSuites: x\n",
            "https://near.example/debian",
        ),
        ("a.list", "deb [signed-by=/k.gpg] http://near.example/debian bookworm main\n", "http://near.example/debian"),
        ("a.list", "# deb http://near.example/debian bookworm main\n", debian._MIRROR),
        ("a.list", "deb http://near.example/ubuntu noble main\n", debian._MIRROR),
        ("a.list.save", "deb http://near.example/debian bookworm main\n", debian._MIRROR),
    ],
)
def test_the_mirror_of_this_computer(
    name: str, text: str, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(debian, "_SOURCES", (tmp_path / "none.list", tmp_path / "sources"))
    assert debian._mirror() == mirror


def test_a_program_runs_with_what_came_with_it(tmp_path: Path) -> None:
    assert debian.command(tmp_path, "usr/bin/it") is None
    loader = tmp_path / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    beside = tmp_path / "usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so"
    for path in (loader, beside):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    command = debian.command(tmp_path, "usr/bin/it")
    assert command == (
        str(loader),
        "--library-path",
        f"{loader.parent}:{beside.parent}",
        str(tmp_path / "usr/bin/it"),
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo 'W: careful'; echo 'E: Unable to locate package' >&2; exit 100",
            "apt-get says: E: Unable to locate package",
        ),
        ("exit 100", "apt-get ends with 100"),
    ],
)
def test_why_it_failed(script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (programs / "apt-get").chmod(0o700)
    monkeypatch.setenv("PATH", str(programs))
    assert debian.missing_tool() == "dpkg"
    with pytest.raises(debian.DebianError) as failed:
        debian.unpack("trixie", ["micropython"], tmp_path / "work")
    assert str(failed.value) == why
