"""The board's modules are right by MicroPython's own type stubs."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
            *(f"--custom-typeshed-dir={stubs}", f"--cache-dir={tmp_path / 'cache'}"),
            *("-p", "coldshare_micropython", "-p", "coldshare_pico"),
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
