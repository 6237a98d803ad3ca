"""What the commands at a folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coldshare.cli.describe import declared_json
from coldshare.cli.tracing import wanted as traced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coldshare.cli.render import Json
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address
    from coldshare.places.folder import Contents, Kept
    from coldshare_iface.messages import Declaration


WITHOUT = "Without a recovery code this backup is gone when its password is forgotten."
STATES = {
    "next": "A next one is of a newer generation, and counts once the old one is retired: coldshare retire ID",
    "retired": "A retired one is of an older generation. Old shares still work with each other: coldshare destroy ID",
    "unlisted": (
        "An unlisted one is whole, but the folder's list does not have it: it was copied there, or the list was made "
        "anew. Back the share up again and it is replaced; coldshare retire ID says that it is the older one of two."
    ),
}
_CROWDED = (
    "Two shares of one vault are in this folder. Whoever finds the stick has both. Move one of them to another stick: "
    "back it up there, verify it, and then coldshare remove ID here."
)


def is_folder(at: Address | None) -> bool:
    return at is not None and at.scheme == "folder"


def no_pin(pin_file: str | None) -> None:
    if pin_file is not None:
        raise click.UsageError("a folder has no PIN: leave --pin-file out")
    if traced():
        raise click.UsageError("--trace is for the link to a token; a folder has none")


def on_wait(ui: Ui) -> Callable[[], None]:
    return lambda: ui.note("Another coldshare uses this folder. Waiting until it has finished ...")


def place_json(at: Address) -> dict[str, Json]:
    from coldshare.places.folder import place_of

    return {"place": {"folder": str(place_of(at.where))}}


def state_of(kept: Kept) -> str:
    return kept.state.name.lower()


def short_of(kept: Kept) -> str:
    return kept.backup_id.hex()[:8]


def backup_json(kept: Kept, declaration: Declaration | None = None) -> dict[str, Json]:
    told: dict[str, Json] = {} if declaration is None else declared_json(declaration)
    return {
        "backup_id": kept.backup_id.hex(),
        "state": state_of(kept),
        "sealed_size": kept.record.size,
        "copies": sum(kept.present),
        **told,
    }


def opens(recovery: bool, out: Path | None) -> list[str]:
    lines = ["It opens with its password alone. Write the password down, and keep it apart from the stick."]
    if recovery:
        where = f"in {out}" if out is not None else "on your paper"
        lines.append(f"It also opens with the recovery code {where}, alone. Keep that apart from the stick, too.")
    return lines


def command_at(words: str, at: Address) -> str:
    import shlex

    return f"coldshare {words} --at {shlex.quote(str(at))}"


def file_of(at: Address, backup_id: bytes) -> Path:
    from coldshare.places.folder import place_of
    from coldshare.places.format import backup_names

    return place_of(at.where) / backup_names(backup_id)[0]


def about(contents: Contents) -> list[str]:
    lines = [_CROWDED] if contents.crowded else []
    if contents.strangers:
        names = ", ".join(contents.strangers[:5])
        lines.append(f"Not coldshare's, and left alone: {names}{', ...' if len(contents.strangers) > 5 else ''}")
    return lines
