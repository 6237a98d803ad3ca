"""Long answers, line by line: whole lines for a pipe, wrapped and with some colour for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldshare.cli.render import Drawn, Look

__all__ = ["GAP", "Line", "drawn", "head", "numbered", "plain", "point", "typed"]


@dataclass(frozen=True, slots=True)
class Line:
    """`mark` stands before the first line of `text`, which goes on below its own beginning. `whole` is never wrapped:
    a command, to be pasted."""

    text: str
    look: Look = "plain"
    mark: str = ""
    whole: bool = False


GAP = Line("")


def head(text: str, look: Look = "strong") -> Line:
    return Line(text, look)


def point(text: str, look: Look = "plain") -> Line:
    return Line(text, look, "  - ")


def typed(text: str) -> Line:
    return Line(text, "strong", "       ", whole=True)


def numbered(steps: Iterable[Sequence[Line]]) -> list[Line]:
    """The first line of each step gets its number, the others stand below it."""
    out = []
    for number, step in enumerate(steps, 1):
        for index, line in enumerate(step):
            mark = f"{number:>3}. " if index == 0 else "     "
            out.append(line if line.whole else Line(line.text, line.look, mark))
    return out


def plain(lines: Iterable[Line]) -> list[str]:
    return [f"{line.mark}{line.text}" for line in lines]


def drawn(lines: Iterable[Line], width: int) -> list[Drawn]:
    """For a terminal of `width` columns."""
    out: list[Drawn] = []
    for line in lines:
        pieces = [line.text]
        if not line.whole:
            room = max(width - len(line.mark), 20)
            pieces = textwrap.wrap(line.text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for index, piece in enumerate(pieces):
            mark = line.mark if index == 0 else " " * len(line.mark)
            out.append(((mark, "plain"), (piece, line.look)))
    return out
