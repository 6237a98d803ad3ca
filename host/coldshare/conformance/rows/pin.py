"""The PIN, and what eight wrong ones do."""

from __future__ import annotations

from coldshare.conformance.bench import LABEL, PIN, WRONG, Bench
from coldshare.conformance.operator import AGREE, REFUSE
from coldshare.conformance.rules import (
    PAIRED,
    READY,
    BrokenRuleError,
    expect,
    expect_equal,
    expect_error,
    expect_reply,
    expect_status,
    row,
)
from coldshare.conformance.speaker import FrameRefusedError, op_name
from coldshare_iface import wire

# Powered milliseconds that pass before the fourth attempt, at least.
_BACK_OFF = 4000


def _wrong(bench: Bench) -> dict[int, object]:
    return bench.host.ask(wire.OP_UNLOCK, WRONG)


def _again(bench: Bench) -> None:
    """Power off and on, and a session."""
    bench.power_cycle()
    bench.host.open()


@row("pin-set-up", "pin", needs=PAIRED, spoils=True)
def set_up(bench: Bench) -> None:
    """set-up takes a press, works once, and unlocks."""
    host = bench.host.open()
    bench.operator.answer = REFUSE
    expect_reply(host.ask(wire.OP_SET_UP, PIN, LABEL), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_OK, "the status of a request after it")
    expect_status(host.status(wire.OP_SET_UP, PIN, LABEL), wire.STATUS_ALREADY_SET_UP, "the status of a second one")


@row("pin-not-set-up", "messages", needs=PAIRED)
def not_set_up(bench: Bench) -> None:
    """A token without a PIN keeps nothing: NOT_SET_UP."""
    host = bench.host.open()
    expect_status(host.status(wire.OP_LIST, 0), wire.STATUS_NOT_SET_UP, "the status of list")
    expect_status(host.status(wire.OP_UNLOCK, PIN), wire.STATUS_NOT_SET_UP, "the status of unlock")


@row("pin-locked", "messages", needs=READY)
def locked(bench: Bench) -> None:
    """Before the PIN is given everything that is kept is LOCKED."""
    host = bench.host.open()  # whoever was unlocked before
    for op, *fields in (
        (wire.OP_LIST, 0),
        (wire.OP_RESERVE, b"\xa0"),
        (wire.OP_OPEN, bytes(16), wire.PURPOSE_VERIFY),
        (wire.OP_READ, bytes(16), 0),
        (wire.OP_COMMIT, bytes(16)),
        (wire.OP_LABEL, "x"),
        (wire.OP_PAIRINGS,),
        (wire.OP_REMOVE, bytes(16)),
        (wire.OP_RETIRE, bytes(16), bytes(32)),
        (wire.OP_AUDIT, 1),
    ):
        expect_status(host.status(op, *fields), wire.STATUS_LOCKED, f"the status of {op_name(op)}")


@row("pin-format", "pin", needs=READY, spoils=True)
def pin_format(bench: Bench) -> None:
    """What is no PIN is PIN_FORMAT and costs no attempt."""
    host = bench.host.open()
    for pin in ("", "123", "1234567890123", "12 4", "12a4", "\u0661\u0662\u0663\u0664"):
        expect_status(host.status(wire.OP_UNLOCK, pin), wire.STATUS_PIN_FORMAT, f"the status of {pin!r}")
    expect_equal(host.ask(wire.OP_UNLOCK, WRONG).get(1), 7, "the attempts left after the first wrong PIN")
    host.ok(wire.OP_UNLOCK, PIN)


@row("pin-counts", "pin", needs=READY, spoils=True)
def counts(bench: Bench) -> None:
    """A wrong PIN is PIN_WRONG, with the attempts that are left, and locks."""
    for left in (7, 6):
        expect_reply(_wrong(bench), wire.STATUS_PIN_WRONG, "the answer to a wrong PIN", detail=left)
    expect_status(bench.host.status(wire.OP_LIST, 0), wire.STATUS_LOCKED, "the status of a request after it")


@row("pin-resets", "pin", needs=READY, spoils=True)
def resets(bench: Bench) -> None:
    """The right PIN gives all attempts back."""
    _wrong(bench)
    bench.host.ok(wire.OP_UNLOCK, PIN)
    expect_equal(_wrong(bench).get(1), 7, "the attempts left after the next wrong one")


@row("pin-power", "pin", needs=READY, spoils=True)
def power(bench: Bench) -> None:
    """The count outlives a power cycle."""
    _wrong(bench)
    _again(bench)
    expect_equal(_wrong(bench).get(1), 6, "the attempts left after a wrong PIN, a power cycle and another wrong one")


@row("pin-three", "pin", needs=READY, spoils=True)
def three(bench: Bench) -> None:
    """After three wrong PINs nothing is tried until the next power-up, not even the right one."""
    for _ in range(3):
        _wrong(bench)
    expect_reply(bench.host.ask(wire.OP_UNLOCK, PIN), wire.STATUS_PIN_REPLUG, "the answer to the right PIN")
    _again(bench)
    bench.host.ok(wire.OP_UNLOCK, PIN)


@row("pin-button", "pin", needs=READY, spoils=True)
def button(bench: Bench) -> None:
    """From the fourth attempt on a person has to press, and a NO costs nothing."""
    for _ in range(3):
        _wrong(bench)
    _again(bench)
    bench.operator.answer = REFUSE
    expect_reply(bench.host.ask(wire.OP_UNLOCK, PIN), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    expect_equal(_wrong(bench).get(1), 4, "the attempts left after the fourth wrong PIN")


@row("pin-back-off", "pin", needs=READY, spoils=True)
def back_off(bench: Bench) -> None:
    """Wrong PINs make the token wait: four seconds of powered time after the third."""
    for _ in range(3):
        _wrong(bench)
    _again(bench)
    started = bench.operator.now_ms()
    bench.host.ok(wire.OP_UNLOCK, PIN)
    took = bench.operator.now_ms() - started
    expect(took >= _BACK_OFF - 500, f"it answers after {took} ms")


def _burn(bench: Bench) -> dict[int, object]:
    """The answer to the eighth wrong PIN."""
    reply: dict[int, object] = {}
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt and attempt % wire.PIN_PER_POWER_UP == 0:
            _again(bench)
        reply = _wrong(bench)
    return reply


@row("pin-burnt", "burnt", needs=READY, spoils=True)
def burnt(bench: Bench) -> None:
    """The eighth wrong PIN burns the token: BURNT, and its pairings are gone."""
    serial = bench.host.read_info()[4]
    expect_reply(_burn(bench), wire.STATUS_BURNT, "the answer to the eighth wrong PIN")
    bench.power_cycle()
    info = bench.host.read_info()
    expect_equal((info[4], info[5]), (serial, wire.TOKEN_BURNT), "serial and state in info")
    try:
        bench.host.open()
    except FrameRefusedError as error:
        expect_error(error.code, wire.ERR_SESSION, "the error byte for the old pairing key")
        return
    raise BrokenRuleError("the old pairing key still opens a session")


@row("pin-burnt-copies", "burnt", needs=READY, spoils=True)
def burnt_copies(bench: Bench) -> None:
    """A burnt token gives copies of sealed shares, to a host paired by a held button, and nothing else."""
    data = bench.blob(3000)
    backup_id = bench.put(data)
    _burn(bench)
    bench.power_cycle()
    host = bench.host
    host.handshake()
    bench.short_press(wire.OP_PAIR_ACCEPT, "desk")
    bench.pair()
    host.open()
    expect_equal(host.list(), [{1: backup_id, 2: wire.BACKUP_KEYLESS, 3: len(data)}], "the list")
    opened = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
    expect_equal(sorted(opened), [0, 1, 2], "the fields of the answer to open")
    expect_equal(host.get(backup_id, len(data)), data, "the bytes")
    for op, *fields in ((wire.OP_UNLOCK, PIN), (wire.OP_RESERVE, b"\xa0"), (wire.OP_PAIRINGS,), (wire.OP_AUDIT, 1)):
        expect_reply(host.ask(op, *fields), wire.STATUS_BURNT, f"the answer to {op_name(op)}")


@row("pin-change", "pin", needs=READY, spoils=True)
def change(bench: Bench) -> None:
    """change-pin takes the old PIN and a press; afterwards the new one counts."""
    host = bench.host
    expect_equal(host.ask(wire.OP_CHANGE_PIN, WRONG, "271828").get(1), 7, "the attempts left after a wrong old PIN")
    bench.operator.answer = REFUSE
    expect_reply(host.ask(wire.OP_CHANGE_PIN, PIN, "271828"), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    host.ok(wire.OP_CHANGE_PIN, PIN, "271828")
    expect_status(host.ask(wire.OP_UNLOCK, PIN)[0], wire.STATUS_PIN_WRONG, "the status of the old PIN")
    host.ok(wire.OP_UNLOCK, "271828")


@row("pin-change-format", "pin", needs=READY, spoils=True)
def change_format(bench: Bench) -> None:
    """A new PIN that is none is PIN_FORMAT, before the old one is tried."""
    host = bench.host
    expect_status(host.status(wire.OP_CHANGE_PIN, PIN, "12a4"), wire.STATUS_PIN_FORMAT)
    expect_status(
        host.status(wire.OP_CHANGE_PIN, WRONG, "123"), wire.STATUS_PIN_FORMAT, "the status with a wrong old PIN"
    )
    expect_reply(_wrong(bench), wire.STATUS_PIN_WRONG, "the answer to the first wrong PIN", detail=7)
    host.ok(wire.OP_UNLOCK, PIN)
