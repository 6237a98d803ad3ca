"""`coldshare backup FILE`: one share onto one token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import declared_json
from coldshare.cli.options import open_token, password_option, token_options, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui
from coldshare.cli.vaultfile import read_vault_file, vault_password_option

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("backup", short_help="Put a share onto a token, sealed.")
@click.argument("file", type=click.Path(path_type=Path))
@password_option
@vault_password_option
@token_options
def command(
    file: Path,
    password_file: str | None,
    vault_password_file: str | None,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Check the share in FILE, seal it, put it onto the token and read it back.

    FILE stays as it is. The token must not hold a share of another party of the same vault.
    """
    from coldshare import backup as use_case
    from coldshare.seal import check_password

    ui = Ui(quiet=as_json)
    data, vault_password, facts = read_vault_file(file, vault_password_file, ui)
    ui.note(f"{facts.vault_name}: the share of {facts.party}, {facts.threshold} of {facts.parties}, checked.")
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        with ui.prompting():
            password = entry.get(
                password_file,
                "password for this backup",
                "--password-file",
                check=lambda text: check_password(text, (facts.vault_name, facts.party, label)),
                new=True,
            )
        done = use_case.backup(client, data, password, vault_password=vault_password, label=label, on_step=ui.on_step)
    short = done.backup_id.hex()[:8]
    return Result(
        {
            "backup_id": done.backup_id.hex(),
            "token": {"label": label, "serial": client.info.serial.hex()},
            **declared_json(done.declaration),
            "file_size": done.file_size,
            "sealed_size": done.sealed_size,
            "replaced": done.replaced,
            "warnings": list(done.warnings),
        },
        [
            f"Backed up: the share of {done.facts.party} of {done.facts.vault_name!r} is on {label!r} as {short}.",
            f"{size(done.file_size)} became {size(done.sealed_size)}, written and read back.",
            *(["It replaced the earlier backup of the same share."] if done.replaced else []),
            *(f"Note: {warning}" for warning in done.warnings),
            "It opens with this token and its password together. Write the password down, apart from the token.",
            "Next: coldshare verify",
        ],
    )
