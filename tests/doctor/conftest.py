"""A computer of the tests' own, with a bus, rules and a home; round trips are made in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from coldshare.device import sysfs
from coldshare.device.address import Address
from coldshare.device.transport import hid, usb
from coldshare.doctor import conversation, holders
from coldshare.doctor.conversation import Ask
from coldshare.doctor.examine import examine
from coldshare.doctor.finding import Finding
from coldshare.udev import check, install
from coldshare.udev.rules import NAME, shipped
from coldshare_sim.flash import Chip
from coldshare_sim.usb.descriptors import Speed
from support.desk import Desk
from support.udevd import listening
from support.usbbus import Bus, Plug


@dataclass
class Computer:
    """`rules` is the folder in which rules are installed; `said` is what took a while."""

    root: Path
    bus: Bus
    desk: Desk
    said: list[str]
    closing: ExitStack

    @property
    def rules(self) -> Path:
        return self.root / "rules.d"

    def install_rules(self) -> None:
        (self.rules / NAME).write_bytes(shipped())
        self.closing.enter_context(listening(self.root / "control"))

    def plug(self, speed: Speed = Speed.FULL, number: int = 0, label: str = "Safe A") -> Plug:
        """A token that is set up and paired with this computer."""
        return self.bus.plug(self.desk.token(number, label), speed)

    def plug_new(self) -> Plug:
        return self.bus.plug(Chip(), Speed.FULL)

    def examine(self, named: Address | None = None, ask: Ask = conversation.converse) -> list[Finding]:
        return examine(named, ask, self.said.append)

    def found(self, check: str, ask: Ask = conversation.converse) -> list[Finding]:
        """What one probe has found."""
        return [finding for finding in self.examine(ask=ask) if finding.check == check]


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    root = tmp_path / "computer"
    bus = Bus(root / "bus")
    bus.linux()
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(bus.hidapi, "__name__", "hidraw", raising=False)
    monkeypatch.setattr(bus.pyusb, "lib", SimpleNamespace(_name="/usr/lib/libusb-1.0.so.0"), raising=False)
    monkeypatch.setattr(hid, "library", lambda: bus.hidapi)
    monkeypatch.setattr(usb, "backend", lambda: bus.pyusb)
    monkeypatch.setattr(sysfs, "DEVICES", bus.devices)
    monkeypatch.setattr(sysfs, "NODES", bus.nodes)
    monkeypatch.setattr(check, "FOLDERS", (root / "rules.d",))
    monkeypatch.setattr(install, "_CONTROL", root / "control")
    monkeypatch.setattr(holders, "_PROC", root / "proc")
    (root / "rules.d").mkdir(parents=True)
    (root / "proc").mkdir()
    with ExitStack() as closing:
        yield Computer(root, bus, Desk(tmp_path / "home"), [], closing)


@pytest.fixture
def process(computer: Computer) -> Callable[..., None]:
    """Let another process have files open, as /proc tells it."""

    def have(pid: int, name: str, *paths: str) -> None:
        folder = computer.root / "proc" / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n", encoding="utf-8")
        for number, path in enumerate(paths):
            (folder / "fd" / str(number)).symlink_to(path)

    return have
