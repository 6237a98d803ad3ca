"""`PYTHONPATH=tests python -m link`: every fault at every report. Exit status 1 when one case ended badly.

With words, only the cases that have all of them: `python -m link backup drop:to-host`.
"""

from __future__ import annotations

import sys

from link.cases import cases
from link.run import run


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main(words: list[str]) -> int:
    chosen = [case for case in cases() if all(word in str(case) for word in words)]
    if not chosen:
        print("no such case", file=sys.stderr)
        return 2
    done = run(chosen, progress=_progress)
    for line in done["shown"]:
        print(f"BAD {line}")
    for title in ("kinds", "outcomes"):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in done[title].items()))
    print(f"link_fault_cases {done['link_fault_cases']}")
    print(f"link_fault_bad {done['link_fault_bad']}")
    print(f"seconds {done['seconds']}")
    return 1 if done["link_fault_bad"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
