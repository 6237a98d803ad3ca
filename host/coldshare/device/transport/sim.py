"""`sim:PATH`: a software token in this process. The one place where the host knows of the simulator."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.device.address import Address

if TYPE_CHECKING:
    from coldshare.device.transport import Transport
    from coldshare_sim.token import SoftToken


class SimTransport:
    """A software token behind the three methods of a transport."""

    def __init__(self, token: SoftToken, report_size: int, unattended: bool) -> None:
        self.token = token
        self.report_size = report_size
        self.unattended = unattended

    def write(self, report: bytes) -> None:
        self.token.write(report)

    def read(self, timeout: float) -> bytes | None:
        return self.token.read(timeout)

    def close(self) -> None:
        self.token.close()


def open_sim(address: Address, *, create: bool) -> Transport:
    """Power up the token in that file. Raises the classes of `coldshare_sim.errors`."""
    from coldshare_iface import wire
    from coldshare_sim.person import person_for
    from coldshare_sim.token import SoftToken

    user = address.options.get("user")
    # No shell expands a tilde behind "sim:".
    path = Path(os.path.expanduser(address.where))  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    token = SoftToken(path, person_for(user), create=create)
    return SimTransport(token, wire.REPORT_FS, unattended=user is not None)
