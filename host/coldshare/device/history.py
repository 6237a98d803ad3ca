"""A token's audit ring, checked: that it leads from what this computer saw last to what the token says now. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from coldshare.device.errors import RolledBackError
from coldshare_iface import wire
from coldshare_iface.codec import Value
from coldshare_iface.errors import ReplyError
from coldshare_iface.messages import AuditPage, take

_NOBODY = bytes(wire.PSK_ID_SIZE)
_SUBJECT = 16


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries a ring has had, and the hash (32 bytes) after the last one."""

    count: int
    hash: bytes

    @classmethod
    def decode(cls, reply: dict[int, Value], key: int) -> Head:
        """From the fields `key` and the one after it of an answer to `unlock` or `confirm`. Raises ReplyError."""
        return cls(
            take(reply, key, int, 0, 0xFFFFFFFF),
            take(reply, key + 1, bytes, wire.DIGEST_SIZE, wire.DIGEST_SIZE),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done to a token. `event` is one of `wire.EVENT_*`; `host` the psk id of the computer that
    asked, empty for the token by itself; `subject` a backup id (16 bytes) or a psk id (8), by event, or empty."""

    number: int
    event: int
    detail: int
    host: bytes
    subject: bytes

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """From the 32 bytes of the contract (firmware_iface/README.md, Audit ring)."""
        event = data[4]
        host, subject = data[8:16], data[16:]
        if event in (wire.EVENT_PAIRED, wire.EVENT_UNPAIRED):
            subject = subject[: wire.PSK_ID_SIZE]
        elif subject == bytes(_SUBJECT):
            subject = b""
        return cls(
            int.from_bytes(data[:4], "big"),
            event,
            int.from_bytes(data[5:8], "big"),
            b"" if host == _NOBODY else host,
            subject,
        )


@dataclass(frozen=True, slots=True)
class History:
    """What a token could show. `entries` lead up to `head`; `known` says whether they go on from what was seen before
    without a gap, and is False too when nothing was seen before. `since` is the number of the last entry seen before,
    None when this is the first look."""

    head: Head
    entries: tuple[Entry, ...]
    known: bool
    since: int | None = None


def read(ask: Callable[[int], AuditPage], seen: Head | None, *, everything: bool = False) -> History:
    """All entries since `seen`, or with `everything` all that there are; `ask(n)` gets a page from number `n` on.

    Raises RolledBackError when the token's chain is not a continuation of what was seen, and ReplyError when it is no
    chain at all.
    """
    start = 1 if everything or seen is None else seen.count + 1
    page = ask(start)
    head = Head(page.count, page.head)
    if seen is not None and head.count < seen.count:
        raise RolledBackError
    if not max(start, head.count + 1 - wire.AUDIT_MAX) <= page.first <= head.count + 1:
        raise ReplyError("The token's audit ring begins at a place where it cannot begin.")
    known = seen is not None and (page.first <= seen.count + 1)
    number, link = page.first, page.before
    entries: list[Entry] = []
    at_seen = link if seen is not None and number == seen.count + 1 else None
    while True:
        if (page.first, page.before, page.count, page.head) != (number, link, head.count, head.hash):
            raise ReplyError("The pages of the token's audit ring do not belong together.")
        if len(page.entries) % wire.AUDIT_ENTRY:
            raise ReplyError("The token's audit ring has half an entry.")
        for at in range(0, len(page.entries), wire.AUDIT_ENTRY):
            data = page.entries[at : at + wire.AUDIT_ENTRY]
            entry = Entry.decode(data)
            if entry.number != number:
                raise ReplyError("The token's audit ring has an entry out of order.")
            entries.append(entry)
            link = hashlib.sha256(link + data).digest()
            number += 1
            if seen is not None and number == seen.count + 1:
                at_seen = link
        if number > head.count:
            break
        if not page.entries:
            raise ReplyError("The token's audit ring ends before its head.")
        page = ask(number)
    if number != head.count + 1 or link != head.hash:
        raise ReplyError("The token's audit ring does not lead to its head.")
    if seen is not None and known and at_seen != seen.hash:
        raise RolledBackError
    return History(head, tuple(entries), known, None if seen is None else seen.count)
