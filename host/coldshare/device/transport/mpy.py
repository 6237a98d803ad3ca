"""`sim+mpy:PATH`: a software token whose firmware runs under MicroPython, in a process of its own.

`sim+mpy:PATH?carrier=bulk` speaks to it in frames, as on USB bulk.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError
from coldshare.device.transport.sim import report_size
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.device.transport import Transport
    from coldshare_sim.mpy.process import MpyToken
    from coldshare_sim.person import Person


class MpyTransport:
    """Such a token behind the three methods of a transport: its HID, or its bulk interface by `report_size`."""

    def __init__(self, token: MpyToken, report_size: int, unattended: bool) -> None:
        from coldshare_sim.mpy.errors import CrashedError

        self.report_size = report_size
        bulk = report_size == wire.BULK_FRAME_MAX
        self._write = token.write_bulk if bulk else token.write
        self._read = token.read_bulk if bulk else token.read
        self.unattended = unattended
        self._token = token
        self._crashed = CrashedError

    def write(self, report: bytes) -> None:
        try:
            self._write(report)
        except self._crashed as error:
            raise TokenGoneError(error.message, next_step=error.next_step) from error

    def read(self, timeout: float) -> bytes | None:
        try:
            return self._read(timeout)
        except self._crashed as error:
            raise TokenGoneError(error.message, next_step=error.next_step) from error

    def close(self) -> None:
        self._token.close()


def open_mpy(address: Address, *, create: bool) -> Transport:
    """Power up the token in that file. Raises the classes of `coldshare_sim.errors` and `coldshare_sim.mpy.errors`."""
    from coldshare_sim.person import person_for

    user = address.options.get("user")
    token = mpy_token(address, person_for(user), create=create)
    return MpyTransport(token, report_size(address), unattended=user is not None)


def mpy_token(address: Address, person: Person, *, create: bool) -> MpyToken:
    """The same with another person."""
    from coldshare_sim.mpy import engine
    from coldshare_sim.mpy.process import MpyToken

    # No shell expands a tilde behind "sim+mpy:".
    path = Path(os.path.expanduser(address.where))  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    return MpyToken(path, person, engine.find(), create=create)
