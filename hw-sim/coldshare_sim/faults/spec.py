"""The words for faults: `drop:to-token:17,delay:to-host:record.2=1.5`, as in an address and on a command line.

    SPEC      = FAULT *("," FAULT)
    FAULT     = KIND ":" DIRECTION ":" PLACE ["=" VALUE]  |  "cut" ":" NUMBER ["=" MODE]
    DIRECTION = "to-token" | "to-host"
    PLACE     = NUMBER | MESSAGE ["." NUMBER]

Reports are numbered from 1, each direction by itself, as their sender sent them. MESSAGE is a frame command in lower
case: `record` is the first report of any RECORD, `record.2` the second report that belongs to one. Numbers shift when a
conversation changes; commands do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from coldshare_iface import wire
from coldshare_sim.errors import SimulatorError
from coldshare_sim.trace import MODES

TO_TOKEN = "to-token"
TO_HOST = "to-host"
DIRECTIONS = (TO_TOKEN, TO_HOST)

DROP = "drop"
DUPLICATE = "duplicate"
REORDER = "reorder"
TRUNCATE = "truncate"
CORRUPT = "corrupt"
REPLAY = "replay"
DELAY = "delay"
FOREIGN = "foreign"
STALL = "stall"
UNPLUG = "unplug"
CUT = "cut"

#: What each kind of fault does, and what its value is.
KINDS = {
    DROP: "the report does not arrive",
    DUPLICATE: "it arrives twice",
    REORDER: "it arrives after the next one",
    TRUNCATE: "only its first VALUE bytes arrive (half of them)",
    CORRUPT: "bit VALUE of it is turned over, counted from 0, the first byte's highest bit first (56)",
    REPLAY: "the report of that number, or those from N to M (VALUE = N-M), arrive again before it (1)",
    DELAY: "it, and what follows it, arrives VALUE seconds late (1)",
    FOREIGN: "another channel's message comes in between: VALUE is ping or init (ping)",
    STALL: "it does not arrive, and the token is silent for good",
    UNPLUG: "it does not arrive: the token is pulled out",
    CUT: "power is cut at a flash operation, which ends as VALUE says: clean, half or random (clean)",
}

COMMANDS = {
    name: getattr(wire, f"CMD_{name.upper()}")
    for name in ("ping", "init", "cancel", "keepalive", "error", "plain", "pair", "session", "record")
}
PING = "ping"
INIT = "init"
FOREIGNERS = (PING, INIT)

_PLAIN = (DROP, DUPLICATE, REORDER, STALL, UNPLUG)
_SECONDS_MAX = 3600
#: In the data of every report: the first byte of a message's, or the third of a continuation's.
_BIT = 56
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_SECONDS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


class FaultSpecError(SimulatorError):
    """That is not a fault that the simulator knows."""

    code = "bad_fault"
    exit_status = 2
    next_step = "Write it as in drop:to-token:17 or unplug:to-host:keepalive; docs/simulator.md has all of them."


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `number` counts reports in `direction`, those of `message` if that is not empty; for CUT it counts
    flash operations. What `value` and `last` mean depends on the kind.
    """

    kind: str
    direction: str
    number: int
    message: str = ""
    #: Bytes that are left (TRUNCATE), the bit (CORRUPT), the first report (REPLAY).
    value: int = 0
    #: The last report (REPLAY).
    last: int = 0
    #: How late (DELAY).
    seconds: float = 0.0
    #: Who comes in between (FOREIGN), how the operation ends (CUT).
    name: str = ""

    def __str__(self) -> str:
        """The fault in words that `parse` reads."""
        if self.kind == CUT:
            return f"{CUT}:{self.number}={self.name}"
        place = f"{self.message}.{self.number}" if self.message else str(self.number)
        return f"{self.kind}:{self.direction}:{place}{self._tail()}"

    def _tail(self) -> str:
        if self.kind == REPLAY:
            return f"={self.value}" if self.value == self.last else f"={self.value}-{self.last}"
        if self.kind == DELAY:
            return f"={self.seconds:g}"
        if self.kind == TRUNCATE and self.value < 0:
            return ""
        if self.kind in (TRUNCATE, CORRUPT):
            return f"={self.value}"
        return f"={self.name}" if self.name else ""


def parse(spec: str) -> tuple[Fault, ...]:
    """The faults in `spec`, in its order. Raises FaultSpecError, which names the part that is wrong."""
    return tuple(_fault(text) for text in spec.split(","))


def _fault(text: str) -> Fault:
    head, equals, value = text.partition("=")
    given = value if equals else None
    kind, *rest = head.split(":")
    if kind not in KINDS:
        raise _wrong(text, f"{kind!r} is none of {', '.join(KINDS)}")
    if kind == CUT:
        if len(rest) != 1:
            raise _wrong(text, "a cut has one number, as in cut:17")
        mode = _one_of(text, given, MODES)
        return Fault(CUT, "", _number(text, rest[0], "flash operation"), name=mode)
    if len(rest) != len(("direction", "place")):
        raise _wrong(text, f"{kind} needs a direction and a place, as in {kind}:{TO_TOKEN}:17")
    direction, place = rest
    if direction not in DIRECTIONS:
        raise _wrong(text, f"{direction!r} is not {TO_TOKEN} or {TO_HOST}")
    message, number = _place(text, place)
    return _valued(text, Fault(kind, direction, number, message), given)


def _place(text: str, place: str) -> tuple[str, int]:
    """(message, number); the message is empty where the number counts all reports."""
    message, dot, number = place.partition(".")
    if message in COMMANDS:
        return message, _number(text, number, "report") if dot else 1
    if place[:1].isalpha():
        raise _wrong(text, f"{message!r} is no message: those are {', '.join(COMMANDS)}")
    return "", _number(text, place, "report")


def _valued(text: str, fault: Fault, given: str | None) -> Fault:
    kind, direction, number, message = fault.kind, fault.direction, fault.number, fault.message
    if kind in _PLAIN:
        if given is not None:
            raise _wrong(text, f"a {kind} has no value")
        return fault
    if kind == TRUNCATE:
        # Which half that is depends on the report.
        return Fault(kind, direction, number, message, -1 if given is None else _count(text, given, wire.REPORT_HS - 1))
    if kind == CORRUPT:
        bit = _BIT if given is None else _count(text, given, wire.REPORT_HS * 8 - 1)
        return Fault(kind, direction, number, message, bit)
    if kind == REPLAY:
        first, dash, last = (given if given is not None else "1").partition("-")
        begin = _number(text, first, "report")
        end = _number(text, last, "report") if dash else begin
        if end < begin or (not message and end >= number):
            raise _wrong(text, "only earlier reports can come again, in their order")
        return Fault(kind, direction, number, message, begin, end)
    if kind == DELAY:
        late = given if given is not None else "1"
        if not _SECONDS.fullmatch(late) or float(late) > _SECONDS_MAX:
            raise _wrong(text, f"{late!r} is no number of seconds up to {_SECONDS_MAX}")
        return Fault(kind, direction, number, message, seconds=float(late))
    return Fault(kind, direction, number, message, name=_one_of(text, given, FOREIGNERS))


def _number(text: str, word: str, what: str) -> int:
    if not _NUMBER.fullmatch(word):
        raise _wrong(text, f"{word!r} is not the number of a {what}, which counts from 1")
    return int(word)


def _count(text: str, word: str, most: int) -> int:
    if not (word == "0" or _NUMBER.fullmatch(word)) or int(word) > most:
        raise _wrong(text, f"{word!r} is no number from 0 to {most}")
    return int(word)


def _one_of(text: str, given: str | None, known: tuple[str, ...]) -> str:
    if given is None:
        return known[0]
    if given not in known:
        raise _wrong(text, f"{given!r} is none of {', '.join(known)}")
    return given


def _wrong(text: str, why: str) -> FaultSpecError:
    return FaultSpecError(f"The fault {text!r} cannot be: {why}.")
