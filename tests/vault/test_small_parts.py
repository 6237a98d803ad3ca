"""Base64 text, the protobuf walker, names, files, and what importing costs."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldshare.vault import MAX_FILE_SIZE, read_file
from coldshare.vault.base64text import Base64Error, decode, encode
from coldshare.vault.errors import FileTooLargeError, FileUnreadableError
from coldshare.vault.names import displayed, is_showable
from coldshare.vault.protowire import Field, WireError, walk
from coldshare.vault.vault_pb2 import Vault


class TestBase64:
    @given(st.binary(max_size=100))
    def test_it_is_the_standard_one(self, raw: bytes) -> None:
        assert encode(raw) == base64.b64encode(raw)
        assert decode(encode(raw)) == raw

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (b"QQ=", "3 characters are not a multiple of four"),
            (b"QQ", "2 characters"),
            (b"QR==", "stray bits"),
            (b"QUJ=", "stray bits"),
            (b"QQ==QQ==", "byte 2"),
            (b"QUJD====", "stray bits or padding"),
            (b"QU-D", "byte 2"),
            (b"QUJD\n", "byte 4"),
            (b"\xff\xfe\xfd\xfc", "byte 0"),
        ],
    )
    def test_nothing_else_is_taken(self, text: bytes, says: str) -> None:
        with pytest.raises(Base64Error, match=says):
            decode(text)


class TestProtowire:
    def test_where_fields_lie(self) -> None:
        message = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x19" + bytes(8) + b"\x25" + bytes(4)
        assert walk(message) == [Field(1, 0, 1, 3), Field(2, 2, 5, 7), Field(3, 1, 8, 16), Field(4, 5, 17, 21)]

    @given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5), st.integers(-1, 3))
    def test_it_agrees_with_protobuf(self, name: str, signers: list[str], lib_type: int) -> None:
        vault = Vault(name=name, signers=signers, lib_type=lib_type)  # type: ignore[arg-type]
        raw = vault.SerializeToString()
        values = [raw[found.start : found.end].decode() for found in walk(raw) if found.number == 4]
        assert values == signers

    @pytest.mark.parametrize(
        ("raw", "offset", "says"),
        [
            (b"\x08", 1, "end inside a number"),
            (b"\x08\x80", 1, "end inside a number"),
            (b"\x08\x01\x12\x05abc", 2, "field 2 should have 5 bytes, 3 are there"),
            (b"\x00\x01", 0, "field number"),
            (b"\x0b\x0c", 0, "wire type 3"),
            (b"\x0e\x00", 0, "wire type 6"),
            (b"\x08" + b"\xff" * 10 + b"\x01", 1, "more than 64 bits"),
            (b"\x08" + b"\xff" * 9 + b"\x02", 1, "more than 64 bits"),
            (b"\x09\x00", 0, "field 1 should have 8 bytes"),
            (b"\x08\x01" * 257, 512, "more than 256 fields"),
        ],
    )
    def test_where_it_breaks(self, raw: bytes, offset: int, says: str) -> None:
        with pytest.raises(WireError, match=says) as broken:
            walk(raw)
        assert broken.value.offset == offset

    @given(st.binary(max_size=60))
    def test_any_bytes(self, raw: bytes) -> None:
        try:
            fields = walk(raw)
        except WireError:
            return
        assert all(0 < found.start <= found.end <= len(raw) for found in fields)
        assert (fields[-1].end if fields else 0) == len(raw)


class TestNames:
    @pytest.mark.parametrize(
        "text",
        ["jp\u2019s MacBook", "Täst", "Сейф", "金庫", "🧑‍🚀 phone", "❤️", "می‌خواهم", "\uf8ff Mac", ""],
    )
    def test_names_that_people_give(self, text: str) -> None:
        assert is_showable(text)
        assert displayed(text) == text

    @pytest.mark.parametrize(
        "character",
        "\0\n\r\t\x1b\x7f\x85\x9b\u2028\u2029\ud800"
        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    )
    def test_characters_that_a_screen_would_obey(self, character: str) -> None:
        assert not is_showable(f"a{character}b")
        assert displayed(f"a{character}b") == "a\ufffdb"


class TestFiles:
    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.vult").write_bytes(b"abc\n")
        assert read_file(tmp_path / "a.vult") == b"abc\n"

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(FileUnreadableError, match="is a directory"):
            read_file(tmp_path)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileUnreadableError, match="No such file"):
            read_file(tmp_path / "no.vult")

    def test_a_path_that_would_move_the_cursor(self, tmp_path: Path) -> None:
        with pytest.raises(FileUnreadableError) as refused:
            read_file(tmp_path / "a\x1b[2Jb.vult")
        assert "\x1b" not in refused.value.message

    def test_a_path_that_is_none(self) -> None:
        with pytest.raises(FileUnreadableError):
            read_file(Path("a\0b"))

    def test_a_file_over_the_limit(self, tmp_path: Path) -> None:
        large = tmp_path / "large"
        with large.open("wb") as file:
            file.truncate(MAX_FILE_SIZE + 1)
        with pytest.raises(FileTooLargeError):
            read_file(large)
        with large.open("wb") as file:
            file.truncate(MAX_FILE_SIZE)
        assert len(read_file(large)) == MAX_FILE_SIZE


def test_importing_the_package_loads_none_of_its_libraries() -> None:
    heavy = ("google.protobuf", "coincurve", "nacl", "cryptography")
    code = f"import sys, coldshare.vault; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_protobuf_without_its_c_library_refuses_alike() -> None:
    """It raises another exception for text that is not UTF-8: one that would carry the bytes along."""
    code = """
import base64
import os
from coldshare.errors import ColdshareError
from coldshare.vault import read_share
from google.protobuf.internal import api_implementation
print(api_implementation.Type())
try:
    read_share(base64.b64encode(b"\\x08\\x01\\x12\\x02\\xff\\xff"))
except ColdshareError as error:
    print(error.code, error.__cause__)
for raw in (b"\\x0a\\x02\\xff\\xff", b"\\x3a\\x02\\xff\\xff", b"\\x3a\\x03\\x12\\x01\\xff", b"\\x2a\\x01\\xff"):
    inner = base64.b64encode(raw)
    for file in (raw, b"\\x08\\x01\\x12" + bytes([len(inner)]) + inner):
        try:
            read_share(base64.b64encode(file))
        except ColdshareError as error:
            print(error.code, error.__cause__)
"""
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stderr == ""
    assert done.stdout.split() == [
        "python",
        "not_a_vault_file",
        "None",
        *["not_a_vault_file", "None", "vault_file_damaged", "None"] * 4,
    ]


def test_generated_code_runs_on_the_lowest_protobuf_that_is_allowed() -> None:
    """Generated code refuses a runtime older than its generator; pyproject.toml allows protobuf from 6.31."""
    import coldshare.vault.vault_pb2 as generated

    assert "# Protobuf Python Version: 6.31.0" in Path(generated.__file__).read_text()
