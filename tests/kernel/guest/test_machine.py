"""The machine that the other tests here need is that machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kernel.vm.initrd import ALICE, EVE

pytestmark = pytest.mark.kernel


def test_a_kernel_of_its_own() -> None:
    assert os.getuid() == 0
    assert Path("/sys/devices/platform/vhci_hcd.0/attach").exists()
    assert "overlay / overlay" in Path("/proc/mounts").read_text()


@pytest.mark.parametrize(("name", "user"), [("alice", ALICE), ("eve", EVE)])
def test_other_users_can_run_what_is_in_the_checkout(name: str, user: int) -> None:
    command = ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups", "coldshare", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("coldshare ")
    assert subprocess.run([*command[:4], "id", "-u"], capture_output=True, text=True, check=True).stdout == f"{user}\n"
