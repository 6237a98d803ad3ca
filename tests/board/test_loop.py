"""The main loop with the real firmware in it: reports from a model bus, a person at a panel, time that is ours."""

from __future__ import annotations

import pytest

from board.bus import UsbDevice
from coldshare_firmware.person import BUTTON_NONE
from coldshare_firmware.token import Token
from coldshare_iface import codec, wire
from coldshare_pico.hid import HidPort
from coldshare_pico.loop import _QUIET_MS, STUCK_MS, Loop
from support.board import Board
from support.client import LABEL, PIN, Host, blob


class Machine(Board):
    """A board whose clock stands still but for `sleep`, and whose key agreements take their time."""

    settle_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.on_progress = None
        self.time = 0
        self.ticks = 0
        self.stirred: list[bytes] = []
        #: Milliseconds between two calls on the way of a key agreement: a Pico needs about 35.
        self.slow = 0

    def now_ms(self) -> int:
        return self.time

    def tick(self) -> None:
        self.ticks += 1

    def stir(self, data: bytes | bytearray) -> None:
        self.stirred.append(bytes(data))

    def progress(self) -> None:
        self.time += self.slow
        if self.on_progress is not None:
            self.on_progress()


class Desk:
    """A token, its loop, its bus, and the computer at it (`coldshare.conformance.speaker.Wire`)."""

    report_size = wire.REPORT_FS

    def __init__(self) -> None:
        self.machine = Machine()
        self.usb = UsbDevice()
        self.port = HidPort(self.usb, self.usb.schedule)
        self.token = Token(self.machine)
        self.loop = Loop(self.token, self.port, self.machine)
        self.loop.start()
        self.usb.configure()
        #: Milliseconds since the computer last got a report, at the most.
        self.silence = 0
        self._last = 0
        self._early: list[bytes] = []
        submit = self.usb.submit_xfer

        def submitted(ep: int, buffer: object, /) -> bool:
            taken = submit(ep, buffer)
            if taken and ep & 0x80:  # the computer polls every millisecond, whatever the board is doing
                self._heard()
            return taken

        self.usb.submit_xfer = submitted  # type: ignore[method-assign]

    def _heard(self) -> None:
        report = self.usb.fetch()
        assert report is not None
        self.silence = max(self.silence, self.machine.time - self._last)
        self._last = self.machine.time
        self._early.append(report)

    def step(self) -> None:
        self.usb.run_scheduled()
        self.loop.step()
        self.machine.time += 1

    def idle(self, milliseconds: int) -> None:
        for _ in range(milliseconds):
            self.step()

    def write(self, report: bytes) -> None:
        while not self.usb.send(report):
            self.step()
        self._last = self.machine.time

    def read(self, timeout: float) -> bytes | None:
        for _ in range(int(timeout * 1000)):
            if self._early:
                return self._early.pop(0)
            self.step()
        return None


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_backup_goes_in_and_comes_out(desk: Desk) -> None:
    host = Host(desk)
    host.hello().pair()
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    data = blob(20_000)
    backup_id, _ = host.put(data)
    host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert host.get(backup_id, len(data)) == data
    assert desk.machine.ticks > 500
    assert len(desk.machine.stirred) > 300  # every report; the Hal takes what it wants


def test_a_slow_key_agreement_says_that_it_is_alive(desk: Desk) -> None:
    """Four agreements of 32 x 60 ms each in one step, as on a slow board: never more than a breath of silence."""
    desk.machine.slow = 60
    host = Host(desk)
    host.hello().read_info()
    before = desk.machine.time
    host.pair()
    assert desk.machine.time - before > 3000
    assert desk.silence < 2 * wire.KEEPALIVE_MS + 60


def test_without_that_it_would_be_silent(desk: Desk) -> None:
    desk.machine.slow = 60
    desk.loop._cid = b""
    desk.machine.on_progress = None
    host = Host(desk)
    host.hello().pair()
    assert desk.silence > 1500


class DeafDesk(Desk):
    """A computer that does not fetch, while `deaf`."""

    deaf = False

    def _heard(self) -> None:
        if not self.deaf:
            super()._heard()

    def listen(self) -> None:
        self.deaf = False
        super()._heard()


def test_a_computer_that_is_gone_does_not_stop_the_token() -> None:
    """The question goes away after its minute, although nobody hears of it."""
    desk = DeafDesk()
    desk.machine.answer = BUTTON_NONE
    host = Host(desk)
    host.hello().handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    while not desk.token.waiting:
        desk.step()
    desk.deaf = True
    for _ in range(wire.PERSON_TIMEOUT_MS + STUCK_MS):
        desk.step()
    assert not desk.token.waiting
    desk.listen()  # the one report that the hardware had
    assert desk.read(0.1) is not None
    fresh = Host(desk)
    fresh.hello()
    assert fresh.read_info()[0] == wire.STATUS_OK


def test_a_slow_computer_gets_everything() -> None:
    desk = DeafDesk()
    host = Host(desk)
    host.hello()
    data = blob(500)
    for report in host.reports(wire.CMD_PING, data):
        desk.write(report)
    for _ in range(30):
        desk.deaf = True
        for _ in range(STUCK_MS // 2):
            desk.step()
        if 0x81 in desk.usb.armed:
            desk.listen()
    assert host.read() == (wire.CMD_PING, data)


def test_after_a_wipe_it_comes_back_under_its_new_serial(desk: Desk) -> None:
    host = Host(desk)
    host.hello()
    first = desk.usb.strings[3]
    assert first == codec.decode(host.info)[4].hex()
    desk.idle(_QUIET_MS + 100)
    assert desk.usb.starts == 1  # nothing has changed
    assert host.hello().wipe() == {0: wire.STATUS_OK}
    desk.idle(_QUIET_MS - 100)
    assert desk.usb.starts == 1  # the answer has to be fetched in peace
    desk.idle(200)
    assert (desk.usb.starts, desk.port.open) == (2, False)
    desk.usb.configure()
    host.hello()
    assert desk.usb.strings[3] == codec.decode(host.info)[4].hex() != first


def test_an_exception_leaves_the_loop(desk: Desk) -> None:
    """The board's own trouble is the board's: main.py shows it and starts again."""
    desk.usb.control(1, None)
    with pytest.raises(TypeError):
        desk.step()
