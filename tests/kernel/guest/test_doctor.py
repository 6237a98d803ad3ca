"""`coldshare doctor` at real nodes: who may not, who else has it, and a token that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coldshare.device.address import Address
from coldshare.doctor import conversation
from coldshare.udev.rules import NAME
from coldshare_iface import wire
from kernel.guest.bus import Plug, wait_for
from kernel.guest.users import coldshare_as
from support.shell import Said, Shell

pytestmark = pytest.mark.kernel

INSTALLED = Path("/etc/udev/rules.d") / NAME
STATUS = 6


@pytest.fixture(autouse=True)
def no_rules() -> Iterator[None]:
    def remove() -> None:
        INSTALLED.unlink(missing_ok=True)
        subprocess.run(["udevadm", "control", "--reload-rules"], check=True)

    remove()
    yield
    remove()


def reasons(said: Said, check: str) -> list[str]:
    """What it says about that, at every way to every token."""
    checks: list[dict[str, Any]] = said.json["checks"]
    return [one["reason"] for one in checks if one["check"] == check]


def test_from_no_permission_to_a_round_trip(shell: Shell, ready: Callable[..., Plug]) -> None:
    plug = ready("hs")
    (said,) = coldshare_as("alice", ["doctor", "--json"])
    assert said.status == STATUS
    assert reasons(said, "permission") == ["denied", "denied"]
    assert reasons(said, "udev_rules") == ["missing"]
    assert reasons(said, "udevd") == ["running"]
    assert reasons(said, "round_trip") == []

    assert shell("udev", "install").status == 0
    with plug.nodes["hid"].open("rb") as node:
        other = subprocess.Popen(["sleep", "600"], pass_fds=[node.fileno()])
    try:
        said = shell("doctor", "--json")
    finally:
        other.kill()
        other.wait()
    assert said.status == 0, said.out
    assert reasons(said, "permission") == ["allowed", "allowed"]
    assert reasons(said, "udev_rules") == ["current"]
    assert reasons(said, "round_trip") == ["answers", "answers"]
    assert reasons(said, "pairing") == ["paired"]
    assert reasons(said, "drivers") == []
    (in_use,) = [one for one in said.json["checks"] if one["check"] == "in_use"]
    assert f"{plug.nodes['hid']} is open in sleep (process {other.pid})." in in_use["message"]
    facts = [one["facts"] for one in said.json["checks"] if one["check"] in ("hidapi", "round_trip")]
    assert [one.get("module", one.get("report_size")) for one in facts] == ["hidraw", 7616, 1024]


def test_a_token_that_hangs_is_a_line(
    shell: Shell, ready: Callable[..., Plug], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device stops to answer anything, control requests and the taking back of transfers included: whoever talks
    to it cannot even be killed."""
    plug = ready("hs")
    monkeypatch.setattr(conversation, "ask", partial(conversation.ask, limit=5.0))
    os.kill(plug.process.pid, signal.SIGSTOP)
    try:
        said = shell("doctor", "--json")
    finally:
        os.kill(plug.process.pid, signal.SIGCONT)
    assert said.status == STATUS
    assert reasons(said, "round_trip") == [conversation.HANGS]
    assert reasons(said, "permission") == ["allowed", "allowed"]
    plug.there()
    # What was left behind ends, and keeps the token from nobody.
    for carrier in ("hid", "usb"):
        answer = wait_for("the token", partial(_answer, plug.at(carrier)))
        assert answer.state == wire.TOKEN_READY


def _answer(at: str) -> conversation.Answer | None:
    answer = conversation.converse(Address.parse(at))
    return None if answer.failed else answer
