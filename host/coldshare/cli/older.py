"""What the commands about older generations have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli.opening import index
from coldshare_iface import wire
from coldshare_iface.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.restore import Held

F = TypeVar("F", bound=Callable[..., Any])

#: Rule 5: an old share is never called void.
COMBINE = "Old shares still work with each other: as many of one old generation as the vault needs can still sign."

generation_option = click.option(
    "--generation", metavar="HEX", help="The old generation, all 64 digits: coldshare inspect FILE --json shows it."
)
newer_option = click.option("--newer", metavar="ID", help="The backup of the newer generation, with --generation.")


def parse_generation(text: str | None) -> bytes:
    """32 bytes, empty for None. Raises BadParameter."""
    if text is None:
        return b""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != wire.GENERATION_SIZE:
        raise click.BadParameter("give all 64 hexadecimal digits of the generation", param_hint="--generation")
    return value


def known_copies(backups: Sequence[Held]) -> list[Path]:
    """The files that these were exported to, as far as this computer knows."""
    try:
        known = index()
        return [path for held in backups for path in known.files(held.backup_id)]
    except ColdshareError:
        return []
