"""`coldshare remove ID`: destroy one backup on a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, headline
from coldshare.cli.options import open_token, token_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address

_DIGITS_MIN = 4


@click.command("remove", short_help="Destroy a backup on a token.")
@click.argument("prefix", metavar="ID")
@token_options
def command(prefix: str, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Destroy the backup whose id begins with ID, at least 4 characters of it.

    The token shows what will be lost and asks for a button that is HELD. It then destroys its key for this backup, and
    no password opens it again; a recovery code still opens a sealed copy that was exported before.
    """
    from coldshare.restore import choose
    from coldshare_iface import wire
    from coldshare_iface.errors import TokenStorageError

    ui = Ui(quiet=as_json)
    wanted = prefix.lower().replace("-", "")
    if len(wanted) < _DIGITS_MIN or any(char not in "0123456789abcdef" for char in wanted):
        raise click.BadParameter("give at least 4 hexadecimal digits of the backup's id", param_hint="ID")
    with open_token(at, ui) as client:
        client.check_manage()
        label = unlock(client, pin_file, ui)
        held = None
        try:
            held = choose(client.backups(), wanted)
        except TokenStorageError:
            # A damaged record spoils the list. Its backup can still be removed by whoever knows all of its id.
            if len(wanted) != 2 * wire.BACKUP_ID_SIZE:
                raise
        backup_id = bytes.fromhex(wanted) if held is None else held.backup_id
        what = f"backup {backup_id.hex()[:8]}" if held is None else headline(held.declaration)
        ui.note(f"To be destroyed: {what}, backup {backup_id.hex()[:8]}, on {label!r}.")
        ui.holding = True
        client.remove(backup_id)
        serial = client.info.serial.hex()
    return Result(
        {
            "token": {"label": label, "serial": serial},
            "removed": {"backup_id": backup_id.hex()} if held is None else backup_json(held),
        },
        [
            f"Destroyed: {what}, backup {backup_id.hex()[:8]}, is no longer on {label!r}, nor is the key for it.",
            "Copies elsewhere are not touched: files that were exported, other tokens, the vault file itself.",
        ],
    )
