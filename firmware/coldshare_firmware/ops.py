"""What the token does when it is asked over the secure channel. Portable subset.

Every operation is a generator (a job): it may wait for a person, and it returns the fields of its reply. The policy is
in `policy`, the words are in `screens`; here is the order in which things happen.
"""

from coldshare_firmware import policy, screens
from coldshare_firmware.declaration import Declaration
from coldshare_firmware.keys import (
    F_LABEL,
    F_PAIRINGS,
    F_SLOTS,
    RESERVED,
    S_FACTOR,
    S_ID,
    S_STATE,
)
from coldshare_firmware.manage import Manage
from coldshare_firmware.person import OpError, ask
from coldshare_firmware.pin import PinGate
from coldshare_firmware.request import CHUNK
from coldshare_iface import transfer, wire
from coldshare_iface.transfer import Transfer, TransferError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from coldshare_firmware.keys import Keys
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal, Map

    Job = Generator[int, None, Map]


class Operations:
    """The operations of one token. `new_session` is called for every channel that opens."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store") -> None:
        self._hal = hal
        self._keys = keys
        self._store = store
        self._gate = PinGate(hal, keys)
        self._manage = Manage(hal, keys, store)
        self._transfer = Transfer()
        self._unlocked = False
        self._opened = b""  # the backup whose release the person agreed to in this session
        self._jobs: dict[int, Callable[..., Job]] = {
            wire.OP_LIST: self._list,
            wire.OP_RESERVE: self._reserve,
            wire.OP_BEGIN: self._begin,
            wire.OP_CHUNK: self._chunk,
            wire.OP_PREPARE: self._prepare,
            wire.OP_COMMIT: self._commit,
            wire.OP_CONFIRM: self._confirm,
            wire.OP_ABORT: self._abort,
            wire.OP_OPEN: self._open,
            wire.OP_READ: self._read,
            wire.OP_LABEL: self._manage.label,
            wire.OP_PAIRINGS: self._manage.pairings,
            wire.OP_UNPAIR: self._manage.unpair,
            wire.OP_REMOVE: self._manage.remove,
        }

    def new_session(self) -> None:
        self._unlocked = False
        self._opened = b""

    def run(self, op: int, values: "list[Any]") -> "Job":
        """The job for a request whose shape has been checked."""
        state = self._keys.state
        if op == wire.OP_SET_UP:
            return self._set_up(values[0], values[1])
        if state == wire.TOKEN_BURNT:
            raise OpError(wire.STATUS_BURNT)
        if state == wire.TOKEN_NEW:
            raise OpError(wire.STATUS_NOT_SET_UP)
        if op == wire.OP_UNLOCK:
            return self._unlock(values[0])
        if op == wire.OP_CHANGE_PIN:
            return self._change_pin(values[0], values[1])
        if not self._unlocked:
            raise OpError(wire.STATUS_LOCKED)
        return self._jobs[op](*values)

    # --- who may use the token
    def run_pairing(self, op: int, values: "list[Any]", code: str) -> "Job":
        """The job for the one request of a pairing channel. `code` is the one that was compared."""
        return self._manage.wipe() if op == wire.OP_WIPE else self._pair(code, values[0])

    def _pair(self, code: str, host: str) -> "Job":
        """Give this host a pairing key, after a press at the code that its own person has accepted."""
        pairings = self._keys.record[F_PAIRINGS]
        if self._keys.state == wire.TOKEN_BURNT:
            raise OpError(wire.STATUS_BURNT)
        if len(pairings) >= wire.PAIRINGS_MAX:
            raise OpError(wire.STATUS_PAIRINGS_FULL)
        yield from ask(self._hal, screens.pair(code, host))
        psk_id = self._hal.random(wire.PSK_ID_SIZE)
        psk = self._hal.random(wire.PSK_SIZE)
        self._keys.change({F_PAIRINGS: pairings + [[psk_id, psk, host]]})
        return {1: psk_id, 2: psk}

    def _set_up(self, pin: str, label: str) -> "Job":
        if self._keys.state != wire.TOKEN_NEW:
            burnt = self._keys.state == wire.TOKEN_BURNT
            raise OpError(wire.STATUS_BURNT if burnt else wire.STATUS_ALREADY_SET_UP)
        yield from self._gate.set_up(pin, label)
        self._unlocked = True
        return {}

    def _unlock(self, pin: str) -> "Job":
        self._unlocked = False
        yield from self._gate.attempt(pin)
        self._unlocked = True
        return {1: self._keys.record[F_LABEL]}

    def _change_pin(self, old: str, new: str) -> "Job":
        self._unlocked = False
        yield from self._gate.change(old, new)
        self._unlocked = True
        return {}

    # --- what is kept
    def _list(self, start: int) -> "Job":
        kept = [slot for slot in self._keys.slots if slot[S_STATE] != RESERVED]
        page = []
        for slot in kept[start : start + wire.LIST_PAGE]:
            backup_id = _id(slot)
            record = self._store.read_record(backup_id)
            page.append({1: backup_id, 2: slot[S_STATE], 3: self._store.size(backup_id), 4: record})
        return {1: page, 2: len(kept)}
        yield  # a job like the others, though it never waits

    def _tags(self, declared: Declaration) -> "tuple[bytes, bytes, bytes]":
        tag = self._keys.tag
        return (
            tag(b"vault", declared.vault),
            tag(b"party", declared.vault, declared.party.encode()),
            tag(b"generation", declared.vault, declared.generation),
        )

    def _admit(self, declared: Declaration) -> "tuple[bytes, bytes, bytes]":
        tags = self._tags(declared)
        status = policy.refuse(self._keys.slots, tags[0], tags[1], tags[2])
        if status != wire.STATUS_OK:
            raise OpError(status)
        return tags

    # --- a share comes
    def _reserve(self, declaration: bytes) -> "Job":
        try:
            declared = Declaration(declaration)
        except ValueError:
            raise OpError(wire.STATUS_BAD_DECLARATION)
        tags = self._admit(declared)
        backup_id = self._hal.random(wire.BACKUP_ID_SIZE)
        factor = self._hal.random(wire.FACTOR_SIZE)
        self._store.write_record(backup_id, declaration)
        # One reservation at a time: the factor of an earlier one protects nothing and goes.
        kept = [slot for slot in self._keys.slots if slot[S_STATE] != RESERVED]
        self._keys.change({F_SLOTS: kept + [[backup_id, factor, RESERVED, tags[0], tags[1], tags[2]]]})
        self._transfer = Transfer()
        self._store.sweep()
        return {1: backup_id, 2: factor}
        yield

    def _slot(self, backup_id: bytes) -> "list[bytes | int]":
        try:
            return policy.find(self._keys.slots, backup_id)
        except KeyError:
            raise OpError(wire.STATUS_NOT_FOUND)

    def _begin(self, backup_id: bytes, size: int, digest: bytes) -> "Job":
        if self._slot(backup_id)[S_STATE] != RESERVED:
            raise OpError(wire.STATUS_BAD_STATE)
        offset = self._store.stage(backup_id, size, digest)
        if self._transfer.backup_id != backup_id or self._transfer.offset != offset:
            self._transfer = Transfer()
        self._transfer.begin(backup_id, size, digest, offset)
        return {1: self._transfer.offset, 2: CHUNK}
        yield

    def _chunk(self, offset: int, data: bytes) -> "Job":
        self._transfer.check_chunk(offset, len(data))
        try:
            self._store.append(data)
        except Exception:
            self._transfer = Transfer()  # only the file knows how long it is now: the host has to ask with `begin`
            raise
        self._transfer.chunk(offset, len(data))
        return {1: self._transfer.offset}
        yield

    def _prepare(self, backup_id: bytes) -> "Job":
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

    def _commit(self, backup_id: bytes) -> "Job":
        slot = self._slot(backup_id)
        if slot[S_STATE] != RESERVED:
            return {}  # done before, and the answer was lost; to read it back now takes an `open`, so a press
        if self._transfer.state != transfer.PREPARED or self._transfer.backup_id != backup_id:
            raise OpError(wire.STATUS_BAD_STATE)
        declared = Declaration(self._store.read_record(backup_id))
        tags = self._admit(declared)
        yield from ask(self._hal, screens.store(declared, policy.replaces(self._keys.slots, tags[0])))
        try:
            self._store.keep_staged(backup_id)
            self._keys.change({F_SLOTS: policy.commit(self._keys.slots, backup_id)})
        except Exception:
            self._transfer = Transfer()  # the blob may have moved already: the host has to ask with `begin`
            raise
        self._transfer.commit(backup_id)
        self._store.sweep()
        self._opened = backup_id  # the host now reads back what it has just written
        return {}

    def _confirm(self, backup_id: bytes) -> "Job":
        slot = self._slot(backup_id)
        if slot[S_STATE] == RESERVED:
            raise OpError(wire.STATUS_BAD_STATE)
        if slot[S_STATE] == wire.BACKUP_PENDING:
            self._keys.change({F_SLOTS: policy.confirm(self._keys.slots, backup_id)})
            self._store.sweep()
        if self._transfer.backup_id == backup_id:
            self._transfer = Transfer()
        return {}
        yield

    def _abort(self, backup_id: bytes) -> "Job":
        kept = [slot for slot in self._keys.slots if slot[S_ID] != backup_id]
        if len(kept) != len(self._keys.slots):
            if self._slot(backup_id)[S_STATE] != RESERVED:
                raise OpError(wire.STATUS_BAD_STATE)  # it is committed; to say "aborted" would be a lie
            self._keys.change({F_SLOTS: kept})
            self._transfer = Transfer()
            self._store.sweep()
        return {}
        yield

    # --- a share goes
    def _open(self, backup_id: bytes, purpose: int) -> "Job":
        slot = self._slot(backup_id)
        if slot[S_STATE] == RESERVED:
            raise OpError(wire.STATUS_NOT_FOUND)
        record = self._store.read_record(backup_id)
        self._opened = b""
        yield from ask(self._hal, screens.release(Declaration(record), purpose))
        digest = yield from self._store.digest(backup_id)
        self._opened = backup_id
        return {
            1: self._store.size(backup_id),
            2: digest,
            3: record,
            4: slot[S_FACTOR],
        }

    def _read(self, backup_id: bytes, offset: int) -> "Job":
        if backup_id != self._opened:
            raise OpError(wire.STATUS_BAD_STATE)
        self._slot(backup_id)  # gone, when another one has replaced it since
        size = self._store.size(backup_id)
        if offset >= size:
            raise OpError(wire.STATUS_BAD_OFFSET, size)
        return {1: self._store.read(backup_id, offset, min(CHUNK, size - offset))}
        yield


def _id(slot: "list[bytes | int]") -> bytes:
    value = slot[S_ID]
    if isinstance(value, int):
        raise TypeError("a slot without an id")
    return value
