"""Where MicroPython and the compiled firmware come from. Nothing here downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare_sim.mpy import interpreter, modules
from coldshare_sim.mpy.engine import Engine
from coldshare_sim.mpy.errors import MicroPythonMissingError, PreparationError


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer with an empty cache and no programs; the folder in which it looks for some."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setattr(interpreter, "cache", lambda: tmp_path / "cache")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv(interpreter.VARIABLE, raising=False)
    return programs


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def test_an_installed_one(nothing_here: Path) -> None:
    with pytest.raises(MicroPythonMissingError):
        interpreter.find()
    installed = program(nothing_here / "micropython", "echo micropython 1 25 0")
    assert interpreter.find() == interpreter.prepare() == (installed,)


@pytest.mark.parametrize(
    "script",
    [
        "echo micropython 1 22 2",
        "echo cpython 3 11 7",
        "exit 1",
        "echo micropython",
        "printf '\\377'",
        "echo 'no module named vfs'",
    ],
)
def test_one_that_will_not_do(script: str, nothing_here: Path) -> None:
    program(nothing_here / "micropython", script)
    with pytest.raises(MicroPythonMissingError):
        interpreter.find()


def test_the_one_that_is_named_counts(nothing_here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(nothing_here / "micropython", "echo micropython 1 25 0")
    named = program(nothing_here / "mine", "echo micropython 1 28 0")
    monkeypatch.setenv(interpreter.VARIABLE, named)
    assert interpreter.find() == (named,)
    monkeypatch.setenv(interpreter.VARIABLE, str(nothing_here / "none"))
    for look in (interpreter.find, interpreter.prepare):
        with pytest.raises(MicroPythonMissingError, match="COLDSHARE_MICROPYTHON names"):
            look()


def test_nothing_to_get_it_with(nothing_here: Path) -> None:
    with pytest.raises(PreparationError, match=r"no apt-get") as missing:
        interpreter.prepare()
    assert interpreter.VARIABLE in missing.value.next_step


def test_apt_fails(nothing_here: Path) -> None:
    program(nothing_here / "dpkg", "exit 0")
    program(nothing_here / "apt-get", "echo 'E: Could not resolve the mirror' >&2; exit 100")
    with pytest.raises(PreparationError, match=r"E: Could not resolve the mirror"):
        interpreter.prepare()
    assert list((nothing_here.parent / "cache").iterdir()) == []


# --- the firmware
def test_it_is_compiled_once(tmp_path: Path, engine: Engine) -> None:
    folder = modules.compiled(tmp_path)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.mpy")}
    assert names == {f"{name}.mpy" for name, _ in modules.sources()}
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mpy")}
    assert modules.compiled(tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.mpy")} == made
    assert list(tmp_path.iterdir()) == [folder]


def test_another_source_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    source = tmp_path / "one.py"
    monkeypatch.setattr(modules, "sources", lambda: iter([("one", source)]))
    source.write_text("A = 1\n", encoding="utf-8")
    first = modules.compiled(tmp_path / "cache")
    source.write_text("A = 2\n", encoding="utf-8")
    assert modules.compiled(tmp_path / "cache") != first
    source.write_text("A = = 2\n", encoding="utf-8")
    with pytest.raises(PreparationError, match=r"one\.py does not compile for MicroPython: SyntaxError"):
        modules.compiled(tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2
