"""Life with a token: its label, who may use it, what was done to it, and how it forgets all that. Portable subset."""

from coldshare_firmware import screens
from coldshare_firmware.keys import F_AUDIT, F_LABEL, F_PAIRINGS
from coldshare_firmware.person import OpError, ask
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.ops import Job
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal


class Manage:
    """The operations that are about the token itself. Who may ask for them is decided in `ops`."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store", audit: "Audit") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store
        self._audit = audit

    def label(self, label: str) -> "Job":
        yield from ask(self._hal, screens.label(self._keys.record[F_LABEL], label))
        self._audit.change({F_LABEL: label}, wire.EVENT_LABELLED)
        return {}

    # --- who may use it
    def pairings(self) -> "Job":
        return {1: [{1: entry[0], 2: entry[2]} for entry in self._keys.record[F_PAIRINGS]]}
        yield  # a job like the others, though it never waits

    def unpair(self, psk_id: bytes, which: int) -> "Job":
        """Forget that host, or every other one. A session of a host that is forgotten ends with its answer."""
        host = self._keys.host(psk_id)
        if host is None:
            raise OpError(wire.STATUS_NOT_FOUND)
        pairings = self._keys.record[F_PAIRINGS]
        one = which == wire.UNPAIR_ONE
        kept = [entry for entry in pairings if (entry[0] == psk_id) != one]
        gone = len(pairings) - len(kept)
        if gone:
            yield from ask(self._hal, screens.unpair(host, psk_id) if one else screens.unpair_others(host, gone))
            self._audit.change({F_PAIRINGS: kept}, wire.EVENT_UNPAIRED, psk_id, gone)
        return {}

    # --- what has happened to it
    def audit(self, start: int) -> "Job":
        count, head = self._keys.record[F_AUDIT]
        first, before, entries = self._audit.read(start)
        return {1: count, 2: head, 3: first, 4: before, 5: entries}
        yield

    # --- what it should forget
    def wipe(self) -> "Job":
        """Everything goes: a new identity takes the place of the whole record. Needs no PIN, whatever the state."""
        keys = self._keys
        yield from ask(self._hal, screens.wipe(keys.state, keys.record[F_LABEL], self._store.blobs()))
        keys.found()
        self._store.sweep()
        self._audit.forget()
        return {}
