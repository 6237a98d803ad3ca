"""Sealed shares of the parties of one vault, as they would come from tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coldshare import declare
from coldshare.export_index import ExportIndex
from coldshare.seal import Factors, pack, seal
from coldshare_iface import wire
from coldshare_iface.messages import Declaration

VAULT = b"\x02" + bytes(32)
OTHER_VAULT = b"\x03" + bytes(32)


@dataclass(frozen=True)
class Made:
    """One backup: what a token would give out, and what it was told."""

    backup_id: bytes
    sealed: bytes = field(repr=False)
    declared: bytes = field(repr=False)


def made(number: int, party: str, vault: bytes = VAULT) -> Made:
    declaration = Declaration(
        vault=vault,
        name="Savings",
        party=party,
        generation=bytes(wire.GENERATION_SIZE),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=bytes([number]) * wire.DECLARATION_NONCE,
    )
    declared = declaration.encode()
    sealed = seal(
        pack(b"share", [b"share"], declaration=declared, record={}),
        backup_id=bytes([number]) * 16,
        declaration_digest=declare.digest(declared),
        slots=[Factors(token=b"t" * 32)],
    )
    return Made(bytes([number]) * 16, sealed, declared)


@pytest.fixture(scope="session")
def phone() -> Made:
    return made(1, "iPhone-ab12")


@pytest.fixture(scope="session")
def phone_later() -> Made:
    return made(2, "iPhone-ab12")


@pytest.fixture(scope="session")
def mac() -> Made:
    return made(3, "Mac-cd34")


@pytest.fixture(scope="session")
def other_vault() -> Made:
    return made(4, "Mac-cd34", OTHER_VAULT)


@pytest.fixture
def index(tmp_path: Path) -> ExportIndex:
    return ExportIndex(tmp_path / "home" / "exports.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_now = tmp_path / "drive"
    made_now.mkdir()
    return made_now


Names = Callable[[Path], list[str]]


@pytest.fixture(scope="session")
def names() -> Names:
    return lambda folder: sorted(path.name for path in folder.iterdir())
