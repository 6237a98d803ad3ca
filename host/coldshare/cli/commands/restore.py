"""`coldshare restore`: the vault file back, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import backup_json, headline
from coldshare.cli.options import backup_option, open_token, password_option, token_options, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("restore", short_help="Get a vault file back from a token.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write; it must not exist.")
@backup_option
@password_option
@token_options
def command(
    out: Path, prefix: str | None, password_file: str | None, at: Address, pin_file: str | None, as_json: bool
) -> Result:
    """Write the vault file of a backup to --out, exactly as it was, readable by you only.

    Import it on the device it belongs to, or on the one that takes its place, and then delete the file.
    """
    from coldshare import restore as use_case

    ui = Ui(quiet=as_json)
    use_case.check_out(out)
    with open_token(at, ui) as client:
        unlock(client, pin_file, ui)
        held = use_case.choose(client.backups(), prefix)
        with ui.prompting():
            password = entry.get(password_file, "password of the backup", "--password-file")
        done = use_case.restore(client, held, password, out, on_step=ui.on_step, allow_cost=None)
    return Result(
        {**backup_json(held), "out": str(out), "file_size": len(done.original)},
        [
            f"Restored: {headline(held.declaration)} is in {out} ({size(len(done.original))}), byte for byte.",
            f"Import it only on {held.declaration.party} or on the device that takes its place, then delete the file.",
        ],
    )
