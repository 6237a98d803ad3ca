"""`coldshare remove ID`: destroy one backup on a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, declared, state, what
from coldshare.cli.folder import destroy as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.options import open_token, place_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.device.address import Address
    from coldshare.restore import Held

_DIGITS_MIN = 4


@click.command("remove", short_help="Destroy a backup on a token or in a folder.")
@click.argument("prefix", metavar="ID")
@click.option("--yes", is_flag=True, help="In a folder, which has no button: do not ask.")
@place_options
def command(prefix: str, yes: bool, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Destroy the backup whose id begins with ID, at least 4 characters of it.

    The token shows what will be lost and asks for a button that is HELD. It then destroys its key for this backup, and
    no password opens it again; a recovery code still opens a sealed copy that was exported before.
    """
    from coldshare.ledger import record
    from coldshare.restore import choose, everything
    from coldshare_iface import wire

    ui = Ui(quiet=as_json)
    wanted = full_enough(prefix)
    if is_folder(at):
        return told(at_folder.remove(at, wanted, yes, pin_file, as_json), Used(folder=at.where))
    no_yes(yes)
    with open_token(at, ui) as client:
        client.check_manage()
        label = unlock(client, pin_file, ui)
        backups = everything(client.contents())
        held = choose(backups, wanted)
        short = held.backup_id.hex()[:8]
        follows = _next(held, backups)
        ui.note(f"To be destroyed: {what(held)}, backup {short}, on {label!r}.")
        if held.state == wire.BACKUP_RETIRED:
            ui.note(f"It is retired. coldshare destroy {short} does the same, and for retired backups only.")
        if follows is not None:
            ui.note(
                f"It is the one that counts. {follows.backup_id.hex()[:8]}, of a newer generation, takes its place, "
                f"and the generation of {short} is retired."
            )
        ui.holding = True
        client.remove(held.backup_id)
        serial = client.info.serial.hex()
    record.removed(ui.note, client.info.serial, held, follows)
    lines = [f"Destroyed: {what(held)}, backup {short}, is no longer on {label!r}, nor is the key for it."]
    if follows is not None:
        lines.append(f"{follows.backup_id.hex()[:8]} is the active one now; the generation of {short} is retired here.")
    lines.append("Copies elsewhere are not touched: files that were exported, other tokens, the vault file itself.")
    result = Result(
        {
            "token": {"label": label, "serial": serial},
            "removed": backup_json(held),
            "active_now": None if follows is None else backup_json(follows),
        },
        lines,
    )
    return told(result, Used(token=client.info.serial))


def no_yes(yes: bool) -> None:
    """A token asks whoever is there, with a button."""
    if yes:
        raise click.UsageError("--yes is for folders; a token asks with its button")


def full_enough(prefix: str) -> str:
    """The digits of an id's beginning. Raises BadParameter for fewer than 4: what is destroyed is named on purpose."""
    wanted = prefix.lower().replace("-", "")
    if len(wanted) < _DIGITS_MIN or any(char not in "0123456789abcdef" for char in wanted):
        raise click.BadParameter("give at least 4 hexadecimal digits of the backup's id", param_hint="ID")
    return wanted


def _next(held: Held, backups: Sequence[Held]) -> Held | None:
    """The backup of the next generation that takes the place of `held` when it goes."""
    whose = declared(held)
    if whose is None or state(held) != "active":
        return None
    for other in backups:
        its = declared(other)
        if its is not None and its.vault == whose.vault and state(other) == "next":
            return other
    return None
