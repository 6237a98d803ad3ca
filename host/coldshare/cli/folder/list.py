"""`coldshare list` of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli.folder.common import (
    STATES,
    about,
    backup_json,
    command_at,
    no_pin,
    on_wait,
    place_json,
    short_of,
    state_of,
)
from coldshare.cli.ledgers import known
from coldshare.cli.older import flagged, meanings
from coldshare.cli.render import Result, size, table
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.device.address import Address
    from coldshare.ledger.queries import View
    from coldshare.places.folder import Kept


def list_(at: Address, pin_file: str | None, as_json: bool) -> Result:
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        contents = folder.contents()
        where = folder.where
    view = known()
    noted = _noted(view, contents.backups)
    aged = _aged(view, contents.backups)
    olds = [state_of(one) == "retired" or aged.get(one.backup_id) for one in contents.backups]
    lines = [where]
    rows = [
        [
            short_of(one),
            *noted.get(one.backup_id, ("?", "?")),
            size(one.record.size),
            f"{sum(one.present)} of 2",
            flagged(state_of(one), old),
        ]
        for one, old in zip(contents.backups, olds, strict=True)
    ]
    if rows:
        lines += table(["BACKUP", "VAULT", "SHARE OF", "SIZE", "COPIES", "STATE"], rows)
        lines.append("The folder does not say whose shares it holds: the names are from this computer's ledger.")
        if len(noted) < len(rows):
            lines.append(f"Of the others it learns from {command_at('verify', at)}")
    else:
        lines.append(f"No backup yet. Next: {command_at('backup FILE.vult', at)}")
    lines += meanings([(state_of(one), old) for one, old in zip(contents.backups, olds, strict=True)], STATES)
    if not all(all(one.present) for one in contents.backups):
        lines.append(f"Not every copy is there. What is wrong, and what mends it: {command_at('verify', at)}")
    lines += about(contents)
    return Result(
        {
            **place_json(at),
            "backups": [
                {
                    **backup_json(one),
                    "noted": dict(zip(("vault", "party"), noted[one.backup_id], strict=True))
                    if one.backup_id in noted
                    else None,
                    "old": old,
                }
                for one, old in zip(contents.backups, olds, strict=True)
            ],
            "strangers": list(contents.strangers),
            "crowded": contents.crowded,
        },
        lines,
    )


def _noted(view: View | None, backups: Sequence[Kept]) -> dict[bytes, tuple[str, str]]:
    """The names of vault and party, by the id of the backup, as far as this computer's ledger has them."""
    if view is None:
        return {}
    ids = {one.backup_id for one in backups}
    names = {vault.vault: vault.name for vault in view.vaults()}
    return {
        one.backup_id: (names[one.vault], one.party)
        for one in view.backups(gone=True)
        if one.backup_id in ids and one.vault in names and one.party is not None
    }


def _aged(view: View | None, backups: Sequence[Kept]) -> dict[bytes, bool | None]:
    """Whether each is old, as far as the ledger knows whose it is."""
    from coldshare.safety.aged import is_old

    if view is None:
        return {}
    ids = {one.backup_id for one in backups}
    return {
        one.backup_id: is_old(view, one.vault, one.generation)
        for one in view.backups(gone=True)
        if one.backup_id in ids
    }
