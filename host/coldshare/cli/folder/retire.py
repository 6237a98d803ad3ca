"""`coldshare retire` and `coldshare un-retire` in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.cli.folder.common import (
    backup_json,
    command_at,
    file_of,
    no_pin,
    on_wait,
    place_json,
    short_of,
    state_of,
)
from coldshare.cli.older import COMBINE, known_paths
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.places.folder import Kept
    from coldshare.places.format import Retired


def retire(
    at: Address, prefix: str | None, generation: bytes, newer: str | None, pin_file: str | None, as_json: bool
) -> Result:
    from coldshare.generations import AlreadyRetiredError, NoNewerError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=True, on_wait=on_wait(ui)) as folder:
        contents = folder.contents()
        if prefix is not None:
            old = shares.choose(contents.backups, prefix)
            if not old.live:
                raise AlreadyRetiredError
            new, wanted = shares.newer_than(contents, old), shares.generation_of(old)
        else:
            new = shares.choose(contents.backups, newer)
            wanted = _generation(new, generation)
            if not new.live or wanted.of_record(new.record):
                raise NoNewerError(f"Backup {short_of(new)} is retired itself, or is of that very generation.")
        folder.retire(new, wanted)
        contents = folder.contents()
    gone = next((one for one in contents.backups if wanted.of_record(one.record)), None)
    ledger.retired(ui.note, at.where, new.backup_id, generation, None if gone is None else gone.backup_id)
    new = next(one for one in contents.backups if one.backup_id == new.backup_id)
    lines = [f"Retired: {'that generation' if gone is None else short_of(gone)}. {short_of(new)} is the active one."]
    if gone is not None:
        lines.append(f"{short_of(gone)} is kept and still opens; coldshare un-retire {short_of(gone)} takes this back.")
    copies = (
        [] if gone is None else [one for one in known_paths([gone.backup_id]) if one != file_of(at, gone.backup_id)]
    )
    lines += [f"A copy of it was exported to {path}." for path in copies]
    lines.append(COMBINE)
    if gone is not None:
        lines.append(f"When every party's newer backup is verified: {command_at(f'destroy {short_of(gone)}', at)}")
    return Result(
        {
            **place_json(at),
            "retired": None if gone is None else backup_json(gone),
            "active": backup_json(new),
            "known_copies": [str(path) for path in copies],
        },
        lines,
    )


def un_retire(
    at: Address, prefix: str | None, generation: bytes, newer: str | None, pin_file: str | None, as_json: bool
) -> Result:
    from coldshare.generations import NotRetiredError
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    ui = Ui(quiet=as_json)
    with open_folder(at.where, write=True, on_wait=on_wait(ui)) as folder:
        contents = folder.contents()
        one = shares.choose(contents.backups, prefix or newer)
        wanted = shares.generation_of(one) if prefix is not None else _generation(one, generation)
        if wanted not in contents.retired:
            raise NotRetiredError("That generation is not retired in this folder.", next_step=command_at("list", at))
        folder.un_retire(wanted)
        contents = folder.contents()
    old = next((one for one in contents.backups if wanted.of_record(one.record)), None)
    ledger.retired(ui.note, at.where, one.backup_id, generation, None if old is None else old.backup_id, back=True)
    waiting = (
        None
        if old is None
        else next(
            (one for one in contents.backups if one.record.same_share(old.record) and state_of(one) == "next"), None
        )
    )
    lines = ["Taken back: that generation is not retired any more."]
    if old is None:
        lines.append("No backup of it is in this folder; one can be stored here again: coldshare backup FILE --newer")
    else:
        lines.append(f"{short_of(old)} is the active one.")
        if waiting is not None:
            lines.append(f"{short_of(waiting)} waits beside it, and counts once the older one is retired.")
    return Result(
        {
            **place_json(at),
            "active": None if old is None else backup_json(old),
            "newer": None if waiting is None else backup_json(waiting),
        },
        lines,
    )


def _generation(like: Kept, generation: bytes) -> Retired:
    from coldshare.places.format import Retired

    return Retired.of(like.record, generation)
