"""The rows of the table: what a token must do, one rule each, and how a row says that it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coldshare.conformance.speaker import Map, error_name, status_name

if TYPE_CHECKING:
    from coldshare.conformance.bench import Bench

_SHOWN = 160  # characters
_BYTES = 16  # the length of an id
_FIRST = 4

#: What the token is when a row begins.
ANY = "any"  # on a channel of its own
NEW = "new"  # wiped
PAIRED = "paired"  # new, and this host is paired
READY = "ready"  # set up, empty, and unlocked in a session

#: What carries the messages that a rule is about.
HID = "hid"
BULK = "bulk"


class BrokenRuleError(Exception):
    """The token does not do what the contract says. The text says what it did instead."""


def expect(holds: object, said: str) -> None:
    """A row's assertion: `said` is what is wrong when it does not hold."""
    if not holds:
        raise BrokenRuleError(said)


def expect_equal(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise BrokenRuleError(f"{what}: {_shown(got)} instead of {_shown(wanted)}")


def expect_status(got: int, wanted: int, what: str = "the status") -> None:
    if got != wanted:
        raise BrokenRuleError(f"{what}: {status_name(got)} instead of {status_name(wanted)}")


def expect_error(got: int, wanted: int, what: str = "the error byte") -> None:
    """`got` is 0 where no ERROR came."""
    if got != wanted:
        raise BrokenRuleError(f"{what}: {error_name(got) if got else 'none'} instead of {error_name(wanted)}")


def expect_reply(reply: Map, status: int, what: str = "the answer", detail: int | None = None) -> None:
    """`reply` is that status, its detail, and nothing else."""
    wanted = {0: status} if detail is None else {0: status, 1: detail}
    if reply != wanted:
        raise BrokenRuleError(f"{what}: {_reply(reply)} instead of {_reply(wanted)}")


def _reply(reply: Map) -> str:
    status = reply.get(0)
    name = status_name(status) if type(status) is int else "no status"
    rest = ", ".join(f"field {key}: {_shown(value)}" for key, value in reply.items() if key != 0)
    return f"{name} with {rest}" if rest else name


def _shown(value: object) -> str:
    """Never whole what could be a key: of longer byte strings the length and the first bytes."""
    if isinstance(value, bytes):
        text = value.hex() if len(value) <= _BYTES else f"{value[:_FIRST].hex()}.. ({len(value)} bytes)"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{_shown(key)}: {_shown(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(map(_shown, value)) + "]"
    else:
        text = str(value)
    return text if len(text) < _SHOWN else f"{text[: _SHOWN - 3]}..."


@dataclass(frozen=True)
class Row:
    """One rule. `name` is stable; `section` is an anchor of firmware_iface/README.md.

    `spoils` says that the token is no longer as it was found, so that it has to be wiped before the next row;
    `screen` that the row means nothing where nobody can read the token's screen. `carrier` is HID or BULK where the
    rule is about that one alone.
    """

    name: str
    title: str
    section: str
    needs: str
    spoils: bool
    check: Callable[[Bench], None]
    screen: bool = False
    carrier: str = ""


ROWS: dict[str, Row] = {}


def row(
    name: str, section: str, *, needs: str = ANY, spoils: bool = False, screen: bool = False, carrier: str = ""
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Enter a check as a row. The first line of its docstring is the rule, as a sentence."""

    def enter(check: Callable[[Bench], None]) -> Callable[[Bench], None]:
        title = (check.__doc__ or "").strip().splitlines()[0].rstrip(".")
        add(Row(name, title, section, needs, spoils, check, screen, carrier))
        return check

    return enter


def add(one: Row) -> None:
    if one.name in ROWS:
        raise ValueError(f"two rows are called {one.name}")
    ROWS[one.name] = one
