"""`coldshare ledger`: what this computer knows about vaults, places and backups, and what happened to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.options import json_option, open_token, place_options, unlock
from coldshare.cli.render import Result, table
from coldshare.cli.thought_lost import Used, told
from coldshare.cli.ui import Ui
from coldshare.errors import EXIT_INTEGRITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.device.address import Address
    from coldshare.ledger.differences import Listed
    from coldshare.ledger.events import Event, Place
    from coldshare.ledger.queries import View
    from coldshare.ledger.store import Ledger

_PRIVATE = "It holds no secret that opens anything, and tells who has what and where: keep it to yourself."
_NEWER = "Events that only a newer version of coldshare understands are kept, and count for nothing here: {0}."
_AHEAD = (
    "{0} from the future: the clock of a computer was wrong. The order of events holds all the same; their dates "
    "do not."
)


@click.group("ledger", short_help="What this computer knows about backups and places.")
def command() -> None:
    """The record that this computer keeps of vaults, places and backups.

    Every command that changes something writes down what it did. No secret is in it. With --json each of these answers
    with one JSON object.
    """


@command.command("log")
@click.option("--last", metavar="N", type=click.IntRange(1), help="Only the latest N events.")
@json_option
def log(last: int | None, as_json: bool) -> Result:
    """Show what happened, oldest first; times are UTC."""
    from coldshare.ledger.errors import NoLedgerError
    from coldshare.ledger.history import Names, body_json

    try:
        with _open(create=False) as ledger:
            events, view = ledger.events(), ledger.view()
    except NoLedgerError as error:
        return Result({"events": [], "warnings": []}, [f"Nothing is recorded yet. {error.next_step}"])
    names = Names(view)
    shown = events if last is None else events[-last:]
    rows = [[_time(event.time), names.host(event.host), names.words(event.body)] for event in shown]
    warnings = _warnings(events, view)
    return Result(
        {
            "events": [
                {
                    "uuid": event.uuid.hex(),
                    "time": _time(event.time),
                    "host": event.host.hex(),
                    "kind": event.body.name or f"kind_{_number(event)}",
                    "body": body_json(event.body),
                    "words": names.words(event.body),
                }
                for event in shown
            ],
            "warnings": warnings,
        },
        [
            *(table(["TIME (UTC)", "COMPUTER", "WHAT"], rows) if rows else ["Nothing is recorded yet."]),
            *(f"Note: {warning}" for warning in warnings),
        ],
    )


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def export(file: Path, as_json: bool) -> Result:
    """Write the whole ledger to FILE, which must not exist: as a copy to keep, or for another computer or person."""
    from coldshare.files import write_private
    from coldshare.ledger import interchange

    with _open(create=False) as ledger:
        events, lost = ledger.readable()
    data = interchange.encode(events)
    write_private(file, data, replace=False)
    lines = [f"Exported: {_count(len(events), 'event')} in {file}. {_PRIVATE}"]
    if lost:
        lines.append(f"Note: {_count(lost, 'event')} of the ledger could not be read and {_are(lost)} not in it.")
    return Result({"out": str(file), "events": len(events), "unreadable": lost}, lines)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> Result:
    """Bring back what was exported from this ledger, or begin a new computer with it.

    What both have is there once. A file that has nothing in common with this ledger is refused: coldshare ledger join
    """
    return _merge(file, join=False)


@command.command("join")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def join(file: Path, as_json: bool) -> Result:
    """Take in another person's exported ledger. Nothing is lost on either side, and who goes first does not matter.

    What the two tell differently is named.
    """
    return _merge(file, join=True)


@command.command("rescan")
@place_options
def rescan(at: Address, pin_file: str | None, as_json: bool) -> Result:
    """Ask a token or a folder what it holds, say what the ledger knew otherwise, and write that down.

    With every token in turn, this makes a ledger anew after the old one was lost. A folder does not say whose shares
    it holds; coldshare verify opens them and tells the ledger.
    """
    from coldshare.ledger import differences, folders
    from coldshare.ledger.events import TOKEN, HostNamed
    from coldshare.ledger.history import Names, body_json
    from coldshare.ledger.record import host_name, named
    from coldshare.safety.conflicts import conflicts

    label, place, listed = _look(at, pin_file, Ui(quiet=as_json))
    there = named(place, label) if place.kind == TOKEN else folders.here(place, at.where)
    with _open(create=True) as ledger:
        found = differences.news(ledger.view(), place, listed)
        ledger.record([HostNamed(host_name()), *there, *found])
        view = ledger.view()
    names = Names(view)
    held = _count(len(listed), "backup")
    lines = [f"The ledger knew all of it: {held} at {names.place(place)}."]
    if found:
        lines = [f"There is {held} at {names.place(place)}. The ledger knew otherwise:"]
        lines += [f"  {names.words(body)}" for body in found]
        lines.append("It is recorded now. What is really inside of a backup is proved by coldshare verify.")
    warnings = [conflict.words for conflict in conflicts(view)]
    result = Result(
        {
            "place": str(place),
            "label": label,
            "backups": len(listed),
            "differences": [{"kind": body.name, "body": body_json(body), "words": names.words(body)} for body in found],
            "warnings": warnings,
        },
        [*lines, *(f"Note: {warning}" for warning in warnings)],
    )
    return told(result, Used(token=place.ident) if place.kind == TOKEN else Used(folder=at.where))


def _look(at: Address, pin_file: str | None, ui: Ui) -> tuple[str, Place, list[Listed]]:
    """What the place is called, which one it is, and what it holds."""
    if at.scheme == "folder":
        from coldshare import paths
        from coldshare.ledger.folders import listed, place_and_contents

        if pin_file is not None:
            raise click.UsageError("a folder has no PIN: leave --pin-file out")
        place, contents = place_and_contents(at.where)
        return paths.label(paths.home(at.where)), place, listed(contents)
    from coldshare.ledger.differences import held
    from coldshare.ledger.record import token

    with open_token(at, ui) as client:
        label = unlock(client, pin_file, ui, copies=True)
        return label, token(client.info.serial), held(client.contents())


@command.command("path")
@json_option
def path(as_json: bool) -> Result:
    """Say where the ledger is."""
    from coldshare.home import ledger_path

    where = ledger_path()
    return Result({"path": str(where), "exists": where.exists()}, [str(where)])


@command.command("check")
@click.option("--rebuild", is_flag=True, help="Make the tables anew from the events.")
@json_option
def check(rebuild: bool, as_json: bool) -> Result:
    """Look for damage: in the file, in every event, and in what follows from them. Ends with 0, or 7 for damage."""
    with _open(create=False) as ledger:
        if rebuild:
            ledger.rebuild()
        found = ledger.check()
        events, lost = ledger.readable() if found else (ledger.events(), 0)
        view = None if found else ledger.view()
    warnings = [] if view is None else _warnings(events, view)
    lines = [f"Good: {_count(len(events), 'event')}, and the tables follow from them."]
    if found:
        lines = [
            *found,
            f"{_count(len(events), 'event')} can be read, {lost} cannot. To keep them: coldshare ledger export FILE",
            "If all events can be read, this makes the rest anew: coldshare ledger check --rebuild",
        ]
    return Result(
        {"good": not found, "events": len(events), "unreadable": lost, "damage": found, "warnings": warnings},
        [*lines, *(f"Note: {warning}" for warning in warnings)],
        EXIT_INTEGRITY if found else 0,
    )


def _open(*, create: bool) -> Ledger:
    from coldshare.ledger.store import Ledger, ledger_path

    return Ledger(ledger_path(), create=create)


def _merge(file: Path, *, join: bool) -> Result:
    from coldshare.ledger import interchange
    from coldshare.ledger.errors import OtherLedgerError
    from coldshare.ledger.history import Names
    from coldshare.ledger.joining import differing, foreign
    from coldshare.safety.conflicts import conflicts

    theirs = interchange.read(file)
    with _open(create=True) as ledger:
        ours = ledger.events()
        if not join and foreign(ours, theirs):
            raise OtherLedgerError(f"{file} has no event in common with this ledger, so it is rather another person's.")
        contradicted = differing(ours, theirs)
        merged = ledger.join(theirs)
        view = ledger.view()
    names = Names(view)
    against = [*(one.words for one in conflicts(view)), *(one.words(names) for one in contradicted)]
    warnings = _odd(theirs)
    hosts = sorted({names.host(event.host) for event in merged.new})
    lines = [f"Taken in: {_count(len(merged.new), 'new event')}; {merged.known} of {len(theirs)} were known already."]
    if hosts:
        lines.append(f"The new ones were recorded by {', '.join(hosts)}.")
    lines += [f"CONFLICT: {words}" for words in against]
    lines += [f"Note: {warning}" for warning in warnings]
    return Result(
        {"new": len(merged.new), "known": merged.known, "conflicts": against, "warnings": warnings},
        lines,
    )


def _warnings(events: Sequence[Event], view: View) -> list[str]:
    from coldshare.safety.conflicts import conflicts

    return [*(conflict.words for conflict in conflicts(view)), *_odd(events)]


def _odd(events: Sequence[Event]) -> list[str]:
    from coldshare.ledger.events import Unknown

    count = sum(isinstance(event.body, Unknown) for event in events)
    found = [_NEWER.format(count)] if count else []
    ahead = sum(event.time > _soon() for event in events)
    return [*found, _AHEAD.format(_count(ahead, "event"))] if ahead else found


def _soon() -> int:
    """Tomorrow, in microseconds: clocks differ, and not by more."""
    return time.time_ns() // 1000 + 86_400_000_000


def _number(event: Event) -> int:
    from coldshare.ledger.events import Unknown

    return event.body.number if isinstance(event.body, Unknown) else event.body.kind


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
