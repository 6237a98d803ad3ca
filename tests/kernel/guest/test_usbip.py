"""`coldshare-sim plug --listen`, and the kernel's own tool that attaches what is served there."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from coldshare.device import discovery
from kernel.guest.bus import PATIENCE, SIMULATOR, settle, wait_for
from support.shell import Shell

pytestmark = pytest.mark.kernel

#: Where `usbip` looks, unless it is told another one.
PORT = 3240


def test_attached_by_usbip(folder: Path, shell: Shell) -> None:
    command = [*SIMULATOR, "plug", "a.token", "--create", "--user", "approve", "--listen", f"127.0.0.1:{PORT}"]
    serving = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    try:
        said = json.loads(serving.stdout.readline())
        assert discovery.find() == []
        subprocess.run(["usbip", "attach", "-r", "127.0.0.1", "-b", said["busid"]], check=True, capture_output=True)
        (found,) = wait_for("the token", discovery.find)
        wait_for("both of its ways", lambda: [way.access for one in discovery.find() for way in one.ways] == ["ok"] * 2)
        settle()
        assert f"hid:{found.serial}" == said["at"]
        for way in found.ways:
            assert shell("tokens", "--at", way.address, "--json").json["here"]["state"] == "new"
        subprocess.run(["usbip", "detach", "-p", "0"], check=True, capture_output=True)
        wait_for("its end", lambda: not discovery.find())
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE) == 0
        serving.stdout.close()
