"""A computer of the tests' own: folders for rules, a udevadm that writes down what it is told, and USB devices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from coldshare.device import sysfs
from coldshare.udev import check, install
from coldshare_iface import wire
from support.shell import Shell
from support.udevd import listening


@dataclass(frozen=True)
class Computer:
    """`folders` are in the order in which udev lets one stand in front of another."""

    root: Path
    closing: ExitStack

    @property
    def folders(self) -> tuple[Path, Path]:
        return self.root / "etc/udev/rules.d", self.root / "usr/lib/udev/rules.d"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def told(self) -> list[str]:
        """What udevadm was told."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    def udevadm(self, script: str = "") -> None:
        """Put one there that does `script` after writing down what it was told."""
        program = self.root / "bin/udevadm"
        program.write_text(f'#!/bin/sh\necho "$*" >> "{self.log}"\n{script}\n', encoding="utf-8")
        program.chmod(0o755)

    def udevd(self) -> None:
        self.closing.enter_context(listening(self.root / "control"))

    def device(self, name: str, product: str = wire.USB_PRODUCT_STRING, serial: str = "00112233aabbccdd") -> Path:
        """A USB device with our id. Returns its folder."""
        real = self.root / "sys/devices/pci0000:00" / name
        real.mkdir(parents=True)
        told = f"PRODUCT={wire.USB_VENDOR:x}/{wire.USB_PRODUCT:x}/100\nBUSNUM=001\nDEVNUM={name.rpartition('-')[2]}"
        fields = {"uevent": told, "product": product, "serial": serial}
        for field, text in fields.items():
            (real / field).write_text(f"{text}\n", encoding="utf-8")
        (self.root / "sys/bus" / name).symlink_to(real)
        return real


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    closing = ExitStack()
    computer = Computer(tmp_path / "computer", closing)
    for folder in (*computer.folders, computer.root / "bin", computer.root / "sys/bus"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(check, "FOLDERS", computer.folders)
    monkeypatch.setattr(sysfs, "DEVICES", computer.root / "sys/bus")
    monkeypatch.setattr(install, "_CONTROL", computer.root / "control")
    monkeypatch.setattr(install, "_SBIN", ())
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(computer.root / "bin"))
    with closing:
        yield computer


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    return Shell(tmp_path, monkeypatch, capsys)
