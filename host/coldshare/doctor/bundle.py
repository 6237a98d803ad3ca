"""What a person attaches to a bug report: the findings without what names them, their tokens or their files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from coldshare import __version__
from coldshare.doctor.finding import Finding
from coldshare.errors import ColdshareError
from coldshare.files import write_private
from coldshare.udev.rules import NAME, shipped

FORMAT = 1
_README = """What `coldshare doctor` has found, for a bug report.

report.json         every check: its level, the reason as a word of ours, numbers, versions, words of the kernel
{rules}
It holds no serial, no label, no name of a vault, a file, a folder, a program, an account or a computer, and no secret.
Tokens are numbered in the order in which they were found. Look into it before you post it.
"""
_RULES = f"{NAME}  the rules for udev that came with this coldshare\n"


def contents(findings: Sequence[Finding]) -> dict[str, bytes]:
    """The files of the bundle by their names."""
    rules = _rules()
    files = {"README.txt": _README.format(rules=_RULES if rules else "").encode()}
    files["report.json"] = (json.dumps(_report(findings), indent=1) + "\n").encode()
    if rules:
        files[NAME] = rules
    return files


def _report(findings: Sequence[Finding]) -> dict[str, object]:
    numbers: dict[str, int] = {}
    checks = []
    for one in findings:
        entry: dict[str, object] = {"check": one.check, "level": one.level, "reason": one.reason, **one.facts}
        if one.serial:
            # No part of the serial: it is the same for the life of a token.
            entry["token"] = numbers.setdefault(one.serial, len(numbers) + 1)
        checks.append(entry)
    made = datetime.now(UTC).date().isoformat()
    return {"bundle": FORMAT, "coldshare": __version__, "made": made, "checks": checks}


def _rules() -> bytes:
    try:
        return shipped()
    except ColdshareError:
        return b""


def write(path: Path, files: dict[str, bytes]) -> None:
    """A zip, mode 0600, never over another file. Raises OutputExistsError and OutputError."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # With no time and no account in it.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    write_private(path, data.getvalue(), replace=False)
