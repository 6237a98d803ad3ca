"""`coldshare pair`: introduce this computer to a token that is set up already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.options import at_option, json_option, open_token, pair, pairings
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("pair", short_help="Introduce this computer to a token.")
@at_option
@json_option
def command(at: Address, as_json: bool) -> Result:
    """Introduce this computer to a token that another computer has set up.

    Compare the code on both screens, accept it here, then press the token's button. A token that has destroyed its keys
    wants it HELD, and gives copies of its sealed shares then.
    """
    from coldshare_iface import wire

    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        pair(client, pairings(), ui)
        serial = client.info.serial.hex()
        burnt = client.info.state == wire.TOKEN_BURNT
    lines = [f"This computer and the token {serial} know each other now."]
    if burnt:
        lines += [
            "Its keys are gone. It lists and gives out its sealed shares, which their recovery codes open.",
            "Next: coldshare list, then coldshare restore --recovery, or coldshare export",
        ]
    return Result({"serial": serial, "burnt": burnt}, lines)
