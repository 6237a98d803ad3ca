"""`coldshare resume`: go on with a backup whose link broke, or give it up."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import declared_json, state
from coldshare.cli.opening import needed, remember
from coldshare.cli.options import open_token, token_options_if_any, unlock
from coldshare.cli.render import Result, size
from coldshare.cli.ui import Ui
from coldshare.cli.unfinished import describe, load, name_token, outbox
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.outbox import Entry, Outbox, Waiting
    from coldshare.resume import Resumed


@click.command("resume", short_help="Go on with a backup whose link broke.")
@click.option("--forget", is_flag=True, help="Give it up instead, here and, when the token is there, on the token.")
@click.option("--backup", "prefix", metavar="ID", help="Which one, by the first characters of its id.")
@token_options_if_any
def command(forget: bool, prefix: str | None, at: Address | None, pin_file: str | None, as_json: bool) -> Result:
    """Finish a backup to this token that was cut short: the rest is written, stored with a press, and read back.

    This computer has kept the sealed share, so no password is needed, and only what the token does not have yet is
    sent. Whether token or computer were turned off meanwhile does not matter.
    """
    ui = Ui(quiet=as_json)
    return _forget(ui, prefix, at, pin_file) if forget else _resume(ui, prefix, needed(at), pin_file)


def _resume(ui: Ui, prefix: str | None, at: Address, pin_file: str | None) -> Result:
    from coldshare import resume as use_case
    from coldshare.ledger import record

    known = outbox(ui)
    use_case.choose(known, None, prefix)  # before anybody looks for a token, or types its PIN
    done: list[Resumed] = []
    lost: list[ColdshareError] = []
    with open_token(at, ui) as client:
        serial = client.info.serial
        try:
            chosen = use_case.choose(known, serial, prefix)
        except use_case.OtherTokenError as error:
            others = use_case.choose(known, None, prefix)
            raise _other(error, serial, [(load(known, one), one) for one in others]) from None
        # What is stored already comes first: the other one may be about to take its place.
        entries = sorted((known.load(one) for one in chosen), key=lambda entry: not entry.committed)
        label = unlock(client, pin_file, ui)
        for entry in entries:
            ui.note(f"Going on: {describe(entry, entry.waiting)}.")
            try:
                done.append(use_case.resume(client, entry, outbox=known, on_step=_Steps(ui)))
            except use_case.ReservationLostError as error:
                lost.append(error)
        now: dict[bytes, str] = {}
        if done:
            with suppress(ColdshareError):  # they are finished, whatever comes now
                now = {held.backup_id: state(held) for held in client.backups()}
    if not done:
        raise lost[0]
    for one in done:
        remember(ui, one.entry.backup_id, one.entry.declaration)
    record.resumed(ui.note, serial, label, done, now)
    return Result(
        {
            "token": {"label": label, "serial": serial.hex()},
            "backups": [{**_json(one), "state": now.get(one.entry.backup_id, "active")} for one in done],
            "warnings": [f"{error.message} {error.next_step}" for error in lost],
        },
        [
            *(line for one in done for line in _lines(one, label, now.get(one.entry.backup_id, "active"))),
            *(f"Note: {error.message} {error.next_step}" for error in lost),
            "Next: coldshare verify",
        ],
    )


class _Steps:
    """Passes the steps on, and says where the writing goes on."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._began = False

    def __call__(self, step: str, done: int, total: int) -> None:
        if step == "writing" and not self._began:
            self._began = True
            self._ui.note(f"The token has {done:,} of {total:,} bytes.")
        self._ui.on_step(step, done, total)


def _other(error: ColdshareError, serial: bytes, others: list[tuple[Entry | None, Waiting]]) -> ColdshareError:
    told = "; ".join(f"{describe(entry, one)}, to {name_token(one.serial)}" for entry, one in others)
    error.args = (f"This token has serial {serial.hex()}, and this was on its way to another one: {told}.",)
    return error


def _json(one: Resumed) -> dict[str, Json]:
    return {
        "backup_id": one.entry.backup_id.hex(),
        **declared_json(one.entry.declaration),
        "sealed_size": len(one.entry.sealed),
        "resumed_at": one.offset,
        "already_confirmed": one.already,
        "recovery": one.entry.recovery,
    }


def _lines(one: Resumed, label: str, state: str) -> list[str]:
    what = describe(one.entry, one.entry.waiting)
    if one.already:
        return [f"Nothing was left to do: {what}, is on {label!r}, confirmed."]
    lines = [f"Finished: {what}, is on {label!r}."]
    total = len(one.entry.sealed)
    if one.offset is None:
        lines.append(f"The token had stored it; its {size(total)} were read back and are the ones that were sent.")
    elif one.offset == total:
        lines.append(f"The token had all {size(total)} of it; it was stored now, and all of it read back.")
    else:
        lines.append(f"The last {size(total - one.offset)} of {size(total)} were written, and all of it read back.")
    lines.append("It opens with this token and the password that you chose for it, together.")
    if one.entry.recovery:
        lines.append("It also opens with the recovery code that was made for it, alone.")
    if state == "next":
        lines.append(
            "It is of a newer generation than the active one, and counts once that is retired: coldshare retire ID"
        )
    return lines


def _forget(ui: Ui, prefix: str | None, at: Address | None, pin_file: str | None) -> Result:
    from coldshare import resume as use_case

    known = outbox(ui)
    one = _one(known, None, prefix) if at is None else None
    told = stored = False
    if at is not None:
        use_case.choose(known, None, prefix)
        try:
            with open_token(at, ui) as client:
                one = _one(known, client.info.serial, prefix)
                if one.serial == client.info.serial:
                    unlock(client, pin_file, ui)
                    stored = use_case.give_up(client, one)
                    told = True
        except ColdshareError as error:
            if not use_case.out_of_reach(error):
                raise
    if one is None:
        one = _one(known, None, prefix)
    entry = load(known, one)
    known.drop(one)
    stored = stored or (not told and entry is not None and entry.committed)
    lines = [f"Given up: {describe(entry, one)}, on its way to {name_token(one.serial)}."]
    if stored:
        lines.append(
            "The token has stored it, though, unconfirmed: coldshare verify confirms it, or coldshare remove ID."
        )
    elif told:
        lines.append("The token has destroyed its secret for it.")
    else:
        lines.append(
            "The token was not told. What it has of it goes with the next backup there. If coldshare list shows it as "
            "unconfirmed, coldshare verify confirms it."
        )
    if entry is not None and told and not stored and entry.recovery:
        lines.append(use_case.void(entry))
    return Result(
        {
            "backup_id": one.backup_id.hex(),
            "serial": one.serial.hex(),
            "token_told": told,
            "stored": stored if told or stored else None,
        },
        lines,
    )


def _one(known: Outbox, serial: bytes | None, prefix: str | None) -> Waiting:
    """The one to forget: of the token at hand, or of another one, which may never come back."""
    from coldshare.restore import AmbiguousBackupError
    from coldshare.resume import OtherTokenError, choose

    try:
        found = choose(known, serial, prefix)
    except OtherTokenError:
        found = choose(known, None, prefix)
    if len(found) > 1:
        names = "; ".join(f"{describe(load(known, one), one)}, to {name_token(one.serial)}" for one in found)
        raise AmbiguousBackupError(
            f"There are several: {names}.", next_step="Say which with --backup and the first characters of its id."
        )
    return found[0]
