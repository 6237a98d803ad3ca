"""The one place that prints: a result or an error, as text for a person or as one JSON object for a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, Union

import click

if TYPE_CHECKING:
    from coldshare_iface.errors import ColdshareError

Json: TypeAlias = Union[bool, int, float, str, Sequence["Json"], Mapping[str, "Json"], None]  # noqa: UP007


@dataclass(frozen=True)
class Result:
    """What a command has to say. `data` is the JSON, `lines` the text; both tell the same."""

    data: Mapping[str, Json]
    lines: Sequence[str]
    exit_status: int = field(default=0)


def print_result(result: Result, command: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"ok": True, "command": command, **result.data}, ensure_ascii=False, indent=2))
    else:
        for line in result.lines:
            click.echo(line)


def print_error(error: ColdshareError, command: str, as_json: bool) -> None:
    """Text goes to standard error; JSON to standard output, because it is the answer."""
    if as_json:
        body = {"code": error.code, "message": error.message, "next": error.next_step}
        click.echo(json.dumps({"ok": False, "command": command, "error": body}, ensure_ascii=False, indent=2))
        return
    click.secho(f"Error ({error.code}): {error.message}", fg="red", err=True)
    if error.next_step:
        click.echo(f"What now: {error.next_step}", err=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, two spaces apart."""
    grid = [head, *rows]
    widths = [max(len(row[i]) for row in grid) for i in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in grid]


def size(count: int) -> str:
    """Bytes for a person."""
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"
