"""`sim:PATH`: a software token in this process. The one place where the host knows of the simulator.

`sim:PATH?fault=SPEC` is the same token at the end of a cable to which faults happen (docs/simulator.md). There time is
virtual: nobody waits for a token that is silent, unless a person at the terminal presses its buttons.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.device.address import Address
from coldshare.device.errors import AddressError, TokenGoneError

if TYPE_CHECKING:
    from coldshare.device.transport import Transport
    from coldshare_sim.token import SoftToken


class SimTransport:
    """A software token behind the three methods of a transport."""

    def __init__(self, token: SoftToken, report_size: int, unattended: bool) -> None:
        from coldshare_sim.faults import UnpluggedError

        self.token = token
        self.report_size = report_size
        self.unattended = unattended
        self._unplugged = UnpluggedError

    def clock(self) -> float:
        """Seconds, as the token counts them."""
        return self.token.clock.now_ms() / 1000

    def write(self, report: bytes) -> None:
        try:
            self.token.write(report)
        except self._unplugged as error:
            raise TokenGoneError from error

    def read(self, timeout: float) -> bytes | None:
        try:
            return self.token.read(timeout)
        except self._unplugged as error:
            raise TokenGoneError from error

    def close(self) -> None:
        self.token.close()


def open_sim(address: Address, *, create: bool) -> Transport:
    """Power up the token in that file. Raises AddressError and the classes of `coldshare_sim.errors`."""
    from coldshare_iface import wire
    from coldshare_sim.person import person_for
    from coldshare_sim.token import SoftToken

    user = address.options.get("user")
    faults = address.options.get("fault")
    # No shell expands a tilde behind "sim:".
    path = Path(os.path.expanduser(address.where))  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    if faults is None:
        token = SoftToken(path, person_for(user), create=create)
    else:
        token = _faulty(path, user, faults, create=create)
    return SimTransport(token, wire.REPORT_FS, unattended=user is not None)


def _faulty(path: Path, user: str | None, faults: str, *, create: bool) -> SoftToken:
    from coldshare_sim.clock import RealClock, VirtualClock
    from coldshare_sim.faults import FaultSpecError, FaultyToken, parse
    from coldshare_sim.person import TerminalPerson, person_for

    try:
        parsed = parse(faults)
    except FaultSpecError as error:
        raise AddressError(error.message, next_step=error.next_step) from error
    person = person_for(user)
    clock = RealClock() if isinstance(person, TerminalPerson) else VirtualClock()
    return FaultyToken(path, person, parsed, create=create, clock=clock)
