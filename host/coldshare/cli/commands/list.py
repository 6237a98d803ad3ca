"""`coldshare list`: what is on a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, declared, state
from coldshare.cli.folder import list as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.ledgers import known
from coldshare.cli.older import flagged, meanings
from coldshare.cli.options import open_token, place_options, unlock
from coldshare.cli.render import Result, size, table
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.restore import Held


@click.command("list", short_help="Show what is on a token or in a folder.")
@place_options
def command(at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Show the backups on the token, as they were declared when they were made.

    What is really inside is proved by coldshare verify. Which of them are OLD, this computer's ledger tells. A token
    that has destroyed its keys takes no PIN, and shows the ids of what is left.
    """
    from coldshare.restore import everything
    from coldshare.safety.aged import is_old

    if is_folder(at):
        return told(at_folder.list_(at, pin_file, as_json), Used(folder=at.where))
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui, copies=True)
        backups = everything(client.contents())
        serial = client.info.serial.hex()
    view = known()
    declarations = [declared(held) for held in backups]
    olds = [
        state(held) == "retired" or (None if one is None else is_old(view, one.vault, one.generation))
        for held, one in zip(backups, declarations, strict=True)
    ]
    head = ["BACKUP", "VAULT", "SHARE OF", "SIGNS", "GENERATION", "SIZE", "STATE"]
    lines = [f"{label or 'Burnt token'} (serial {serial})"]
    nothing = "Nothing is left on it." if not label else "No backup yet. Next: coldshare backup FILE.vult"
    lines += table(head, [*map(_row, backups, olds)]) if backups else [nothing]
    lines += meanings([(state(held), old) for held, old in zip(backups, olds, strict=True)], _MEANINGS)
    result = Result(
        {
            "token": {"label": label, "serial": serial},
            "backups": [{**backup_json(held), "old": old} for held, old in zip(backups, olds, strict=True)],
        },
        lines,
    )
    return told(result, Used(token=client.info.serial))


_MEANINGS = {
    "unconfirmed": "An unconfirmed backup was stored but not read back; coldshare verify finishes it.",
    "next": "A next one is of a newer generation, and counts once the old one is retired: coldshare retire ID",
    "retired": "A retired one is of an older generation. Old shares still work with each other: coldshare destroy ID",
    "damaged": "Of a damaged one the token has lost the name, and perhaps no more: coldshare verify --backup ID tells.",
    "keyless": "A keyless one opens with its recovery code alone: coldshare restore --backup ID --recovery --out FILE",
}


def _row(held: Held, old: bool | None) -> list[str]:
    told = declared(held)
    if told is None:
        return [held.backup_id.hex()[:8], "-", "-", "-", "-", size(held.size), state(held)]
    return [
        held.backup_id.hex()[:8],
        told.name,
        told.party,
        f"{told.threshold} of {told.parties}",
        told.generation.hex()[:8],
        size(held.size),
        flagged(state(held), old),
    ]
