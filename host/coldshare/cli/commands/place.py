"""`coldshare place`: what the places are called, where they are, who has them, and which ones are lost."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import click

from coldshare.cli.complete import known_places, places
from coldshare.cli.options import json_option
from coldshare.cli.render import Json, Result
from coldshare.errors import RefusedError

if TYPE_CHECKING:
    from coldshare.cli.place_words import Book
    from coldshare.device.address import Address
    from coldshare.ledger.events import Body, Place
    from coldshare.ledger.queries import PlaceInfo, View
    from coldshare.ledger.store import Ledger
    from coldshare.safety.apart import Together
    from coldshare.safety.place_loss import Touched

_ALONE: Final = (
    "One share alone signs nothing. If somebody may have it and get at others, too: reshare the vault, and destroy "
    "every old copy."
)
#: What somebody can do who has the place, by its kind.
_FINDER: Final = {
    "token": "Whoever has the token has to know its PIN; after 8 wrong ones it destroys its keys. A recovery code "
    "opens what is sealed there without it.",
    "folder": "Whoever has the folder can copy what is sealed there, and try passwords for as long as they like.",
    "file": "Whoever has the file can copy it, and try recovery codes and passwords for as long as they like.",
    "computer": "coldshare leaves no share in the clear on a computer; what you saved there yourself lies there, and a "
    "program that watched had what was opened there.",
}


class PlaceHereError(RefusedError):
    """This computer is here, so it is not lost."""

    code = "place_here"
    next_step = "Say it on another computer, with the name that this one has there: coldshare place list"


def _address(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    if text is None or context.resilient_parsing:
        return None
    from coldshare.device.address import Address

    return Address.parse(text)


_at_option = click.option(
    "--at",
    metavar="ADDR",
    envvar="COLDSHARE_AT",
    callback=_address,
    shell_complete=places,
    help="Look there, too: sim:PATH is a software token in a file, folder:PATH a folder. Also COLDSHARE_AT.",
)
_place_argument = click.argument("which", metavar="PLACE", shell_complete=known_places)


@click.group("place", invoke_without_command=True, short_help="Say where backups are, and which places are lost.")
@_at_option
@json_option
@click.pass_context
def command(context: click.Context, at: Address | None, as_json: bool) -> Result | None:
    """What places there are, what they are called, where they are and who has them. Without a command: list.

    A place is a token, a folder, an exported file, or a computer. No backup is opened, moved or changed: this is what
    people say of places, so that coldshare can warn when too much is in one hand.

    PLACE is what you call it, its label, its serial or the first characters of it, its address, the path of an exported
    file, the name of a computer, or "this" for this one.
    """
    return _list(at) if context.invoked_subcommand is None else None


@command.command("list")
@_at_option
@json_option
def list_(at: Address | None, as_json: bool) -> Result:
    """Show all places: what each holds, where it is, who has it, and whether it is at hand now."""
    return _list(at)


def _list(at: Address | None) -> Result:
    from coldshare.cli.place_words import loud, together_json
    from coldshare.ledger.errors import NoLedgerError

    try:
        with _open() as ledger:
            book = _book(ledger, ledger.view(), at)
    except NoLedgerError as error:
        empty: dict[str, Json] = {"places": [], "together": [], "warnings": []}
        return Result(empty, [f"Nothing is recorded yet. {error.next_step}"])
    together = _together(book.view)
    notes = [*book.at_hand.notes, *loud(together)]
    return Result(
        {
            "places": [book.json(one) for one in book.places],
            "together": together_json(together),
            "warnings": notes,
        },
        [*book.rows(), *(f"Note: {words}" for words in notes)],
    )


@command.command("show")
@_place_argument
@_at_option
@json_option
def show(which: str, at: Address | None, as_json: bool) -> Result:
    """Show all that is known of one place."""
    from coldshare.places.resolve import address_of

    with _open() as ledger:
        view = ledger.view()
        place = _find(ledger, view, which)
        book = _book(ledger, view, address_of(which) or at)
    return _told(book, place)


@command.command("set")
@_place_argument
@click.option("--called", metavar="TEXT", help="What you call it. No two places are called the same.")
@click.option("--location", metavar="TEXT", help="Where it is kept.")
@click.option("--custodian", metavar="TEXT", help="Who keeps it.")
@click.option("--account", metavar="TEXT", help="The account it is in, as of a cloud drive.")
@click.option("--note", metavar="TEXT", help="Anything else.")
@click.option("--reached-by", metavar="COMPUTER", multiple=True, help="That computer can reach it.")
@click.option("--not-reached-by", metavar="COMPUTER", multiple=True, help="That computer cannot, or not any more.")
@json_option
def set_(
    which: str,
    called: str | None,
    location: str | None,
    custodian: str | None,
    account: str | None,
    note: str | None,
    reached_by: tuple[str, ...],
    not_reached_by: tuple[str, ...],
    as_json: bool,
) -> Result:
    """Say what a place is called, where it is, who has it, and which computers reach it.

    What is not named stays; an empty TEXT takes it back. Write no password and no code here: a ledger can be read by
    whoever gets it.
    """
    from coldshare.cli.place_words import SAID
    from coldshare.ledger.events import COMPUTER, PlaceDescribed, PlaceReached
    from coldshare.places.resolve import address_of, check_name, check_text, computer, known

    given = dict(zip(SAID, (called, location, custodian, account, note), strict=True))
    if all(text is None for text in given.values()) and not reached_by and not not_reached_by:
        raise click.UsageError("nothing is said of it: give --called, --location, --custodian, --account or --note")
    said = {name: check_text(name, text) for name, text in given.items() if text is not None}
    with _open() as ledger:
        view = ledger.view()
        before = known(view, ledger.host)
        place = _find(ledger, view, which)
        if place.kind == COMPUTER and (reached_by or not_reached_by):
            raise click.UsageError("--reached-by is said of tokens, folders and files, not of a computer")
        info = next(one for one in before if one.place == place)
        name = said.get("called")
        if name is not None:
            check_name(before, place, name)
        reached = {computer(before, one, ledger.host): True for one in reached_by}
        left = {computer(before, one, ledger.host): False for one in not_reached_by}
        if reached.keys() & left.keys():
            raise click.UsageError("the same computer stands behind --reached-by and --not-reached-by")
        bodies: list[Body] = []
        if said:
            bodies.append(PlaceDescribed(place, **{one: said.get(one, getattr(info, one)) for one in SAID}))
        bodies += [PlaceReached(place, host, reaches) for host, reaches in (reached | left).items()]
        changed = _record(ledger, bodies)
        book = _book(ledger, ledger.view(), address_of(which))
    was = _together(view)
    news = [one for one in _together(book.view) if not any(_covers(other, one) for other in was)]
    return _told(book, place, changed=changed, together=news)


@command.command("lost")
@_place_argument
@json_option
def lost(which: str, as_json: bool) -> Result:
    """Say that a place cannot be found, or is in other hands. Its backups do not count any more."""
    from coldshare.ledger.events import COMPUTER, Place, PlaceLost

    with _open() as ledger:
        view = ledger.view()
        place = _find(ledger, view, which)
        if place == Place(COMPUTER, ledger.host):
            raise PlaceHereError
        changed = not _is_lost(view, place)
        _record(ledger, [PlaceLost(place)])
        book = _book(ledger, ledger.view(), None)
    return _became(view, book, place, changed=changed, is_lost=True)


@command.command("found")
@_place_argument
@json_option
def found(which: str, as_json: bool) -> Result:
    """Take that back: the place is there again, and its backups count as before."""
    from coldshare.ledger.events import PlaceFound

    with _open() as ledger:
        view = ledger.view()
        place = _find(ledger, view, which)
        changed = _is_lost(view, place)
        _record(ledger, [PlaceFound(place)])
        book = _book(ledger, ledger.view(), None)
    return _became(view, book, place, changed=changed, is_lost=False)


# --- what they have in common


def _open() -> Ledger:
    from coldshare.ledger.store import Ledger, ledger_path

    return Ledger(ledger_path(), create=False)


def _find(ledger: Ledger, view: View, which: str) -> Place:
    from coldshare.places.resolve import find, known

    return find(known(view, ledger.host), which, ledger.host)


def _record(ledger: Ledger, bodies: Sequence[Body]) -> bool:
    """Whether any of it was news."""
    from coldshare.ledger.events import HostNamed
    from coldshare.ledger.record import host_name

    return any(not isinstance(one.body, HostNamed) for one in ledger.record([HostNamed(host_name()), *bodies]))


def _is_lost(view: View, place: Place) -> bool:
    info = view.place(place)
    return info is not None and info.lost is not None


def _book(ledger: Ledger, view: View, named: Address | None) -> Book:
    from coldshare.cli.place_words import Book
    from coldshare.places.at_hand import at_hand
    from coldshare.places.resolve import known

    return Book(view, ledger.host, known(view, ledger.host), at_hand(view, named=named))


def _info(book: Book, place: Place) -> PlaceInfo:
    return next(one for one in book.places if one.place == place)


def _together(view: View) -> list[Together]:
    from coldshare.safety.apart import together

    return [one for vault in view.vaults() for one in together(view, vault.vault)]


def _covers(before: Together, now: Together) -> bool:
    """Whether it was so before, or worse. What a place is called makes no difference."""
    same = before.by == now.by == "place" or (before.by, before.what.casefold()) == (now.by, now.what.casefold())
    return (
        same
        and before.generation == now.generation
        and {*now.places} <= {*before.places}
        and now.serious <= before.serious
    )


def _told(book: Book, place: Place, *, changed: bool | None = None, together: Iterable[Together] = ()) -> Result:
    """All of one place; `changed` after a command that could change it."""
    from coldshare.cli.place_words import loud, together_json

    info = _info(book, place)
    found = list(together)
    data: dict[str, Json] = {**book.json(info)}
    lines = book.lines(info)
    warnings = [*book.at_hand.notes, *loud(found)]
    if changed is not None:
        data |= {"changed": changed, "together": together_json(found)}
        lines = ["Recorded." if changed else "The ledger had it so already.", *lines]
    return Result({**data, "warnings": warnings}, [*lines, *(f"Note: {words}" for words in warnings)])


def _became(before: View, book: Book, place: Place, *, changed: bool, is_lost: bool) -> Result:
    """The place was lost, or found again."""
    from coldshare.ledger.events import PLACES
    from coldshare.places.resolve import name_of
    from coldshare.safety.place_loss import touched

    info = _info(book, place)
    title = book.title(info)
    shares = touched(before, book.view, place) if is_lost else touched(book.view, before, place)
    name = shlex.quote(name_of(book.places, place, book.this))
    if is_lost:
        lines = [f"{title[:1].upper()}{title[1:]} is recorded as LOST{'' if changed else ' already'}."]
        lines += [_without(one) for one in shares] if changed else []
        lines += [_FINDER[kind]] if (kind := PLACES.get(place.kind, "")) in _FINDER else []
        lines += [
            _ALONE,
            f"Where that leaves you: coldshare status. When it turns up: coldshare place found {name}",
        ]
    elif changed:
        lines = [f"{title[:1].upper()}{title[1:]} is there again, and what it holds counts as before."]
        lines += [f"{book.vault(one.vault.vault)}: {one.party} has this backup again." for one in shares]
        here = book.at_hand.places.get(place)
        command = f"coldshare verify{'' if here is None else f' {here.command}'}"
        lines.append(f"Nobody knows where it was. Look whether it is unharmed: {command}")
    else:
        lines = [f"{title[:1].upper()}{title[1:]} was not recorded as lost."]
    return Result(
        {
            **book.json(info),
            "changed": changed,
            "shares": [_touched_json(one) for one in shares] if changed else [],
        },
        lines,
    )


def _without(one: Touched) -> str:
    """What is left of a share now."""
    from coldshare.safety import commands

    vault, party = one.vault.name, one.party
    if one.older:
        return (
            f"{vault}: an older share of {party} is there, too, generation {one.generation.hex()[:8]}. Old shares "
            "still work with each other."
        )
    if one.others:
        titles = ", ".join(repr(copy.place.title) for copy in one.others)
        return f"{vault}: {party} has another backup, at {titles}."
    if one.device == "server":
        return f"{vault}: no backup of {party} is left, which is the vendor's server."
    if one.device in ("alive", "restored"):
        return (
            f"{vault}: NO backup of {party} is left. Its device has its share: export its vault file there, and "
            "coldshare backup FILE, to another place."
        )
    return (
        f"{vault}: NO backup of {party} is left, and its device does not have its share either. What is possible: "
        f"{commands.lost(party)}"
    )


def _touched_json(one: Touched) -> dict[str, Json]:
    return {
        "vault": {"name": one.vault.name, "public_key_ecdsa": one.vault.vault.hex()},
        "party": one.party,
        "generation": one.generation.hex(),
        "older": one.older,
        "device": one.device,
        "others": [{"backup_id": copy.backup.backup_id.hex(), "place": str(copy.place.place)} for copy in one.others],
    }
