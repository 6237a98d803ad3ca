"""The PIN: every path of an attempt, and what it costs."""

from __future__ import annotations

import hashlib

import pytest

from coldshare_firmware.keys import F_FAILS, F_NAMES_KEY, F_PIN, F_STATIC, F_TAG_KEY, Keys
from coldshare_firmware.pin import BACK_OFF
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
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
    blob,
    declaration,
    secrets,
)


def keys(bench: Bench) -> Keys:
    """What the flash says, read by a second pair of eyes."""
    return Keys(SimHal(Chip(bench.image), AbsentPerson(), VirtualClock(), bytes))


def fails(bench: Bench) -> int:
    return int(keys(bench).record[F_FAILS])


def wrong(bench: Bench, times: int) -> None:
    """Spend that many attempts, with as many power cycles as it takes."""
    for _ in range(times):
        reply = bench.host.ask(wire.OP_UNLOCK, WRONG)
        if reply[0] == wire.STATUS_PIN_REPLUG:
            bench.power_cycle()
            bench.host.hello().open()
            reply = bench.host.ask(wire.OP_UNLOCK, WRONG)
        assert reply[0] in (wire.STATUS_PIN_WRONG, wire.STATUS_BURNT)


@pytest.mark.parametrize("pin", ["1234", "000000", "123456789012"])
def test_a_pin_that_is_one(bench: Bench, pin: str) -> None:
    bench.host.pair()
    bench.host.open()
    assert bench.host.ok(wire.OP_SET_UP, pin, LABEL) == {0: wire.STATUS_OK}
    bench.host.hello().open()
    assert bench.host.ok(wire.OP_UNLOCK, pin)[1] == LABEL


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12 4", "12a4", "-123", "१२३४", "１２３４", "1234\u0660"])  # noqa: RUF001
def test_a_pin_that_is_none(bench: Bench, ready: Bench, pin: str) -> None:
    bench.host.pair()
    bench.host.open()
    asked = len(bench.person.questions)
    assert bench.host.status(wire.OP_SET_UP, pin, LABEL) == wire.STATUS_PIN_FORMAT
    assert len(bench.person.questions) == asked
    before = ready.image
    assert ready.host.status(wire.OP_UNLOCK, pin) == wire.STATUS_PIN_FORMAT
    assert ready.image == before, "a slip of the finger costs no attempt"


def test_a_pin_of_the_wrong_type_or_size_is_a_bad_request(ready: Bench) -> None:
    for pin in (1234, b"1234", None, True, ["1234"], "1" * 65, "12\n34"):
        assert ready.host.status(wire.OP_UNLOCK, pin) == wire.STATUS_BAD_REQUEST
    assert fails(ready) == 0


def test_set_up_once(ready: Bench) -> None:
    assert ready.host.status(wire.OP_SET_UP, PIN, "Other") == wire.STATUS_ALREADY_SET_UP
    assert ready.person.questions == []


@pytest.mark.parametrize("answer", [NO, NOBODY])
def test_set_up_needs_a_press(bench: Bench, answer: int) -> None:
    bench.host.pair()
    bench.host.open()
    before = bench.image
    bench.person.default = answer
    assert bench.host.status(wire.OP_SET_UP, PIN, LABEL) in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
    assert bench.image == before
    assert bench.host.status(wire.OP_UNLOCK, PIN) == wire.STATUS_NOT_SET_UP
    bench.person.default = YES
    assert bench.host.ok(wire.OP_SET_UP, PIN, LABEL) == {0: wire.STATUS_OK}
    assert bench.host.ok(wire.OP_LIST, 0) == {0: wire.STATUS_OK, 1: [], 2: 0}


def test_the_pin_is_not_on_the_flash(ready: Bench) -> None:
    assert secrets(ready.image, PIN.encode()) == []


def test_eight_wrong_ones(ready: Bench) -> None:
    """What the host hears, what it costs, when it takes a power cycle and when a press."""
    host, asked = ready.host, ready.person.questions
    for left in (7, 6, 5):
        assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: left}
        assert fails(ready) == wire.PIN_ATTEMPTS - left
    assert ready.person.questions == asked == []
    assert host.ask(wire.OP_UNLOCK, PIN) == {0: wire.STATUS_PIN_REPLUG}, "the right one does not help here"
    assert fails(ready) == 3
    for left in (4, 3, 2):
        if left == 4:
            ready.power_cycle()
            host.hello().open()
        questions = len(ready.person.questions)
        assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: left}
        assert len(ready.person.questions) == questions + 1
    assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_REPLUG}
    ready.power_cycle()
    host.hello().open()
    assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: 1}
    assert host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_BURNT}
    assert host.read_info()[5] == wire.TOKEN_BURNT
    assert ready.person.screen[0] == "BURNT"


def test_the_right_one_resets_everything(ready: Bench) -> None:
    wrong(ready, 2)
    ready.host.ok(wire.OP_UNLOCK, PIN)
    assert fails(ready) == 0
    for left in (7, 6, 5):
        assert ready.host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: left}


def test_attempts_left_are_on_the_screen(ready: Bench) -> None:
    ready.host.ask(wire.OP_UNLOCK, WRONG)
    assert ready.person.screen[-1] == "PIN attempts left: 7"
    ready.power_cycle()
    assert ready.person.screen[-1] == "PIN attempts left: 7"
    ready.host.again()
    ready.host.hello()
    ready.power_cycle()
    assert len(ready.person.screen) == 3


@pytest.mark.parametrize("answer", [NO, NOBODY])
def test_refusing_another_try_costs_nothing(ready: Bench, answer: int) -> None:
    wrong(ready, 3)
    ready.power_cycle()
    ready.host.hello().open()
    ready.person.default = answer
    assert ready.host.status(wire.OP_UNLOCK, PIN) in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
    assert fails(ready) == 3
    assert ready.person.questions[-1] == ["Try another PIN?", "5 attempts left", "then all keys go", "Press YES or NO"]
    ready.person.default = YES
    ready.host.ok(wire.OP_UNLOCK, PIN)


@pytest.mark.parametrize("spent", range(1, 8))
def test_back_off_is_powered_time_with_keepalives(ready: Bench, spent: int) -> None:
    wrong(ready, spent)
    ready.power_cycle()
    ready.host.hello().open()
    start = ready.clock.now_ms()
    ready.host.ok(wire.OP_UNLOCK, PIN)
    took = ready.clock.now_ms() - start
    assert took == 1000 * BACK_OFF[spent]
    assert ready.host.keepalives.count(wire.KEEPALIVE_PROCESSING) == took // wire.KEEPALIVE_MS


def test_back_off_begins_again_at_power_up(ready: Bench) -> None:
    wrong(ready, 3)
    ready.clock.sleep(3600)
    ready.power_cycle()
    ready.host.hello().open()
    start = ready.clock.now_ms()
    ready.host.ok(wire.OP_UNLOCK, PIN)
    assert ready.clock.now_ms() - start >= 1000 * BACK_OFF[3]


def test_back_off_begins_again_with_every_wrong_pin(ready: Bench) -> None:
    """However long the token has been plugged in."""
    ready.clock.sleep(3600)
    wrong(ready, 1)
    for spent in (1, 2):
        start = ready.clock.now_ms()
        assert ready.host.ask(wire.OP_UNLOCK, WRONG)[0] == wire.STATUS_PIN_WRONG
        assert ready.clock.now_ms() - start == 1000 * BACK_OFF[spent]


def test_back_off_passes_while_nobody_asks(ready: Bench) -> None:
    wrong(ready, 2)
    ready.clock.sleep(2)
    start = ready.clock.now_ms()
    ready.host.ok(wire.OP_UNLOCK, PIN)
    assert ready.clock.now_ms() == start


def test_cancel_in_the_back_off_costs_nothing(ready: Bench) -> None:
    wrong(ready, 2)
    ready.host.start(wire.OP_UNLOCK, WRONG)
    assert ready.host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    ready.host.cancel()
    assert ready.host.finish() == {0: wire.STATUS_CANCELLED}
    assert fails(ready) == 2


@pytest.mark.parametrize("spent", range(1, 8))
def test_the_count_survives_a_power_cycle(ready: Bench, spent: int) -> None:
    wrong(ready, spent)
    ready.power_cycle()
    assert fails(ready) == spent
    ready.host.again()
    assert fails(ready) == 0


def burnt(ready: Bench) -> tuple[Bench, dict[int, object], bytes, bytes]:
    data = blob(9000)
    _backup_id, factor = ready.host.put(data)
    before = keys(ready).record
    wrong(ready, wire.PIN_ATTEMPTS)
    return ready, before, factor, data


def test_burnt_leaves_the_sealed_share_and_nothing_to_open_it(ready: Bench) -> None:
    bench, before, factor, data = burnt(ready)
    gone = [factor, bench.host.psk, before[F_STATIC], before[F_NAMES_KEY], before[F_TAG_KEY], *before[F_PIN]]  # type: ignore[misc]
    assert secrets(bench.image, *gone, LABEL.encode()) == []  # type: ignore[arg-type]
    assert data[:4000] in bench.image
    assert keys(bench).record[F_FAILS] == wire.PIN_ATTEMPTS
    bench.power_cycle()
    bench.host.hello()
    assert data[:4000] in bench.image
    assert bench.host.read_info()[5] == wire.TOKEN_BURNT


def test_burnt_gives_copies_of_what_is_sealed_and_nothing_else(ready: Bench) -> None:
    """Who holds the button, and knows no PIN, gets the bytes; the factor for them does not exist any more."""
    bench, _, _, data = burnt(ready)
    host = bench.host
    with pytest.raises(FrameRefusedError):
        host.open()
    assert host.pair() == {0: wire.STATUS_TIMED_OUT}, "a press is not enough"
    bench.person.default = HELD
    assert host.pair()[0] == wire.STATUS_OK
    assert bench.person.questions[-1][3:] == ["to copy sealed shares", "HOLD YES 2 s, or NO"]
    for _ in range(2):
        host.hello().open()
        (listed,) = host.list()
        assert listed == {1: listed[1], 2: wire.BACKUP_KEYLESS, 3: len(data)}
        assert host.status(wire.OP_READ, listed[1], 0) == wire.STATUS_BAD_STATE
        bench.person.default = YES
        opened = host.ok(wire.OP_OPEN, listed[1], wire.PURPOSE_RESTORE)
        assert opened == {0: wire.STATUS_OK, 1: len(data), 2: hashlib.sha256(data).digest()}
        assert host.get(listed[1], len(data)) == data
        assert host.status(wire.OP_OPEN, bytes(16), wire.PURPOSE_RESTORE) == wire.STATUS_NOT_FOUND
        for op, *fields in (
            (wire.OP_SET_UP, PIN, LABEL),
            (wire.OP_UNLOCK, PIN),
            (wire.OP_CHANGE_PIN, PIN, PIN),
            (wire.OP_RESERVE, declaration()),
            (wire.OP_LABEL, "x"),
            (wire.OP_PAIRINGS,),
            (wire.OP_REMOVE, listed[1]),
            (wire.OP_DESTROY, listed[1]),
            (wire.OP_RETIRE, listed[1], bytes(32)),
            (wire.OP_AUDIT, 1),
        ):
            assert host.ask(op, *fields) == {0: wire.STATUS_BURNT}
        bench.power_cycle()
    assert bench.person.screen[:3] == ["BURNT", "too many wrong PINs", "keys destroyed"]
    host.hello()
    bench.person.default = HELD
    assert host.wipe() == {0: wire.STATUS_OK}
    assert host.read_info()[5] == wire.TOKEN_NEW


def test_burnt_ends_the_session_it_happens_in(ready: Bench) -> None:
    bench, *_ = burnt(ready)
    with pytest.raises(FrameRefusedError) as refused:
        bench.host.ask(wire.OP_LIST, 0)
    assert refused.value.code == wire.ERR_SESSION


def test_power_lost_between_the_last_count_and_the_burning(ready: Bench) -> None:
    """The eighth attempt is on flash and power goes: the next power-up burns, whatever the PIN was."""
    wrong(ready, 7)
    known = Keys(SimHal(ready.chip, AbsentPerson(), VirtualClock(), bytes))
    psk = ready.host.psk
    known.change({F_FAILS: wire.PIN_ATTEMPTS})
    other = ready.clone()
    assert other.host.read_info()[5] == wire.TOKEN_BURNT
    assert secrets(other.image, psk) == []
