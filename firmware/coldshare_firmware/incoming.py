"""A share comes: reserve, begin, chunk, prepare, commit, confirm, abort. Portable subset.

Every operation is a generator (a job) and returns the fields of its reply. What may stand beside what is decided in
`policy`, how a transfer goes on in `transfer`.
"""

from coldshare_firmware import policy, screens
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.keys import F_AUDIT, F_SLOTS, RESERVED, S_GENERATION, S_ID, S_STATE
from coldshare_firmware.person import OpError, ask
from coldshare_firmware.request import CHUNK
from coldshare_iface import transfer, wire
from coldshare_iface.transfer import Transfer, TransferError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.ops import Job
    from coldshare_firmware.outgoing import Outgoing
    from coldshare_firmware.policy import Slot
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal


class Incoming:
    """The one transfer there can be. What it has stored, `outgoing` lets its host read back."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store", audit: "Audit", outgoing: "Outgoing") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store
        self._audit = audit
        self._outgoing = outgoing
        self._transfer = Transfer()

    # --- room for it
    def _admit(self, declared: Declaration, newer: bool) -> "tuple[bytes, bytes, bytes]":
        tags = self._keys.tags(declared)
        status = policy.refuse(self._keys.slots, self._keys.retired, tags, newer)
        if status != wire.STATUS_OK:
            raise OpError(status)
        return tags

    def reserve(self, declaration: bytes) -> "Job":
        return self._reserve(declaration, False)

    def reserve_next(self, declaration: bytes) -> "Job":
        return self._reserve(declaration, True)

    def _reserve(self, declaration: bytes, newer: bool) -> "Job":
        try:
            declared = Declaration(declaration)
        except ValueError:
            raise OpError(wire.STATUS_BAD_DECLARATION)
        tags = self._admit(declared, newer)
        backup_id = self._hal.random(wire.BACKUP_ID_SIZE)
        factor = self._hal.random(wire.FACTOR_SIZE)
        self._store.write_record(backup_id, declaration)
        # One reservation at a time: the factor of an earlier one protects nothing and goes.
        kept = [slot for slot in self._keys.slots if slot[S_STATE] != RESERVED]
        self._keys.change({F_SLOTS: kept + [[backup_id, factor, RESERVED, tags[0], tags[1], tags[2]]]})
        self._transfer = Transfer()
        self._store.sweep()
        return {1: backup_id, 2: factor}
        yield  # a job like the others, though it never waits

    # --- its bytes
    def begin(self, backup_id: bytes, size: int, digest: bytes) -> "Job":
        if self._keys.slot(backup_id)[S_STATE] != RESERVED:
            raise OpError(wire.STATUS_BAD_STATE)
        offset = self._store.stage(backup_id, size, digest)
        if self._transfer.backup_id != backup_id or self._transfer.offset != offset:
            self._transfer = Transfer()
        self._transfer.begin(backup_id, size, digest, offset)
        return {1: self._transfer.offset, 2: CHUNK}
        yield

    def chunk(self, offset: int, data: bytes) -> "Job":
        self._transfer.check_chunk(offset, len(data))
        try:
            self._store.append(data)
        except Exception:
            self._transfer = Transfer()  # only the file knows how long it is now: the host has to ask with `begin`
            raise
        self._transfer.chunk(offset, len(data))
        return {1: self._transfer.offset}
        yield

    def prepare(self, backup_id: bytes) -> "Job":
        self._transfer.check_prepare(backup_id)
        digest = yield from self._store.staged_digest()
        try:
            self._transfer.prepare(backup_id, digest)
        except TransferError:
            # Resuming would end here again and again: the next `begin` starts from nothing.
            self._transfer = Transfer()
            self._store.drop_staged()
            raise
        return {1: digest}

    # --- from here on it counts
    def commit(self, backup_id: bytes) -> "Job":
        slot = self._keys.slot(backup_id)
        if slot[S_STATE] != RESERVED:
            return {}  # done before, and the answer was lost; to read it back now takes an `open`, so a press
        if self._transfer.state != transfer.PREPARED or self._transfer.backup_id != backup_id:
            raise OpError(wire.STATUS_BAD_STATE)
        declared = Declaration(self._store.read_record(backup_id))
        # That a newer generation is meant was said at `reserve`; whether it is newer, the person says now.
        tags = self._admit(declared, True)
        base = policy.standing(self._keys.slots, tags[0])
        if base is not None and base[S_GENERATION] != tags[2]:
            older = self._generation(policy.tag(base, S_ID))
            lines = screens.store_newer(declared, older, self._giving_way(base, tags))
        else:
            lines = screens.store(declared, base is not None)
        yield from ask(self._hal, lines)
        try:
            self._store.keep_staged(backup_id)
            self._audit.change({F_SLOTS: policy.commit(self._keys.slots, backup_id)}, wire.EVENT_STORED, backup_id)
        except Exception:
            self._transfer = Transfer()  # the blob may have moved already: the host has to ask with `begin`
            raise
        self._transfer.commit(backup_id)
        self._store.sweep()
        self._outgoing.opened = backup_id  # the host now reads back what it has just written
        return {}

    def _giving_way(self, base: "Slot", tags: "tuple[bytes, bytes, bytes]") -> "list[bytes | None]":
        """The generations of those that `policy.commit` drops, where they are other ones than the new share's."""
        others = [slot for slot in policy.of_vault(self._keys.slots, tags[0]) if slot is not base]
        return [self._generation(policy.tag(slot, S_ID)) for slot in others if slot[S_GENERATION] != tags[2]]

    def _generation(self, backup_id: bytes) -> "bytes | None":
        """The generation of what is here; None where the record of it is damaged."""
        try:
            return Declaration(self._store.read_record(backup_id)).generation
        except (StorageError, ValueError):
            return None

    def confirm(self, backup_id: bytes) -> "Job":
        slot = self._keys.slot(backup_id)
        if slot[S_STATE] == RESERVED:
            raise OpError(wire.STATUS_BAD_STATE)
        if slot[S_STATE] == wire.BACKUP_PENDING:
            slots = policy.confirm(self._keys.slots, backup_id)
            self._audit.change({F_SLOTS: slots}, wire.EVENT_CONFIRMED, backup_id)
            self._store.sweep()
        if self._transfer.backup_id == backup_id:
            self._transfer = Transfer()
        count, head = self._keys.record[F_AUDIT]
        return {1: count, 2: head}
        yield

    def abort(self, backup_id: bytes) -> "Job":
        kept = [slot for slot in self._keys.slots if slot[S_ID] != backup_id]
        if len(kept) != len(self._keys.slots):
            if self._keys.slot(backup_id)[S_STATE] != RESERVED:
                raise OpError(wire.STATUS_BAD_STATE)  # it is committed; to say "aborted" would be a lie
            self._keys.change({F_SLOTS: kept})
            self._transfer = Transfer()
            self._store.sweep()
        return {}
        yield
