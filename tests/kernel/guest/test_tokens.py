"""Which tokens there are, and which one is meant."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.guest.bus import Plug
from kernel.guest.conftest import QUICK
from support.shell import Shell, failed

pytestmark = pytest.mark.kernel

LIST = ("list", "--pin-file", "pin")


def test_tokens_come_and_go(folder: Path, shell: Shell, ready: Callable[..., Plug], bus: Callable[..., Plug]) -> None:
    assert shell("tokens", "--json").json["plugged_in"] == []
    failed(shell(*LIST, "--json"), "no_address", 2, as_json=True)

    watch = subprocess.Popen([*QUICK, "tokens", "--watch", "--json"], stdout=subprocess.PIPE, text=True)
    assert watch.stdout is not None
    first = ready("hs", number=1, label="Safe A")
    (found,) = shell("tokens", "--json").json["plugged_in"]
    assert (found["serial"], found["label"]) == (first.serial, "Safe A")
    assert {way["address"]: way["node"] for way in found["ways"]} == {
        first.at(carrier): str(node) for carrier, node in first.nodes.items()
    }
    assert shell(*LIST).status == 0, "the only one is meant"

    second = bus(folder / "new.token", "fs", "--create")
    serials = {found["serial"] for found in shell("tokens", "--json").json["plugged_in"]}
    assert serials == {first.serial, second.serial}
    said = failed(shell(*LIST, "--json"), "several_tokens", 2, as_json=True)
    assert first.usb in said
    assert second.usb in said
    assert "'Safe A'" in said
    for carrier in ("hid", "usb"):
        assert shell(*LIST, "--at", first.at(carrier)).status == 0

    second.unplug()
    assert shell(*LIST).status == 0
    events = [json.loads(watch.stdout.readline()) for _ in range(2)]
    while events[-1]["event"] != "unplugged":
        events.append(json.loads(watch.stdout.readline()))
    assert [(event["event"], event["token"]["serial"]) for event in events if event["event"] != "changed"] == [
        ("plugged", first.serial),
        ("plugged", second.serial),
        ("unplugged", second.serial),
    ]
    watch.send_signal(signal.SIGINT)
    assert watch.wait(30) == 0
    watch.stdout.close()


def test_a_stranger_with_the_same_id_is_no_token(
    folder: Path, shell: Shell, bus: Callable[..., Plug], stranger: tuple[str, ...]
) -> None:
    other = bus(folder / "other.token", "hs", "--create", program=stranger)
    assert shell("tokens", "--json").json["plugged_in"] == []
    failed(shell(*LIST, "--json"), "no_address", 2, as_json=True)
    for carrier in ("hid", "usb"):
        failed(shell(*LIST, "--at", other.at(carrier), "--json"), "not_plugged_in", 6, as_json=True)


@pytest.mark.parametrize("carrier", ["hid", "usb"])
def test_a_token_that_says_nothing_holds_nobody_up(
    carrier: str, folder: Path, shell: Shell, bus: Callable[..., Plug]
) -> None:
    mute = bus(folder / "mute.token", "hs", "--create", "--fault", "stall:to-host:1")
    (found,) = shell("tokens", "--json").json["plugged_in"]
    assert found["serial"] == mute.serial
    failed(shell(*LIST, "--at", mute.at(carrier), "--json"), "token_timeout", 6, as_json=True)
    assert [found["serial"] for found in shell("tokens", "--json").json["plugged_in"]] == [mute.serial]


def test_without_udevd(shell: Shell, without_udevd: None, ready: Callable[..., Plug]) -> None:
    """The kernel makes the nodes by itself; nothing of ours may wait for udev."""
    plug = ready("hs")
    (found,) = shell("tokens", "--json").json["plugged_in"]
    assert found["serial"] == plug.serial
    for carrier in ("hid", "usb"):
        assert shell(*LIST, "--at", plug.at(carrier)).status == 0
