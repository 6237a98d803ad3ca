"""Who: somebody who copied the token's flash and puts the old image back later.
Wants: a removed backup or an old generation to be back, a computer that was sent away to be let in again, the old PIN
to work; or to guess at the PIN for ever.
What stops him: everything that is done to a token goes into a chain of hashes, and each computer keeps the head of it
that it saw last. A chain that does not go on from there is told before anything is read. Guesses at the PIN leave no
trace on an image that is put back: there the password is what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare import restore
from coldshare.device.errors import RolledBackError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.seal import Factors, parse
from coldshare.seal.errors import WrongFactorError
from coldshare_firmware.keys import F_AUDIT, F_FAILS
from coldshare_iface import wire
from coldshare_iface.errors import PinReplugError, PinWrongError
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import PASSWORD, PIN, Cable, Desk, key_record, power_up, put_share, vault

NEW_PIN = "918273"


def remove(client: TokenClient) -> None:
    client.remove(client.backups()[0].backup_id)


def replace_it(client: TokenClient) -> None:
    put_share(client, vault()[0].vult)


ACTS: dict[str, Callable[[TokenClient], None]] = {
    "a backup is removed": remove,
    "a backup is replaced": replace_it,
    "the label is changed": lambda client: client.set_label("Safe C"),
    "the PIN is changed": lambda client: client.change_pin(PIN, NEW_PIN),
    "other computers are sent away": lambda client: client.unpair(client.psk_id, others=True),
}


def visited(desk: Desk, tmp_path: Path, act: Callable[[TokenClient], None]) -> tuple[bytes, Chip]:
    """The image from before and the token as it is now, at a computer that has seen both."""
    chip, _ = desk.stored()
    TokenClient(Cable(power_up(chip))).pair(PairingStore(tmp_path / "other.json"), lambda code: True, "laptop")
    with desk.client(chip):
        pass
    image = bytes(chip.image)
    with desk.client(chip) as client:
        act(client)
    return image, chip


def forget(desk: Desk) -> None:
    """What a computer knows that has not seen the token since, or never."""
    desk.store.keep(replace(desk.store.all()[0], seen=None))


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_an_old_image_is_noticed(desk: Desk, tmp_path: Path, act: Callable[[TokenClient], None]) -> None:
    image, _ = visited(desk, tmp_path, act)
    for _ in range(2):  # and noticed again the next time
        with pytest.raises(RolledBackError):
            desk.client(Chip(image))
    forget(desk)
    desk.client(Chip(image))  # control: to a computer that knows nothing of what came after it is as good as new


def test_control_what_he_gets_where_nobody_knows(desk: Desk, tmp_path: Path) -> None:
    """The backup that was removed is back, with its factor; it verifies and restores."""
    image, chip = visited(desk, tmp_path, remove)
    assert desk.client(chip).backups() == []
    forget(desk)
    client = desk.client(Chip(image))
    restore.restore(client, client.backups()[0], PASSWORD, tmp_path / "back.vult")
    assert (tmp_path / "back.vult").read_bytes() == vault()[0].vult


def test_the_token_as_it_is_raises_nothing(desk: Desk, tmp_path: Path) -> None:
    _, chip = visited(desk, tmp_path, remove)
    for _ in range(2):
        with desk.client(chip) as client:
            client.set_label("Safe D")


@pytest.mark.parametrize("events", [1, 2, 5])
def test_he_goes_on_from_the_old_image_until_it_is_as_long(desk: Desk, tmp_path: Path, events: int) -> None:
    """Who holds it can let it pair, and so make its chain longer. It is another chain."""
    image, chip = visited(desk, tmp_path, remove)
    old = Chip(image)
    for number in range(events):
        his = PairingStore(tmp_path / f"his {number}.json")
        TokenClient(Cable(power_up(old))).pair(his, lambda code: True, "his")
    assert count(old) >= count(chip)
    with pytest.raises(RolledBackError):
        desk.client(old)


def test_what_remains_a_chain_whose_entries_are_gone(desk: Desk, tmp_path: Path) -> None:
    """He makes it longer than it was and removes the entries from the flash, which is no secret. The computer cannot
    tell what was done; it says that it does not know, and no more."""
    image, chip = visited(desk, tmp_path, remove)
    old = Chip(image)
    for number in range(3):
        his = PairingStore(tmp_path / f"his {number}.json")
        TokenClient(Cable(power_up(old))).pair(his, lambda code: True, "his")
    assert count(old) > count(chip)
    files = LittleFiles(old)
    for name in files.listdir("/a"):
        files.remove(f"/a/{name}")
    client = desk.client(old)
    assert client.history is not None
    assert not client.history.known


def count(chip: Chip) -> int:
    """How many entries the token's chain has."""
    return int(key_record(chip)[F_AUDIT][0])


def test_what_remains_guesses_at_the_pin(desk: Desk) -> None:
    """On a copy nothing is counted that cannot be taken back. The same image is what its owner's computer saw last."""
    chip, _ = desk.stored()
    with desk.client(chip):
        pass
    image = bytes(chip.image)
    pairing = desk.store.all()[0]
    for guess in range(10):
        copy = Chip(image)
        client = TokenClient(Cable(power_up(copy)))
        client.connect(desk.store)
        with pytest.raises(PinWrongError):
            client.unlock(f"00000{guess}")
        assert key_record(copy)[F_FAILS] == 1
    assert desk.store.all() == [pairing]
    desk.client(Chip(image))


def test_control_without_the_old_image_guesses_count(desk: Desk) -> None:
    chip, _ = desk.stored()
    client = TokenClient(Cable(power_up(chip)))
    client.connect(desk.store)
    for guess in range(wire.PIN_PER_POWER_UP):
        with pytest.raises(PinWrongError):
            client.unlock(f"00000{guess}")
    with pytest.raises(PinReplugError):
        client.unlock(PIN)
    assert key_record(chip)[F_FAILS] == wire.PIN_PER_POWER_UP


def test_what_is_left_then_is_the_password(desk: Desk) -> None:
    """All that the token has, its factor and the sealed bytes, and no password."""
    chip, backup_id = desk.stored()
    client = desk.client(chip)
    opened = client.open(backup_id, wire.PURPOSE_RESTORE)
    envelope = parse(client.get(backup_id, opened.size, opened.digest))
    with pytest.raises(WrongFactorError):
        envelope.open(Factors(password="not the password", token=opened.factor))
    with pytest.raises(WrongFactorError):
        envelope.open(Factors(password=PASSWORD, token=bytes(wire.FACTOR_SIZE)))
    assert envelope.open(Factors(password=PASSWORD, token=opened.factor))
