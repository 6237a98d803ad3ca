"""Who: a program on the computer that makes the backups, at the moment when it makes them.
Wants: two parties of one vault on one token, or a backup that is found to be another one on the day it is needed. It
tells the token another vault or party than the share has that it seals.
What stops it: not the token, which cannot look into a seal. `verify` and `restore` on an honest computer hold the
declaration against the seal's header, the copy inside, and the share itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coldshare import declare, restore
from coldshare.declare import DeclarationMismatchError
from coldshare.vault import read_share
from coldshare.vault.synthetic import encrypt_legacy
from coldshare_iface.errors import OtherPartyError
from coldshare_iface.messages import Declaration
from coldshare_sim.flash import Chip
from support.desk import PASSWORD, Desk, put_share, store_as, vault

PHONE, LAPTOP = vault()[0].vult, vault()[1].vult


def truth(data: bytes) -> Declaration:
    return declare.declare(read_share(data).facts)


def exposed(desk: Desk, chip: Chip, tmp_path: Path, *, without_password: bool) -> None:
    client = desk.client(chip)
    held = client.backups()[-1]
    with pytest.raises(DeclarationMismatchError):
        restore.verify(client, held, PASSWORD)
    with pytest.raises(DeclarationMismatchError):
        restore.restore(client, held, PASSWORD, tmp_path / "out.vult")
    assert not (tmp_path / "out.vult").exists()
    if without_password:
        with pytest.raises(DeclarationMismatchError):
            restore.verify(client, held, None)
    else:
        restore.verify(client, held, None)  # whoever does not open it sees a whole seal, and no more


@pytest.mark.parametrize(
    ("where", "lie"),
    [
        ("everywhere", {"party": "Laptop"}),
        ("everywhere", {"vault": b"\x03" * 33}),
        ("everywhere", {"name": "Holidays"}),
        ("not in the header", {"party": "Laptop"}),
        ("not inside", {"party": "Laptop"}),
    ],
    ids=["party", "vault", "name", "not in the header", "not inside"],
)
def test_another_share_than_the_one_sealed(desk: Desk, tmp_path: Path, where: str, lie: dict[str, object]) -> None:
    """tests/host/test_backup_restore.py tells every other lie."""
    chip, told = desk.token(), replace(truth(PHONE), **lie)  # type: ignore[arg-type]
    store_as(
        desk.client(chip),
        told,
        PHONE,
        header=truth(PHONE) if where == "not in the header" else None,
        inside=truth(PHONE) if where == "not inside" else None,
    )
    exposed(desk, chip, tmp_path, without_password=where == "not in the header")


def test_control_an_honest_host(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    store_as(desk.client(chip), truth(PHONE), PHONE)
    client = desk.client(chip)
    assert restore.verify(client, client.backups()[0], PASSWORD).opened


def test_control_a_host_that_does_not_compare(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It restores the phone's share and says that it is the laptop's."""
    chip, told = desk.token(), replace(truth(PHONE), party="Laptop")
    store_as(desk.client(chip), told, PHONE)
    monkeypatch.setattr(declare, "agree", lambda declared, facts: None)
    client = desk.client(chip)
    done = restore.restore(client, client.backups()[0], PASSWORD, tmp_path / "out.vult")
    assert done.backup.declaration.party == "Laptop"
    assert (tmp_path / "out.vult").read_bytes() == PHONE


def test_two_parties_of_one_vault_as_two_vaults(desk: Desk, tmp_path: Path) -> None:
    """The token takes them for what it is told they are. The first look into the seal tells."""
    chip, _ = desk.stored()
    with pytest.raises(OtherPartyError):
        put_share(desk.client(chip), LAPTOP)  # control: what an honest host says is refused
    store_as(desk.client(chip), replace(truth(LAPTOP), vault=b"\x03" * 33, name="Holidays"), LAPTOP)
    assert [held.declaration.name for held in desk.client(chip).backups()] == ["Savings", "Holidays"]
    exposed(desk, chip, tmp_path, without_password=False)


def test_what_remains_a_vault_file_that_is_encrypted_itself(desk: Desk) -> None:
    """Its own password is not asked for when a backup is verified. A host that lies about such a file in the record
    inside the seal too is found out when the file is opened, and not before."""
    chip = desk.token()
    locked = encrypt_legacy(LAPTOP, "its own")
    told = truth(PHONE)
    store_as(desk.client(chip), told, locked, record=declare.record(read_share(PHONE)))
    client = desk.client(chip)
    checked = restore.verify(client, client.backups()[0], PASSWORD)
    assert checked.backup.declaration.party == "Phone"
    assert read_share(checked.original, password="its own").facts.party == "Laptop"
