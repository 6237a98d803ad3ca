"""Every test here has a bus, a home, and coldshare's transports on that bus instead of this computer's."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.device import sysfs
from coldshare.device.transport import hid, usb
from coldshare.seal import primitives
from support.desk import PASSWORD, PIN, Desk, quick_argon2id, vault
from support.shell import Shell
from support.usbbus import ROADS, Bus, Port, Road


@pytest.fixture(params=ROADS.values(), ids=list(ROADS))
def road(request: pytest.FixtureRequest) -> Road:
    chosen: Road = request.param
    return chosen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".home"
    monkeypatch.setenv("COLDSHARE_HOME", str(folder))
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    return folder


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """A computer that tells about its bus by the libraries only; `bus.linux()` makes it one with a sysfs."""
    bus = Bus(tmp_path / "bus")
    monkeypatch.setattr(hid, "library", lambda: bus.hidapi)
    monkeypatch.setattr(usb, "backend", lambda: bus.pyusb)
    monkeypatch.setattr(sysfs, "DEVICES", bus.devices)
    monkeypatch.setattr(sysfs, "NODES", bus.nodes)
    return bus


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)


@pytest.fixture
def port(bus: Bus, desk: Desk, road: Road) -> Port:
    return Port(bus, desk, road)


@pytest.fixture
def shell(tmp_path: Path, bus: Bus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A terminal at that computer, with the files `pin`, `pw` and `phone.vult`."""
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    (share, *_) = vault()
    shell.write("phone.vult", share.vult)
    shell.secrets.add_share(share.vult)
    return shell
