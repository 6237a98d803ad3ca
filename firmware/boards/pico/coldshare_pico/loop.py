"""The main loop: reports from the port to the token and back. Portable subset; no machine access."""

from coldshare_firmware import cbor
from coldshare_iface import wire
from coldshare_iface.framing import cut

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

    from coldshare_pico.types import Firmware, Port, Surroundings

#: Nobody has fetched a report for so long: the computer is gone, and what is left for it is dropped, so that the
#: token goes on, and a question of which nobody will hear the answer runs out.
STUCK_MS = 3000
#: So long after the last report the token may leave the bus for a moment, to come back under another serial.
_QUIET_MS = 2000
_SERIAL = 4  # in the answer to `info`


def serial(token: "Firmware") -> str:
    """The token's serial as it stands on the bus."""
    answer: Any = cbor.decode(token.info())
    number: bytes = answer[_SERIAL]
    return number.hex()


class Loop:
    """One token on one port. Every `step` does a little; whatever it raises is the board's own trouble."""

    def __init__(self, token: "Firmware", port: "Port", hal: "Surroundings") -> None:
        self._token = token
        self._port = port
        self._hal = hal
        self._cid = b""  # whose request is under way
        self._alive_at = 0  # when the computer last heard of us
        self._flowing_at = 0  # when a report last went, or there was none
        self._heard_at = 0
        self._pending: bytes | None = None
        self._serial = serial(token)
        self._checked = True  # whether the serial is known to be what the bus says
        hal.on_progress = self.progress

    def start(self) -> None:
        self._port.start(self._serial)

    def step(self) -> bool:
        """False when there was nothing to do."""
        hal, port, token = self._hal, self._port, self._token
        hal.tick()
        now = hal.now_ms()
        buffer = port.read()
        if buffer is not None:
            report = bytes(buffer)
            port.done(buffer)
            self._heard_at = self._alive_at = now
            self._checked = False
            self._cid = report[:4]
            hal.stir(report)
            token.feed(report)
        else:
            port.poke()
        moved = self._send()
        if not (self._checked or moved or buffer is not None or token.waiting) and now - self._heard_at >= _QUIET_MS:
            self._check_serial()
        return moved or buffer is not None or token.busy

    def _send(self) -> bool:
        report = self._token.poll() if self._pending is None else self._pending
        now = self._hal.now_ms()
        self._pending = None
        if report is None:
            self._flowing_at = now
            return False
        if self._port.write(report):
            self._flowing_at = self._alive_at = now
            return True
        if now - self._flowing_at < STUCK_MS:
            self._pending = report
        return False

    def _check_serial(self) -> None:
        # A wipe gives the token another one.
        self._checked = True
        found = serial(self._token)
        if found != self._serial:
            self._serial = found
            self._port.start(found)

    def progress(self) -> None:
        """In the middle of long work, which blocks this loop: let the computer know that the token lives."""
        hal = self._hal
        hal.tick()
        now = hal.now_ms()
        if self._cid and now - self._alive_at >= wire.KEEPALIVE_MS:
            status = bytes((wire.KEEPALIVE_PROCESSING,))
            if self._port.write(cut(self._cid, wire.CMD_KEEPALIVE, status, 0, wire.REPORT_FS)):
                self._alive_at = now
