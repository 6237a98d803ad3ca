"""Where a folder lies: what is warned of, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coldshare.places import surroundings
from coldshare.places.surroundings import Surroundings, built_in, mount_root, warnings

CLOUD, NETWORK, MEMORY, SYSTEM, OTHERS = (
    "keeps the same elsewhere",
    "over the network",
    "in the memory",
    "not on one that can be put away",
    "have an account on this computer",
)


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    """A computer whose home and root are on another file system than anything in a test's folder."""
    (tmp_path / "mountinfo").write_text(mounts(tmp_path / "stick", "vfat"))
    return Surroundings(
        home=Path("/proc"), mountinfo=tmp_path / "mountinfo", disks=tmp_path / "nothing", root=Path("/proc")
    )


def mounts(path: Path, kind: str) -> str:
    escaped = str(path).replace(" ", "\\040")
    return (
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
        f"40 22 8:1 / {escaped} rw,nosuid shared:9 - {kind} /dev/sdb1 rw\n"
        "not a line of a mount\n"
    )


def said(place: Path, around: Surroundings, words: str) -> bool:
    return any(words in one for one in warnings(place, around))


def test_a_stick_is_nothing_to_warn_of(stick: Path, around: Surroundings) -> None:
    assert warnings(stick / "coldshare", around) == []


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("Dropbox", "Dropbox"),
        ("Dropbox (Personal)", "Dropbox"),
        ("OneDrive - Company", "OneDrive"),
        ("Google Drive", "Google Drive"),
        ("iCloudDrive", "iCloud Drive"),
        ("Mobile Documents", "iCloud Drive"),
        ("CloudStorage", "a cloud drive"),
        ("Nextcloud2", "Nextcloud"),
        ("Proton Drive", "Proton Drive"),
    ],
)
def test_folders_of_cloud_drives_by_their_names(stick: Path, around: Surroundings, name: str, whose: str) -> None:
    folder = stick / name / "backups"
    folder.mkdir(parents=True)
    (found,) = warnings(folder / "coldshare", around)
    assert CLOUD in found
    assert whose in found


@pytest.mark.parametrize("mark", [".stfolder", ".dropbox.cache", ".nextcloudsync.log", ".tmp.driveupload"])
def test_folders_of_cloud_drives_by_what_is_left_there(stick: Path, around: Surroundings, mark: str) -> None:
    folder = stick / "a" / "b"
    folder.mkdir(parents=True)
    (stick / mark).mkdir()
    assert said(folder / "coldshare", around, CLOUD)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nfs4", NETWORK),
        ("cifs", NETWORK),
        ("fuse.sshfs", NETWORK),
        ("fuse.rclone", NETWORK),
        ("fuse.gvfsd-fuse", NETWORK),
        ("tmpfs", MEMORY),
    ],
)
def test_kinds_of_file_systems(stick: Path, around: Surroundings, kind: str, words: str) -> None:
    around.mountinfo.write_text(mounts(stick, kind))
    assert said(stick / "coldshare", around, words)


@pytest.mark.parametrize("kind", ["vfat", "exfat", "ext4", "fuseblk", "fuse.veracrypt"])
def test_kinds_that_sticks_have(stick: Path, around: Surroundings, kind: str) -> None:
    around.mountinfo.write_text(mounts(stick, kind))
    assert not any(said(stick / "coldshare", around, words) for words in (NETWORK, MEMORY))


def test_a_mount_with_a_space_and_one_over_another(tmp_path: Path, around: Surroundings) -> None:
    folder = tmp_path / "my stick"
    folder.mkdir()
    around.mountinfo.write_text(mounts(folder, "vfat") + mounts(folder, "nfs"))
    assert said(folder / "coldshare", around, NETWORK)


def test_the_file_system_of_home(stick: Path, around: Surroundings) -> None:
    here = Surroundings(stick.parent, around.mountinfo, around.disks, Path("/proc"))
    assert said(stick / "coldshare", here, SYSTEM)
    around = Surroundings(Path("/proc"), around.mountinfo, around.disks, stick.parent)
    assert said(stick / "coldshare", around, SYSTEM)


def number(path: Path) -> str:
    device = path.stat().st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def test_another_partition_of_the_same_disk(stick: Path, around: Surroundings, tmp_path: Path) -> None:
    """And one below an encrypted one. /proc and the folder have numbers of their own; the tree of disks is made up."""
    disk = tmp_path / "devices" / "sda"
    for part in ("sda1", "sda2"):
        (disk / part).mkdir(parents=True)
        (disk / part / "partition").write_text("1\n")
    crypt = tmp_path / "devices" / "dm-0"
    (crypt / "slaves").mkdir(parents=True)
    (crypt / "slaves" / "sda2").symlink_to(disk / "sda2")
    around.disks.mkdir()
    (around.disks / number(stick)).symlink_to(disk / "sda1")
    assert not said(stick / "coldshare", around, SYSTEM)
    (around.disks / number(Path("/proc"))).symlink_to(crypt)
    assert said(stick / "coldshare", around, SYSTEM)
    (around.disks / number(Path("/proc"))).unlink()
    (tmp_path / "devices" / "sdb").mkdir()
    (around.disks / number(Path("/proc"))).symlink_to(tmp_path / "devices" / "sdb")
    assert not said(stick / "coldshare", around, SYSTEM)


def test_others_who_can_read(stick: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """On FAT everything is as open as the mount is; on the way there every folder must let others through."""
    place = stick / "coldshare"
    place.mkdir(mode=0o755)
    closed = [folder for folder in stick.parents if not folder.stat().st_mode & 0o001]
    assert said(place, around, OTHERS) == (not closed)
    for folder in closed:
        monkeypatch.setattr(surroundings.stat, "S_IXOTH", 0o7777)  # stands for a way that is open
        assert said(place, around, OTHERS), folder
    place.chmod(0o700)
    assert not said(place, around, OTHERS)


def test_where_nothing_can_be_told(stick: Path, tmp_path: Path) -> None:
    around = Surroundings(tmp_path / "no", tmp_path / "no", tmp_path / "no", tmp_path / "no")
    assert warnings(stick / "coldshare", around) == []


def test_the_top_of_a_file_system(stick: Path) -> None:
    assert mount_root(Path("/proc/self")) == Path("/proc")
    top = mount_root(stick)
    assert stick.is_relative_to(top)
    assert os.path.ismount(top)


def test_what_goes_with_the_computer(stick: Path, around: Surroundings) -> None:
    """What is warned of, and nothing else; of a folder on another computer this one knows nothing."""
    assert built_in(stick / "coldshare", around) is False
    assert built_in(stick, Surroundings(stick.parent, around.mountinfo, around.disks, Path("/proc"))) is True
    for kind, known in (("tmpfs", True), ("nfs4", None), ("fuse.sshfs", None), ("exfat", False)):
        around.mountinfo.write_text(mounts(stick, kind))
        assert built_in(stick, around) is known
