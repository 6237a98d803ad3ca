"""What can go wrong with a folder. The refusals say the same as a token's, in the words of a folder."""

from __future__ import annotations

import errno
import os
from typing import ClassVar

from coldshare.errors import InputError, IntegrityError, RefusedError, SecretError
from coldshare_iface.errors import EXIT_DEVICE, ColdshareError

__all__ = [
    "FolderDamagedError",
    "FolderDeniedError",
    "FolderForeignError",
    "FolderFullError",
    "FolderGoneError",
    "FolderIndexError",
    "FolderMeanwhileError",
    "FolderNewerError",
    "FolderNotFoundError",
    "FolderOtherGenerationError",
    "FolderOtherPartyError",
    "FolderReadBackError",
    "FolderReadOnlyError",
    "FolderRecordError",
    "FolderRetiredGenerationError",
    "FolderVerbError",
    "FolderWaitingError",
    "NoFolderPlaceError",
    "WeakAloneError",
    "from_os",
]


class FolderNotFoundError(InputError):
    """There is no folder of that name."""

    code: ClassVar[str] = "folder_not_found"
    next_step = (
        "Plug the stick or the disk in, see where it appears, and name a folder on it. coldshare makes no folder there "
        "but its own: on a disk that is not plugged in it would make one on this computer."
    )


class NoFolderPlaceError(InputError):
    """No backup of coldshare is in this folder."""

    code: ClassVar[str] = "folder_empty"
    next_step = "Check that this is the right stick. To put a backup there: coldshare backup FILE --at folder:PATH"


class FolderForeignError(RefusedError):
    """Something in the folder is not what coldshare puts there, and stands where coldshare has to write or read."""

    code: ClassVar[str] = "folder_foreign"
    next_step = "coldshare neither follows nor replaces it. Look at what it is, move it away, or use another folder."


class FolderNewerError(InputError):
    """A newer version of coldshare has written this folder."""

    code: ClassVar[str] = "folder_newer"
    vendor: ClassVar[str] = "UNSUPPORTED_FORMAT"
    next_step = "Use a newer coldshare. The sealed shares open without it, too: docs/recover.py"


class FolderIndexError(IntegrityError):
    """Both copies of the list of what is in this folder are damaged or gone."""

    code: ClassVar[str] = "folder_index"
    vendor: ClassVar[str] = "CORRUPTED_DATA"
    next_step = (
        "The sealed shares may be whole. coldshare verify --repair --at folder:PATH looks at every file and writes the "
        "list anew; until then nothing is stored or removed there."
    )


class FolderDamagedError(IntegrityError):
    """Both copies of this sealed share are damaged or gone."""

    code: ClassVar[str] = "folder_damaged"
    vendor: ClassVar[str] = "CORRUPTED_DATA"
    next_step = "Use another backup of this share. Do not trust this stick with anything any more."


class FolderReadBackError(IntegrityError):
    """What was written does not read back as it should."""

    code: ClassVar[str] = "folder_read_back"
    vendor: ClassVar[str] = "PERSISTENCE_FAILED"
    next_step = "The stick or the disk may be failing. Use another one; what it held before was not touched."


class FolderRecordError(IntegrityError):
    """The folder lists this backup as another one than it is."""

    code: ClassVar[str] = "folder_record"
    vendor: ClassVar[str] = "CORRUPTED_DATA"
    next_step = (
        "Somebody or something has changed files there. The share that was opened is what it says itself. Back it up "
        "anew onto another stick, and do not rely on this one."
    )


class FolderFullError(RefusedError):
    """There is no room in this folder."""

    code: ClassVar[str] = "folder_full"
    vendor: ClassVar[str] = "PERSISTENCE_FAILED"
    next_step = "Make room there, or use another stick. A backup takes a little more than twice its sealed size."


class FolderReadOnlyError(RefusedError):
    """This folder cannot be written: its disk is read-only."""

    code: ClassVar[str] = "folder_read_only"
    vendor: ClassVar[str] = "PERSISTENCE_FAILED"
    next_step = (
        "Look for a switch on the stick or card. A file system that had errors becomes read-only, too: check it with "
        "the tools of your system. What is there can still be verified and restored."
    )


class FolderDeniedError(InputError):
    """You may not use this folder."""

    code: ClassVar[str] = "folder_denied"
    next_step = "See that you may read and write there, or use another folder."


class FolderGoneError(ColdshareError):
    """The folder cannot be read or written any more."""

    code: ClassVar[str] = "folder_gone"
    exit_status: ClassVar[int] = EXIT_DEVICE
    next_step = (
        "Was the stick pulled out? Plug it in again and look: coldshare verify --no-password --at folder:PATH. What it "
        "held before is there; a backup that was being made counts only if it is listed."
    )


class FolderOtherPartyError(RefusedError):
    """This folder already holds the share of another party of the same vault."""

    code: ClassVar[str] = "folder_other_party"
    vendor: ClassVar[str] = "OTHER_DEVICE_SHARE"
    next_step = "Use another stick for this share: two shares of one vault in one place can be lost or stolen together."


class FolderOtherGenerationError(RefusedError):
    """This folder already holds a share of this party from another generation of the vault."""

    code: ClassVar[str] = "folder_other_generation"
    vendor: ClassVar[str] = "STALE_SHARE"
    next_step = (
        "The vault was reshared between the two. If this share is the newer one, say so with --newer: both are kept "
        "until you retire the old one. If it is the older one, do not back it up: it is stale."
    )


class FolderRetiredGenerationError(RefusedError):
    """This share is of a generation that was retired in this folder: it is stale."""

    code: ClassVar[str] = "folder_retired_generation"
    vendor: ClassVar[str] = "STALE_SHARE"
    next_step = (
        "Back up the share of this party from after the reshare. If the old one counts after all, take it back first: "
        "coldshare un-retire ID"
    )


class FolderWaitingError(RefusedError):
    """Two generations of this share stand side by side in this folder."""

    code: ClassVar[str] = "folder_waiting"
    next_step = "Settle first which one counts: coldshare retire ID, of the old one."


class FolderMeanwhileError(RefusedError):
    """Another command has put a backup of this share into the folder meanwhile."""

    code: ClassVar[str] = "folder_meanwhile"
    next_step = (
        "That one counts, and only its own password opens it; nothing was written now. See whether it is the one that "
        "you want: coldshare verify --at folder:PATH. To put yours in its place, run the command again."
    )


class FolderVerbError(InputError):
    """This command is for tokens, and a folder is none."""

    code: ClassVar[str] = "folder_verb"
    next_step = (
        "A folder has no PIN, no label, no pairings and no record. With folder:PATH work: backup, list, verify, "
        "restore, export, reseal, retire, un-retire, destroy and remove."
    )


class WeakAloneError(SecretError):
    """This password is too weak to protect a share alone."""

    code: ClassVar[str] = "password_weak_alone"
    next_step = (
        "On a stick nothing else stands in the way: there is no token that has to be there, too, and no PIN that stops "
        "a guess. Take five or more words that chance has picked."
    )


_GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOENT, errno.EBADF)
_KINDS: dict[int, type[ColdshareError]] = {
    **dict.fromkeys(_GONE, FolderGoneError),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FolderFullError),
    errno.EROFS: FolderReadOnlyError,
    **dict.fromkeys((errno.EACCES, errno.EPERM), FolderDeniedError),
    **dict.fromkeys((errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.EEXIST), FolderForeignError),
}


def from_os(error: OSError, where: str) -> ColdshareError:
    """What a failed operation on `where` means for a person."""
    kind = _KINDS.get(error.errno or 0, FolderGoneError)
    return kind(f"{(kind.__doc__ or '').rstrip('.')} ({where}: {os.strerror(error.errno or 0)}).")
