"""`results.json`: written by `python -m bench`, and by the other runs that count something for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bench.figures import KERNEL

RESULTS = Path(__file__).with_name("results.json")
#: Figures of other runs, by how their names begin: `make fuzz`, `make crash`, `make bench-kernel`. Measuring the rest
#: leaves them alone.
ELSEWHERE = ("fuzz_", "crash_", "link_fault_", *KERNEL)


def _read(path: Path) -> dict[str, float | str]:
    figures: dict[str, float | str] = json.loads(path.read_text()) if path.exists() else {}
    return figures


def _put(figures: dict[str, float | str], path: Path) -> None:
    """The facts on the machine come last."""
    ordered = sorted(figures.items(), key=lambda figure: figure[0].startswith("machine_"))
    path.write_text(json.dumps(dict(ordered), indent=2) + "\n")


def rewrite(measured: dict[str, float | str], path: Path = RESULTS) -> None:
    """Replace everything but the figures of other runs."""
    kept = {name: value for name, value in _read(path).items() if name.startswith(ELSEWHERE)}
    _put(measured | kept, path)


def record(figures: Mapping[str, float], path: Path = RESULTS) -> None:
    """Put in the figures of another run, beside everything that is there. Raises ValueError for those of the bench."""
    if strangers := [name for name in figures if not name.startswith(ELSEWHERE)]:
        raise ValueError(f"these belong to the bench: {', '.join(strangers)}")
    _put({**_read(path), **figures}, path)
