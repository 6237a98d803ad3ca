"""What each of the vendor's apps does differently, one row per trap: what the file looks like, and what is made of it.

Every row is a file as some app writes it, beside what must be true of it. Most of these have cost somebody a vault.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from coldshare.vault import Encryption, Form, VaultShare, open_archive, read_file, read_share, split
from coldshare.vault.errors import VaultPasswordNeededError, VaultPasswordWrongError
from coldshare.vault.synthetic import encrypt_legacy, encrypt_vlt2, make_vault

from .builders import Opened, edit, open_vult, pack, rebuild
from .gg20 import make_gg20
from .old_json import android, cbc, fields_of, gcm, ios, ios_bare, wrapped
from .zips import zipped

PARTIES = ("iPhone-ABC", "Pixel-DEF")
DKLS = make_vault("Savings", PARTIES, 2, created_at=1_700_000_000)
GG20 = make_gg20("Savings", PARTIES)
IPHONE, PIXEL = DKLS[0].vult, DKLS[1].vult
OLD = fields_of(GG20[0].vult())


@dataclass
class Trap:
    """A file and what must be true of the share in it."""

    name: str
    data: Callable[[], bytes]
    holds: Callable[[VaultShare], bool]
    password: str | None = None


def another_date(vult: bytes, seconds: int) -> bytes:
    return edit(vult, lambda opened: setattr(opened.vault.created_at, "seconds", seconds))


def no_lib_type(opened: Opened) -> None:
    opened.vault.ClearField("lib_type")


def twice(index: int) -> bytes:
    """A key share stated twice, as the iOS app has exported it."""

    def change(opened: Opened) -> None:
        opened.vault.key_shares.add().CopyFrom(opened.vault.key_shares[index])

    opened = open_vult(IPHONE)
    change(opened)
    return pack(opened.vault.SerializeToString())


def reordered_gg20() -> bytes:
    """The Pixel's own file: its name first."""
    share = GG20[1]
    assert share.vault.signers[0] == PARTIES[1]
    return share.vult()


def unknown_field() -> bytes:
    return pack(open_vult(IPHONE).vault.SerializeToString() + b"\xfa\x01\x03new")


def newer_container() -> bytes:
    return base64.b64encode(base64.b64decode(IPHONE) + b"\x22\x03new")


def same_facts(vult: bytes) -> Callable[[VaultShare], bool]:
    """All facts but the date are those of this plain `.vult`."""
    expected = dataclasses.replace(read_share(vult).facts, created_at=None)
    return lambda share: dataclasses.replace(share.facts, created_at=None) == expected


TRAPS = [
    # Layers: a `.vult` is base64 of a container of base64 of a vault with base64 key shares; GG20's are JSON.
    Trap("DKLS key shares are base64", lambda: IPHONE, lambda share: share.facts.library == "DKLS"),
    Trap("GG20 key shares are JSON", lambda: GG20[0].vult(), lambda share: share.facts.library == "GG20"),
    # Library: the apps guess it from a file's size or name. The key shares tell.
    Trap(
        "lib_type is missing, which reads as GG20",
        lambda: edit(IPHONE, no_lib_type),
        lambda share: share.facts.library == "DKLS" and "names none" in share.facts.warnings[0],
    ),
    Trap(
        "a desktop calls GG20 DKLS for its file name",
        lambda: GG20[0].edited(lambda share: setattr(share.vault, "lib_type", 1)),
        lambda share: share.facts.library == "GG20" and "another one" in share.facts.warnings[0],
    ),
    # Signers: GG20 files list them in another order on every device.
    Trap(
        "the order of GG20 signers differs per device",
        reordered_gg20,
        lambda share: (
            share.facts.signers == read_share(GG20[0].vult()).facts.signers
            and share.facts.generation == read_share(GG20[0].vult()).facts.generation
        ),
    ),
    # Dates: Android writes the time of the export.
    Trap(
        "created_at differs between exports of one share",
        lambda: another_date(IPHONE, 1_750_000_000),
        same_facts(IPHONE),
    ),
    Trap("created_at is missing", lambda: edit(IPHONE, lambda o: o.vault.ClearField("created_at")), same_facts(IPHONE)),
    # Copies: iOS keeps the first key share of a key, Android the last.
    Trap("the ECDSA key share is there twice", lambda: twice(0), same_facts(IPHONE)),
    Trap("the EdDSA key share is there twice", lambda: twice(1), same_facts(IPHONE)),
    # Newer apps: fields that this reader does not know are kept, because the file is.
    Trap("a field of a newer app", unknown_field, lambda share: "(31)" in share.facts.warnings[0]),
    Trap("a field of a newer container", newer_container, lambda share: "(4)" in share.facts.warnings[0]),
    # Encryption: container.version is 1 in both forms; four bytes tell them apart. The server still writes the older.
    Trap(
        "encrypted, with VLT\\x02",
        lambda: encrypt_vlt2(IPHONE, "pw"),
        lambda share: share.encryption is Encryption.VLT2,
        "pw",
    ),
    Trap(
        "encrypted, as older apps and the server do",
        lambda: encrypt_legacy(IPHONE, "pw"),
        lambda share: share.encryption is Encryption.LEGACY,
        "pw",
    ),
    # Fast vaults: the server is a party like any other, and its share belongs on no device.
    Trap(
        "the share that the server mails",
        lambda: encrypt_legacy(make_vault("Fast", ("Server-06287", "Mac"), 2)[0].vult, "pw"),
        lambda share: share.facts.is_server and "belongs on no device" in share.facts.warnings[0],
        "pw",
    ),
    Trap(
        "the server under its older name",
        lambda: make_vault("Fast", ("VultiSignerApp", "Mac"), 2)[1].vult,
        lambda share: share.facts.servers == ("VultiSignerApp",) and share.facts.warnings == (),
    ),
    # Names: parties keep theirs when a device is renamed; a curly apostrophe is one of the usual ones.
    Trap(
        "a party whose name has a curly apostrophe",
        lambda: make_vault("v", ("jp\u2019s MacBook Air-EE5", "iPhone"), 2)[0].vult,
        lambda share: share.facts.party == "jp\u2019s MacBook Air-EE5",
    ),
    # Old backups: JSON in hexadecimal; iOS and Android wrote it differently.
    Trap("an old iOS backup", lambda: ios(OLD), lambda share: share.form is Form.OLD_JSON),
    Trap("an old iOS backup without a version", lambda: ios_bare(OLD), same_facts(GG20[0].vult())),
    Trap("an old Android backup, pubKeyEDDSA", lambda: android(OLD), same_facts(GG20[0].vult())),
    Trap("an old iOS backup, encrypted: bare bytes", lambda: gcm(ios(OLD), "pw"), same_facts(GG20[0].vult()), "pw"),
    Trap(
        "an old Android backup, encrypted", lambda: wrapped(gcm(android(OLD), "pw")), same_facts(GG20[0].vult()), "pw"
    ),
    Trap(
        "an old Android backup, AES-CBC",
        lambda: wrapped(cbc(android(OLD), "pw")),
        lambda share: share.encryption is Encryption.CBC,
        "pw",
    ),
    # Transport: mail programs and editors add a line break.
    Trap("a line break at the end", lambda: IPHONE + b"\n", lambda share: share.original.endswith(b"\n")),
]


@pytest.mark.parametrize("trap", TRAPS, ids=[trap.name for trap in TRAPS])
def test_a_trap(trap: Trap) -> None:
    data = trap.data()
    share = read_share(data, password=trap.password)
    assert trap.holds(share)
    assert share.original == data
    assert rebuild(split(data)) == data
    if trap.password:
        with pytest.raises(VaultPasswordWrongError):
            read_share(data, password="not this one")


NAMES = [
    "Savings-a1b2-part1of2.vult",  # GG20's name, on a DKLS share
    "Savings-a1b2-share1of2-Vultiserver.vult",
    "Savings-iPhone-ABC-share1of2.vult",
    "backup.bak",
    "backup.bak (2)",
    "vault.dat",
    "document.pdf",
    "Unknown",
    "vultisig_backups_1750000000.zip",
    "\u91d1\u5eab \U0001f510.vult",
    ".vult",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_decides_nothing(tmp_path: Path, name: str) -> None:
    for vult in (IPHONE, GG20[0].vult()):
        path = tmp_path / name
        path.write_bytes(vult)
        assert read_share(read_file(path)).facts == read_share(vult).facts


@pytest.mark.parametrize("name", ["vultisig_backups_1750000000.zip", "vaults_backup_2026-01-31_120000.zip", "x.vult"])
def test_a_zip_of_all_vaults_has_one_password_and_one_share_each(tmp_path: Path, name: str) -> None:
    """The zip itself is never encrypted. Every file in it is, with the same password."""
    other = make_vault("Holidays", PARTIES, 2)[0].vult
    files = {"Savings-share1of2.vult": encrypt_vlt2(IPHONE, "pw"), "Holidays-share1of2.vult": encrypt_vlt2(other, "pw")}
    path = tmp_path / name
    path.write_bytes(zipped(*files.items()))
    archive = open_archive(read_file(path))
    assert {member.name: member.data for member in archive.members} == files
    shares = [read_share(member.data, password="pw") for member in archive.members]
    assert [share.facts.vault_name for share in shares] == ["Savings", "Holidays"]


def test_two_parties_of_one_index_are_told_apart_by_name() -> None:
    """A new device takes a lost one's index in a reshare; only the name says who is who."""
    before, after = (make_vault("v", ("iPhone", name), 2)[1].vult for name in ("Pixel", "Token"))
    old, new = read_share(before).facts, read_share(after).facts
    assert old.index == new.index
    assert old.party != new.party


def test_what_one_sdk_throws_away_is_kept() -> None:
    """It has exported a vault without its third key share. Here the file is what is kept, not what was understood."""
    vult = GG20[0].edited(lambda share: share.vault.key_shares.add(public_key="f00d", keyshare="{}"))
    assert read_share(vult).original == vult
    assert rebuild(split(vult)) == vult


def fixture_files() -> list[str]:
    folder = Path(os.environ.get("COLDSHARE_FIXTURES") or "nowhere")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.vult"))


@pytest.mark.parametrize("file", fixture_files())
def test_every_file_that_is_at_hand_is_read_and_rebuilt(fixtures: Path, file: str) -> None:
    data = (fixtures / file).read_bytes()
    share = read_with_any(data, None, "correct horse 2-of-3", "Password123!")
    assert share.original == data
    assert share.facts.generation
    assert rebuild(split(data)) == data


def read_with_any(data: bytes, *passwords: str | None) -> VaultShare:
    for password in passwords:
        with contextlib.suppress(VaultPasswordNeededError, VaultPasswordWrongError):
            return read_share(data, password=password)
    pytest.fail("none of the passwords opens this file")
