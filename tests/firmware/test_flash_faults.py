"""A flash that fails, runs full or decays: an honest answer, and nothing taken for stored that is not."""

from __future__ import annotations

import errno
import hashlib
from copy import copy

import pytest

from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.keys import F_NAMES_KEY, F_PIN, F_SLOTS, F_STATIC, F_TAG_KEY, Keys
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import DamagedTokenError
from coldshare_sim.flash import BLOCK, KEY_SIZE, Chip, KeyBlocks, Operation
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from coldshare_sim.trace import FlashTrace
from support.client import HELD, PIN, WRONG, Bench, FrameRefusedError, Puppet, blob, declaration, secrets


def keys(bench: Bench) -> Keys:
    return Keys(SimHal(Chip(bench.image), AbsentPerson(), VirtualClock(), bytes))


class Failing:
    """A chip that refuses operation number `at`, and from then on as many as `times` says."""

    def __init__(self, chip: Chip, at: int, times: int = 1, error: Exception | None = None) -> None:
        self.count = 0
        self._range = range(at, at + times)
        self._error = error or OSError(errno.EIO, "worn out")
        chip.before = self

    def __call__(self, operation: Operation) -> None:
        self.count += 1
        if self.count - 1 in self._range:
            raise copy(self._error)  # raised again and again, one would remember every token that it came to


def prepared(ready: Bench, act: str) -> tuple[Bench, bytes]:
    """A token about to `act`, and the backup it is about."""
    bench = ready.clone()
    host = bench.host.again()
    if act in ("unlock", "wrong", "reserve", "label", "change"):
        return bench, b""
    if act in ("remove", "wipe"):
        backup_id, _ = host.put(blob(5000))
        bench.person.default = HELD
        return bench, backup_id
    backup_id, _ = host.reserve()
    if act != "begin":
        host.send(backup_id, blob(5000))
    if act == "confirm":
        host.ok(wire.OP_COMMIT, backup_id)
    return bench, backup_id


def run(bench: Bench, act: str, backup_id: bytes) -> int:
    requests: dict[str, tuple[object, ...]] = {
        "unlock": (wire.OP_UNLOCK, PIN),
        "wrong": (wire.OP_UNLOCK, WRONG),
        "reserve": (wire.OP_RESERVE, declaration()),
        "begin": (wire.OP_BEGIN, backup_id, 5000, bytes(32)),
        "commit": (wire.OP_COMMIT, backup_id),
        "confirm": (wire.OP_CONFIRM, backup_id),
        "abort": (wire.OP_ABORT, backup_id),
        "label": (wire.OP_LABEL, "Safe B"),
        "change": (wire.OP_CHANGE_PIN, PIN, PIN),
        "remove": (wire.OP_REMOVE, backup_id),
    }
    return bench.host.status(*requests[act])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("times", "error"),
    [(1, OSError(errno.EIO, "worn out")), (10_000, OSError(errno.EIO, "worn out")), (1, MemoryError())],
    ids=["once", "for good", "no memory"],
)
@pytest.mark.parametrize(
    "act",
    ["unlock", "wrong", "reserve", "begin", "commit", "confirm", "abort", "label", "change", "remove"],
)
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_a_write_that_fails(ready: Bench, act: str, times: int, error: Exception, every: int) -> None:
    """At every operation: a status and no exception; what is then on flash is what the token works with."""
    bench, backup_id = prepared(ready, act)
    trace = FlashTrace(bench.chip)
    run(bench, act, backup_id)
    for at in range(0, len(trace.operations), every):
        bench, backup_id = prepared(ready, act)
        fault = Failing(bench.chip, at, times, error)
        status = run(bench, act, backup_id)
        assert status in (wire.STATUS_STORAGE, wire.STATUS_OK), f"operation {at}"
        if status == wire.STATUS_OK:
            assert act not in ("unlock", "wrong"), "only sweeping up and the log may fail unheard"
        assert fault.count > at
        bench.chip.before = None
        assert bench.token._token._keys.record == keys(bench).record
        assert bench.person.screen[0] == "coldshare"
        # The flash works again: so does the token, at once and after a power cycle.
        for power in (False, True):
            if power:
                bench.power_cycle()
            bench.host.again()
            backup_id, _ = bench.host.put(blob(5000))
            assert bench.host.get(backup_id, 5000) == blob(5000)


@pytest.mark.parametrize("times", [1, 10_000])
def test_a_wipe_that_fails(ready: Bench, times: int) -> None:
    """At every operation: an honest status, the old token or a new one, and it can be wiped once the flash works."""
    bench, _ = prepared(ready, "wipe")
    trace = FlashTrace(bench.chip)
    bench.host.wipe()
    for at in range(len(trace.operations)):
        bench, _ = prepared(ready, "wipe")
        old = keys(bench).record
        gone = [old[F_STATIC], old[F_NAMES_KEY], old[F_TAG_KEY], *old[F_PIN], old[F_SLOTS][0][1], bench.host.psk]
        fault = Failing(bench.chip, at, times)
        status = bench.host.wipe()[0]
        assert fault.count > at
        bench.chip.before = None
        assert bench.token._token._keys.record == keys(bench).record
        if status == wire.STATUS_OK:
            assert secrets(bench.image, *gone) == []
        else:
            assert status == wire.STATUS_STORAGE
            assert bench.host.wipe() == {0: wire.STATUS_OK}
        bench.power_cycle()
        assert secrets(bench.image, *gone) == []
        assert keys(bench).state == wire.TOKEN_NEW
        assert SimHal(bench.chip, AbsentPerson(), VirtualClock(), bytes).files.listdir("/b") == []
        bench.host.hello()
        bench.make_ready()


def test_what_is_left_of_an_earlier_transfer_never_becomes_part_of_a_new_one(ready: Bench) -> None:
    """Whichever removal fails, the token does not accept a byte on top of old ones."""
    old, new = blob(5000, 1), blob(6000, 2)
    count = 1
    at = 0
    while at < count:
        bench, backup_id = prepared(ready, "begin")
        host = bench.host
        host.begin(backup_id, old)
        host.ok(wire.OP_CHUNK, 0, old[:3000])
        fault = Failing(bench.chip, at)
        status = host.status(wire.OP_BEGIN, backup_id, len(new), hashlib.sha256(new).digest())
        count = max(count, fault.count)
        bench.chip.before = None
        if status == wire.STATUS_OK:
            host.ok(wire.OP_CHUNK, 0, new)
            host.ok(wire.OP_PREPARE, backup_id)
        else:
            assert status == wire.STATUS_STORAGE
            host.send(backup_id, new)
        host.ok(wire.OP_COMMIT, backup_id)
        assert host.get(backup_id, len(new)) == new
        at += 1
    assert at == 3, "the two removals and the new announcement"


class Late(Chip):
    """Programs, and then says that it could not."""

    doubtful = False

    def program(self, offset: int, data: bytes) -> None:
        super().program(offset, data)
        if self.doubtful:
            raise OSError(errno.EIO, "not sure")


def test_a_chunk_that_may_or_may_not_be_there(ready: Bench) -> None:
    """Nothing more is taken until the host has asked where the transfer stands."""
    data = blob(9000)
    chip = Late(ready.image)
    bench = Bench(chip, Puppet())
    host = bench.host
    host.psk_id, host.psk = ready.host.psk_id, ready.host.psk
    host.again()
    backup_id, _ = host.reserve()
    host.begin(backup_id, data)
    host.ok(wire.OP_CHUNK, 0, data[:3000])
    chip.doubtful = True
    assert host.status(wire.OP_CHUNK, 3000, data[3000:6000]) == wire.STATUS_STORAGE
    chip.doubtful = False
    assert host.status(wire.OP_CHUNK, 3000, data[3000:6000]) == wire.STATUS_BAD_STATE
    host.send(backup_id, data)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.get(backup_id, len(data)) == data


def test_no_guess_on_a_flash_that_does_not_count(ready: Bench) -> None:
    """When the attempt cannot be written down, the PIN is not even looked at."""
    for pin in (PIN, WRONG):
        bench = ready.clone()
        bench.host.hello().open()
        Failing(bench.chip, 0, 10_000)
        assert bench.host.status(wire.OP_UNLOCK, pin) == wire.STATUS_STORAGE
        assert bench.host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED


class Liar(Chip):
    """Says that it has programmed, and has not."""

    lying = False

    def program(self, offset: int, data: bytes) -> None:
        if not self.lying:
            super().program(offset, data)


def test_a_flash_that_lies_is_read_back(ready: Bench) -> None:
    chip = Liar(ready.image)
    bench = Bench(chip, Puppet())
    bench.host.psk_id, bench.host.psk = ready.host.psk_id, ready.host.psk
    bench.host.hello().open()
    chip.lying = True
    assert bench.host.status(wire.OP_UNLOCK, PIN) == wire.STATUS_STORAGE
    assert bench.host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED
    chip.lying = False
    bench.host.ok(wire.OP_UNLOCK, PIN)


def test_a_full_flash_says_so(ready: Bench) -> None:
    """Whatever does not fit is refused before the person is asked, and what was there stays whole."""
    host = ready.host
    sizes = [300_000, 300_000, 300_000, 300_000, 100_000]
    ids = [host.put(blob(size, n), declaration(vault=bytes([n]) * 33))[0] for n, size in enumerate(sizes)]
    asked = len(ready.person.questions)
    backup_id, _ = host.reserve(declaration(vault=b"x" * 33))
    assert host.status(wire.OP_BEGIN, backup_id, 200_000, bytes(32)) == wire.STATUS_NO_SPACE
    assert len(ready.person.questions) == asked
    ready.power_cycle()
    host.again()
    for n, size in enumerate(sizes):
        host.ok(wire.OP_OPEN, ids[n], wire.PURPOSE_VERIFY)
        assert host.get(ids[n], size) == blob(size, n)


def test_unreadable_keys_are_left_for_somebody_with_more_time(ready: Bench) -> None:
    """One bit of the only record has flipped. The token destroys nothing, and gives copies of what is sealed."""
    backup_id, _ = ready.host.put(blob(5000))
    image = bytearray(ready.image)
    active = 0 if image[:4] == b"csk1" else 1
    image[active * BLOCK + 300] ^= 0x10
    damaged = bytes(image)
    bench = Bench(Chip(damaged))
    assert bench.host.read_info()[5] == wire.TOKEN_BURNT
    assert bench.person.screen[0] == "KEYS LOST"
    assert bench.host.pair() == {0: wire.STATUS_TIMED_OUT}
    bench.person.default = HELD
    assert bench.host.pair()[0] == wire.STATUS_OK
    host = bench.host.open()
    assert host.list() == [{1: backup_id, 2: wire.BACKUP_KEYLESS, 3: 5000}]
    opened = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    assert opened == {0: wire.STATUS_OK, 1: 5000, 2: hashlib.sha256(blob(5000)).digest()}
    assert host.get(backup_id, 5000) == blob(5000)
    bench.power_cycle()
    assert bench.image == damaged
    with pytest.raises(FrameRefusedError):
        host.hello().open()
    image[active * BLOCK + 300] ^= 0x10
    repaired = ready.clone(bytes(image))
    repaired.host.again()
    assert len(repaired.host.list()) == 1


def test_damaged_files_are_not_formatted_over(ready: Bench) -> None:
    ready.host.put(blob(5000))
    image = bytearray(ready.image)
    image[KEY_SIZE : KEY_SIZE + 2 * BLOCK] = blob(2 * BLOCK)
    chip = Chip(bytes(image))
    with pytest.raises(DamagedTokenError):
        Bench(chip)
    assert bytes(chip.image) == bytes(image)


def test_a_damaged_record_takes_no_share_with_it(ready: Bench) -> None:
    """Its name is gone. It is listed without one, the others are listed as ever, and it opens."""
    backup_id, factor = ready.host.put(blob(500))
    other, _ = ready.host.put(blob(600), declaration(vault=b"o" * 33))
    hal = SimHal(ready.chip, AbsentPerson(), VirtualClock(), bytes)
    path = f"/r/{backup_id.hex()}"
    record = hal.files.read(path, 0, hal.files.size(path))
    hal.files.write(path, record[:-1] + bytes([record[-1] ^ 1]))
    ready.power_cycle()
    host = ready.host.again()
    assert host.list() == [
        {1: backup_id, 2: wire.BACKUP_ACTIVE, 3: 500},
        {1: other, 2: wire.BACKUP_ACTIVE, 3: 600, 4: declaration(vault=b"o" * 33)},
    ]
    opened = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    assert opened == {0: wire.STATUS_OK, 1: 500, 2: hashlib.sha256(blob(500)).digest(), 4: factor}
    assert ready.person.questions[-1] == [
        "RELEASE to restore?",
        "(its name is damaged)",
        f"backup {backup_id.hex()[:8]}",
        "Press YES or NO",
    ]
    assert host.get(backup_id, 500) == blob(500)


def test_a_blob_that_is_gone_is_a_storage_error(ready: Bench) -> None:
    backup_id, _ = ready.host.put(blob(500))
    SimHal(ready.chip, AbsentPerson(), VirtualClock(), bytes).files.remove(f"/b/{backup_id.hex()}")
    ready.power_cycle()
    ready.host.again()
    assert ready.host.list() == [{1: backup_id, 2: wire.BACKUP_ACTIVE, 3: 0, 4: declaration()}]
    assert ready.host.status(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE) == wire.STATUS_STORAGE


@pytest.mark.parametrize(
    "meta", [b"", b"\x00", b"\x83\x01\x02\x03", b"\x83\x50" + bytes(16) + b"\x41x\x41x", bytes(99)]
)
def test_a_staged_transfer_that_makes_no_sense_is_dropped(ready: Bench, meta: bytes) -> None:
    hal = SimHal(ready.chip, AbsentPerson(), VirtualClock(), bytes)
    hal.files.write("/s/meta", meta)
    hal.files.write("/s/blob", b"left over")
    ready.power_cycle()
    ready.host.again()
    backup_id, _ = ready.host.put(blob(500))
    assert ready.host.get(backup_id, 500) == blob(500)


# --- the key area by itself
def area(*blocks: bytes) -> tuple[KeyArea, Chip]:
    chip = Chip()
    for number, block in enumerate(blocks):
        chip.program(number * BLOCK, block)
    return KeyArea(KeyBlocks(chip)), chip


def stored(*records: dict[int, int]) -> Chip:
    chip = Chip()
    one = KeyArea(KeyBlocks(chip))
    one.load()
    for record in records:
        one.store(record)  # type: ignore[arg-type]
    return chip


def test_records_take_turns_and_leave_nothing_behind() -> None:
    chip = stored({1: 1}, {1: 2}, {1: 3})
    assert chip.image.count(0xFF, BLOCK, 2 * BLOCK) == BLOCK
    assert KeyArea(KeyBlocks(chip)).load() == {1: 3}
    assert int.from_bytes(chip.image[4:8], "big") == 3


def test_the_higher_sequence_wins_and_the_other_goes() -> None:
    first, second = stored({1: 1}), stored({1: 1}, {1: 2})
    one, chip = area(first.image[:BLOCK], second.image[BLOCK : 2 * BLOCK])
    assert one.load() == {1: 2}
    assert chip.image.count(0xFF, 0, BLOCK) == BLOCK


def test_a_record_too_long_for_its_block() -> None:
    chip = stored({1: 1})
    one = KeyArea(KeyBlocks(chip))
    one.load()
    before = bytes(chip.image)
    with pytest.raises(StorageError):
        one.store({1: bytes(BLOCK)})
    assert bytes(chip.image) == before


def test_looking_repairs_nothing() -> None:
    first, second = stored({1: 1}), stored({1: 1}, {1: 2})
    one, chip = area(first.image[:BLOCK], second.image[BLOCK : 2 * BLOCK])
    before = bytes(chip.image)
    assert one.load(False) == {1: 2}
    assert bytes(chip.image) == before
