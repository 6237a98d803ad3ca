"""`coldshare verify`: prove that a backup can be restored, without restoring it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import backup_json, headline
from coldshare.cli.options import backup_option, open_token, password_option, token_options, unlock
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("verify", short_help="Prove that a backup can be restored.")
@backup_option
@password_option
@click.option("--no-password", is_flag=True, help="Only read back and compare digests; the seal stays closed.")
@token_options
def command(
    prefix: str | None,
    password_file: str | None,
    no_password: bool,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Read every backup on the token back whole, open its seal and check the share inside.

    Nothing is written to this computer. With --backup only that one.
    """
    from coldshare import restore as use_case

    if no_password and password_file is not None:
        raise click.UsageError("--no-password and --password-file exclude each other")
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        backups = client.backups()
        chosen = [use_case.choose(backups, prefix)] if prefix or not backups else backups
        password = None
        if not no_password:
            with ui.prompting():
                password = entry.get(
                    password_file,
                    "password of the backup",
                    "--password-file",
                    instead=", or leave the seal closed with --no-password",
                )
        checked = []
        for held in chosen:
            try:
                checked.append(use_case.verify(client, held, password, on_step=ui.on_step, allow_cost=None))
            except ColdshareError as error:
                if len(chosen) > 1:
                    error.args = (f"{held.backup_id.hex()[:8]}, {headline(held.declaration)}: {error.message}",)
                raise
    lines = []
    for one in checked:
        what = headline(one.backup.declaration)
        short = one.backup.backup_id.hex()[:8]
        if one.opened:
            lines.append(f"Good: {short}, {what}, read back whole, its seal opened, its file rebuilt byte for byte.")
        else:
            lines.append(f"Read back: {short}, {what}. The digest is right; the seal was not opened.")
        if one.confirmed:
            lines.append(f"{short} had not been confirmed when it was made; it is now.")
    return Result(
        {
            "token": {"label": label, "serial": client.info.serial.hex()},
            "backups": [
                {**backup_json(one.backup), "opened": one.opened, "confirmed_now": one.confirmed} for one in checked
            ],
        },
        lines,
    )
