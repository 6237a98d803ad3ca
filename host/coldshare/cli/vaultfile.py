"""Reading the vault file that a command was given, and asking for its own password only when it has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.vault import ShareFacts, VaultShare

vault_password_option = click.option(
    "--vault-password-file",
    metavar="FILE",
    help="Read the vault file's own password from FILE (- for standard input).",
)


def read_vault(path: Path, password_file: str | None, ui: Ui) -> tuple[VaultShare, str | None]:
    """The checked share, and the password that opened the file if it is encrypted."""
    from coldshare.vault import read_file, read_share
    from coldshare.vault.errors import VaultPasswordNeededError

    data = read_file(path)
    password = None if password_file is None else entry.from_file(password_file, "vault password")
    try:
        return read_share(data, password=password), password
    except VaultPasswordNeededError as error:
        if not entry.person_here():
            error.next_step = "Give the password it was exported with: --vault-password-file FILE"
            raise
    with ui.prompting():
        password = entry.get(None, "password of the vault file", "--vault-password-file")
    return read_share(data, password=password), password


def read_vault_file(path: Path, password_file: str | None, ui: Ui) -> tuple[bytes, str | None, ShareFacts]:
    share, password = read_vault(path, password_file, ui)
    return share.original, password, share.facts
