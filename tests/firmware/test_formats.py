"""What is on the flash, byte for byte: new firmware must read an old token, and the board's littlefs its files."""

from __future__ import annotations

import hashlib

from coldshare_iface import codec, wire
from coldshare_iface.primitives import NativeAes
from coldshare_iface.suite import A128cbcHs256, hkdf, hmac_sha256
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import BLOCK, FILE_BLOCKS, KEY_SIZE, PAGE, SIZE, Chip
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.token import SoftToken
from support.client import LABEL, PIN, Host, Puppet, blob, declaration


def counting(n: int) -> bytes:
    """Randomness that is none."""
    return bytes(range(n))


def block(sequence: int, record: dict[int, object]) -> bytes:
    """A key block, put together from the description in `keyarea.py` by other code than that."""
    payload = codec.encode(record)
    data = b"csk1" + sequence.to_bytes(4, "big") + len(payload).to_bytes(2, "big") + payload
    data += hashlib.sha256(data).digest()
    return data.ljust(BLOCK, b"\xff")


K32, K16, K8 = counting(32), counting(16), counting(8)
NEW: dict[int, object] = {0: 1, 1: K8, 2: K32, 3: K32, 4: K32, 5: 0, 6: "", 7: [], 8: 0, 9: [], 10: []}
BLANK = b"\xff" * BLOCK


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
    assert digest == "ce9a4864effba6c1913f4d84907a2ca47dfaab715cdfac0da88dd2506fbbf179"


def test_the_key_area_of_a_token_with_a_backup() -> None:
    chip = Chip()
    _, host = token(chip)
    host.pair()
    paired = {**NEW, 9: [[K8, K32, "desk"]]}
    assert bytes(chip.image[BLOCK:KEY_SIZE]) == block(2, paired)
    assert bytes(chip.image[:BLOCK]) == BLANK
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    ready = {**paired, 5: 1, 6: LABEL, 7: [K16, hmac_sha256(K16, PIN.encode())]}
    assert bytes(chip.image[:BLOCK]) == block(3, ready)
    data = blob(300)
    backup_id, factor = host.put(data)
    assert (backup_id, factor) == (K16, K32)

    def tag(kind: bytes, *parts: bytes) -> bytes:
        return hmac_sha256(K32, kind + b"\0", *[len(part).to_bytes(2, "big") + part for part in parts])[:16]

    vault, generation = b"\x02" + b"v" * 32, b"\xab\xcd\x01\x02" + b"g" * 28
    tags = [tag(b"vault", vault), tag(b"party", vault, b"Phone"), tag(b"generation", vault, generation)]
    kept = {**ready, 10: [[K16, K32, wire.BACKUP_ACTIVE, *tags]]}
    assert bytes(chip.image[BLOCK:KEY_SIZE]) == block(6, kept)
    digest = hashlib.sha256(chip.image[:KEY_SIZE]).hexdigest()
    assert digest == "97ebbfe5d1c5358b8fdc847c4b233b774afb11f301d450c70548083b0ff4fbb5"

    files = LittleFiles(Chip(bytes(chip.image)))
    name = K16.hex()
    assert {folder: files.listdir(folder) for folder in ("/", "/b", "/r", "/s")} == {
        "/": ["b", "r", "s"],
        "/b": [name],
        "/r": [name],
        "/s": [],
    }
    assert files.read(f"/b/{name}", 0, 400) == data
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
