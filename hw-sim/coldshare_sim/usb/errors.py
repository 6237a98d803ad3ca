"""What can go wrong with a software token on a bus."""

from __future__ import annotations

from coldshare_sim.errors import SimulatorError


class NoVirtualBusError(SimulatorError):
    """This computer has no virtual USB bus to plug a software token into."""

    code = "no_virtual_bus"
    next_step = "On Linux load it: sudo modprobe vhci_hcd. Elsewhere serve the token at a socket: coldshare-sim serve"


class VirtualBusForbiddenError(SimulatorError):
    """You may not plug anything into the virtual USB bus."""

    code = "virtual_bus_forbidden"
    next_step = "Only root may: sudo coldshare-sim plug PATH. Without root serve it at a socket: coldshare-sim serve"


class VirtualBusFullError(SimulatorError):
    """Every port of the virtual USB bus is taken."""

    code = "virtual_bus_full"
    next_step = "Unplug a software token (stop its coldshare-sim plug), and try again."
