"""`coldshare list`: what is on a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, state
from coldshare.cli.options import open_token, token_options, unlock
from coldshare.cli.render import Result, size, table
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("list", short_help="Show what is on a token.")
@token_options
def command(at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Show the backups on the token, as they were declared when they were made.

    What is really inside is proved by coldshare verify.
    """
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        backups = client.backups()
    rows = [
        [
            held.backup_id.hex()[:8],
            held.declaration.name,
            held.declaration.party,
            f"{held.declaration.threshold} of {held.declaration.parties}",
            held.declaration.generation.hex()[:8],
            size(held.size),
            state(held),
        ]
        for held in backups
    ]
    head = ["BACKUP", "VAULT", "SHARE OF", "SIGNS", "GENERATION", "SIZE", "STATE"]
    lines = [f"{label} (serial {client.info.serial.hex()})"]
    lines += table(head, rows) if rows else ["No backup yet. Next: coldshare backup FILE.vult"]
    if any(held.pending for held in backups):
        lines.append("An unconfirmed backup was stored but not read back; coldshare verify finishes it.")
    return Result(
        {
            "token": {"label": label, "serial": client.info.serial.hex()},
            "backups": [backup_json(held) for held in backups],
        },
        lines,
    )
