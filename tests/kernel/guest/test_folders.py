"""Folders on a real FAT: its names, its locks, no room, read-only, and the power going after every operation.

The stick is a file behind a loop device. What is in that file is what has reached the disk, so a copy of it is what a
power cut leaves at that moment.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coldshare.export_index import ExportIndex
from coldshare.places import shares
from coldshare.places.errors import FolderFullError, FolderReadOnlyError
from coldshare.places.files import OsFiles
from coldshare.places.folder import Folder, open_folder
from kernel.guest.fat import empty_fat
from places.test_power import NEW, OLD, OTHER, VAULT, Held, held, identity, sealed
from support.desk import KDF, PASSWORD, vault

pytestmark = pytest.mark.kernel


@contextmanager
def mounted(image: Path, where: Path, options: str = "loop") -> Iterator[Path]:
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "vfat", "-o", options, image, where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "stick.img"
    path.write_bytes(empty_fat())
    return path


def fill(path: Path) -> None:
    """As much as there is room for."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)

    def write() -> None:
        while True:
            os.write(handle, bytes(1 << 16))

    with pytest.raises(OSError, match="No space"):
        write()
    os.close(handle)


def look(image: Path, where: Path) -> Held:
    with mounted(image, where), open_folder(str(where), write=False) as folder:
        return held(folder)


def test_there_and_back(image: Path, tmp_path: Path) -> None:
    share = vault()[0]
    index = ExportIndex(tmp_path / "exports.json")
    with mounted(image, tmp_path / "a") as stick:
        done = shares.backup(str(stick), share.vult, PASSWORD, index=index, kdf=KDF)
    with mounted(image, tmp_path / "b", "loop,shortname=winnt") as stick, open_folder(str(stick), write=True) as folder:
        (kept,) = folder.contents().backups
        assert shares.verify(folder, kept, PASSWORD).original == share.vult
        assert folder.scrub() == []
        stem = done.backup_id.hex()[:8]
        names = {path.name.lower() for path in (stick / "coldshare").iterdir()}
        assert names == {"readme.txt", "index.a", "index.b", f"{stem}.a", f"{stem}.b", f"{stem}.tag"}


def test_a_stick_that_is_read_only(image: Path, tmp_path: Path) -> None:
    with mounted(image, tmp_path / "a") as stick, open_folder(str(stick), write=True, create=True) as folder:
        folder.store(identity(1), sealed(1), VAULT, "Phone", OLD)
    with mounted(image, tmp_path / "a", "loop,ro") as stick, open_folder(str(stick), write=True) as folder:
        (kept,) = folder.contents().backups
        assert folder.read(kept) == sealed(1)
        with pytest.raises(FolderReadOnlyError):
            folder.store(identity(2), sealed(2), OTHER, "Phone", OLD)
        with pytest.raises(FolderReadOnlyError):
            folder.remove([kept])


def test_a_full_stick_lets_go_of_a_backup(image: Path, tmp_path: Path) -> None:
    with mounted(image, tmp_path / "a") as stick, open_folder(str(stick), write=True, create=True) as folder:
        folder.store(identity(1), sealed(1), VAULT, "Phone", OLD)
        before = held(folder)
        fill(stick / "films")
        with pytest.raises(FolderFullError):
            folder.store(identity(2), sealed(2), OTHER, "Phone", OLD)
        assert held(folder) == before
        folder.remove(folder.contents().backups)
        assert folder.contents().backups == ()


def test_a_writer_waits_for_readers(image: Path, tmp_path: Path) -> None:
    with mounted(image, tmp_path / "a") as stick:
        with open_folder(str(stick), write=True, create=True) as folder:
            folder.store(identity(1), sealed(1), VAULT, "Phone", OLD)
        waits, done = threading.Event(), threading.Event()

        def write() -> None:
            with open_folder(str(stick), write=True, on_wait=waits.set):
                done.set()

        with open_folder(str(stick), write=False):
            thread = threading.Thread(target=write)
            thread.start()
            assert waits.wait(60)
            assert not done.is_set()
        thread.join()
        assert done.is_set()


class Watched(OsFiles):
    """Keeps what has reached the disk after every operation."""

    def __init__(self, path: Path, image: Path) -> None:
        super().__init__(path, exclusive=True)
        self._image = image
        self.states: list[bytes] = []

    def _keep(self) -> None:
        state = self._image.read_bytes()
        if not self.states or self.states[-1] != state:
            self.states.append(state)

    def create(self, name: str) -> int:
        handle = super().create(name)
        self._keep()
        return handle

    def write(self, handle: int, data: bytes) -> None:
        super().write(handle, data)
        self._keep()

    def truncate(self, handle: int, size: int) -> None:
        super().truncate(handle, size)
        self._keep()

    def sync(self, handle: int) -> None:
        super().sync(handle)
        self._keep()

    def remove(self, name: str) -> None:
        super().remove(name)
        self._keep()

    def sync_names(self) -> None:
        super().sync_names()
        self._keep()


def test_power_that_goes_after_every_operation(image: Path, tmp_path: Path) -> None:
    """Old or new after each, and new from when it was acknowledged."""
    with mounted(image, tmp_path / "a") as stick, open_folder(str(stick), write=True, create=True) as folder:
        folder.store(identity(1), sealed(1), VAULT, "Phone", OLD)
    copy = tmp_path / "copy.img"
    for number, generation in ((2, OLD), (3, NEW)):
        before = look(image, tmp_path / "a")
        with mounted(image, tmp_path / "a") as stick:
            files = Watched(stick / "coldshare", image)
            folder = Folder(files, "stick")
            folder.store(identity(number), sealed(number), VAULT, "Phone", generation, newer=True)
            acknowledged = image.read_bytes()
            after = held(folder)
            files.release()
        assert len(files.states) > 8, "what is waited for does reach the disk"
        found = []
        for state in [*files.states, acknowledged]:
            copy.write_bytes(state)
            found.append(look(copy, tmp_path / "b"))
        assert set(found) == {before, after}
        assert found == sorted(found, key=lambda one: one == after), "and never back"
        assert found[-1] == after
