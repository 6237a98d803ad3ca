"""What is on the flash, byte for byte: new firmware must read an old token, and the board's littlefs its files."""

from __future__ import annotations

import hashlib

import pytest

from coldshare_iface import codec, wire
from coldshare_iface.primitives import NativeAes
from coldshare_iface.suite import A128cbcHs256, hkdf, hmac_sha256
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.flash import BLOCK, FILE_BLOCKS, KEY_SIZE, PAGE, SIZE, Chip
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.token import SoftToken
from support.client import LABEL, Host, Puppet, blob, declaration


def counting(n: int) -> bytes:
    """Randomness that is none."""
    return bytes(range(n))


def block(sequence: int, record: dict[int, object]) -> bytes:
    """A key block, put together from the description in `keyarea.py` by other code than that."""
    payload = codec.encode(record)
    data = b"csk1" + sequence.to_bytes(4, "big") + len(payload).to_bytes(2, "big") + payload
    data += hashlib.sha256(data).digest()
    return data.ljust(BLOCK, b"\xff")


#: In the bytes below.
PIN = "483920"
K32, K16, K8 = counting(32), counting(16), counting(8)
OLD: dict[int, object] = {0: 1, 1: K8, 2: K32, 3: K32, 4: K32, 5: 0, 6: "", 7: [], 8: 0, 9: [], 10: []}
NEW: dict[int, object] = {**OLD, 0: 2, 11: [0, bytes(32)], 12: []}
BLANK = b"\xff" * BLOCK


class Log:
    """The audit ring, put together from its description by other code than that."""

    def __init__(self) -> None:
        self.head = bytes(32)
        self.entries: list[bytes] = []

    def enter(self, event: int, host: bytes, subject: bytes = b"", detail: int = 0) -> list[object]:
        number = len(self.entries) + 1
        entry = number.to_bytes(4, "big") + bytes([event]) + detail.to_bytes(3, "big") + host + subject.ljust(16, b"\0")
        self.entries.append(entry)
        self.head = hashlib.sha256(self.head + entry).digest()
        return [number, self.head]


def token(chip: Chip) -> tuple[SoftToken, Host]:
    soft = SoftToken(chip, Puppet(), clock=VirtualClock(), random=counting)
    return soft, Host(soft).hello()


def test_layout() -> None:
    assert (BLOCK, PAGE, KEY_SIZE, FILE_BLOCKS, SIZE) == (4096, 256, 8192, 352, 1_449_984)


def test_the_key_area_of_a_new_token() -> None:
    chip = Chip()
    token(chip)
    assert bytes(chip.image[:BLOCK]) == block(1, NEW)
    assert bytes(chip.image[BLOCK:KEY_SIZE]) == BLANK
    digest = hashlib.sha256(chip.image[:KEY_SIZE]).hexdigest()
    assert digest == "90d82d83fe582e5c8404f8fc3248e2eb7e0dbb4b552b96f4fc800af602311034"


def test_the_key_area_of_a_token_with_a_backup() -> None:
    chip = Chip()
    _, host = token(chip)
    host.pair()
    log = Log()
    paired = {**NEW, 9: [[K8, K32, "desk"]], 11: log.enter(wire.EVENT_PAIRED, bytes(8), K8)}
    assert bytes(chip.image[BLOCK:KEY_SIZE]) == block(2, paired)
    assert bytes(chip.image[:BLOCK]) == BLANK
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    ready = {
        **paired,
        5: 1,
        6: LABEL,
        7: [K16, hmac_sha256(K16, PIN.encode())],
        11: log.enter(wire.EVENT_SET_UP, K8),
    }
    assert bytes(chip.image[:BLOCK]) == block(3, ready)
    data = blob(300)
    backup_id, factor = host.put(data)
    assert (backup_id, factor) == (K16, K32)

    def tag(kind: bytes, *parts: bytes) -> bytes:
        return hmac_sha256(K32, kind + b"\0", *[len(part).to_bytes(2, "big") + part for part in parts])[:16]

    vault, generation = b"\x02" + b"v" * 32, b"\xab\xcd\x01\x02" + b"g" * 28
    tags = [tag(b"vault", vault), tag(b"party", vault, b"Phone"), tag(b"generation", vault, generation)]
    log.enter(wire.EVENT_STORED, K8, K16)
    kept = {**ready, 10: [[K16, K32, wire.BACKUP_ACTIVE, *tags]], 11: log.enter(wire.EVENT_CONFIRMED, K8, K16)}
    assert bytes(chip.image[BLOCK:KEY_SIZE]) == block(6, kept)
    digest = hashlib.sha256(chip.image[:KEY_SIZE]).hexdigest()
    assert digest == "78e98e0c50622b5e35a5c1ab8c8913b100911782d6eb43c5285afbe3f9ea28bb"

    files = LittleFiles(Chip(bytes(chip.image)))
    name = K16.hex()
    assert {folder: files.listdir(folder) for folder in ("/", "/a", "/b", "/r", "/s")} == {
        "/": ["a", "b", "r", "s"],
        "/a": ["00000001"],
        "/b": [name],
        "/r": [name],
        "/s": [],
    }
    assert files.read(f"/b/{name}", 0, 400) == data
    assert files.read("/a/00000001", 0, 4096) == bytes(32) + b"".join(log.entries)
    key = hkdf(b"", K32, b"coldshare/1 record" + K16, 32)
    sealed = files.read(f"/r/{name}", 0, files.size(f"/r/{name}"))
    assert A128cbcHs256(NativeAes(), key).decrypt(0, K16, sealed) == declaration()


def test_littlefs_is_the_version_that_boards_mount() -> None:
    """littlefs 2.0 on disk, 352 blocks of 4096 bytes: MicroPython 1.23 on a Pico reads the same."""
    chip = Chip()
    LittleFiles(chip)
    at = chip.image.index(b"littlefs")
    assert KEY_SIZE <= at < KEY_SIZE + 2 * BLOCK
    # Behind the name comes the inline superblock: its tag of four bytes, then little-endian words.
    words = [int.from_bytes(chip.image[at + 12 + i : at + 16 + i], "little") for i in (0, 4, 8)]
    assert words == [0x00020000, BLOCK, FILE_BLOCKS]


def test_a_record_of_layout_1_is_read_and_replaced() -> None:
    """Tokens from before there were generations and an audit ring lose nothing."""
    tags = [b"t" * 16] * 3
    old = {**OLD, 5: 1, 6: LABEL, 7: [K16, hmac_sha256(K16, PIN.encode())], 9: [[K8, K32, "desk"]]}
    old[10] = [[K16, K32, wire.BACKUP_ACTIVE, *tags]]
    chip = Chip(block(9, old) + b"\xff" * (SIZE - BLOCK))
    _, host = token(chip)
    assert bytes(chip.image[:BLOCK]) == block(9, old)
    host.psk_id, host.psk = K8, K32
    host.open()
    host.ok(wire.OP_UNLOCK, PIN)
    assert [held[1] for held in host.list()] == [K16]
    new = {**old, 0: 2, 11: [0, bytes(32)], 12: []}
    assert bytes(chip.image[:BLOCK]) == block(11, new)


def test_a_record_of_a_later_layout_is_left_alone() -> None:
    image = block(9, {**NEW, 0: 3}) + b"\xff" * (SIZE - BLOCK)
    chip = Chip(image)
    with pytest.raises(DamagedTokenError):
        token(chip)
    assert bytes(chip.image[:BLOCK]) == image[:BLOCK]
