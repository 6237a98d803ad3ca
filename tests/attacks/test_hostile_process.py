"""Who: another program on the computer. It reaches the token as coldshare does, hears every report, and can write any,
also on coldshare's channel id: channel ids are no secret.
Wants: something to be released, or the person's YES to count for something else than what they have read.
What stops it: requests are records of a channel whose keys it has not got; whatever does not verify closes that
channel, and with it goes the question. A press that was begun before a question came up is no answer to it.
What it gets: the other program's work is broken off, and that one says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from coldshare.device.token import TokenClient
from coldshare_firmware import person as firmware_person
from coldshare_firmware.keys import F_PAIRINGS
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NONE, BUTTON_YES
from coldshare_iface import codec, framing, wire
from coldshare_iface.errors import ColdshareError
from coldshare_iface.primitives import NativeSuite
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from coldshare_sim.token import SoftToken
from support.attacker import bare
from support.client import FrameRefusedError, Host, blob, declaration
from support.desk import PIN, Desk, Presses, _OneKey, approves, key_record, slots

#: coldshare was there first.
VICTIM = b"\0\0\0\1"
SHARE = blob(2000)


class Bus:
    """A token with several programs at it: each can write, and all hear everything."""

    def __init__(self, token: SoftToken) -> None:
        self.token = token
        self.ports: list[Port] = []
        self.heard = b""

    def port(self) -> Port:
        self.ports.append(Port(self))
        return self.ports[-1]


class Port:
    """A program's end of it. `act` happens before the report number `at` that it writes or reads."""

    report_size = wire.REPORT_FS
    unattended = True

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.queue: deque[bytes] = deque()
        self.passed = 0
        self.at = -1
        self.act: Callable[[], None] = lambda: None

    def _count(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.act()

    def write(self, report: bytes) -> None:
        self._count()
        self.bus.token.write(report)

    def read(self, timeout: float) -> bytes | None:
        self._count()
        if not self.queue:
            report = self.bus.token.read(timeout)
            if report is None:
                return None
            self.bus.heard += report[7:] if report[4] & 0x80 else report[5:]
            for port in self.bus.ports:
                port.queue.append(report)
        return self.queue.popleft()

    def close(self) -> None:
        pass


class Process(Host):
    """The hostile one: it can also write on the other one's channel."""

    def on(self, cid: bytes, cmd: int, data: bytes = b"") -> None:
        own, self.cid = self.cid, cid
        self.write(cmd, data)
        self.cid = own


_made: list[tuple[bytes, bytes]] = []


def kept(desk: Desk) -> tuple[Chip, bytes]:
    """A token that holds one backup, and its id."""
    chip = desk.token()
    if not _made:
        client = desk.client(chip)
        backup_id = client.reserve(declaration(vault=b"\x03" * 33)).backup_id
        client.put(backup_id, SHARE[::-1])
        client.commit(backup_id)
        client.confirm(backup_id)
        _made.append((bytes(chip.image), backup_id))
    image, backup_id = _made[0]
    desk.rewind()
    return Chip(image), backup_id


def plugged(desk: Desk, chip: Chip, person: Any, clock: Any = None) -> tuple[TokenClient, Port, Process]:
    """coldshare, unlocked, and another process."""
    bus = Bus(SoftToken(chip, person, clock=clock or VirtualClock()))
    port = bus.port()
    client = TokenClient(port)
    client.connect(desk.store)
    client.unlock(PIN)
    other: Any = bus.port()
    process = Process(other, "hostile")
    process.hello()
    return client, port, process


ACTS: dict[str, Callable[[Process, bytes], None]] = {
    "init": lambda process, psk_id: process.on(VICTIM, wire.CMD_INIT, b"hostile!"),
    "cancel": lambda process, psk_id: process.on(VICTIM, wire.CMD_CANCEL),
    "record": lambda process, psk_id: process.on(VICTIM, wire.CMD_RECORD, bytes(range(64))),
    "session": lambda process, psk_id: process.on(VICTIM, wire.CMD_SESSION, psk_id + bytes(range(64))),
    "pair": lambda process, psk_id: process.on(VICTIM, wire.CMD_PAIR, public()),
    "continuation": lambda process, psk_id: process.token.write(VICTIM + bytes(60)),
    "half a message": lambda process, psk_id: process.token.write(framing.split(VICTIM, wire.CMD_PING, bytes(200))[0]),
    "own init": lambda process, psk_id: process.on(wire.CID_BROADCAST, wire.CMD_INIT, b"hostile!"),
    "own session": lambda process, psk_id: process.write(wire.CMD_SESSION, psk_id + public() + bytes(32)),
    "own pairing": lambda process, psk_id: process.write(wire.CMD_PAIR, public()),
    "own record": lambda process, psk_id: process.write(wire.CMD_RECORD, bytes(64)),
    "own cancel": lambda process, psk_id: process.write(wire.CMD_CANCEL),
}


def public() -> bytes:
    return NativeSuite().public(NativeSuite().generate())


def store(client: TokenClient, backup_id: bytes) -> bytes:
    room = client.reserve(declaration())
    client.put(room.backup_id, SHARE)
    client.commit(room.backup_id)
    client.confirm(room.backup_id)
    return room.factor


def release(client: TokenClient, backup_id: bytes) -> bytes:
    opened = client.open(backup_id, wire.PURPOSE_VERIFY)
    client.get(backup_id, opened.size, opened.digest)
    return opened.factor


JOBS = {"store": store, "release": release}


def _length(desk: Desk, job: str) -> int:
    chip, backup_id = kept(desk)
    client, port, _ = plugged(desk, chip, approves())
    before = port.passed
    JOBS[job](client, backup_id)
    return port.passed - before


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("job", JOBS)
def test_at_any_moment_of_a_transfer_and_of_a_question(desk: Desk, job: str, act: str) -> None:
    """The first reports, which for a release are those of the question, and others all over."""
    length = _length(desk, job)
    chip, backup_id = kept(desk)
    desk.rewind()
    image, pairing = bytes(chip.image), desk.store.all()[0]
    desk.store = _OneKey()  # a disk would take longer than all the rest
    for moment in sorted({1, 4, 6, length // 4, length // 2, length - 12, length - 4}):
        desk.store.keep(pairing)
        chip = Chip(image)
        person = approves()
        client, port, process = plugged(desk, chip, person)
        pairings = key_record(chip)[F_PAIRINGS]
        port.passed, port.at = 0, moment
        port.act = lambda process=process, psk_id=client.psk_id: ACTS[act](process, psk_id)  # type: ignore[misc]
        done = b""
        with suppress(ColdshareError):
            done = JOBS[job](client, backup_id)
        client.close()
        asked = [lines[0] for lines in person.questions]
        assert asked in ([], ["Store this share?"] if job == "store" else ["RELEASE to verify?"])
        assert key_record(chip)[F_PAIRINGS] == pairings
        assert not done or done not in port.bus.heard
        # What was there is there, and nothing that nobody agreed to.
        (old, *new) = [one for one in slots(chip) if one[1]]
        assert old == (backup_id, wire.BACKUP_ACTIVE)
        assert on_flash(chip, backup_id) == SHARE[::-1]
        assert not new or asked
        assert [on_flash(chip, one) for one, _ in new] == [SHARE] * len(new)
        if job == "store" and done:
            assert [state for _, state in new] == [wire.BACKUP_ACTIVE]


def on_flash(chip: Chip, backup_id: bytes) -> bytes:
    """The bytes of that backup."""
    path = f"/b/{backup_id.hex()}"
    files = LittleFiles(chip)
    return files.read(path, 0, files.size(path))


@pytest.mark.parametrize("defended", [True, False])
def test_a_request_on_the_others_channel(desk: Desk, monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """While a backup is released, the process asks for it too. The control: a channel whose records are in the clear,
    so that nothing about them has to verify."""
    if not defended:
        bare(monkeypatch)
    chip, backup_id = kept(desk)
    client, _, process = plugged(desk, chip, approves())
    client.open(backup_id, wire.PURPOSE_VERIFY)
    process.cid = VICTIM
    queue: Any = process.token
    queue.queue.clear()  # what it heard so far
    request = codec.encode({0: wire.OP_READ, 1: backup_id, 2: 0})
    if defended:
        with pytest.raises(FrameRefusedError) as refused:
            process.call(wire.CMD_RECORD, request)
        assert refused.value.code == wire.ERR_SESSION
    else:
        reply = codec.decode(process.call(wire.CMD_RECORD, request))
        assert isinstance(reply, dict)
        assert reply[1] == SHARE[::-1]


class Finger:
    """Somebody who presses YES at a moment and lifts the finger after a while, whatever the screen shows by then."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.from_ms = self.to_ms = -1
        self.shown: list[tuple[int, str]] = []

    def press(self, milliseconds: int) -> None:
        self.from_ms = self.clock.now_ms()
        self.to_ms = self.from_ms + milliseconds

    def show(self, lines: list[str], question: bool) -> None:
        self.shown.append((self.clock.now_ms(), lines[0]))

    def button(self) -> int:
        now = self.clock.now_ms()
        if not self.from_ms <= now < self.to_ms:
            return BUTTON_NONE
        return BUTTON_HELD if now - self.from_ms >= wire.HOLD_MS else BUTTON_YES

    def close(self) -> None:
        pass


def _hasty(hal: Any, lines: list[str]) -> Any:
    """Firmware that takes whatever is down for an answer."""
    hal.show(lines, True)
    while hal.button() == 0:
        yield 2


@pytest.mark.parametrize("defended", [True, False])
@pytest.mark.parametrize("question", ["pair", "wipe"])
def test_the_question_is_exchanged_under_the_finger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, question: str, defended: bool
) -> None:
    """The person reads what they mean to agree to and presses. In that instant the process drops the request and has
    the token ask something else. The control: firmware that does not wait until the button was up."""
    if not defended:
        monkeypatch.setattr(firmware_person.ask, "__code__", _hasty.__code__)
    clock = VirtualClock()
    finger = Finger(clock)
    chip, backup_id = kept(desk)
    client, port, process = plugged(desk, chip, finger, clock)
    answers = []

    def exchange() -> None:
        assert finger.shown[-1][1] == "RELEASE to restore?"
        finger.press(wire.HOLD_MS + 1000)
        process.on(VICTIM, wire.CMD_INIT, b"hostile!")
        answers.append(process.pair() if question == "pair" else process.wipe())

    port.passed, port.at, port.act = 0, 12, exchange
    with suppress(ColdshareError):
        client.open(backup_id, wire.PURPOSE_RESTORE)
    asked = "Pair with hostile?" if question == "pair" else "WIPE this token?"
    assert asked in [headline for _, headline in finger.shown]
    assert answers[0][0] == (wire.STATUS_TIMED_OUT if defended else wire.STATUS_OK)
    if defended:
        assert [held.backup_id for held in desk.client(chip).backups()] == [backup_id]
        assert len(key_record(chip)[F_PAIRINGS]) == 1


def test_what_remains_a_press_that_begins_after_the_exchange(desk: Desk) -> None:
    """A finger on its way when the screen changes is an answer to what is there when it lands."""
    clock = VirtualClock()
    finger = Finger(clock)
    chip, backup_id = kept(desk)
    client, port, process = plugged(desk, chip, finger, clock)
    show, answers = finger.show, []

    def land(lines: list[str], question: bool) -> None:
        show(lines, question)
        if question and lines[0] == "Pair with hostile?":
            finger.press(200)

    def exchange() -> None:
        process.on(VICTIM, wire.CMD_INIT, b"hostile!")
        answers.append(process.pair())

    finger.show = land  # type: ignore[method-assign]
    port.passed, port.at, port.act = 0, 12, exchange
    with suppress(ColdshareError):
        client.open(backup_id, wire.PURPOSE_RESTORE)
    assert answers[0][0] == wire.STATUS_OK
    assert process.open().status(wire.OP_LIST, 0) == wire.STATUS_LOCKED  # and that is all it has


def test_what_remains_it_can_ask_to_pair_or_to_wipe(desk: Desk) -> None:
    """At any time, and the screen says so. Who presses NO, or nothing, has lost the time it took."""
    chip, backup_id = kept(desk)
    person = Presses(2)
    client, _, process = plugged(desk, chip, person)
    assert process.pair()[0] == wire.STATUS_REJECTED
    assert process.wipe()[0] == wire.STATUS_REJECTED
    assert [lines[0] for lines in person.questions] == ["Pair with hostile?", "WIPE this token?"]
    with pytest.raises(ColdshareError) as caught:
        client.backups()
    assert caught.value.code == "session_lost"
    assert [held.backup_id for held in desk.client(chip).backups()] == [backup_id]
