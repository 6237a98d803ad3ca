"""Several vault files in a zip, as the apps export all vaults of a device at once.

Every member is a vault file of its own, kept byte for byte: a backup is of one member, and the zip itself is never
stored. The standard library reads the directory of the zip; the members are inflated here, bounded, and only where the
directory and the header in front of each member say the same, no two members share bytes, and the checksum is right.
A member's name is for people: it is shown, compared, and never used as a path.
Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from typing import Final, NoReturn

from .errors import (
    ArchiveDamagedError,
    ArchiveEmptyError,
    ArchiveEncryptedError,
    ArchiveMemberError,
    ArchiveTooLargeError,
)
from .limits import MAX_ARCHIVE_ENTRIES, MAX_ARCHIVE_SIZE, MAX_FILE_SIZE
from .names import displayed

_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
#: signature, version, flags, method, time, date, crc, compressed size, size, length of name, length of extra
_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # any kind of it
_PATCH: Final = 0x20  # the bytes are a difference to another file
_SIZES_FOLLOW: Final = 0x8
_UTF8: Final = 0x800
_ZIP64: Final = 0xFFFFFFFF
_RAW_DEFLATE: Final = -15
_MAX_SHOWN_NAME: Final = 256
#: In a sentence that quotes several names.
_MAX_NAME_OF_SEVERAL: Final = 64
#: Of what was left out, in the refusal of a zip that holds nothing else.
_NOTES_QUOTED: Final = 2
_NAMELESS: Final = "(no name)"


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the zip."""

    #: Its place among the members, from 1.
    number: int
    #: As the zip has it, fit for a screen. Not a path: it can say anything.
    name: str
    #: Its bytes. Secret.
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Archive:
    """What is in a zip: the members, and a note on everything that was left out."""

    members: tuple[Member, ...]
    notes: tuple[str, ...]


def is_archive(data: bytes) -> bool:
    """Whether `data` begins as a zip does."""
    return data.startswith(_STARTS)


def members(data: bytes) -> list[Member]:
    """The members of the zip in `data`, as `open_archive` has them."""
    return list(open_archive(data).members)


def open_archive(data: bytes) -> Archive:
    """The files in the zip that `data` is, at least one.

    Folders, links, the companions that macOS adds, and zips inside the zip are left out, with a note. Raises
    `ArchiveDamagedError`, `ArchiveTooLargeError` (more than 1024 entries, a member over 16 MiB, 64 MiB in all),
    `ArchiveEncryptedError`, `ArchiveEmptyError`.
    """
    if len(data) > MAX_ARCHIVE_SIZE or data.count(_DIRECTORY_ENTRY) > MAX_ARCHIVE_ENTRIES:
        raise ArchiveTooLargeError
    entries, directory_at = _directory(data)
    notes: list[str] = []
    listed: list[tuple[zipfile.ZipInfo, str, int, int]] = []
    size = 0
    for entry in entries:
        name = displayed(entry.filename[:_MAX_SHOWN_NAME]) or _NAMELESS
        reason = _left_out(entry)
        if reason:
            notes.append(f"{name} is left out: {reason}.")
            continue
        if entry.flag_bits & _ENCRYPTED:
            raise ArchiveEncryptedError
        size += entry.file_size
        if entry.file_size > MAX_FILE_SIZE or size > MAX_ARCHIVE_SIZE:
            raise ArchiveTooLargeError
        listed.append((entry, name, *_span(data, entry, name)))
    _check_overlap([(entry.header_offset, end) for entry, _, _, end in listed], directory_at)
    found: list[Member] = []
    for entry, name, start, end in listed:
        content = _inflate(data[start:end], entry, name)
        if is_archive(content):
            notes.append(f"{name} is left out: it is a zip inside the zip; unpack it and name that file instead.")
            continue
        found.append(Member(len(found) + 1, name, content))
    if not found:
        raise ArchiveEmptyError(" ".join(["There is no vault file in this zip.", *notes[:_NOTES_QUOTED]]))
    return Archive(tuple(found), (*notes, *_repeated(found)))


def choose_member(found: Sequence[Member], which: str) -> Member:
    """The member that `which` names: its name, the last part of its name, or its number.

    Raises `ArchiveMemberError` where there is none, or more than one.
    """
    numbered = next((member for member in found if str(member.number) == which), None)
    for matches in (
        [member for member in found if member.name == which],
        [member for member in found if member.name.rpartition("/")[2] == which],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches and numbered is None:
            numbers = ", ".join(str(member.number) for member in matches)
            raise ArchiveMemberError(f"This zip has {len(matches)} files of that name: number {numbers}.")
    if numbered is not None:
        return numbered
    names = "; ".join(f"{member.number}: {_cut(member.name)}" for member in found[:8])
    more = f"; and {len(found) - 8} more" if len(found) > 8 else ""
    raise ArchiveMemberError(f"This zip has no file {displayed(which[:64])!r}. It has {names}{more}.")


def _cut(name: str) -> str:
    """`name` with its middle left out where it is long: what tells two apart is at an end of them, as a rule."""
    half = _MAX_NAME_OF_SEVERAL // 2
    return name if len(name) <= _MAX_NAME_OF_SEVERAL else f"{name[: half - 1]}\u2026{name[-half:]}"


def _directory(data: bytes) -> tuple[list[zipfile.ZipInfo], int]:
    """The entries of the zip's directory, and where it begins."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError, EOFError):
        raise ArchiveDamagedError from None  # what they say can quote the file


def _left_out(entry: zipfile.ZipInfo) -> str:
    """Why an entry is no member; empty where it is one."""
    mode = entry.external_attr >> 16
    parts = entry.filename.split("/")
    if entry.filename.endswith("/"):  # what `is_dir` asks, but that fails where there is no name
        return "it is a folder"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link or a special file"
    if parts[0] == "__MACOSX" or parts[-1].startswith("._") or parts[-1] == ".DS_Store":
        return "macOS adds it to zips, and it holds no vault"
    return ""


def _span(data: bytes, entry: zipfile.ZipInfo, name: str) -> tuple[int, int]:
    """Where the bytes of a member are, after its header was held against the directory."""
    at = entry.header_offset
    if not 0 <= at <= len(data) - _LOCAL_HEADER.size:
        _damaged(name, "its header is not where the directory says")
    signature, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL_HEADER.unpack_from(data, at)
    name_at = at + _LOCAL_HEADER.size
    start = name_at + name_size + extra_size
    end = start + entry.compress_size
    if signature != _STARTS[0] or end > len(data):
        _damaged(name, "its header is not where the directory says")
    encoding = "utf-8" if flags & _UTF8 else "cp437"
    same = (
        data[name_at : name_at + name_size] == entry.orig_filename.encode(encoding, "replace")
        and method == entry.compress_type
        and (flags ^ entry.flag_bits) & (_ENCRYPTED | _PATCH | _UTF8) == 0
    )
    if not flags & _SIZES_FOLLOW:
        same = (
            same and crc == entry.CRC and packed in (entry.compress_size, _ZIP64) and size in (entry.file_size, _ZIP64)
        )
    if entry.flag_bits & _PATCH:
        _damaged(name, "it is a difference to another file, which no app writes")
    if not same:
        _damaged(name, "its header and the directory of the zip say different things")
    return start, end


def _inflate(packed: bytes, entry: zipfile.ZipInfo, name: str) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        content = packed
    elif entry.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(_RAW_DEFLATE)
        try:
            # One byte more than it should have, to see that there is none.
            content = inflater.decompress(packed, entry.file_size + 1)
        except zlib.error:
            _damaged(name, "it does not inflate")
        if not inflater.eof or inflater.unused_data:
            _damaged(name, "it does not inflate to the size in the directory")
    else:
        _damaged(name, f"it is compressed in a way (number {entry.compress_type}) that no app uses")
    if len(content) != entry.file_size:
        _damaged(name, "it does not have the size in the directory")
    if zlib.crc32(content) != entry.CRC:
        _damaged(name, "its checksum is wrong")
    return content


def _check_overlap(spans: Sequence[tuple[int, int]], directory_at: int) -> None:
    for (_, end), (start, _) in pairwise([*sorted(spans), (directory_at, directory_at)]):
        if start < end:
            raise ArchiveDamagedError("This zip is damaged: two of its files share the same bytes.")


def _repeated(found: Sequence[Member]) -> list[str]:
    notes = []
    names = [member.name for member in found]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            notes.append(f"The zip has {names.count(name)} files of the name {name}; tell them apart by number.")
    return notes


def _damaged(name: str, why: str) -> NoReturn:
    raise ArchiveDamagedError(f"The file {name} in this zip is damaged: {why}.")
