"""How long a conversation takes on a full-speed HID carrier, from the log of its reports. Pure arithmetic.

An interrupt endpoint moves one report of 64 bytes per millisecond. A side that starts to speak after the other one
spoke needs two milliseconds on top: a turnaround. The token's own work and the person's time are not counted.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Direction = Literal["out", "in"]

REPORT_MS = 1.0
TURNAROUND_MS = 2.0
FLOOR_BYTES_PER_MS = 64


@dataclass(frozen=True, slots=True)
class Report:
    """One report: `out` is host to token. `operation` is what the host was doing."""

    direction: Direction
    operation: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a log adds up to. A turnaround is a change of direction; an exchange is one from `out` to `in`."""

    reports: int
    turnarounds: int
    exchanges: int

    @property
    def ms(self) -> float:
        """Every change of direction costs."""
        return self.reports * REPORT_MS + self.turnarounds * TURNAROUND_MS

    @property
    def ms_per_exchange(self) -> float:
        """The milder reading: only the token takes its time to answer, and the host goes on at once."""
        return self.reports * REPORT_MS + self.exchanges * TURNAROUND_MS


def cost(log: Sequence[Report]) -> Cost:
    changes = [(before.direction, after.direction) for before, after in pairwise(log)]
    return Cost(
        reports=len(log),
        turnarounds=sum(before != after for before, after in changes),
        exchanges=changes.count(("out", "in")),
    )


def without(log: Sequence[Report], operations: Container[str]) -> list[Report]:
    """The conversation as it would have been without those operations."""
    return [report for report in log if report.operation not in operations]


def ms_by_operation(log: Sequence[Report]) -> dict[str, float]:
    """The strict time of each operation, in order. A turnaround belongs to the report that follows it."""
    parts: dict[str, float] = {}
    before: Direction | None = None
    for report in log:
        turned = before is not None and before != report.direction
        parts[report.operation] = parts.get(report.operation, 0.0) + REPORT_MS + turned * TURNAROUND_MS
        before = report.direction
    return parts


def floor_ms(size: int) -> float:
    """What `size` bytes take at the carrier's gross rate, with no framing, encryption or answer at all."""
    return size / FLOOR_BYTES_PER_MS
