"""MicroPython's WASM build on Node: a second engine, with words of 32 bits, for all that needs no board."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from coldshare_sim.mpy import interpreter
from coldshare_sim.mpy.engine import Engine

PACKAGE = "@micropython/micropython-webassembly-pyscript"
VERSION = "1.27.0"
_HERE = Path(__file__).parents[1] / "micropython"


class NoWasmError(Exception):
    """Why there is none."""


def _home() -> Path:
    return interpreter.cache() / f"wasm-{VERSION}"


def find() -> Path:
    """The folder of the package. Raises NoWasmError."""
    if shutil.which("node") is None:
        raise NoWasmError("there is no node to run MicroPython's WASM build with")
    package = _home() / "node_modules" / PACKAGE
    with suppress(OSError, ValueError):
        if json.loads((package / "package.json").read_bytes())["version"] == VERSION:
            return package
    raise NoWasmError("MicroPython's WASM build is not here; get it with: python tests/micropython/prepare.py")


def prepare() -> Path:
    """The same, after getting the package where there is node. Raises NoWasmError, and CalledProcessError of npm."""
    with suppress(NoWasmError):
        return find()
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        raise NoWasmError("there is no node or no npm")
    interpreter.cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=interpreter.cache(), prefix="new-") as new:
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", new]
        subprocess.run([*command, f"{PACKAGE}@{VERSION}"], check=True, timeout=300)
        with suppress(OSError):  # somebody else was faster
            Path(new).rename(_home())
            Path(new).mkdir()  # for the clearing up
    return find()


def run(package: Path, engine: Engine, code: str, **folders: Path) -> str:
    """What `code` prints, beside the firmware, the tests' device/ and `folders` by their names."""
    places = {"lib": engine.modules, "device": _HERE / "device", **folders}
    done = subprocess.run(
        [
            "node",
            str(_HERE / "wasm" / "run.mjs"),
            str(package),
            "import sys\nsys.path += ['/lib', '/device']\n" + code,
            *(f"{folder}=/{name}" for name, folder in places.items()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:] + done.stderr
    return done.stdout
