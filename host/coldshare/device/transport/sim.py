"""`sim:PATH`: a software token in this process. The simulator is imported only once such an address is opened.

`sim:PATH?fault=SPEC` is the same token at the end of a cable to which faults happen (docs/simulator.md). There time is
virtual: nobody waits for a token that is silent, unless a person at the terminal presses its buttons.
`sim:PATH?break=ID` is a token that breaks one rule of the contract (docs/conformance.md).
`sim:PATH?carrier=` says how to speak to it: `hid` in reports of 64 bytes, `hid-hs` of 1024, `bulk` in frames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from coldshare.device.address import Address
from coldshare.device.errors import AddressError, TokenGoneError
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.device.transport import Transport
    from coldshare_sim.clock import Clock
    from coldshare_sim.faults import Fault
    from coldshare_sim.person import Person
    from coldshare_sim.token import SoftToken

_BULK = "bulk"
#: Bytes of a report, by what an address calls the carrier.
_REPORTS = {"hid": wire.REPORT_FS, "hid-hs": wire.REPORT_HS, _BULK: wire.BULK_FRAME_MAX}


class SimTransport:
    """A software token behind the three methods of a transport: its HID, or its bulk interface by `report_size`."""

    def __init__(self, token: SoftToken, report_size: int, unattended: bool) -> None:
        from coldshare_sim.faults import UnpluggedError

        self.token = token
        self.report_size = report_size
        self.unattended = unattended
        self._unplugged = UnpluggedError
        bulk = report_size == wire.BULK_FRAME_MAX
        self._write = token.write_bulk if bulk else token.write
        self._read = token.read_bulk if bulk else token.read

    def clock(self) -> float:
        """Seconds, as the token counts them."""
        return self.token.clock.now_ms() / 1000

    def write(self, report: bytes) -> None:
        try:
            self._write(report)
        except self._unplugged as error:
            raise TokenGoneError from error

    def read(self, timeout: float) -> bytes | None:
        try:
            return self._read(timeout)
        except self._unplugged as error:
            raise TokenGoneError from error

    def close(self) -> None:
        self.token.close()


def open_sim(address: Address, *, create: bool) -> Transport:
    """Power up the token in that file. Raises AddressError and the classes of `coldshare_sim.errors`."""
    from coldshare_sim.clock import RealClock, VirtualClock
    from coldshare_sim.person import TerminalPerson, person_for

    user = address.options.get("user")
    person = person_for(user)
    virtual = "fault" in address.options and not isinstance(person, TerminalPerson)
    token = soft_token(address, person, VirtualClock() if virtual else RealClock(), create=create)
    return SimTransport(token, report_size(address), unattended=user is not None)


def report_size(address: Address) -> int:
    """Bytes of a report on the carrier that a `sim:` address names; of the longest frame on bulk."""
    return _REPORTS[address.options.get("carrier", "hid")]


def soft_token(address: Address, person: Person, clock: Clock, *, create: bool) -> SoftToken:
    """The token in that file, with the faults of its cable and the rule that it breaks. Raises the same."""
    from coldshare_sim.token import SoftToken

    size = report_size(address)
    if size == wire.BULK_FRAME_MAX:
        size = wire.REPORT_FS  # of its HID, which is there as well
    faults = address.options.get("fault")
    rule = address.options.get("break")
    # No shell expands a tilde behind "sim:".
    path = Path(os.path.expanduser(address.where))  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    if rule is not None:
        from coldshare_sim.broken import UnknownFlawError
        from coldshare_sim.broken.token import BrokenToken

        try:
            return BrokenToken(path, person, rule, _parsed(faults), create=create, clock=clock, report_size=size)
        except UnknownFlawError as error:
            raise AddressError(error.message, next_step=error.next_step) from error
    if faults is None:
        return SoftToken(path, person, create=create, clock=clock, report_size=size)
    from coldshare_sim.faults import FaultyToken

    return FaultyToken(path, person, _parsed(faults), create=create, clock=clock, report_size=size)


def _parsed(faults: str | None) -> tuple[Fault, ...]:
    from coldshare_sim.faults import FaultSpecError, parse

    try:
        return tuple(parse(faults)) if faults is not None else ()
    except FaultSpecError as error:
        raise AddressError(error.message, next_step=error.next_step) from error
