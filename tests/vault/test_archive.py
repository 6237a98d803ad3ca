"""Zips of several vaults: every member comes out byte for byte, and no zip costs more than its bounds."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare.errors import ColdshareError, InputError
from coldshare.vault import MAX_FILE_SIZE, choose_member, is_archive, members, open_archive, read_share
from coldshare.vault.errors import (
    ArchiveDamagedError,
    ArchiveEmptyError,
    ArchiveEncryptedError,
    ArchiveMemberError,
    ArchiveTooLargeError,
    VaultArchiveError,
)
from coldshare.vault.synthetic import encrypt_legacy, make_vault

from .clearly import is_clear
from .zips import zipped

FIRST, SECOND = (make_vault(name, ["phone", "laptop"], 2)[0].vult for name in ("First", "Second"))
LOCKED = encrypt_legacy(SECOND, "pw")


def streamed(*files: tuple[str, bytes]) -> bytes:
    """As a writer that cannot go back makes it: the sizes follow the data."""

    class OneWay(BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *where: int) -> int:
            raise OSError

    buffer = OneWay()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def zip64(name: str, data: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(name, "w", force_zip64=True) as file:
        file.write(data)
    return buffer.getvalue()


ALL = zipped(("First-share1of2.vult", FIRST), ("Second (1).bak", LOCKED))


@pytest.mark.parametrize(
    "data",
    [
        ALL,
        zipped(("First-share1of2.vult", FIRST), ("Second (1).bak", LOCKED), method=zipfile.ZIP_STORED),
        streamed(("First-share1of2.vult", FIRST), ("Second (1).bak", LOCKED)),
        ALL[:-2] + struct.pack("<H", 7) + b"comment",
    ],
    ids=["deflated", "stored", "streamed", "with a comment"],
)
def test_every_member_comes_out_as_it_went_in(data: bytes) -> None:
    assert is_archive(data)
    first, second = members(data)
    assert (first.number, first.name, first.data) == (1, "First-share1of2.vult", FIRST)
    assert (second.number, second.name, second.data) == (2, "Second (1).bak", LOCKED)
    assert open_archive(data).notes == ()
    assert read_share(first.data).facts.vault_name == "First"
    assert read_share(second.data, password="pw").facts.vault_name == "Second"
    assert "CAES" not in repr(first)


def test_zip64() -> None:
    (member,) = members(zip64("a.vult", FIRST))
    assert member.data == FIRST


def test_a_zip_is_no_share(tmp_path: object) -> None:
    with pytest.raises(VaultArchiveError) as refused:
        read_share(ALL)
    assert refused.value.code == "vault_archive"
    assert "--member" in refused.value.next_step


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def test_what_is_no_vault_file_is_left_out_with_a_note() -> None:
    archive = open_archive(
        zipped(
            ("folder/", b""),
            ("folder/a.vult", FIRST),
            ("__MACOSX/folder/._a.vult", b"Mac OS X"),
            ("._a.vult", b"Mac OS X"),
            ("folder/.DS_Store", b"\0\0\0\1Bud1"),
            (link("b.vult"), b"/etc/passwd"),
            ("inner.zip", ALL),
            ("readme.txt", b"Hello"),
        )
    )
    assert [(member.number, member.name) for member in archive.members] == [(1, "folder/a.vult"), (2, "readme.txt")]
    assert len(archive.notes) == 6
    for name, why in (
        ("folder/", "folder"),
        ("__MACOSX/folder/._a.vult", "macOS"),
        ("._a.vult", "macOS"),
        ("folder/.DS_Store", "macOS"),
        ("b.vult", "link"),
        ("inner.zip", "zip inside the zip"),
    ):
        assert any(note.startswith(f"{name} is left out") and why in note for note in archive.notes)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_told_apart_by_number() -> None:
    archive = open_archive(zipped(("a.vult", FIRST), ("a.vult", SECOND)))
    assert [member.data for member in archive.members] == [FIRST, SECOND]
    assert archive.notes == ("The zip has 2 files of the name a.vult; tell them apart by number.",)
    with pytest.raises(ArchiveMemberError, match="2 files of that name: number 1, 2"):
        choose_member(archive.members, "a.vult")
    assert choose_member(archive.members, "2").data == SECOND


@pytest.mark.parametrize(
    ("which", "number"),
    [("1", 1), ("2", 2), ("3", 3), ("x/a.vult", 1), ("b.vult", 2), ("a.vult", 1), ("7", 3)],
)
def test_choosing(which: str, number: int) -> None:
    found = members(zipped(("x/a.vult", FIRST), ("b.vult", SECOND), ("7", LOCKED)))
    assert choose_member(found, which).number == number


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_that_are_called_like_a_number() -> None:
    """Of two of one name the number decides, also where that is their name."""
    found = members(zipped(("1", FIRST), ("1", SECOND), ("x/2", FIRST)))
    assert [choose_member(found, which).number for which in ("1", "2", "3", "x/2")] == [1, 3, 3, 3]
    found = members(zipped(("2", FIRST), ("2", SECOND), ("1", FIRST)))
    assert [choose_member(found, which).number for which in ("1", "2", "3")] == [3, 2, 3]


@pytest.mark.parametrize("which", ["", "0", "4", "c.vult", "../b.vult", "\x1b[2J", "x"])
def test_choosing_what_is_not_there(which: str) -> None:
    with pytest.raises(ArchiveMemberError, match=r"1: x/a\.vult; 2: b\.vult") as refused:
        choose_member(members(zipped(("x/a.vult", FIRST), ("b.vult", SECOND))), which)
    assert is_clear(refused.value)


def test_many_names_are_cut_short() -> None:
    found = members(zipped(*((f"{k}.vult", b"x") for k in range(1, 31))))
    with pytest.raises(ArchiveMemberError, match=r"8: 8\.vult; and 22 more"):
        choose_member(found, "x")


def test_long_names_are_cut_in_the_middle() -> None:
    found = members(zipped(*((f"{k}-{'n' * 240}.vult", b"x") for k in range(8))))
    with pytest.raises(ArchiveMemberError, match=r"8: 7-n+…n+\.vult\.") as refused:
        choose_member(found, "x")
    assert is_clear(refused.value)


@pytest.mark.parametrize("content", [b"", zipped(("a.vult", b"x"))], ids=["folders", "zips"])
def test_long_names_of_what_is_left_out(content: bytes) -> None:
    with pytest.raises(ArchiveEmptyError) as refused:
        open_archive(zipped(*((f"{k}{'n' * 255}{'' if content else '/'}", content) for k in range(9))))
    assert is_clear(refused.value)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a\x1b[2J\u202eb", "n" * 5000, "\u00e4.vult"]
)
def test_a_name_is_shown_and_nothing_else(name: str) -> None:
    (member,) = members(zipped((name, FIRST)))
    assert "\x1b" not in member.name
    assert "\u202e" not in member.name
    assert len(member.name) <= 256
    assert member.data == FIRST


def test_a_file_without_a_name_has_a_number() -> None:
    named = zipped(("x", FIRST), method=zipfile.ZIP_STORED)
    at = named.index(b"PK\x01\x02")
    local = named[:26] + U16(0) + named[28:30] + named[31:at]
    entry = named[at : at + 28] + U16(0) + named[at + 30 : at + 46]
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)
    (member,) = members(local + entry + tail)
    assert (member.name, member.data) == ("(no name)", FIRST)
    assert choose_member([member], "1") == member


def test_names_in_the_old_encoding() -> None:
    data = zipped(("xxx.vult", FIRST)).replace(b"xxx.vult", b"\x84\x94\x81.vult")
    assert members(data)[0].name == "äöü.vult"


def patched(data: bytes, where: str, offset: int, value: bytes) -> bytes:
    """Change bytes of the first local header or the first directory entry."""
    at = data.index(b"PK\x03\x04" if where == "local" else b"PK\x01\x02") + offset
    return data[:at] + value + data[at + len(value) :]


ONE = zipped(("a.vult", FIRST))
U16, U32 = (lambda n: struct.pack("<H", n)), (lambda n: struct.pack("<I", n))


def overlapping() -> bytes:
    """Two entries of the directory lead to the same bytes."""
    data = zipped(("a.vult", FIRST), ("a.vult2", SECOND), method=zipfile.ZIP_STORED)
    start = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", start + 4)
    end = data.index(b"PK\x05\x06")
    entry = data[start:second]
    directory = entry + entry
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), start, 0)
    assert len(data[end:]) == len(tail)
    return data[:start] + directory + tail


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (ONE[:-1], ArchiveDamagedError, "damaged"),
        (ONE[: len(ONE) // 2], ArchiveDamagedError, "cut short"),
        (b"PK\x03\x04", ArchiveDamagedError, "damaged"),
        (b"PK\x05\x06" + bytes(18), ArchiveEmptyError, "no vault file"),
        (zipped(("a/", b"")), ArchiveEmptyError, "a/ is left out: it is a folder"),
        (zipped(("a.zip", ONE)), ArchiveEmptyError, "zip inside the zip"),
        (patched(ONE, "directory", 8, U16(1)), ArchiveEncryptedError, "encrypted"),
        (patched(ONE, "directory", 8, U16(0x40)), ArchiveEncryptedError, "encrypted"),
        (patched(ONE, "directory", 8, U16(0x20)), ArchiveDamagedError, "difference to another file"),
        (patched(ONE, "local", 6, U16(0x20)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 6, U16(1)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 8, U16(0)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 14, U32(0)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 18, U32(1)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 22, U32(1)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 30, b"b"), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 26, U16(5)), ArchiveDamagedError, "say different things"),
        (patched(ONE, "local", 28, U16(0xFFFF)), ArchiveDamagedError, "is damaged"),
        (patched(ONE, "local", 0, b"PK\x07\x08"), ArchiveDamagedError, "not where the directory says"),
        (patched(ONE, "directory", 42, U32(4)), ArchiveDamagedError, "not where the directory says"),
        (patched(ONE, "directory", 42, U32(2**31)), ArchiveDamagedError, "damaged"),
        (patched(ONE, "local", 60, b"\xff\xff\xff"), ArchiveDamagedError, "is damaged"),
        (patched(patched(ONE, "local", 8, U16(12)), "directory", 10, U16(12)), ArchiveDamagedError, "number 12"),
        (patched(patched(ONE, "local", 14, U32(7)), "directory", 16, U32(7)), ArchiveDamagedError, "checksum"),
        (patched(patched(ONE, "local", 22, U32(7)), "directory", 24, U32(7)), ArchiveDamagedError, "does not inflate"),
        (patched(patched(ONE, "local", 22, U32(10**6)), "directory", 24, U32(10**6)), ArchiveDamagedError, "the size"),
        (patched(ONE, "directory", 24, U32(2**31)), ArchiveTooLargeError, "more than"),
        (patched(ONE, "directory", 24, U32(MAX_FILE_SIZE + 1)), ArchiveTooLargeError, "more than"),
        (overlapping(), ArchiveDamagedError, "share the same bytes"),
        (bytes(64 * 2**20 + 1), ArchiveTooLargeError, "more than"),
    ],
    ids=range(30),
)
def test_a_zip_that_lies(data: bytes, error: type[InputError], says: str) -> None:
    with pytest.raises(error) as refused:
        open_archive(data)
    assert says in refused.value.message
    assert is_clear(refused.value)


def bomb(size: int, count: int) -> bytes:
    """`count` members, each of `size` bytes that deflate to next to nothing."""
    return zipped(*((f"{k}.vult", bytes(size)) for k in range(count)))


@pytest.mark.parametrize(("size", "count"), [(MAX_FILE_SIZE + 1, 1), (MAX_FILE_SIZE, 5), (0, 1025)])
def test_a_bomb_is_not_inflated(size: int, count: int) -> None:
    data = bomb(size, count)
    tracemalloc.start()
    with pytest.raises(ArchiveTooLargeError):
        open_archive(data)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_member_that_inflates_to_more_than_it_says_stops_there() -> None:
    honest = zipped(("a.vult", bytes(MAX_FILE_SIZE)))
    data = patched(patched(honest, "local", 22, U32(10)), "directory", 24, U32(10))
    tracemalloc.start()
    with pytest.raises(ArchiveDamagedError, match="does not inflate to the size"):
        open_archive(data)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_as_much_as_is_allowed() -> None:
    assert [len(member.data) for member in members(bomb(MAX_FILE_SIZE, 4))] == [MAX_FILE_SIZE] * 4
    assert len(members(bomb(0, 1024))) == 1024


def clear_or_exact(data: bytes, allowed: Callable[[bytes], bool]) -> None:
    try:
        found = members(data)
    except ColdshareError as error:
        assert is_clear(error)  # noqa: PT017
        return
    assert all(allowed(member.data) for member in found)


SMALL = zipped(("a.vult", b"A" * 40), ("b.vult", b"B" * 40))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_any_damage(at: int, insert: bytes, remove: int) -> None:
    """What comes out has the checksum that the directory has; nothing else does."""
    clear_or_exact(SMALL[:at] + insert + SMALL[at + remove :], lambda data: len(data) <= 2**16)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.integers(0, 7))
def test_any_flipped_bit(at: int, bit: int) -> None:
    data = bytearray(SMALL)
    data[at] ^= 1 << bit
    allowed = {b"A" * 40, b"B" * 40}
    clear_or_exact(bytes(data), lambda content: content in allowed)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"PK\x05\x06"):
        clear_or_exact(start + data, lambda content: True)


def test_the_checksum_is_the_zips() -> None:
    assert zlib.crc32(FIRST) == zipfile.ZipFile(BytesIO(ONE)).infolist()[0].CRC
