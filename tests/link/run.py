"""All cases, or some, on all processors, and what came of them."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import get_context
from typing import Any

from link.cases import Case, cases
from link.judge import Outcome, judge

#: Cases that a process takes at a time, and how often.
_BATCH = 40
_BATCHES = 20
#: Bad cases that are named.
_SHOWN = 20

Progress = Callable[[int, int], None]


def _judge(batch: Sequence[Case]) -> list[Outcome]:
    return [judge(case) for case in batch]


def _silent(done: int, total: int) -> None:
    pass


def _judged(todo: Sequence[Case], workers: int) -> Iterator[list[Outcome]]:
    batches = max(1, -(-len(todo) // _BATCH))
    # Every so many-th one, so that each process gets some of every kind.
    parts = [todo[at::batches] for at in range(batches)]
    if workers == 1:
        yield from map(_judge, parts)
        return
    # A mounted littlefs never gives its memory back, so a process is let go after some batches.
    with get_context("fork").Pool(workers, maxtasksperchild=_BATCHES) as pool:
        yield from pool.imap_unordered(_judge, parts)


def run(
    chosen: Iterable[Case] | None = None, *, workers: int | None = None, progress: Progress = _silent
) -> dict[str, Any]:
    """Judge `chosen`, by default every case there is, in so many processes (one is this one).

    Returns `link_fault_cases`, `link_fault_bad`, `outcomes` and `kinds` (how many cases ended how, and of each kind of
    fault), `shown` (some of the bad ones, in words) and `seconds`.
    """
    began = time.monotonic()
    todo = list(cases() if chosen is None else chosen)
    outcomes: Counter[str] = Counter()
    bad: list[Outcome] = []
    done = 0
    for judged in _judged(todo, workers or os.cpu_count() or 1):
        outcomes.update(outcome.name for outcome in judged)
        bad += [outcome for outcome in judged if outcome.bad]
        done += len(judged)
        progress(done, len(todo))
    return {
        "link_fault_cases": done,
        "link_fault_bad": len(bad),
        "outcomes": dict(outcomes.most_common()),
        "kinds": dict(Counter(case.kind for case in todo).most_common()),
        "shown": [
            f"{outcome.case}: {outcome.name}: {outcome.bad}"
            for outcome in sorted(bad, key=lambda outcome: str(outcome.case))[:_SHOWN]
        ],
        "seconds": round(time.monotonic() - began, 1),
    }
