"""Who: somebody who has the token's flash in his hands, or has changed its firmware, and exchanges what belongs to two
backups: the sealed shares, the declarations, or both.
Wants: the owner to believe that a backup is there which is not, or to restore one share in the place of another.
What stops him: the seal's authenticated header names the backup id and the digest of the declaration, each backup has a
factor of its own, and a declaration is encrypted for its own backup. `verify` looks at all of it, without the password
too; the read-back of `backup` compares every byte before the old backup goes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare import restore
from coldshare import seal as sealing
from coldshare.declare import DeclarationMismatchError
from coldshare.device.errors import WrongTokenError
from coldshare.device.token import TokenClient
from coldshare.seal.errors import WrongFactorError
from coldshare_firmware.keys import Keys
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.token import SimHal
from support.desk import PASSWORD, Desk, approves, put_share, slots, vault

BLOBS, RECORDS = "/b", "/r"


_made: list[tuple[bytes, str, str]] = []


@pytest.fixture
def two(desk: Desk) -> tuple[Chip, str, str]:
    """A token with two backups, of two vaults; their ids."""
    if not _made:
        chip, first = desk.stored()
        second = put_share(desk.client(chip), vault("Holidays")[0].vult).backup_id
        _made.append((bytes(chip.image), first.hex(), second.hex()))
    desk.token()  # and so its pairing key
    image, one, other = _made[0]
    return Chip(image), one, other


def swap(chip: Chip, folder: str, first: str, second: str) -> None:
    """With the token unplugged, by somebody who can write its file system."""
    files = LittleFiles(chip)
    files.rename(f"{folder}/{first}", "/aside")
    files.rename(f"{folder}/{second}", f"{folder}/{first}")
    files.rename("/aside", f"{folder}/{second}")


def exposed(desk: Desk, chip: Chip, tmp_path: Path, error: type[Exception] = DeclarationMismatchError) -> None:
    """By `verify` with and without the password and by `restore`, for both of them."""
    client = desk.client(chip)
    held = client.backups()
    assert len(held) == 2
    for one in held:
        for key in (None, PASSWORD):
            with pytest.raises(error):
                restore.verify(client, one, key)
        with pytest.raises(error):
            restore.restore(client, one, PASSWORD, tmp_path / "out.vult")
    assert not (tmp_path / "out.vult").exists()


def test_as_they_were_both_are_good(desk: Desk, two: tuple[Chip, str, str]) -> None:
    """And swapped twice: that the files were touched is no reason to refuse."""
    swap(two[0], BLOBS, *two[1:])
    swap(two[0], BLOBS, *two[1:])
    client = desk.client(two[0])
    assert all(restore.verify(client, held, PASSWORD).opened for held in client.backups())


def test_the_sealed_shares(desk: Desk, two: tuple[Chip, str, str], tmp_path: Path) -> None:
    swap(two[0], BLOBS, *two[1:])
    exposed(desk, two[0], tmp_path)


def test_control_a_host_that_does_not_look_at_the_header(
    desk: Desk, two: tuple[Chip, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds both backups good. With the password it does not: the other one's factor does not open this one."""
    swap(two[0], BLOBS, *two[1:])
    client = desk.client(two[0])
    blind(monkeypatch)
    for held in client.backups():
        monkeypatch.setattr(sealing, "parse", claims_to_be(held.backup_id))
        assert restore.verify(client, held, None)
        with pytest.raises(WrongFactorError):
            restore.verify(client, held, PASSWORD)


_parse = sealing.parse


def claims_to_be(backup_id: bytes) -> Callable[[bytes], sealing.Envelope]:
    return lambda sealed: replace(_parse(sealed), backup_id=backup_id)


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the digest of the declaration in the header."""
    monkeypatch.setattr(restore, "_bound", lambda envelope, declared: None)


def test_the_declarations(desk: Desk, two: tuple[Chip, str, str]) -> None:
    """Each is encrypted for its own backup: to the token, and so to everybody, they are damaged."""
    swap(two[0], RECORDS, *two[1:])
    contents = desk.client(two[0]).contents()
    assert contents.backups == ()
    assert sorted(one.backup_id.hex() for one in contents.unnamed) == sorted(two[1:])


@pytest.mark.parametrize("defended", [True, False])
def test_the_declarations_by_somebody_who_has_read_the_key_area(
    desk: Desk, two: tuple[Chip, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """He can encrypt them anew, each for the other's backup, and the token shows what he wants. The seals expose it.
    The control: a host that does not hold the header against the declaration."""
    chip, first, second = two
    told = {held.backup_id.hex(): held for held in desk.client(chip).backups()}
    for here, there in ((first, second), (second, first)):
        written(chip, bytes.fromhex(here), told[there].declared)
    shown = {held.backup_id.hex(): held.declaration for held in desk.client(chip).backups()}
    assert shown == {first: told[second].declaration, second: told[first].declaration}
    if defended:
        exposed(desk, chip, tmp_path)
        return
    blind(monkeypatch)
    client = desk.client(chip)
    assert [restore.verify(client, held, None).opened for held in client.backups()] == [False, False]


def written(chip: Chip, backup_id: bytes, declared: bytes) -> None:
    """By the firmware's own hand, with the names key that is on the chip."""
    hal = SimHal(chip, approves(), VirtualClock(), os.urandom)
    Store(hal, Keys(hal)).write_record(backup_id, declared)


def test_both_the_share_and_its_declaration(desk: Desk, two: tuple[Chip, str, str], tmp_path: Path) -> None:
    """One backup under the id of the other, with all that goes with it: the id is in the seal."""
    chip, first, second = two
    told = {held.backup_id.hex(): held.declared for held in desk.client(chip).backups()}
    swap(chip, BLOBS, first, second)
    written(chip, bytes.fromhex(first), told[second])
    written(chip, bytes.fromhex(second), told[first])
    exposed(desk, chip, tmp_path)


@pytest.mark.parametrize("defended", [True, False])
def test_a_token_that_reads_back_another_backup(
    desk: Desk, two: tuple[Chip, str, str], monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """Firmware that answers every `read` from its first backup, and says of it what the host wants to hear. The old
    backup of that share stays. The control: a host that does not compare what it reads."""
    chip, first, second = two
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda self, _, at, length: read(self, bytes.fromhex(first), at, length))
    if not defended:
        monkeypatch.setattr(TokenClient, "get", trusting)
    client = desk.client(chip, approves())
    if defended:
        with pytest.raises(WrongTokenError):
            put_share(client, vault("Holidays")[0].vult)
        assert (bytes.fromhex(second), wire.BACKUP_ACTIVE) in slots(chip)
    else:
        put_share(client, vault("Holidays")[0].vult)
        assert second not in [backup_id.hex() for backup_id, _ in slots(chip)]


def trusting(client: TokenClient, backup_id: bytes, size: int, digest: bytes, progress: object = None) -> bytes:
    return bytes(size)
