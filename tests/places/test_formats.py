"""The files of a folder: pinned bytes, the CDDL, what is refused, and a readme that is true."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import cbor2
import pycddl  # type: ignore[import-untyped]
import pytest

from coldshare.export_index import ExportIndex
from coldshare.places import shares
from coldshare.places.errors import FolderNewerError
from coldshare.places.format import (
    BACKUPS_MAX,
    INDEX_MAX,
    INDEX_NAMES,
    LOOSE_MAX,
    README_NAME,
    RETIRED_MAX,
    Index,
    Listed,
    Record,
    Retired,
    State,
    backup_names,
    stem_of,
)
from coldshare.places.readme import README
from coldshare.seal import primitives
from coldshare_iface import codec
from support import desk
from support.desk import KDF, PASSWORD, vault

RECOVER = Path(__file__).parents[2] / "docs" / "recover.py"

SALT = bytes(range(16))
VAULT, GENERATION = b"\x02" + b"v" * 32, b"g" * 32
RECORD = Record.of(b"\x1a\x2b\x3c\x4d" + b"i" * 12, SALT, VAULT, "Phone", GENERATION, b"sealed")
INDEX = Index(
    7,
    SALT,
    (Listed(RECORD, State.ACTIVE),),
    (Retired.of(RECORD, b"o" * 32),),
    (b"loose" + b"\0" * 11,),
)
#: Without what fills its block.
BODY = INDEX.encode().rstrip(b"\0")[:-1]
GOLDEN_RECORD = (
    "a9000101501a2b3c4d6969696969696969696969690250000102030405060708090a0b0c0d0e0f035820bb94a43e7f7f1991"
    "9f33ac0b78dea516da53a00f3a5765c0a07e7497268c803b04582043226fdb13979a528b9f67c767246d00e223b82a3bb5c1"
    "93a588800421a620f8055820de6087ff8516c907a605c865dd97043852b601536c980fcead02335981c388b00606075820c9"
    "d0036bed6744bcdf692fc980d8717d7e5f5a4f4e8266b4a84982602fb1cd09085820b8708834b616713cc4f7b97fbc291645"
    "4a7a9e43299943f0df34de18b52d9b98"
)
GOLDEN_INDEX_SHA256 = "6638e14f481d2ae58861816eeea4067fdca4d0384238012b762a09f62943bf89"


def test_golden_bytes() -> None:
    """A change here is a change of the format: sticks that lie in drawers would no longer be read."""
    assert RECORD.encode().hex() == GOLDEN_RECORD
    assert hashlib.sha256(INDEX.encode()).hexdigest() == GOLDEN_INDEX_SHA256
    assert Record.decode(bytes.fromhex(GOLDEN_RECORD)) == RECORD
    assert Index.decode(INDEX.encode()) == INDEX


def test_the_record_by_hand() -> None:
    """From the description, without our code."""

    def tag(what: bytes) -> bytes:
        return hmac.digest(SALT, b"coldshare/folder/1 " + what, "sha256")

    fields = {
        0: 1,
        1: b"\x1a\x2b\x3c\x4d" + b"i" * 12,
        2: SALT,
        3: tag(b"vault\0" + VAULT),
        4: tag(b"party\0" + VAULT + b"\0Phone"),
        5: tag(b"generation\0" + GENERATION),
        6: 6,
        7: hashlib.sha256(b"sealed").digest(),
    }
    fields[8] = hashlib.sha256(cbor2.dumps(fields, canonical=True)).digest()
    assert cbor2.dumps(fields, canonical=True) == RECORD.encode()


@pytest.mark.parametrize(("name", "data"), [("record", RECORD.encode()), ("index", BODY)])
def test_the_cddl_says_the_same(name: str, data: bytes) -> None:
    text = resources.files("coldshare.places").joinpath("folder.cddl").read_text("utf-8")
    schema = pycddl.Schema(f"start = {name}\n{text}")
    schema.validate_cbor(data)
    fields = cbor2.loads(data)
    for key in fields:
        with pytest.raises(pycddl.ValidationError):
            schema.validate_cbor(cbor2.dumps({other: value for other, value in fields.items() if other != key}))
    with pytest.raises(pycddl.ValidationError):
        schema.validate_cbor(cbor2.dumps({**fields, 99: 0}))


@pytest.mark.parametrize(("decode", "data"), [(Record.decode, RECORD.encode()), (Index.decode, INDEX.encode())])
def test_every_changed_bit_is_damage(decode: Callable[[bytes], object], data: bytes) -> None:
    for at in [*range(8 * min(len(data), 800)), *range(8 * 800, 8 * len(data), 61)]:
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises((ValueError, FolderNewerError)) as caught:
            decode(bytes(changed))
        assert caught.type is ValueError, "damage is not taken for a newer version"
    for size in range(len(data)):
        with pytest.raises(ValueError, match=r"truncated|padding|encoding|no map"):
            decode(data[:size])
    with pytest.raises(ValueError, match=r"trailing|encoding"):
        decode(data + b"\0")


def digested(fields: dict[int, object]) -> bytes:
    digest = hashlib.sha256(codec.encode(fields)).digest()
    return codec.encode({**fields, max(fields) + 1: digest})


def test_a_newer_format_is_told_from_damage() -> None:
    later = digested({0: 2, 1: "whatever it holds"})
    with pytest.raises(FolderNewerError):
        Record.decode(later)
    with pytest.raises(FolderNewerError):
        Index.decode(later + b"\x80")


def test_an_index_takes_whole_blocks() -> None:
    assert len(INDEX.encode()) == 4096
    most = [
        Listed(Record.of(bytes([number]) * 16, SALT, VAULT, "Phone", GENERATION, b"s" * 1000), State.ACTIVE)
        for number in range(BACKUPS_MAX)
    ]
    retired = [Retired.of(RECORD, bytes([number]) * 32) for number in range(RETIRED_MAX)]
    loose = [bytes([number]) * 16 for number in range(100, 100 + LOOSE_MAX)]
    full = Index((1 << 63) - 1, SALT, tuple(most), tuple(retired), tuple(loose))
    assert len(full.encode()) <= INDEX_MAX
    assert Index.decode(full.encode()) == full


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (Index(0, SALT), "bounds"),
        (Index(1, b"short"), "bounds"),
        (Index(1, SALT, (Listed(RECORD, State.UNLISTED),)), "backup"),
        (Index(1, SALT, (Listed(RECORD, State.ACTIVE), Listed(RECORD, State.RETIRED))), "twice"),
        (Index(1, SALT, (Listed(RECORD, State.ACTIVE),), (), (RECORD.backup_id,)), "twice"),
        (Index(1, SALT, (), (Retired(SALT, b"", b""),)), "generation"),
        (Index(1, SALT, (), (), (b"short",)), "encoding"),
    ],
)
def test_what_no_program_of_ours_writes(index: Index, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Index.decode(index.encode())


def test_names_that_every_file_system_keeps_as_they_are() -> None:
    names = [*INDEX_NAMES, README_NAME, *backup_names(RECORD.backup_id)]
    for name in names:
        stem, _, kind = name.partition(".")
        assert len(stem) <= 8
        assert len(kind) <= 3
        assert name == name.lower()
        assert name.isascii()
    assert len({*names}) == len(names)
    assert stem_of("1a2b3c4d.a") == "1a2b3c4d"
    for other in (
        "index.a",
        "1a2b3c4d.A",
        "1a2b3c4d.c",
        "1a2b3c4d.a.b",
        "1a2b3c4.a",
        "1a2b3c4g.a",
        "x1a2b3c4d.a",
        "1a2b3c4d.a\n",
    ):
        assert stem_of(other) is None


def test_tags_of_two_folders_have_nothing_in_common() -> None:
    other = Record.of(RECORD.backup_id, b"another salt of 16"[:16], VAULT, "Phone", GENERATION, b"sealed")
    assert not {other.vault, other.party, other.generation} & {RECORD.vault, RECORD.party, RECORD.generation}
    assert other.is_vault(VAULT)
    assert other.is_party(VAULT, "Phone")
    assert not other.is_party(VAULT, "Laptop")
    assert not other.is_party(b"\x03" * 33, "Phone")
    assert not other.same_share(RECORD)


def test_the_readme(tmp_path: Path, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fits every editor, and what it says of docs/recover.py works, with the files that it names."""
    monkeypatch.setattr(primitives, "argon2id", desk._argon2id)
    assert README.isascii()
    assert all(len(line) <= 78 and not line.endswith(" ") for line in README.split("\r\n"))
    assert "\n" not in README.replace("\r\n", "")
    done = shares.backup(str(stick), vault()[0].vult, PASSWORD, index=ExportIndex(tmp_path / "exports.json"), kdf=KDF)
    folder = stick / "coldshare"
    assert (folder / README_NAME).read_bytes() == README.encode()
    for name in ("index.a index.b", "XXXXXXXX.a .b", "XXXXXXXX.tag"):
        assert name in README
    (tmp_path / "pw").write_text(PASSWORD)
    stem = done.backup_id.hex()[:8]
    command = next(line for line in README.split("\r\n") if "recover.py XXXXXXXX.a" in line)
    words = command.split()[2:]
    assert words == ["XXXXXXXX.a", "share.vult"]
    assert "--password-file FILE" in README
    for kind in "ab":
        out = tmp_path / f"{kind}.vult"
        found = subprocess.run(
            [sys.executable, RECOVER, folder / f"{stem}.{kind}", out, "--password-file", tmp_path / "pw"],
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert found.returncode == 0, found.stderr
        assert out.read_bytes() == vault()[0].vult
