"""The two carriers of a gadget as transports, without a bus between: what a computer's driver would do, in memory."""

from __future__ import annotations

from coldshare_iface import wire
from coldshare_sim.usb.descriptors import BULK_IN, BULK_OUT, HID_IN, HID_OUT
from coldshare_sim.usb.gadget import Gadget

_ENOUGH = 16384
_SLICE = 0.01


class GadgetWire:
    """Reports on HID, or frames on bulk. Waiting takes the time of the token's own clock."""

    unattended = True

    def __init__(self, gadget: Gadget, *, bulk: bool = False) -> None:
        self.gadget = gadget
        self.report_size = wire.BULK_FRAME_MAX if bulk else gadget.speed.report_size
        self._bulk = bulk

    def clock(self) -> float:
        return self.gadget.token.clock.now_ms() / 1000

    def write(self, report: bytes) -> None:
        if not self._bulk:
            assert self.gadget.out(HID_OUT, report)
            return
        assert self.gadget.out(BULK_OUT, report)
        if len(report) % self.gadget.speed.bulk_packet == 0:
            assert self.gadget.out(BULK_OUT, b"")

    def read(self, timeout: float) -> bytes | None:
        clock = self.gadget.token.clock
        end = clock.now_ms() + timeout * 1000
        while True:
            self.gadget.step()
            said = self.gadget.take(BULK_IN, _ENOUGH) if self._bulk else self.gadget.take(HID_IN, self.report_size)
            if said is not None:
                return said
            if self.gadget.busy:
                continue
            left = end - clock.now_ms()
            if left <= 0:
                return None
            clock.sleep(min(_SLICE, left / 1000))

    def close(self) -> None:
        pass
