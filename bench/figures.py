"""What a figure is, which ones must reach something, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Appended to every figure that was measured on a made-up vault.
SYNTHETIC = "_synthetic"

#: A figure must not be above its bound.
BOUNDS = {
    "stored_over_file_plain": 0.44,
    "stored_over_file_encrypted": 0.585,
    "wire_over_floor": 1.17,
    "frame_cpu_vs_fido2": 0.30,
    "cli_start_over_click": 1.5,
    "micropython_peak_heap_kib": 192,
}

#: The same for `make bench-kernel`, and, without a bound, how its other figures begin.
KERNEL: dict[str, float | None] = {
    "bulk_over_raw": None,
    "hid_hs_over_raw": 2.5,
    "hid_fs_over_raw": 1.6,
    "discovery_over_enumerate": 1.5,
    "kernel_": None,
}

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """One named number, and in words what it is measured against or how."""

    name: str
    value: float
    against: str

    @property
    def bound(self) -> float | None:
        return BOUNDS.get(self.name.removesuffix(SYNTHETIC), KERNEL.get(self.name))

    @property
    def missed(self) -> bool:
        return self.bound is not None and self.value > self.bound


def unmeasured(figures: Iterable[Figure]) -> list[str]:
    """The bounded figures that are not among `figures`: not measuring is not reaching."""
    return sorted(BOUNDS.keys() - {figure.name.removesuffix(SYNTHETIC) for figure in figures})


def results(figures: Iterable[Figure], machine: dict[str, str]) -> dict[str, float | str]:
    """The flat object for `results.json`."""
    return {figure.name: round(figure.value, _DIGITS) for figure in figures} | machine


def table(figures: Sequence[Figure]) -> str:
    """Figure, value, what it must reach, peer or limit, and the verdict, in aligned columns."""
    rows = [("figure", "value", "must reach", "peer or limit", "")]
    for figure in figures:
        bound = figure.bound
        reach, verdict = "reported", ""
        if bound is not None:
            reach, verdict = f"<= {bound:g}", "MISSED" if figure.missed else "ok"
        rows.append((figure.name, f"{figure.value:.{_DIGITS}f}", reach, figure.against, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for name, value, reach, against, verdict in rows:
        cells = (
            name.ljust(widths[0]),
            value.rjust(widths[1]),
            reach.ljust(widths[2]),
            against.ljust(widths[3]),
            verdict,
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths if width))
    return "\n".join(lines)
