"""The rows of the table: what a token must do, one rule each, and how a row says that it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coldshare.conformance.bench import Bench

#: What the token is when a row begins.
ANY = "any"  # on a channel of its own
NEW = "new"  # wiped
PAIRED = "paired"  # new, and this host is paired
READY = "ready"  # set up, empty, and unlocked in a session


class BrokenRuleError(Exception):
    """The token does not do what the contract says. The text says what it did instead."""


def expect(holds: object, said: str) -> None:
    """A row's assertion: `said` is what is wrong when it does not hold."""
    if not holds:
        raise BrokenRuleError(said)


def expect_equal(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise BrokenRuleError(f"{what}: {_shown(got)} instead of {_shown(wanted)}")


def _shown(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) < 80 else f"{text[:77]}..."


@dataclass(frozen=True)
class Row:
    """One rule. `name` is stable; `section` is an anchor of firmware_iface/README.md.

    `spoils` says that the token is no longer as it was found, so that it has to be wiped before the next row.
    """

    name: str
    title: str
    section: str
    needs: str
    spoils: bool
    check: Callable[[Bench], None]


ROWS: dict[str, Row] = {}


def row(
    name: str, section: str, *, needs: str = ANY, spoils: bool = False
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Enter a check as a row. The first line of its docstring is the rule, as a sentence."""

    def enter(check: Callable[[Bench], None]) -> Callable[[Bench], None]:
        add(Row(name, (check.__doc__ or "").strip().splitlines()[0].rstrip("."), section, needs, spoils, check))
        return check

    return enter


def add(one: Row) -> None:
    if one.name in ROWS:
        raise ValueError(f"two rows are called {one.name}")
    ROWS[one.name] = one
