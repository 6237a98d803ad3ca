"""The command line. Importing this costs nothing; `main` imports what the given command needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run `coldshare` and exit with the status that docs/cli.md promises."""
    from coldshare.cli.app import run

    sys.exit(run(sys.argv[1:] if argv is None else argv))
