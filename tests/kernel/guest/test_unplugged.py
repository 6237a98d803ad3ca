"""A token that is pulled out at any moment of a backup: said at once, nothing half-done, and `resume` goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from coldshare import restore
from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.device.transport import Transport, open_transport
from coldshare.outbox import Outbox
from coldshare.resume import resume
from kernel.guest.bus import Plug
from support.desk import PASSWORD, PIN, Desk, put_share

pytestmark = pytest.mark.kernel

#: How many moments, spread over the whole of a backup.
MOMENTS = 6


class Cut:
    """A transport that has its token pulled out after so many reports or frames, both ways together."""

    def __init__(self, inner: Transport, plug: Plug, after: int | None) -> None:
        self._inner = inner
        self._plug = plug
        self._after = after
        self.passed = 0
        self.report_size = inner.report_size
        self.unattended = inner.unattended

    def _pass(self) -> None:
        if self.passed == self._after:
            self._plug.unplug()
        self.passed += 1

    def write(self, report: bytes) -> None:
        self._pass()
        self._inner.write(report)

    def read(self, timeout: float) -> bytes | None:
        report = self._inner.read(timeout)
        if report is not None:
            self._pass()
        return report

    def close(self) -> None:
        self._inner.close()


def client(desk: Desk, plug: Plug, carrier: str, after: int | None = None) -> tuple[TokenClient, Cut]:
    cable = Cut(open_transport(Address.parse(plug.at(carrier))), plug, after)
    opened = TokenClient(cable)
    opened.connect(desk.store)
    opened.unlock(PIN)
    return opened, cable


@pytest.mark.parametrize(("speed", "carrier"), [("fs", "hid"), ("hs", "hid"), ("hs", "usb")])
def test_pulled_out_at_many_points(
    speed: str, carrier: str, folder: Path, desk: Desk, ready: Callable[..., Plug], small: bytes
) -> None:
    plug = ready(speed)
    opened, cable = client(desk, plug, carrier)
    with opened:
        began = cable.passed
        put_share(opened, small)
        total = cable.passed
    moments = [began + (total - began) * number // MOMENTS for number in range(MOMENTS)]
    resumed = 0
    for number, after in zip(count(), moments):
        outbox = Outbox(folder / f"outbox{number}")
        opened, _ = client(desk, plug, carrier, after)
        with opened, pytest.raises(TokenGoneError):
            put_share(opened, small, outbox=outbox)
        plug.plug()
        opened, _ = client(desk, plug, carrier)
        with opened:
            for waiting in outbox.waiting():
                resume(opened, outbox.load(waiting), outbox=outbox)
                resumed += 1
            (held,) = opened.backups()
            assert not held.pending
            assert restore.verify(opened, held, PASSWORD).original == small
    assert resumed >= MOMENTS - 2, "most of these moments are in the transfer"
