"""A share goes: list, open, read. Portable subset.

The sealed bytes are of use to nobody without the factor, so a token gives them even when its keys are gone.
"""

from coldshare_firmware import screens
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import RESERVED, S_FACTOR, S_ID, S_STATE
from coldshare_firmware.person import OpError, ask
from coldshare_firmware.policy import state, tag
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.ops import Job
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal, Map


class Outgoing:
    """What is here, and its way out. `opened` is the backup whose release the person agreed to in this session."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store", audit: "Audit") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store
        self._audit = audit
        self.opened = b""

    def list(self, start: int) -> "Job":
        if self._keys.state == wire.TOKEN_BURNT:
            kept = [(backup_id, wire.BACKUP_KEYLESS) for backup_id in self._store.ids()[: wire.BACKUPS_MAX + 1]]
        else:
            kept = [(tag(slot, S_ID), state(slot)) for slot in self._keys.slots if slot[S_STATE] != RESERVED]
        page = []
        for backup_id, standing in kept[start : start + wire.LIST_PAGE]:
            entry: Map = {1: backup_id, 2: standing, 3: self._store.size_or_nought(backup_id)}
            record = self._record(backup_id)
            if record is not None:
                entry[4] = record
            page.append(entry)
        return {1: page, 2: len(kept)}
        yield  # a job like the others, though it never waits

    def _record(self, backup_id: bytes) -> "bytes | None":
        """The declaration; None when it is damaged, or the key for it is gone. Its share may still be whole."""
        if self._keys.state == wire.TOKEN_BURNT:
            return None
        try:
            record = self._store.read_record(backup_id)
            Declaration(record)
        except (StorageError, ValueError):
            return None
        return record

    def open(self, backup_id: bytes, purpose: int) -> "Job":
        burnt = self._keys.state == wire.TOKEN_BURNT
        if burnt and backup_id not in self._store.ids():
            raise OpError(wire.STATUS_NOT_FOUND)
        standing = wire.BACKUP_KEYLESS if burnt else state(self._keys.slot(backup_id))
        if standing == RESERVED:
            raise OpError(wire.STATUS_NOT_FOUND)
        record = self._record(backup_id)
        declared = None if record is None else Declaration(record)
        self.opened = b""
        yield from ask(self._hal, screens.release(backup_id, declared, purpose, standing))
        digest = yield from self._store.digest(backup_id)
        reply: Map = {1: self._store.size(backup_id), 2: digest}
        if record is not None:
            reply[3] = record
        if not burnt:
            # Nothing is released that the log does not know of.
            factor = self._keys.slot(backup_id)[S_FACTOR]
            self._audit.change({}, wire.EVENT_RELEASED, backup_id, purpose)
            reply[4] = factor
        self.opened = backup_id
        return reply

    def read(self, backup_id: bytes, offset: int) -> "Job":
        if backup_id != self.opened:
            raise OpError(wire.STATUS_BAD_STATE)
        if self._keys.state != wire.TOKEN_BURNT:
            self._keys.slot(backup_id)  # gone, when another one has replaced it since
        size = self._store.size(backup_id)
        if offset >= size:
            raise OpError(wire.STATUS_BAD_OFFSET, size)
        return {1: self._store.read(backup_id, offset, min(CHUNK, size - offset))}
        yield
