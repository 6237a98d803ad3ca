"""`coldshare tokens`: the tokens that this computer knows, and the one that is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.options import at_option_if_any, json_option, open_token, pairings
from coldshare.cli.render import Json, Result, table
from coldshare.cli.ui import Ui
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.pairings import Pairing


@click.command("tokens", short_help="Show the tokens that this computer knows.")
@at_option_if_any
@json_option
def command(at: Address | None, as_json: bool) -> Result:
    """List the tokens that this computer is paired with, with the label each had when it was last used here.

    One that had destroyed its keys when it was paired is called burnt.

    With --at, what is there now: nothing is unlocked, and what a token says before that is not proved.
    """
    known = pairings().all()
    lines = (
        table(["SERIAL", "LABEL", ""], [[one.serial.hex(), one.label, "burnt" if one.burnt else ""] for one in known])
        if known
        else ["This computer knows no token yet. Next: coldshare init --label NAME, or coldshare pair"]
    )
    data: dict[str, Json] = {
        "tokens": [{"serial": one.serial.hex(), "label": one.label or None, "burnt": one.burnt} for one in known]
    }
    if at is None:
        return Result(data, lines)
    here, said = _look(at, known, Ui(quiet=as_json))
    return Result({**data, "here": here}, [*lines, "", *said])


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
