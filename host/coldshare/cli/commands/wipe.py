"""`coldshare wipe`: make a token as good as new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.options import at_option, json_option, open_token, pairings
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("wipe", short_help="Destroy everything on a token.")
@at_option
@json_option
def command(at: Address, as_json: bool) -> Result:
    """Destroy everything on the token: backups, keys, PIN, label, and every computer that it knows.

    This needs no PIN and no pairing, so that a token whose PIN is forgotten, or that has burnt itself, can be used
    again. What it needs is you at the token: it shows what it is about to do, and asks for a button that is HELD.
    """
    from coldshare.errors import ColdshareError
    from coldshare.ledger import record

    ui = Ui(quiet=as_json)
    store = pairings()
    with open_token(at, ui) as client:
        ui.note(f"Everything on the token {client.info.serial.hex()} will be destroyed.")
        ui.holding = True
        before = client.wipe()
        after = client.info.serial
    record.wiped(ui.note, before, after)
    lines = ["Wiped: the token holds nothing any more, and knows nobody."]
    try:
        forgotten = store.forget(before)
    except ColdshareError as error:
        forgotten = False
        lines.append(f"Its old pairing key is still on this computer, and opens nothing: {error.message}")
    lines.append(f"It is a new token now, with the serial {after.hex()}. Next: coldshare init --label NAME")
    return Result({"serial": after.hex(), "serial_before": before.hex(), "pairing_forgotten": forgotten}, lines)
