"""Every target under atheris, bounded in time and memory: `make fuzz`, or `PYTHONPATH=tests python -m fuzz`.

Exit status 1 when a target broke a property, ran out of time or memory on one input, or did not run at all. The input
that did it stays under `build/fuzz/`, and the command that runs it again is printed. A run of all targets writes
`fuzz_execs` and `fuzz_crashes` into `bench/results.json`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "build" / "fuzz"
#: So that all targets take about four minutes on two cores.
SECONDS = 22
#: For the whole process, Python and the instrumentation included.
MEMORY_MB = 768
#: Seconds for one input; the slowest honest one takes a hundredth of a second.
ONE_INPUT = 20
#: Seconds beyond its time that a process gets, for starting and for the last input.
_GRACE = 60
_EXECS = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")
_PEAK = re.compile(rb"stat::peak_rss_mb:\s*(\d+)")
_COVERED = re.compile(rb" cov: (\d+) ")
_RAISED = re.compile(rb"=== Uncaught Python exception: ===\n(.*)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target. `reproducers` are the inputs that broke it; `why` is empty when nothing did."""

    name: str
    execs: int
    covered: int
    peak_mb: int
    reproducers: tuple[Path, ...] = ()
    why: str = ""

    @property
    def crashes(self) -> int:
        return max(len(self.reproducers), int(bool(self.why)))


def outcome(name: str, status: int | None, log: bytes, reproducers: Sequence[Path]) -> Outcome:
    """Read what libFuzzer said. `status` is its exit status, None when it had to be killed."""

    def last(pattern: re.Pattern[bytes]) -> int:
        found = pattern.findall(log)
        return int(found[-1]) if found else 0

    execs = last(_EXECS)
    why = ""
    if raised := _RAISED.search(log):
        why = raised[1].decode(errors="replace")
    elif status is None:
        why = "it did not end in its time"
    elif status:
        why = f"it ended with status {status}"
    elif not execs:
        why = "nothing was run"
    elif reproducers:
        why = "an input took too much time or memory"
    return Outcome(name, execs, last(_COVERED), last(_PEAK), tuple(reproducers), why)


def dictionary(words: Sequence[bytes]) -> str:
    """The words as libFuzzer's -dict reads them."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)


def run(target: Target, seconds: int) -> Outcome:
    """Fuzz one target for so long."""
    folder = OUTPUT / target.name
    corpus = folder / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    words = folder / "words"
    words.write_text(dictionary(target.words))
    command = [
        *(sys.executable, "-m", "fuzz.child", target.name),
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-timeout={ONE_INPUT}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/",
        *([f"-dict={words}"] if target.words else []),
        "-print_final_stats=1",
        *(str(corpus), str(target.seeds[0].parent)),
    ]
    began = time.time()
    with (folder / "log").open("wb") as log:
        try:
            status: int | None = subprocess.run(
                command, cwd=ROOT, stdout=log, stderr=log, timeout=seconds + _GRACE, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = None
    # One that was found before, too: it is written anew.
    broke = [
        path
        for path in folder.iterdir()
        if path.name.startswith(("crash-", "timeout-", "oom-", "leak-")) and path.stat().st_mtime >= began - 1
    ]
    return outcome(target.name, status, (folder / "log").read_bytes(), broke)


def table(outcomes: Sequence[Outcome], seconds: int) -> str:
    rows = [("target", "execs", "per second", "covered", "peak MB", "crashes")]
    for one in outcomes:
        rate = one.execs // seconds if seconds else 0
        rows.append((one.name, *map(str, (one.execs, rate, one.covered, one.peak_mb, one.crashes))))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths)))  # noqa: B905
        for row in rows
    )


def again(name: str, path: Path) -> str:
    """The command that runs one input again, without atheris."""
    return f"PYTHONPATH=tests {os.path.relpath(sys.executable)} -m fuzz --run {name} {os.path.relpath(path)}"


def has_atheris() -> bool:
    return importlib.util.find_spec("atheris") is not None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Run the fuzz targets under atheris.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"for each target; {SECONDS} by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at the same time; all cores by default")
    parser.add_argument("--run", nargs=2, metavar=("TARGET", "FILE"), help="run one input and show what it raises")
    options = parser.parse_args(argv)
    if options.run:
        name, file = options.run
        TARGETS[name].run(Path(file).read_bytes())
        print(f"{name} is content with {file}.")
        return 0
    if unknown := set(options.targets) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if not has_atheris():
        parser.error("atheris is not installed: pip install -e '.[fuzz]'")
    chosen = [TARGETS[name] for name in options.targets] or list(TARGETS.values())
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda target: run(target, options.seconds), chosen))
    print(table(outcomes, options.seconds))
    for one in outcomes:
        if one.why:
            print(f"\n{one.name}: {one.why}\n  log: {os.path.relpath(OUTPUT / one.name / 'log')}")
        for path in one.reproducers:
            print(f"  again: {again(one.name, path)}")
    execs, crashes = sum(one.execs for one in outcomes), sum(one.crashes for one in outcomes)
    print(f"\nfuzz_execs   {execs}\nfuzz_crashes {crashes}")
    if not options.targets:
        sys.path.insert(0, str(ROOT))
        from bench.record import record

        record({"fuzz_execs": execs, "fuzz_crashes": crashes})
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
