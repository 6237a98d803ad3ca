"""`coldshare-sim`, whose tokens are somebody else's devices with the same USB id."""

from __future__ import annotations

from coldshare_iface import wire

wire.USB_PRODUCT_STRING = "Blinking light"

from coldshare_sim.cli import main  # noqa: E402

main()
