"""Ctrl-C in the middle of a transfer: heard at once, nothing left behind, and the token takes the next command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel.guest.bus import Plug
from support.shell import Shell
from support.terminal import CTRL_C, Terminal

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(("speed", "carrier"), [("fs", "hid"), ("hs", "usb")])
def test_ctrl_c_in_the_middle(
    speed: str, carrier: str, shell: Shell, share: bytes, ready: Callable[..., Plug], terminal: Callable[..., Terminal]
) -> None:
    at = ready(speed).at(carrier)
    shell.write("phone.vult", share)
    secret = ["--at", at, "--pin-file", "pin"]
    both = [*secret, "--password-file", "pw"]
    person = terminal("backup", "phone.vult", "--no-recovery", *both)
    person.until("Writing")
    person.type(CTRL_C)
    assert person.finish(60) == 130, person.screen
    assert "Error (cancelled)" in person.screen
    assert person.sane
    shell.check(person.raw)
    said = shell("list", *secret, "--json")
    assert said.status == 0
    assert said.json["backups"] == []
