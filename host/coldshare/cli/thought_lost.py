"""A place that the ledger has as lost, and that a command has just used: the person hears of it.

The ledger stays as it is. That somebody else had the place meanwhile, or that this is a copy of it, only a person can
know.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.cli import when
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coldshare.cli.render import Result
    from coldshare.ledger.events import Place

__all__ = ["Used", "thought_lost", "told"]


@dataclass(frozen=True, slots=True)
class Used:
    """What a command has used: the token with that serial, the folder at `folder:FOLDER`, an exported file."""

    token: bytes | None = None
    folder: str | None = None
    file: Path | None = None


def told(result: Result, used: Used) -> Result:
    """The same, with a warning for every place in it that is thought lost."""
    words = thought_lost(used)
    warnings = result.data.get("warnings")
    before = [*warnings] if isinstance(warnings, list | tuple) else []
    return replace(
        result,
        data={**result.data, "warnings": [*before, *words]},
        lines=[*(f"Note: {one}" for one in words), *result.lines],
    )


def thought_lost(used: Used) -> list[str]:
    """A sentence for each that the ledger has as lost, with the command that takes that back; and for this computer."""
    from coldshare.home import ledger_path

    if not ledger_path().exists():
        return []  # without loading what reads one
    from coldshare.ledger.store import Ledger
    from coldshare.places.resolve import known, name_of

    try:
        with Ledger(ledger_path(), create=False) as ledger:
            view, this = ledger.view(), ledger.host
        here = {*_places(used, this)}
    except ColdshareError:
        return []  # what went wrong with it was said when this was recorded
    places = known(view, this)
    return [
        f"The ledger has {info.title!r} as lost since {when.date(info.lost)}, and it is here. What it holds counts "
        f"again when you say so: coldshare place found {shlex.quote(name_of(places, info.place, this))}"
        for info in places
        if info.place in here and info.lost is not None
    ]


def _places(used: Used, this: bytes) -> Iterator[Place]:
    from coldshare.ledger import events as e
    from coldshare.ledger.record import file_place
    from coldshare.places.at_hand import folder_at

    yield e.Place(e.COMPUTER, this)
    if used.token is not None:
        yield e.Place(e.TOKEN, used.token)
    if used.folder is not None:
        yield folder_at(used.folder)
    if used.file is not None:
        yield file_place(this, used.file)
