"""The fuzz targets for a moment in every test run: on their seeds, on seeds with damage, and on anything."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.device.pairings import PairingStore
from coldshare.export_index import ExportIndex
from fuzz import seeds, text_targets
from fuzz.mutate import change_cbor
from fuzz.script import Script
from fuzz.targets import CORPUS, TARGETS

every_target = pytest.mark.parametrize("name", TARGETS)


@cache
def _seeds(name: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in TARGETS[name].seeds)


@every_target
def test_every_seed(name: str) -> None:
    for data in _seeds(name):
        TARGETS[name].run(data)


@every_target
def test_any_bytes(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=target.examples)
    @given(st.binary(max_size=min(target.longest, 300)))
    def run(data: bytes) -> None:
        target.run(data)

    run()


@every_target
def test_damaged_seeds(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=target.examples)
    @given(st.sampled_from(_seeds(name)), st.binary(max_size=40), st.integers(0, 1 << 32))
    def run(data: bytes, splices: bytes, seed: int) -> None:
        changed = change_cbor(data, seed) if target.is_cbor else None
        target.run(Script(b"\4" + splices).edit(data) if changed is None else changed)

    run()


def test_the_stores_are_read_behind_their_first_check() -> None:
    """A store in memory is one like the others: an error at once would look like a target that is content."""
    held = {name: text_targets._File((CORPUS / name / "02").read_bytes()) for name in ("pairings", "exports")}
    assert len(PairingStore(held["pairings"]).all()) == 2  # type: ignore[arg-type]
    assert ExportIndex(held["exports"]).files(bytes(range(16))) == (Path("/a/b.sealed"),)  # type: ignore[arg-type]


# --- the corpus


@every_target
def test_the_seeds_are_what_the_script_writes(name: str) -> None:
    """So that they can be read, and follow the vectors when those change: `python -m fuzz.seeds`."""
    kept = {path.name: path.read_bytes() for path in TARGETS[name].seeds if not path.name.startswith("found-")}
    assert kept == seeds.seeds(name)


def test_the_corpus_stays_small() -> None:
    folders = {path.name: list(path.iterdir()) for path in CORPUS.iterdir()}
    assert folders.keys() == TARGETS.keys() == seeds.MAKERS.keys()
    assert max(map(len, folders.values())) <= 25
    sizes = [path.stat().st_size for files in folders.values() for path in files]
    assert sum(sizes) < 200_000
    for name, files in folders.items():
        assert max(path.stat().st_size for path in files) <= TARGETS[name].longest
