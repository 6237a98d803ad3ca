"""Who: somebody who will control the person's computer later, and hands them a token with another party's share first.
Wants: enough shares of one vault in the clear on that one computer. The token was told another party, generation or
threshold than the share in it has, so that by its words nothing is too many.
What stops him: the token's words are asked only in order to refuse early. Once the seal is open, the share itself is
held against them, and nothing is written of one that is in disguise. Where nobody has told anything, the share counts
as what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare import declare, restore
from coldshare.declare import DeclarationMismatchError
from coldshare.handling import SeveralSharesError, process
from coldshare.vault import read_share
from coldshare_iface.messages import Declaration
from support.desk import PASSWORD, Desk, store_as, vault

PHONE, LAPTOP = (share.vult for share in vault()[:2])
HONEST = declare.declare(read_share(LAPTOP).facts)
DISGUISES = {
    "party": replace(HONEST, party="Phone"),
    "generation": replace(HONEST, generation=bytes(32)),
    "threshold": replace(HONEST, threshold=3),
    "vault": replace(HONEST, vault=bytes([2]) * 33),
}


@pytest.fixture(autouse=True)
def the_phones_computer() -> Iterator[None]:
    """It has handled the phone's share, and nobody has accepted another one."""
    with process.fresh():
        process.take(declare.declare(read_share(PHONE).facts))
        yield


def bring(desk: Desk, told: Declaration, out: Path) -> None:
    chip = desk.token()
    with desk.client(chip) as client:
        store_as(client, told, LAPTOP)
    with desk.client(chip) as client:
        (held,) = client.backups()
        restore.restore(client, held, PASSWORD, out)


def test_without_a_disguise_it_is_refused(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SeveralSharesError):
        bring(desk, HONEST, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("defended", [True, False])
@pytest.mark.parametrize("told", DISGUISES.values(), ids=DISGUISES)
def test_in_disguise(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Declaration, defended: bool
) -> None:
    """The control: a host that believes what the token was told."""
    out = tmp_path / "out"
    if defended:
        with pytest.raises(DeclarationMismatchError):
            bring(desk, told, out)
        assert not out.exists()
    else:
        monkeypatch.setattr(restore, "_compare", lambda content, declared: None)
        bring(desk, told, out)
        assert out.read_bytes() == LAPTOP
