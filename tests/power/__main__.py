"""`make crash`: every story, every instant, every mode, twice; then every fault on the link. Or one case.

The status is 1 when anything was bad. The figures go to `bench/results.json`.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from bench.record import record

from link.run import run
from power.crash import MODES, OUTCOMES, Case, Crash, Tally, explain
from power.stories import STORIES
from support import agreement

_LEGEND = """images: different contents of the chip.
runs: how often the firmware was really run, once for all images that agree in everything it reads.
old, new, between: what the token was after the cut; neither is bad."""
_COLUMNS = ("story", "flash ops", "instants", "cases", "images", "runs", *OUTCOMES, "bad")


def enumerate_story(name: str) -> Tally:
    """Every case of one story, in a process of its own. What the harness itself trips over is a bad case, too."""
    try:
        return Crash(STORIES[name]).enumerate()
    except Exception:
        tally = Tally(name)
        tally.found(Case(name, 0, "clean"), traceback.format_exc())
        return tally


def enumerate_all(names: Iterable[str], processes: int) -> list[Tally]:
    """One tally for each, in their order, whatever order they were done in. The long ones should not come last."""
    names = list(names)
    done: dict[str, Tally] = {}
    with ProcessPoolExecutor(processes) as pool:
        jobs = {pool.submit(enumerate_story, name): name for name in sorted(names, key=_weight, reverse=True)}
        for job in as_completed(jobs):
            try:
                tally = job.result()
            except BrokenProcessPool:  # littlefs ends the process when it finds what cannot be
                tally = Tally(jobs[job])
                tally.found(Case(jobs[job], 0, "clean"), "a process has died, of this story or the one beside it")
            done[tally.story] = tally
            print(f"{len(done):3} of {len(names)}  {tally.story}: {tally.cases} cases", file=sys.stderr)
    return [done[name] for name in names]


def _weight(name: str) -> bool:
    """Whether a whole share crosses in it: such stories take hundreds of times as long as the others."""
    return any(word in name for word in ("put", "replace", "begin", "corrupted"))


def table(tallies: list[Tally]) -> str:
    total = Tally("total", 0, 0)
    for tally in tallies:
        for name in ("operations", "instants", "cases", "images", "runs", "bad"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        for outcome in OUTCOMES:
            total.outcomes[outcome] += tally.outcomes[outcome]
    rows = [_COLUMNS]
    for tally in [*tallies, total]:
        numbers = [tally.operations, tally.instants, tally.cases, tally.images, tally.runs]
        numbers += [tally.outcomes[outcome] for outcome in OUTCOMES]
        rows.append((tally.story, *map(str, numbers), str(tally.bad)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = ["  ".join(map(_cell, row, widths)) for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _cell(text: str, width: int) -> str:
    return text.rjust(width) if text.isdigit() or text in _COLUMNS[1:] else text.ljust(width)


def crash(names: Iterable[str], processes: int) -> dict[str, int]:
    """Enumerate, print, and give the figures."""
    tallies = enumerate_all(names, processes)
    print(f"power cuts: at every instant, {', '.join(MODES)}, and again at every instant of what follows\n")
    print(table(tallies))
    print("\n" + _LEGEND)
    for tally in tallies:
        for case, problem in tally.shown:
            print(f"\nBAD: python -m power {case}\n{problem}")
    return {"crash_cases": sum(tally.cases for tally in tallies), "crash_bad": sum(tally.bad for tally in tallies)}


def _progress(done: int, total: int) -> None:
    if done == total or done % 1000 < 40:
        print(f"{done:5} of {total} link faults", file=sys.stderr)


def link_faults(processes: int) -> dict[str, int]:
    """Every fault of the link, in words, and the figures."""
    done = run(workers=processes, progress=_progress)
    print("\nlink faults: one at every report of every conversation\n")
    for title in ("kinds", "outcomes"):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in done[title].items()))
    for line in done["shown"]:
        print(f"\nBAD: {line}")
    return {name: done[name] for name in ("link_fault_cases", "link_fault_bad")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m power", description=__doc__)
    parser.add_argument("--story", choices=sorted(STORIES), action="append", help="only this one")
    parser.add_argument("--at", type=int, metavar="N", help="only this instant: one case, in words")
    parser.add_argument("--mode", choices=MODES, default="clean")
    parser.add_argument("--again", type=int, metavar="M", help="the instant of the second cut")
    parser.add_argument("--again-mode", choices=MODES, default="clean")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    arguments = parser.parse_args()
    if arguments.at is not None:
        if not arguments.story:
            parser.error("--at takes --story")
        print(explain(STORIES[arguments.story[0]], arguments.at, arguments.mode, arguments.again, arguments.again_mode))
        return 0
    agreement.install()
    figures = crash(arguments.story or STORIES, arguments.processes)
    if not arguments.story:
        figures |= link_faults(arguments.processes)
    if not arguments.story:
        record(figures)
    print("\n" + "\n".join(f"{name} {value}" for name, value in figures.items()))
    return 1 if any(value for name, value in figures.items() if name.endswith("_bad")) else 0


if __name__ == "__main__":
    sys.exit(main())
