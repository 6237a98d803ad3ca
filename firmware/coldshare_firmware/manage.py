"""Life with a token: its label, who may use it, what it should forget. Portable subset.

Whatever destroys keys asks for a button that is held. The key area decides first, in one atomic step; files follow.
"""

from coldshare_firmware import policy, screens
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_LABEL, F_PAIRINGS, F_SLOTS, RESERVED, S_ID, S_STATE
from coldshare_firmware.person import OpError, ask
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.ops import Job
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal


class Manage:
    """The operations that are about the token itself. Who may ask for them is decided in `ops`."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store

    def label(self, label: str) -> "Job":
        yield from ask(self._hal, screens.label(self._keys.record[F_LABEL], label))
        self._keys.change({F_LABEL: label})
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
            self._keys.change({F_PAIRINGS: kept})
        return {}

    # --- what it should forget
    def remove(self, backup_id: bytes) -> "Job":
        """Destroy the factor of a backup, and with it what the token adds to its seal; then the files."""
        try:
            slot = policy.find(self._keys.slots, backup_id)
        except KeyError:
            raise OpError(wire.STATUS_NOT_FOUND)
        if slot[S_STATE] == RESERVED:
            raise OpError(wire.STATUS_NOT_FOUND)
        declared = None
        try:
            declared = Declaration(self._store.read_record(backup_id))
        except (StorageError, ValueError):
            pass  # damaged, and so all the more to be removed
        yield from ask(self._hal, screens.remove(backup_id, declared))
        self._keys.change({F_SLOTS: [slot for slot in self._keys.slots if slot[S_ID] != backup_id]})
        self._store.sweep()
        return {}

    def wipe(self) -> "Job":
        """Everything goes: a new identity takes the place of the whole record. Needs no PIN, whatever the state."""
        keys = self._keys
        yield from ask(self._hal, screens.wipe(keys.state, keys.record[F_LABEL], self._store.blobs()))
        keys.found()
        self._store.sweep()
        return {}
