"""Which cases there are. Numbers come from a conversation without a fault; nothing here knows how long it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from coldshare.device import link
from coldshare_iface import wire
from coldshare_sim.faults import DIRECTIONS, TO_TOKEN
from coldshare_sim.trace import MODES
from link.conversations import CONVERSATIONS, Talk
from link.world import Token

#: Seconds: less than the token waits for the rest of a message, more than that, more than the host waits for anything.
BRIEF = wire.FRAME_TIMEOUT_MS / 1000 / 2
LONG = wire.FRAME_TIMEOUT_MS / 1000 * 2
#: `_SILENCE` is the host's patience with a token that says nothing.
TOO_LONG = link._SILENCE + 1

_BITS = wire.REPORT_FS * 8
#: The head of a report that begins a message, and the first byte of its data.
_HEAD = 64
#: What else happens at a report than a fault of the cable.
HOSTS = ("asks", "takes-over", "half")
STOPS = ("cancel", "ctrl-c")


@dataclass(frozen=True)
class Report:
    """One report of a conversation: its number in its direction, its message, whether that begins here."""

    direction: str
    number: int
    command: int
    begins: bool


@dataclass(frozen=True)
class Baseline:
    """A conversation without a fault."""

    reports: tuple[Report, ...]
    operations: int
    reads: int
    seconds: float

    def way(self, direction: str) -> list[Report]:
        return [report for report in self.reports if report.direction == direction]


@dataclass(frozen=True)
class Case:
    """`what` is a fault's spec, or `WHO@DIRECTION:NUMBER` for what a program does before that report."""

    conversation: str
    what: str

    @property
    def kind(self) -> str:
        return re.split("[:@]", self.what)[0]

    def __str__(self) -> str:
        return f"{self.conversation} {self.what}"


@cache
def baseline(name: str) -> Baseline:
    conversation = CONVERSATIONS[name]()
    start = conversation.start()
    token = Token(start.image)
    talk = Talk(start, token, start.memory(), token.carrier())
    conversation.talk(talk)
    numbers = dict.fromkeys(DIRECTIONS, 0)
    reports = []
    for direction, command, begins in token.reports:
        numbers[direction] += 1
        reports.append(Report(direction, numbers[direction], command, begins))
    return Baseline(tuple(reports), token.sim.passed.flash, token.reads, token.now)


def cases() -> list[Case]:
    return [Case(name, what) for name in CONVERSATIONS for what in _whats(name)]


def _whats(name: str) -> Iterator[str]:
    base = baseline(name)
    for direction in DIRECTIONS:
        way = base.way(direction)
        met: set[int] = set()
        for report in way:
            yield from _faults(report, way)
            # The first message of each kind loses every bit of its head, the others one of every byte in turn.
            every = 1 if report.begins and report.command not in met else 8
            met.add(report.command)
            yield from _corruptions(report, every)
    for mode in MODES:
        for at in range(1, base.operations + 1):
            yield f"cut:{at}={mode}"
    for who in (*HOSTS, *STOPS):
        for report in base.reports:
            yield f"{who}@{report.direction}:{report.number}"


def _faults(report: Report, way: list[Report]) -> Iterator[str]:
    at = f"{report.direction}:{report.number}"
    for kind in ("drop", "duplicate", "reorder", "truncate", "stall", "unplug"):
        yield f"{kind}:{at}"
    # To the host, what is late by less than its patience is all the same.
    for seconds in (BRIEF, LONG, TOO_LONG) if report.direction == TO_TOKEN else (LONG, TOO_LONG):
        yield f"delay:{at}={seconds:g}"
    yield f"foreign:{at}"
    if report.begins or report.direction == TO_TOKEN:
        yield f"foreign:{at}=init"
    if report.begins:
        for size in (0, 3, 4, 6):
            yield f"truncate:{at}={size}"
    for first, last in sorted(_earlier(report, way)):
        yield f"replay:{at}={first}-{last}"


def _corruptions(report: Report, every: int) -> Iterator[str]:
    bits = range(report.number % every, _HEAD, every) if report.begins else ()
    # Over a conversation, every bit of a report has its turn; of a continuation also every bit of the sequence.
    for bit in {*bits, report.number * 37 % _BITS, 32 + report.number % 8}:
        yield f"corrupt:{report.direction}:{report.number}={bit}"


def _earlier(report: Report, way: list[Report]) -> set[tuple[int, int]]:
    """Whole messages that could be taken for this one; inside of a message, the report before the last."""
    before = way[: report.number - 1]
    if not report.begins:
        return {(before[-2].number, before[-2].number)} if len(before) > 1 else set()
    starts = [one.number for one in before if one.begins]
    if not starts:
        return set()
    alike = [one.number for one in before if one.begins and one.command == report.command]
    ends = dict(zip(starts, [*(start - 1 for start in starts[1:]), len(before)], strict=True))
    # The first one ever, the last one, all of this kind.
    return {(start, ends[start]) for start in {*starts[:1], *starts[-1:], *alike}}


def must_succeed(case: Case) -> bool:
    """What a host and a token that keep to the contract do not even notice."""
    if "@" in case.what:
        return case.what.startswith("asks@")
    kind, direction, *_ = case.what.split(":")
    if kind == "foreign":
        return True
    seconds = float(case.what.partition("=")[2]) if kind == "delay" else 0.0
    return kind == "delay" and seconds <= (BRIEF if direction == TO_TOKEN else LONG)
