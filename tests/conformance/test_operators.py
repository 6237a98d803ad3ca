"""Who presses: a person who is told what to do, and the control socket of a served token."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from coldshare.conformance.bench import Bench
from coldshare.conformance.control import ControlOperator, NoControlError
from coldshare.conformance.opening import NobodyThereError, open_bench
from coldshare.conformance.operator import PRESS
from coldshare.conformance.run import FAIL, PASS, SKIP, run
from coldshare.conformance.terminal import TerminalOperator
from coldshare.device.address import Address
from coldshare.device.errors import AddressError, DeviceError
from coldshare.device.transport.sim import SimTransport
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_iface import wire
from coldshare_sim.broken.token import BrokenToken
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import BadPlaceError
from coldshare_sim.flash import Chip
from coldshare_sim.listen import listen_tcp, listen_unix
from coldshare_sim.panel import Panel
from coldshare_sim.token import SoftToken
from conformance.conftest import rows
from support.served import Served


class Obedient:
    """Sits at the terminal and does at the token what is said there."""

    def __init__(self, flaw: str | None = None, *, plug: bool = True) -> None:
        clock = VirtualClock()
        self.panel = Panel(None)
        self.token: SoftToken = (
            SoftToken(Chip(), self.panel, clock=clock)
            if flaw is None
            else BrokenToken(Chip(), self.panel, flaw, clock=clock)
        )
        self.plug = plug
        self.said: list[str] = []
        self.asked: list[str] = []
        self.bench = Bench(
            SimTransport(self.token, wire.REPORT_FS, unattended=False),
            TerminalOperator(self.say, self.ask, clock.now_ms),
        )

    def say(self, text: str) -> None:
        self.said.append(text)
        if "Answer YES" in text:
            self.panel.press(BUTTON_HELD if asks_to_hold(list(self.panel.screen.lines)) else BUTTON_YES)
        elif "Press NO" in text:
            self.panel.press(BUTTON_NO)

    def ask(self, text: str) -> str:
        self.asked.append(text)
        if "Unplug" in text:
            if not self.plug:
                return "s"
            self.token.power_cycle()
        elif "Press YES" in text:
            self.panel.press(BUTTON_YES)
        return ""

    def outcomes(self, *names: str) -> dict[str, str]:
        return {one.row.name: one.result for one in run(self.bench, rows(*names))}


def test_a_person_does_what_is_said() -> None:
    names = ("frames-ping", "frames-cancel", "pairing-press", "pairing-kept", "manage-label", "wipe-held", "pin-power")
    person = Obedient()
    assert person.outcomes(*names) == dict.fromkeys(names, PASS)
    text = "\n".join(person.said + person.asked)
    for words in ("Answer YES", "Press NO.", "Press nothing.", "Press YES for a moment", "Unplug the token"):
        assert words in text
    # What it is about is said once, with the first thing to do.
    assert sum("label takes a press" in line for line in person.said) == 1


def test_a_person_finds_flaws() -> None:
    assert Obedient("wipe-held").outcomes("wipe-held") == {"wipe-held": FAIL}
    assert Obedient("manage-label").outcomes("manage-label", "manage-pairings")["manage-label"] == FAIL


def test_what_a_person_cannot_do_is_skipped() -> None:
    person = Obedient(plug=False)
    outcomes = list(run(person.bench, rows("pairing-kept", "pin-power", "pairing-code", "manage-pairings")))
    assert {one.row.name: one.result for one in outcomes} == {
        "pairing-code": SKIP,
        "pairing-kept": SKIP,
        "pin-power": SKIP,
        "manage-pairings": PASS,
    }
    assert all(one.why for one in outcomes if one.result == SKIP)
    assert len(person.asked) == 1  # who has no plug is asked once


def test_a_person_who_does_not_hear_is_told_again() -> None:
    said: list[str] = []
    operator = TerminalOperator(said.append, lambda text: "")
    operator.begins("A rule")
    for number in range(81):
        operator.asked(new=number == 0)
    assert [line.strip() for line in said].count("A rule.") == 1
    assert sum("Answer YES" in line for line in said) == 3  # at once, and every ten seconds


def test_somebody_who_is_asked_for_a_short_press_is_waited_for() -> None:
    asked: list[str] = []
    operator = TerminalOperator(lambda text: None, lambda text: asked.append(text) or "")
    operator.answer = PRESS
    for number in range(50):
        operator.asked(new=number == 0)
    assert len(asked) == 1


# --- the control socket
NAMES = ("frames-ping", "frames-cancel", "pairing-press", "pairing-code", "pairing-kept", "generation-retire")


def test_a_served_token_is_pressed_through_its_control_socket(serve: Callable[..., Served]) -> None:
    served = serve()
    with contextlib.closing(open_bench(Address.parse(served.address), served.controls.where)) as bench:
        outcomes = {one.row.name: (one.result, one.why) for one in run(bench, rows(*NAMES))}
    assert outcomes == dict.fromkeys(NAMES, (PASS, ""))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_control_socket_at_a_port(host: str) -> None:
    try:
        controls = listen_tcp(f"{host}:0")
    except BadPlaceError:
        pytest.skip(f"no {host} here")
    with contextlib.closing(controls):
        ControlOperator(controls.where).close()


def test_a_served_token_with_a_flaw(serve: Callable[..., Served]) -> None:
    served = serve("manage-label")
    with contextlib.closing(open_bench(Address.parse(served.address), served.controls.where)) as bench:
        outcomes = {one.row.name: one.result for one in run(bench, rows("manage-label", "manage-pairings"))}
    assert outcomes == {"manage-label": FAIL, "manage-pairings": PASS}


def test_there_is_no_control_socket(short: Path) -> None:
    for where in (str(short / "none"), "127.0.0.1:1", "\0", "x" * 200):
        with pytest.raises((NoControlError, AddressError)):
            ControlOperator(where)


@pytest.fixture
def answering(short: Path) -> Iterator[Callable[[bytes], str]]:
    """A socket that says the same to everything."""
    with contextlib.ExitStack() as stack:

        def answering(answer: bytes) -> str:
            listener = listen_unix(short / "odd")
            stack.callback(listener.close)
            listener.sock.setblocking(True)

            def serve() -> None:
                with contextlib.suppress(OSError):
                    connection, _ = listener.sock.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_RDWR)

            thread = Thread(target=serve)
            thread.start()
            stack.callback(thread.join)
            return str(short / "odd")

        yield answering


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"[]\n", b'{"ok": false, "error": {"code": "unknown_request"}}\n']
)
def test_what_answers_is_no_control_socket(answering: Callable[[bytes], str], answer: bytes) -> None:
    operator = ControlOperator(answering(answer))
    with contextlib.closing(operator), pytest.raises(NoControlError):
        operator.screen()


# --- who is there
def test_somebody_has_to_press(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    with pytest.raises(NobodyThereError):
        open_bench(Address.parse(served.address))
    with pytest.raises(AddressError, match="user="):
        open_bench(Address.parse(f"sim:{tmp_path / 'a.token'}?user=approve"))
    assert not list(tmp_path.iterdir())


def test_no_token_there(short: Path, serve: Callable[..., Served]) -> None:
    with pytest.raises(DeviceError):
        open_bench(Address.parse(f"sim+unix:{short / 'none'}"), serve().controls.where)
    with pytest.raises(DeviceError):
        open_bench(Address.parse("hid:00112233445566ff"), None, (lambda text: None, lambda text: ""))
