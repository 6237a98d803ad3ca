"""After a reshare: the old generation is retired, taken back, or destroyed. Portable subset.

Each takes a person who holds the button. To retire erases nothing: old shares still work with each other, and a
reshare can turn out to have failed. Only `destroy` takes the factor, and only of what was retired before.
"""

from coldshare_firmware import policy, screens
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_RETIRED, F_SLOTS, RESERVED, S_GENERATION, S_STATE, S_VAULT
from coldshare_firmware.person import OpError, ask
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.ops import Job
    from coldshare_firmware.policy import Slot
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal


class Generations:
    """What a person says about the generations of a vault, and what follows."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store", audit: "Audit") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store
        self._audit = audit

    def _kept(self, backup_id: bytes) -> "Slot":
        slot = self._keys.slot(backup_id)
        if slot[S_STATE] == RESERVED:
            raise OpError(wire.STATUS_NOT_FOUND)
        return slot

    def retire(self, backup_id: bytes, generation: bytes) -> "Job":
        """`generation` is older than that of `backup_id`, which was read back."""
        newer = self._kept(backup_id)
        if newer[S_STATE] != wire.BACKUP_ACTIVE and newer[S_STATE] != wire.BACKUP_NEXT:
            raise OpError(wire.STATUS_BAD_STATE)
        declared = Declaration(self._store.read_record(backup_id))
        old = self._keys.generation_tag(declared.vault, generation)
        if old == newer[S_GENERATION]:
            raise OpError(wire.STATUS_BAD_STATE)
        vault = policy.tag(newer, S_VAULT)
        if not policy.is_retired(self._keys.retired, vault, old):
            yield from ask(self._hal, screens.retire(declared, generation))
            slots = policy.retire(self._keys.slots, newer, old)
            retired = policy.with_retired(self._keys.retired, vault, old)
            self._audit.change({F_SLOTS: slots, F_RETIRED: retired}, wire.EVENT_RETIRED, backup_id)
        return {}

    def un_retire(self, backup_id: bytes, generation: bytes) -> "Job":
        """Take that back. `backup_id` is any backup of the vault."""
        slot = self._kept(backup_id)
        declared = Declaration(self._store.read_record(backup_id))
        old = self._keys.generation_tag(declared.vault, generation)
        vault = policy.tag(slot, S_VAULT)
        slots = policy.un_retire(self._keys.slots, vault, old)
        if slots == self._keys.slots:
            if not policy.is_retired(self._keys.retired, vault, old):
                raise OpError(wire.STATUS_NOT_FOUND)
        elif len(policy.of_vault(self._keys.slots, vault)) > 1:
            raise OpError(wire.STATUS_BAD_STATE)  # two of them would be waiting for the same place
        yield from ask(self._hal, screens.un_retire(declared, generation))
        retired = policy.without_retired(self._keys.retired, vault, old)
        self._audit.change({F_SLOTS: slots, F_RETIRED: retired}, wire.EVENT_UN_RETIRED, backup_id)
        return {}

    def remove(self, backup_id: bytes) -> "Job":
        """Destroy any backup: its factor, and with it what the token adds to its seal; then the files."""
        self._kept(backup_id)
        return self._destroy(backup_id, wire.EVENT_REMOVED)

    def destroy(self, backup_id: bytes) -> "Job":
        """`remove`, for what was retired before and nothing else."""
        if self._kept(backup_id)[S_STATE] != wire.BACKUP_RETIRED:
            raise OpError(wire.STATUS_BAD_STATE)
        return self._destroy(backup_id, wire.EVENT_DESTROYED)

    def _destroy(self, backup_id: bytes, event: int) -> "Job":
        declared = None
        try:
            declared = Declaration(self._store.read_record(backup_id))
        except (StorageError, ValueError):
            pass  # damaged, and so all the more to be removed
        yield from ask(self._hal, screens.destroy(backup_id, declared, event == wire.EVENT_DESTROYED))
        slots, retired = policy.remove(self._keys.slots, self._keys.retired, backup_id)
        self._audit.change({F_SLOTS: slots, F_RETIRED: retired}, event, backup_id)
        self._store.sweep()
        return {}
