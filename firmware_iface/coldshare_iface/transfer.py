"""How a sealed share crosses: begin, chunk, prepare, commit, confirm. Sans-IO, portable, one table for both sides.

The transaction id is the backup id that the token gave out in `reserve`; it is used for one transfer only, so every
step can be repeated: a repeated step either finds its work done and says so, or does it.
"""

from coldshare_iface import wire

EMPTY = "empty"
FILLING = "filling"
WHOLE = "whole"
PREPARED = "prepared"
COMMITTED = "committed"
CONFIRMED = "confirmed"

BEGIN = "begin"
CHUNK = "chunk"
LAST = "last"  # the chunk that completes the blob
PREPARE = "prepare"
COMMIT = "commit"
CONFIRM = "confirm"
ABORT = "abort"

TRANSITIONS = {
    (EMPTY, BEGIN): FILLING,
    (FILLING, BEGIN): FILLING,  # resume
    (WHOLE, BEGIN): WHOLE,
    (PREPARED, BEGIN): PREPARED,
    (FILLING, CHUNK): FILLING,
    (FILLING, LAST): WHOLE,
    (WHOLE, PREPARE): PREPARED,
    (PREPARED, PREPARE): PREPARED,
    (PREPARED, COMMIT): COMMITTED,
    (COMMITTED, COMMIT): COMMITTED,
    (COMMITTED, CONFIRM): CONFIRMED,
    (CONFIRMED, CONFIRM): CONFIRMED,
    (FILLING, ABORT): EMPTY,
    (WHOLE, ABORT): EMPTY,
    (PREPARED, ABORT): EMPTY,
}


class TransferError(Exception):
    """A step that does not fit. `status` is the protocol's status, `detail` its number, if any."""

    def __init__(self, status: int, why: str, detail: "int | None" = None) -> None:
        super().__init__(why)
        self.status = status
        self.detail = detail


class Transfer:
    """One blob under way: its id (16 bytes), size in bytes, SHA-256, and how far it has come."""

    def __init__(self) -> None:
        self.state = EMPTY
        self.backup_id = b""
        self.size = 0
        self.digest = b""
        self.offset = 0

    def _step(self, event: str) -> None:
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise TransferError(wire.STATUS_BAD_STATE, "cannot " + event + ": the transfer is " + self.state)
        self.state = following

    def _same(self, backup_id: bytes) -> None:
        if self.state == EMPTY or backup_id != self.backup_id:
            raise TransferError(wire.STATUS_NOT_FOUND, "no transfer of that id is under way")

    def begin(self, backup_id: bytes, size: int, digest: bytes, offset: int = 0) -> None:
        """Start, or resume at `offset` bytes. Another id, size or digest starts from nothing."""
        if size < 1 or size > wire.BLOB_MAX or offset > size:
            raise TransferError(wire.STATUS_BAD_REQUEST, "a blob of an impossible size")
        if backup_id != self.backup_id or size != self.size or digest != self.digest:
            if self.state in (COMMITTED, CONFIRMED) and backup_id == self.backup_id:
                raise TransferError(wire.STATUS_BAD_STATE, "that backup is committed with other content")
            self.state = EMPTY
        if self.state == EMPTY:
            self.backup_id = backup_id
            self.size = size
            self.digest = digest
            self.offset = offset
        self._step(BEGIN)
        if self.state == FILLING and self.offset == self.size:
            self.state = WHOLE

    def check_chunk(self, offset: int, length: int) -> None:
        """Raise unless `length` bytes at `offset` go on exactly where the last chunk ended, and not past the end."""
        if self.state != FILLING:
            raise TransferError(wire.STATUS_BAD_STATE, "cannot chunk: the transfer is " + self.state)
        if offset != self.offset:
            raise TransferError(wire.STATUS_BAD_OFFSET, "a chunk at the wrong offset", self.offset)
        if length < 1 or offset + length > self.size:
            raise TransferError(wire.STATUS_BAD_REQUEST, "a chunk of an impossible length")

    def chunk(self, offset: int, length: int) -> None:
        """`length` bytes at `offset` are stored."""
        self.check_chunk(offset, length)
        self.offset = offset + length
        self._step(LAST if self.offset == self.size else CHUNK)

    def next_chunk(self, chunk_size: int) -> "tuple[int, int]":
        """The (offset, length) to send next; (size, 0) when all is sent."""
        return self.offset, min(chunk_size, self.size - self.offset)

    def check_prepare(self, backup_id: bytes) -> None:
        """Raise unless all bytes of that transfer are there."""
        self._same(backup_id)
        if self.state not in (WHOLE, PREPARED):
            raise TransferError(wire.STATUS_BAD_STATE, "cannot prepare: the transfer is " + self.state)

    def prepare(self, backup_id: bytes, digest: bytes) -> None:
        """`digest` is what the token itself read from its storage."""
        self.check_prepare(backup_id)
        if digest != self.digest:
            raise TransferError(wire.STATUS_BAD_DIGEST, "what is stored is not what was announced")
        self._step(PREPARE)

    def commit(self, backup_id: bytes) -> None:
        self._same(backup_id)
        self._step(COMMIT)

    def confirm(self, backup_id: bytes) -> None:
        self._same(backup_id)
        self._step(CONFIRM)

    def abort(self) -> None:
        """Give up whatever is not committed yet."""
        if (self.state, ABORT) in TRANSITIONS:
            self._step(ABORT)
