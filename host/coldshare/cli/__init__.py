"""The command line. Importing this costs nothing; `main` imports what the given command needs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare` and exit with the status that docs/cli.md promises."""
    usable_streams()
    from coldshare.cli.app import run

    status = run(sys.argv[1:] if argv is None else argv)
    # All is done and told. Ctrl-C while the interpreter clears up would end it as if it were not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


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
