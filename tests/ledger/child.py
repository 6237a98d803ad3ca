"""A process that writes into a ledger, two events at a time, and says which it has written."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from coldshare.ledger import database
from coldshare.ledger import events as e
from coldshare.ledger.store import Ledger
from ledger.samples import SAFE, SHARE


def kill_at(point: int) -> None:
    """At that step of SQLite's own machine, counted over all statements by hundreds, and at no other."""
    connect = sqlite3.connect
    steps = count()

    def step() -> int:
        if next(steps) == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def watched(*args: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.set_progress_handler(step, 40)
        return connection

    database.sqlite3.connect = watched  # type: ignore[assignment]


def main() -> None:
    path, writer, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if what.startswith("kill:"):
        kill_at(int(what.removeprefix("kill:")))
    rounds = 10 if what == "ten" else 1 << 30
    if what == "ten":
        print("ready", flush=True)
        sys.stdin.read()
    for number in range(rounds):
        with Ledger(path) as ledger:
            bodies = []
            for one in (2 * number, 2 * number + 1):
                backup_id = bytes(7) + bytes([writer]) + one.to_bytes(8, "big")
                bodies.append(e.BackupVerified(SAFE, backup_id, SHARE, 1, e.ACTIVE, None, opened=True))
            ledger.record(bodies)
        print(f"{2 * number}\n{2 * number + 1}", flush=True)


main()
