"""What a token remembers of its life: the audit ring."""

from __future__ import annotations

import hashlib

from coldshare.conformance.bench import LABEL, PIN, WRONG, Bench
from coldshare.conformance.operator import AGREE, REFUSE
from coldshare.conformance.rows.generations import OLD
from coldshare.conformance.rules import PAIRED, READY, expect, expect_equal, row
from coldshare.conformance.speaker import declaration
from coldshare_iface import wire
from coldshare_iface.messages import AuditPage


def _chain(bench: Bench, start: int = 1) -> tuple[AuditPage, list[bytes]]:
    """The first page from `start` on, and all entries up to the head, checked."""
    page = first = AuditPage.decode(bench.host.ok(wire.OP_AUDIT, start))
    link, number = page.before, page.first
    entries: list[bytes] = []
    while page.entries:
        for at in range(0, len(page.entries), wire.AUDIT_ENTRY):
            entry = page.entries[at : at + wire.AUDIT_ENTRY]
            expect_equal(int.from_bytes(entry[:4], "big"), number, "the number of an entry")
            expect(number <= first.count, f"there are entries behind the {first.count} that there should be")
            link = hashlib.sha256(link + entry).digest()
            number += 1
            entries.append(entry)
        page = AuditPage.decode(bench.host.ok(wire.OP_AUDIT, number))
    expect_equal(number, first.count + 1, "one more than the last entry")
    expect_equal(link, first.head, "the hash after the last entry")
    return first, entries


@row("audit-chain", "audit-ring", needs=READY, spoils=True)
def audit_chain(bench: Bench) -> None:
    """The entries lead to the head, from the first one on."""
    page, entries = _chain(bench)
    expect_equal((page.first, page.before), (1, bytes(32)), "where a young ring begins")
    expect_equal([entry[4] for entry in entries], [wire.EVENT_PAIRED, wire.EVENT_SET_UP], "the events")


@row("audit-events", "audit-ring", needs=READY, spoils=True)
def audit_events(bench: Bench) -> None:
    """What is stored, released and removed is entered, with the host that asked."""
    before = _chain(bench)[0].count
    backup_id = bench.put(bench.blob(50))
    host = bench.host
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    host.ok(wire.OP_REMOVE, backup_id)
    _, entries = _chain(bench, before + 1)
    released = wire.EVENT_RELEASED
    wanted = [wire.EVENT_STORED, wire.EVENT_CONFIRMED, released, wire.EVENT_REMOVED]
    expect_equal([entry[4] for entry in entries], wanted, "the events")
    expect(all(entry[8:16] == host.psk_id for entry in entries), "an entry names another host")
    expect(all(entry[16:] == backup_id for entry in entries), "an entry is about another backup")


@row("audit-wrong-pins", "audit-ring", needs=READY, spoils=True)
def audit_wrong_pins(bench: Bench) -> None:
    """Wrong PINs are entered with the right one that follows them."""
    before = _chain(bench)[0].count
    for _ in range(2):
        bench.host.ask(wire.OP_UNLOCK, WRONG)
    bench.host.ok(wire.OP_UNLOCK, PIN)
    _, entries = _chain(bench, before + 1)
    said = [(entry[4], int.from_bytes(entry[5:8], "big")) for entry in entries]
    expect_equal(said, [(wire.EVENT_WRONG_PINS, 2)], "the events and their details")


@row("audit-power", "audit-ring", needs=READY, spoils=True)
def audit_power(bench: Bench) -> None:
    """The ring outlives a power cycle, and says nothing about one."""
    before = _chain(bench)[0]
    bench.power_cycle()
    bench.unlock()
    after = _chain(bench)[0]
    expect_equal((after.count, after.head), (before.count, before.head), "count and head")


@row("audit-kept", "audit-ring", needs=READY, spoils=True)
def audit_kept(bench: Bench) -> None:
    """The last 256 entries can be read, and no older ones."""
    before = _chain(bench)[0].count
    for number in range(wire.AUDIT_MAX + 10 - before):
        bench.host.ok(wire.OP_LABEL, f"label {number}")
    page, entries = _chain(bench)
    expect_equal(page.count, wire.AUDIT_MAX + 10, "the count")
    expect_equal((page.first, len(entries)), (11, wire.AUDIT_MAX), "the first entry, and how many there are")


@row("audit-wiped", "audit-ring", needs=PAIRED, spoils=True)
def audit_wiped(bench: Bench) -> None:
    """A wiped token begins a ring of its own."""
    host = bench.host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    before = _chain(bench)[0]
    bench.wipe()
    bench.pair()
    bench.host.open()
    bench.host.ok(wire.OP_SET_UP, PIN, LABEL)
    page, entries = _chain(bench)
    expect_equal((page.first, page.before), (1, bytes(32)), "where the new ring begins")
    expect(page.head != before.head and len(entries) <= before.count, "the old ring goes on")


@row("audit-unlock", "audit-ring", needs=READY)
def audit_unlock(bench: Bench) -> None:
    """unlock says count and head of the ring."""
    reply = bench.host.ok(wire.OP_UNLOCK, PIN)
    page, _ = _chain(bench)
    expect_equal((reply.get(2), reply.get(3)), (page.count, page.head), "count and head")


@row("audit-pages", "audit-ring", needs=READY)
def audit_pages(bench: Bench) -> None:
    """Who asks for entries that are not there yet is told none, and the head."""
    page, entries = _chain(bench)
    after = AuditPage.decode(bench.host.ok(wire.OP_AUDIT, page.count + 5))
    expect_equal((after.count, after.head), (page.count, page.head), "count and head")
    expect_equal(
        (after.first, after.before, after.entries), (page.count + 1, page.head, b""), "what comes after the head"
    )
    last = AuditPage.decode(bench.host.ok(wire.OP_AUDIT, page.count))
    expect_equal((last.first, last.entries), (page.count, entries[-1]), "the last entry alone")


@row("audit-life", "audit-ring", needs=READY, spoils=True)
def audit_life(bench: Bench) -> None:
    """Another label, another PIN and hosts that are forgotten are entered; what is refused is not."""
    host = bench.host
    other = bench.speaker("laptop")
    before = _chain(bench)[0].count
    bench.operator.answer = REFUSE
    host.ask(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_ONE)
    bench.operator.answer = AGREE
    host.ok(wire.OP_LABEL, "Other")
    host.ok(wire.OP_CHANGE_PIN, PIN, "271828")
    bench.pair(other)
    host.open()
    host.ok(wire.OP_UNLOCK, "271828")
    host.ok(wire.OP_UNPAIR, other.psk_id, wire.UNPAIR_ONE)
    _, entries = _chain(bench, before + 1)
    wanted = [wire.EVENT_LABELLED, wire.EVENT_PIN_CHANGED, wire.EVENT_PAIRED, wire.EVENT_UNPAIRED]
    expect_equal([entry[4] for entry in entries], wanted, "the events")
    expect_equal(entries[-1][5:8], b"\x00\x00\x01", "how many were forgotten")
    expect_equal(entries[-1][16:24], other.psk_id, "the host that was forgotten")


@row("audit-generations", "audit-ring", needs=READY, spoils=True)
def audit_generations(bench: Bench) -> None:
    """What was said of generations is entered."""
    newer = b"h" * 32
    old = bench.put(bench.blob(50))
    host = bench.host
    new = host.ok(wire.OP_RESERVE_NEXT, declaration(generation=newer))[1]
    bench.send(new, bench.blob(50))
    host.ok(wire.OP_COMMIT, new)
    host.ok(wire.OP_CONFIRM, new)
    before = _chain(bench)[0].count
    host.ok(wire.OP_RETIRE, new, OLD)
    host.ok(wire.OP_UN_RETIRE, new, OLD)
    host.ok(wire.OP_RETIRE, new, OLD)
    host.ok(wire.OP_DESTROY, old)
    _, entries = _chain(bench, before + 1)
    wanted = [wire.EVENT_RETIRED, wire.EVENT_UN_RETIRED, wire.EVENT_RETIRED, wire.EVENT_DESTROYED]
    expect_equal([entry[4] for entry in entries], wanted, "the events")
    expect_equal([entry[16:] for entry in entries], [new, new, new, old], "the backups that they are about")


@row("audit-confirm", "audit-ring", needs=READY, spoils=True)
def audit_confirm(bench: Bench) -> None:
    """confirm says count and head of the ring, as they are with its own entry."""
    backup_id = bench.put(bench.blob(50), confirm=False)
    reply = bench.host.ok(wire.OP_CONFIRM, backup_id)
    page, _ = _chain(bench)
    expect_equal((reply.get(1), reply.get(2)), (page.count, page.head), "count and head")
