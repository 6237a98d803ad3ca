"""MicroPython and the firmware compiled for it: all that it takes to start a token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coldshare_sim.mpy import interpreter, modules

#: Bytes of heap: what the firmware has to get along with.
HEAP = 192 * 1024


@dataclass(frozen=True, slots=True)
class Engine:
    """The command that starts MicroPython, the folder of the compiled firmware, and bytes of heap."""

    command: tuple[str, ...]
    modules: Path
    heap: int = HEAP


def find() -> Engine:
    """What is on this computer. Raises MicroPythonMissingError, CompilerMissingError and PreparationError."""
    command = interpreter.find()
    return Engine(command, modules.compiled(interpreter.cache()))


def prepare() -> Engine:
    """The same; MicroPython comes from Debian where there is none. Raises CompilerMissingError and PreparationError."""
    command = interpreter.prepare()
    return Engine(command, modules.compiled(interpreter.cache()))
