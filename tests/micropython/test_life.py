"""The life of a token whose firmware runs under MicroPython, through reports, at 192 KiB of heap."""

from __future__ import annotations

import pytest

from coldshare.device.transport.mpy import MpyTransport
from coldshare_iface import framing, wire
from coldshare_sim.errors import NoPersonError
from coldshare_sim.mpy.engine import HEAP
from coldshare_sim.person import AbsentPerson
from support.client import HELD, LABEL, NO, NOBODY, PIN, WRONG, YES, FrameRefusedError, Host, blob, declaration
from support.mpy import Desks

BACKUP = blob(140 * 1024)


def test_a_share_comes_and_goes(desks: Desks) -> None:
    """Pair, set up, unlock, put and get, and again after a power cycle."""
    assert HEAP == 192 * 1024
    desk = desks().make_ready()
    host = desk.host
    backup_id, _ = host.put(BACKUP)
    assert host.get(backup_id, len(BACKUP)) == BACKUP
    desk.power_cycle()
    host.again()
    assert [entry[1] for entry in host.list()] == [backup_id]
    assert host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)[1] == len(BACKUP)
    assert host.get(backup_id, len(BACKUP)) == BACKUP
    assert desk.person.screen[:2] == ["coldshare", LABEL]


def test_it_goes_on_where_power_went(desks: Desks) -> None:
    desk = desks().make_ready()
    host = desk.host
    backup_id, _ = host.reserve()
    assert host.begin(backup_id, BACKUP) == 0
    for offset in (0, 7456, 14912):
        host.ok(wire.OP_CHUNK, offset, BACKUP[offset : offset + 7456])
    desk.token.kill()
    desk.token.power_cycle()
    host.again()
    assert host.begin(backup_id, BACKUP) == 3 * 7456
    host.send(backup_id, BACKUP)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.get(backup_id, len(BACKUP)) == BACKUP


def test_a_full_token(desks: Desks) -> None:
    """Sixteen backups and eight hosts: the largest record of the key area, the longest lists."""
    desk = desks().make_ready()
    host = desk.host
    for number in range(wire.PAIRINGS_MAX - 1):
        assert Host(desk.token, f"host {number} " + "x" * 20).hello().pair()[0] == wire.STATUS_OK
    host.again()
    longest = {"name": "n" * 96, "party": "p" * 96}
    kept = [host.put(blob(500, n), declaration(vault=b"%02d" % n + b"v" * 62, **longest))[0] for n in range(16)]
    assert sorted(entry[1] for entry in host.list()) == sorted(kept)
    for n in (0, 15):
        host.ok(wire.OP_OPEN, kept[n], wire.PURPOSE_RESTORE)
        assert host.get(kept[n], 500) == blob(500, n)
    # The seventeenth takes the place of one, and is as large as a share can be in practice.
    replaced, _ = host.put(BACKUP, declaration(vault=b"07" + b"v" * 62, nonce=b"o" * 16, **longest))
    assert host.get(replaced, len(BACKUP)) == BACKUP


# --- the person
def test_no_is_no(desks: Desks) -> None:
    desk = desks().make_ready()
    desk.person.default = NO
    assert desk.host.status(wire.OP_LABEL, "Safe B") == wire.STATUS_REJECTED
    assert desk.person.questions[-1][0] == "New label?"
    desk.person.default = YES
    desk.host.ok(wire.OP_LABEL, "Safe B")
    assert desk.person.screen[1] == "Safe B"


def test_what_destroys_is_held(desks: Desks) -> None:
    desk = desks().make_ready()
    backup_id, _ = desk.host.put(blob(700))
    desk.person.default = HELD
    desk.host.ok(wire.OP_REMOVE, backup_id)
    assert desk.host.list() == []


def test_a_minute_without_an_answer(desks: Desks) -> None:
    desk = desks().make_ready()
    desk.person.default = NOBODY
    desk.host.start(wire.OP_LABEL, "Safe B")
    assert desk.host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PERSON,)))
    desk.token.skip(60)
    assert desk.host.finish()[0] == wire.STATUS_TIMED_OUT


def test_it_can_be_cancelled(desks: Desks) -> None:
    desk = desks().make_ready()
    desk.person.default = NOBODY
    desk.host.start(wire.OP_LABEL, "Safe B")
    desk.host.read(keepalives=True)
    with pytest.raises(FrameRefusedError) as busy:
        Host(desk.token, "other").hello()
    assert busy.value.code == wire.ERR_CHANNEL_BUSY
    desk.host.cancel()
    assert desk.host.finish()[0] == wire.STATUS_CANCELLED


def test_nobody_is_there(desks: Desks) -> None:
    """The request is dropped where it waits for a person, and the next one is taken."""
    desk = desks().make_ready()
    desk.token.person = AbsentPerson()
    with pytest.raises(NoPersonError):
        desk.host.ask(wire.OP_LABEL, "Safe B")
    desk.token.person = desk.person
    desk.host.again()
    desk.host.ok(wire.OP_LABEL, "Safe C")


# --- time and frames
def test_wrong_pins_take_powered_time(desks: Desks) -> None:
    desk = desks().make_ready()
    for attempt in range(2):
        desk.token.skip(60)
        assert desk.host.ask(wire.OP_UNLOCK, WRONG) == {0: wire.STATUS_PIN_WRONG, 1: 7 - attempt}
    desk.host.start(wire.OP_UNLOCK, PIN)
    assert desk.host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PROCESSING,)))
    desk.token.skip(2)
    assert desk.host.finish()[0] == wire.STATUS_OK


def test_a_message_that_stops_half_way(desks: Desks) -> None:
    desk = desks()
    desk.token.write(framing.split(desk.host.cid, wire.CMD_PING, bytes(200))[0])
    desk.token.skip(0.6)
    assert desk.host.read() == (wire.CMD_ERROR, bytes((wire.ERR_MSG_TIMEOUT,)))


@pytest.mark.parametrize("size", [0, 57, 58, 1000, wire.MESSAGE_MAX])
def test_ping(size: int, desks: Desks) -> None:
    desk = desks()
    for seed in range(3):
        assert desk.host.call(wire.CMD_PING, blob(size, seed)) == blob(size, seed)


def test_the_heap_after_a_long_life(desks: Desks) -> None:
    """What is in use does not grow with what was done."""
    desk = desks().make_ready()
    host = desk.host
    host.put(BACKUP)
    before = desk.token.memory()
    for _ in range(5):
        replaced, _ = host.put(BACKUP)
        assert host.get(replaced, len(BACKUP)) == BACKUP
    host.again()
    assert desk.token.memory() <= before + 1024
    assert before < HEAP


def test_a_share_crosses_bulk_within_the_same_heap(desks: Desks) -> None:
    """Frames of 7616 bytes, which HID never has in one piece; what is in use does not grow with them."""
    desk = desks().make_ready()
    across = Host(MpyTransport(desk.token, wire.BULK_FRAME_MAX, True))
    across.psk_id, across.psk = desk.host.psk_id, desk.host.psk
    across.again()
    across.put(BACKUP)
    before = desk.token.memory()
    for _ in range(3):
        replaced, _ = across.put(BACKUP)
        assert across.get(replaced, len(BACKUP)) == BACKUP
    assert desk.token.memory() <= before + 1024
    host = desk.host.again()  # over HID again
    host.ok(wire.OP_OPEN, replaced, wire.PURPOSE_VERIFY)
    assert host.get(replaced, len(BACKUP)) == BACKUP
