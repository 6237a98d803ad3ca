"""The control socket: the screen, the buttons and the plug; and whatever else is sent to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, cast

import pytest

from coldshare.device.address import Address
from coldshare.device.errors import TokenGoneError
from coldshare.device.transport import Transport, open_transport
from coldshare_iface import wire
from coldshare_sim import connection, control, controllers
from coldshare_sim.flash import Chip
from support.client import PIN, Bench, Host
from support.served import Served
from support.shell import Secrets

Serve = Callable[..., Served]


class Remote:
    """Somebody at the control socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = sock.makefile("rb")

    def send(self, line: bytes) -> None:
        self._sock.sendall(line + b"\n")

    def next(self) -> dict[str, Any]:
        line = self._lines.readline()
        assert line, "the connection is closed"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def __call__(self, do: str, **members: object) -> dict[str, Any]:
        self.send(json.dumps({"do": do, **members}).encode())
        return self.next()

    def fails(self, do: str, **members: object) -> str:
        answer = self(do, **members)
        assert answer["ok"] is False
        assert answer["error"]["message"].endswith(".")
        return str(answer["error"]["code"])

    def closed(self) -> bool:
        try:
            return self._lines.readline() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._lines.close()
        self._sock.close()


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve(user=None)


@pytest.fixture
def remote(served: Served) -> Iterator[Remote]:
    remote = Remote(served.control())
    yield remote
    remote.close()


@pytest.fixture
def cable(served: Served) -> Iterator[Transport]:
    transport = open_transport(Address.parse(served.address))
    yield transport
    transport.close()


def asking(cable: Transport) -> Host:
    """A host that waits for the button: the token asks whether to pair."""
    host = Host(cast(Any, cable)).hello()
    host.handshake()
    host.start(wire.OP_PAIR_ACCEPT, "desk")
    assert host.read(keepalives=True)[0] == wire.CMD_KEEPALIVE
    return host


def test_screen_and_press(remote: Remote, cable: Transport) -> None:
    assert remote("screen", id=7) | {"lines": []} == {
        "ok": True,
        "id": 7,
        "do": "screen",
        "number": 1,
        "lines": [],
        "question": False,
    }
    host = asking(cable)
    shown = remote("screen")
    assert shown["question"] is True
    assert "Pair with desk?" in shown["lines"]
    assert remote.fails("press", button="yes", screen=shown["number"] - 1) == "other_screen"
    assert remote("press", button="yes", screen=shown["number"])["ok"] is True
    assert host.finish()[0] == wire.STATUS_OK


def test_no(remote: Remote, cable: Transport) -> None:
    host = asking(cable)
    assert remote("press", button="no")["ok"] is True
    assert host.finish()[0] == wire.STATUS_REJECTED


def test_a_press_without_a_question(remote: Remote) -> None:
    for button in control.BUTTONS:
        assert remote.fails("press", button=button) == "no_question"


def test_events(remote: Remote, cable: Transport) -> None:
    first = remote("events")
    assert (first["number"], first["question"]) == (1, False)
    host = asking(cable)
    event = remote.next()
    while not event["question"]:
        event = remote.next()
    assert event["event"] == "screen"
    assert remote("press", button="hold", screen=event["number"])["ok"] is True
    assert remote.next()["question"] is False
    assert host.finish()[0] == wire.STATUS_OK


def test_power(remote: Remote, cable: Transport, served: Served) -> None:
    asking(cable)
    assert remote("events")["question"] is True
    remote.send(b'{"do": "power"}')
    assert remote.next() == {"event": "power"}
    assert remote.next()["question"] is False
    assert remote.next() == {"ok": True, "do": "power"}
    with pytest.raises(TokenGoneError):
        cable.read(5)
    with served.client() as client:
        assert client.info.state == wire.TOKEN_NEW


def test_state_and_no_secret(serve: Serve) -> None:
    bench = Bench().make_ready()
    bench.host.put(bytes(1000))
    served = serve(Chip(bench.image), user=None)
    remote = Remote(served.control())
    with served.client():
        state = remote("state")
    assert (state["state"], state["pairings"], state["backups"], state["clients"]) == ("ready", 1, 1, 1)
    said = json.dumps([state, remote("screen"), remote("events")])
    remote.close()
    secrets = Secrets()
    secrets.add("PIN", PIN)
    secrets.add("pairing key", bench.host.psk)
    secrets.check(said)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "unknown_request"),
        ({"do": "open"}, "unknown_request"),
        ({"do": ["screen"]}, "unknown_request"),
        ({"do": "press"}, "unknown_button"),
        ({"do": "press", "button": ["yes"]}, "unknown_button"),
        ({"do": "press", "button": "maybe"}, "unknown_button"),
        ({"do": "screen", "more": 1}, "unknown_member"),
        ({"do": "power", "more": 1}, "unknown_member"),
        ({"do": "press", "button": "yes", "more": 1}, "unknown_member"),
        ({"do": "press", "button": "yes", "screen": "1"}, "other_screen"),
        ({"do": "press", "button": "yes", "screen": True}, "other_screen"),
    ],
)
def test_requests_that_are_none(remote: Remote, request_: dict[str, Any], code: str) -> None:
    remote.send(json.dumps(request_).encode())
    answer = remote.next()
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert remote("screen")["ok"] is True


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"POST / HTTP/1.1",
        b"[]",
        b"1",
        b"{",
        b"\xff\xfe",
        b"[" * 4000,
        b'{"do": "screen", "x": "' + b"x" * control.LINE_MAX + b'"}',
    ],
)
def test_what_is_no_request_ends_the_connection(remote: Remote, served: Served, line: bytes) -> None:
    """Even with a good line right behind it: a web page could make a browser send both."""
    remote.send(line + b'\n{"do": "screen"}')
    assert remote.closed()
    again = Remote(served.control())
    assert again("screen")["ok"] is True
    again.close()


def test_a_line_without_an_end(remote: Remote) -> None:
    remote._sock.sendall(b" " * (control.LINE_MAX + 1))
    assert remote.closed()


def test_noise(served: Served) -> None:
    random = Random(3)
    pieces = [b'{"do":', b'"press"', b'"screen"', b",", b"}", b"\n", b'"id":', b"1e999", b"null", b"\0", b"{"]
    for _ in range(50):
        noisy = Remote(served.control())
        noisy._sock.sendall(b"".join(random.choices(pieces, k=40)))
        noisy.close()
    last = Remote(served.control())
    assert last("screen")["ok"] is True
    last.close()


def test_a_place_for_each(served: Served) -> None:
    places = [Remote(served.control()) for _ in range(controllers.CONTROLS_MAX)]
    for remote in places:
        assert remote("screen")["ok"] is True
    late = Remote(served.control())
    assert late.closed()
    for remote in (*places, late):
        remote.close()


def test_who_does_not_read_its_events_is_let_go(
    served: Served, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_MAX", 4096)
    silent = Remote(served.control())
    silent("events")
    for _ in range(20_000):
        if not any(controller.listens for controller in served.server._controllers):
            break
        remote("power")
    else:
        pytest.fail("it is still there")
    silent.close()
    assert remote("screen")["ok"] is True
