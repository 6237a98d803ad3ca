"""Every vector of the contract that a token can be held to, inside MicroPython: at the heap it has there, and in
its WASM build, where integers are those of a board."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import coldshare_iface
from coldshare_sim import flash
from coldshare_sim.mpy.engine import Engine
from support import wasm

Run = Callable[[str], str]

FOLDER = Path(coldshare_iface.__path__[0]) / "vectors"
KINDS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())

every_kind = pytest.mark.parametrize("kind", KINDS)


def judge(kind: str, said: str) -> None:
    results = dict(reversed(line.split(" ", 1)) for line in said.splitlines())
    vectors = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob(f"{kind}/*.json")}
    # Replies are the host's to read.
    replies = {name for name, vector in vectors.items() if kind == "messages" and "-request" not in vector["rule"]}
    assert results == {name: "skipped" if name in replies else "ok" for name in vectors}


@every_kind
def test_vectors(kind: str, micropython: Run, tmp_path: Path) -> None:
    flash.create(tmp_path / "a.token")
    judge(kind, micropython(f"import vectors; vectors.run({kind!r}, {str(FOLDER)!r}, {str(tmp_path / 'a.token')!r})"))


@pytest.fixture(scope="session")
def package() -> Path:
    try:
        return wasm.find()
    except wasm.NoWasmError as error:
        pytest.skip(str(error))


@every_kind
def test_vectors_in_wasm(kind: str, package: Path, engine: Engine) -> None:
    code = f"import vectors; vectors.run({kind!r}, '/contract', None)"
    judge(kind, wasm.run(package, engine, code, contract=FOLDER))
