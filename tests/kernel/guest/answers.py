"""Several commands of `coldshare` in one process, for starting Python is what takes longest here.

The argument is a JSON list of command lines; the answer a JSON list of [status, standard output, standard error].
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from coldshare.cli.app import run

answers = []
for argv in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(argv)
    answers.append((status, out.getvalue(), err.getvalue()))
json.dump(answers, sys.stdout)
