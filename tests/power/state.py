"""What a token amounts to, read from its flash alone, and what no flash of a token may ever have on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from coldshare_firmware.audit import Audit
from coldshare_firmware.keys import (
    F_AUDIT,
    F_FAILS,
    F_LABEL,
    F_PAIRINGS,
    F_PIN,
    F_RETIRED,
    F_SERIAL,
    F_STATE,
    RESERVED,
    S_ID,
    S_STATE,
    Keys,
)
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_iface.suite import hmac_sha256, sha256
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import BLOCK, FILE_BLOCKS, KEY_BLOCKS
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from power.images import BlockChip, Image
from support.client import PIN, blob

NEW_PIN = "271828"
DATA = blob(9000)
OTHER = blob(7000, 2)
SMALL = blob(700, 3)
#: Every share in the stories, by its digest: whoever finds half of one on a token knows how it goes on.
BLOBS = {hashlib.sha256(data).digest(): data for data in (DATA, OTHER, SMALL)}

_HEAD = 10
_PIECE = 8


@dataclass(frozen=True)
class View:
    """What a token amounts to. Two equal views are the same token to everybody who may use it."""

    state: int
    #: None for a token that has not been powered up yet: any serial will do.
    serial: bytes | None
    label: str = ""
    #: The PIN that opens it, found among those in the stories; None where there is none.
    pin: str | None = None
    fails: int = 0
    pairings: tuple[bytes, ...] = ()
    #: (id, state, digest of the sealed share, digest of its declaration)
    backups: tuple[tuple[bytes, int, bytes, bytes], ...] = ()
    retired: tuple[tuple[bytes, bytes], ...] = ()
    #: The audit ring: (event, detail, subject).
    events: tuple[tuple[int, int, bytes], ...] = ()

    def backup(self, backup_id: bytes) -> int | None:
        """The state of that backup; None when it is not there."""
        return next((state for known, state, *_ in self.backups if known == backup_id), None)


#: A chip that nobody has powered up.
NOTHING = View(wire.TOKEN_NEW, None)


@dataclass(frozen=True)
class Seen:
    """A token as found on flash: its view, its secrets, and how much of which share is staged."""

    view: View
    secrets: frozenset[bytes] = frozenset()
    psks: tuple[tuple[bytes, bytes], ...] = ()
    #: (backup id, bytes there, digest of the whole) of a transfer.
    staged: tuple[bytes, int, bytes] | None = None
    #: Blocks that the files take.
    used: int = 0
    #: What is staged is how that share begins, as far as anybody here knows.
    good: bool = True


def look(chip: BlockChip) -> Seen:
    """Read a token that is powered, or has been since the last cut. Raises AssertionError for what must not be there.

    Nothing is written: a token at rest has nothing left to repair.
    """
    if all(block.count(b"\xff") == BLOCK for block in chip.blocks):
        return Seen(NOTHING)
    chip = chip.look()
    hal = SimHal(chip, AbsentPerson(), VirtualClock(), bytes)
    keys = Keys(hal)
    store = Store(hal, keys)
    if keys.fresh:
        keys.lose()
    else:
        _only_the_record(chip)
    if keys.state == wire.TOKEN_BURNT:
        return Seen(_view(keys, hal, [(each, wire.BACKUP_KEYLESS) for each in store.ids()], store), _secrets(keys))
    slots = [(bytes(slot[S_ID]), slot[S_STATE]) for slot in keys.slots]
    known = [backup_id.hex() for backup_id, _ in slots]
    left = [name for folder in ("/b", "/r") for name in hal.files.listdir(folder) if name not in known]
    assert left == [], f"left over: {left}"
    ahead = [name for name in hal.files.listdir("/a") if int(name, 16) > keys.record[F_AUDIT][0]]
    assert ahead == [], f"left over of the audit ring: {ahead}"
    staged = store.staged()
    have = store.staged_size()
    assert staged is None or (staged[0], RESERVED) in slots, "a transfer is staged for which nothing is reserved"
    assert staged is not None or not have, "bytes are staged that no transfer accounts for"
    psks = tuple((bytes(entry[0]), bytes(entry[1])) for entry in keys.record[F_PAIRINGS])
    view, secrets = _view(keys, hal, slots, store), _secrets(keys)
    used = FILE_BLOCKS - hal.files.free() // BLOCK
    if staged is None:
        return Seen(view, secrets, psks, used=used)
    whole = BLOBS.get(staged[2])
    good = whole is None or not have or whole.startswith(hal.files.read("/s/blob", 0, have))
    return Seen(view, secrets, psks, (staged[0], have, staged[2]), used, good)


def _view(keys: Keys, hal: SimHal, slots: list[tuple[bytes, Any]], store: Store) -> View:
    record = keys.record
    backups = []
    for backup_id, state in slots:
        blob = b"" if state == RESERVED else hal.files.read(f"/b/{backup_id.hex()}", 0, store.size(backup_id))
        declared = b"" if state == wire.BACKUP_KEYLESS else store.read_record(backup_id)
        backups.append((backup_id, state, hashlib.sha256(blob).digest(), hashlib.sha256(declared).digest()))
    pin = None
    if record[F_PIN]:
        salt, verifier = record[F_PIN]
        pin = next(each for each in (PIN, NEW_PIN) if hmac_sha256(salt, each.encode()) == verifier)
    return View(
        record[F_STATE],
        record[F_SERIAL],
        record[F_LABEL],
        pin,
        record[F_FAILS],
        tuple(entry[0] for entry in record[F_PAIRINGS]),
        tuple(backups),
        tuple((entry[0], entry[1]) for entry in record[F_RETIRED]),
        () if keys.lost else _events(keys, Audit(hal, keys)),
    )


def _events(keys: Keys, audit: Audit) -> tuple[tuple[int, int, bytes], ...]:
    """What the ring holds, which must lead up to the head without a gap."""
    count, head = keys.record[F_AUDIT]
    out: list[tuple[int, int, bytes]] = []
    number, link, entries = audit.read(1)
    assert number <= max(1, count - wire.AUDIT_MAX + 1), f"the audit ring begins at {number} of {count}"
    while number <= count:
        if not entries:
            first, before, entries = audit.read(number)
            assert (first, before) == (number, link), "the audit ring has a gap"
        entry, entries = entries[: wire.AUDIT_ENTRY], entries[wire.AUDIT_ENTRY :]
        assert entry[:4] == number.to_bytes(4, "big")
        link = sha256(link, entry)
        out.append((entry[4], int.from_bytes(entry[5:8], "big"), entry[16:]))
        number += 1
    assert link == head, "the audit ring does not lead to its head"
    return tuple(out)


def _only_the_record(chip: BlockChip) -> None:
    """In the key area there is the record that counts, and not one bit besides: neither of an older one nor of one
    that never came to count."""
    blank = []
    for number in range(KEY_BLOCKS):
        block = chip.read(number * BLOCK, BLOCK)
        end = _HEAD + int.from_bytes(block[8:_HEAD], "big") + 32
        rest = block if block[:4] != b"csk1" else block[end:]
        assert rest.count(b"\xff") == len(rest), "the key area has more on it than its record"
        blank.append(len(rest) == BLOCK)
    assert sorted(blank) == [False, True], "the key area has two records"


def _secrets(keys: Keys) -> frozenset[bytes]:
    """Keys, verifiers and tags: every longer byte string in the record but the backup ids, which name files, the
    salt of the PIN, and the head of the audit ring, which follows from it."""
    if keys.lost:
        return frozenset()
    public = {slot[S_ID] for slot in keys.slots} | set(keys.record[F_PIN][:1])
    record = {field: value for field, value in keys.record.items() if field != F_AUDIT}
    return frozenset(each for each in _strings(record) if len(each) >= 16 and each not in public)


def _strings(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def exposed(blocks: set[bytes], secrets: frozenset[bytes]) -> bytes | None:
    """A block of the file system that has eight bytes in a row of a secret, or a name in the clear; None if none has.

    No secret belongs there, destroyed or not: littlefs erases nothing when it is told to forget it.
    """
    pieces = [b"Savings", *(secret[at : at + _PIECE] for secret in secrets for at in range(0, len(secret), _PIECE))]
    for block in blocks:
        for piece in pieces:
            if piece in block:
                return block
    return None


def files(image: Image) -> Image:
    """The blocks behind the key area."""
    return image[KEY_BLOCKS:]


def counted(view: View) -> View:
    """The same token with one more attempt on record."""
    return replace(view, fails=view.fails + 1)
