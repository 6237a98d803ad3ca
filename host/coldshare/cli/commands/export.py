"""`coldshare export`: a sealed share as a file, for a cloud drive, a stick or a password manager."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import RETIRED, backup_json, declared, has_recovery, slots_json, ways, what
from coldshare.cli.folder import export as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.opening import index
from coldshare.cli.options import backup_option, open_token, place_options, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui
from coldshare.paths import written

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
@place_options
def command(out: Path, prefix: str | None, at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Write the sealed share of a backup to a file, as it is on the token.

    The file tells nobody whose share it is. It opens with the recovery code alone, or with the password and the token.
    One folder never gets the shares of two parties of one vault. A token that has destroyed its keys takes no PIN for
    this, and knows no more whose share it gives.
    """
    from coldshare import export as use_case
    from coldshare.files import OutputExistsError
    from coldshare.ledger import record
    from coldshare.restore import choose, everything, fetch
    from coldshare_iface import wire

    if is_folder(at):
        return told(at_folder.export(at, out, prefix, pin_file, as_json), Used(folder=at.where))
    ui = Ui(quiet=as_json)
    use_case.check_name(out)
    known = index()
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui, copies=True)
        held = choose(everything(client.contents()), prefix)
        use_case.check_export(out, held.backup_id, declared(held), known)
        fetched = fetch(client, held, wire.PURPOSE_VERIFY, on_step=ui.on_step)
        client.check_cancelled()
    try:
        if fetched.declared:
            done = use_case.export(fetched.sealed, out, declared=fetched.declared, index=known)
        else:
            done = use_case.export_unnamed(fetched.sealed, out, index=known)
    except OutputExistsError as error:
        error.next_step = "Name another file or folder with --out."
        raise
    slots = fetched.envelope.slots
    record.exported(ui.note, client.info.serial, label, done, held, slots)
    lines = [f"Exported: {what(held)}, sealed, is in {done.path} ({size(done.size)})."]
    keyless = held.state == wire.BACKUP_KEYLESS
    if not keyless:
        lines.append(f"It opens with {ways(slots)}.")
    elif has_recovery(slots):
        lines.append("The token has destroyed its secret for it, so it opens with its recovery code alone.")
    else:
        lines.append("The token has destroyed its secret for it, and it has no recovery code: it opens no more.")
    if has_recovery(slots):
        lines.append("Keep the recovery code apart from it: whoever has both has the share.")
    elif held.state == wire.BACKUP_RETIRED:  # which cannot be resealed
        lines.append("It has no recovery code, so it is no help when the token is lost.")
    elif not keyless:
        lines.append("It has no recovery code, so it is no help when the token is lost: coldshare reseal gives it one.")
    if held.state == wire.BACKUP_RETIRED:
        lines.append(RETIRED)
    if held.state == wire.BACKUP_PENDING:
        lines.append("This backup is not confirmed yet, and the token may drop it; coldshare verify confirms it.")
    lines += [
        f"Note: {path} is a sealed share that this computer does not know. It must not be one of another party."
        for path in done.unknown
    ]
    lines += [
        f"Note: a share of another party of this vault was exported to {path}. Keep the two in different places."
        for path in done.elsewhere
    ]
    if not keyless:
        lines.append(f"Try it once: coldshare verify --from {shlex.quote(written(str(done.path)))}")
    elif has_recovery(slots):
        lines.append(f"Try it once: coldshare verify --from {shlex.quote(written(str(done.path)))} --recovery")
    result = Result(
        {
            **backup_json(held),
            **slots_json(slots),
            "out": str(done.path),
            "unknown": [str(path) for path in done.unknown],
            "elsewhere": [str(path) for path in done.elsewhere],
        },
        lines,
    )
    return told(result, Used(token=client.info.serial))
