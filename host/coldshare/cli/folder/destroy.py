"""`coldshare destroy` and `coldshare remove` in a folder, which has no button."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.folder.common import backup_json, file_of, no_pin, on_wait, place_json, short_of, state_of
from coldshare.cli.older import COMBINE
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui
from coldshare.errors import RefusedError

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.places.folder import Kept


_REMAINS = (
    "Flash memory keeps what was removed until it writes over it, and nobody can tell when. It stays sealed, under its "
    "password and its recovery code. To be rid of it, destroy the stick."
)


class ConfirmationNeededError(RefusedError):
    """What is destroyed here is destroyed without a button, so a person has to say yes."""

    code = "confirmation_needed"
    next_step = "Run this in a terminal, or say it with --yes."


def remove(at: Address, prefix: str, yes: bool, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.ledger import events
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    confirm([kept], yes, ui)
    with open_folder(at.where, write=True, on_wait=on_wait(ui)) as folder:
        kept = shares.choose(folder.contents().backups, kept.backup_id.hex())
        folder.remove([kept])
        after = {one.backup_id: one for one in folder.contents().backups}
    ledger.changed(ui.note, at.where, [kept], events.REMOVED)
    follows = next((one for one in after.values() if _follows(one, kept)), None)
    lines = [f"Removed: backup {short_of(kept)} is no longer in {at.where}."]
    if follows is not None:
        lines.append(f"{short_of(follows)} is the active one now; the generation of {short_of(kept)} is retired here.")
    lines += [_REMAINS, "Copies elsewhere are not touched: files that were exported, tokens, the vault file itself."]
    return Result(
        {
            **place_json(at),
            "removed": backup_json(kept),
            "active_now": None if follows is None else backup_json(follows),
        },
        lines,
    )


def _follows(one: Kept, gone: Kept) -> bool:
    """Whether `one` has taken the place of what was removed."""
    return state_of(gone) == "active" and state_of(one) == "active" and one.record.same_share(gone.record)


def destroy(at: Address, prefix: str | None, yes: bool, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.cli.older import known_paths
    from coldshare.ledger import events
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        chosen = shares.retired(folder.contents(), prefix)
    confirm(chosen, yes, ui)
    ids = [kept.backup_id for kept in chosen]
    with open_folder(at.where, write=True, on_wait=on_wait(ui)) as folder:
        folder.remove([kept for kept in folder.contents().backups if kept.backup_id in ids and not kept.live])
    ledger.changed(ui.note, at.where, chosen, events.DESTROYED)
    here = [file_of(at, one) for one in ids]
    copies = [path for path in known_paths(ids) if path not in here]
    count = f"{len(copies)} exported cop{'y' if len(copies) == 1 else 'ies'}"
    return Result(
        {
            **place_json(at),
            "destroyed": [backup_json(kept) for kept in chosen],
            "known_copies": [str(path) for path in copies],
        },
        [
            *(f"Destroyed: backup {short_of(kept)}, retired, is no longer in {at.where}." for kept in chosen),
            _REMAINS,
            f"This computer knows of {count} of what was destroyed.",
            *(f"Destroy that too: {path}" for path in copies),
            "The old shares of the other parties are on their devices and in their backups. " + COMBINE,
        ],
    )


def confirm(chosen: Iterable[Kept], yes: bool, ui: Ui) -> None:
    """A token asks with a button that is held. Here the terminal asks, or --yes has answered."""
    listed: Sequence[Kept] = list(chosen)
    for kept in listed:
        ui.note(f"To be destroyed: backup {short_of(kept)}, {state_of(kept)}, {size(kept.record.size)}.")
    if yes:
        return
    if ui.quiet or not entry.person_here():
        raise ConfirmationNeededError
    if not click.confirm("Destroy it?" if len(listed) == 1 else "Destroy them all?", default=False, err=True):
        raise click.Abort
