"""Every vector of the contract that a token can be held to, inside MicroPython, at the heap it has on a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import coldshare_iface
from coldshare_sim import flash

Run = Callable[[str], str]

FOLDER = Path(coldshare_iface.__path__[0]) / "vectors"
KINDS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@pytest.mark.parametrize("kind", KINDS)
def test_vectors(kind: str, micropython: Run, tmp_path: Path) -> None:
    flash.create(tmp_path / "a.token")
    said = micropython(f"import vectors; vectors.run({kind!r}, {str(FOLDER)!r}, {str(tmp_path / 'a.token')!r})")
    results = dict(reversed(line.split(" ", 1)) for line in said.splitlines())
    vectors = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob(f"{kind}/*.json")}
    # Replies are the host's to read.
    replies = {name for name, vector in vectors.items() if kind == "messages" and "-request" not in vector["rule"]}
    assert results == {name: "skipped" if name in replies else "ok" for name in vectors}
