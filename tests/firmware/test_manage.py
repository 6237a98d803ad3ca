"""Life with a token: what can be changed, by whom, and what is left of what was destroyed."""

from __future__ import annotations

import pytest

from coldshare_firmware.keys import F_FAILS, F_LABEL, F_PAIRINGS, F_PIN, F_SERIAL, Keys
from coldshare_firmware.screens import HOLD, HOLD_ON
from coldshare_iface import codec, wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SimHal
from support.client import (
    HELD,
    LABEL,
    NO,
    NOBODY,
    PIN,
    WRONG,
    YES,
    Bench,
    FrameRefusedError,
    Host,
    blob,
    declaration,
    secrets,
)

NEW_PIN = "271828"


def record(bench: Bench) -> dict[int, object]:
    return Keys(SimHal(Chip(bench.image), AbsentPerson(), VirtualClock(), bytes)).record


def files(bench: Bench) -> list[str]:
    kept = LittleFiles(Chip(bench.image))
    return [f"{folder}/{name}" for folder in ("/b", "/r", "/s") for name in kept.listdir(folder)]


def all_keys(bench: Bench) -> list[bytes]:
    """Every secret in the key area."""
    known = record(bench)
    slots = [slot[1] for slot in known[10]]  # type: ignore[attr-defined]
    psks = [entry[1] for entry in known[F_PAIRINGS]]  # type: ignore[attr-defined]
    return [known[2], known[3], known[4], *known[F_PIN], *slots, *psks]  # type: ignore[list-item, misc]


def burn(bench: Bench) -> None:
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt in (3, 6):
            bench.power_cycle()
            bench.host.hello().open()
        bench.host.ask(wire.OP_UNLOCK, WRONG)
    assert bench.host.read_info()[5] == wire.TOKEN_BURNT


# --- a button that is held


def test_a_short_press_does_not_destroy_and_is_told_so(ready: Bench) -> None:
    backup_id, _ = ready.host.put(blob(300))
    before = ready.image
    ready.person.default = NOBODY
    ready.host.start(wire.OP_REMOVE, backup_id)
    assert ready.host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    question = ready.person.screen
    assert question[-1] == HOLD
    for _ in range(3):
        ready.person.press(YES)
        assert ready.host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    assert ready.person.screen == [*question[:-1], HOLD_ON]
    assert len([lines for lines in ready.person.questions if lines[-1] == HOLD_ON]) == 1
    assert ready.image == before
    ready.person.press(HELD)
    assert ready.host.finish() == {0: wire.STATUS_OK}


def test_short_presses_do_not_make_the_minute_longer(ready: Bench) -> None:
    backup_id, _ = ready.host.put(blob(300))
    before = ready.clock.now_ms()
    ready.person.default = YES
    assert ready.host.status(wire.OP_REMOVE, backup_id) == wire.STATUS_TIMED_OUT
    assert ready.clock.now_ms() - before == wire.PERSON_TIMEOUT_MS


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([NO], wire.STATUS_REJECTED),
        ([YES, NO], wire.STATUS_REJECTED),
        ([NOBODY], wire.STATUS_TIMED_OUT),
        ([YES, HELD], wire.STATUS_OK),
        ([HELD], wire.STATUS_OK),
    ],
)
@pytest.mark.parametrize("what", ["remove", "wipe"])
def test_what_destroys_is_held(ready: Bench, what: str, answers: list[int], status: int) -> None:
    backup_id, factor = ready.host.put(blob(300))
    before = ready.image
    ready.person.default = NOBODY
    ready.person._answers = iter(answers)
    reply = ready.host.wipe() if what == "wipe" else ready.host.ask(wire.OP_REMOVE, backup_id)
    assert reply == {0: status}
    assert (ready.image == before) == (status != wire.STATUS_OK)
    assert secrets(ready.image, factor) == ([] if status == wire.STATUS_OK else [factor])


class Board:
    """The button of a real board: YES as soon as it is down, HELD once it has been down for two seconds."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.down_at = -1
        self.screen: list[str] = []

    def show(self, lines: list[str], question: bool) -> None:
        self.screen = lines

    def button(self) -> int:
        if self.down_at < 0:
            return NOBODY
        return HELD if self.clock.now_ms() - self.down_at >= wire.HOLD_MS else YES

    def close(self) -> None:
        pass


def test_two_seconds_on_a_real_button(ready: Bench) -> None:
    finger = Board(ready.clock)
    host = Host(ready.soft(finger)).hello()
    host.handshake()
    host.start(wire.OP_WIPE)
    host.read(keepalives=True)
    assert finger.screen[-1] == HOLD
    for milliseconds in (100, 1900):
        finger.down_at = ready.clock.now_ms()
        while ready.clock.now_ms() - finger.down_at < milliseconds:
            assert host.token.read(0.01) is None or finger.screen[-1] == HOLD_ON
        finger.down_at = -1
        host.token.read(0.3)
        assert finger.screen[-1] == HOLD_ON
    finger.down_at = ready.clock.now_ms()
    assert host.finish() == {0: wire.STATUS_OK}
    assert wire.HOLD_MS <= ready.clock.now_ms() - finger.down_at < wire.HOLD_MS + wire.KEEPALIVE_MS
    assert finger.screen[:2] == ["coldshare", "not set up"]


def test_a_hold_is_a_press_too(ready: Bench) -> None:
    ready.person.default = HELD
    assert ready.host.ok(wire.OP_LABEL, "Safe B") == {0: wire.STATUS_OK}


def test_a_button_held_since_before_is_no_answer(ready: Bench) -> None:
    """Held over from the last question, it must be let go first."""
    backup_id, _ = ready.host.put(blob(300))
    ready.person.default = NOBODY
    ready.host.start(wire.OP_REMOVE, backup_id)
    ready.person.press(HELD)
    assert ready.host.finish() == {0: wire.STATUS_TIMED_OUT}


# --- label


def test_a_new_label(ready: Bench) -> None:
    assert ready.host.ok(wire.OP_LABEL, "Safe B") == {0: wire.STATUS_OK}
    assert ready.person.questions == [["New label?", "Safe B", f"instead of {LABEL}", "Press YES or NO"]]
    assert ready.person.screen[1] == "Safe B"
    ready.power_cycle()
    ready.host.hello().open()
    assert ready.host.ok(wire.OP_UNLOCK, PIN)[1] == "Safe B"


@pytest.mark.parametrize("answer", [NO, NOBODY])
def test_no_new_label_without_a_press(ready: Bench, answer: int) -> None:
    before = ready.image
    ready.person.default = answer
    assert ready.host.status(wire.OP_LABEL, "Safe B") in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
    assert ready.image == before


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        (wire.OP_LABEL, ("Safe B",)),
        (wire.OP_PAIRINGS, ()),
        (wire.OP_UNPAIR, (bytes(8), wire.UNPAIR_ONE)),
        (wire.OP_REMOVE, (bytes(16),)),
    ],
)
def test_locked_new_or_burnt_there_is_nothing_to_manage(
    bench: Bench, ready: Bench, op: int, fields: tuple[object, ...]
) -> None:
    bench.host.pair()
    assert bench.host.open().status(op, *fields) == wire.STATUS_NOT_SET_UP
    assert ready.host.open().status(op, *fields) == wire.STATUS_LOCKED
    assert ready.person.questions == []


# --- PIN


def test_a_new_pin(ready: Bench) -> None:
    old = record(ready)[F_PIN]
    assert ready.host.ok(wire.OP_CHANGE_PIN, PIN, NEW_PIN) == {0: wire.STATUS_OK}
    assert ready.person.questions == [["Change the PIN?", LABEL, "Press YES or NO"]]
    assert secrets(ready.image, *old, NEW_PIN.encode()) == []  # type: ignore[misc]
    ready.host.ok(wire.OP_LIST, 0)
    ready.host.open()
    assert ready.host.ask(wire.OP_UNLOCK, PIN) == {0: wire.STATUS_PIN_WRONG, 1: 7}
    assert ready.host.ok(wire.OP_UNLOCK, NEW_PIN)[1] == LABEL


def test_a_new_pin_needs_no_unlocking_before_it(ready: Bench) -> None:
    ready.host.open()
    assert ready.host.ok(wire.OP_CHANGE_PIN, PIN, NEW_PIN) == {0: wire.STATUS_OK}
    ready.host.ok(wire.OP_LIST, 0)


@pytest.mark.parametrize("answer", [NO, NOBODY])
def test_no_new_pin_without_a_press(ready: Bench, answer: int) -> None:
    before = record(ready)
    ready.person.default = answer
    reply = ready.host.ask(wire.OP_CHANGE_PIN, PIN, NEW_PIN)
    assert reply[0] in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
    assert record(ready) == before
    assert ready.host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED
    ready.host.ok(wire.OP_UNLOCK, PIN)


@pytest.mark.parametrize("new", ["", "123", "1234567890123", "27182B", "२७१८२८"])
def test_a_new_pin_that_is_none_costs_nothing(ready: Bench, new: str) -> None:
    before = ready.image
    assert ready.host.status(wire.OP_CHANGE_PIN, WRONG, new) == wire.STATUS_PIN_FORMAT
    assert ready.host.status(wire.OP_CHANGE_PIN, new, NEW_PIN) == wire.STATUS_PIN_FORMAT
    assert ready.image == before
    assert ready.person.questions == []


def test_a_guess_by_way_of_a_change_is_a_guess(ready: Bench) -> None:
    """Counted, slowed down, asked for, and in the end it burns; mixed with other guesses or not."""
    host = ready.host
    assert host.ask(wire.OP_CHANGE_PIN, WRONG, NEW_PIN) == {0: wire.STATUS_PIN_WRONG, 1: 7}
    assert host.status(wire.OP_LIST, 0) == wire.STATUS_LOCKED
    assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: 6}
    assert host.ask(wire.OP_CHANGE_PIN, WRONG, NEW_PIN) == {0: wire.STATUS_PIN_WRONG, 1: 5}
    assert host.ask(wire.OP_CHANGE_PIN, PIN, NEW_PIN) == {0: wire.STATUS_PIN_REPLUG}
    assert record(ready)[F_FAILS] == 3
    for left in (4, 3, 2, 1):
        if left in (4, 1):
            ready.power_cycle()
            host.hello().open()
        start, asked = ready.clock.now_ms(), len(ready.person.questions)
        assert host.ask(wire.OP_CHANGE_PIN, WRONG, NEW_PIN) == {0: wire.STATUS_PIN_WRONG, 1: left}
        assert ready.clock.now_ms() - start >= 1000 * (4, 8, 16, 32)[4 - left]
        assert len(ready.person.questions) == asked + 1
    assert host.ask(wire.OP_CHANGE_PIN, WRONG, NEW_PIN) == {0: wire.STATUS_BURNT}
    assert host.read_info()[5] == wire.TOKEN_BURNT


def test_guessing_by_changes_with_a_cut_after_every_answer(ready: Bench) -> None:
    host = ready.host
    guesses = 0
    while host.read_info()[5] == wire.TOKEN_READY:
        host.open()
        assert host.status(wire.OP_CHANGE_PIN, f"{guesses:04}", NEW_PIN) in (wire.STATUS_PIN_WRONG, wire.STATUS_BURNT)
        guesses += 1
        ready.power_cycle()
        host.hello()
    assert guesses == wire.PIN_ATTEMPTS


# --- pairings


def test_who_is_paired(ready: Bench) -> None:
    other = ready.second_host()
    other.pair()
    ready.host.again()
    mine, theirs = {1: ready.host.psk_id, 2: "desk"}, {1: other.psk_id, 2: "laptop"}
    assert ready.host.ok(wire.OP_PAIRINGS)[1] == [mine, theirs]


def test_another_host_is_forgotten(ready: Bench) -> None:
    other = ready.second_host()
    other.pair()
    ready.host.again()
    ready.person.screens.clear()
    assert ready.host.ok(wire.OP_UNPAIR, other.psk_id, wire.UNPAIR_ONE) == {0: wire.STATUS_OK}
    short = other.psk_id[:4].hex()
    assert ready.person.questions == [["Forget computer?", "laptop", f"pairing {short}", "Press YES or NO"]]
    assert secrets(ready.image, other.psk, b"laptop") == []
    with pytest.raises(FrameRefusedError):
        other.open()
    assert ready.host.ok(wire.OP_PAIRINGS)[1] == [{1: ready.host.psk_id, 2: "desk"}]


def test_a_host_that_forgets_itself_is_out_with_the_answer(ready: Bench) -> None:
    host = ready.host
    assert host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_ONE) == {0: wire.STATUS_OK}
    assert secrets(ready.image, host.psk) == []
    with pytest.raises(FrameRefusedError) as refused:
        host.ask(wire.OP_LIST, 0)
    assert refused.value.code == wire.ERR_SESSION
    with pytest.raises(FrameRefusedError):
        host.open()
    assert host.pair()[0] == wire.STATUS_OK
    host.again()


def test_all_others_are_forgotten_at_once(ready: Bench) -> None:
    others = [ready.second_host(f"host {number}") for number in range(3)]
    for other in others:
        other.pair()
    host = ready.host.again()
    ready.person.screens.clear()
    assert host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_OTHERS) == {0: wire.STATUS_OK}
    assert ready.person.questions == [["Forget 3 computers?", "all but desk", "Press YES or NO"]]
    assert secrets(ready.image, *[other.psk for other in others]) == []
    assert host.ok(wire.OP_UNPAIR, host.psk_id, wire.UNPAIR_OTHERS) == {0: wire.STATUS_OK}
    assert len(ready.person.questions) == 1, "nobody is asked when there is nothing to forget"
    ready.host.again()


@pytest.mark.parametrize("which", [wire.UNPAIR_ONE, wire.UNPAIR_OTHERS])
def test_a_host_that_is_unknown_or_kept(ready: Bench, which: int) -> None:
    ready.second_host().pair()
    ready.host.again()
    before = ready.image
    assert ready.host.status(wire.OP_UNPAIR, bytes(8), which) == wire.STATUS_NOT_FOUND
    ready.person.default = NO
    assert ready.host.status(wire.OP_UNPAIR, ready.host.psk_id, which) == wire.STATUS_REJECTED
    assert ready.image == before
    ready.host.ok(wire.OP_LIST, 0)


def test_room_for_another_host(bench: Bench) -> None:
    bench.make_ready()
    for number in range(wire.PAIRINGS_MAX - 1):
        bench.second_host(f"host {number}").pair()
    assert bench.second_host("late").pair() == {0: wire.STATUS_PAIRINGS_FULL}
    bench.host.again().ok(wire.OP_UNPAIR, bench.host.psk_id, wire.UNPAIR_OTHERS)
    assert bench.second_host("late").pair()[0] == wire.STATUS_OK


# --- remove


def test_a_backup_is_destroyed(ready: Bench) -> None:
    kept, kept_factor = ready.host.put(blob(900, 2), declaration(vault=b"\x03" * 33))
    backup_id, factor = ready.host.put(blob(900))
    ready.person.screens.clear()
    ready.person.default = HELD
    assert ready.host.ok(wire.OP_REMOVE, backup_id) == {0: wire.STATUS_OK}
    assert ready.person.questions == [
        [
            "DESTROY this share?",
            "Savings",
            "share of Phone",
            "2 of 3 / gen abcd0102",
            f"backup {backup_id[:4].hex()}",
            HOLD,
        ]
    ]
    assert secrets(ready.image, factor) == []
    assert secrets(ready.image, kept_factor) == [kept_factor]
    assert [listed[1] for listed in ready.host.list()] == [kept]
    assert files(ready) == [f"/b/{kept.hex()}", f"/r/{kept.hex()}"]
    for op, fields in (
        (wire.OP_OPEN, (wire.PURPOSE_RESTORE,)),
        (wire.OP_READ, (0,)),
        (wire.OP_CONFIRM, ()),
        (wire.OP_COMMIT, ()),
        (wire.OP_REMOVE, ()),
    ):
        assert ready.host.status(op, backup_id, *fields) in (wire.STATUS_NOT_FOUND, wire.STATUS_BAD_STATE)


def test_its_place_is_free_for_another_party(ready: Bench) -> None:
    backup_id, _ = ready.host.put(blob(300))
    other = declaration(party="Laptop")
    assert ready.host.status(wire.OP_RESERVE, other) == wire.STATUS_OTHER_PARTY
    ready.person.default = HELD
    ready.host.ok(wire.OP_REMOVE, backup_id)
    ready.host.put(blob(300), other)


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_two_is_destroyed(ready: Bench, which: int) -> None:
    """ACTIVE and PENDING of one vault: whichever goes, the other stays what it is and works."""
    data = [blob(300, 1), blob(300, 2)]
    ids = [ready.host.put(data[0])[0], ready.host.put(data[1], confirm=False)[0]]
    ready.person.default = HELD
    ready.host.ok(wire.OP_REMOVE, ids[which])
    (left,) = ready.host.list()
    assert (left[1], left[2]) == (ids[1 - which], (wire.BACKUP_PENDING, wire.BACKUP_ACTIVE)[which])
    assert ready.host.ok(wire.OP_OPEN, ids[1 - which], wire.PURPOSE_RESTORE)[1] == 300
    assert ready.host.get(ids[1 - which], 300) == data[1 - which]
    ready.host.ok(wire.OP_CONFIRM, ids[1 - which])


def test_a_reservation_is_not_removed_but_aborted(ready: Bench) -> None:
    backup_id, _ = ready.host.reserve()
    assert ready.host.status(wire.OP_REMOVE, backup_id) == wire.STATUS_NOT_FOUND
    assert ready.host.status(wire.OP_REMOVE, bytes(16)) == wire.STATUS_NOT_FOUND
    assert ready.person.questions == []


def test_a_transfer_under_way_goes_on(ready: Bench) -> None:
    old, _ = ready.host.put(blob(300, 1), declaration(vault=b"\x03" * 33))
    backup_id, _ = ready.host.reserve()
    ready.host.send(backup_id, blob(9000))
    ready.person.default = HELD
    ready.host.ok(wire.OP_REMOVE, old)
    ready.host.ok(wire.OP_COMMIT, backup_id)
    assert ready.host.get(backup_id, 9000) == blob(9000)


def test_a_backup_whose_record_is_damaged_can_go(ready: Bench) -> None:
    backup_id, factor = ready.host.put(blob(300))
    LittleFiles(ready.chip).write(f"/r/{backup_id.hex()}", b"damaged")
    ready.power_cycle()
    ready.host.again()
    ready.person.default = HELD
    ready.host.ok(wire.OP_REMOVE, backup_id)
    assert ready.person.questions[-1][1] == "(its name is damaged)"
    assert secrets(ready.image, factor) == []
    assert ready.host.list() == []


# --- wipe


def wiped(bench: Bench, serial: object, gone: list[bytes]) -> None:
    """Nothing of what was is left, and it can be used as a new token."""
    assert bench.person.screen[:2] == ["coldshare", "not set up"]
    info = bench.host.read_info()
    assert (info[5], info[4] == serial) == (wire.TOKEN_NEW, False)
    assert secrets(bench.image, *gone) == []
    assert files(bench) == []
    bench.power_cycle()
    bench.host.hello()
    with pytest.raises(FrameRefusedError):
        bench.host.open()
    bench.person.default = YES
    bench.make_ready()
    bench.host.put(blob(300))
    assert secrets(bench.image, *gone) == []


def test_a_token_in_use_is_wiped_without_its_pin(ready: Bench) -> None:
    ready.host.put(blob(300))
    ready.host.put(blob(300, 2), confirm=False)
    reserved, _ = ready.host.reserve(declaration(vault=b"\x03" * 33))
    ready.host.begin(reserved, blob(900))
    serial, gone = record(ready)[F_SERIAL], all_keys(ready)
    ready.power_cycle()
    stranger = ready.second_host("stranger")
    ready.person.screens.clear()
    ready.person.default = HELD
    assert stranger.wipe() == {0: wire.STATUS_OK}
    assert ready.person.questions == [["WIPE this token?", LABEL, "2 shares", "and all keys go", HOLD]]
    assert record(ready)[F_PAIRINGS] == []
    ready.host.hello()
    assert secrets(ready.image, LABEL.encode()) == []
    wiped(ready, serial, [*gone, serial])  # type: ignore[list-item]


def test_a_burnt_token_is_wiped(ready: Bench) -> None:
    ready.host.put(blob(300))
    gone = all_keys(ready)
    burn(ready)
    serial = ready.host.read_info()[4]
    gone += all_keys(ready)
    ready.person.default = HELD
    assert ready.host.wipe() == {0: wire.STATUS_OK}
    assert ready.person.questions[-1] == ["WIPE this token?", "burnt", "1 share", "and all keys go", HOLD]
    wiped(ready, serial, gone)


def test_a_token_that_lost_its_keys_is_wiped_and_not_touched_before(ready: Bench) -> None:
    ready.host.put(blob(300))
    gone = all_keys(ready)
    ready.chip.image[16:20] = bytes(4)
    ready.chip.image[4096 + 16 : 4096 + 20] = bytes(4)
    ready.power_cycle()
    ready.host.hello()
    before = ready.image
    assert ready.person.screen[0] == "KEYS LOST"
    ready.person.default = NO
    assert ready.host.wipe() == {0: wire.STATUS_REJECTED}
    assert ready.image == before
    ready.person.default = HELD
    assert ready.host.wipe() == {0: wire.STATUS_OK}
    wiped(ready, bytes(8), gone)


def test_a_new_token_and_one_with_eight_hosts_are_wiped(bench: Bench) -> None:
    for number in range(wire.PAIRINGS_MAX):
        bench.second_host(f"host {number}").pair()
    serial, gone = record(bench)[F_SERIAL], all_keys(bench)
    bench.person.default = HELD
    assert bench.host.wipe() == {0: wire.STATUS_OK}
    assert bench.person.questions[-1][:3] == ["WIPE this token?", "not set up", "0 shares"]
    wiped(bench, serial, gone)


def test_wrong_pins_of_before_do_not_count_after(ready: Bench) -> None:
    for _ in range(wire.PIN_PER_POWER_UP):
        ready.host.ask(wire.OP_UNLOCK, WRONG)
    ready.person.default = HELD
    ready.host.wipe()
    ready.make_ready()
    assert ready.host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: 7}


def test_a_wipe_is_the_only_request_of_its_channel(ready: Bench) -> None:
    assert ready.host.status(wire.OP_WIPE) == wire.STATUS_UNKNOWN_OP
    ready.host.ok(wire.OP_LIST, 0)
    assert ready.host.plain(wire.OP_WIPE) == {0: wire.STATUS_UNKNOWN_OP}
    ready.person.default = NO
    assert ready.host.wipe() == {0: wire.STATUS_REJECTED}
    with pytest.raises(FrameRefusedError):
        ready.host.call(wire.CMD_RECORD, bytes(64))


def test_cancel_while_it_asks_to_wipe(ready: Bench) -> None:
    before = ready.image
    ready.person.default = NOBODY
    ready.host.handshake()
    ready.host.start(wire.OP_WIPE)
    assert ready.host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PERSON,)))
    ready.host.cancel()
    assert ready.host.finish() == {0: wire.STATUS_CANCELLED}
    assert ready.image == before
    assert ready.person.screen[:2] == ["coldshare", LABEL]


def test_the_token_says_that_it_can(ready: Bench) -> None:
    info = codec.decode(ready.host.info)
    assert isinstance(info, dict)
    assert info[6] == [1, 2, 3, 4, 5]
    assert record(ready)[F_LABEL] == LABEL
