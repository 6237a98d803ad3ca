"""`coldshare-sim` for measuring on a bus: `timed` says whose time it took, `sink` has no token behind its endpoints.

On SIGUSR1 `timed` writes its seconds of processor time by layer to the file that COLDSHARE_BENCH_TIMES names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench.layers import Layers
from bench.patch import AnyCall
from coldshare_sim.cli import main
from coldshare_sim.faults import FaultyToken
from coldshare_sim.flash import KeyBlocks
from coldshare_sim.littlefs import LittleFiles

TIMES = "COLDSHARE_BENCH_TIMES"
_FIRMWARE = ("write", "write_bulk", "poll", "poll_bulk")
_FLASH: list[tuple[type, tuple[str, ...]]] = [
    (LittleFiles, ("mkdir", "listdir", "size", "read", "write", "append", "rename", "remove", "free")),
    (KeyBlocks, ("read", "erase", "program")),
]


def _timed() -> None:
    layers = Layers(time.thread_time)

    def wrap(owner: type, name: str, layer: str) -> None:
        function: AnyCall = getattr(owner, name)
        setattr(owner, name, layers.inside(layer, function))

    for name in _FIRMWARE:
        wrap(FaultyToken, name, "firmware")
    for owner, names in _FLASH:
        for name in names:
            wrap(owner, name, "flash")
    path = Path(os.environ[TIMES])

    def tell(number: int, frame: Any) -> None:
        layers.turn()
        new = path.with_suffix(".new")
        new.write_text(json.dumps(layers.seconds))
        new.replace(path)

    signal.signal(signal.SIGUSR1, tell)


def _swallow(self: FaultyToken, data: bytes) -> None:
    pass


if __name__ == "__main__":
    if sys.argv.pop(1) == "timed":
        _timed()
    else:
        FaultyToken.write = FaultyToken.write_bulk = _swallow  # type: ignore[method-assign, assignment]
    main()
