"""`coldshare init`: a new token gets its pairing, its PIN and its label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.options import compare, open_token, pairings, token_options
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("init", short_help="Set up a new token.")
@click.option("--label", required=True, help="A name for the token, at most 32 bytes, such as 'Safe A'.")
@token_options
def command(label: str, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Set up a new token: pair it with this computer, give it a PIN and a label.

    At a sim: address a software token is made where there is no file yet.
    """
    from coldshare.device.errors import NotPairedError, SessionRefusedError
    from coldshare.device.token import check_pin
    from coldshare_iface import wire
    from coldshare_iface.errors import AlreadySetUpError, BurntError

    ui = Ui(quiet=as_json)
    label = checked_label(label)
    what = "new PIN (4 to 12 digits)"
    if pin_file is not None or not entry.person_here():
        # Before a software token is made for nothing.
        pin = entry.get(pin_file, what, "--pin-file", check=check_pin)
    else:
        pin = ""
    with open_token(at, ui, create=True) as client:
        if client.info.state == wire.TOKEN_READY:
            raise AlreadySetUpError
        if client.info.state == wire.TOKEN_BURNT:
            raise BurntError
        if not pin:
            with ui.prompting():
                pin = entry.get(None, what, "--pin-file", check=check_pin, new=True)
        store = pairings()
        try:
            client.connect(store)
        except (NotPairedError, SessionRefusedError):
            client.pair(store, compare(client, ui))
            client.connect(store)
        client.set_up(pin, label)
        serial = client.info.serial.hex()
    return Result(
        {"label": label, "serial": serial, "model": client.info.model, "firmware": client.info.firmware},
        [
            f"The token {label!r} (serial {serial}) is set up and paired with this computer.",
            "Keep its PIN apart from it. After 8 wrong PINs it destroys its keys.",
            "Next: coldshare backup FILE.vult",
        ],
    )


def checked_label(label: str, where: str = "--label") -> str:
    """Said here first, so that nobody presses buttons for nothing; the token checks it again."""
    from coldshare_iface import wire
    from coldshare_iface.text import unshowable

    if any(unshowable(ord(char)) for char in label) or not 1 <= len(label.encode()) <= wire.LABEL_MAX:
        raise click.BadParameter("a label has 1 to 32 bytes, all of them printable", param_hint=where)
    return label
