"""The main job, by the real command line, over a real kernel: HID at both speeds, and bulk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.guest.bus import Plug
from support.desk import PIN
from support.shell import Said, Shell
from support.terminal import Terminal

pytestmark = pytest.mark.kernel


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.mark.parametrize(("speed", "carrier"), [("fs", "hid"), ("hs", "hid"), ("hs", "usb")])
def test_from_a_new_token_to_a_restored_file(
    speed: str,
    carrier: str,
    folder: Path,
    share: bytes,
    shell: Shell,
    bus: Callable[..., Plug],
    terminal: Callable[..., Terminal],
) -> None:
    at = bus(folder / "a.token", speed, "--create").at(carrier)
    person = terminal("init", "--at", at, "--label", "Safe A", "--pin-file", "pin")
    person.answer("Are the two the same, every character? [y/N]: ", "y")
    assert person.finish(60) == 0, person.screen
    assert "is set up and paired with this computer" in person.screen
    shell.check(person.raw)
    assert PIN not in person.raw

    file = shell.write("phone.vult", share)
    shell.secrets.add_share(share)
    secret = ["--at", at, "--pin-file", "pin"]
    both = [*secret, "--password-file", "pw"]
    backup_id = good(shell("backup", file, *both, "--no-recovery", "--json")).json["backup_id"]
    (held,) = good(shell("list", *secret, "--json")).json["backups"]
    assert (held["backup_id"], held["state"]) == (backup_id, "active")
    (seen,) = good(shell("verify", *both, "--json")).json["backups"]
    assert seen["opened"] is True
    good(shell("restore", *both, "--out", "back.vult", "--json"))
    assert (folder / "back.vult").read_bytes() == share
    good(shell("remove", backup_id, *secret, "--json"))
    assert good(shell("list", *secret, "--json")).json["backups"] == []
