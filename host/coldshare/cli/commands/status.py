"""`coldshare status`: whether the vaults are safe, by what the ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli import when
from coldshare.cli.options import json_option
from coldshare.cli.render import Result
from coldshare.errors import EXIT_ATTEND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.judged import Book
    from coldshare.cli.render import Drawn, Json
    from coldshare.safety.standing import Overview

_LOOK = "Or let the ledger look at what is there: coldshare ledger rescan --at ADDR"
_NOTHING = f"No vault is known here. Begin with: coldshare backup FILE. {_LOOK}"


@click.command("status", short_help="Say whether your vaults are safe, and what to do.")
@click.argument("vault", required=False)
@json_option
def command(vault: str | None, as_json: bool) -> Result:
    """Say whether your vaults are safe: who has which share where, what is lost, and what to do next.

    The answer comes from this computer's ledger alone: no token is needed, and nothing is opened. VAULT is a name, or
    the first digits of its public key. Ends with 0 when all is well, with 8 when something should be done, and with 9
    when signing itself is in danger.
    """
    from coldshare.cli.judged import Book
    from coldshare.ledger.errors import NoLedgerError
    from coldshare.ledger.store import Ledger, ledger_path
    from coldshare.safety.named import choose
    from coldshare.safety.standing import Overview, assess

    now = when.now()
    try:
        with Ledger(ledger_path(), create=False) as ledger:
            view = ledger.view()
    except NoLedgerError as error:
        return _nothing(f"{error.message} {error.next_step}")
    overview = assess(view, now)
    if vault is not None:
        chosen = {one.vault for one in choose(view.vaults(), vault)}
        overview = Overview(tuple(one for one in overview.standings if one.vault.vault in chosen), (), ())
    if not overview.standings and not overview.nameless:
        return _nothing(_NOTHING)
    book = Book(view)
    return Result(
        _json(overview),
        _lines(overview, book, now),
        overview.exit_status,
        lambda width: _picture(overview, book, now, width),
    )


def _nothing(words: str) -> Result:
    return Result({**_json(None), "next": words}, [f"Nothing is known, so nothing is proved. {words}"], EXIT_ATTEND)


def _json(overview: Overview | None) -> dict[str, Json]:
    from coldshare.cli.judged_json import backup_json, standing_json

    if overview is None:
        return {"exit_status": EXIT_ATTEND, "vaults": [], "nameless": [], "conflicts": []}
    return {
        "exit_status": overview.exit_status,
        "vaults": [standing_json(one) for one in overview.standings],
        "nameless": [{**backup_json(one), "place": str(one.place)} for one in overview.nameless],
        "conflicts": [{"code": one.code, "words": one.words} for one in overview.conflicts],
    }


def _lines(overview: Overview, book: Book, now: int) -> list[str]:
    from coldshare.cli.judged import lines

    out: list[str] = []
    for one in overview.standings:
        out += [*([""] if out else []), *lines(one, book, now)]
    return [*out, *_others(overview, book)]


def _others(overview: Overview, book: Book) -> list[str]:
    out = []
    for backup in overview.nameless:
        words, step = book.nameless(backup)
        out += [words, f"  Next: {step}"]
    return [*out, *(f"CONFLICT: {one.words}" for one in overview.conflicts)]


def _picture(overview: Overview, book: Book, now: int, width: int) -> Sequence[Drawn]:
    from coldshare.cli.picture import draw, draw_others

    out: list[Drawn] = []
    for one in overview.standings:
        out += [*([()] if out else []), *draw(one, book, now, width)]
    said = [book.nameless(one) for one in overview.nameless]
    said += [(f"CONFLICT: {one.words}", "") for one in overview.conflicts]
    return [*out, *draw_others(said, width)]
