"""`coldshare destroy`: a retired backup goes for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.commands.remove import full_enough, no_yes
from coldshare.cli.describe import backup_json, what
from coldshare.cli.folder import destroy as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.older import COMBINE, known_copies
from coldshare.cli.options import open_token, place_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("destroy", short_help="Destroy retired backups on a token or in a folder.")
@click.argument("prefix", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Every retired backup on the token, one after the other.")
@click.option("--yes", is_flag=True, help="In a folder, which has no button: do not ask.")
@place_options
def command(prefix: str | None, every: bool, yes: bool, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Destroy the retired backup whose id begins with ID, and the token's key for it. No other one is ever touched.

    For each the token asks for a button that is HELD. Do it when every party's newer backup is verified: as long as
    old shares exist, enough of them still sign.
    """
    from coldshare import generations as use_case
    from coldshare.ledger import record
    from coldshare_iface.errors import ColdshareError

    if (prefix is None) != every:
        raise click.UsageError("give the ID of a retired backup, or --all, and not both")
    ui = Ui(quiet=as_json)
    wanted = None if prefix is None else full_enough(prefix)
    if is_folder(at):
        return told(at_folder.destroy(at, wanted, yes, pin_file, as_json), Used(folder=at.where))
    no_yes(yes)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        contents = client.contents()
        chosen = use_case.retired(contents) if wanted is None else [use_case.destroyable(contents, wanted)]
        if not chosen:
            raise use_case.NotRetiredError(f"No backup on {label!r} is retired.", next_step="Nothing was changed.")
        copies = known_copies(chosen)
        gone: list[str] = []
        ui.holding = True
        for held in chosen:
            short = held.backup_id.hex()[:8]
            ui.note(f"To be destroyed: {what(held)}, backup {short}, retired, on {label!r}.")
            try:
                client.destroy(held.backup_id)
            except ColdshareError as error:
                if gone:
                    error.next_step = f"Destroyed before that: {', '.join(gone)}. {error.next_step}"
                raise
            gone.append(short)
            record.destroyed(ui.note, client.info.serial, held)
        serial = client.info.serial.hex()
    count = f"{len(copies)} exported cop{'y' if len(copies) == 1 else 'ies'}"
    result = Result(
        {
            "token": {"label": label, "serial": serial},
            "destroyed": [backup_json(held) for held in chosen],
            "known_copies": [str(path) for path in copies],
        },
        [
            *(
                f"Destroyed: {what(held)}, backup {short}, is no longer on {label!r}, nor is the key for it."
                for held, short in zip(chosen, gone, strict=True)
            ),
            f"This computer knows of {count} of what was destroyed.",
            *(f"Destroy that too: {path}" for path in copies),
            "The old shares of the other parties are on their devices and in their backups. " + COMBINE,
        ],
    )
    return told(result, Used(token=client.info.serial))
