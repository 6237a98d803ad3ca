"""A token on a bus, as a kernel at the other end of a socket sees it; its cable, and everything at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from coldshare.device.errors import TokenGoneError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare_iface import framing, wire
from coldshare_iface.errors import EXIT_DEVICE
from coldshare_sim.cli import run
from coldshare_sim.clock import RealClock
from coldshare_sim.faults import FaultyToken, parse
from coldshare_sim.flash import Chip
from coldshare_sim.listen import Listener, listen_tcp
from coldshare_sim.look import look
from coldshare_sim.panel import Panel
from coldshare_sim.person import person_for
from coldshare_sim.usb import bus as bus_module
from coldshare_sim.usb import gadget as gadget_module
from coldshare_sim.usb import vhci
from coldshare_sim.usb.bus import Bus
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.errors import VirtualBusFullError
from coldshare_sim.usb.vhci import Slot
from support.client import LABEL, NONCE, PIN, Host, blob, declaration
from support.usbip import DEVICE_ID, ECONNRESET, Computer, SocketLink, UsbIpTransport

SIM = str(Path(sys.executable).with_name("coldshare-sim"))
SPEEDS = pytest.mark.parametrize("speed", list(Speed), ids=lambda speed: speed.name.lower())
CARRIERS = pytest.mark.parametrize("bulk", [False, True], ids=["hid", "bulk"])


def dial(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


class Remote:
    """Somebody at the control socket."""

    def __init__(self, where: str) -> None:
        self._sock = dial(where)
        self._lines = self._sock.makefile("rb")

    def next(self) -> dict[str, Any]:
        line = self._lines.readline()
        assert line, "the connection is closed"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __call__(self, do: str, **members: object) -> dict[str, Any]:
        self._sock.sendall(json.dumps({"do": do, **members}).encode() + b"\n")
        return self.next()

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name; others pass by."""
        while (event := self.next()).get("event") != name:
            pass
        return event

    def close(self) -> None:
        self._lines.close()
        self._sock.close()


class Kernel:
    """What the virtual bus does with the sockets that it is given: it keeps them, and a computer speaks there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given: list[socket.socket] = []
        self.full = False

    def attach(self, speed: Speed) -> Slot:
        if self.full:
            raise VirtualBusFullError
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.given.append(theirs)
        return Slot(len(self.given), ours, self.folder)

    def computer(self) -> Computer:
        return Computer(SocketLink(self.given[-1]))


class OnBus:
    """A token on a bus, in another thread; and its control socket."""

    def __init__(
        self,
        speed: Speed,
        kernel: Kernel | None,
        *,
        fault: str = "",
        user: str | None = "approve",
        chip: Chip | None = None,
    ) -> None:
        self.speed = speed
        self.kernel = kernel
        panel = Panel(person_for(user) if user is not None else None)
        faults = parse(fault) if fault else ()
        size = speed.report_size
        self.token = FaultyToken(chip or Chip(), panel, faults, clock=RealClock(), report_size=size)
        self.listener = listen_tcp("127.0.0.1:0") if kernel is None else None
        self.controls: Listener = listen_tcp("127.0.0.1:0")
        self.ready: list[str | None] = []
        self.failure: BaseException | None = None
        self._dialled: list[socket.socket] = []
        self.bus = Bus(
            self.token,
            speed,
            panel,
            attach=kernel.attach if kernel is not None else None,
            listener=self.listener,
            controls=self.controls,
            on_ready=lambda bus: self.ready.append(bus.address),
        )
        self.bus.plug()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.bus.run()
        except BaseException as error:
            self.failure = error

    def computer(self) -> Computer:
        """One that has the device, and has not looked at it yet."""
        if self.kernel is not None:
            return self.kernel.computer()
        assert self.listener is not None
        self._dialled.append(dial(self.listener.where))
        computer = Computer(SocketLink(self._dialled[-1]))
        assert computer.attach() == 0
        return computer

    def transport(self, bulk: bool, computer: Computer | None = None) -> UsbIpTransport:
        if computer is None:
            computer = self.computer()
            computer.enumerate()
        packet = self.speed.bulk_packet if bulk else self.speed.report_size
        return UsbIpTransport(computer, bulk=bulk, packet=packet)

    def remote(self) -> Remote:
        return Remote(self.controls.where)

    def close(self) -> None:
        self.bus.stop()
        self._thread.join()
        self.token.close()
        for sock in self._dialled:
            sock.close()
        if self.failure is not None:
            raise self.failure


Put = Callable[..., OnBus]


@pytest.fixture
def put(tmp_path: Path) -> Iterator[Put]:
    """Puts a token onto a bus: one to fetch it from, or with `virtual` one that it is plugged into."""
    with contextlib.ExitStack() as stack:

        def put(speed: Speed = Speed.FULL, *, virtual: bool = False, **more: Any) -> OnBus:
            kernel = Kernel(tmp_path) if virtual else None
            on_bus = OnBus(speed, kernel, **more)
            stack.callback(on_bus.close)
            if kernel is not None:
                stack.callback(lambda: [sock.close() for sock in kernel.given])
            return on_bus

        yield put


def ready(on_bus: OnBus, folder: Path, bulk: bool = False) -> tuple[PairingStore, TokenClient]:
    """Paired, set up and unlocked, by the real client."""
    store = PairingStore(folder / "pairings.json")
    transport = on_bus.transport(bulk)
    client = TokenClient(transport)
    client.pair(store, lambda code: True, "desk")
    client.connect(store)
    client.set_up(PIN, LABEL)
    client = TokenClient(transport)  # its info is another one now
    client.connect(store)
    client.unlock(PIN)
    return store, client


@SPEEDS
@CARRIERS
def test_a_backup_and_back_by_the_real_client(put: Put, tmp_path: Path, speed: Speed, bulk: bool) -> None:
    on_bus = put(speed)
    _, client = ready(on_bus, tmp_path, bulk)
    with client:
        data = blob(40_000)
        backup_id = client.reserve(declaration()).backup_id
        client.put(backup_id, data)
        client.commit(backup_id)
        opened = client.open(backup_id, wire.PURPOSE_VERIFY)
        assert client.get(backup_id, opened.size, opened.digest) == data


def test_both_carriers_of_one_token(put: Put, tmp_path: Path) -> None:
    """What is begun over one is there over the other; nobody has to read HID for bulk to be served."""
    on_bus = put(Speed.HIGH)
    store, client = ready(on_bus, tmp_path, bulk=False)
    computer = client._link._transport.computer
    over_bulk = TokenClient(on_bus.transport(True, computer))
    over_bulk.connect(store)
    assert over_bulk.unlock(PIN) == LABEL
    assert over_bulk.info.serial.hex() == on_bus.bus.address.removeprefix("hid:")
    over_bulk.close()


def test_ready_is_said_once_it_can_be_used(put: Put) -> None:
    fetched, plugged = put(), put(virtual=True)
    with contextlib.closing(fetched.remote()) as remote:
        assert remote("state")["clients"] == 0
    assert fetched.ready == [fetched.bus.address]
    with contextlib.closing(plugged.remote()) as remote:
        assert remote("state")["clients"] == 1
        assert plugged.ready == []
        plugged.computer().enumerate()
        remote("state")
    assert plugged.ready == [plugged.bus.address]


def test_an_unlink_in_flight(put: Put) -> None:
    """Answered while the token waits for its person, and what it says next goes to the next transfer."""
    on_bus = put(user=None)
    computer = on_bus.computer()
    computer.enumerate()
    host = Host(on_bus.transport(True, computer)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    assert host.read(keepalives=True) == (wire.CMD_KEEPALIVE, bytes((wire.KEEPALIVE_PERSON,)))
    while computer.wait(number := computer.submit(0x82, 16384), 0) is not None:
        pass
    status = computer.unlink(number)
    assert status == -ECONNRESET or computer.done.pop(number).length == 8
    with contextlib.closing(on_bus.remote()) as remote:
        assert remote("press", button="yes")["ok"]
    assert host.finish()[0] == wire.STATUS_OK


def test_a_simulator_that_was_stopped_leaves_nobody_without_their_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for it gets what lies there, however much time has passed in between."""
    kernel, panel = Kernel(tmp_path), Panel(person_for("approve"))
    token = FaultyToken(Chip(), panel, clock=RealClock())
    bus = Bus(token, Speed.FULL, panel, attach=kernel.attach)
    bus.plug()
    computer = kernel.computer()
    (frame,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, wire.BULK_FRAME_MAX)
    for number in (computer.submit(0x00, setup=bytes.fromhex("0009010000000000")), computer.submit(0x02, data=frame)):
        bus._turn()
        assert computer.result(number).status == 0
    monkeypatch.setattr(gadget_module, "STUCK_MS", -1)  # everything is old at once
    number = computer.submit(0x82, 16384)
    bus._turn()
    assert computer.result(number).data[7:15] == NONCE
    bus.close()
    token.close()
    kernel.given[0].close()


def test_every_transfer_is_taken_back_when_a_driver_goes(put: Put) -> None:
    on_bus = put()
    computer = on_bus.computer()
    computer.enumerate()
    numbers = [computer.submit(endpoint, 64) for endpoint in (0x81, 0x81, 0x82, 0x82)]
    assert [computer.unlink(number) for number in numbers] == [-ECONNRESET] * 4
    host = Host(on_bus.transport(True, computer)).hello()
    assert host.call(wire.CMD_PING, b"still here") == b"still here"


# --- the cable
@SPEEDS
def test_unplugged_in_mid_transfer_and_plugged_in_again(put: Put, tmp_path: Path, speed: Speed) -> None:
    on_bus = put(speed, virtual=True)
    store, client = ready(on_bus, tmp_path, bulk=True)
    data = blob(50_000)
    backup_id = client.reserve(declaration()).backup_id
    remote = on_bus.remote()
    transport = client._link._transport
    write, written = transport.write, []

    def pull(report: bytes) -> None:
        written.append(report)
        if len(written) == 4:
            assert remote("unplug")["ok"]
        write(report)

    transport.write = pull
    with pytest.raises(TokenGoneError):
        client.put(backup_id, data)
    assert len(written) == 4
    assert (tmp_path / "detach").read_text() == "1"
    assert remote("state")["plugged"] is False
    assert remote("screen")["lines"] == []
    assert remote("press", button="yes")["error"]["code"] == "no_question"
    assert remote("unplug")["error"]["code"] == "no_change"
    assert remote("plug")["ok"]
    assert remote("plug")["error"]["code"] == "no_change"
    assert remote("plug", now=True)["error"]["code"] == "unknown_member"
    with TokenClient(on_bus.transport(True)) as again:
        again.connect(store)
        again.unlock(PIN)
        again.put(backup_id, data)
        again.commit(backup_id)
        assert len(again.backups()) == 1
    assert len(on_bus.kernel.given) == 2
    remote.close()


def test_events_of_the_cable(put: Put) -> None:
    on_bus = put()
    computer = on_bus.computer()
    serial = computer.enumerate()[2]
    remote = on_bus.remote()
    assert remote("events")["ok"]
    other = on_bus.remote()
    assert other("power")["ok"]
    assert remote.event("power") == {"event": "power"}
    assert remote.event("unplug") == {"event": "unplug"}
    assert remote.event("plug") == {"event": "plug", "at": f"hid:{serial}"}
    with pytest.raises((EOFError, OSError)):
        computer.ask(0x80, 0)
    assert on_bus.computer().enumerate()[2] == serial
    remote.close()
    other.close()


def pair_again_and_again(host: Host) -> None:
    for _ in range(20):
        host.hello().pair()


@pytest.mark.parametrize("spec", ["unplug:to-token:2", "unplug:to-host:2", "cut:3"])
@pytest.mark.parametrize("virtual", [False, True], ids=["fetched", "plugged"])
def test_a_fault_that_pulls_it_out(put: Put, spec: str, virtual: bool) -> None:
    on_bus = put(virtual=virtual, fault=spec)
    host = Host(on_bus.transport(False))
    remote = on_bus.remote()
    remote("events")
    with pytest.raises(TokenGoneError):
        pair_again_and_again(host)
    remote.event("unplug")
    if not virtual:
        with dial(on_bus.listener.where) as sock:
            assert Computer(SocketLink(sock)).list() == []
            assert sock.recv(1) == b""
    other = on_bus.remote()
    assert other("state")["plugged"] is False
    assert other("plug")["ok"]
    assert Host(on_bus.transport(False)).hello().pair()[0] == wire.STATUS_OK
    remote.close()
    other.close()


def test_a_full_bus_is_said_and_the_token_stays_unplugged(put: Put) -> None:
    on_bus = put(virtual=True)
    with contextlib.closing(on_bus.remote()) as remote:
        on_bus.kernel.full = True
        assert remote("power")["error"]["code"] == "virtual_bus_full"
        assert remote("state")["plugged"] is False
        assert remote("screen")["lines"] == []
        on_bus.kernel.full = False
        assert remote("plug")["ok"]
        assert on_bus.computer().enumerate()


def test_a_kernel_that_detaches_the_token_unplugs_it(put: Put) -> None:
    on_bus = put(virtual=True)
    with contextlib.closing(on_bus.remote()) as remote:
        remote("events")
        on_bus.kernel.given[0].close()
        remote.event("unplug")
    with contextlib.closing(on_bus.remote()) as remote:
        assert remote("plug")["ok"]
    assert on_bus.computer().enumerate()


def test_a_wiped_token_comes_back_under_its_new_serial(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gadget_module, "QUIET_MS", 0)
    on_bus = put(virtual=True)
    host = Host(on_bus.transport(False)).hello()
    before = on_bus.bus.address
    remote = on_bus.remote()
    remote("events")
    assert host.wipe()[0] == wire.STATUS_OK
    remote.event("unplug")
    after = remote.event("plug")["at"]
    assert after != before
    assert on_bus.computer().enumerate()[2] == after.removeprefix("hid:")
    remote.close()


# --- clients
def test_garbage_is_let_go_and_said(put: Put, caplog: pytest.LogCaptureFixture) -> None:
    on_bus = put()
    with dial(on_bus.listener.where) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(1) == b""
    assert "version 0x4745" in caplog.text
    assert on_bus.computer().enumerate()


def test_too_many_at_the_port(put: Put) -> None:
    on_bus = put()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(dial(on_bus.listener.where)) for _ in range(bus_module.CLIENTS_MAX)]
        last = Computer(SocketLink(sockets[-1]))
        assert last.attach() == 0
        with dial(on_bus.listener.where) as one_more:
            assert one_more.recv(1) == b""
        assert last.enumerate()


def test_whoever_goes_leaves_the_device_to_the_next(put: Put) -> None:
    on_bus = put()
    first = on_bus.computer()
    first.enumerate()
    first.submit(0x82, 512)
    first.link.close()
    with contextlib.closing(on_bus.remote()) as remote:
        while remote("state")["clients"]:
            pass
    assert on_bus.computer().enumerate()


# --- the process
@contextlib.contextmanager
def plug(*arguments: str, **more: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [SIM, "plug", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@contextlib.contextmanager
def attached(facts: dict[str, Any]) -> Iterator[Computer]:
    with dial(facts["listen"]) as sock:
        computer = Computer(SocketLink(sock))
        assert computer.attach(facts["busid"]) == 0
        yield computer


def test_the_process(tmp_path: Path) -> None:
    """One line, a token that keeps what it was given, and a clean end."""
    path = tmp_path / "a.token"
    arguments = (str(path), "--speed", "hs", "--listen", "127.0.0.1:0", "--user", "approve", "--create")
    with plug(*arguments, "--control", "127.0.0.1:0") as (process, facts), attached(facts) as computer:
        assert (facts["ok"], facts["command"], facts["speed"], facts["port"]) == (True, "plug", "hs", None)
        assert facts["pid"] == process.pid
        assert facts["path"] == str(path)
        serial = computer.enumerate()[2]
        assert facts["at"] == f"hid:{serial}"
        host = Host(UsbIpTransport(computer, bulk=True, packet=512)).hello()
        assert host.pair()[0] == wire.STATUS_OK
        with contextlib.closing(Remote(facts["control"])) as remote:
            assert remote("state")["pairings"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        with pytest.raises(EOFError):
            computer.ask(0x80, 0)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    facts = look(path)
    assert (facts.serial, facts.pairings) == (serial, 1)


def test_a_program_that_is_killed_and_one_that_stops(tmp_path: Path) -> None:
    read, write = os.pipe()
    arguments = (str(tmp_path / "a.token"), "--listen", "127.0.0.1:0", "--user", "reject", "--create")
    command = [SIM, "plug", *arguments, "--ready-fd", str(write)]
    with subprocess.Popen(command, pass_fds=[write], stdout=subprocess.PIPE, text=True) as process:
        os.close(write)
        with os.fdopen(read) as ready:
            facts = json.loads(ready.read())
        with attached(facts) as computer:
            computer.enumerate()
            (report,) = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE, 64)
            head = struct.pack(">5I", 1, 99, DEVICE_ID, 0, 1) + struct.pack(">5I8x", 0, 64, 0, 0, 0)
            computer.link.send(head + report[:10])  # killed in the middle of it
        with attached(facts) as computer:
            computer.enumerate()
            assert Host(UsbIpTransport(computer, bulk=False, packet=64)).hello().pair()[0] == wire.STATUS_REJECTED
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--listen", "0.0.0.0:0", "--user", "approve", "--create"], "bad_place"),
        (["--listen", "127.0.0.1:0", "--create"], "nobody_to_press"),
        (["--listen", "127.0.0.1:0", "--user", "approve"], "no_such_token"),
        (["--listen", "127.0.0.1:0", "--user", "approve", "--create", "--fault", "explode:now"], "bad_fault"),
        (["--listen", "127.0.0.1:0", "--user", "approve", "--create", "--break", "nothing"], "unknown_flaw"),
        (["--speed", "ss"], "usage"),
    ],
)
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str) -> None:
    assert run(["plug", str(tmp_path / "a.token"), *arguments]) != 0
    said = capsys.readouterr()
    assert f"Error ({code})" in said.err
    assert "--unix" not in said.err
    assert said.out == ""


def test_no_virtual_bus_is_said_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vhci, "CONTROLLER", tmp_path / "vhci_hcd.0")
    assert run(["plug", str(tmp_path / "a.token"), "--user", "approve", "--create"]) == EXIT_DEVICE
    said = capsys.readouterr()
    assert "Error (no_virtual_bus)" in said.err
    assert "modprobe vhci_hcd" in said.err
