"""Where a folder lies, and what a person should hear about that: it is warned, never refused.

What can be told is read from the path, from the files that synchronising programs leave, and on Linux from the list of
mounts and the tree of disks. Elsewhere less can be told, and nothing is guessed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Surroundings", "built_in", "mount_root", "warnings"]

#: Beginnings of names of folders that a program keeps the same elsewhere, in lower case, and whose they are.
_CLOUD_NAMES: Final = {
    "dropbox": "Dropbox",
    "onedrive": "OneDrive",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "icloud drive": "iCloud Drive",
    "iclouddrive": "iCloud Drive",
    "com~apple~clouddocs": "iCloud Drive",
    "mobile documents": "iCloud Drive",
    "cloudstorage": "a cloud drive",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "syncthing": "Syncthing",
    "mega sync": "MEGA",
    "megasync": "MEGA",
    "pcloud": "pCloud",
    "proton drive": "Proton Drive",
    "seafile": "Seafile",
}
#: Files and folders that such programs leave at the top of what they synchronise.
_CLOUD_MARKS: Final = {
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".tmp.drivedownload": "Google Drive",
    ".tmp.driveupload": "Google Drive",
    ".stfolder": "Syncthing",
    ".stversions": "Syncthing",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
    ".sync_journal.db": "Nextcloud",
    ".849c9593-d756-4e56-8d6e-42412f2a707b": "OneDrive",
    ".seafile-data": "Seafile",
}
_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "9p", "davfs", "afpfs", "webdav")
)
_NETWORK_FUSE: Final = ("sshfs", "rclone", "gvfs", "davfs", "google-drive", "s3fs", "gcsfuse", "goofys", "glusterfs")
_MEMORY: Final = frozenset(("tmpfs", "ramfs"))
#: File systems without permissions of their own: all that is on them is readable as the mount says.
_NO_MODES: Final = frozenset(("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where to look; other values are for tests."""

    home: Path
    mountinfo: Path = Path("/proc/self/mountinfo")
    disks: Path = Path("/sys/dev/block")
    root: Path = Path("/")


def warnings(place: Path, around: Surroundings | None = None) -> list[str]:
    """What to tell a person about the place, a sentence each. It need not be there yet, the folder above it must."""
    around = around or Surroundings(Path.home())
    there = place if place.is_dir() else place.parent
    kind = _kind(there, around)
    found: list[str] = []
    cloud = _cloud(place)
    if cloud is not None:
        found.append(
            f"This folder looks like one that {cloud} keeps the same elsewhere. Then the sealed share is with that "
            "company, too, it is only as offline as the account, and two computers can spoil each other's list."
        )
    if _over_network(kind):
        found.append(
            "This folder is on another computer, reached over the network. Whoever runs that computer has the sealed "
            "share, and whether it is really on a disk when coldshare says so is up to it."
        )
    elif kind in _MEMORY:
        found.append("This folder is in the memory of this computer: it is gone when the computer is switched off.")
    elif _same_disk(there, around):
        found.append(
            "This folder is on a disk of this computer, not on one that can be put away. What takes the computer takes "
            "the backup, too, and a program that runs here can read it at any time."
        )
    if _readable_by_others(place, there, kind):
        found.append("Other people who have an account on this computer can read what is in this folder.")
    return found


def built_in(place: Path, around: Surroundings | None = None) -> bool | None:
    """Whether what takes this computer takes that place, too: it is on a disk that cannot be put away, or in memory.
    None where another computer has it."""
    around = around or Surroundings(Path.home())
    there = place if place.is_dir() else place.parent
    kind = _kind(there, around)
    if _over_network(kind):
        return None
    return kind in _MEMORY or _same_disk(there, around)


def mount_root(path: Path) -> Path:
    """The topmost folder above `path` on the same file system."""
    device = path.stat().st_dev
    while path != path.parent and path.parent.stat().st_dev == device:
        path = path.parent
    return path


def _over_network(kind: str) -> bool:
    return kind in _NETWORK or (kind.startswith("fuse.") and any(name in kind for name in _NETWORK_FUSE))


def _cloud(place: Path) -> str | None:
    for part in place.parts:
        for name, whose in _CLOUD_NAMES.items():
            if part.lower().startswith(name):
                return whose
    for folder in _up_to_the_mount(place.parent):
        for mark, whose in _CLOUD_MARKS.items():
            if os.path.lexists(folder / mark):
                return whose
    return None


def _up_to_the_mount(path: Path) -> Iterator[Path]:
    try:
        top = mount_root(path)
    except OSError:
        return
    yield path
    while path != top:
        path = path.parent
        yield path


def _kind(path: Path, around: Surroundings) -> str:
    """The type of file system as Linux names it, empty where it is not known."""
    try:
        text = around.mountinfo.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    best, kind = -1, ""
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        where = Path(_unescaped(fields[4]))
        # A later mount covers an earlier one at the same place.
        if path.is_relative_to(where) and len(where.parts) >= best:
            best, kind = len(where.parts), after.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _same_disk(path: Path, around: Surroundings) -> bool:
    mine = _disks_of(path, around)
    return any(mine & _disks_of(other, around) for other in (around.root, around.home))


def _disks_of(path: Path, around: Surroundings) -> frozenset[str]:
    """What the file system of `path` lies on: its device, and the disk of which that is a part."""
    try:
        device = path.stat().st_dev
    except OSError:
        return frozenset()
    if not hasattr(os, "major"):
        return frozenset((str(device),))
    number = f"{os.major(device)}:{os.minor(device)}"
    return frozenset((number, *_below(around.disks / number)))


def _below(device: Path, depth: int = 4) -> Iterator[str]:
    """The disk that a partition is a part of, and those below an encrypted or a joined one."""
    try:
        real = device.resolve(strict=True)
    except OSError:
        return
    disk = real.parent if (real / "partition").exists() else real
    yield disk.name
    if depth:
        try:
            slaves = sorted((real / "slaves").iterdir())
        except OSError:
            return
        for slave in slaves:
            yield from _below(slave, depth - 1)


def _readable_by_others(place: Path, there: Path, kind: str) -> bool:
    if os.name != "posix" or (there != place and kind not in _NO_MODES):
        return False  # coldshare makes its own folder for its owner alone
    try:
        if not there.stat().st_mode & stat.S_IROTH:
            return False
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in (there, *there.parents))
    except OSError:
        return False
