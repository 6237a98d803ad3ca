"""`coldshare inspect FILE`: what a vault file is, and whether its share is sound. No token, no secret."""

from __future__ import annotations

from pathlib import Path

import click

from coldshare.cli.options import json_option
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui
from coldshare.cli.vaultfile import read_vault, vault_password_option


@click.command("inspect", short_help="Check a vault file and say what it is.")
@click.argument("file", type=click.Path(path_type=Path))
@vault_password_option
@json_option
def command(file: Path, vault_password_file: str | None, as_json: bool) -> Result:
    """Say what FILE is and check the share inside against itself. Shows nothing secret."""
    ui = Ui(quiet=as_json)
    share, _ = read_vault(file, vault_password_file, ui)
    facts = share.facts
    encryption = {"none": "not encrypted", "legacy": "encrypted (older format)", "vlt2": "encrypted (VLT 2)"}
    lines = [
        f"{facts.vault_name}",
        f"  share of      {facts.party} (number {facts.index + 1} of {facts.parties})",
        f"  signers       {', '.join(facts.signers)}",
        f"  signs with    any {facts.threshold} of {facts.parties}",
        f"  library       {facts.library}",
        f"  generation    {facts.generation.hex()}",
        f"  reshared      {'yes, at least once' if facts.reshared else 'no'}",
        f"  kind          {'fast vault: a server holds one share' if facts.fast_vault else 'secure vault'}",
        f"  ECDSA key     {facts.public_key_ecdsa.hex()}",
        f"  EdDSA key     {facts.public_key_eddsa.hex()}",
        f"  file          {size(len(share.original))}, {encryption.get(str(share.encryption), str(share.encryption))}",
        "",
    ]
    lines += [f"  ok  {made.check}" for made in facts.checks if made.result == "ok"]
    lines += [f"  --  {made.check} ({made.result})" for made in facts.checks if made.result != "ok"]
    if facts.is_server:
        lines.append("Note: this is the server's own share; importing it on a device breaks fast signing.")
    lines += [f"Note: {warning}" for warning in facts.warnings]
    return Result({**share.describe(), "file_size": len(share.original)}, lines)
