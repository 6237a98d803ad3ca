"""`coldshare verify` of a folder."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.describe import RETIRED, headline, slots_json, ways
from coldshare.cli.folder.common import (
    STATES,
    about,
    backup_json,
    command_at,
    file_of,
    no_pin,
    on_wait,
    place_json,
    short_of,
    state_of,
)
from coldshare.cli.opening import remember
from coldshare.cli.render import Result, size
from coldshare.errors import EXIT_INTEGRITY, ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.opening import Opening
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address
    from coldshare.places.folder import Finding, Folder, Kept
    from coldshare.restore import CheckedFile


def verify(
    at: Address,
    prefix: str | None,
    opening: Opening,
    no_password: bool,
    repair: bool,
    several: list[str],
    pin_file: str | None,
    ui: Ui,
) -> Result:
    from coldshare.handling import process
    from coldshare.ledger import folders as ledger
    from coldshare.places import shares
    from coldshare.places.errors import FolderIndexError
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    mended: list[Finding] = []
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        findings = folder.scrub()
    for one in findings:
        ui.note(f"{one.name} {one.words}.")
    if any(one.mends for one in findings) and (repair or _agreed(ui)):
        with open_folder(at.where, write=True, on_wait=on_wait(ui)) as folder:
            mended = folder.repair()
            findings = folder.scrub()
        ui.note("What could be mended is mended." if mended else "There was nothing to mend any more.")
    opened: list[tuple[Kept, CheckedFile]] = []
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        try:
            contents = folder.contents()
        except FolderIndexError as error:
            error.next_step = error.next_step.replace("folder:PATH", shlex.quote(str(at)))
            raise
        chosen = (
            [shares.choose(contents.backups, prefix)]
            if prefix or not contents.backups
            else shares.live(contents.backups)
        )
        read = [(kept, _read(folder, kept, at, ui)) for kept in chosen]
    if not no_password:
        for kept in chosen:
            process.expect(kept.backup_id)
        # Nobody else has to wait for the folder while a person types.
        key = opening.key(", or leave the seals closed with --no-password")
        with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
            for kept in chosen:
                try:
                    done = shares.verify(folder, kept, key, allow_cost=opening.allow_cost, on_step=ui.on_step)
                except ColdshareError as error:
                    ledger.failed(ui.note, at.where, kept, error)
                    if len(chosen) > 1:
                        error.args = (f"{short_of(kept)}: {error.message}",)
                    raise
                opened.append((kept, done))
    ledger.verified(ui.note, at.where, opened, chosen)
    for kept, done in opened:
        remember(ui, kept.backup_id, done.declaration, file_of(at, kept.backup_id))
    left_out = [kept for kept in contents.backups if kept not in chosen and not kept.live]
    lines = [line for kept, done in opened for line in _lines(kept, done)]
    if no_password:
        lines += [
            f"Read back: {short_of(kept)}, {size(length)}. The digest is right; the seal was not opened."
            for kept, length in read
        ]
    lines += [f"Mended: {one.name} {one.words}." for one in mended]
    bad = [one for one in findings if one.mends or one.name.endswith((".a", ".b"))]
    if bad:
        lines += [f"Not good: {one.name} {one.words}." for one in bad]
        if any(one.mends for one in bad):
            lines.append(f"To write it anew from what is good: {command_at('verify --repair', at)}")
        lines.append("A stick that loses files is worn out: back the share up onto another one as well.")
    else:
        lines.append(f"Both copies of everything in {at.where} were read from the disk, and are alike.")
    lines += [f"Left out: {short_of(kept)}, retired. --backup names it." for kept in left_out]
    lines += about(contents)
    told = {kept.backup_id: done for kept, done in opened}
    return Result(
        {
            **place_json(at),
            "backups": [
                {
                    **backup_json(kept, told[kept.backup_id].declaration if kept.backup_id in told else None),
                    **(slots_json(told[kept.backup_id].slots) if kept.backup_id in told else {}),
                    "opened": kept.backup_id in told,
                }
                for kept in chosen
            ],
            "findings": [{"file": one.name, "says": one.words, "mends": one.mends} for one in findings],
            "mended": [{"file": one.name, "says": one.words} for one in mended],
            "strangers": list(contents.strangers),
            "crowded": contents.crowded,
            "warnings": several,
        },
        lines,
        EXIT_INTEGRITY if bad else 0,
    )


def _read(folder: Folder, kept: Kept, at: Address, ui: Ui) -> int:
    from coldshare.ledger import folders as ledger

    try:
        return len(folder.read(kept))
    except ColdshareError as error:
        ledger.failed(ui.note, at.where, kept, error)
        raise


def _agreed(ui: Ui) -> bool:
    if ui.quiet or not entry.person_here():
        return False
    return click.confirm("Write what is damaged anew, from what is good?", default=False, err=True)


def _lines(kept: Kept, done: CheckedFile) -> list[str]:
    lines = [
        f"Good: {short_of(kept)}, {headline(done.declaration)}, its seal opened, its file rebuilt byte for byte.",
        f"Opens with {ways(done.slots)}.",
    ]
    state = state_of(kept)
    if state == "retired":
        lines.append(RETIRED)
    elif state in STATES:
        lines.append(STATES[state])
    return lines
