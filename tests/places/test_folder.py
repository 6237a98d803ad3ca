"""The storage against sticks and people: failures at every operation, strangers' files, two processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from coldshare.errors import ColdshareError
from coldshare.places.errors import (
    FolderDamagedError,
    FolderDeniedError,
    FolderForeignError,
    FolderFullError,
    FolderGoneError,
    FolderIndexError,
    FolderNotFoundError,
    FolderReadBackError,
    FolderReadOnlyError,
    NoFolderPlaceError,
    from_os,
)
from coldshare.places.files import ENTRIES_MAX, OsFiles
from coldshare.places.folder import Folder, open_folder, place_of
from coldshare.places.format import State
from coldshare.places.surroundings import warnings
from places.fat import FatDisk, Image
from places.test_power import NEW, OLD, OTHER, VAULT, folder, held, identity, sealed, store, told


def keep(where: Path, number: int = 1, vault: bytes = VAULT) -> None:
    with open_folder(str(where), write=True, create=True) as place:
        place.store(identity(number), sealed(number), vault, "Phone", OLD)


def names(where: Path) -> list[str]:
    return sorted(path.name for path in (where / "coldshare").iterdir())


# --- the disk fails


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EIO, FolderGoneError),
        (errno.ENODEV, FolderGoneError),
        (errno.EROFS, FolderReadOnlyError),
        (errno.ENOSPC, FolderFullError),
        (errno.EACCES, FolderDeniedError),
    ],
)
def test_a_failure_at_every_operation(number: int, kind: type[ColdshareError]) -> None:
    """The stick is pulled out, becomes read-only, is full: said by its name, and what was there is there."""
    before, image = told()[2][2], told()[2][1]
    steps = FatDisk(image)
    store(7, vault=OTHER)(folder(steps))
    after = held(folder(FatDisk(steps.image)))
    failures = 0
    for at in range(1, steps.done + 1):
        disk = FatDisk(image, fails=dict.fromkeys(range(at, at + 200), number))
        try:
            store(7, vault=OTHER)(folder(disk))
        except kind:
            failures += 1
        found = held(folder(FatDisk(disk.image)))
        assert found in (before, after)
        mended = FatDisk(disk.image)
        store(8, vault=b"\x09" * 33)(folder(mended))
        assert found[0] <= held(folder(mended))[0]
    assert failures >= steps.done - 1


def test_no_room(stick: Path) -> None:
    """Whatever room there is, the old backup stays, and can be removed to make room."""
    before, image = told()[2][2], told()[2][1]
    whole = FatDisk(image)
    store(7, vault=OTHER)(folder(whole))
    after = held(folder(FatDisk(whole.image)))
    used, needed = (sum(map(len, one.values())) for one in (image, whole.image))
    refused = 0
    for room in range(used, needed + 200, 40):
        disk = FatDisk(image)
        disk.room = room
        try:
            store(7, vault=OTHER)(folder(disk))
        except FolderFullError:
            refused += 1
        assert held(folder(FatDisk(disk.image))) in (before, after)
        place = folder(disk)
        place.remove([one for one in place.contents().backups if one.backup_id == identity(2)])
        assert identity(2).hex()[:8] not in {name for name, _, _ in held(place)[0]}
    assert refused > 3


def test_a_disk_that_lies_about_what_it_wrote() -> None:
    class Liar(FatDisk):
        def read(self, name: str, limit: int) -> bytes:
            data = super().read(name, limit)
            return data[:-1] + b"?" if name.endswith(".b") and name != "index.b" and len(data) > 40 else data

    disk = Liar(told()[2][1])
    with pytest.raises(FolderReadBackError):
        store(7, vault=OTHER)(folder(disk))
    assert held(folder(FatDisk(disk.image))) == told()[2][2]


def test_every_number_of_the_system_has_words() -> None:
    for number in errno.errorcode:
        error = from_os(OSError(number, "x"), "/media/stick")
        assert error.code != "error"
        assert "/media/stick" in error.message
        assert error.next_step


# --- what was copied there by hand


def image_of(*numbers: int) -> Image:
    disk = FatDisk()
    for number in numbers:
        store(number, vault=bytes([number]) * 33)(folder(disk))
    return disk.image


def test_files_of_another_stick_are_shown_and_never_removed() -> None:
    """Their share counts for rule 1, and gives way when the same share is backed up anew."""
    here, there = image_of(1), image_of(2)
    both = {**{name: data for name, data in there.items() if not name.startswith("index")}, **here}
    disk = FatDisk(both)
    place = folder(disk)
    assert {one.backup_id: one.state for one in place.contents().backups} == {
        identity(1): State.ACTIVE,
        identity(2): State.UNLISTED,
    }
    store(3, vault=b"\x03" * 33)(place)
    assert place.read(next(one for one in place.contents().backups if one.backup_id == identity(2))) == sealed(2)
    with pytest.raises(ColdshareError, match="another party"):
        place.check(bytes([2]) * 33, "Laptop", OLD)
    place.store(identity(4), sealed(4), bytes([2]) * 33, "Phone", OLD)
    assert {one.backup_id: one.state for one in place.contents().backups} == {
        identity(number): State.ACTIVE for number in (1, 3, 4)
    }


def test_an_unlisted_older_share_stands_beside_a_newer_one() -> None:
    here, there = FatDisk(), image_of(2)
    both = {**there, **here.image}
    both = {name: data for name, data in both.items() if not name.startswith("index")}
    place = folder(FatDisk(both))
    place.repair()
    place.store(identity(3), sealed(3), bytes([2]) * 33, "Phone", NEW, newer=True)
    assert {one.backup_id: one.state for one in place.contents().backups} == {
        identity(2): State.ACTIVE,
        identity(3): State.NEXT,
    }


def test_two_parties_that_somebody_brought_together_are_told() -> None:
    disk = FatDisk()
    place = folder(disk)
    store(1)(place)
    alone = disk.image
    other = FatDisk()
    folder(other).store(identity(2), sealed(2), VAULT, "Laptop", OLD)
    merged = {**other.image, **alone}
    assert folder(FatDisk(merged)).contents().crowded
    assert not place.contents().crowded
    lost = folder(FatDisk({name: data for name, data in merged.items() if not name.startswith("index")}))
    lost.repair()
    assert [one.state for one in lost.contents().backups] == [State.UNLISTED, State.UNLISTED]


def test_an_index_without_its_files() -> None:
    image = {name: data for name, data in image_of(1).items() if name.startswith("index")}
    place = folder(FatDisk(image))
    (kept,) = place.contents().backups
    assert kept.present == (False, False)
    with pytest.raises(FolderDamagedError):
        place.read(kept)
    assert [one.mends for one in place.scrub() if one.name.endswith((".a", ".b"))] == [False, False]
    place.repair()
    with pytest.raises(FolderDamagedError):
        place.read(kept)


@pytest.mark.parametrize("lost", ["index.a", "index.b", "A", "B", "TAG", "readme.txt"])
@pytest.mark.parametrize("how", ["gone", "empty", "rubbish", "cut short"])
def test_one_file_of_each_kind_is_mended(lost: str, how: str) -> None:
    image = image_of(1, 2)
    stem = identity(1).hex()[:8]
    name = {"A": f"{stem}.a", "B": f"{stem}.b", "TAG": f"{stem}.tag"}.get(lost, lost)
    before = image[name]
    if how == "gone":
        del image[name]
    else:
        image[name] = {"empty": b"", "rubbish": b"\xf6" * len(before), "cut short": before[:-1]}[how]
    place = folder(FatDisk(image))
    whole = held(place)
    assert len(whole[0]) == 2
    if name == "readme.txt" and how in ("rubbish", "cut short"):
        assert place.repair() == [], "whatever a person has written there stays"
        return
    assert [(one.name, one.mends) for one in place.scrub()] == [(name, True)]
    assert [one.name for one in place.repair()] == [name]
    assert place.scrub() == []
    assert held(place) == whole


# --- a real folder


def test_what_is_made_is_for_its_owner(stick: Path) -> None:
    keep(stick)
    assert (stick / "coldshare").stat().st_mode & 0o777 == 0o700
    assert {(stick / "coldshare" / name).stat().st_mode & 0o777 for name in names(stick)} == {0o600}


def test_the_folder_itself_can_be_named(stick: Path) -> None:
    keep(stick)
    assert place_of(str(stick / "coldshare")) == stick / "coldshare"
    with open_folder(str(stick / "coldshare"), write=False) as place:
        assert len(place.contents().backups) == 1
    for name in ("index.a", "index.b"):
        (stick / "coldshare" / name).unlink()
    assert place_of(str(stick / "coldshare")) == stick / "coldshare"
    assert place_of(str(stick / "..")) == stick.parent / "coldshare"
    with pytest.raises(FolderNotFoundError):
        place_of("a\0b")
    with pytest.raises(FolderNotFoundError):
        place_of("~nobody-of-that-name/x")


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "pipe"])
def test_something_in_the_place_of_the_folder(stick: Path, tmp_path: Path, kind: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    place = stick / "coldshare"
    if kind == "link":
        place.symlink_to(victim)
    elif kind == "dangling":
        place.symlink_to(victim / "nothing")
    elif kind == "file":
        place.write_bytes(b"mine")
    else:
        os.mkfifo(place)
    with pytest.raises(FolderForeignError):
        keep(stick)
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("name", ["index.a", "index.b", "A", "TAG"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_something_in_the_place_of_a_file(stick: Path, tmp_path: Path, name: str, kind: str) -> None:
    """Neither followed nor waited for nor written to."""
    keep(stick)
    victim = tmp_path / "victim"
    victim.write_bytes(b"somebody's")
    stem = identity(1).hex()[:8]
    path = stick / "coldshare" / {"A": f"{stem}.a", "TAG": f"{stem}.tag"}.get(name, name)
    path.unlink()
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    before = path.lstat()
    for action in (lambda: keep(stick, 2, OTHER), lambda: mend(stick)):
        if name == "A":
            action()
        else:
            with pytest.raises(FolderForeignError, match=path.name):
                action()
    assert victim.read_bytes() == b"somebody's"
    assert path.lstat().st_ino == before.st_ino
    if name == "A":
        with open_folder(str(stick), write=False) as place:
            assert place.read(place.contents().backups[0]) == sealed(1), "the other copy is good"


def mend(stick: Path) -> None:
    with open_folder(str(stick), write=True) as place:
        place.repair()


def test_huge_files_are_not_read(stick: Path) -> None:
    keep(stick)
    for name in ("index.a", f"{identity(1).hex()[:8]}.a", f"{identity(1).hex()[:8]}.tag", "deadbeef.tag", "deadbeef.a"):
        with (stick / "coldshare" / name).open("wb") as file:
            file.truncate(1 << 40)
    with open_folder(str(stick), write=False) as place:
        (kept,) = place.contents().backups
        assert place.read(kept) == sealed(1)
        assert not [one for one in place.scrub() if one.name == "deadbeef.a" and one.mends]


def test_thousands_of_files(stick: Path) -> None:
    keep(stick)
    for number in range(ENTRIES_MAX):
        (stick / "coldshare" / f"file{number}").touch()
    with open_folder(str(stick), write=False) as place, pytest.raises(FolderForeignError, match="more than"):
        place.contents()


def test_strangers_are_named_and_left_alone(stick: Path) -> None:
    keep(stick)
    for name in ("holiday.jpg", "INDEX.A2", ".DS_Store", "._index.a", "Thumbs.db", "1A2B3C4D.EXE"):
        (stick / "coldshare" / name).write_bytes(b"x")
    keep(stick, 2, OTHER)
    with open_folder(str(stick), write=False) as place:
        assert place.contents().strangers == ("1A2B3C4D.EXE", "INDEX.A2", "holiday.jpg")
    assert (stick / "coldshare" / "holiday.jpg").read_bytes() == b"x"


def test_names_in_capitals_are_the_same_names(stick: Path) -> None:
    """As a system without long names shows them."""
    keep(stick)
    for path in list((stick / "coldshare").iterdir()):
        path.rename(path.with_name(path.name.upper()))
    keep(stick, 2, OTHER)
    with open_folder(str(stick), write=True) as place:
        assert len(place.contents().backups) == 2
        assert place.scrub() == []
        place.remove(place.contents().backups)
    assert names(stick) == ["INDEX.A", "INDEX.B", "README.TXT"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is denied to root")
def test_a_folder_that_may_not_be_written(stick: Path) -> None:
    keep(stick)
    (stick / "coldshare").chmod(0o500)
    with pytest.raises(FolderDeniedError):
        keep(stick, 2, OTHER)
    (stick / "coldshare").chmod(0o700)


def test_nothing_where_only_a_half_made_folder_is(stick: Path) -> None:
    """Power went when the very first backup was begun."""
    (stick / "coldshare").mkdir()
    (stick / "coldshare" / "index.a").write_bytes(b"")
    (stick / "coldshare" / "readme.txt").write_bytes(b"")
    with open_folder(str(stick), write=False) as place, pytest.raises(NoFolderPlaceError):
        place.contents()
    keep(stick)
    with open_folder(str(stick), write=False) as place:
        assert place.scrub() == []


def test_no_list_and_sealed_shares(stick: Path) -> None:
    keep(stick)
    for name in ("index.a", "index.b"):
        (stick / "coldshare" / name).unlink()
    with open_folder(str(stick), write=False) as place, pytest.raises(FolderIndexError):
        place.contents()
    with pytest.raises(FolderIndexError):
        keep(stick, 2, OTHER)


@pytest.fixture
def on_disk() -> Generator[Path]:
    """Where temporary files are for everybody else: the tests' own are in memory if they can be."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts what comes from a disk")
def test_what_is_read_comes_from_the_disk(on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a read-back would prove no more than that memory works."""
    if any("in the memory" in words for words in warnings(on_disk)):
        pytest.skip("there is no folder here that is not in memory")
    files = OsFiles(on_disk)
    handle = files.create("x")
    files.write(handle, os.urandom(1 << 20))
    files.sync(handle)
    files.close(handle)

    def from_disk() -> int:
        text = Path("/proc/self/io").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("read_bytes")).split()[1])

    before = from_disk()
    files.read("x", 1 << 20)
    if from_disk() == before:
        pytest.skip("this file system does not let go of what it holds")
    assert from_disk() - before >= 1 << 20
    monkeypatch.setattr("coldshare.places.files._forget", lambda handle: None)
    before = from_disk()
    files.read("x", 1 << 20)
    assert from_disk() - before < 1 << 20, "the control: without that it comes from memory"
    files.release()


# --- more than one process


def test_readers_together_a_writer_alone(stick: Path) -> None:
    keep(stick)
    waited: list[str] = []
    done = threading.Event()

    def write() -> None:
        with open_folder(str(stick), write=True, on_wait=lambda: waited.append("writer")) as place:
            place.store(identity(2), sealed(2), OTHER, "Phone", OLD)
        done.set()

    with open_folder(str(stick), write=False) as one, open_folder(str(stick), write=False) as two:
        thread = threading.Thread(target=write)
        thread.start()
        while not waited:
            assert thread.is_alive()
        assert len(one.contents().backups) == len(two.contents().backups) == 1
        assert not done.is_set()
    thread.join()
    with open_folder(str(stick), write=False) as place:
        assert len(place.contents().backups) == 2


_WRITER = """
import sys
sys.path[:0] = sys.argv[3:]
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from coldshare.places.folder import open_folder
start = int(sys.argv[2])
print("ready", flush=True)
for number in range(start, start + 12):
    name = number.to_bytes(4, "big") + bytes(12)
    with open_folder(sys.argv[1], write=True, create=True) as place:
        place.store(name, b"sealed %d" % number, bytes([number]) * 33, "Phone", bytes(32))
    print(number, flush=True)
"""


def writer(stick: Path, start: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(stick), str(start), *sys.path], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_lose_nothing_of_each_other(stick: Path) -> None:
    processes = [writer(stick, start) for start in (1, 20)]
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out
    with open_folder(str(stick), write=False) as place:
        kept = place.contents().backups
        assert sorted(one.backup_id[3] for one in kept) == [*range(1, 13), *range(20, 32)]
        assert {one.state for one in kept} == {State.ACTIVE}
        assert place.scrub() == []


@pytest.mark.parametrize("after", [1, 4, 9])
def test_killed_and_gone_on(stick: Path, after: int) -> None:
    """The lock goes with the process, and what it had acknowledged is there."""
    process = writer(stick, 1)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(after + 1)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait(timeout=30)
    process.stdout.close()
    acknowledged = {int(line) for line in said[1:] if line.endswith("\n")}
    keep(stick, 99, b"\x77" * 33)
    with open_folder(str(stick), write=False) as place:
        kept = {one.backup_id[3] for one in place.contents().backups if one.backup_id != identity(99)}
        assert acknowledged <= kept
        assert len(kept - acknowledged) <= 1
        assert place.scrub() == []


def test_a_keypress_in_the_middle_leaves_nothing_half(stick: Path) -> None:
    keep(stick)
    before = names(stick)

    class Impatient(OsFiles):
        def sync_names(self) -> None:
            raise KeyboardInterrupt

    files = Impatient(stick / "coldshare", exclusive=True)
    with pytest.raises(KeyboardInterrupt):
        Folder(files, "stick").store(identity(2), sealed(2), OTHER, "Phone", OLD)
    files.release()
    keep(stick, 3, b"\x07" * 33)
    assert len(names(stick)) == len(before) + 3


def test_the_folder_that_was_opened_is_the_one_that_is_used(stick: Path, tmp_path: Path) -> None:
    """Somebody moves it away and puts another one there while a command runs."""
    keep(stick)
    with open_folder(str(stick), write=True) as place:
        (stick / "coldshare").rename(tmp_path / "moved")
        (stick / "coldshare").mkdir()
        place.store(identity(2), sealed(2), OTHER, "Phone", OLD)
    assert names(stick) == []
    assert len(list((tmp_path / "moved").glob("*.tag"))) == 2
