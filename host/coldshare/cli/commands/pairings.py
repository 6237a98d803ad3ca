"""`coldshare pairings`: which computers a token knows, and which it should forget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from coldshare.cli.options import open_token, token_options, unlock
from coldshare.cli.options import pairings as own_pairings
from coldshare.cli.render import Json, Result, table
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare_iface.messages import Paired


@click.command("pairings", short_help="Show or remove the computers a token knows.")
@click.argument("action", type=click.Choice(["list", "remove"]), default="list")
@click.argument("which", metavar="[ID]", required=False)
@click.option("--others", is_flag=True, help="With remove: every computer but this one.")
@token_options
def command(action: str, which: str | None, others: bool, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """List the computers that the token knows, or remove one: by the first characters of its id, or by its name.

    A computer that is removed has to be paired again before it can talk to the token. The token asks for a press.
    """
    if action == "list" and (which or others):
        raise click.UsageError("list takes neither ID nor --others")
    if action == "remove" and bool(which) == others:
        raise click.UsageError("remove takes an ID or --others: one of them")
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        client.check_manage()
        label = unlock(client, pin_file, ui)
        known = client.pairings()
        token: Json = {"label": label, "serial": client.info.serial.hex()}
        if action == "list":
            lines = [f"{label} (serial {client.info.serial.hex()}) knows:"]
            rows = [[one.psk_id.hex()[:8], one.host, _mine(client, one)] for one in known]
            return Result(
                {"token": token, "pairings": [_json(client, one) for one in known]},
                lines + table(["ID", "COMPUTER", ""], rows),
            )
        if which:
            gone = [_choose(known, which)]
            client.unpair(gone[0].psk_id)
        else:
            gone = [one for one in known if one.psk_id != client.psk_id]
            client.unpair(client.psk_id, others=True)
        lines = [f"{label!r} has forgotten {one.host!r} ({one.psk_id.hex()[:8]})." for one in gone]
        if any(one.psk_id == client.psk_id for one in gone):
            own_pairings().forget(client.info.serial)
            lines.append("That was this computer: to use the token here again, coldshare pair")
        return Result(
            {"token": token, "removed": [_json(client, one) for one in gone]},
            lines or ["It knows no other computer."],
        )


def _mine(client: TokenClient, one: Paired) -> str:
    return "this computer" if one.psk_id == client.psk_id else ""


def _json(client: TokenClient, one: Paired) -> Json:
    return {"id": one.psk_id.hex(), "host": one.host, "this_computer": one.psk_id == client.psk_id}


def _choose(known: Sequence[Paired], which: str) -> Paired:
    """By id first: a name is what a computer says of itself."""
    from coldshare.device.errors import NoSuchPairingError

    found = [one for one in known if one.psk_id.hex().startswith(which.lower())]
    found = found or [one for one in known if one.host == which]
    if not found:
        raise NoSuchPairingError(f"The token knows no computer with the id or name {which!r}.")
    if len(found) > 1:
        names = "; ".join(f"{one.psk_id.hex()[:8]} ({one.host})" for one in found)
        raise NoSuchPairingError(f"Several computers fit: {names}.", next_step="Give more characters of the id.")
    return found[0]
