"""The audit ring: what enters it, what is told of it, and what neither power nor flash nor an old image can hide."""

from __future__ import annotations

import errno
import hashlib
import itertools
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldshare_firmware.audit import Audit
from coldshare_firmware.keys import F_AUDIT, F_LABEL, Keys
from coldshare_iface import codec, wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import BLOCK, KEY_SIZE, Chip, Operation
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from support.board import Board
from support.client import HELD, NO, PIN, WRONG, YES, Bench, Host, blob, declaration, secrets

NOBODY = bytes(wire.PSK_ID_SIZE)
NOTHING = bytes(wire.DIGEST_SIZE)
OLD, NEW = b"\xab\xcd\x01\x02" + b"g" * 28, b"h" * 32


@dataclass(frozen=True)
class Entry:
    number: int
    event: int
    detail: int
    host: bytes
    about: bytes

    @property
    def short(self) -> tuple[int, int, bytes, bytes]:
        return self.event, self.detail, self.host, self.about


@dataclass(frozen=True)
class Told:
    """All pages from a number on, checked to be a chain up to the head."""

    count: int
    head: bytes
    first: int
    before: bytes
    entries: list[Entry]


def parsed(data: bytes) -> Entry:
    about = data[16:].rstrip(b"\0")
    return Entry(int.from_bytes(data[:4], "big"), data[4], int.from_bytes(data[5:8], "big"), data[8:16], about)


def told(host: Host, start: int = 1) -> Told:
    page = host.ok(wire.OP_AUDIT, start)
    count, head, first, before = (page[key] for key in (1, 2, 3, 4))
    link, number, entries = before, first, []
    while number <= count:
        assert (page[1], page[2], page[3], page[4]) == (count, head, number, link)
        assert 0 < len(page[5]) <= wire.AUDIT_PAGE * wire.AUDIT_ENTRY
        for at in range(0, len(page[5]), wire.AUDIT_ENTRY):
            data = page[5][at : at + wire.AUDIT_ENTRY]
            entries.append(parsed(data))
            assert entries[-1].number == number
            link = hashlib.sha256(link + data).digest()
            number += 1
        page = host.ok(wire.OP_AUDIT, number)
    assert page == {0: 0, 1: count, 2: head, 3: count + 1, 4: head, 5: b""}
    assert (number, link) == (count + 1, head)
    return Told(count, head, first, before, entries)


def head_of(image: bytes) -> list[object]:
    """The head that is in the key area."""
    record = Keys(SimHal(Chip(image), AbsentPerson(), VirtualClock(), bytes)).record
    head: list[object] = record[F_AUDIT]
    return head


def segments(image: bytes) -> dict[str, bytes]:
    files = LittleFiles(Chip(image))
    return {name: files.read("/a/" + name, 0, 4096) for name in sorted(files.listdir("/a"))}


def relabel(bench: Bench, times: int = 1) -> None:
    for n in range(times):
        bench.host.ok(wire.OP_LABEL, f"Safe {n}")


# --- what enters


def test_every_event_in_its_order_with_who_asked(bench: Bench) -> None:
    host = bench.host
    host.pair()
    me = host.psk_id
    host.open()
    host.ok(wire.OP_SET_UP, PIN, "Safe A")
    old, _ = host.put(blob(300), declaration(generation=OLD))
    host.ok(wire.OP_OPEN, old, wire.PURPOSE_VERIFY)
    host.ok(wire.OP_OPEN, old, wire.PURPOSE_RESTORE)
    host.ok(wire.OP_LABEL, "Safe B")
    host.ok(wire.OP_CHANGE_PIN, PIN, "271828")
    host.status(wire.OP_UNLOCK, WRONG)
    host.status(wire.OP_UNLOCK, WRONG)
    host.ok(wire.OP_UNLOCK, "271828")
    new = host.ok(wire.OP_RESERVE_NEXT, declaration(generation=NEW))[1]
    host.send(new, blob(300))
    host.ok(wire.OP_COMMIT, new)
    host.ok(wire.OP_CONFIRM, new)
    bench.person.default = HELD
    host.ok(wire.OP_RETIRE, new, OLD)
    host.ok(wire.OP_UN_RETIRE, new, OLD)
    host.ok(wire.OP_RETIRE, new, OLD)
    host.ok(wire.OP_DESTROY, old)
    host.ok(wire.OP_REMOVE, new)
    other = bench.second_host()
    other.pair()
    other.open()
    other.ok(wire.OP_UNLOCK, "271828")
    other.ok(wire.OP_LABEL, "Safe C")
    other.ok(wire.OP_UNPAIR, other.psk_id, wire.UNPAIR_OTHERS)
    log = told(other)
    assert (log.first, log.before) == (1, NOTHING)
    assert [entry.short for entry in log.entries] == [
        (wire.EVENT_PAIRED, 0, NOBODY, me),
        (wire.EVENT_SET_UP, 0, me, b""),
        (wire.EVENT_STORED, 0, me, old),
        (wire.EVENT_CONFIRMED, 0, me, old),
        (wire.EVENT_RELEASED, wire.PURPOSE_VERIFY, me, old),
        (wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, me, old),
        (wire.EVENT_LABELLED, 0, me, b""),
        (wire.EVENT_PIN_CHANGED, 0, me, b""),
        (wire.EVENT_WRONG_PINS, 2, me, b""),
        (wire.EVENT_STORED, 0, me, new),
        (wire.EVENT_CONFIRMED, 0, me, new),
        (wire.EVENT_RETIRED, 0, me, new),
        (wire.EVENT_UN_RETIRED, 0, me, new),
        (wire.EVENT_RETIRED, 0, me, new),
        (wire.EVENT_DESTROYED, 0, me, old),
        (wire.EVENT_REMOVED, 0, me, new),
        (wire.EVENT_PAIRED, 0, NOBODY, other.psk_id),
        (wire.EVENT_LABELLED, 0, other.psk_id, b""),
        (wire.EVENT_UNPAIRED, 1, other.psk_id, other.psk_id),
    ]


def test_what_is_no_event(ready: Bench) -> None:
    host = ready.host
    kept, _ = host.put(blob(300))
    before = head_of(ready.image)
    host.list()
    host.ok(wire.OP_PAIRINGS)
    host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_OTHERS)  # there is no other
    host.ok(wire.OP_COMMIT, kept)
    host.ok(wire.OP_CONFIRM, kept)
    given_up, _ = host.reserve()
    host.send(given_up, blob(100))
    host.ok(wire.OP_ABORT, given_up)
    host.status(wire.OP_RESERVE, declaration(party="Laptop"))
    host.status(wire.OP_DESTROY, kept)
    ready.person.default = NO
    for op, *fields in (
        (wire.OP_LABEL, "x"),
        (wire.OP_OPEN, kept, wire.PURPOSE_VERIFY),
        (wire.OP_CHANGE_PIN, PIN, "271828"),
        (wire.OP_UNLOCK, PIN),
        (wire.OP_REMOVE, kept),
        (wire.OP_RETIRE, kept, NEW),
    ):
        host.ask(op, *fields)
    ready.second_host().pair()
    ready.second_host().wipe()
    host.hello().open()
    host.ok(wire.OP_UNLOCK, PIN)
    told(host)
    assert head_of(ready.image) == before


@pytest.mark.parametrize("wrong", range(8))
def test_wrong_pins_enter_with_the_right_one(ready: Bench, wrong: int) -> None:
    """Until then they are a number that is on flash before anybody knows that they were wrong."""
    before = head_of(ready.image)
    for attempt in range(wrong):
        if attempt and attempt % 3 == 0:
            ready.power_cycle()
            ready.host.hello().open()
        ready.host.status(wire.OP_UNLOCK, WRONG)
    assert head_of(ready.image) == before
    ready.power_cycle()
    ready.host.again()
    entries = told(ready.host).entries[int(str(before[0])) :]
    assert [entry.short for entry in entries] == [(wire.EVENT_WRONG_PINS, wrong, ready.host.psk_id, b"")] * (wrong > 0)


def test_entries_hold_no_names(ready: Bench) -> None:
    declared = declaration(vault=b"look-for-this-vault-id-everywhere", name="NAME-TO-FIND", party="PARTY-TO-FIND")
    _, factor = ready.host.put(blob(300), declared)
    ready.host.ok(wire.OP_LABEL, "LABEL-TO-FIND")
    ready.second_host("HOST-TO-FIND").pair()
    ring = b"".join(segments(ready.image).values())
    needles = [b"look-for-this", b"TO-FIND", OLD, factor, ready.host.psk]
    assert secrets(ring, *needles) == []


# --- what is told


def ring_of(count: int) -> tuple[Audit, list[bytes]]:
    """A ring with that many entries, and the hash after each of them, from hash 0 on."""
    board = Board()
    keys = Keys(board)
    keys.found()
    audit = Audit(board, keys)
    hashes = [NOTHING]
    for n in range(count):
        audit.change({F_LABEL: str(n)}, wire.EVENT_LABELLED)
        hashes.append(keys.record[F_AUDIT][1])
    return audit, hashes


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 255, 256, 257, 288, 289, 300, 545])
def test_a_page_from_any_number(count: int) -> None:
    audit, hashes = ring_of(count)
    oldest = max(1, count - wire.AUDIT_MAX + 1)
    for start in {1, 2, 31, 32, 33, 34, 64, 65, *range(max(1, oldest - 2), count + 3, 7), count, count + 1, 2**32 - 1}:
        if start < 1:
            continue
        first, before, entries = audit.read(start)
        assert first == min(max(start, oldest), count + 1)
        assert before == hashes[first - 1]
        for n, at in enumerate(range(0, len(entries), wire.AUDIT_ENTRY), start=first):
            data = entries[at : at + wire.AUDIT_ENTRY]
            assert parsed(data).number == n
            before = hashlib.sha256(before + data).digest()
            assert before == hashes[n]
        assert (entries == b"") == (start > count)
        assert len(entries) <= wire.AUDIT_PAGE * wire.AUDIT_ENTRY


def test_old_segments_go_and_256_entries_stay() -> None:
    for count in (256, 288, 289, 320, 321, 700):
        audit, _ = ring_of(count)
        kept = audit._starts()
        assert kept == list(range(kept[0], count + 1, wire.AUDIT_PAGE))
        assert count - kept[0] + 1 >= min(count, wire.AUDIT_MAX)
        assert count - kept[0] < wire.AUDIT_MAX + wire.AUDIT_PAGE


def test_the_ring_through_the_wire_and_power(ready: Bench) -> None:
    relabel(ready, 70)
    log = told(ready.host)
    assert len(log.entries) == log.count == 72
    assert len(segments(ready.image)) == 3
    ready.power_cycle()
    ready.host.again()
    assert told(ready.host) == log
    relabel(ready)
    longer = told(ready.host)
    assert longer.entries[:-1] == log.entries
    for start in (2, 33, 64, 65, 72, 73, 74, 75):
        assert told(ready.host, start).entries == longer.entries[start - 1 :]


@pytest.mark.parametrize("start", [0, -1, 2**32, True, b"\x01", None])
def test_a_number_that_is_none(ready: Bench, start: object) -> None:
    assert ready.host.status(wire.OP_AUDIT, start) == wire.STATUS_BAD_REQUEST


# --- what the flash does to it


def damaged(bench: Bench, name: str, at: int) -> Bench:
    """The same token with a segment that the flash has not kept."""
    chip = Chip(bench.image)
    files = LittleFiles(chip)
    data = files.read("/a/" + name, 0, 4096)
    files.write("/a/" + name, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    other = bench.clone(bytes(chip.image))
    other.host.again()
    return other


@pytest.mark.parametrize(("name", "first"), [("00000001", 33), ("00000021", 65), ("00000041", 73)])
@pytest.mark.parametrize("at", [0, 40, 100])
def test_a_damaged_segment_is_a_gap_and_no_more(ready: Bench, name: str, first: int, at: int) -> None:
    relabel(ready, 70)
    whole = told(ready.host)
    bench = damaged(ready, name, at)
    log = told(bench.host)
    assert (log.count, log.head, log.first) == (whole.count, whole.head, first)
    relabel(bench, 40)
    later = told(bench.host)
    assert later.first == first
    assert later.entries[: len(log.entries)] == log.entries
    assert later.count == whole.count + 40


def until_full(files: LittleFiles, size: int) -> None:
    with suppress(OSError):
        for n in itertools.count():
            files.write(f"/junk{size}-{n}", bytes(size))
    with pytest.raises(OSError, match="No space"):
        files.write("/junk", bytes(size))


def full(files: LittleFiles) -> None:
    until_full(files, 4096)
    until_full(files, 300)


def emptied(chip: Chip) -> None:
    files = LittleFiles(chip)
    for name in files.listdir("/"):
        if name.startswith("junk"):
            files.remove("/" + name)


def filled(bench: Bench) -> Bench:
    """The same token, its file system full."""
    chip = Chip(bench.image)
    full(LittleFiles(chip))
    other = bench.clone(bytes(chip.image))
    other.host.again()
    return other


def test_a_full_flash_stops_nothing_and_leaves_a_gap(ready: Bench) -> None:
    kept, factor = ready.host.put(blob(300))
    relabel(ready, 27)
    before = told(ready.host)
    bench = filled(ready)
    relabel(bench, 5)
    assert bench.host.ok(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE)[4] == factor
    log = told(bench.host)
    assert log.count == before.count + 6
    assert log.first > before.count, "what could not be written is not told"
    bench.person.default = HELD
    assert bench.host.ask(wire.OP_REMOVE, kept) == {0: wire.STATUS_OK}
    assert secrets(bench.image, factor) == []
    emptied(chip := Chip(bench.image))
    again = bench.clone(bytes(chip.image))
    again.host.again()
    relabel(again, 3)
    after = told(again.host)
    assert after.count == log.count + 4
    assert [entry.event for entry in after.entries[-3:]] == [wire.EVENT_LABELLED] * 3


def test_files_that_are_no_segments(ready: Bench) -> None:
    relabel(ready, 40)
    before = told(ready.host)
    chip = Chip(ready.image)
    files = LittleFiles(chip)
    for name in ("x", "1", "0x000001", "-0000001", "+0000001", "0000_001", "0000002A", "100000000", "00000000"):
        files.write("/a/" + name, b"x" * 64)
    bench = ready.clone(bytes(chip.image))
    bench.host.again()
    assert told(bench.host) == before
    relabel(bench, 30)
    assert told(bench.host).entries[: before.count] == before.entries


def test_an_entry_without_its_head_never_counted(ready: Bench) -> None:
    """Power, or the flash, goes between the ring and the key area."""
    kept, _ = ready.host.put(blob(300))
    before = told(ready.host)

    def fail(operation: Operation) -> None:
        if operation.offset < KEY_SIZE:
            raise OSError(errno.EIO, "worn out")

    ready.chip.before = fail
    assert ready.host.status(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE) == wire.STATUS_STORAGE
    ready.chip.before = None
    (tail,) = segments(ready.image).values()
    assert parsed(tail[-wire.AUDIT_ENTRY :]).event == wire.EVENT_RELEASED
    assert told(ready.host) == before
    ready.power_cycle()
    ready.host.again()
    assert told(ready.host) == before
    relabel(ready)
    assert [entry.event for entry in told(ready.host).entries[before.count :]] == [wire.EVENT_LABELLED]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "worn out"), MemoryError()], ids=["flash", "memory"])
def test_a_factor_is_never_given_out_before_its_release_is_recorded(ready: Bench, error: Exception) -> None:
    kept, factor = ready.host.put(blob(300))
    start = ready.image
    count = int(str(head_of(start)[0]))
    for at in range(100):
        bench = ready.clone(start)
        bench.host.again()
        assert head_of(bench.image) == head_of(start)
        done = 0

        def fail(operation: Operation, at: int = at) -> None:
            nonlocal done
            done += 1
            if done == at + 1:
                raise copy(error)  # raised again and again, it would remember every token that it came to

        bench.chip.before = fail
        reply = bench.host.ask(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE)
        bench.chip.before = None
        if reply[0] == wire.STATUS_OK:
            assert reply[4] == factor
            assert head_of(bench.image)[0] == count + 1
            bench.power_cycle()
            assert head_of(bench.image)[0] == count + 1
        else:
            assert reply == {0: wire.STATUS_STORAGE}
            assert bench.host.status(wire.OP_READ, kept, 0) == wire.STATUS_BAD_STATE
        if done <= at:
            log = told(bench.host.again())
            assert log.entries[-1].short == (wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, bench.host.psk_id, kept)
            break
    else:
        pytest.fail("it never ends")
    assert at > 3


def test_a_heap_that_is_full_costs_an_entry_and_not_a_burn() -> None:
    """The keys must go, whatever the ring does."""
    audit, hashes = ring_of(3)

    def no_room(path: str, offset: int, length: int) -> bytes:
        raise MemoryError

    audit._files.read = no_room  # type: ignore[method-assign]
    count, head = audit.enter(wire.EVENT_BURNT)
    assert (count, head != hashes[3]) == (4, True)


HAPPENINGS = ["entered"] * 12 + ["ring fails", "head fails", "power", "damage", "lost"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(HAPPENINGS), max_size=90), st.randoms(use_true_random=False))
def test_whatever_happens_what_is_told_is_true(happenings: list[str], random: Random) -> None:
    """`lost` is a segment that has gone. Told is a chain up to the head, of entries that were entered; and all of them
    since the flash last failed."""
    board = Board()
    keys = Keys(board)
    keys.found()
    audit = Audit(board, keys)
    entered: dict[int, bytes] = {}
    since = 1

    def fail(*what: object) -> None:
        raise OSError(errno.EIO, "worn out")

    for number, happening in enumerate(happenings):
        count, head = keys.record[F_AUDIT]
        about = number.to_bytes(16, "big")
        rings = [path for path in board.kept.files if path.startswith("/a/")]
        if happening == "power":
            keys = Keys(board)
            audit = Audit(board, keys)
            audit.forget()
        elif happening in ("damage", "lost"):
            if rings:
                path = random.choice(rings)
                data = board.kept.files.pop(path)
                if happening == "damage":
                    at = random.randrange(len(data))
                    board.kept.files[path] = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
                since = count + 1  # unless it was behind the head, or so old that it is not told
        elif happening == "head fails":
            vars(board.blocks)["program"] = fail
            with pytest.raises(OSError, match="worn out"):
                audit.change({}, wire.EVENT_STORED, about)
            del vars(board.blocks)["program"]
            assert keys.record[F_AUDIT] == [count, head]
        else:
            if happening == "ring fails":
                vars(board.kept)["write"] = fail
                since = count + 2
            audit.change({}, wire.EVENT_STORED, about)
            vars(board.kept).pop("write", None)
            entered[count + 1] = (count + 1).to_bytes(4, "big") + bytes([wire.EVENT_STORED]) + bytes(11) + about
        count, head = keys.record[F_AUDIT]
        assert count == len(entered)
        start = random.randrange(1, count + 3)
        first, link, entries = audit.read(start)
        assert min(start, count + 1) <= first <= min(max(start, since), count + 1)
        while True:
            for at in range(0, len(entries), wire.AUDIT_ENTRY):
                data = entries[at : at + wire.AUDIT_ENTRY]
                assert data == entered[first]
                link = hashlib.sha256(link + data).digest()
                first += 1
            if first > count:
                break
            again, before, entries = audit.read(first)
            assert (again, before) == (first, link)
        assert link == head


# --- the end of it


def burn(bench: Bench) -> None:
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt in (3, 6):
            bench.power_cycle()
            bench.host.hello().open()
        bench.host.ask(wire.OP_UNLOCK, WRONG)


def chain(image: bytes) -> list[Entry]:
    """The entries on the flash, checked to lead to the head in the key area."""
    (segment,) = segments(image).values()
    link, entries = segment[:32], []
    for at in range(32, len(segment), wire.AUDIT_ENTRY):
        data = segment[at : at + wire.AUDIT_ENTRY]
        link = hashlib.sha256(link + data).digest()
        entries.append(parsed(data))
    assert head_of(image) == [entries[-1].number, link]
    return entries


def test_burnt_keeps_the_chain(ready: Bench) -> None:
    ready.host.put(blob(300))
    before = told(ready.host)
    burn(ready)
    after = chain(ready.image)
    assert after[:-1] == before.entries
    assert after[-1].short == (wire.EVENT_BURNT, 0, ready.host.psk_id, b"")
    ready.power_cycle()
    ready.host.hello()
    ready.person.default = HELD
    ready.host.pair()
    ready.host.open()
    ready.person.default = YES
    (kept,) = ready.host.list()
    ready.host.ok(wire.OP_OPEN, kept[1], wire.PURPOSE_VERIFY)
    assert ready.host.ask(wire.OP_AUDIT, 1) == {0: wire.STATUS_BURNT}
    entries = chain(ready.image)
    assert [entry.short for entry in entries[len(after) :]] == [(wire.EVENT_PAIRED, 0, NOBODY, ready.host.psk_id)]


def test_burnt_by_the_next_power_up(ready: Bench) -> None:
    """Power went after the eighth count: the token does it by itself, for nobody."""
    keys = Keys(SimHal(ready.chip, AbsentPerson(), VirtualClock(), bytes))
    keys.change({8: wire.PIN_ATTEMPTS})
    bench = ready.clone()
    assert chain(bench.image)[-1].short == (wire.EVENT_BURNT, 0, NOBODY, b"")


def test_a_wipe_starts_anew(ready: Bench) -> None:
    relabel(ready, 40)
    old_ring = segments(ready.image)
    ready.person.default = HELD
    ready.host.hello().wipe()
    assert head_of(ready.image) == [0, NOTHING]
    assert segments(ready.image) == {}
    ready.person.default = YES
    ready.make_ready()
    log = told(ready.host)
    assert [entry.event for entry in log.entries] == [wire.EVENT_PAIRED, wire.EVENT_SET_UP]
    # Power went between the new record and the old files.
    chip = Chip(ready.image)
    files = LittleFiles(chip)
    for name, data in old_ring.items():
        if name != "00000001":
            files.write("/a/" + name, data)
    bench = ready.clone(bytes(chip.image))
    bench.host.again()
    assert list(segments(bench.image)) == ["00000001"]
    assert told(bench.host) == log


def test_a_token_with_lost_keys_writes_nothing(ready: Bench) -> None:
    ready.host.put(blob(300))
    image = bytearray(ready.image)
    image[:KEY_SIZE] = b"\x55" * KEY_SIZE
    files = Chip(bytes(image))
    ring = LittleFiles(files)
    for name in ring.listdir("/a"):
        ring.remove("/a/" + name)
    ring.remove("/a")
    before = bytes(files.image)
    lost = ready.clone(before)
    lost.person.default = HELD
    assert lost.host.pair()[0] == wire.STATUS_OK
    lost.host.open()
    (kept,) = lost.host.list()
    assert sorted(lost.host.ok(wire.OP_OPEN, kept[1], wire.PURPOSE_RESTORE)) == [0, 1, 2]
    assert lost.host.get(kept[1], 300) == blob(300)
    assert lost.image == before


def from_before(ready: Bench) -> Chip:
    """The chip as firmware of layout 1 left it: no ring, and no folder for it."""
    record = Keys(SimHal(Chip(ready.image), AbsentPerson(), VirtualClock(), bytes)).record
    old = codec.encode({key: value for key, value in record.items() if key < 11} | {0: 1})
    block = b"csk1" + (9).to_bytes(4, "big") + len(old).to_bytes(2, "big") + old
    block += hashlib.sha256(block).digest()
    chip = Chip(block.ljust(BLOCK, b"\xff") + b"\xff" * BLOCK + ready.image[KEY_SIZE:])
    files = LittleFiles(chip)
    for name in files.listdir("/a"):
        files.remove("/a/" + name)
    files.remove("/a")
    return chip


def test_a_token_from_before_the_ring(ready: Bench) -> None:
    bench = ready.clone(bytes(from_before(ready).image))
    bench.host.again()
    assert told(bench.host) == Told(0, NOTHING, 1, NOTHING, [])
    relabel(bench)
    assert [entry.short for entry in told(bench.host).entries] == [(wire.EVENT_LABELLED, 0, bench.host.psk_id, b"")]


def test_a_full_token_from_before_the_ring(ready: Bench) -> None:
    """No room for a folder is no reason not to start."""
    kept, factor = ready.host.put(blob(300))
    chip = from_before(ready)
    full(LittleFiles(chip))
    bench = ready.clone(bytes(chip.image))
    bench.host.again()
    assert bench.host.ok(wire.OP_OPEN, kept, wire.PURPOSE_RESTORE)[4] == factor
    log = told(bench.host)
    assert (log.count, log.first, log.entries) == (1, 2, [])
    emptied(chip := Chip(bench.image))
    again = ready.clone(bytes(chip.image))
    again.host.again()
    relabel(again)
    assert [entry.number for entry in told(again.host).entries] == [2]


# --- what a host can tell by it


def verdict(seen: Told, host: Host) -> str:
    """What README.md has a host conclude."""
    page = host.ok(wire.OP_AUDIT, seen.count + 1)
    if page[1] < seen.count:
        return "put back"
    if page[3] > seen.count + 1:
        return "gap"
    return "known" if page[4] == seen.head else "put back"


def test_an_old_image_shows(ready: Bench) -> None:
    relabel(ready, 3)
    image = ready.image
    relabel(ready, 2)
    seen = told(ready.host)
    assert verdict(seen, ready.host) == "known"
    relabel(ready, 40)
    assert verdict(seen, ready.host) == "known"
    back = ready.clone(image)
    back.host.again()
    assert verdict(seen, back.host) == "put back"
    back.host.ok(wire.OP_LABEL, "Safe 0")  # the same number of the same events
    back.host.status(wire.OP_UNLOCK, WRONG)
    back.host.ok(wire.OP_UNLOCK, PIN)
    assert told(back.host).count == seen.count
    assert verdict(seen, back.host) == "put back"
    relabel(back, 5)
    assert verdict(seen, back.host) == "put back"
    relabel(ready, 230)
    assert verdict(seen, ready.host) == "gap"
