"""What is kept of a backup on its way: which bytes, for whose eyes, and that nothing else passes for it."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldshare import declare
from coldshare.errors import ColdshareError
from coldshare.files import OutputError
from coldshare.outbox import Entry, Outbox, OutboxError, Waiting, outbox_path
from coldshare.seal import Factors, seal
from coldshare_iface import codec, wire
from coldshare_iface.messages import Declaration
from support.bits import flip

DECLARED = Declaration(
    vault=bytes([2]) * 33,
    name="Savings",
    party="Phone",
    generation=bytes([3]) * 32,
    threshold=2,
    parties=3,
    library=wire.LIBRARY_DKLS,
    nonce=bytes([4]) * 16,
).encode()
SERIAL, ID = bytes(range(8)), bytes(range(16, 32))
SEALED = seal(
    b"a share" + bytes(25),
    backup_id=ID,
    declaration_digest=declare.digest(DECLARED),
    slots=[Factors(recovery=bytes([5]) * 32)],
    random=lambda n: bytes([6]) * n,
)
ENTRY = Entry(SERIAL, ID, DECLARED, SEALED, recovery=True)

GOLDEN = bytes.fromhex(
    """
    a80001014800010203040506070250101112131415161718191a1b1c1d1e1f035870a8015821020202020202020202020202
    0202020202020202020202020202020202020202020267536176696e6773036550686f6e6504582003030303030303030303
    0303030303030303030303030303030303030303030305020603070208500404040404040404040404040404040404590103
    d860845881a70103054c0606060606060606060606063a43530001013a43530002013a435300035010111213141516171819
    1a1b1c1d1e1f3a4353000458203bdf2a8ebc5d6d620142afb6643e4d2e9861633f060e8953d6484dd62ab324283a43530005
    582025e4a6f505bc7402205fe07bc5e25e95f3162f1342c87af5f5048a21e804a160a058303a21916f53283b14db4ead9fea
    2b7a631bdf2950d677f8c790b783b65989d00982e855af1d098767b917573ee799df05818340a201243a43530006a2010802
    50060606060606060606060606060606065828aef46168e8a755cb4e7c4f2fe36413f89dffb467507b4c1ab04219a418af7b
    62b8ab8e8f858330d905f506f407582085e4ec128fd5e7c40954933b0887be82d7b7a51caac52674a7e9ba2d0de9763e
    """
)


@pytest.fixture
def outbox(home: Path) -> Outbox:
    return Outbox(outbox_path())


def path_of(outbox: Outbox, entry: Entry = ENTRY) -> Path:
    return outbox.folder / f"{entry.serial.hex()}-{entry.backup_id.hex()}.cbor"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_golden_bytes() -> None:
    assert ENTRY.encode() == GOLDEN
    assert Entry.decode(GOLDEN) == ENTRY
    # One byte says how far it was, and the digest at the end follows.
    later = replace(ENTRY, committed=True).encode()
    assert [at for at in range(len(GOLDEN) - 32) if later[at] != GOLDEN[at]] == [len(GOLDEN) - 36]
    assert Entry.decode(later).committed


def test_the_digest_is_that_of_the_rest() -> None:
    fields = codec.decode(GOLDEN)
    assert isinstance(fields, dict)
    digest = fields.pop(7)
    assert digest == hashlib.sha256(codec.encode(fields)).digest()


def test_the_largest_share_there_can_be(outbox: Outbox) -> None:
    share = os.urandom((1 << 20) - 1)
    declared = replace(ENTRY.declaration, name="n" * 96, party="p" * 96, vault=bytes(64)).encode()
    slots = [Factors(recovery=bytes([slot]) * 32) for slot in range(8)]
    sealed = seal(share, backup_id=ID, declaration_digest=declare.digest(declared), slots=slots)
    entry = Entry(SERIAL, ID, declared, sealed, recovery=True)
    assert outbox.keep(entry)
    assert outbox.load(entry.waiting) == entry


def test_it_lives_in_the_home_of_coldshare_and_is_private(outbox: Outbox, home: Path) -> None:
    before = os.umask(0)
    try:
        assert outbox.keep(ENTRY)
    finally:
        os.umask(before)
    assert outbox.folder == home / "outbox"
    assert (mode(home), mode(outbox.folder), mode(path_of(outbox))) == (0o700, 0o700, 0o600)
    outbox.mark_committed(ENTRY)
    assert mode(path_of(outbox)) == 0o600
    assert outbox.load(ENTRY.waiting) == replace(ENTRY, committed=True)


def test_after_the_last_one_nothing_stays(outbox: Outbox, home: Path) -> None:
    other = Waiting(SERIAL, bytes(16))
    assert outbox.keep(ENTRY)
    path_of(outbox).with_name(f"{other.serial.hex()}-{other.backup_id.hex()}.cbor").write_bytes(b"")
    # What a process leaves that is killed while it writes.
    half = outbox.folder / ".coldshare-0123456789abcdef.part"
    half.write_bytes(SEALED[:100])
    assert outbox.waiting() == [other, ENTRY.waiting]
    outbox.drop(other)
    assert outbox.waiting() == [ENTRY.waiting]
    assert half.exists()
    outbox.drop(ENTRY.waiting)
    assert list(home.iterdir()) == []
    outbox.drop(ENTRY.waiting)  # it is gone already
    assert outbox.waiting() == []


def test_what_is_somebody_elses_stays(outbox: Outbox) -> None:
    assert outbox.keep(ENTRY)
    for name in ("notes.txt", "x.cbor", ENTRY.serial.hex() + ".cbor", path_of(outbox).name + "x"):
        (outbox.folder / name).write_bytes(b"mine")
    assert outbox.waiting() == [ENTRY.waiting]
    outbox.drop(ENTRY.waiting)
    assert len(list(outbox.folder.iterdir())) == 4


def test_of_one_token(outbox: Outbox) -> None:
    assert outbox.keep(ENTRY)
    assert outbox.waiting(SERIAL) == [ENTRY.waiting]
    assert outbox.waiting(bytes(8)) == []


# --- nothing else passes for an entry


def refused(outbox: Outbox, data: bytes) -> bool:
    path_of(outbox).write_bytes(data)
    with pytest.raises(OutboxError) as caught:
        outbox.load(ENTRY.waiting)
    return "--forget" in caught.value.next_step and path_of(outbox).read_bytes() == data


def test_cut_off_anywhere(outbox: Outbox) -> None:
    outbox.folder.mkdir(parents=True)
    assert all(refused(outbox, GOLDEN[:size]) for size in range(len(GOLDEN)))
    assert refused(outbox, GOLDEN + b"\0")


def test_a_byte_changed_anywhere(outbox: Outbox) -> None:
    outbox.folder.mkdir(parents=True)
    for at in range(len(GOLDEN)):
        damaged = bytearray(GOLDEN)
        damaged[at] ^= 1 << at % 8
        assert refused(outbox, bytes(damaged))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes(outbox: Outbox, data: bytes) -> None:
    outbox.folder.mkdir(parents=True, exist_ok=True)
    assert refused(outbox, data)


def whole(fields: dict[int, codec.Encodable]) -> bytes:
    """With the digest that belongs to them."""
    return codec.encode({**fields, 7: hashlib.sha256(codec.encode(fields)).digest()})


FIELDS: dict[int, codec.Encodable] = {0: 1, 1: SERIAL, 2: ID, 3: DECLARED, 4: SEALED, 5: True, 6: False}


def test_a_good_one_for_comparison() -> None:
    assert whole(FIELDS) == GOLDEN


@pytest.mark.parametrize(
    "change",
    [
        {0: 2},
        {0: True},
        {1: SERIAL[1:]},
        {1: bytes(8)},  # that of another token than its name says
        {2: bytes(16)},
        {2: ID + b"\0"},
        {3: b""},
        {3: flip(DECLARED)},
        {4: b""},
        {4: SEALED[:-1]},
        {5: 1},
        {6: None},
        {8: 0},
    ],
    ids=str,
)
def test_whole_and_still_no_entry(outbox: Outbox, change: dict[int, codec.Encodable]) -> None:
    outbox.folder.mkdir(parents=True)
    assert refused(outbox, whole(FIELDS | change))


def test_under_another_name(outbox: Outbox) -> None:
    assert outbox.keep(ENTRY)
    other = replace(ENTRY, backup_id=bytes(16))
    path_of(outbox).rename(path_of(outbox, other))
    with pytest.raises(OutboxError):
        outbox.load(other.waiting)


def test_too_large_is_not_read(outbox: Outbox) -> None:
    outbox.folder.mkdir(parents=True)
    with path_of(outbox).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OutboxError):
        outbox.load(ENTRY.waiting)


def test_things_in_its_place(outbox: Outbox) -> None:
    outbox.folder.parent.mkdir()
    with pytest.raises(OutboxError, match="No such file"):
        outbox.load(ENTRY.waiting)
    outbox.folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(OutboxError, match="Not a directory") as caught:
        outbox.waiting()
    assert "Move it away" in caught.value.next_step
    outbox.drop(ENTRY.waiting)
    outbox.folder.unlink()
    path_of(outbox).mkdir(parents=True)
    with pytest.raises(OutboxError, match="Is a directory"):
        outbox.load(ENTRY.waiting)
    with pytest.raises(OutputError, match="cannot be removed"):
        outbox.drop(ENTRY.waiting)


# --- what fails is said, and stops nothing


def test_a_folder_that_cannot_be_made_is_said(home: Path) -> None:
    home.write_bytes(b"")
    said: list[str] = []
    outbox = Outbox(outbox_path(), said.append)
    assert not outbox.keep(ENTRY)
    (words,) = said
    assert "starts over" in words
    assert "cannot be made" in words
    outbox.mark_committed(ENTRY)
    outbox.drop(ENTRY.waiting)
    assert said == [words]


def test_a_full_disk_is_said_and_leaves_nothing(home: Path) -> None:
    """A limit on the size of files stands for the full disk: the write fails half way."""
    script = f"""
import resource, signal, sys
from coldshare.outbox import Entry, Outbox, outbox_path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
entry = Entry.decode(bytes.fromhex({GOLDEN.hex()!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
outbox = Outbox(outbox_path(), print)
print(outbox.keep(entry), outbox.waiting())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    said, result = done.stdout.splitlines()
    assert "starts over" in said
    assert "File too large" in said
    assert result == "False []"
    assert list(home.iterdir()) == []


def test_an_earlier_state_survives_a_failed_change(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outbox.keep(ENTRY)

    def full(descriptor: int) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    outbox.mark_committed(ENTRY)
    assert outbox.load(ENTRY.waiting) == ENTRY
    assert len(list(outbox.folder.iterdir())) == 1


def test_what_goes_wrong_inside_is_said_and_only_that() -> None:
    said: list[str] = []
    outbox = Outbox(Path("nowhere"), said.append)
    with outbox.spoken("Something is as it was"):
        raise ColdshareError("The disk is tired.")
    assert said == ["Note: Something is as it was. The disk is tired."]
    with pytest.raises(ZeroDivisionError), outbox.spoken("Something is as it was"):
        raise ZeroDivisionError
