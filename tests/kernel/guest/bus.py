"""Software tokens on the machine's USB bus, each in a process of its own, and what the kernel made of them.

Never in the process of the test: hidapi keeps Python's lock while the kernel waits for the device.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: How long anything may take before a test gives up, in seconds. Nothing is judged by it.
PATIENCE = 60
_SLICE = 0.02
_DEVICES = Path("/sys/bus/usb/devices")
SIMULATOR = (str(Path(sys.executable).with_name("coldshare-sim")),)


def wait_for(what: str, there: Callable[[], Any]) -> Any:
    """What `there` answers, once that is true."""
    end = time.monotonic() + PATIENCE
    while not (found := there()):
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(_SLICE)
    return found


def udevd_listens() -> bool:
    """Whether there is a udevd. Its socket stays behind when it ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        try:
            control.connect("/run/udev/control")
        except OSError:
            return False
    return True


def settle() -> None:
    """Until udevd, if there is one, has done what it has to do."""
    if udevd_listens():
        subprocess.run(["udevadm", "settle"], check=True)


class Plug:
    """One token, plugged in. `options` are those of `coldshare-sim plug`."""

    def __init__(self, path: Path, speed: str, *options: str, program: Sequence[str] = SIMULATOR) -> None:
        self.path = path
        self._control = Path(f"{path}.control")
        self._control.unlink(missing_ok=True)
        command = [*program, "plug", str(path), "--speed", speed, "--control", str(self._control), *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the simulator has ended with {self.process.wait()}"
        self.said: dict[str, Any] = json.loads(line)
        self.hid = self.said["at"]
        self.serial = self.hid.partition(":")[2]
        self.usb = f"usb:{self.serial}"
        self.there()

    def at(self, carrier: str) -> str:
        """The address over "hid" or "usb"."""
        return f"{carrier}:{self.serial}"

    @property
    def device(self) -> Path | None:
        """What the kernel has of it."""
        for path in _DEVICES.glob("*/serial"):
            try:
                if path.read_text().strip() == self.serial:
                    return path.parent
            except OSError:  # it goes while we look
                continue
        return None

    @property
    def nodes(self) -> dict[str, Path]:
        """The nodes by carrier, as far as they are there."""
        device = self.device
        found: dict[str, Path] = {}
        if device is not None:
            bus, number = (int((device / name).read_text()) for name in ("busnum", "devnum"))
            candidates = {"usb": Path(f"/dev/bus/usb/{bus:03}/{number:03}")}
            for path in device.glob("*/*/hidraw/hidraw*"):
                candidates["hid"] = Path("/dev") / path.name
            found = {carrier: node for carrier, node in candidates.items() if node.exists()}
        return found

    def there(self) -> None:
        """Until the kernel has made its nodes, and udev has said whose they are."""
        wait_for("both nodes of the token", lambda: len(self.nodes) == 2)
        settle()

    def gone(self) -> None:
        wait_for("the end of the device", lambda: self.device is None)
        settle()

    def unplug(self) -> None:
        self.ask("unplug")
        self.gone()

    def plug(self) -> None:
        self.ask("plug")
        self.there()

    def ask(self, do: str, **members: Any) -> dict[str, Any]:
        """One request to the control socket, and its answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE)
            control.connect(str(self._control))
            control.sendall(json.dumps({"do": do, **members}).encode() + b"\n")
            with control.makefile("rb") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
        assert answer["ok"], answer
        return answer

    def cpu(self) -> float:
        """Seconds of processor time that the simulator has had."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()
        self.gone()
