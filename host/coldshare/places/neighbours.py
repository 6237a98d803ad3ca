"""Rule 1 beyond one folder: never two parties of one vault on one file system, as far as that can be told.

Told it can be by what this computer remembers (`export_index`), and by the folders of coldshare that lie near by on the
same file system, whoever made them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coldshare.errors import ColdshareError
from coldshare.places.errors import FolderOtherPartyError
from coldshare.places.files import OsFiles
from coldshare.places.folder import FOLDER_NAME, Folder
from coldshare.places.surroundings import mount_root

if TYPE_CHECKING:
    from coldshare.export_index import ExportIndex

__all__ = ["check_above", "check_file_system"]

#: Folders in and beside the one that was named, and at the top of its file system, that are looked into.
_BESIDE_MAX: Final = 256


def check_file_system(place: Path, backup_id: bytes, vault: bytes, party: str, index: ExportIndex) -> None:
    """Raise FolderOtherPartyError when a share of another party of that vault lies on the file system of `place`.

    The place need not be there yet, the folder above it must. Raises also what `ExportIndex.check` raises.
    """
    device = place.parent.stat().st_dev
    for path in index.check(backup_id, vault, party, []).elsewhere:
        with suppress(OSError):
            if path.stat().st_dev == device and path.is_file():
                raise FolderOtherPartyError(
                    f"A share of another party of this vault is on the same disk: {path}.", next_step=_APART
                )
    for other in _near(place):
        with suppress(ColdshareError, OSError):
            crowded = _holds_another(other, vault, party)
            if crowded:
                break
    else:
        return
    raise FolderOtherPartyError(
        f"A share of another party of this vault is on the same disk: in {other}.", next_step=_APART
    )


def check_above(folder: Path, vault: bytes, party: str) -> None:
    """Raise FolderOtherPartyError when a folder of coldshare that lies in `folder`, or in one above it on the same file
    system, holds a share of another party of that vault: a file that is put there would lie beside it."""
    with suppress(OSError):
        top = mount_root(folder)
        above = [folder, *(one for one in folder.parents if one.is_relative_to(top))]
        for place in [folder, *(one / FOLDER_NAME for one in above)]:
            with suppress(ColdshareError, OSError):
                crowded = place.is_dir() and _holds_another(place, vault, party)
                if crowded:
                    break
        else:
            return
        raise FolderOtherPartyError(
            f"A share of another party of this vault is on the same disk: in {place}.", next_step=_APART
        )


_APART = (
    "Use another stick for this share: two shares of one vault in one place can be lost or stolen together. If that "
    "copy is not needed there any more, remove it first."
)


def _holds_another(place: Path, vault: bytes, party: str) -> bool:
    files = OsFiles(place, lock=False)  # to wait for two folders at once could be for ever
    try:
        backups = Folder(files, str(place)).contents().backups
    finally:
        files.release()
    return any(one.record.is_vault(vault) and not one.record.is_party(vault, party) for one in backups)


def _near(place: Path) -> Iterator[Path]:
    """Other folders of coldshare on the same file system: above, below, beside, and at its top."""
    top = mount_root(place.parent)
    folders = [place.parent]
    while folders[-1] != top:
        folders.append(folders[-1].parent)
    for folder in dict.fromkeys((place.parent, place.parent.parent, top)):
        with suppress(OSError), os.scandir(folder) as entries:
            folders += [
                Path(entry.path) for entry in islice(entries, _BESIDE_MAX) if entry.is_dir(follow_symlinks=False)
            ]
    for folder in dict.fromkeys(folders):
        near = folder / FOLDER_NAME
        with suppress(OSError):
            if near != place and near.is_dir() and near.stat().st_dev == place.parent.stat().st_dev:
                yield near
