"""`coldshare restore` from a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli.folder.common import backup_json, file_of, no_pin, on_wait, place_json
from coldshare.cli.opening import remember

if TYPE_CHECKING:
    from pathlib import Path

    from coldshare.cli.onto import Returning
    from coldshare.cli.opening import Opening
    from coldshare.cli.render import Json
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address
    from coldshare.restore import CheckedFile


def restore(
    at: Address, out: Path, prefix: str | None, opening: Opening, returning: Returning, pin_file: str | None, ui: Ui
) -> tuple[dict[str, Json], CheckedFile]:
    """What the command says of it is the same as for a token."""
    from coldshare.handling import process
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        contents = folder.contents()
    kept = shares.choose(contents.backups, prefix)
    process.expect(kept.backup_id)
    returning.in_folder(kept, contents)
    key = opening.key()
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        done = shares.restore(
            folder, kept, key, out, allow_cost=opening.allow_cost, on_step=ui.on_step, on_opened=returning.opened
        )
    remember(ui, kept.backup_id, done.declaration, file_of(at, kept.backup_id))
    ledger.restored(ui.note, at.where, done)
    return {**place_json(at), **backup_json(kept, done.declaration)}, done
