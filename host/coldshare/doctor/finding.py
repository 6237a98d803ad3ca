"""What a probe has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warn", "fail"]
Fact = str | int | float | bool | None


@dataclass(frozen=True)
class Finding:
    """One line. `check` names the probe and `reason` what it found, both stable words; `says` and `mend` are for the
    person at this computer and may hold a path, a serial or a name.

    `facts` may not: they go into a bundle that is posted. They are numbers, versions, and words of ours, the kernel's
    or the contract's, never what a file, a device or a person is called. `serial` is that of the token it is about.
    """

    check: str
    level: Level
    reason: str
    says: str
    mend: str = ""
    serial: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


def worst(findings: list[Finding]) -> Level:
    levels = {finding.level for finding in findings}
    return "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"
