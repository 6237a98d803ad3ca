"""`coldshare retire`: after a reshare, the older generation of a share gives way to the newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, headline
from coldshare.cli.folder import retire as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.older import COMBINE, known_copies, named_generation, older_options
from coldshare.cli.options import open_token, unlock
from coldshare.cli.render import Result
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address


@click.command("retire", short_help="Let an old share give way to a newer one.")
@older_options
def command(
    prefix: str | None, generation: str | None, newer: str | None, at: Address, pin_file: str | None, as_json: bool
) -> Result:
    """Retire the old backup ID: the newer one beside it, which was put there with backup --newer, counts from then on.

    Nothing is destroyed. The old share stays on the token and opens, and un-retire takes it back. The token never
    stores a share of a retired generation again. It asks for a button that is HELD. For an old generation that is not
    on this token, give --generation and --newer instead of ID.
    """
    return let_give_way(prefix, named_generation(prefix, generation, newer, "old"), newer, at, pin_file, as_json)


def let_give_way(
    prefix: str | None, wanted: bytes, newer: str | None, at: Address, pin_file: str | None, as_json: bool
) -> Result:
    """Retire the backup `prefix`; or the generation `wanted`, in favour of the backup `newer`."""
    from coldshare import generations as use_case
    from coldshare.ledger import record

    if is_folder(at):
        return told(at_folder.retire(at, prefix, wanted, newer, pin_file, as_json), Used(folder=at.where))
    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui)
        contents = client.contents()
        old = None
        if prefix is not None:
            old = use_case.named(contents, prefix)
            if old.retired:
                raise use_case.AlreadyRetiredError
            wanted = old.declaration.generation
            new = use_case.newer_than(contents, old)
        else:
            new = use_case.named(contents, newer or "")
        ui.note(
            f"To be retired: generation {wanted.hex()[:8]} of {headline(new.declaration)}, on {label!r}. "
            f"{new.backup_id.hex()[:8]}, generation {new.declaration.generation.hex()[:8]}, counts instead."
        )
        ui.holding = True
        done = use_case.retire(client, new, wanted)
        serial = client.info.serial.hex()
    record.retired(ui.note, client.info.serial, label, done)
    kept = done.old.backup_id.hex()[:8] if done.old is not None else None
    copies = known_copies([done.old] if done.old is not None else [])
    result = Result(
        {
            "token": {"label": label, "serial": serial},
            "generation": wanted.hex(),
            "retired": None if done.old is None else backup_json(done.old),
            "active": backup_json(done.newer),
            "known_copies": [str(path) for path in copies],
        },
        [
            f"Retired: generation {wanted.hex()[:8]} of {headline(done.newer.declaration)}. "
            f"{done.newer.backup_id.hex()[:8]} is the active one.",
            *([] if kept is None else [f"{kept} is kept and still opens; coldshare un-retire {kept} takes this back."]),
            COMBINE,
            *(f"A copy of it was exported to {path}." for path in copies),
            *([] if kept is None else [f"When every party's newer backup is verified: coldshare destroy {kept}"]),
        ],
    )
    return told(result, Used(token=client.info.serial))
