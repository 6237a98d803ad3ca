"""Gets what the tests in this folder need: MicroPython and, where there is node, its WASM build. Fails where the first
cannot be had; a computer without node does without the second."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from coldshare_sim.mpy.__main__ import main
from support import wasm

status = main()
if status == 0:
    try:
        print(wasm.prepare())
    except wasm.NoWasmError as error:
        print(f"Without MicroPython's WASM build: {error}.")
sys.exit(status)
