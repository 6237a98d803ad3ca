"""`coldshare pin`: another PIN for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.options import only_copies, open_token, pairings, token_options
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("pin", short_help="Change the PIN of a token.")
@click.option("--new-pin-file", metavar="FILE", help="Read the new PIN from FILE (- for standard input).")
@token_options
def command(new_pin_file: str | None, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Change the PIN of the token. It asks for a press.

    The old PIN counts as an attempt: a wrong one costs one of eight.
    """
    from coldshare.device.errors import SamePinError
    from coldshare.device.token import check_pin
    from coldshare_iface import wire
    from coldshare_iface.errors import NotSetUpError

    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        client.check_manage()
        client.connect(pairings())
        if client.info.state == wire.TOKEN_NEW:
            raise NotSetUpError
        if client.info.state == wire.TOKEN_BURNT:
            raise only_copies()
        with ui.prompting():
            old = entry.get(pin_file, "PIN of the token", "--pin-file", check=check_pin)
            what = "new PIN (4 to 12 digits)"
            new = entry.get(new_pin_file, what, "--new-pin-file", check=check_pin, new=True)
        if new == old:
            raise SamePinError
        ui.unlocking = True
        try:
            client.change_pin(old, new)
        finally:
            ui.unlocking = False
        serial = client.info.serial.hex()
    return Result(
        {"serial": serial},
        [f"The token {serial} has a new PIN; the old one counts as a wrong one from now on."],
    )
