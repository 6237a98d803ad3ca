"""Pages of docs/ whose commands are typed as they are printed.

A block is fenced with ```console and words that say who types it, where. In what it says `...` stands for any number of
lines, or for any words in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Typed:
    """One command of a page: the words behind ```console, what is typed behind the `$`, and what it says."""

    words: tuple[str, ...]
    command: str
    says: tuple[str, ...]


def typed(page: str) -> Iterator[Typed]:
    """Every command of the page, in order."""
    for words, block in re.findall(r"^```console ?(.*)\n((?:.*\n)*?)```$", page, re.MULTILINE):
        before, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert before == "", "a block begins with a command"
        for one in rest:
            command, *lines = one.splitlines()
            yield Typed(tuple(words.split()), command, tuple(lines))


def fits(said: Sequence[str], told: Sequence[str]) -> bool:
    """Whether the lines `said` are those of the page."""
    if not told:
        return not said
    if told[0] == "...":
        return any(fits(said[number:], told[1:]) for number in range(len(said) + 1))
    pattern = ".*".join(re.escape(part) for part in told[0].rstrip().split("..."))
    return bool(said) and bool(re.fullmatch(pattern, said[0].rstrip())) and fits(said[1:], told[1:])
