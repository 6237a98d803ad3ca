"""A token served over a socket: several programs, and everything that a program can do wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from coldshare.device.address import Address
from coldshare.device.errors import (
    AddressError,
    DeviceError,
    SessionLostError,
    TokenChannelBusyError,
    TokenGoneError,
    TokenTimeoutError,
)
from coldshare.device.pairings import PairingStore
from coldshare.device.transport import open_transport
from coldshare.device.transport import served as transport_module
from coldshare.device.transport.served import (
    NoServerError,
    NotASimulatorError,
    OtherUserError,
    ServedTransport,
    ServerForbiddenError,
)
from coldshare_iface import framing, stream, wire
from coldshare_iface.stream import Frames, Hello, StreamError
from coldshare_sim import connection
from coldshare_sim import server as server_module
from coldshare_sim.errors import BadPlaceError, PlaceTakenError
from coldshare_sim.listen import listen_tcp, listen_unix
from support.client import Host, blob, declaration
from support.desk import PIN
from support.served import Served, channel, dial, init_report, report_from

Serve = Callable[..., Served]
SIM = str(Path(sys.executable).with_name("coldshare-sim"))


def ready(served: Served, folder: Path) -> PairingStore:
    store = PairingStore(folder / "pairings.json")
    with served.client() as client:
        client.pair(store, lambda code: True, "desk")
        client.connect(store)
        client.set_up(PIN, "Safe A")
    return store


def usable(served: Served) -> None:
    with served.client() as client:
        assert client.info.model == "coldshare-sim"


def test_a_backup_goes_through(served: Served, tmp_path: Path) -> None:
    store = ready(served, tmp_path)
    data = blob(50_000)
    with served.client() as client:
        client.connect(store)
        client.unlock(PIN)
        backup_id = client.reserve(declaration()).backup_id
        client.put(backup_id, data)
        client.commit(backup_id)
        opened = client.open(backup_id, wire.PURPOSE_VERIFY)
        assert client.get(backup_id, opened.size, opened.digest) == data
        assert client.unattended


def test_two_programs(served: Served, tmp_path: Path) -> None:
    """Everybody sees every report, and each takes its own. The token has one secure channel: the newer one."""
    store = ready(served, tmp_path)
    with served.client() as first, served.client() as second:
        first.connect(store)
        first.unlock(PIN)
        second.identify()
        assert first.backups() == []
        second.connect(store)
        with pytest.raises(SessionLostError):
            first.backups()
        assert second.unlock(PIN) == "Safe A"


def test_reports_reach_everybody(served: Served) -> None:
    with served.raw() as one, served.raw() as other:
        cid = channel(one)
        assert report_from(other)[15:19] == cid


def test_who_leaves_takes_the_session_along(served: Served, tmp_path: Path) -> None:
    store = ready(served, tmp_path)
    with served.client() as client:
        client.connect(store)
        client.unlock(PIN)
        cid = client._link._cid
    with served.raw() as thief:
        channel(thief)
        thief.sendall(stream.frame(framing.split(cid, wire.CMD_RECORD, bytes(64))[0]))
        thief.sendall(stream.frame(framing.split(cid, wire.CMD_RECORD, bytes(64))[1]))
        assert report_from(thief)[4:8] == bytes((wire.CMD_ERROR | 0x80, 0, 1, wire.ERR_SESSION))


@pytest.mark.parametrize("tcp", [False, True])
def test_a_cable_cut_at_every_byte(serve: Serve, tcp: bool) -> None:
    """Whatever part of a message arrived, the next program can talk at once."""
    served = serve(tcp=tcp)
    with served.raw() as sock:
        cid = channel(sock)
    message = b"".join(stream.frame(report) for report in framing.split(cid, wire.CMD_PING, bytes(130)))
    for cut in range(0, len(message) + 1, 1 if not tcp else 13):
        with served.raw() as sock:
            sock.sendall(message[:cut])
        with served.raw() as sock:
            while (
                sock.sendall(stream.frame(init_report())) is None
                and report_from(sock)[4] == wire.CMD_ERROR | 0x80  # the loop has not seen the end of the other one yet
            ):
                pass
    usable(served)


def test_who_leaves_while_the_token_asks(serve: Serve) -> None:
    """A question of somebody who was killed goes away with them."""
    served = serve(user=None)
    transport = open_transport(Address.parse(served.address))
    host = Host(cast(Any, transport)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    assert host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    assert served.panel.screen.question
    transport.close()
    for _ in range(1000):
        usable(served)
        if not served.panel.screen.question:
            return
    pytest.fail("the token still asks")


@pytest.mark.parametrize(
    "garbage",
    [b"\0\0", b"\0\1x", b"\xff\xff", b"\0\x3f" + bytes(63), b"\0\x41" + bytes(65), b"GET / HTTP/1.1\r\n\r\n"],
)
def test_garbage_ends_the_connection_of_who_sends_it(served: Served, garbage: bytes) -> None:
    with served.raw() as good, served.raw() as bad:
        bad.sendall(garbage)
        assert report_from(bad) == b""
        assert channel(good)


def test_reports_that_mean_nothing_are_the_tokens_to_judge(served: Served) -> None:
    random = Random(1)
    with served.raw() as sock:
        for _ in range(200):
            sock.sendall(stream.frame(random.randbytes(64)))
        assert channel(sock)
    usable(served)


def test_who_does_not_read_is_let_go(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNREAD_MAX", 4096)
    served = serve()
    slow, good = served.raw(), served.raw()
    cid = channel(good)
    message = b"".join(stream.frame(report) for report in framing.split(cid, wire.CMD_PING, bytes(7609)))
    pong = len(message)
    for _ in range(400):
        good.sendall(message)
        left = pong
        while left:
            received = len(good.recv(left))
            assert received
            left -= received
    assert len(served.server._clients) == 1
    slow.close()
    good.close()


def test_a_place_for_each_but_not_for_ever(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(server_module.CLIENTS_MAX):
            stack.enter_context(served.raw())
        with pytest.raises(TokenChannelBusyError, match="Too many programs"):
            served.client()
    for _ in range(1000):
        with contextlib.suppress(TokenChannelBusyError):
            usable(served)
            return
    pytest.fail("the places were not given back")


def test_the_simulator_goes_away(serve: Serve) -> None:
    served = serve()
    client = served.client()
    served.server.stop()
    with pytest.raises(TokenGoneError, match="closed the connection") as caught:  # noqa: PT012
        for _ in range(100):
            client.identify()
    assert "Start the simulator again" in caught.value.next_step
    client.close()


# --- the host's end
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        stream.frame(b"{}"),
        stream.frame(b"[" * 500),
        stream.frame(b'{"coldshare-sim": 2, "report_size": 64}'),
        stream.frame(b'{"coldshare-sim": 1, "report_size": 63}'),
        stream.frame(b'{"coldshare-sim": 1, "report_size": true}'),
        stream.frame(b'{"coldshare-sim": 1, "report_size": 64, "user": "anybody"}'),
        stream.frame(b'{"coldshare-sim": 1, "report_size": 64, "refused": 1}'),
        b"\xff\xff",
    ],
)
def test_what_is_no_simulator(said: bytes) -> None:
    here, there = socket.socketpair()
    with here:
        with there:
            there.sendall(said)
        with pytest.raises(NotASimulatorError, match="is not a software token"):
            transport_module._greet(here, Address.parse("sim+unix:x"))


def test_a_simulator_that_breaks_off_or_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_HELLO", 0.01)
    monkeypatch.setattr(transport_module, "_WRITE", 0.01)
    here, there = socket.socketpair()
    with here, there:
        with pytest.raises(TokenTimeoutError, match="Nothing is said"):
            transport_module._greet(here, Address.parse("sim+unix:x"))
        there.sendall(stream.frame(Hello(64).encode()))
        transport = transport_module._greet(here, Address.parse("sim+unix:x"))
        assert transport.read(0) is None
        there.sendall(b"\0")
        assert transport.read(0) is None
        there.sendall(b"\x40" + bytes(64))
        assert transport.read(0) == bytes(64)
        with pytest.raises(TokenTimeoutError, match="does not take"):  # noqa: PT012
            for _ in range(100_000):
                transport.write(bytes(64))
        there.sendall(b"\0\1")
        with pytest.raises(NotASimulatorError, match="a length of 1 bytes"):
            transport.read(1)


def test_half_a_report_is_finished_before_the_next() -> None:
    here, there = socket.socketpair()
    with here, there:
        transport = ServedTransport(here, Hello(64), Frames(64, 64))
        transport._unsent += stream.frame(b"a" * 64)[1:]
        transport.write(b"b" * 64)
        assert there.recv(1000) == stream.frame(b"a" * 64)[1:] + stream.frame(b"b" * 64)


def test_who_presses_is_for_the_address_to_say(serve: Serve) -> None:
    """A server that says that it approves does not make the host skip the comparison of a pairing."""
    where = serve(user="approve").server._listener.address
    transport = open_transport(Address.parse(where))
    assert not transport.unattended
    transport.close()
    with pytest.raises(OtherUserError, match="user=reject, but user=approve"):
        open_transport(Address.parse(f"{where}?user=reject"))


def test_an_attended_token_is_not_taken_for_another(serve: Serve) -> None:
    where = serve(user=None).address
    assert "?" not in where
    with pytest.raises(OtherUserError, match="user=approve, but a person"):
        open_transport(Address.parse(f"{where}?user=approve"))


def test_nobody_serves_there(short: Path) -> None:
    (short / "file").write_bytes(b"")
    stale(short / "stale")
    for name in ("nothing", "file", "stale", "no/folder"):
        with pytest.raises(NoServerError, match=name) as caught:
            open_transport(Address.parse(f"sim+unix:{short}/{name}"))
        assert "coldshare-sim serve" in caught.value.next_step
    with pytest.raises(AddressError, match="too long"):
        open_transport(Address.parse(f"sim+unix:/{'x' * 200}"))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(NoServerError):
            open_transport(Address.parse(f"sim+tcp:127.0.0.1:{sock.getsockname()[1]}"))
    assert issubclass(ServerForbiddenError, DeviceError)


def stale(path: Path) -> None:
    """What a killed simulator leaves behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))


# --- the stream
def test_frames_come_out_as_they_went_in() -> None:
    random = Random(2)
    sent = [random.randbytes(random.randrange(1, 200)) for _ in range(100)]
    data = b"".join(map(stream.frame, sent))
    frames, got = Frames(1, 200), []
    while data:
        cut = random.randrange(1, 300)
        frames.feed(data[:cut])
        data = data[cut:]
        while (one := frames.next()) is not None:
            got.append(one)
    assert got == sent


@pytest.mark.parametrize("hello", [Hello(64), Hello(1024, "approve"), Hello(64, None, "busy")])
def test_hello(hello: Hello) -> None:
    assert Hello.decode(hello.encode()) == hello
    assert len(hello.encode()) <= stream.HELLO_MAX


def test_a_later_hello_may_say_more() -> None:
    assert Hello.decode(b'{"coldshare-sim": 1, "report_size": 64, "more": []}') == Hello(64)
    with pytest.raises(StreamError):
        Hello.decode(b"\xff")


# --- places
def test_a_unix_socket_is_private_and_goes_with_its_server(short: Path) -> None:
    listener = listen_unix(short / "s")
    assert stat.S_IMODE((short / "s").stat().st_mode) == 0o600
    with pytest.raises(PlaceTakenError, match="already"):
        listen_unix(short / "s")
    listener.close()
    assert not (short / "s").exists()


def test_a_leftover_is_replaced_and_nothing_else_is(short: Path) -> None:
    stale(short / "s")
    first = listen_unix(short / "s")
    (short / "s").unlink()
    second = listen_unix(short / "s")
    first.close()  # and does not take the other one's place away
    assert (short / "s").exists()
    second.close()
    (short / "file").write_bytes(b"letters")
    with pytest.raises(PlaceTakenError, match="There is a file"):
        listen_unix(short / "file")
    assert (short / "file").read_bytes() == b"letters"
    (short / "link").symlink_to(short / "file")
    with pytest.raises(PlaceTakenError):
        listen_unix(short / "link")
    for path in (short / ("x" * 200), short / "no" / "folder"):
        with pytest.raises(BadPlaceError):
            listen_unix(path)


@pytest.mark.parametrize(
    "where",
    ["0.0.0.0:0", "192.0.2.1:0", ":0", "[::]:0", "example.com:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536"],
)
def test_only_this_computer(where: str) -> None:
    with pytest.raises(BadPlaceError):
        listen_tcp(where)


def test_ports() -> None:
    listener = listen_tcp("localhost:0")
    port = listener.where.rpartition(":")[2]
    assert listener.address == f"sim+tcp:127.0.0.1:{port}"
    with pytest.raises(PlaceTakenError):
        listen_tcp(f"127.0.0.1:{port}")
    with dial(listener.address):
        accepted = listener.accept()
        assert accepted is not None
        accepted.close()
    listener.close()
    listen_tcp(f"127.0.0.1:{port}").close()  # at once, although a connection has just ended


# --- the process
@contextlib.contextmanager
def process(*argv: object, **options: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen(
        [SIM, "serve", *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    ) as running:
        try:
            assert running.stdout is not None
            yield running, json.loads(running.stdout.readline() or "{}")
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(short: Path, number: signal.Signals) -> None:
    where = ["--unix", short / "s"] if number == signal.SIGTERM else ["--tcp", "127.0.0.1:0"]
    with process(short / "a.token", "--create", "--user", "approve", *where) as (running, said):
        assert set(said) == {"ok", "command", "at", "control", "path", "pid"}
        assert said["pid"] == running.pid
        transport = open_transport(Address.parse(said["at"]))
        running.send_signal(number)
        assert running.wait(10) == 0
        assert running.stderr is not None
        assert running.stderr.read() == ""
        with pytest.raises(TokenGoneError):
            transport.read(5)
        transport.close()
    assert [path.name for path in short.iterdir()] == ["a.token"]


def test_ready_and_control(short: Path) -> None:
    reading, writing = os.pipe()
    argv = [short / "a.token", "--create", "--tcp", "127.0.0.1:0", "--control", short / "c", "--ready-fd", writing]
    with subprocess.Popen([SIM, "serve", *map(str, argv)], stdout=subprocess.PIPE, pass_fds=[writing]) as running:
        os.close(writing)
        with open(reading) as ready:  # noqa: PTH123
            said = json.loads(ready.read())  # it is closed, too
        assert said["control"] == str(short / "c")
        assert said["at"].startswith("sim+tcp:127.0.0.1:")
        assert "?" not in said["at"]
        running.terminate()
        assert running.stdout is not None
        assert running.stdout.read() == b""


@pytest.mark.parametrize(
    ("argv", "code", "status"),
    [
        (["--user", "approve"], "bad_place", 2),
        (["--user", "approve", "--tcp", "127.0.0.1:0", "--unix", "s"], "bad_place", 2),
        (["--user", "approve", "--tcp", "0.0.0.0:0"], "bad_place", 2),
        (["--tcp", "127.0.0.1:0"], "nobody_to_press", 2),
        (["--user", "approve", "--tcp", "127.0.0.1:0"], "no_such_token", 6),
        (["--user", "approve", "--create", "--tcp", "127.0.0.1:0", "--ready-fd", "99"], "bad_place", 2),
    ],
)
def test_what_cannot_be_served(short: Path, argv: list[str], code: str, status: int) -> None:
    done = subprocess.run(
        [SIM, "serve", str(short / "a.token"), *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=short,
        stdin=subprocess.DEVNULL,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"Error ({code}): ")
    assert "What now: " in done.stderr
    assert not (short / "s").exists()
