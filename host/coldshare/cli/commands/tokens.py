"""`coldshare tokens`: the tokens that are plugged in, those that this computer knows, and the one at an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from coldshare.cli.options import at_option_if_any, json_option, open_token, pairings
from coldshare.cli.render import Json, Result, print_line, table
from coldshare.cli.ui import Ui
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.discovery import Change, Found, Way
    from coldshare.device.pairings import Pairing

#: Seconds between two looks.
_PAUSE = 0.5
_WORDS = {"ok": "", "unknown": "", "busy": "busy", "no_permission": "no permission"}


@click.command("tokens", short_help="Show tokens that are plugged in or known here.")
@at_option_if_any
@click.option("--watch", is_flag=True, help="Say what is plugged in and pulled out, until Ctrl-C.")
@json_option
def command(at: Address | None, watch: bool, as_json: bool) -> Result | int:
    """List the tokens that are plugged in, with the addresses that --at takes, and those that this computer is paired
    with, with the label each had when it was last used here.

    Nothing is opened, and what a token says of itself before it is unlocked is not proved. One that had destroyed
    its keys when it was paired is called burnt.

    With --at, what is there now, instead of what is plugged in. With --watch and --json there is one JSON object a
    line.
    """
    if watch:
        typed = click.get_current_context().get_parameter_source("at") is ParameterSource.COMMANDLINE
        if at is not None and typed:
            raise click.UsageError("--watch and --at exclude each other")
        return _watch(as_json)
    known = pairings().all()
    lines = (
        table(["SERIAL", "LABEL", ""], [[one.serial.hex(), one.label, "burnt" if one.burnt else ""] for one in known])
        if known
        else ["This computer knows no token yet. Next: coldshare init --label NAME, or coldshare pair"]
    )
    data: dict[str, Json] = {
        "tokens": [{"serial": one.serial.hex(), "label": one.label or None, "burnt": one.burnt} for one in known]
    }
    if at is not None:
        here, said = _look(at, known, Ui(quiet=as_json))
        return Result({**data, "here": here}, [*lines, "", *said])
    from coldshare.device import discovery

    found = discovery.find()
    data["plugged_in"] = [_json(one, known) for one in found]
    return Result(data, [*_plugged_in(found, known), "", *lines])


def _label(found: Found, known: list[Pairing]) -> str | None:
    """The label that it had when it was last used here; None for a token that this computer does not know."""
    return next((one.label for one in known if one.serial.hex() == found.serial), None)


def _mend(way: Way) -> str | None:
    from coldshare.device.errors import NoPermissionError, TokenInUseError

    return {"no_permission": NoPermissionError.next_step, "busy": TokenInUseError.next_step}.get(way.access)


def _json(found: Found, known: list[Pairing]) -> dict[str, Json]:
    from coldshare.device import discovery

    return {
        "serial": found.serial,
        "address": discovery.best(found).address,
        "label": _label(found, known) or None,
        "paired": _label(found, known) is not None,
        "product": found.product,
        "model": found.model,
        "release": found.release,
        "ways": [
            {"address": way.address, "access": way.access, "node": way.node, "driver": way.driver, "next": _mend(way)}
            for way in found.ways
        ],
    }


def _plugged_in(found: list[Found], known: list[Pairing]) -> list[str]:
    if not found:
        return ["No token is plugged in."]
    rows: list[list[str]] = []
    mends: dict[str, str] = {}
    for one in found:
        rows.append(_row(one, known))
        for way in one.ways:
            if (mend := _mend(way)) is not None:
                mends[_WORDS[way.access]] = mend
    return [
        *table(["PLUGGED IN AT", "OR AT", "LABEL", "MODEL", ""], rows),
        *(f"What now ({word}): {mend}" for word, mend in mends.items()),
    ]


def _row(found: Found, known: list[Pairing]) -> list[str]:
    from coldshare.device import discovery

    first = discovery.best(found)
    others = [way for way in found.ways if way is not first]
    label = _label(found, known)
    return [
        first.address,
        ", ".join(way.address for way in others),
        "(new here)" if label is None else label,
        f"{found.model} {found.release}".strip(),
        _states(first, others),
    ]


def _states(first: Way, others: list[Way]) -> str:
    """In one word where all ways agree."""
    words = {way.access: _WORDS[way.access] for way in (first, *others)}
    if len(words) == 1:
        return next(iter(words.values()))
    said = [(way.address.partition(":")[0], _WORDS[way.access]) for way in (first, *others)]
    return ", ".join(f"{scheme}: {word}" for scheme, word in said if word)


def _watch(as_json: bool) -> int:
    """Until Ctrl-C, which is how it is meant to end."""
    import time

    from coldshare.device import discovery

    before: list[Found] = []
    try:
        while True:
            after = discovery.find()
            known = pairings().all() if after != before else []
            for change in discovery.changes(before, after):
                print_line(*_event(change, known), as_json=as_json)
            before = after
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        return 0


def _event(change: Change, known: list[Pairing]) -> tuple[dict[str, Json], str]:
    address, others, label, model, state = _row(change.token, known)
    parts = [f"{change.event:9}", address, f"or {others}" if others else "", label, model, state]
    return {"event": change.event, "token": _json(change.token, known)}, "  ".join(part for part in parts if part)


def _look(address: Address, known: list[Pairing], ui: Ui) -> tuple[Json, list[str]]:
    """The token at that address, in JSON and in words. One that is not there is an answer, too."""
    from coldshare_iface import wire

    try:
        with open_token(address, ui) as client:
            info = client.info
    except ColdshareError as error:
        problem: Json = {"code": error.code, "message": error.message, "next": error.next_step}
        said = [f"At {address}: {error.message}", f"What now: {error.next_step}"]
        return {"address": str(address), "error": problem}, said
    states = {0: "new", 1: "ready", 2: "burnt"}
    names = {1: "backup", 2: "screen", 3: "manage", 4: "generations", 5: "audit"}
    paired = next((one for one in known if one.serial == info.serial), None)
    can = [names.get(number, str(number)) for number in sorted(info.capabilities)]
    here: Json = {
        "address": str(address),
        "serial": info.serial.hex(),
        "state": states.get(info.state, "unknown"),
        "model": info.model,
        "firmware": info.firmware,
        "capabilities": can,
        "paired": paired is not None,
        "label": paired.label or None if paired is not None else None,
    }
    said = [
        f"At {address}: {info.model}, firmware {info.firmware}, serial {info.serial.hex()}",
        f"  state: {states.get(info.state, 'unknown')}; paired with this computer: {'no' if paired is None else 'yes'}",
        f"  can: {', '.join(can)}",
    ]
    if info.state == wire.TOKEN_BURNT:
        said.append("  Its keys are gone; its sealed shares are left, and open with their recovery codes.")
        copies = paired is not None and paired.burnt
        said.append(f"  Next: {'coldshare list' if copies else 'coldshare pair, its button held; then coldshare list'}")
    return here, said
