"""Where this computer's own records live."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`COLDSHARE_HOME` where it is set, else the platform's folder for application data."""
    chosen = os.environ.get("COLDSHARE_HOME")
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("coldshare", appauthor=False)


def pairings_path() -> Path:
    return home() / "pairings.json"


def ledger_path() -> Path:
    return home() / "ledger.sqlite"
