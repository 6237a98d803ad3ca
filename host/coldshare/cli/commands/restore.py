"""`coldshare restore`: the vault file back, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import RETIRED, backup_json, file_json, headline
from coldshare.cli.folder import restore as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.opening import Opening, from_option, needed, opening_options, remember
from coldshare.cli.options import backup_option, open_token, place_options_if_any, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.restore import CheckedFile
    from coldshare_iface.messages import Declaration


@click.command("restore", short_help="Get a vault file back.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write; it must not exist.")
@backup_option
@from_option
@opening_options
@single_host_option
@place_options_if_any
def command(
    out: Path,
    prefix: str | None,
    source: Path | None,
    password_file: str | None,
    recovery_file: str | None,
    recovery: bool,
    allow_cost: bool,
    single_host: bool,
    at: Address | None,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Write the vault file of a backup to --out, exactly as it was, readable by you only.

    From a token or a folder, with the password or the recovery code; or from an exported file. A computer that the
    token does not know yet is paired with it first. Import the vault file on the device it belongs to, or on the one
    that takes its place, and then delete it.
    """
    from coldshare import restore as use_case
    from coldshare.ledger import record
    from coldshare_iface import wire

    if source is not None and prefix is not None:
        raise click.UsageError("--from and --backup exclude each other")
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
    use_case.check_out(out)
    if source is not None:
        file = _from_file(source, out, opening, at, pin_file, ui)
        remember(ui, file.backup_id, file.declaration, source)
        record.file_opened(ui.note, source, file, restored=True)
        return _result(out, file_json(file), file.declaration, len(file.original), several)
    if at is not None and is_folder(at):
        data, declared, length, warnings = at_folder.restore(at, out, prefix, opening, pin_file, ui)
        return _result(out, data, declared, length, several, warnings)
    with open_token(needed(at), ui) as client:
        with opening.spoken():
            label = unlock(client, pin_file, ui, introduce=True, copies=True)
        held = use_case.choose(use_case.everything(client.contents()), prefix)
        if client.info.state == wire.TOKEN_BURNT and not opening.by_recovery:
            raise use_case.only_by_code()
        use_case.check_parties(held)
        warnings = [RETIRED] if held.state == wire.BACKUP_RETIRED else []
        for warning in warnings:
            ui.note(f"Note: {warning}")
        done = use_case.restore(client, held, opening.key(), out, on_step=ui.on_step, allow_cost=opening.allow_cost)
    declaration = use_case.told(done)
    remember(ui, held.backup_id, declaration)
    record.restored(ui.note, client.info.serial, label, done)
    return _result(out, backup_json(held, declaration), declaration, len(done.original), several, warnings)


def _from_file(
    source: Path, out: Path, opening: Opening, at: Address | None, pin_file: str | None, ui: Ui
) -> CheckedFile:
    from coldshare import restore as use_case
    from coldshare.export import read_sealed
    from coldshare.handling import process
    from coldshare.seal import parse

    sealed = read_sealed(source)
    envelope = parse(sealed)  # a file that is none is refused before anybody is asked for anything
    process.expect(envelope.backup_id)
    token = opening.needs_token(at, envelope.slots)
    if token is None:
        return use_case.restore_sealed(sealed, opening.key(), out, on_step=ui.on_step, allow_cost=opening.allow_cost)
    with open_token(token, ui) as client:
        unlock(client, pin_file, ui, introduce=True)
        return use_case.restore_sealed(
            sealed, opening.key(), out, client=client, on_step=ui.on_step, allow_cost=opening.allow_cost
        )


def _result(
    out: Path,
    data: dict[str, Json],
    declared: Declaration,
    length: int,
    several: Sequence[str],
    warnings: Sequence[str] = (),
) -> Result:
    return Result(
        {**data, "out": str(out), "file_size": length, "warnings": [*warnings, *several]},
        [
            f"Restored: {headline(declared)} is in {out} ({size(length)}), byte for byte.",
            *warnings,
            "Never import it where a newer share of this party is. Delete the file when it has served."
            if warnings
            else f"Import it only on {declared.party} or on the device that takes its place, then delete the file.",
        ],
    )
