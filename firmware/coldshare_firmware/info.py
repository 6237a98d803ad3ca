"""The plaintext `info` answer; handshakes hash it, so that nobody can alter it on the way. Portable subset."""

from coldshare_firmware import VERSION, cbor
from coldshare_firmware.keys import F_SERIAL
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.types import Hal


def answer(hal: "Hal", keys: "Keys") -> bytes:
    """The reply to `info`, as bytes."""
    # A light is no screen: it cannot say what a press is for.
    screen = [wire.CAP_SCREEN] if getattr(hal, "has_screen", True) else []
    return cbor.encode(
        {
            0: wire.STATUS_OK,
            1: [wire.PROTOCOL_VERSION],
            2: hal.model,
            3: VERSION,
            4: keys.record[F_SERIAL],
            5: keys.state,
            6: [wire.CAP_BACKUP] + screen + [wire.CAP_MANAGE, wire.CAP_GENERATIONS, wire.CAP_AUDIT],
            7: wire.MESSAGE_MAX,
            8: CHUNK,
        }
    )
