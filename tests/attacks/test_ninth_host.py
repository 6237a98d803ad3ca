"""Who: somebody who borrows the token for a moment, button and all, and pairs computer after computer with it.
Wants: the owner's computers to be pushed out, or a place among them that nobody notices.
What stops him: the token keeps eight, refuses the ninth without asking anybody, and forgets none by itself. `coldshare
pairings` lists all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.device.errors import SessionRefusedError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import F_PAIRINGS
from coldshare_iface import wire
from coldshare_iface.errors import LockedError, PairingsFullError
from coldshare_sim.flash import Chip
from support.desk import Cable, Desk, approves, key_record, power_up


def pair(chip: Chip, folder: Path, number: int) -> PairingStore:
    store = PairingStore(folder / str(number) / "pairings.json")
    TokenClient(Cable(power_up(chip))).pair(store, lambda code: True, f"computer {number}")
    return store


def let_in(chip: Chip, store: PairingStore) -> None:
    client = TokenClient(Cable(power_up(chip)))
    client.connect(store)
    with pytest.raises(LockedError):
        client.backups()


def test_the_ninth_is_refused_and_the_eight_stay(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    stores = [desk.store, *(pair(chip, tmp_path, number) for number in range(wire.PAIRINGS_MAX - 1))]
    before, person = bytes(chip.image), approves()
    ninth = PairingStore(tmp_path / "ninth.json")
    with pytest.raises(PairingsFullError):
        TokenClient(Cable(power_up(chip, person))).pair(ninth, lambda code: True)
    assert person.questions == []
    assert ninth.all() == []
    assert bytes(chip.image) == before
    for store in stores:
        let_in(chip, store)


def test_control_a_token_that_keeps_more(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limit the ninth is in."""
    chip = desk.token()
    for number in range(wire.PAIRINGS_MAX - 1):
        pair(chip, tmp_path, number)
    monkeypatch.setattr(wire, "PAIRINGS_MAX", wire.PAIRINGS_MAX + 1)
    let_in(chip, pair(chip, tmp_path, 9))
    assert len(key_record(chip)[F_PAIRINGS]) == wire.PAIRINGS_MAX


def test_the_owner_sees_them_and_sends_them_away(desk: Desk, tmp_path: Path) -> None:
    """Also the control for "they stay": one that is forgotten is let in no more."""
    chip = desk.token()
    his = pair(chip, tmp_path, 1)
    let_in(chip, his)
    client = desk.client(chip)
    assert [one.host for one in client.pairings()] == ["desk", "computer 1"]
    client.unpair(client.psk_id, others=True)
    with pytest.raises(SessionRefusedError):
        let_in(chip, his)
    let_in(chip, desk.store)
