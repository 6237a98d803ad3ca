"""The vectors of kind `audit`: entries and their chain, what `audit` answers, and what an entry does to the files.

make_vectors.py writes them. Nothing of the firmware is used: a ring is put together here from its description.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from coldshare_iface import codec, wire

Vector = dict[str, Any]
Ring = dict[str, bytes]

HOST = hashlib.sha256(b"a computer").digest()[:8]
BACKUP = hashlib.sha256(b"a backup").digest()[:16]
NOBODY = bytes(8)
ZEROS = bytes(32)


def entry(number: int, event: int, detail: int = 0, host: bytes = HOST, about: bytes = b"") -> bytes:
    return number.to_bytes(4, "big") + bytes((event,)) + detail.to_bytes(3, "big") + host + about.ljust(16, b"\0")


def link(before: bytes, *entries: bytes) -> bytes:
    for one in entries:
        before = hashlib.sha256(before + one).digest()
    return before


def labelled(count: int) -> list[bytes]:
    """A token whose label changes over and over."""
    return [entry(number, wire.EVENT_LABELLED) for number in range(1, count + 1)]


def path(start: int) -> str:
    return f"/a/{start:08x}"


def segment(entries: list[bytes], first: int, last: int) -> bytes:
    """Entries `first` to `last` as they are in a file."""
    return link(ZEROS, *entries[: first - 1]) + b"".join(entries[first - 1 : last])


def ring(entries: list[bytes], *bounds: tuple[int, int]) -> Ring:
    return {path(first): segment(entries, first, last) for first, last in bounds}


def as_hex(files: Ring) -> dict[str, str]:
    return {name: data.hex() for name, data in files.items()}


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def chain() -> Vector:
    """Every event there is, once."""
    told: list[tuple[int, int, bytes, bytes]] = [
        (wire.EVENT_PAIRED, 0, NOBODY, HOST),
        (wire.EVENT_SET_UP, 0, HOST, b""),
        (wire.EVENT_STORED, 0, HOST, BACKUP),
        (wire.EVENT_CONFIRMED, 0, HOST, BACKUP),
        (wire.EVENT_LABELLED, 0, HOST, b""),
        (wire.EVENT_WRONG_PINS, 2, HOST, b""),
        (wire.EVENT_PIN_CHANGED, 0, HOST, b""),
        (wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, HOST, BACKUP),
        (wire.EVENT_RETIRED, 0, HOST, BACKUP),
        (wire.EVENT_UN_RETIRED, 0, HOST, BACKUP),
        (wire.EVENT_DESTROYED, 0, HOST, BACKUP),
        (wire.EVENT_REMOVED, 0, HOST, BACKUP),
        (wire.EVENT_UNPAIRED, 7, HOST, HOST),
        (wire.EVENT_BURNT, 0, NOBODY, b""),
    ]
    rows, head = [], ZEROS
    for number, (event, detail, host, about) in enumerate(told, start=1):
        data = entry(number, event, detail, host, about)
        head = link(head, data)
        row = {"event": event, "detail": detail, "host": host.hex(), "about": about.ljust(16, b"\0").hex()}
        rows.append({"number": number, **row, "hex": data.hex(), "hash": head.hex()})
    return {"name": "chain", "comment": "every event once, and the hash after each", "entries": rows, "expect": "ok"}


def answers() -> Iterator[Vector]:
    def vector(
        name: str, comment: str, files: Ring, entries: list[bytes], *pages: tuple[int, int, int], gap: str = ""
    ) -> Vector:
        """`pages` are (number asked for, first in the answer, last in it)."""
        count, head = len(entries), link(ZEROS, *entries)
        told = []
        for start, first, last in pages:
            page = {3: first, 4: link(ZEROS, *entries[: first - 1]), 5: b"".join(entries[first - 1 : last])}
            told.append({"start": start, "reply": codec.encode({0: 0, 1: count, 2: head, **page}).hex()})
        out = {"name": name, "comment": comment, "files": as_hex(files), "count": count, "head": head.hex()}
        return out | {"answers": told} | ({"expect": "gap", "reason": gap} if gap else {"expect": "ok"})

    none = labelled(0)
    yield vector("answer-new", "nothing has been entered", {}, none, (1, 1, 0), (2, 1, 0))
    few = labelled(5)
    yield vector("answer-few", "one segment", ring(few, (1, 5)), few, (1, 1, 5), (4, 4, 5), (6, 6, 5), (99, 6, 5))
    some = labelled(70)
    whole = ring(some, (1, 32), (33, 64), (65, 70))
    comment = "an answer ends with its segment"
    yield vector("answer-segments", comment, whole, some, (1, 1, 32), (20, 20, 32), (33, 33, 64), (65, 65, 70))
    many = labelled(300)
    bounds = [(first, min(first + 31, 300)) for first in range(33, 301, 32)]
    comment = "of 300 entries the last 256 are told"
    yield vector(
        "answer-many", comment, ring(many, *bounds), many, (1, 45, 64), (45, 45, 64), (64, 64, 64), (300, 300, 300)
    )
    yield vector("answer-tail", "entries behind the head never counted", whole, some[:40], (33, 33, 40), (1, 1, 32))
    missing = ring(some, (1, 2), (4, 35), (36, 67), (68, 70))
    why = "entry 3 was never written"
    yield vector("answer-gap", "told from behind the gap on", missing, some, (1, 4, 35), (36, 36, 67), gap=why)
    damaged = whole | {path(33): flip(whole[path(33)], 40)}
    yield vector("answer-damaged", "told from behind the damage on", damaged, some, (1, 65, 70), gap="a bit has turned")
    damaged = whole | {path(65): whole[path(65)][:-1]}
    why = "the last byte is gone"
    yield vector("answer-nothing-left", "the newest segment is damaged", damaged, some, (1, 71, 70), gap=why)
    strange = ring(few, (1, 5)) | {"/a/5": b"x", "/a/0x000002": b"x", "/a/-0000001": b"x", "/a/0000000G": b"x"}
    yield vector("answer-strange-names", "files that are called otherwise are no segments", strange, few, (1, 1, 5))


def enters() -> Iterator[Vector]:
    def vector(name: str, comment: str, before: Ring, count: int, after: Ring, entries: list[bytes]) -> Vector:
        """`entries` are those up to `count`, and the new one."""
        heads = [link(ZEROS, *entries[:n]).hex() for n in (count, count + 1)]
        one = {"event": wire.EVENT_LABELLED, "detail": 0, "host": HOST.hex(), "about": bytes(16).hex()}
        out = {"name": name, "comment": comment, "files": as_hex(before), "count": count, "head": heads[0]}
        out |= {"enter": one, "files_after": as_hex(after), "count_after": count + 1, "head_after": heads[1]}
        return out | {"expect": "ok"}

    few = labelled(6)
    yield vector("enter-first", "the first one", {}, 0, ring(few, (1, 1)), few)
    yield vector("enter-next", "into the segment there is", ring(few, (1, 5)), 5, ring(few, (1, 6)), few)
    full = labelled(33)
    yield vector(
        "enter-33rd", "a full segment is left alone", ring(full, (1, 32)), 32, ring(full, (1, 32), (33, 33)), full
    )
    tail = ring(few, (1, 3))
    tail[path(1)] += entry(4, wire.EVENT_RELEASED, wire.PURPOSE_RESTORE, HOST, BACKUP)
    yield vector("enter-over-tail", "what never counted is written over", tail, 3, ring(few, (1, 4)), few)
    stale = ring(few, (1, 3)) | {path(9): b"what power left"}
    yield vector("enter-stale-segment", "a segment behind the head goes", stale, 3, ring(few, (1, 4)), few)
    behind = ring(few, (1, 2))
    yield vector("enter-after-gap", "entry 3 is missing: a new segment", behind, 3, ring(few, (1, 2), (4, 4)), few)
    broken = {path(1): flip(segment(few, 1, 3), 50)}
    comment = "what does not lead to the head is not gone on with"
    yield vector("enter-after-damage", comment, broken, 3, broken | ring(few, (4, 4)), few)
    many = labelled(289)
    bounds = [(first, first + 31) for first in range(1, 289, 32)]
    before = ring(many, *bounds)
    after = ring(many, *bounds[1:], (289, 289))
    yield vector("enter-289th", "the oldest segment goes when 256 entries follow it", before, 288, after, many)


def audit() -> Iterator[Vector]:
    yield chain()
    yield from answers()
    yield from enters()
