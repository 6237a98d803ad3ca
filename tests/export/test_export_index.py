"""This computer's own list of what it exported: private, whole, and without a name in it."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldshare import export_index
from coldshare.declare import DeclarationMismatchError
from coldshare.errors import ColdshareError
from coldshare.export_index import ExportIndex, ExportIndexError, OtherPartyInFolderError, export_index_path
from coldshare.files import OutputError

from .conftest import OTHER_VAULT, VAULT, Names

A, B, C = bytes([1]) * 16, bytes([2]) * 16, bytes([3]) * 16
SPOT = Path("/drive/a.seal")


def test_it_lives_in_the_home_of_coldshare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path))
    assert export_index_path() == tmp_path / "exports.json"


def test_what_is_remembered_decides(index: ExportIndex) -> None:
    index.remember(A, VAULT, "phone", SPOT)
    again = ExportIndex(index.path)
    with pytest.raises(OtherPartyInFolderError):
        again.check(B, VAULT, "mac", [(SPOT, A)])
    assert again.check(B, VAULT, "phone", [(SPOT, A)]).unknown == ()
    assert again.check(B, OTHER_VAULT, "mac", [(SPOT, A)]).unknown == ()
    assert again.check(A, VAULT, "phone", [(SPOT, A)]).unknown == ()
    neighbours = again.check(B, VAULT, "mac", [(Path("/x/b.seal"), C), (Path("/x/c.seal"), None)])
    assert neighbours.unknown == (Path("/x/b.seal"), Path("/x/c.seal"))
    assert neighbours.elsewhere == (SPOT,)
    assert again.check(B, OTHER_VAULT, "mac", []).elsewhere == ()


def test_checking_writes_nothing(index: ExportIndex) -> None:
    index.check(A, VAULT, "phone", [(SPOT, B)])
    assert not index.path.exists()


def test_a_backup_is_one_share_and_stays_it(index: ExportIndex) -> None:
    index.remember(A, VAULT, "phone")
    before = index.path.read_bytes()
    for vault, party in ((VAULT, "mac"), (OTHER_VAULT, "phone")):
        with pytest.raises(DeclarationMismatchError, match="another share"):
            index.remember(A, vault, party)
        with pytest.raises(DeclarationMismatchError):
            index.check(A, vault, party, [])
    index.remember(A, VAULT, "phone")
    assert index.path.read_bytes() == before


def test_the_latest_files_are_kept(index: ExportIndex) -> None:
    spots = [Path(f"/drive/{number}.seal") for number in range(20)]
    for spot in (*spots, spots[10]):
        index.remember(A, VAULT, "phone", spot)
    elsewhere = index.check(B, VAULT, "mac", []).elsewhere
    assert elsewhere == (*spots[4:10], *spots[11:], spots[10])


def test_it_names_no_vault_and_no_party_and_two_have_nothing_in_common(tmp_path: Path, index: ExportIndex) -> None:
    other = ExportIndex(tmp_path / "other" / "exports.json")
    for one in (index, other):
        one.remember(A, VAULT, "iPhone-ab12")
        text = one.path.read_text()
        assert VAULT.hex() not in text
        assert "iPhone" not in text
    first, second = (json.loads(one.path.read_text()) for one in (index, other))
    assert first["key"] != second["key"]
    assert first["backups"][0]["vault"] != second["backups"][0]["vault"]
    assert first["backups"][0]["party"] != second["backups"][0]["party"]


def test_the_party_is_told_apart_within_its_vault_only(index: ExportIndex) -> None:
    """The same device name in two vaults leaves two tags."""
    index.remember(A, VAULT, "phone")
    index.remember(B, OTHER_VAULT, "phone")
    first, second = json.loads(index.path.read_text())["backups"]
    assert first["party"] != second["party"]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_it_is_private_and_written_whole(index: ExportIndex, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        with index.locked():
            index.remember(A, VAULT, "phone", SPOT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(index.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(index.path.with_suffix(".lock").stat().st_mode) == 0o600
    content = index.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError):
        index.remember(B, VAULT, "phone")
    assert index.path.read_bytes() == content
    assert names(index.path.parent) == ["exports.json", "exports.lock"]


def test_names_that_are_not_text(index: ExportIndex) -> None:
    """A folder whose name is not UTF-8, as POSIX allows."""
    spot = Path(os.fsdecode(b"/drive/\xff\xfe/a.seal"))
    index.remember(A, VAULT, "phone", spot)
    assert index.check(B, VAULT, "mac", []).elsewhere == (spot,)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    index = ExportIndex(tmp_path / "file" / "exports.json")
    with pytest.raises(ColdshareError):
        index.remember(A, VAULT, "phone")
    with pytest.raises(OutputError, match="cannot be made"), index.locked():
        pass


ENTRY: dict[str, Any] = {"backup": "00" * 16, "vault": "00" * 32, "party": "00" * 32, "files": ["/a"]}
GOOD: dict[str, Any] = {"format": 1, "key": "00" * 32, "backups": [ENTRY]}


def test_a_good_file_for_comparison(index: ExportIndex) -> None:
    index.path.parent.mkdir()
    index.path.write_text(json.dumps(GOOD))
    index.check(A, VAULT, "phone", [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "null",
        "[" * 100000,
        json.dumps({**GOOD, "format": 2}),
        json.dumps({**GOOD, "key": "00" * 31}),
        json.dumps({**GOOD, "key": None}),
        json.dumps({**GOOD, "backups": None}),
        json.dumps({**GOOD, "backups": [None]}),
        json.dumps({**GOOD, "backups": [ENTRY, ENTRY]}),
        json.dumps({"format": 1, "key": "00" * 32}),
        *(
            json.dumps({**GOOD, "backups": [{**ENTRY, name: value}]})
            for name, value in (
                ("backup", "00" * 15),
                ("backup", "zz" * 16),
                ("vault", "00" * 31),
                ("party", ""),
                ("party", 5),
                ("files", "/a"),
                ("files", [5]),
                ("files", None),
            )
        ),
        json.dumps(GOOD) + " " * (4 << 20),
    ],
)
def test_a_damaged_file_refuses_and_stays(index: ExportIndex, text: str) -> None:
    """Without the list rule 1 could not be kept, so nothing goes on as if it were empty."""
    index.path.parent.mkdir()
    index.path.write_text(text)
    with pytest.raises(ExportIndexError):
        index.check(A, VAULT, "phone", [])
    with pytest.raises(ExportIndexError):
        index.remember(A, VAULT, "phone")
    assert index.path.read_text() == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_an_index_or_an_error_of_ours(index: ExportIndex, data: bytes) -> None:
    index.path.parent.mkdir(exist_ok=True)
    index.path.write_bytes(data)
    with pytest.raises(ExportIndexError):
        index.check(A, VAULT, "phone", [])


def test_a_full_index_is_said_before_it_is_unreadable(index: ExportIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.remember(A, VAULT, "phone", SPOT)
    monkeypatch.setattr(export_index, "_SIZE_MAX", index.path.stat().st_size)
    with pytest.raises(ExportIndexError, match="is full"):
        index.remember(B, VAULT, "phone", SPOT)
    assert index.check(B, VAULT, "mac", []).elsewhere == (SPOT,)


def test_a_folder_in_its_place(index: ExportIndex) -> None:
    index.path.mkdir(parents=True)
    with pytest.raises(ExportIndexError, match="cannot be read: Is a directory"):
        index.check(A, VAULT, "phone", [])
