"""`coldshare verify`: prove that a backup can be restored, without restoring it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import (
    RETIRED,
    backup_json,
    file_json,
    has_recovery,
    headline,
    slots_json,
    state,
    ways,
    what,
)
from coldshare.cli.folder import verify as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.opening import Opening, from_option, needed, needs, opening_options, remember
from coldshare.cli.options import backup_option, open_token, place_options_if_any, unlock
from coldshare.cli.render import Result
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui
from coldshare.cli.unfinished import finished
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.restore import Checked


@click.command("verify", short_help="Prove that a backup can be restored.")
@backup_option
@from_option
@opening_options
@single_host_option
@click.option("--no-password", is_flag=True, help="Only read back and compare digests; the seal stays closed.")
@click.option("--repair", is_flag=True, help="In a folder: write damaged copies anew, from the good ones.")
@place_options_if_any
def command(
    prefix: str | None,
    source: Path | None,
    password_file: str | None,
    recovery_file: str | None,
    recovery: bool,
    allow_cost: bool,
    single_host: bool,
    no_password: bool,
    repair: bool,
    at: Address | None,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Read every backup on the token back whole, open its seal and check the share inside.

    Nothing is written to this computer. With --backup only that one; with --from an exported file. Retired backups are
    left out unless they are named, or there are no others. In a folder both copies of everything are read.
    """
    from coldshare import restore as use_case
    from coldshare.ledger import record
    from coldshare_iface import wire

    if no_password:
        for option, given in (("--password-file", password_file), ("--recovery-file", recovery_file)):
            if given is not None:
                raise click.UsageError(f"--no-password and {option} exclude each other")
        if recovery or source is not None:
            raise click.UsageError(
                "--no-password is for backups on a token or in a folder, and without a recovery code"
            )
    if source is not None and prefix is not None:
        raise click.UsageError("--from and --backup exclude each other")
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
    if source is None and at is not None and is_folder(at):
        done = at_folder.verify(at, prefix, opening, no_password, repair, several, pin_file, ui)
        return told(done, Used(folder=at.where))
    if repair:
        raise click.UsageError("--repair is for folders: --at folder:PATH")
    if source is not None:
        return _file(source, opening, several, at, pin_file, ui)
    with open_token(needed(at), ui) as client:
        with opening.spoken():
            label = unlock(client, pin_file, ui, copies=True)
        backups = use_case.everything(client.contents())
        chosen = [use_case.choose(backups, prefix)] if prefix or not backups else use_case.live(backups)
        left_out = [held for held in backups if held not in chosen and held.state == wire.BACKUP_RETIRED]
        if client.info.state == wire.TOKEN_BURNT and not (no_password or opening.by_recovery):
            raise use_case.only_by_code()
        for held in [] if no_password else chosen:
            use_case.check_parties(held)
        key = None if no_password else opening.key(", or leave the seal closed with --no-password")
        checked = []
        for held in chosen:
            try:
                checked.append(use_case.verify(client, held, key, on_step=ui.on_step, allow_cost=opening.allow_cost))
                record.verified(ui.note, client.info.serial, label, checked[-1])
            except ColdshareError as error:
                record.failed(ui.note, client.info.serial, held, error)
                if len(chosen) > 1:
                    error.args = (f"{held.backup_id.hex()[:8]}, {what(held)}: {error.message}",)
                raise
    for one in checked:
        if one.confirmed:
            finished(ui, client.info.serial, one.backup.backup_id)
        if one.opened and one.declaration is not None:
            remember(ui, one.backup.backup_id, one.declaration)
    result = Result(
        {
            "token": {"label": label, "serial": client.info.serial.hex()},
            "backups": [
                {
                    **backup_json(one.backup, one.declaration),
                    **slots_json(one.slots),
                    "opened": one.opened,
                    "confirmed_now": one.confirmed,
                }
                for one in checked
            ],
            "warnings": several,
        },
        [
            *(line for one in checked for line in _lines(one)),
            *(f"Left out: {held.backup_id.hex()[:8]}, {what(held)}, retired. --backup names it." for held in left_out),
        ],
    )
    return told(result, Used(token=client.info.serial))


def _lines(one: Checked) -> list[str]:
    named = what(one.backup, one.declaration)
    short = one.backup.backup_id.hex()[:8]
    if one.opened:
        lines = [f"Good: {short}, {named}, read back whole, its seal opened, its file rebuilt byte for byte."]
    else:
        lines = [f"Read back: {short}, {named}. The digest is right; the seal was not opened."]
    if state(one.backup) != "keyless":
        says = "Opens with" if one.opened else "It says that it opens with"
        lines.append(f"{says} {ways(one.slots)}.")
    elif has_recovery(one.slots):
        lines.append("It opens with its recovery code alone: the token has destroyed its own secret for it.")
    else:
        lines.append("It has no recovery code, and the token has destroyed its own secret for it: it opens no more.")
    if one.confirmed:
        lines.append(f"{short} had not been confirmed when it was made; it is now.")
    if state(one.backup) == "next":
        lines.append("It is of a newer generation than the active one: once that is retired, it counts.")
    if state(one.backup) == "retired":
        lines.append(RETIRED)
    if state(one.backup) == "damaged" and one.opened:
        lines.append("The token has lost its name, and nothing else. Back the share up anew, then: coldshare remove ID")
    return lines


def _file(
    source: Path, opening: Opening, several: list[str], at: Address | None, pin_file: str | None, ui: Ui
) -> Result:
    from coldshare import restore as use_case
    from coldshare.export import read_sealed
    from coldshare.handling import process
    from coldshare.ledger import record
    from coldshare.seal import parse

    sealed = read_sealed(source)
    envelope = parse(sealed)  # a file that is none is refused before anybody is asked for anything
    process.expect(envelope.backup_id)
    token = opening.needs_token(at, envelope.slots)
    used = Used(file=source)
    if token is None:
        done = use_case.verify_sealed(sealed, opening.key(), on_step=ui.on_step, allow_cost=opening.allow_cost)
    else:
        with open_token(token, ui) as client:
            label = unlock(client, pin_file, ui)
            held = needs(client, envelope.backup_id)
            done = use_case.verify_sealed(
                sealed, opening.key(), client=client, on_step=ui.on_step, allow_cost=opening.allow_cost
            )
            record.opened_with(ui.note, client.info.serial, label, held)
            used = Used(token=client.info.serial, file=source)
    remember(ui, done.backup_id, done.declaration, source)
    record.file_opened(ui.note, source, done)
    short = done.backup_id.hex()[:8]
    result = Result(
        {"file": str(source), **file_json(done), **slots_json(done.slots), "opened": True, "warnings": several},
        [
            f"Good: {source} is {short}, {headline(done.declaration)}; its seal opens and its file comes back whole.",
            f"Opens with {ways(done.slots)}.",
        ],
    )
    return told(result, used)
