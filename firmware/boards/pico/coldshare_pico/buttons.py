"""Buttons as a person presses them. Portable subset; no machine access.

`sample` takes what the pins say now, `level` says what is down now. A bounce is ignored. Whoever was away for longer
than GAP_MS cannot know that a button stayed down, so a hold starts afresh then.
"""

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_iface import wire

#: Milliseconds that a level must last to be believed.
BOUNCE_MS = 20
#: Milliseconds between two samples within which a button is taken to have stayed as it was.
GAP_MS = 200
#: With one button: a press of this length is YES, a shorter one NO.
ONE_YES_MS = 1000
#: How long a NO that was a short press stands.
ONE_NO_MS = 150


class Contact:
    """One button without its bounces."""

    def __init__(self) -> None:
        self.down = False
        self.since = 0  # when it went where it is
        self._raw = False
        self._raw_since = 0
        self._last = 0

    def sample(self, now: int, raw: bool) -> None:
        if now - self._last > GAP_MS:
            self.down = False
            self._raw = False
            self.since = now
        self._last = now
        if raw != self._raw:
            self._raw = raw
            self._raw_since = now
        if raw != self.down and now - self._raw_since >= BOUNCE_MS:
            self.down = raw
            self.since = now


class TwoButtons:
    """YES and NO. Both at once are NO."""

    #: What the person is told when the display has room for it.
    legend = ""

    def __init__(self) -> None:
        self._yes = Contact()
        self._no = Contact()
        self._now = 0
        self._barred = False

    def sample(self, now: int, yes: bool, no: bool) -> None:
        self._now = now
        self._yes.sample(now, yes)
        self._no.sample(now, no)
        if not (yes or no or self._yes.down or self._no.down):
            self._barred = False

    def bar(self) -> None:
        """What is down by now counts for nothing; it has to be let go first."""
        self._barred = True

    def level(self) -> int:
        if self._barred:
            return BUTTON_NONE
        if self._no.down:
            return BUTTON_NO
        if not self._yes.down:
            return BUTTON_NONE
        return BUTTON_HELD if self._now - self._yes.since >= wire.HOLD_MS else BUTTON_YES


class OneButton:
    """One button for both. A short press is NO, so that a slip of the finger agrees to nothing; down for a second it
    is YES, and for two it is held."""

    legend = "tap NO, 1 s YES"

    def __init__(self) -> None:
        self._contact = Contact()
        self._now = 0
        self._no_until = -1
        self._barred = False

    def sample(self, now: int, yes: bool, no: bool = False) -> None:
        contact = self._contact
        was_down, since = contact.down, contact.since
        away = now - self._now > GAP_MS
        self._now = now
        contact.sample(now, yes)
        if was_down and not contact.down and not away and not self._barred and now - since < ONE_YES_MS:
            self._no_until = now + ONE_NO_MS
        if not yes and not contact.down:
            self._barred = False

    def bar(self) -> None:
        """What is down by now counts for nothing; it has to be let go first."""
        self._barred = True
        self._no_until = -1

    def level(self) -> int:
        if self._barred:
            return BUTTON_NONE
        if not self._contact.down:
            return BUTTON_NO if self._now < self._no_until else BUTTON_NONE
        pressed = self._now - self._contact.since
        if pressed < ONE_YES_MS:
            return BUTTON_NONE
        return BUTTON_HELD if pressed >= wire.HOLD_MS else BUTTON_YES
