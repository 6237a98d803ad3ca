"""`python -m coldshare_sim.mpy`: get MicroPython ready and compile the firmware for it."""

from __future__ import annotations

import sys

from coldshare_iface.errors import ColdshareError
from coldshare_sim.mpy.engine import prepare


def main() -> int:
    try:
        engine = prepare()
    except ColdshareError as error:
        sys.stderr.write(f"{error.message}\n{error.next_step}\n")
        return error.exit_status
    sys.stdout.write(f"{' '.join(engine.command)}\n{engine.modules}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
