"""`coldshare lost`: a device is lost, and what is possible now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import click

from coldshare.cli.complete import known_parties, places
from coldshare.cli.ledgers import opened
from coldshare.cli.options import json_option
from coldshare.cli.paper import GAP, Line, drawn, head, plain, point, typed
from coldshare.cli.render import Result
from coldshare.cli.ui import Ui
from coldshare.errors import EXIT_ATTEND, EXIT_DANGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.ledger.devices import Had
    from coldshare.ledger.events import Event
    from coldshare.ledger.queries import Party, Vault, View
    from coldshare.ledger.store import Ledger
    from coldshare.places.at_hand import AtHand
    from coldshare.safety.errors import WhichDeviceError
    from coldshare.safety.ways import Ways

T = TypeVar("T")

_AT_HAND = (
    "A token or folder that is at hand besides those that are found by themselves: a software token, above all. Also "
    "COLDSHARE_AT."
)


@click.command("lost", short_help="A device is lost: what is possible now.")
@click.argument("party", metavar="PARTY", shell_complete=known_parties)
@click.option("--vault", "which", metavar="VAULT", help="Only of this vault: its name, or how its public key begins.")
@click.option("--plan", is_flag=True, help="Only say what would be possible; nothing is recorded.")
@click.option("--found", is_flag=True, help="The device has been found again.")
@click.option("--device", metavar="NAME", help="With --found: which one, where the share was on more than one device.")
@click.option("--at", metavar="ADDR", envvar="COLDSHARE_AT", shell_complete=places, help=_AT_HAND)
@json_option
def command(
    party: str, which: str | None, plan: bool, found: bool, device: str | None, at: str | None, as_json: bool
) -> Result:
    """Record that the device of PARTY is lost, and say what is possible now and what not to do.

    There are two ways back: to import its backup into a new device, or to reshare from the other devices. No token is
    opened, and nothing is asked. PARTY is a name that coldshare list shows; its beginning is enough. Exit status 0: a
    way back is possible; 8: a reshare is under way, and has to be settled first; 9: none is.
    """
    from coldshare.cli.when import now
    from coldshare.ledger import devices
    from coldshare.places.at_hand import at_hand
    from coldshare.safety import named

    if plan and found:
        raise click.UsageError("--plan and --found exclude each other")
    if device is not None and not found:
        raise click.UsageError("--device is for --found")
    ui = Ui(quiet=as_json)
    address = _address(at)
    with _ledger() as ledger:
        view, host = ledger.view(), ledger.host
        events = ledger.events() if found else []
    vaults = view.vaults() if which is None else named.choose(view.vaults(), which)
    wanted = named.party(view, vaults, party)
    if found:
        return _found(view, _which(view, events, wanted, device or party, said=device is not None), ui, now())
    new = [] if plan else [(vault.vault, one.party) for vault, one in wanted if one.lost is None]
    failed = _kept(ui, devices.lost, new)
    if new and not failed:
        with _ledger() as ledger:
            view = ledger.view()
    case = _Case(view, host, wanted, frozenset() if failed else frozenset(vault for vault, _ in new), plan)
    return _lost(case, at_hand(view, named=address), failed, now())


def _ledger() -> Ledger:
    return opened(
        "Bring one from another computer: coldshare ledger import FILE. Or let this one look at a place that has a "
        "share of the vault: coldshare ledger rescan --at ADDR"
    )


def _address(text: str | None) -> Address | None:
    from coldshare.device.address import Address

    return None if text is None else Address.parse(text)


@dataclass(frozen=True)
class _Case:
    """`view` is the ledger with what this command has recorded of the vaults `recorded`; `host` is this computer."""

    view: View
    host: bytes
    wanted: Sequence[tuple[Vault, Party]]
    recorded: frozenset[bytes]
    plan: bool


def _which(
    view: View, events: Sequence[Event], wanted: Sequence[tuple[Vault, Party]], name: str, *, said: bool
) -> list[tuple[Vault, Party, Had | None]]:
    """Which device of each is called `name`. Of a party that had one device only that need not be `said`, nor while its
    last one is not lost. Raises WhichDeviceError."""
    from coldshare.ledger.devices import had
    from coldshare.safety.named import folded

    out: list[tuple[Vault, Party, Had | None]] = []
    several: list[tuple[Vault, Party, list[Had]]] = []
    for vault, one in wanted:
        current = view.current(vault.vault)
        devices = had(events, vault.vault, one.party, None if current is None else current.generation)
        called = [device for device in devices if folded(device.name) == folded(name)]
        exact = [device for device in called if device.name == name] or called
        # The first device is called as the party is, so the name of the party alone says nothing.
        if exact and (said or folded(name) != folded(one.party)):
            out.append((vault, one, exact[-1]))
        elif said or (one.lost is not None and len(devices) > 1):
            several.append((vault, one, devices))
        else:
            out.append((vault, one, None))
    if several and not (said and out):
        raise _unclear(*several[0])
    return out


def _unclear(vault: Vault, party: Party, devices: Sequence[Had]) -> WhichDeviceError:
    from coldshare.cli.when import date
    from coldshare.safety import commands
    from coldshare.safety.errors import WhichDeviceError

    told = []
    for one in devices:
        restored = "" if one.restored is None else f", restored {date(one.restored)}"
        told.append(f"{one.name!r}{restored}{'' if one.lost is None else f', lost since {date(one.lost)}'}")
    return WhichDeviceError(
        f"The share of {party.party} of {vault.name!r} was on: {'; '.join(told)}.",
        next_step=f"Say which one was found: {', or: '.join(commands.found(party.party, one.name) for one in devices)}",
    )


def _found(view: View, wanted: Sequence[tuple[Vault, Party, Had | None]], ui: Ui, now: int) -> Result:
    from coldshare.cli.judged import Book
    from coldshare.cli.when import date
    from coldshare.ledger import devices
    from coldshare.safety.found import found, is_last

    book = Book(view)
    new: list[tuple[bytes, str]] = []
    back = []
    for vault, one, which in wanted:
        if one.lost is None:
            continue
        if which is None or is_last(one, which):
            new.append((vault.vault, one.party))
        elif which.share is not None:
            back.append(replace(which.share, device=which.name))
    failed = [*_kept(ui, devices.found, new), *_kept(ui, devices.returned, back)]
    new += [(told.vault, told.party) for told in back]
    data: list[Json] = []
    out: list[Line] = []
    status = 0
    for vault, one, which in wanted:
        note = found(view, vault, one, which)
        status = status if note.code in ("found", "not_lost") else EXIT_ATTEND
        recorded = (vault.vault, one.party) in new and not failed
        data.append(
            {
                "vault": {"name": vault.name, "public_key_ecdsa": vault.vault.hex()},
                "party": one.party,
                "device": one.device if which is None else which.name,
                "code": note.code,
                "rule": note.rule,
                "words": note.words,
                "recorded": recorded,
            }
        )
        lost = one.lost if which is None else which.lost
        since = "" if lost is None else f" It was lost since {date(lost)}."
        named = "" if which is None else f", {which.name!r},"
        out.append(
            head(
                f"{book.vault(vault)}: the device of {one.party}{named} has been found.{since}"
                f"{' It is recorded.' * recorded}"
            )
        )
        out.append(point(note.words + (f" (rule {note.rule})" if note.rule is not None else "")))
    out += [Line("Where you stand now:"), typed("coldshare status")]
    return _result({"vaults": data, "warnings": failed}, out, status)


def _kept(ui: Ui, tell: Callable[[Callable[[str], None], Sequence[T]], None], new: Sequence[T]) -> list[str]:
    """Tell the ledger, and return what was in the way of that. What is possible is said all the same."""
    failed: list[str] = []

    def say(words: str) -> None:
        failed.append(words)
        ui.note(words)

    if new:
        tell(say, new)
    return failed


def _lost(case: _Case, here: AtHand, failed: list[str], now: int) -> Result:
    from coldshare.cli import loss
    from coldshare.cli.judged import Book
    from coldshare.cli.loss_json import ways_json
    from coldshare.cli.when import moment
    from coldshare.safety.ways import ways

    book = Book(case.view)
    reached = {place: one.command for place, one in here.places.items()}
    data: list[Json] = []
    out: list[Line] = []
    status = 0
    for vault, before in case.wanted:
        (party,) = (one for one in case.view.parties(vault.vault) if one.party == before.party)
        found = ways(case.view, vault, party.party, reached, host=case.host)
        if not found.helped:
            status = max(status, EXIT_ATTEND if found.half is not None else EXIT_DANGER)
        recorded = vault.vault in case.recorded
        data.append({**ways_json(found), "lost": moment(party.lost), "recorded": recorded})
        out += [GAP, GAP] if out else []
        out += [
            head(_head(book.vault(vault), party, recorded, now)),
            *loss.lines(found, now),
            *_next(case, found, party),
        ]
    out += [GAP] if here.notes else []
    return _result(
        {
            "vaults": data,
            "at_hand": [str(place) for place in sorted(here.places)],
            "warnings": [*failed, *here.notes],
        },
        [*out, *(Line(f"Note: {note}") for note in here.notes)],
        status,
    )


def _result(data: dict[str, Json], lines: list[Line], status: int) -> Result:
    return Result(data, plain(lines), status, lambda width: drawn(lines, width))


def _head(vault: str, party: Party, recorded: bool, now: int) -> str:
    from coldshare.cli.when import when

    if party.lost is None:
        return f"{vault}: if the device of {party.party} were lost. Nothing is recorded."
    since = "It is recorded now." if recorded else f"The ledger has it as lost: {when(party.lost, now)}."
    return f"{vault}: the device of {party.party} is lost. {since}"


def _next(case: _Case, found: Ways, party: Party) -> list[Line]:
    from coldshare.safety import commands

    if any(note.code == "device" and party.party in note.parties for note in found.missing):
        return []
    if party.lost is not None:
        return [GAP, Line("If it is found again:"), typed(commands.found(party.party))]
    if case.plan and found.helped and found.member:
        return [GAP, Line("Before anything of this, say that it is lost:"), typed(commands.lost(party.party))]
    return []
