"""What the commands about older generations have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli.opening import index
from coldshare.cli.options import place_options
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.restore import Held

F = TypeVar("F", bound=Callable[..., Any])

#: Rule 5: an old share is never called void.
OLD = (
    "OLD, by this computer's ledger: a newer generation has replaced it, or it was given up. Old shares do not work "
    "with newer ones. They still work with each other: coldshare remove ID"
)
COMBINE = "Old shares still work with each other: as many of one old generation as the vault needs can still sign."

_id = click.argument("prefix", metavar="[ID]", required=False)
_generation = click.option(
    "--generation", metavar="HEX", help="The old generation, all 64 digits: coldshare inspect FILE --json shows it."
)
_newer = click.option("--newer", metavar="ID", help="The backup of the newer generation, with --generation.")


def older_options(function: F) -> F:
    """[ID], or --generation and --newer; and the options for a token or a folder."""
    return _id(_generation(_newer(place_options(function))))


def named_generation(prefix: str | None, generation: str | None, newer: str | None, kind: str) -> bytes:
    """The generation that was named, 32 bytes, empty where it is that of the backup `prefix`: a `kind` one.

    Raises UsageError unless exactly one of the two ways was taken, and BadParameter for what is no generation.
    """
    by_generation = (generation is not None, newer is not None)
    if by_generation != (prefix is None, prefix is None):
        raise click.UsageError(f"give the ID of the {kind} backup; or --generation HEX and --newer ID, both")
    if generation is None:
        return b""
    try:
        value = bytes.fromhex(generation)
    except ValueError:
        value = b""
    if len(value) != wire.GENERATION_SIZE:
        raise click.BadParameter("give all 64 hexadecimal digits of the generation", param_hint="--generation")
    return value


def known_copies(backups: Sequence[Held]) -> list[Path]:
    """The files that these were exported to, as far as this computer knows."""
    return known_paths([held.backup_id for held in backups])


def known_paths(ids: Sequence[bytes]) -> list[Path]:
    """The same, for backups with these ids."""
    try:
        known = index()
        return [path for backup_id in ids for path in known.files(backup_id)]
    except ColdshareError:
        return []


def flagged(state: str, old: bool | None) -> str:
    """The state in a list. That a retired one is old it says itself."""
    return f"{state}, OLD" if old and state != "retired" else state


def meanings(states: Sequence[tuple[str, bool | None]], words: Mapping[str, str]) -> list[str]:
    """Below a list: what the states in it mean, by `words`. Each is a state, and whether that backup is old."""
    # What was given up is not to take the place of anything.
    found = {state for state, old in states if not (old and state == "next")}
    lines = [said for state, said in words.items() if state in found]
    return [*lines, OLD] if any(flagged(*one) != one[0] for one in states) else lines
