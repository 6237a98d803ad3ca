"""The command line with tokens that are plugged in: which one is meant, what is said of them, and following them."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare.device import turn
from coldshare.device.transport import hid, usb
from support.desk import Desk, rejects
from support.shell import Said, Shell
from support.usbbus import Bus, Plug, Speed

PIN = ("--pin-file", "pin")


def good(said: Said) -> Said:
    assert said.status == 0, said.out + said.err
    return said


def failed(said: Said, code: str, status: int) -> str:
    assert said.status == status, said.out + said.err
    assert f"Error ({code})" in said.err
    return said.err


@pytest.fixture
def plug(bus: Bus, desk: Desk) -> Plug:
    bus.linux()
    return bus.plug(desk.token(), Speed.HIGH)


class Slept:
    """A clock that only sleeping moves. `at` says what happens once it is so late."""

    def __init__(self) -> None:
        self.now = 0.0
        self._then: list[tuple[float, Callable[[], object]]] = []

    def at(self, when: float, happens: Callable[[], object]) -> None:
        self._then.append((when, happens))

    def __call__(self, seconds: float) -> None:
        self.now += seconds
        while self._then and self._then[0][0] <= self.now:
            self._then.pop(0)[1]()


# --- tokens


def test_tokens_lists_what_is_plugged_in_and_what_is_known(shell: Shell, bus: Bus, desk: Desk, plug: Plug) -> None:
    stranger = bus.plug(desk.token(5, "Mine"), Speed.FULL)
    desk.store.forget(bytes.fromhex(stranger.serial))
    said = good(shell("tokens"))
    rows = [line.split() for line in said.out.splitlines()]
    for one, label in ((plug, ["Safe", "A"]), (stranger, ["(new", "here)"])):
        assert [f"usb:{one.serial}", f"hid:{one.serial}", *label, "coldshare", "3.5"] in rows
    assert [plug.serial, "Safe", "A"] in rows
    assert plug.opened == plug.passed == 0

    answer = good(shell("tokens", "--json")).json
    assert [(one["serial"], one["label"]) for one in answer["tokens"]] == [(plug.serial, "Safe A")]
    by_serial = {one["serial"]: one for one in answer["plugged_in"]}
    assert by_serial[stranger.serial]["paired"] is False
    assert by_serial[plug.serial] == {
        "serial": plug.serial,
        "address": f"usb:{plug.serial}",
        "label": "Safe A",
        "paired": True,
        "product": "coldshare token",
        "model": "coldshare",
        "release": "3.5",
        "ways": [
            {
                "address": f"usb:{plug.serial}",
                "access": "ok",
                "node": str(bus.nodes / "bus/usb/001/002"),
                "driver": None,
                "next": None,
            },
            {
                "address": f"hid:{plug.serial}",
                "access": "ok",
                "node": plug.hid_path,
                "driver": "usbhid",
                "next": None,
            },
        ],
    }


def test_tokens_says_what_is_in_the_way(shell: Shell, bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    bus.tell(plug, bulk="usbfs")
    said = good(shell("tokens")).out
    assert f"hid:{plug.serial}  usb:{plug.serial}" in said
    assert "usb: busy" in said
    assert "What now (busy): " in said
    monkeypatch.setattr("os.access", lambda path, mode: False)
    said = good(shell("tokens")).out
    assert "usb: busy, hid: no permission" in said
    assert "What now (no permission): " in said
    assert "coldshare udev install" in said
    bus.tell(plug)
    assert good(shell("tokens")).out.count("no permission") == 2  # once in the row: it is the same for both ways
    ways = good(shell("tokens", "--json")).json["plugged_in"][0]["ways"]
    assert ["udev install" in way["next"] for way in ways] == [True, True]


def test_tokens_with_nothing_plugged_in(shell: Shell, bus: Bus, desk: Desk) -> None:
    desk.token()
    said = good(shell("tokens")).out
    assert said.startswith("No token is plugged in.")
    assert "Safe A" in said
    assert good(shell("tokens", "--json")).json["plugged_in"] == []


def test_what_a_device_says_of_itself_does_nothing_to_a_terminal(shell: Shell, bus: Bus, plug: Plug) -> None:
    (bus.devices / plug.port / "manufacturer").write_text("\x1b[2Jevil\x07\n")
    for argv in (("tokens",), ("tokens", "--json")):
        said = good(shell(*argv)).out
        assert "evil" in said
        assert "\x1b" not in said
        assert "\x07" not in said


def test_tokens_at_an_address(shell: Shell, bus: Bus, plug: Plug) -> None:
    for scheme in ("hid", "usb"):
        here = good(shell("tokens", "--at", f"{scheme}:{plug.serial}", "--json")).json["here"]
        assert (here["serial"], here["state"], here["label"]) == (plug.serial, "ready", "Safe A")
    bus.unplug(plug)
    here = good(shell("tokens", "--at", f"usb:{plug.serial}", "--json")).json["here"]
    assert here["error"]["code"] == "not_plugged_in"


class Script:
    """Instead of sleeping: one thing after the other happens, and then Ctrl-C."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps = list(steps)
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()


@pytest.mark.parametrize("as_json", [False, True])
def test_watch(shell: Shell, bus: Bus, desk: Desk, plug: Plug, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    other = desk.token(1, "Safe B")
    plugs: list[Plug] = []
    script = Script(
        lambda: plugs.append(bus.plug(other, Speed.FULL)),
        lambda: None,
        lambda: bus.tell(plug, bulk="usbfs"),
        lambda: bus.unplug(plug),
    )
    monkeypatch.setattr(time, "sleep", script)
    said = good(shell("tokens", "--watch", *(["--json"] if as_json else [])))
    assert said.err == ""
    assert script.slept == [0.5] * 5
    lines = said.out.splitlines()
    if as_json:
        events = [json.loads(line) for line in lines]
        assert [(one["event"], one["token"]["serial"]) for one in events] == [
            ("plugged", plug.serial),
            ("plugged", plugs[0].serial),
            ("changed", plug.serial),
            ("unplugged", plug.serial),
        ]
        assert [one["token"]["label"] for one in events] == ["Safe A", "Safe B", "Safe A", "Safe A"]
    else:
        assert [line.split()[:2] for line in lines] == [
            ["plugged", f"usb:{plug.serial}"],
            ["plugged", f"usb:{plugs[0].serial}"],
            ["changed", f"hid:{plug.serial}"],
            ["unplugged", f"hid:{plug.serial}"],
        ]
        assert lines[2].endswith("usb: busy")


def test_watch_is_for_all_of_them(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", Script())
    failed(shell("tokens", "--watch", "--at", "sim:a.token"), "usage", 2)
    monkeypatch.setenv("COLDSHARE_AT", "sim:a.token")
    good(shell("tokens", "--watch"))


# --- which one


def test_the_one_that_is_plugged_in_needs_no_name(shell: Shell, bus: Bus, plug: Plug, tmp_path: Path) -> None:
    password = ("--password-file", "pw", *PIN)
    good(shell("backup", "phone.vult", "--no-recovery", *password))
    assert len(good(shell("list", *PIN, "--json")).json["backups"]) == 1
    good(shell("verify", *password))
    good(shell("restore", "--out", "back.vult", *password))
    assert (tmp_path / "back.vult").read_bytes() == (tmp_path / "phone.vult").read_bytes()
    assert plug.opened == 0


def test_bulk_is_taken_where_it_can_be(shell: Shell, bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_hid, open_usb = hid.open_hid, usb.open_usb
    monkeypatch.setattr(hid, "open_hid", lambda *argv: opened.append("hid") or open_hid(*argv))
    monkeypatch.setattr(usb, "open_usb", lambda *argv: opened.append("usb") or open_usb(*argv))
    good(shell("list", *PIN))
    bus.tell(plug, bulk="usbfs")
    good(shell("list", *PIN))
    assert opened == ["usb", "hid"]


def test_of_several_one_has_to_be_named(shell: Shell, bus: Bus, desk: Desk, plug: Plug) -> None:
    other = bus.plug(desk.token(1, "Safe B"), Speed.FULL)
    for argv in (("list", *PIN), ("restore", "--out", "x.vult", *PIN), ("resume", *PIN), ("wipe",), ("pair",)):
        said = failed(shell(*argv), "several_tokens", 2)
        assert f"usb:{plug.serial} ('Safe A')" in said
        assert f"usb:{other.serial} ('Safe B')" in said
    good(shell("list", "--at", f"hid:{other.serial}", *PIN))


def test_none_to_choose_from(shell: Shell, bus: Bus) -> None:
    for argv in (("list", *PIN), ("restore", "--out", "x.vult", *PIN)):
        said = failed(shell(*argv), "no_address", 2)
        assert "none is plugged in" in said
        assert "sim:PATH" in said


def test_an_unreadable_pairing_store_does_not_hide_the_token(shell: Shell, bus: Bus, desk: Desk, plug: Plug) -> None:
    bus.plug(desk.token(1), Speed.FULL)
    (shell.home / "pairings.json").write_text("{")
    failed(shell("list", *PIN), "several_tokens", 2)
    failed(shell("tokens"), "pairings_unreadable", 3)


def test_help_touches_no_bus(shell: Shell, bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> None:
        raise AssertionError("the bus was touched")

    monkeypatch.setattr("coldshare.device.discovery.find", asked)
    for name in ("list", "backup", "tokens", "wipe"):
        assert "--at" in good(shell(name, "--help")).out


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    """Turns are waited for in no time."""
    hours = Slept()
    take = turn.take

    def quickly(serial: str, on_wait: turn.OnWait | None = None) -> turn.Turn:
        return take(serial, on_wait, clock=lambda: hours.now, sleep=hours)

    monkeypatch.setattr(turn, "take", quickly)
    return hours


@pytest.mark.parametrize(("finishes", "said"), [(0.5, 0), (4.0, 1)])
def test_it_says_that_it_waits_for_another_one(
    shell: Shell, plug: Plug, slept: Slept, finishes: float, said: int
) -> None:
    other = turn.take(plug.serial)
    slept.at(finishes, other.close)
    assert good(shell("list", *PIN)).err.count("Another coldshare uses this token. Waiting") == said


def test_it_does_not_wait_for_ever(shell: Shell, plug: Plug, slept: Slept) -> None:
    other = turn.take(plug.serial)
    assert failed(shell("list", *PIN), "token_in_use", 6).count("Another coldshare uses this token") == 2
    other.close()


def test_ctrl_c_ends_the_waiting(shell: Shell, plug: Plug, slept: Slept) -> None:
    other = turn.take(plug.serial)
    slept.at(2.0, lambda: signal.raise_signal(signal.SIGINT))
    failed(shell("list", *PIN), "interrupted", 130)
    assert slept.now < 3
    other.close()


def test_no_at_the_token_is_a_no(shell: Shell, bus: Bus, desk: Desk) -> None:
    bus.linux()
    plug = bus.plug(desk.token(), Speed.FULL, rejects())
    failed(shell("backup", "phone.vult", "--no-recovery", "--password-file", "pw", *PIN), "rejected", 5)
    assert plug.opened == 0
