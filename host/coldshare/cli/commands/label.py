"""`coldshare label NAME`: another label for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.commands.init import checked_label
from coldshare.cli.options import open_token, token_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("label", short_help="Give a token another label.")
@click.argument("name")
@token_options
def command(name: str, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Give the token the label NAME: at most 32 bytes, such as 'Safe A'. The token asks for a press."""
    ui = Ui(quiet=as_json)
    name = checked_label(name, "NAME")
    with open_token(at, ui) as client:
        client.check_manage()
        before = unlock(client, pin_file, ui)
        client.set_label(name)
        serial = client.info.serial.hex()
    return Result(
        {"token": {"label": name, "serial": serial}, "before": before},
        [f"The token {serial} is called {name!r} now; it was {before!r}."],
    )
