"""`coldshare restore`: the vault file back, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import backup_json, file_json, headline
from coldshare.cli.folder import restore as at_folder
from coldshare.cli.folder.common import is_folder
from coldshare.cli.onto import Returning, onto_options
from coldshare.cli.opening import Opening, from_option, needed, needs, opening_options, remember
from coldshare.cli.options import backup_option, open_token, place_options_if_any, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.restore import CheckedFile
    from coldshare_iface.messages import Declaration


@click.command("restore", short_help="Get a vault file back.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write; it must not exist.")
@backup_option
@from_option
@onto_options
@opening_options
@single_host_option
@place_options_if_any
def command(
    out: Path,
    prefix: str | None,
    source: Path | None,
    onto: str | None,
    although_alive: bool,
    turn: str | None,
    into: str | None,
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

    When a device is lost: coldshare lost PARTY says what is possible. To bring its share onto a new one, name that
    with --onto. Then coldshare refuses what would help nobody: the share of a party that is not lost, one that would
    turn the device of another party into this one, and one of a generation that does not count.
    """
    from coldshare import restore as use_case
    from coldshare.ledger import record
    from coldshare_iface import wire

    if source is not None and prefix is not None:
        raise click.UsageError("--from and --backup exclude each other")
    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    returning = Returning(ui, onto, although_alive, turn, into)
    opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
    use_case.check_out(out)
    if source is not None:
        file, used = _from_file(source, out, opening, returning, at, pin_file, ui)
        remember(ui, file.backup_id, file.declaration, source)
        record.file_opened(ui.note, source, file, restored=True)
        result = _done(
            ui, out, file_json(file), file.declaration, file.backup_id, len(file.original), returning, several
        )
        return told(result, used)
    if at is not None and is_folder(at):
        data, done = at_folder.restore(at, out, prefix, opening, returning, pin_file, ui)
        result = _done(ui, out, data, done.declaration, done.backup_id, len(done.original), returning, several)
        return told(result, Used(folder=at.where))
    with open_token(needed(at), ui) as client:
        with opening.spoken():
            label = unlock(client, pin_file, ui, introduce=True, copies=True)
        contents = use_case.everything(client.contents())
        held = use_case.choose(contents, prefix)
        if client.info.state == wire.TOKEN_BURNT and not opening.by_recovery:
            raise use_case.only_by_code()
        use_case.check_parties(held)
        returning.at_token(held, contents)
        checked = use_case.restore(
            client,
            held,
            opening.key(),
            out,
            on_step=ui.on_step,
            allow_cost=opening.allow_cost,
            on_opened=returning.opened,
        )
    declaration = use_case.told(checked)
    remember(ui, held.backup_id, declaration)
    record.restored(ui.note, client.info.serial, label, checked)
    data = backup_json(held, declaration)
    result = _done(ui, out, data, declaration, held.backup_id, len(checked.original), returning, several)
    return told(result, Used(token=client.info.serial))


def _from_file(
    source: Path,
    out: Path,
    opening: Opening,
    returning: Returning,
    at: Address | None,
    pin_file: str | None,
    ui: Ui,
) -> tuple[CheckedFile, Used]:
    from coldshare import restore as use_case
    from coldshare.export import read_sealed
    from coldshare.handling import process
    from coldshare.ledger import record
    from coldshare.seal import parse

    sealed = read_sealed(source)
    envelope = parse(sealed)  # a file that is none is refused before anybody is asked for anything
    process.expect(envelope.backup_id)
    returning.in_file(envelope.backup_id)
    token = opening.needs_token(at, envelope.slots)

    def restored(client: TokenClient | None = None) -> CheckedFile:
        return use_case.restore_sealed(
            sealed,
            opening.key(),
            out,
            client=client,
            on_step=ui.on_step,
            allow_cost=opening.allow_cost,
            on_opened=returning.opened,
        )

    if token is None:
        return restored(), Used(file=source)
    with open_token(token, ui) as client:
        label = unlock(client, pin_file, ui, introduce=True)
        held = needs(client, envelope.backup_id)
        file = restored(client)
        record.opened_with(ui.note, client.info.serial, label, held)
        return file, Used(token=client.info.serial, file=source)


def _done(
    ui: Ui,
    out: Path,
    data: dict[str, Json],
    declared: Declaration,
    backup_id: bytes,
    length: int,
    returning: Returning,
    several: Sequence[str],
) -> Result:
    """The file is written. Recorded is which device it goes onto, and said is where it may go."""
    from coldshare.ledger import record

    turned = None if returning.allowed is None else returning.allowed.turned
    if returning.onto is not None:
        record.device_restored(ui.note, declared, backup_id, returning.onto, turned)
    return Result(
        {
            **data,
            "out": str(out),
            "file_size": length,
            "onto": returning.onto,
            "turned": turned,
            "warnings": [*returning.warnings, *several],
        },
        [
            f"Restored: {headline(declared)} is in {out} ({size(length)}), byte for byte.",
            *returning.warnings,
            *returning.after(declared.party),
        ],
    )
