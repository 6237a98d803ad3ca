"""Who: another account on the computer, or a program that can write in a folder where coldshare writes, though not into
coldshare itself.
Wants: a share or a key in a file that he can read, or a file of the person's overwritten.
What stops him: what coldshare writes is a new file of mode 0600 that takes its name in one step, over no file that is
there and through no link; pairing keys are in a folder of the person's own. Keys that he puts there himself are those
of no token.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coldshare import restore
from coldshare.device.pairings import Pairing, PairingStore
from coldshare.device.token import TokenClient
from coldshare.files import OutputError, OutputExistsError, write_private
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError
from support.attacker import Middle, Wire
from support.client import FrameRefusedError, Host
from support.desk import PASSWORD, PIN, Cable, Desk, Presses, power_up, vault
from support.shell import Shell, failed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX's")

SECRET = Pairing(b"serial!!", b"psk id!!", bytes(range(32)))


@pytest.fixture
def prey(tmp_path: Path) -> Path:
    """A file of the person's, or of his own: where a link of his leads to."""
    path = tmp_path / "prey"
    path.write_bytes(b"untouched")
    return path


class Plants(Presses):
    """While the person looks at the token, somebody is busy on the computer."""

    def __init__(self, plant: Callable[[], None]) -> None:
        super().__init__(1)
        self.plant = plant

    def show(self, lines: list[str], question: bool) -> None:
        super().show(lines, question)
        if question:
            self.plant()


def _write_through(path: Path, data: bytes, *, replace: bool) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize("defended", [True, False])
def test_a_link_where_the_share_will_be_written(
    desk: Desk, tmp_path: Path, prey: Path, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """After coldshare has looked whether the name is free. The control: a file that is simply opened and written."""
    if not defended:
        monkeypatch.setattr(restore, "write_private", _write_through)
    out = tmp_path / "phone.vult"
    chip, _ = desk.stored()
    client = desk.client(chip, Plants(lambda: out.symlink_to(prey)))
    if defended:
        with pytest.raises(OutputExistsError):
            restore.restore(client, client.backups()[0], PASSWORD, out)
        assert prey.read_bytes() == b"untouched"
    else:
        restore.restore(client, client.backups()[0], PASSWORD, out)
        assert prey.read_bytes() == vault()[0].vult


@pytest.mark.parametrize("option", ["--recovery-out", "--out"])
def test_a_link_that_is_there_already(desk: Desk, shell: Shell, prey: Path, option: str) -> None:
    chip, _ = desk.stored()
    shell.write("a.token", bytes(chip.image))
    Path("x").symlink_to(prey)
    command = ["backup", "phone.vult"] if option == "--recovery-out" else ["restore"]
    at = ["--at", "sim:a.token?user=approve", "--pin-file", "pin", "--password-file", "pw"]
    said = shell(*command, option, "x", *at)
    failed(said, "output_exists", said.status, as_json=False)
    assert prey.read_bytes() == b"untouched"


@pytest.mark.parametrize("defended", [True, False])
def test_a_link_in_the_place_of_the_pairing_keys(
    home: Path, prey: Path, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """The link is replaced, not followed. The control: the same change written into what is there."""
    home.mkdir()
    store = PairingStore(home / "pairings.json")
    store.path.symlink_to(prey)
    prey.write_text('{"format": 1, "pairings": []}')
    before = prey.read_bytes()
    if not defended:
        monkeypatch.setattr("coldshare.device.pairings.write_private", _write_through)
    store.keep(SECRET)
    assert (SECRET.psk.hex().encode() in prey.read_bytes()) is not defended
    assert (prey.read_bytes() == before) is defended
    assert store.path.is_symlink() is not defended


@pytest.mark.parametrize("defended", [True, False])
def test_a_link_in_the_place_of_the_lock(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """Nothing is made where it leads to. The control: a lock that follows links."""
    home.mkdir()
    target = tmp_path / "made by coldshare"
    (home / "pairings.lock").symlink_to(target)
    if not defended:
        monkeypatch.setattr(os, "O_NOFOLLOW", 0)
        PairingStore(home / "pairings.json").keep(SECRET)
    else:
        with pytest.raises(OutputError):
            PairingStore(home / "pairings.json").keep(SECRET)
    assert target.exists() is not defended


def test_a_link_under_a_temporary_name_that_he_has_guessed(
    tmp_path: Path, prey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has 64 random bits; and if he knew them it would not be followed."""
    monkeypatch.setattr("coldshare.files.secrets.token_hex", lambda size: "guessed")
    (tmp_path / ".coldshare-guessed.part").symlink_to(prey)
    with pytest.raises(ColdshareError):
        write_private(tmp_path / "new", b"secret", replace=False)
    assert prey.read_bytes() == b"untouched"
    assert not (tmp_path / "new").exists()


def test_pairing_keys_that_others_may_read(desk: Desk) -> None:
    """Copied back from somewhere, say. The first use closes the file."""
    desk.token()
    desk.store.path.chmod(0o644)
    assert len(desk.store.all()) == 1
    assert desk.store.path.stat().st_mode & 0o777 == 0o600
    assert desk.store.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("whose", ["another computer's", "his own"])
def test_other_pairing_keys_in_their_place(desk: Desk, tmp_path: Path, whose: str) -> None:
    """No token knows them, so none is unlocked, and no PIN is asked for."""
    chip = desk.token()
    right = desk.store.all()[0]
    if whose == "his own":
        desk.store.keep(replace(SECRET, serial=right.serial))
    else:
        other = PairingStore(tmp_path / "other.json")
        TokenClient(Cable(power_up(desk.token(1, "Safe B")))).pair(other, lambda code: True)
        desk.store.path.write_bytes(other.path.read_bytes())
    cable = Wire(power_up(chip))
    with pytest.raises(ColdshareError) as caught:
        TokenClient(cable).connect(desk.store)
    assert caught.value.code == ("session_refused" if whose == "his own" else "not_paired")
    assert cable.records == 0
    desk.store.keep(right)
    TokenClient(cable).connect(desk.store)  # control: with the right ones the same token opens


def test_what_remains_pairing_keys_that_were_copied(desk: Desk) -> None:
    """Whoever has them and the cable is in the middle, and reads the PIN. They are to be kept like it. Forgotten by the
    token they are worth nothing."""
    chip = desk.token()
    stolen = desk.store.all()[0]
    middle = Middle(power_up(chip))
    middle.psk_id, middle.psk = stolen.psk_id, stolen.psk
    client = TokenClient(middle)
    client.connect(desk.store)
    client.unlock(PIN)
    assert {0: wire.OP_UNLOCK, 1: PIN} in middle.requests
    desk.store.keep(stolen)
    client = desk.client(chip)
    client.unpair(client.psk_id)
    late = Host(power_up(chip)).hello()
    with pytest.raises(FrameRefusedError):
        late.open(psk_id=stolen.psk_id, psk=stolen.psk)
