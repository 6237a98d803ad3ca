"""`coldshare-sim plug`, without its options: a software token on a USB bus, in a process of its own.

It has to be another process than whoever uses the token: a program that closes a USB device holds Python's lock until
the kernel has taken its transfers back, and for that the token has to answer.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from coldshare_sim.errors import BadPlaceError
from coldshare_sim.faults import parse
from coldshare_sim.listen import Listener, listen_tcp
from coldshare_sim.panel import Panel
from coldshare_sim.serving import announce, listen, person, software_token, stopped_by_signals
from coldshare_sim.usb import vhci
from coldshare_sim.usb.bus import Bus
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.usbip import BUS_ID

#: As they are typed.
SPEEDS = {"fs": Speed.FULL, "hs": Speed.HIGH}


def plug(
    path: Path,
    speed: str,
    where: str | None,
    user: str | None,
    control: str | None,
    ready_fd: int | None,
    *,
    create: bool,
    fault: str | None = None,
    flaw: str | None = None,
) -> None:
    """Keep the token at `path` on the bus until a signal says to stop; `where` is a port to serve USB/IP at instead.

    One line of JSON says when it can be used. Raises the classes of `usb.errors` and of `errors`.
    """
    faults = parse(fault) if fault is not None else ()
    fast = SPEEDS[speed]
    with ExitStack() as stack:
        controls = listen(control) if control is not None else None
        if controls is not None:
            stack.callback(controls.close)
        listener = _listener(where) if where is not None else None
        if listener is not None:
            stack.callback(listener.close)
        panel = Panel(person(user, controls))
        token = software_token(path, panel, faults, flaw, create=create, report_size=fast.report_size)
        stack.callback(token.close)

        def ready(bus: Bus) -> None:
            facts = {
                "command": "plug",
                "at": bus.address,
                "speed": speed,
                "port": bus.slot,
                "listen": listener.where if listener is not None else None,
                "busid": BUS_ID if listener is not None else None,
                "control": controls.where if controls is not None else None,
                "path": str(path),
            }
            announce(facts, ready_fd)

        attach = vhci.attach if listener is None else None
        bus = Bus(token, fast, panel, attach=attach, listener=listener, controls=controls, on_ready=ready)
        stack.callback(bus.close)
        stack.enter_context(stopped_by_signals(bus))
        token.interruptible = False
        bus.plug()
        bus.run()


def _listener(where: str) -> Listener:
    try:
        return listen_tcp(where)
    except BadPlaceError as error:
        raise BadPlaceError(error.message, next_step="Use --listen 127.0.0.1:0 or a port of your choice.") from error
