"""`coldshare drill`: rehearse one backup, and see what all rehearsals prove together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from coldshare.cli import when
from coldshare.cli.describe import declared_json, headline
from coldshare.cli.folder.common import file_of, is_folder, no_pin, on_wait, place_json
from coldshare.cli.opening import Opening, from_option, needed, needs, opening_options, remember
from coldshare.cli.options import backup_option, open_token, place_options_if_any, unlock
from coldshare.cli.render import Result
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui
from coldshare.cli.unfinished import finished
from coldshare.cli.vaultfile import VaultPassword, vault_password_option
from coldshare.errors import EXIT_ATTEND, EXIT_DANGER, SecretError
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.drill import Drilled, Opened
    from coldshare.ledger.drills import At
    from coldshare.ledger.queries import View
    from coldshare.safety.rehearsal import Rehearsal

#: Rule 5.
_OLD = (
    "It does not work with the newer ones, so it counts for no drill of theirs. It still works with the other old ones."
)
_LISTED = "drill --list looks at the ledger only: leave {0} out"


@click.command("drill", short_help="Rehearse a restore, and see what all rehearsals prove.")
@backup_option
@from_option
@click.option(
    "--list", "listing", is_flag=True, help="Only show what was rehearsed, and what is due; no device needed."
)
@click.option("--vault", metavar="NAME", help="With --list: only the vault that is called so.")
@opening_options
@vault_password_option
@single_host_option
@place_options_if_any
@click.pass_context
def command(
    context: click.Context,
    prefix: str | None,
    source: Path | None,
    listing: bool,
    vault: str | None,
    password_file: str | None,
    recovery_file: str | None,
    recovery: bool,
    allow_cost: bool,
    vault_password_file: str | None,
    single_host: bool,
    at: Address | None,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Open the seal of one backup, check the share inside with all that can be checked, and write down public values.

    No share is written, and none is combined with another one. Rehearse the backups of the other parties on their own
    computers; what these wrote down, coldshare ledger join brings together. As soon as enough parties were rehearsed,
    their public values prove that they can sign together.
    """
    if listing:
        _alone(context)
        return _list(vault)
    if vault is not None:
        raise click.UsageError("--vault is for --list: whose share a backup is, it says itself")
    if source is not None and prefix is not None:
        raise click.UsageError("--from and --backup exclude each other")
    from coldshare import drill as use_case
    from coldshare.ledger import record

    ui = Ui(quiet=as_json)
    warnings = watch_parties(ui, single_host)
    opening = Opening(ui, password_file, recovery_file, recovery, allow_cost)
    own_password = VaultPassword(vault_password_file, ui)
    if source is not None:
        place = _file(source, opening, at, pin_file, ui)
    elif at is not None and is_folder(at):
        place = _folder(at, prefix, opening, pin_file, ui)
    else:
        place = _token(needed(at), prefix, opening, pin_file, ui)
    try:
        done = use_case.examine(place.opened, own_password.open)
    except use_case.DrillFailedError as error:
        place.tell(error.drilled)
        raise
    except SecretError:
        # The vault file has a password of its own, and nobody knows it here. The seal was opened all the same.
        record.handled(ui.note, place.opened.declaration)
        raise
    place.tell(done)
    return told(_result(place, done, warnings), place.used)


def _alone(context: click.Context) -> None:
    """What comes from the environment is for other commands, too."""
    for parameter in context.command.params:
        if parameter.name in ("listing", "vault", "as_json", None):
            continue
        if context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(_LISTED.format(parameter.opts[0]))


@dataclass(frozen=True)
class _Place:
    """Where a seal was opened. `tell` records the result, `data` says it in JSON."""

    opened: Opened
    tell: Callable[[Drilled], None]
    data: dict[str, Json]
    title: str
    used: Used


def _token(at: Address, prefix: str | None, opening: Opening, pin_file: str | None, ui: Ui) -> _Place:
    from coldshare import drill as use_case
    from coldshare import restore
    from coldshare.ledger import drills, record
    from coldshare.ledger.differences import state_of
    from coldshare_iface import wire
    from coldshare_iface.messages import Backup

    with open_token(at, ui) as client:
        with opening.spoken():
            label = unlock(client, pin_file, ui, introduce=True, copies=True)
        held = restore.choose(restore.everything(client.contents()), prefix)
        if client.info.state == wire.TOKEN_BURNT and not opening.by_recovery:
            raise restore.only_by_code()
        restore.check_parties(held)
        serial = client.info.serial

        def tell(done: Drilled, held: restore.Held = held) -> None:
            state = state_of(held.state, named=isinstance(held, Backup))
            drills.drilled(ui.note, drills.at_token(serial, label, state), done)

        try:
            opened, checked = use_case.at_token(
                client, held, opening.key(), allow_cost=opening.allow_cost, on_step=ui.on_step
            )
        except use_case.DrillFailedError as error:
            tell(error.drilled)
            raise
        except ColdshareError as error:
            record.failed(ui.note, serial, held, error)
            raise
    if checked.confirmed:
        finished(ui, serial, held.backup_id)
        record.verified(ui.note, serial, label, checked)
    remember(ui, held.backup_id, opened.declaration)
    data: dict[str, Json] = {"token": {"label": label, "serial": serial.hex()}}
    title = repr(label) if label else "the token"
    return _Place(opened, lambda done: tell(done, checked.backup), data, title, Used(token=serial))


def _folder(at: Address, prefix: str | None, opening: Opening, pin_file: str | None, ui: Ui) -> _Place:
    from coldshare import drill as use_case
    from coldshare.handling import process
    from coldshare.ledger import drills, folders
    from coldshare.places import shares
    from coldshare.places.folder import open_folder

    no_pin(pin_file)
    with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
        kept = shares.choose(folder.contents().backups, prefix)
    process.expect(kept.backup_id)
    tell = _teller(ui, drills.at_folder(at.where, kept.backup_id))
    # Nobody else has to wait for the folder while a person types.
    key = opening.key()
    try:
        with open_folder(at.where, write=False, on_wait=on_wait(ui)) as folder:
            opened = use_case.in_folder(folder, kept, key, allow_cost=opening.allow_cost, on_step=ui.on_step)
    except use_case.DrillFailedError as error:
        tell(error.drilled)
        raise
    except ColdshareError as error:
        folders.failed(ui.note, at.where, kept, error)
        raise
    remember(ui, kept.backup_id, opened.declaration, file_of(at, kept.backup_id))
    return _Place(opened, tell, place_json(at), at.where, Used(folder=at.where))


def _file(source: Path, opening: Opening, at: Address | None, pin_file: str | None, ui: Ui) -> _Place:
    from coldshare import drill as use_case
    from coldshare.export import read_sealed
    from coldshare.handling import process
    from coldshare.ledger import drills, record
    from coldshare.seal import parse

    sealed = read_sealed(source)
    envelope = parse(sealed)  # a file that is none is refused before anybody is asked for anything
    process.expect(envelope.backup_id)
    tell = _teller(ui, drills.at_file(source))
    used = Used(file=source)
    token = opening.needs_token(at, envelope.slots)
    try:
        if token is None:
            key = opening.key()
            opened = use_case.in_file(sealed, key, allow_cost=opening.allow_cost, on_step=ui.on_step)
        else:
            with open_token(token, ui) as client:
                label = unlock(client, pin_file, ui, introduce=True)
                used = Used(token=client.info.serial, file=source)
                held = needs(client, envelope.backup_id)
                key = opening.key()
                opened = use_case.in_file(sealed, key, client=client, allow_cost=opening.allow_cost, on_step=ui.on_step)
                record.opened_with(ui.note, client.info.serial, label, held)
    except use_case.DrillFailedError as error:
        tell(error.drilled)
        raise
    except ColdshareError as error:
        drills.file_failed(ui.note, source, envelope.backup_id, error)
        raise
    remember(ui, envelope.backup_id, opened.declaration, source)
    return _Place(opened, tell, {"file": str(source)}, str(source), used)


def _teller(ui: Ui, at: At) -> Callable[[Drilled], None]:
    from coldshare.ledger import drills

    return lambda done: drills.drilled(ui.note, at, done)


# --- what it comes to


def _view() -> View:
    from coldshare.ledger.store import Ledger, ledger_path

    with Ledger(ledger_path(), create=False) as ledger:
        return ledger.view()


def _result(place: _Place, done: Drilled, warnings: Sequence[str]) -> Result:
    from coldshare.cli import drills
    from coldshare.safety.aged import is_old, why_old
    from coldshare.safety.rehearsal import rehearse

    now = when.now()
    declared = done.declaration
    notes: list[str] = []
    old: bool | None = None
    lines = [
        f"Good: {done.backup_id.hex()[:8]}, {headline(declared)}, in {place.title}.",
        "Its seal opens, and the share inside passes all its checks. Only public values were written down.",
    ]
    joined: Rehearsal | None = None
    try:
        view = _view()
        old = is_old(view, declared.vault, declared.generation)
        if old:
            why = why_old(view, declared.vault, declared.generation)
            notes.append(f"This share is OLD: it is of generation {declared.generation.hex()[:8]}, {why}. {_OLD}")
            lines += notes
        if any(one.vault == declared.vault for one in view.vaults()):
            joined = rehearse(view, declared.vault, now)
            lines += [*joined.words, *drills.next_of(joined, now)]
    except ColdshareError as error:
        lines.append(f"What all drills prove together cannot be said: {error.message}")
    return Result(
        {
            **place.data,
            "backup_id": done.backup_id.hex(),
            "sealed_size": done.sealed_size,
            **declared_json(declared),
            "good": True,
            "old": old,
            "digest": done.digest.hex(),
            "public_share_ecdsa": None if done.public_share_ecdsa is None else done.public_share_ecdsa.hex(),
            "public_share_eddsa": None if done.public_share_eddsa is None else done.public_share_eddsa.hex(),
            "rehearsal": None if joined is None else drills.rehearsal_json(joined, now),
            "warnings": [*warnings, *notes],
        },
        lines,
        EXIT_DANGER if joined is not None and joined.verdict == "wrong" else 0,
    )


def _list(name: str | None) -> Result:
    from coldshare.cli import drills
    from coldshare.cli.judged import Book
    from coldshare.ledger.errors import NoLedgerError
    from coldshare.safety.named import choose
    from coldshare.safety.rehearsal import rehearse

    now = when.now()
    try:
        view = _view()
    except NoLedgerError as error:
        if name is not None:
            raise
        lines = [f"Nothing was rehearsed yet. {error.next_step}"]
        return Result({"vaults": [], "nameless": []}, lines, EXIT_ATTEND)
    known = view.vaults()
    found = [rehearse(view, one.vault, now) for one in (known if name is None else choose(known, name))]
    nameless = [one for one in view.backups() if one.vault is None and name is None]
    book = Book(view)
    titles = {info.place: info.title for info in view.places()}
    lines = [
        line
        for number, one in enumerate(found)
        for line in ([""] if number else []) + drills.lines_of(one, now, book.vault(one.vault))
    ] or ["The ledger knows no vault yet. The first backup brings it."]
    lines += [
        f"Backup {one.backup_id.hex()[:8]} at {titles[one.place]}: the ledger does not know whose it is. A drill tells."
        for one in nameless
    ]
    worst = drills.status_of(found, now) if found else EXIT_ATTEND
    return Result(
        {
            "vaults": [drills.rehearsal_json(one, now) for one in found],
            "nameless": [{"backup_id": one.backup_id.hex(), "place": str(one.place)} for one in nameless],
        },
        lines,
        max(worst, EXIT_ATTEND) if nameless else worst,
    )
