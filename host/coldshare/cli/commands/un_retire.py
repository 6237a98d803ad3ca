"""`coldshare un-retire`: an older generation counts again, because the reshare failed or the wrong one was retired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, headline
from coldshare.cli.folder import retire as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.older import named_generation, older_options
from coldshare.cli.options import open_token, unlock
from coldshare.cli.render import Result
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("un-retire", short_help="Take a retired share back.")
@older_options
def command(
    prefix: str | None, generation: str | None, newer: str | None, at: Address, pin_file: str | None, as_json: bool
) -> Result:
    """Take back that the backup ID was retired: it is the active one again, and the newer one waits beside it.

    The token asks for a button that is HELD. For a generation of which no backup is on this token any more, give
    --generation and --newer instead of ID; then a share of it can be backed up here again.
    """
    from coldshare import generations as use_case
    from coldshare.ledger import record

    wanted = named_generation(prefix, generation, newer, "retired")
    if is_folder(at):
        return told(at_folder.un_retire(at, prefix, wanted, newer, pin_file, as_json), Used(folder=at.where))
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        one = use_case.named(client.contents(), prefix or newer or "")
        if prefix is not None:
            wanted = one.declaration.generation
        ui.note(f"To count again: generation {wanted.hex()[:8]} of {headline(one.declaration)}, on {label!r}.")
        ui.holding = True
        done = use_case.un_retire(client, one, wanted)
        serial = client.info.serial.hex()
    record.un_retired(ui.note, client.info.serial, label, done)
    old = done.old
    waiting = done.newer if old is None or done.newer.backup_id != old.backup_id else None
    lines = [f"Taken back: generation {wanted.hex()[:8]} of {headline(one.declaration)} is not retired any more."]
    if old is None:
        lines.append("No backup of it is on this token; one can be stored here again: coldshare backup FILE --newer")
    else:
        lines.append(f"{old.backup_id.hex()[:8]} is the active one.")
        if waiting is not None:
            lines.append(f"{waiting.backup_id.hex()[:8]} waits beside it, and counts once the older one is retired.")
    result = Result(
        {
            "token": {"label": label, "serial": serial},
            "generation": wanted.hex(),
            "active": None if old is None else backup_json(old),
            "newer": None if waiting is None else backup_json(waiting),
        },
        lines,
    )
    return told(result, Used(token=client.info.serial))
