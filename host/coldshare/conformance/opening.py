"""From an address to a bench: which operator fits, and how to get back to a token that was without power."""

from __future__ import annotations

import time
from collections.abc import Callable

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import Operator
from coldshare.conformance.terminal import TerminalOperator
from coldshare.device.address import Address
from coldshare.device.errors import AddressError, DeviceError
from coldshare.device.transport import Transport, open_transport
from coldshare.errors import RefusedError

#: Seconds in which a token that was plugged in again has to be there.
_BACK = 15.0
_PAUSE = 0.2


class NobodyThereError(RefusedError):
    """Somebody has to press the token's buttons, and there is neither a terminal nor a control socket."""

    code = "nobody_there"
    next_step = "Run this in a terminal, or name the control socket of a served software token with --control."


class _Cable:
    """The way to a token, open until it is closed or opened anew."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self.transport: Transport = open_transport(address)

    def again(self) -> Transport:
        self.transport.close()
        end = time.monotonic() + _BACK
        while True:
            try:
                self.transport = open_transport(self._address)
            except DeviceError:
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                return self.transport

    def close(self) -> None:
        self.transport.close()


def open_bench(
    address: Address,
    control: str | None = None,
    terminal: tuple[Callable[[str], None], Callable[[str], str]] | None = None,
) -> Bench:
    """The token at `address` on a bench. `terminal` is how to show a line to a person here, and how to ask for one.
    A token of this process needs neither that nor `control`.

    Raises AddressError, NobodyThereError, and what opening that address raises.
    """
    if "user" in address.options:
        raise AddressError(
            "Here the kit presses the token's buttons, so the address has no user=.",
            next_step="Leave it out. A token that is served with --user cannot be tested: serve it with --control.",
        )
    if address.scheme in ("sim", "sim+mpy"):
        from coldshare.conformance import simulated

        return simulated.sim_bench(address) if address.scheme == "sim" else simulated.mpy_bench(address)
    operator: Operator
    if control is not None:
        from coldshare.conformance.control import ControlOperator

        operator = ControlOperator(control)
    elif terminal is not None:
        operator = TerminalOperator(*terminal)
    else:
        raise NobodyThereError
    try:
        cable = _Cable(address)
    except BaseException:
        operator.close()
        raise
    return Bench(cable.transport, operator, cable.again, cable.close)
