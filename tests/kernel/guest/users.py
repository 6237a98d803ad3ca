"""Commands as other users of the machine: alice, who sits at it, and eve, who does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from support.shell import Said

ANSWERS = str(Path(__file__).with_name("answers.py"))


def run_as(user: str, *command: str) -> str:
    """What it writes to standard output. It has a home of the user's own, and must not fail."""
    home = Path("/run/home") / user
    environment = os.environ | {"HOME": str(home), "COLDSHARE_HOME": str(home / ".coldshare")}
    identity = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    done = subprocess.run(
        [*identity, *command], cwd=home, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def coldshare_as(user: str, *commands: Sequence[str]) -> list[Said]:
    """What each of these commands of ours says to that user."""
    answers = json.loads(run_as(user, sys.executable, ANSWERS, json.dumps(commands)))
    return [Said(*answer) for answer in answers]
