"""The PIN: who may use the token, and how often a stranger may guess. Portable subset.

The order is what matters: limit, back-off, count on flash, read the count back, and only then compare. An attempt that
power is cut from at any instant has either not begun or been counted.
"""

from coldshare_firmware import screens
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_FAILS, F_LABEL, F_PIN, F_STATE
from coldshare_firmware.person import OpError, ask, pause
from coldshare_iface import wire
from coldshare_iface.suite import equal, hmac_sha256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Iterator

    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.types import Hal, Map

# Seconds of powered time that must pass before the next attempt, by the number of wrong ones so far.
BACK_OFF = (0, 1, 2, 4, 8, 16, 32, 60)
_BUTTON_FROM = 3  # after three wrong PINs each further attempt also needs a press
_SALT = 16


def check_format(pin: object) -> str:
    """4 to 12 digits."""
    if not isinstance(pin, str) or not wire.PIN_MIN <= len(pin) <= wire.PIN_MAX:
        raise OpError(wire.STATUS_PIN_FORMAT)
    for char in pin:
        if char < "0" or char > "9":
            raise OpError(wire.STATUS_PIN_FORMAT)
    return pin


class PinGate:
    """Which channel is unlocked is kept in `ops`; this is how one gets there."""

    def __init__(self, hal: "Hal", keys: "Keys", audit: "Audit") -> None:
        self._hal = hal
        self._keys = keys
        self._audit = audit
        self._wrong_since_power_up = 0
        self._back_off_from = hal.now_ms()

    def set_up(self, pin: object, label: str) -> "Iterator[int]":
        """Give a new token its PIN and label, with a press."""
        pin = check_format(pin)
        yield from ask(self._hal, screens.set_up(label))
        record: Map = {F_PIN: self._kept(pin), F_FAILS: 0, F_LABEL: label, F_STATE: wire.TOKEN_READY}
        self._audit.change(record, wire.EVENT_SET_UP)
        self._wrong_since_power_up = 0  # those were guesses at a PIN that a wipe has destroyed

    def change(self, old: object, new: object) -> "Iterator[int]":
        """Another PIN, with a press. The old one is an attempt like every other, and counted like every other."""
        new = check_format(new)
        yield from self.attempt(old)
        yield from ask(self._hal, screens.change_pin(self._keys.record[F_LABEL]))
        self._audit.change({F_PIN: self._kept(new)}, wire.EVENT_PIN_CHANGED)

    def _kept(self, pin: str) -> "list[bytes]":
        """What is kept of a PIN."""
        salt = self._hal.random(_SALT)
        return [salt, hmac_sha256(salt, pin.encode())]

    def attempt(self, pin: object) -> "Iterator[int]":
        """One guess. Returns when it was right; OpError otherwise. The eighth wrong one destroys every key."""
        pin = check_format(pin)
        keys = self._keys
        fails = keys.record[F_FAILS]
        if fails >= wire.PIN_ATTEMPTS:
            # Power went between the last count and the burning: finish it.
            self.burn()
            raise OpError(wire.STATUS_BURNT)
        if self._wrong_since_power_up >= wire.PIN_PER_POWER_UP:
            raise OpError(wire.STATUS_PIN_REPLUG)
        yield from pause(self._hal, self._back_off_from + 1000 * BACK_OFF[fails])
        if fails >= _BUTTON_FROM:
            yield from ask(self._hal, screens.another_try(wire.PIN_ATTEMPTS - fails))
        keys.change({F_FAILS: fails + 1})
        keys.reload()
        if keys.record[F_FAILS] != fails + 1:
            raise StorageError("the attempt could not be counted")
        salt, expected = keys.record[F_PIN]
        if equal(hmac_sha256(salt, pin.encode()), expected):
            if fails:
                # Wrong ones are on flash as a number before anybody knows that they are wrong; they enter the log here.
                self._audit.change({F_FAILS: 0}, wire.EVENT_WRONG_PINS, b"", fails)
            else:
                keys.change({F_FAILS: 0})
            self._wrong_since_power_up = 0
            return
        self._wrong_since_power_up += 1
        self._back_off_from = self._hal.now_ms()
        if fails + 1 >= wire.PIN_ATTEMPTS:
            self.burn()
            raise OpError(wire.STATUS_BURNT)
        raise OpError(wire.STATUS_PIN_WRONG, wire.PIN_ATTEMPTS - fails - 1)

    def burn(self) -> None:
        """Destroy every key. Also for a token that lost power between the last count and this."""
        self._keys.burn(self._audit.enter(wire.EVENT_BURNT))
