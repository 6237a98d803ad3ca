"""A sealed share as a file: written whole or not at all, read bounded, and never beside another party's."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from coldshare import declare, files
from coldshare import export as module
from coldshare.errors import ColdshareError, InputError, RefusedError
from coldshare.export import (
    ExportNameError,
    ExportUnreadableError,
    TooManyExportsError,
    export,
    exports_in,
    file_name,
    read_export,
    read_sealed,
)
from coldshare.export_index import ExportIndex, OtherPartyInFolderError
from coldshare.files import OutputError, OutputExistsError
from coldshare.restore import ReadBackError
from coldshare.seal import DamagedSealError, Factors, SealTooLargeError, profile, unpack
from coldshare_iface.messages import Declaration

from .conftest import Made, Names

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


def put(share: Made, out: Path, index: ExportIndex) -> Path:
    return export(share.sealed, out, declared=share.declared, index=index).path


# --- writing ------------------------------------------------------------------------------------------------


def test_a_folder_gets_a_file_whose_name_tells_nothing(folder: Path, index: ExportIndex, phone: Made) -> None:
    done = export(phone.sealed, folder, declared=phone.declared, index=index)
    assert done.path == folder / "coldshare-01010101.seal" == folder / file_name(phone.backup_id)
    assert done.path.read_bytes() == phone.sealed
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert (done.backup_id, done.size) == (phone.backup_id, len(phone.sealed))
    assert (done.unknown, done.elsewhere) == ((), ())


def test_a_name_of_ones_own(folder: Path, index: ExportIndex, phone: Made, names: Names) -> None:
    put(phone, folder / "Mine.SEAL", index)
    assert names(folder) == ["Mine.SEAL"]


@pytest.mark.parametrize("name", ["mine", "mine.seal.txt", "seal"])
def test_a_name_that_coldshare_would_not_find_again(
    folder: Path, index: ExportIndex, phone: Made, names: Names, name: str
) -> None:
    with pytest.raises(ExportNameError):
        put(phone, folder / name, index)
    assert names(folder) == []


@pytest.mark.parametrize("kind", ["file", "folder", "dangling"])
def test_nothing_is_overwritten(folder: Path, index: ExportIndex, phone: Made, kind: str) -> None:
    out = folder / file_name(phone.backup_id)
    if kind == "file":
        out.write_bytes(b"precious")
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to(folder / "nowhere")
    with pytest.raises(OutputExistsError):
        put(phone, folder, index)
    assert not (folder / "nowhere").exists()
    if kind == "file":
        assert out.read_bytes() == b"precious"


def test_the_same_backup_may_be_exported_again_elsewhere(
    folder: Path, tmp_path: Path, index: ExportIndex, phone: Made
) -> None:
    put(phone, folder, index)
    with pytest.raises(OutputExistsError):
        put(phone, folder, index)
    put(phone, folder / "again.seal", index)
    (tmp_path / "stick").mkdir()
    done = export(phone.sealed, tmp_path / "stick", declared=phone.declared, index=index)
    assert done.elsewhere == ()


def test_a_folder_that_is_not_there(tmp_path: Path, index: ExportIndex, phone: Made) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        put(phone, tmp_path / "none" / "a.seal", index)
    assert not index.path.exists()


def test_what_is_no_sealed_share_is_not_exported(folder: Path, index: ExportIndex, phone: Made, names: Names) -> None:
    for sealed in (b"", b"bytes", phone.sealed[:-1], phone.sealed + b"\0"):
        with pytest.raises(DamagedSealError):
            export(sealed, folder, declared=phone.declared, index=index)
    assert names(folder) == []


def test_a_declaration_of_another_share_is_not_believed(
    folder: Path, index: ExportIndex, phone: Made, mac: Made, names: Names
) -> None:
    """Rule 1 rests on it, so a token cannot make one up."""
    with pytest.raises(declare.DeclarationMismatchError):
        export(phone.sealed, folder, declared=mac.declared, index=index)
    assert names(folder) == []
    assert not index.path.exists()


@pytest.mark.parametrize("what", ["full", "changed", "gone"])
def test_a_failing_disk(
    folder: Path, index: ExportIndex, phone: Made, names: Names, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what == "full":
        sync = os.fsync

        def full(descriptor: int) -> None:
            if "drive" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
                raise OSError(errno.ENOSPC, "full")
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            put(phone, folder, index)
    else:

        def read(path: Path) -> bytes:
            if what == "gone":
                raise OSError(errno.EIO, "the disk")
            return b"other"

        monkeypatch.setattr(Path, "read_bytes", read)
        with pytest.raises(ReadBackError) as caught:
            put(phone, folder, index)
        assert "Export to another one" in caught.value.next_step
    monkeypatch.undo()
    assert names(folder) == []
    put(phone, folder, index)


# --- reading ------------------------------------------------------------------------------------------------


def test_an_export_is_read_and_opens(folder: Path, index: ExportIndex, phone: Made) -> None:
    path = put(phone, folder, index)
    envelope = read_export(path)
    assert envelope.backup_id == phone.backup_id
    content = unpack(envelope.open(Factors(token=b"t" * 32)))
    assert (content.original, content.declaration) == (b"share", phone.declared)
    assert read_sealed(path) == phone.sealed


def test_files_that_are_no_exports(folder: Path) -> None:
    (folder / "text.seal").write_text("hello")
    with pytest.raises(DamagedSealError):
        read_export(folder / "text.seal")
    for path in (folder / "none.seal", folder, Path("a\0b.seal")):
        with pytest.raises(ExportUnreadableError) as caught:
            read_export(path)
        assert isinstance(caught.value, InputError)


def test_a_huge_file_is_not_read(folder: Path) -> None:
    path = folder / "huge.seal"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SealTooLargeError, match=str(profile.SEALED_MAX)):
        read_export(path)
    assert exports_in(folder) == [(path, None)]


def test_what_is_found_in_a_folder(folder: Path, index: ExportIndex, phone: Made, mac: Made) -> None:
    (folder / "a.seal").write_bytes(phone.sealed)
    (folder / "b (1).Seal").write_bytes(mac.sealed)
    (folder / "c.seal").write_bytes(mac.sealed[:100])
    (folder / "d.seal").mkdir()
    (folder / "e.seal").symlink_to(folder / "nowhere")
    (folder / "f.seal").symlink_to(folder / "a.seal")
    os.mkfifo(folder / "g.seal")
    (folder / "h.txt").write_bytes(mac.sealed)
    (folder / "d.seal" / "inside.seal").write_bytes(mac.sealed)
    assert [(path.name, found) for path, found in exports_in(folder)] == [
        ("a.seal", phone.backup_id),
        ("b (1).Seal", mac.backup_id),
        ("c.seal", None),
        ("f.seal", phone.backup_id),
    ]


def test_a_folder_with_too_many_to_look_at(folder: Path, index: ExportIndex, phone: Made) -> None:
    for number in range(1001):
        (folder / f"{number}.seal").touch()
    with pytest.raises(TooManyExportsError) as caught:
        put(phone, folder, index)
    assert isinstance(caught.value, RefusedError)
    assert not (folder / file_name(phone.backup_id)).exists()


def test_a_folder_that_cannot_be_looked_at(
    folder: Path, index: ExportIndex, phone: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Any:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(OutputError, match="cannot be looked at: Permission denied"):
        put(phone, folder, index)


# --- rule 1 -------------------------------------------------------------------------------------------------


def test_two_parties_of_a_vault_do_not_go_into_one_folder(
    folder: Path, index: ExportIndex, phone: Made, mac: Made, names: Names
) -> None:
    put(phone, folder, index)
    with pytest.raises(
        OtherPartyInFolderError, match=r"coldshare-01010101\.seal, the sealed share of another"
    ) as caught:
        put(mac, folder, index)
    assert isinstance(caught.value, RefusedError)
    assert caught.value.exit_status == 5
    assert names(folder) == ["coldshare-01010101.seal"]


def test_by_whatever_name_or_way_the_folder_is_reached(
    folder: Path, tmp_path: Path, index: ExportIndex, phone: Made, mac: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(phone, folder, index)
    path.rename(folder / "holiday pictures.SEAL")
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    for out in (tmp_path / "link", Path(), Path("x.seal"), folder / ".." / "drive", tmp_path / "link" / "x.seal"):
        with pytest.raises(OtherPartyInFolderError):
            put(mac, out, index)


def test_a_copy_that_was_brought_there_by_other_means(
    folder: Path, tmp_path: Path, index: ExportIndex, phone: Made, mac: Made
) -> None:
    """The id in the file tells, not where coldshare once wrote it."""
    (tmp_path / "stick").mkdir()
    put(phone, tmp_path / "stick", index).rename(folder / "moved.seal")
    with pytest.raises(OtherPartyInFolderError, match=r"moved\.seal"):
        put(mac, folder, index)
    put(mac, tmp_path / "stick", index)


def test_what_shares_a_folder_without_harm(
    folder: Path, index: ExportIndex, phone: Made, phone_later: Made, other_vault: Made, names: Names
) -> None:
    for share in (phone, phone_later, other_vault):
        put(share, folder, index)
    assert len(names(folder)) == 3


def test_what_coldshare_cannot_know_is_said(
    folder: Path, tmp_path: Path, index: ExportIndex, phone: Made, mac: Made
) -> None:
    strange = ExportIndex(tmp_path / "another computer" / "exports.json")
    theirs = put(mac, folder, strange)
    (folder / "damaged.seal").write_bytes(b"damaged")
    done = export(phone.sealed, folder, declared=phone.declared, index=index)
    assert done.unknown == (theirs, folder / "damaged.seal")
    # Once it has been opened here its declaration is known, and then the rule holds.
    declaration = Declaration.decode(mac.declared)
    index.remember(mac.backup_id, declaration.vault, declaration.party)
    with pytest.raises(OtherPartyInFolderError):
        put(phone, folder / "again.seal", index)


def test_another_party_that_went_elsewhere_is_said(
    folder: Path, tmp_path: Path, index: ExportIndex, phone: Made, mac: Made
) -> None:
    (tmp_path / "link").symlink_to(folder)
    put(phone, tmp_path / "link" / "a.seal", index)
    (folder / "below").mkdir()
    done = export(mac.sealed, folder / "below", declared=mac.declared, index=index)
    assert done.elsewhere == (folder / "a.seal",)


def test_a_share_that_is_not_remembered_is_not_written(
    folder: Path, index: ExportIndex, phone: Made, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.path.parent.mkdir()
    index.path.write_text("damaged")
    with pytest.raises(ColdshareError):
        put(phone, folder, index)
    index.path.unlink()
    monkeypatch.setattr(ExportIndex, "remember", lambda *_: files.write_private(Path("/none/a"), b"", replace=True))
    with pytest.raises(OutputError):
        put(phone, folder, index)
    assert names(folder) == []


def test_two_commands_at_the_same_moment(
    folder: Path, index: ExportIndex, phone: Made, mac: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first has looked and not yet written, the second must not look."""
    writing, go_on = threading.Event(), threading.Event()
    write = files.write_private

    def slow(path: Path, data: bytes, *, replace: bool) -> None:
        writing.set()
        assert go_on.wait(30)
        write(path, data, replace=replace)

    monkeypatch.setattr(module, "write_private", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(put, phone, folder, index)
        assert writing.wait(30)
        second = pool.submit(put, mac, folder, ExportIndex(index.path))
        with pytest.raises(TimeoutError):
            second.result(0.2)
        go_on.set()
        assert first.result(30).exists()
        with pytest.raises(OtherPartyInFolderError):
            second.result(30)


def test_where_nothing_can_be_locked_it_works_all_the_same(
    folder: Path, index: ExportIndex, phone: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert put(phone, folder, index).exists()


def test_importing_it_loads_nothing_heavy() -> None:
    program = (
        "import sys, coldshare.export, coldshare.export_index, coldshare.recovery;"
        "print(sorted({'cryptography', 'zxcvbn', 'coincurve', 'platformdirs'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
