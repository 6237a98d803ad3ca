"""`sim+mpy:PATH`: a software token whose firmware runs under MicroPython, in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError

if TYPE_CHECKING:
    from coldshare.device.transport import Transport
    from coldshare_sim.mpy.process import MpyToken
    from coldshare_sim.person import Person


class MpyTransport:
    """Such a token behind the three methods of a transport."""

    def __init__(self, token: MpyToken, unattended: bool) -> None:
        from coldshare_sim.mpy.errors import CrashedError

        self.report_size = token.report_size
        self.unattended = unattended
        self._token = token
        self._crashed = CrashedError

    def write(self, report: bytes) -> None:
        try:
            self._token.write(report)
        except self._crashed as error:
            raise TokenGoneError(error.message, next_step=error.next_step) from error

    def read(self, timeout: float) -> bytes | None:
        try:
            return self._token.read(timeout)
        except self._crashed as error:
            raise TokenGoneError(error.message, next_step=error.next_step) from error

    def close(self) -> None:
        self._token.close()


def open_mpy(address: Address, *, create: bool) -> Transport:
    """Power up the token in that file. Raises the classes of `coldshare_sim.errors` and `coldshare_sim.mpy.errors`."""
    from coldshare_sim.person import person_for

    user = address.options.get("user")
    token = mpy_token(address, person_for(user), create=create)
    return MpyTransport(token, unattended=user is not None)


def mpy_token(address: Address, person: Person, *, create: bool) -> MpyToken:
    """The same with another person."""
    from coldshare_sim.mpy import engine
    from coldshare_sim.mpy.process import MpyToken

    # No shell expands a tilde behind "sim+mpy:".
    path = Path(os.path.expanduser(address.where))  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    return MpyToken(path, person, engine.find(), create=create)
