"""`coldshare export`: a sealed share as a file, for a cloud drive, a stick or a password manager."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, has_recovery, headline, slots_json, ways
from coldshare.cli.opening import index
from coldshare.cli.options import backup_option, open_token, token_options, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("export", short_help="Write a sealed share to a file.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder it goes to, or the file to write: NAME.seal, which must not exist.",
)
@backup_option
@token_options
def command(out: Path, prefix: str | None, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Write the sealed share of a backup to a file, as it is on the token.

    The file tells nobody whose share it is. It opens with the recovery code alone, or with the password and the token.
    One folder never gets the shares of two parties of one vault.
    """
    from coldshare import export as use_case
    from coldshare.files import OutputExistsError
    from coldshare.restore import choose, fetch
    from coldshare_iface import wire

    ui = Ui(quiet=as_json)
    use_case.check_name(out)
    known = index()
    with open_token(at, ui) as client:
        unlock(client, pin_file, ui)
        held = choose(client.backups(), prefix)
        use_case.check_export(out, held.backup_id, held.declaration, known)
        fetched = fetch(client, held, wire.PURPOSE_VERIFY, on_step=ui.on_step)
        client.check_cancelled()
    try:
        done = use_case.export(fetched.sealed, out, declared=fetched.declared, index=known)
    except OutputExistsError as error:
        error.next_step = "Name another file or folder with --out."
        raise
    slots = fetched.envelope.slots
    lines = [
        f"Exported: {headline(held.declaration)}, sealed, is in {done.path} ({size(done.size)}).",
        f"It opens with {ways(slots)}.",
    ]
    if has_recovery(slots):
        lines.append("Keep the recovery code apart from it: whoever has both has the share.")
    else:
        lines.append("It has no recovery code, so it is no help when the token is lost: coldshare reseal gives it one.")
    if held.pending:
        lines.append("This backup is not confirmed yet, and the token may drop it; coldshare verify confirms it.")
    lines += [
        f"Note: {path} is a sealed share that this computer does not know. It must not be one of another party."
        for path in done.unknown
    ]
    lines += [
        f"Note: a share of another party of this vault was exported to {path}. Keep the two in different places."
        for path in done.elsewhere
    ]
    lines.append(f"Try it once: coldshare verify --from {done.path}")
    return Result(
        {
            **backup_json(held),
            **slots_json(slots),
            "out": str(done.path),
            "unknown": [str(path) for path in done.unknown],
            "elsewhere": [str(path) for path in done.elsewhere],
        },
        lines,
    )
