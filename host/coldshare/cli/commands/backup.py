"""`coldshare backup FILE`: one share onto one token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.backing import ToBackUp, back_up
from coldshare.cli.folder.common import is_folder, no_pin
from coldshare.cli.handing import new_code, recovery_options
from coldshare.cli.options import password_option, place_options
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.ui import Ui
from coldshare.cli.vaultfile import member_option, read_vault_file, vault_password_option

if TYPE_CHECKING:
    from coldshare.cli.render import Result
    from coldshare.device.address import Address


@click.command("backup", short_help="Put a share onto a token or a stick, sealed.")
@click.argument("file", type=click.Path(path_type=Path))
@member_option
@password_option
@vault_password_option
@recovery_options
@single_host_option
@click.option("--newer", is_flag=True, help="After a reshare: FILE is newer than the share that the token holds.")
@place_options
def command(
    file: Path,
    newer: bool,
    member: str | None,
    password_file: str | None,
    vault_password_file: str | None,
    recovery_out: Path | None,
    no_recovery: bool,
    single_host: bool,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Check the share in FILE, seal it, put it onto the token and read it back.

    FILE stays as it is; of a zip one file is backed up, the one that --member names. The token must not hold a share
    of another party of the same vault. The backup also gets a recovery code, for the day when token or password is
    lost. When the link breaks, coldshare resume goes on where it stopped.

    After a reshare every share is new, and the token refuses one of another generation than it holds. With --newer it
    asks you whether this one is the newer one, and keeps both. The new one counts once the old one is retired.

    --at folder:PATH puts it into a folder, on a stick that you put away. There its password alone protects it.
    """
    if is_folder(at):
        no_pin(pin_file)
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    recovery = new_code(ui, recovery_out, no_recovery)
    data, vault_password, facts = read_vault_file(file, vault_password_file, ui, member)
    ui.note(f"{facts.vault_name}: the share of {facts.party}, {facts.threshold} of {facts.parties}, checked.")
    how = (password_file, recovery, recovery_out, no_recovery, newer, several)
    return back_up(ui, at, ToBackUp(data, vault_password, facts, *how), pin_file)
