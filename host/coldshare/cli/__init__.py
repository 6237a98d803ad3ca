"""The command line. Importing this costs nothing; `main` imports what the given command needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare` and exit with the status that docs/cli.md promises."""
    usable_streams()
    from coldshare.cli.app import run

    sys.exit(run(sys.argv[1:] if argv is None else argv))


def usable_streams() -> None:
    """Three streams that can be used: a name that a terminal cannot encode, or a closed stream, is no crash."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - lives as long as the process
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        else:
            stream.reconfigure(errors="backslashreplace")
