"""A share goes into a folder and comes back, by the library: rules 1, 3, 5, 8 and 9."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.declare import DeclarationMismatchError
from coldshare.export_index import ExportIndex
from coldshare.handover import ToFile
from coldshare.places import shares
from coldshare.places.errors import (
    FolderMeanwhileError,
    FolderOtherGenerationError,
    FolderOtherPartyError,
    FolderRecordError,
    FolderRetiredGenerationError,
    NoFolderPlaceError,
    WeakAloneError,
)
from coldshare.places.folder import Kept, open_folder
from coldshare.places.format import State
from coldshare.recovery import parse_file
from coldshare.restore import NothingToRestoreError
from coldshare.seal import Factor, WeakPasswordError, WrongFactorError, parse
from coldshare.vault import read_share
from coldshare.vault.synthetic import SyntheticShare
from host.test_backup_restore import dkls_files, password_of
from support.desk import KDF, PASSWORD, vault
from support.reshare import generations

PHONE, LAPTOP, _ = vault()


@pytest.fixture
def index(tmp_path: Path) -> ExportIndex:
    return ExportIndex(tmp_path / "exports.json")


def put(stick: Path, share: SyntheticShare, index: ExportIndex, **more: object) -> shares.FolderBackup:
    return shares.backup(str(stick), share.vult, PASSWORD, index=index, kdf=KDF, **more)  # type: ignore[arg-type]


def kept(stick: Path) -> list[Kept]:
    with open_folder(str(stick), write=False) as folder:
        return list(folder.contents().backups)


def get(stick: Path, key: object = PASSWORD, prefix: str | None = None) -> bytes:
    with open_folder(str(stick), write=False) as folder:
        return shares.verify(folder, shares.choose(folder.contents().backups, prefix), key).original  # type: ignore[arg-type]


def test_what_goes_in_comes_out(stick: Path, index: ExportIndex, tmp_path: Path) -> None:
    done = put(stick, PHONE, index)
    assert get(stick) == PHONE.vult
    out = tmp_path / "again.vult"
    with open_folder(str(stick), write=False) as folder:
        shares.restore(folder, folder.contents().backups[0], PASSWORD, out)
    assert out.read_bytes() == PHONE.vult
    assert not out.stat().st_mode & 0o077
    names = {path.name for path in (stick / "coldshare").iterdir()}
    stem = done.backup_id.hex()[:8]
    assert names == {"readme.txt", "index.a", "index.b", f"{stem}.a", f"{stem}.b", f"{stem}.tag"}


def test_nothing_on_the_stick_names_anybody(stick: Path, index: ExportIndex) -> None:
    done = put(stick, PHONE, index)
    told = done.declaration
    everything = b"".join(path.read_bytes() for path in (stick / "coldshare").iterdir())
    for secret in (told.vault, told.vault[1:], told.name.encode(), told.party.encode(), told.generation):
        assert secret not in everything
        assert secret.hex().encode() not in everything


def test_the_password_alone_or_the_code_alone(stick: Path, index: ExportIndex, tmp_path: Path) -> None:
    put(stick, PHONE, index, recovery=ToFile(tmp_path / "code"))
    code = parse_file((tmp_path / "code").read_text())
    assert get(stick, code) == PHONE.vult
    slots = parse((stick / "coldshare" / f"{kept(stick)[0].backup_id.hex()[:8]}.b").read_bytes()).slots
    assert [slot.factors for slot in slots] == [Factor.PASSWORD, Factor.RECOVERY]
    with pytest.raises(WrongFactorError):
        get(stick, "another-orchid-velvet-92-kettle")


@pytest.mark.parametrize(
    ("password", "error"), [("hunter2", WeakPasswordError), ("correct horse batt", WeakAloneError)]
)
def test_a_password_that_stands_alone_is_a_strong_one(
    stick: Path, index: ExportIndex, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        shares.backup(str(stick), PHONE.vult, password, index=index, kdf=KDF)
    assert list(stick.iterdir()) == []


def test_the_same_share_again_takes_the_place_of_the_first(stick: Path, index: ExportIndex) -> None:
    first, second = put(stick, PHONE, index), put(stick, PHONE, index)
    assert [one.backup_id for one in second.replaced] == [first.backup_id]
    assert [one.backup_id for one in kept(stick)] == [second.backup_id]
    assert len(list((stick / "coldshare").iterdir())) == 6


def test_two_at_once_do_not_both_count(stick: Path, index: ExportIndex) -> None:
    """Each found no backup of the share when it began. The second one does not replace the first unasked."""
    facts = read_share(PHONE.vult).facts
    there = shares.check_backup(str(stick), facts, index)
    first: list[shares.FolderBackup] = []

    def meanwhile(step: str, done: int, total: int) -> None:
        if step == "sealing" and not first:
            first.append(put(stick, PHONE, index))

    with pytest.raises(FolderMeanwhileError):
        put(stick, PHONE, index, on_step=meanwhile)
    with pytest.raises(FolderMeanwhileError):
        put(stick, PHONE, index, replacing=there)
    assert [one.backup_id for one in kept(stick)] == [first[0].backup_id]
    again = put(stick, PHONE, index, replacing=shares.check_backup(str(stick), facts, index))
    assert [one.backup_id for one in kept(stick)] == [again.backup_id]


def test_one_folder_never_holds_two_parties(stick: Path, index: ExportIndex) -> None:
    put(stick, PHONE, index)
    before = snapshot(stick)
    with pytest.raises(FolderOtherPartyError):
        put(stick, LAPTOP, index)
    assert snapshot(stick) == before


def test_nor_does_one_file_system_by_what_this_computer_remembers(
    stick: Path, index: ExportIndex, tmp_path: Path
) -> None:
    done = put(stick, PHONE, index)
    far = tmp_path / "far" / "away" / "on" / "it"
    far.mkdir(parents=True)
    file = stick / "coldshare" / f"{done.backup_id.hex()[:8]}.a"
    index.remember(done.backup_id, done.declaration.vault, done.declaration.party, file)
    with pytest.raises(FolderOtherPartyError, match="same disk"):
        put(far, LAPTOP, index)
    file.unlink()
    put(far, LAPTOP, index)


@pytest.mark.parametrize("where", ["beside", "above", "below"])
def test_nor_by_what_lies_near(stick: Path, index: ExportIndex, tmp_path: Path, where: str) -> None:
    """Another computer made it: this one remembers nothing."""
    far = tmp_path / "b" if where == "beside" else stick / "sub"
    far.mkdir()
    first, second = (far, stick) if where == "below" else (stick, far)
    put(first, PHONE, ExportIndex(tmp_path / "other.json"))
    with pytest.raises(FolderOtherPartyError, match="same disk"):
        put(second, LAPTOP, index)
    assert list(second.iterdir()) == ([stick / "sub"] if second == stick else [])


def test_another_vault_may_stand_beside_it(stick: Path, index: ExportIndex) -> None:
    put(stick, PHONE, index)
    put(stick, vault("Other")[1], index)
    assert [one.state for one in kept(stick)] == [State.ACTIVE, State.ACTIVE]


def test_rule_5_all_the_way(stick: Path, index: ExportIndex) -> None:
    """Refused, named, side by side, retired, refused for ever, taken back."""
    older, newer = (generation[0] for generation in generations(2))
    old = put(stick, older, index)
    with pytest.raises(FolderOtherGenerationError):
        put(stick, newer, index)
    new = put(stick, newer, index, newer=True)
    assert new.older is not None
    assert new.older.backup_id == old.backup_id
    assert [one.state for one in kept(stick)] == [State.ACTIVE, State.NEXT]
    with pytest.raises(FolderOtherGenerationError, match="counts now"):
        put(stick, older, index)
    with open_folder(str(stick), write=True) as folder:
        contents = folder.contents()
        before = shares.choose(contents.backups, old.backup_id.hex())
        folder.retire(shares.newer_than(contents, before), shares.generation_of(before))
    assert [one.state for one in kept(stick)] == [State.RETIRED, State.ACTIVE]
    assert get(stick) == newer.vult
    assert get(stick, prefix=old.backup_id.hex()) == older.vult
    for again in (False, True):
        with pytest.raises(FolderRetiredGenerationError):
            put(stick, older, index, newer=again)
    with open_folder(str(stick), write=True) as folder:
        folder.remove(shares.retired(folder.contents(), None))
    with pytest.raises(FolderRetiredGenerationError):
        put(stick, older, index, newer=True)
    with open_folder(str(stick), write=True) as folder:
        (only,) = folder.contents().backups
        (generation,) = folder.contents().retired
        folder.un_retire(generation)
    again_old = put(stick, older, index, newer=True)
    assert again_old.older is not None
    assert again_old.older.backup_id == only.backup_id


def test_reseal(stick: Path, index: ExportIndex, tmp_path: Path) -> None:
    put(stick, PHONE, index)
    (old,) = kept(stick)
    done = shares.reseal(
        str(stick), old, PASSWORD, password="walnut-harbor-sixteen-lunar-moth", recovery=ToFile(tmp_path / "c"), kdf=KDF
    )
    (new,) = kept(stick)
    assert (new.backup_id, new.state) == (done.backup_id, State.ACTIVE)
    assert get(stick, "walnut-harbor-sixteen-lunar-moth") == PHONE.vult
    assert get(stick, parse_file((tmp_path / "c").read_text())) == PHONE.vult
    with pytest.raises(WrongFactorError):
        get(stick)
    with pytest.raises(WeakAloneError):
        shares.reseal(str(stick), new, "walnut-harbor-sixteen-lunar-moth", password="correct horse batt")


def test_a_folder_that_lies_about_a_share(stick: Path, index: ExportIndex) -> None:
    """Files of two backups are exchanged together with what is written of them: only the seal tells."""
    first, second = put(stick, PHONE, index), put(stick, vault("Other")[0], index)
    ids = [one.backup_id for one in (first, second)]
    with open_folder(str(stick), write=True) as folder:
        a, b = folder.contents().backups
        sealed = folder.read(b)
        lied = type(a.record)(
            a.record.backup_id, a.record.salt, a.record.vault, a.record.party, a.record.generation, *_like(sealed)
        )
        for name, data in zip(("a", "b", "tag"), (sealed, sealed, lied.encode()), strict=True):
            (stick / "coldshare" / f"{ids[0].hex()[:8]}.{name}").write_bytes(data)
        with pytest.raises((FolderRecordError, DeclarationMismatchError)):
            shares.verify(folder, Kept(lied, State.ACTIVE, (True, True)), PASSWORD)


def _like(sealed: bytes) -> tuple[int, bytes]:
    import hashlib

    return len(sealed), hashlib.sha256(sealed).digest()


def test_where_there_is_nothing(stick: Path) -> None:
    with pytest.raises(NoFolderPlaceError), open_folder(str(stick), write=False):
        pass
    assert list(stick.iterdir()) == []
    (stick / "coldshare").mkdir()
    with open_folder(str(stick), write=False) as folder, pytest.raises(NoFolderPlaceError):
        folder.contents()
    with pytest.raises(NothingToRestoreError):
        shares.choose([], None)


def test_a_code_that_opens_nothing_is_taken_back(stick: Path, index: ExportIndex, tmp_path: Path) -> None:
    put(stick, PHONE, index)
    (stick / "coldshare" / "index.a").write_bytes(b"rot")
    (stick / "coldshare" / "index.b").unlink()
    (stick / "coldshare" / "index.b").mkdir()
    with pytest.raises(Exception, match=r"index\.b"):
        put(stick, PHONE, index, recovery=ToFile(tmp_path / "code"))
    assert not (tmp_path / "code").exists()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", dkls_files() or [pytest.param("", marks=pytest.mark.skip("no fixtures"))])
def test_every_real_file_goes_into_a_folder_and_comes_back(
    fixtures_dir: Path, stick: Path, index: ExportIndex, name: str
) -> None:
    """Rule 9, also for a file with a password of its own, which nobody is asked for on the way back."""
    data = (fixtures_dir / name).read_bytes()
    done = shares.backup(
        str(stick), data, PASSWORD, index=index, vault_password=password_of(name, data), kdf=KDF, newer=False
    )
    assert get(stick) == data
    for kind in "ab":
        assert (stick / "coldshare" / f"{done.backup_id.hex()[:8]}.{kind}").stat().st_size == done.sealed_size
