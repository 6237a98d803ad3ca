"""The one place that prints: a result or an error, as text for a person or as one JSON object for a script."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, Union

import click

if TYPE_CHECKING:
    from coldshare_iface.errors import ColdshareError

#: Control characters and those that turn the direction of writing. Names come from files and tokens, and a terminal
#: obeys them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007

#: How a piece of a picture looks. A colour never tells anything that the words and signs do not.
Look: TypeAlias = Literal["plain", "strong", "faint", "good", "attend", "danger"]
_LOOKS: Final[Mapping[Look, Mapping[str, Any]]] = {
    "plain": {},
    "strong": {"bold": True},
    "faint": {"dim": True},
    "good": {"fg": "green"},
    "attend": {"fg": "yellow"},
    "danger": {"fg": "red", "bold": True},
}
Piece: TypeAlias = tuple[str, Look]
#: A line of a picture, piece by piece.
Drawn: TypeAlias = Sequence[Piece]
#: Columns that a picture has at least, however narrow the terminal is, and at most.
_WIDTHS: Final = (40, 120)


@dataclass(frozen=True)
class Result:
    """What a command has to say. `data` is the JSON, `lines` the text, `picture` draws the same for a terminal of so
    many columns; all tell the same."""

    data: Mapping[str, Json]
    lines: Sequence[str]
    exit_status: int = field(default=0)
    picture: Callable[[int], Sequence[Drawn]] | None = field(default=None)


def safe(text: str) -> str:
    """`text` as one line that does nothing to a terminal but appear on it."""
    return _UNSAFE.sub("\ufffd", text)


def _print_json(answer: Mapping[str, Json]) -> None:
    import json

    text = json.dumps(answer, ensure_ascii=False, indent=2)
    # The same characters, as JSON spells them; its own line breaks stay.
    click.echo(_UNSAFE.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text))


def print_result(result: Result, command: str, as_json: bool) -> None:
    if as_json:
        _print_json({"ok": True, "command": command, **result.data})
    elif result.picture is None or not _draw(result.picture):
        for line in result.lines:
            click.echo(safe(line))


def _draw(picture: Callable[[int], Sequence[Drawn]]) -> bool:
    """False where nobody would see it, or the terminal has not the characters for it."""
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return False
    import shutil

    least, most = _WIDTHS
    lines = picture(min(max(shutil.get_terminal_size().columns, least), most))
    try:
        "".join(text for line in lines for text, _ in line).encode(sys.stdout.encoding)
    except UnicodeError:
        return False
    plain = bool(os.environ.get("NO_COLOR"))
    for line in lines:
        click.echo("".join(safe(text) if plain else _styled(safe(text), look) for text, look in line))
    return True


def _styled(text: str, look: Look) -> str:
    return click.style(text, **_LOOKS[look]) if text and _LOOKS[look] else text


def print_line(data: Mapping[str, Json], text: str, *, as_json: bool) -> None:
    """One event of a command that goes on: a line of text, or one JSON object in a line."""
    if as_json:
        import json

        # ensure_ascii, or what JSON lets pass would be obeyed by a terminal, or taken for the end of the line.
        click.echo(json.dumps(data))
    else:
        click.echo(safe(text))
    sys.stdout.flush()


def print_error(error: ColdshareError, command: str, as_json: bool) -> None:
    """Text goes to standard error; JSON to standard output, because it is the answer."""
    if as_json:
        _print_json({"ok": False, "command": command, "error": error_json(error)})
        return
    click.secho(f"Error ({error.code}): {safe(error.message)}", fg="red", err=True)
    if error.next_step:
        click.echo(f"What now: {safe(error.next_step)}", err=True)


def error_json(error: ColdshareError) -> dict[str, Json]:
    """An error in an answer; `vendor` only where the wallet vendor's own tools have a code for the same thing."""
    body: dict[str, Json] = {"code": error.code, "message": error.message, "next": error.next_step}
    return body | {"vendor": error.vendor} if error.vendor else body


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, two spaces apart."""
    grid = [head, *rows]
    widths = [max(len(row[i]) for row in grid) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid]


def size(count: int) -> str:
    """Bytes for a person."""
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"
