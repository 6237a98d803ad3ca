"""A share goes there and comes back, whatever happens on the way."""

from __future__ import annotations

import hashlib

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import AGREE, REFUSE
from coldshare.conformance.rules import READY, expect, expect_equal, expect_reply, expect_status, row
from coldshare.conformance.speaker import declaration, op_name
from coldshare_iface import wire

_SIZE = 20000


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@row("backup-round-trip", "transfer", needs=READY, spoils=True)
def round_trip(bench: Bench) -> None:
    """What goes in comes out, byte for byte, after a power cycle too."""
    data = bench.blob(_SIZE)
    host = bench.host
    backup_id, factor = host.reserve(declaration())
    expect_equal((len(backup_id), len(factor)), (16, 32), "the sizes of backup id and factor")
    bench.send(backup_id, data)
    host.ok(wire.OP_COMMIT, backup_id)
    host.ok(wire.OP_CONFIRM, backup_id)
    bench.power_cycle()
    host = bench.unlock()
    expect_equal(host.list(), [{1: backup_id, 2: wire.BACKUP_ACTIVE, 3: len(data), 4: declaration()}], "the list")
    opened = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    expect_equal(opened, {0: 0, 1: len(data), 2: _digest(data), 3: declaration(), 4: factor}, "the answer to open")
    expect_equal(host.get(backup_id, len(data)), data, "the bytes")


@row("backup-shown", "screens", needs=READY, spoils=True, screen=True)
def shown(bench: Bench) -> None:
    """Before it stores, the token shows vault, party, threshold and generation."""
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    bench.send(backup_id, bench.blob(100))
    bench.nobody()
    host.start(wire.OP_COMMIT, backup_id)
    host.read(keepalives=True)
    lines = " ".join(bench.operator.screen())
    bench.withdraw()
    for word in ("Savings", "Phone", "2 of 3", "abcd0102"):
        expect(word in lines, f"the screen does not show {word!r}")


@row("backup-press", "transfer", needs=READY, spoils=True)
def press(bench: Bench) -> None:
    """Nothing is stored without the press."""
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    bench.send(backup_id, bench.blob(100))
    bench.operator.answer = REFUSE
    expect_reply(host.ask(wire.OP_COMMIT, backup_id), wire.STATUS_REJECTED, "the answer after NO")
    expect_equal(host.list(), [], "the list")
    bench.operator.answer = AGREE
    host.ok(wire.OP_COMMIT, backup_id)


@row("backup-read-back", "messages", needs=READY, spoils=True)
def read_back(bench: Bench) -> None:
    """After commit the host reads back without another press, in the same channel only."""
    data = bench.blob(3000)
    backup_id = bench.put(data, confirm=False)
    bench.operator.answer = REFUSE
    expect_equal(bench.host.get(backup_id, len(data)), data, "the bytes")
    bench.operator.answer = AGREE
    host = bench.unlock(bench.host)
    expect_status(host.status(wire.OP_READ, backup_id, 0), wire.STATUS_BAD_STATE, "the status of read in a new session")


@row("backup-pending", "transfer", needs=READY, spoils=True)
def pending(bench: Bench) -> None:
    """A backup is PENDING until confirm, and confirm and commit can be repeated."""
    host = bench.host
    backup_id = bench.put(bench.blob(100), confirm=False)
    expect_equal(bench.states(), {backup_id: wire.BACKUP_PENDING}, "the list after commit")
    host.ok(wire.OP_COMMIT, backup_id)
    host.ok(wire.OP_CONFIRM, backup_id)
    host.ok(wire.OP_CONFIRM, backup_id)
    expect_equal(bench.states(), {backup_id: wire.BACKUP_ACTIVE}, "the list after confirm")


@row("backup-replaced", "transfer", needs=READY, spoils=True)
def replaced(bench: Bench) -> None:
    """What a share replaces stays until confirm, and is gone after it."""
    old_data = bench.blob(500)
    old = bench.put(old_data)
    new = bench.put(bench.blob(600), confirm=False)
    expect_equal(bench.states(), {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_PENDING}, "the list before confirm")
    bench.host.ok(wire.OP_OPEN, old, wire.PURPOSE_VERIFY)
    expect_equal(bench.host.get(old, len(old_data)), old_data, "the old bytes")
    bench.host.ok(wire.OP_CONFIRM, new)
    expect_equal(bench.states(), {new: wire.BACKUP_ACTIVE}, "the list after confirm")


@row("backup-kept", "transfer", needs=READY, spoils=True)
def kept(bench: Bench) -> None:
    """A backup that was never confirmed is not lost to the next one."""
    first = bench.put(bench.blob(100), confirm=False)
    second = bench.put(bench.blob(200), confirm=False)
    expect_equal(bench.states(), {first: wire.BACKUP_ACTIVE, second: wire.BACKUP_PENDING}, "the list after two")
    third = bench.put(bench.blob(300), confirm=False)
    expect_equal(bench.states(), {first: wire.BACKUP_ACTIVE, third: wire.BACKUP_PENDING}, "the list after three")


@row("backup-resume", "transfer", needs=READY, spoils=True)
def resume(bench: Bench) -> None:
    """After a power cycle a transfer goes on at the last chunk that was answered."""
    data = bench.blob(4 * bench.chunk)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    stored = host.ok(wire.OP_CHUNK, 0, data[: bench.chunk])[1]
    expect_equal(stored, bench.chunk, "the next offset")
    bench.power_cycle()
    host = bench.unlock()
    expect(host.begin(backup_id, data) >= stored, "begin starts from nothing")
    bench.send(backup_id, data)
    host.ok(wire.OP_COMMIT, backup_id)
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    expect_equal(host.get(backup_id, len(data)), data, "the bytes")


@row("backup-offset", "transfer", needs=READY, spoils=True)
def offset(bench: Bench) -> None:
    """A chunk at the wrong place is BAD_OFFSET, with the right one, and changes nothing."""
    data = bench.blob(1000)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    host.ok(wire.OP_CHUNK, 0, data[:400])
    wanted = {0: wire.STATUS_BAD_OFFSET, 1: 400}
    expect_equal(host.ask(wire.OP_CHUNK, 0, data[:400]), wanted, "the answer to the first chunk again")
    expect_equal(host.ask(wire.OP_CHUNK, 600, data[600:]), wanted, "the answer to a chunk too far")
    bench.send(backup_id, data)


@row("backup-past-the-end", "transfer", needs=READY, spoils=True)
def past_the_end(bench: Bench) -> None:
    """A chunk past the end is BAD_REQUEST, and nothing of it is stored."""
    data = bench.blob(1000)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    expect_status(host.status(wire.OP_CHUNK, 0, data + b"x"), wire.STATUS_BAD_REQUEST)
    expect_equal(host.begin(backup_id, data), 0, "the offset at which it goes on")


@row("backup-digest", "transfer", needs=READY, spoils=True)
def digest(bench: Bench) -> None:
    """Bytes that are not the announced ones are BAD_DIGEST, and the transfer starts from nothing."""
    data = bench.blob(1000)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    host.ok(wire.OP_CHUNK, 0, bytes(1000))
    expect_reply(host.ask(wire.OP_PREPARE, backup_id), wire.STATUS_BAD_DIGEST, "the answer to prepare")
    expect_equal(host.begin(backup_id, data), 0, "the offset at which it goes on")
    bench.send(backup_id, data)


@row("backup-prepare-first", "transfer", needs=READY, spoils=True)
def prepare_first(bench: Bench) -> None:
    """commit before prepare is BAD_STATE, and so is prepare before the last chunk."""
    data = bench.blob(1000)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    host.ok(wire.OP_CHUNK, 0, data[:500])
    expect_status(host.status(wire.OP_PREPARE, backup_id), wire.STATUS_BAD_STATE, "the status of prepare")
    host.ok(wire.OP_CHUNK, 500, data[500:])
    expect_status(host.status(wire.OP_COMMIT, backup_id), wire.STATUS_BAD_STATE, "the status of commit")


@row("backup-abort", "transfer", needs=READY, spoils=True)
def abort(bench: Bench) -> None:
    """abort forgets a reservation, can be repeated, and is too late after commit."""
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.ok(wire.OP_ABORT, backup_id)
    host.ok(wire.OP_ABORT, backup_id)
    expect_status(host.status(wire.OP_BEGIN, backup_id, 10, bytes(32)), wire.STATUS_NOT_FOUND, "the status of begin")
    kept = bench.put(bench.blob(100))
    expect_status(host.status(wire.OP_ABORT, kept), wire.STATUS_BAD_STATE, "the status after commit")


@row("backup-one-reservation", "messages", needs=READY, spoils=True)
def one_reservation(bench: Bench) -> None:
    """A new reservation takes the place of the one before it."""
    host = bench.host
    first, _ = host.reserve(declaration())
    second, _ = host.reserve(declaration())
    expect_status(host.status(wire.OP_BEGIN, first, 10, bytes(32)), wire.STATUS_NOT_FOUND, "the status for the first")
    host.begin(second, b"0123456789")


@row("backup-open-press", "messages", needs=READY, spoils=True)
def open_press(bench: Bench) -> None:
    """open waits for a press, and read gives nothing before it."""
    backup_id = bench.put(bench.blob(100))
    host = bench.unlock()
    expect_status(host.status(wire.OP_READ, backup_id, 0), wire.STATUS_BAD_STATE, "the status of read before open")
    bench.operator.answer = REFUSE
    refused = host.ask(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    expect_reply(refused, wire.STATUS_REJECTED, "the answer after NO")
    expect_status(host.status(wire.OP_READ, backup_id, 0), wire.STATUS_BAD_STATE, "the status of read after NO")


@row("backup-read-opened", "messages", needs=READY, spoils=True)
def read_opened(bench: Bench) -> None:
    """read gives the backup that was opened and no other."""
    first = bench.put(bench.blob(100))
    second = bench.put(bench.blob(100), vault=b"\x03" + b"w" * 32)
    host = bench.unlock()
    host.ok(wire.OP_OPEN, first, wire.PURPOSE_VERIFY)
    expect_status(host.status(wire.OP_READ, second, 0), wire.STATUS_BAD_STATE, "the status for the other one")
    wanted = {0: wire.STATUS_BAD_OFFSET, 1: 100}
    expect_equal(host.ask(wire.OP_READ, first, 100), wanted, "the answer to a read behind the end")


@row("backup-not-found", "messages", needs=READY)
def not_found(bench: Bench) -> None:
    """An id that the token does not know is NOT_FOUND."""
    for op, *fields in (
        (wire.OP_OPEN, bytes(16), wire.PURPOSE_VERIFY),
        (wire.OP_COMMIT, bytes(16)),
        (wire.OP_CONFIRM, bytes(16)),
        (wire.OP_REMOVE, bytes(16)),
        (wire.OP_DESTROY, bytes(16)),
        (wire.OP_BEGIN, bytes(16), 10, bytes(32)),
    ):
        expect_status(bench.host.status(op, *fields), wire.STATUS_NOT_FOUND, f"the status of {op_name(op)}")


@row("backup-declaration", "messages", needs=READY)
def bad_declaration(bench: Bench) -> None:
    """A declaration that the contract does not allow is BAD_DECLARATION."""
    for changes in ({"threshold": 4}, {"party": ""}, {"name": "a\nb"}, {"generation": b"short"}, {"library": 0}):
        status = bench.host.status(wire.OP_RESERVE, declaration(**changes))
        expect_status(status, wire.STATUS_BAD_DECLARATION, f"the status with {changes}")


@row("backup-too-large", "limits", needs=READY, spoils=True)
def too_large(bench: Bench) -> None:
    """What does not fit is NO_SPACE at begin, before anybody sends it."""
    host = bench.host
    for number in range(8):
        backup_id, _ = host.reserve(declaration(vault=bytes((2, number)) + bytes(31)))
        status = host.status(wire.OP_BEGIN, backup_id, wire.BLOB_MAX, bytes(32))
        if status == wire.STATUS_NO_SPACE:
            return
        expect_status(status, wire.STATUS_OK, "the status of begin")
        expect_status(
            host.status(wire.OP_BEGIN, backup_id, wire.BLOB_MAX + 1, bytes(32)),
            wire.STATUS_BAD_REQUEST,
            "the status of begin for more than any share",
        )
        # Fill it, if that is what it takes.
        data = bench.blob(300_000)
        bench.put(data, vault=bytes((3, number)) + bytes(31))


@row("backup-sixteen", "what-a-token-decides", needs=READY, spoils=True)
def sixteen(bench: Bench) -> None:
    """A seventeenth backup is NO_SPACE, and a full token still replaces what it holds."""
    for number in range(wire.BACKUPS_MAX):
        bench.put(bench.blob(50), vault=bytes((2, number)) + bytes(31))
    host = bench.host
    more = declaration(vault=b"\x02" + b"v" * 32)
    expect_status(host.status(wire.OP_RESERVE, more), wire.STATUS_NO_SPACE, "the status of the seventeenth")
    bench.put(bench.blob(60), vault=bytes((2, 0)) + bytes(31))
    expect_equal(len(host.list()), wire.BACKUPS_MAX, "the number of backups")


@row("policy-party", "what-a-token-decides", needs=READY, spoils=True)
def one_party(bench: Bench) -> None:
    """A share of another party of a vault that is here is OTHER_PARTY (rule 1)."""
    bench.put(bench.blob(50))
    other = declaration(party="Laptop", generation=b"h" * 32)
    expect_status(bench.host.status(wire.OP_RESERVE, other), wire.STATUS_OTHER_PARTY, "the status of reserve")
    expect_status(bench.host.status(wire.OP_RESERVE_NEXT, other), wire.STATUS_OTHER_PARTY, "the status of reserve-next")


@row("policy-generation", "what-a-token-decides", needs=READY, spoils=True)
def one_generation(bench: Bench) -> None:
    """A share of another generation is OTHER_GENERATION when nobody says that it is newer (rule 3)."""
    bench.put(bench.blob(50))
    other = declaration(generation=b"h" * 32)
    expect_status(bench.host.status(wire.OP_RESERVE, other), wire.STATUS_OTHER_GENERATION)


@row("backup-begin-other", "transfer", needs=READY, spoils=True)
def begin_other(bench: Bench) -> None:
    """begin for other bytes drops what is staged."""
    data = bench.blob(1000)
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, data)
    host.ok(wire.OP_CHUNK, 0, data[:600])
    expect_equal(host.begin(backup_id, bench.blob(1000)), 0, "the offset for other bytes")
    expect_equal(host.begin(backup_id, data), 0, "the offset for the first ones after that")


@row("backup-begin-committed", "transfer", needs=READY, spoils=True)
def begin_committed(bench: Bench) -> None:
    """begin after commit is BAD_STATE, so that a host which lost an answer knows how far it was."""
    data = bench.blob(100)
    backup_id = bench.put(data, confirm=False)
    status = bench.host.status(wire.OP_BEGIN, backup_id, len(data), _digest(data))
    expect_status(status, wire.STATUS_BAD_STATE)


@row("backup-empty-chunk", "transfer", needs=READY, spoils=True)
def empty_chunk(bench: Bench) -> None:
    """A chunk without a byte is BAD_REQUEST."""
    host = bench.host
    backup_id, _ = host.reserve(declaration())
    host.begin(backup_id, bench.blob(100))
    expect_status(host.status(wire.OP_CHUNK, 0, b""), wire.STATUS_BAD_REQUEST)


@row("backup-prepared-power", "transfer", needs=READY, spoils=True)
def prepared_power(bench: Bench) -> None:
    """After a power cycle begin gives the full offset, and commit takes another prepare."""
    data = bench.blob(1000)
    backup_id, _ = bench.host.reserve(declaration())
    bench.send(backup_id, data)
    bench.power_cycle()
    host = bench.unlock()
    expect_equal(host.begin(backup_id, data), len(data), "the offset")
    expect_status(host.status(wire.OP_COMMIT, backup_id), wire.STATUS_BAD_STATE, "the status of commit before prepare")
    expect_equal(host.ok(wire.OP_PREPARE, backup_id)[1], _digest(data), "the digest")


@row("backup-list-pages", "messages", needs=READY, spoils=True)
def list_pages(bench: Bench) -> None:
    """list gives eight backups at most, from the one that is asked for on."""
    for number in range(wire.LIST_PAGE + 1):
        bench.put(bench.blob(50), vault=bytes((2, number)) + bytes(31))
    pages = [bench.host.ok(wire.OP_LIST, start) for start in (0, wire.LIST_PAGE, wire.LIST_PAGE + 1)]
    expect_equal([len(page[1]) for page in pages], [wire.LIST_PAGE, 1, 0], "how many there are from 0, 8 and 9 on")
    expect_equal([page[2] for page in pages], [wire.LIST_PAGE + 1] * 3, "how many there are in all")
