"""`coldshare pair`: introduce this computer to a token that is set up already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.options import at_option, compare, json_option, open_token, pairings
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("pair", short_help="Introduce this computer to a token.")
@at_option
@json_option
def command(at: Address, as_json: bool) -> Result:
    """Introduce this computer to a token that another computer has set up.

    Compare the code on both screens, accept it here, then press the token's button.
    """
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        client.pair(pairings(), compare(client, ui))
        serial = client.info.serial.hex()
    return Result({"serial": serial}, [f"This computer and the token {serial} know each other now."])
