"""`coldshare audit`: what was done to a token, by whom, as the token itself remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import declared, declared_json, what
from coldshare.cli.happened import backup_id, code, computers, gap, words
from coldshare.cli.options import open_token, token_options, unlock
from coldshare.cli.render import Result, table
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.cli.happened import Computers
    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.device.history import Entry
    from coldshare.restore import Held


@click.command("audit", short_help="Show what was done to a token.")
@token_options
def command(at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Show the token's record of what was done to it, by which computer, and what is new since this one was here.

    The record is a chain that begins when the token is set up; the last 256 entries are kept. Every visit checks that
    it goes on from where this computer saw it last: a token that was put back to an earlier state is found out.
    """
    from coldshare.device import history
    from coldshare.restore import everything

    ui = Ui(quiet=as_json)
    with open_token(at, ui) as client:
        client.check_audit()
        label = unlock(client, pin_file, ui)
        visit = client.history
        if visit is None:
            raise AssertionError("a token that was unlocked has shown its record")
        done = history.read(client.audit, visit.head, everything=True)
        known = computers(client)
        held = {one.backup_id: one for one in everything(client.contents())}
        serial = client.info.serial.hex()
    since = visit.since
    new = {entry.number for entry in done.entries if since is not None and entry.number > since}
    rows = [_row(entry, known, held, entry.number in new) for entry in done.entries]
    lines = [f"{label} (serial {serial}), {done.head.count} entries so far"]
    lines += table(["NO", "", "WHAT", "BACKUP", "ASKED BY"], rows)
    if done.entries and done.entries[0].number > 1:
        lines.append(f"Entries before number {done.entries[0].number} are no longer kept.")
    if not done.entries:
        lines.append("None of them can be read any more: the flash that held them is damaged.")
    if since is None:
        lines.append("This computer sees this record for the first time, so it has nothing to compare it with.")
    elif not visit.known:
        lines.append(
            f"It does not reach back to number {since}, which this computer saw last: {gap(visit)}. So nobody knows "
            "whether it is the same record."
        )
    else:
        fresh = f"{len(new)} new, marked with *" if new else "nothing is new"
        lines.append(f"It goes on from number {since}, which this computer saw last; {fresh}.")
    return Result(
        {
            "token": {"label": label, "serial": serial},
            "count": done.head.count,
            "seen_before": since,
            "goes_on": visit.known,
            "entries": [_json(entry, known, held, entry.number in new) for entry in done.entries],
        },
        lines,
    )


def _row(entry: Entry, known: Computers, held: dict[bytes, Held], new: bool) -> list[str]:
    subject = backup_id(entry)
    about = ""
    if subject:
        about = subject.hex()[:8]
        if subject in held:
            about += f", {what(held[subject])}"
    return [
        str(entry.number),
        "*" if new else "",
        words(entry, known),
        about,
        known.name(entry.host) if entry.host else "-",
    ]


def _json(entry: Entry, known: Computers, held: dict[bytes, Held], new: bool) -> dict[str, Json]:
    from coldshare_iface import wire

    subject = backup_id(entry)
    told = declared(held[subject]) if subject in held else None
    paired = entry.subject if entry.event in (wire.EVENT_PAIRED, wire.EVENT_UNPAIRED) else b""
    return {
        "number": entry.number,
        "event": code(entry),
        "detail": entry.detail,
        "backup_id": subject.hex() if subject else None,
        "share": None if told is None else declared_json(told),
        "asked_by": known.json(entry.host),
        "computer": known.json(paired),
        "new": new,
    }
