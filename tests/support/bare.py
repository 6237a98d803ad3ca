"""The firmware's operations without a wire: requests in, replies out, on a board in memory."""

from __future__ import annotations

from typing import Any

from coldshare_firmware import jobs
from coldshare_firmware.audit import Audit
from coldshare_firmware.keys import Keys
from coldshare_firmware.ops import Operations
from coldshare_firmware.person import OpError
from coldshare_firmware.pin import PinGate
from coldshare_firmware.store import Store
from support.board import Board
from support.client import LABEL, PIN


class Bare:
    """A token that is set up and unlocked. Its person agrees to everything at once."""

    def __init__(self) -> None:
        self.board = Board()
        Keys(self.board).found()
        self.power_up()
        for _ in self.gate.set_up(PIN, LABEL):
            pass

    def power_up(self) -> None:
        self.keys = Keys(self.board)
        self.store = Store(self.board, self.keys)
        self.store.sweep()
        self.audit = Audit(self.board, self.keys)
        self.gate = PinGate(self.board, self.keys, self.audit)
        self.ops = Operations(self.board, self.keys, self.store, self.audit, self.gate)
        self.ops._unlocked = True

    def ask(self, op: int, *fields: object) -> dict[int, Any]:
        try:
            job = self.ops.run(op, list(fields))
        except OpError as error:
            return {0: error.status}
        while True:
            _, reply = jobs.advance(job)
            if reply is not None:
                return reply
