"""Several programs at one token: ours take turns, and others that only listen, or that talk, break nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hidraw  # type: ignore[import-not-found]
import pytest
import usb.core  # type: ignore[import-untyped]
import usb.util  # type: ignore[import-untyped]

from coldshare.device.address import Address
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare.device.transport.usb import backend
from coldshare_iface import framing, wire
from kernel.guest.bus import Plug, wait_for
from kernel.guest.conftest import QUICK
from support.desk import PIN, Desk
from support.shell import Shell, failed

pytestmark = pytest.mark.kernel

LIST = ("list", "--pin-file", "pin")
#: hidraw keeps as many for each program that has the node open, and drops what comes after them.
RING = 64


@pytest.mark.parametrize(("mine", "theirs"), [("hid", "usb"), ("usb", "hid")])
def test_two_of_ours_take_turns(mine: str, theirs: str, shell: Shell, desk: Desk, ready: Callable[..., Plug]) -> None:
    plug = ready("hs")
    with TokenClient(open_transport(Address.parse(plug.at(mine)))) as client:
        client.connect(desk.store)
        other = subprocess.Popen(
            [*QUICK, *LIST, "--at", plug.at(theirs)],
            cwd=shell.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert other.stderr is not None
        first = other.stderr.readline()
        assert "wait" in first.lower(), first
        client.unlock(PIN)  # ours is not disturbed
    out, err = other.communicate(timeout=60)
    assert other.returncode == 0, first + err
    assert "No backup yet" in out


def test_one_of_ours_that_never_ends(shell: Shell, ready: Callable[..., Plug]) -> None:
    plug = ready("hs")
    transport = open_transport(Address.parse(plug.usb))
    try:
        failed(shell(*LIST, "--at", plug.hid, "--json"), "token_in_use", 6, as_json=True)
        (found,) = shell("tokens", "--json").json["plugged_in"]
        assert {way["access"] for way in found["ways"]} == {"busy"}
    finally:
        transport.close()
    assert shell(*LIST, "--at", plug.hid).status == 0


@contextmanager
def claimed(interface: int) -> Iterator[None]:
    """By a program that knows nothing of our turns."""
    device: Any = usb.core.find(backend=backend(), idVendor=wire.USB_VENDOR, idProduct=wire.USB_PRODUCT)
    if device.is_kernel_driver_active(interface):
        device.detach_kernel_driver(interface)
    usb.util.claim_interface(device, interface)
    try:
        yield
    finally:
        usb.util.release_interface(device, interface)
        if interface == 0:
            device.attach_kernel_driver(interface)
        usb.util.dispose_resources(device)


@pytest.mark.parametrize(("carrier", "interface"), [("hid", 0), ("usb", 1)])
def test_a_stranger_has_the_interface(carrier: str, interface: int, shell: Shell, ready: Callable[..., Plug]) -> None:
    plug = ready("hs")
    with claimed(interface):
        failed(shell(*LIST, "--at", plug.at(carrier), "--json"), "token_in_use", 6, as_json=True)
        (found,) = shell("tokens", "--json").json["plugged_in"]
        assert {way["address"]: way["access"] for way in found["ways"]}[plug.at(carrier)] == "busy"
        assert shell(*LIST).status == 0, "the other way is free"
    plug.there()
    assert shell(*LIST, "--at", plug.at(carrier)).status == 0


def pings(node: str, number: int) -> None:
    """As another program that shares the node: messages on a channel of its own, whose answers everybody gets."""
    stranger = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    try:
        for _ in range(number):
            (report,) = framing.split(b"\x5a" * 4, wire.CMD_PING, b"anybody?")
            os.write(stranger, b"\0" + report)
            wait_for("the answer", lambda: _read(stranger))
    finally:
        os.close(stranger)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, wire.REPORT_HS)
    except BlockingIOError:
        return b""


def test_a_program_that_listens_and_never_reads(shell: Shell, ready: Callable[..., Plug], small: bytes) -> None:
    plug = ready("fs")
    shell.write("phone.vult", small)
    both = ["--at", plug.hid, "--pin-file", "pin", "--password-file", "pw"]
    deaf = os.open(plug.nodes["hid"], os.O_RDWR | os.O_NONBLOCK)
    try:
        assert shell("backup", "phone.vult", "--no-recovery", *both).status == 0
        assert shell("restore", "--out", "back.vult", *both).status == 0
        left = 0
        while _read(deaf):
            left += 1
        assert left < RING, "there was more than it could keep"
    finally:
        os.close(deaf)
    assert (shell.folder / "back.vult").read_bytes() == small


def test_more_than_the_queue_holds_while_we_do_not_read(desk: Desk, ready: Callable[..., Plug]) -> None:
    """Somebody types a PIN meanwhile; another program talks to the token, and its answers fill our queue."""
    plug = ready("fs")
    node = str(plug.nodes["hid"])
    with TokenClient(open_transport(Address.parse(plug.hid))) as client:
        pings(node, 2 * RING)
        client.connect(desk.store)
        pings(node, 2 * RING)
        client.unlock(PIN)
        pings(node, 2 * RING)
        assert client.backups() == []


def test_hidapi_is_what_is_tested() -> None:
    assert hidraw.__file__.endswith(".so")
