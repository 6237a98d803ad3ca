"""The virtual bus of Linux, as far as there is something to be said of it without one: its files in a folder.

tests/kernel plugs tokens into a real one.
"""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest

from coldshare_sim.usb import vhci
from coldshare_sim.usb.descriptors import Speed
from coldshare_sim.usb.errors import NoVirtualBusError, VirtualBusForbiddenError, VirtualBusFullError
from coldshare_sim.usb.usbip import DEVICE_ID

HEAD = "hub port sta spd dev      sockfd local_busid\n"


def line(hub: str, port: int, state: int) -> str:
    return f"{hub}  {port:04d} {state:03d} 000 00000000 000000 0-0\n"


def controller(folder: Path, **files: str) -> Path:
    for name, text in {"attach": "", "detach": "", **files}.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_the_first_free_port_of_the_slower_hub(tmp_path: Path) -> None:
    status = HEAD + line("ss", 0, 4) + line("hs", 1, 6) + line("hs", 2, 5) + line("hs", 3, 4) + line("hs", 4, 4)
    assert list(vhci.free_ports(status)) == [3, 4]
    slot = vhci.attach(Speed.HIGH, controller(tmp_path, status=status))
    assert slot.port == 3
    port, fd, device, speed = (tmp_path / "attach").read_text().split()
    assert (port, device, speed) == ("3", str(DEVICE_ID), "3")
    assert int(fd) > 2
    assert not slot.sock.getblocking()
    slot.detach()
    assert (tmp_path / "detach").read_text() == "3"
    assert slot.sock.fileno() == -1
    slot.detach()  # whoever was quicker


def test_the_ports_of_every_controller(tmp_path: Path) -> None:
    folder = controller(tmp_path, status=HEAD + line("hs", 0, 6), status_1=HEAD + line("hs", 16, 4))
    slot = vhci.attach(Speed.FULL, folder)
    assert slot.port == 16
    assert (tmp_path / "attach").read_text().endswith(" 2")
    slot.detach()


def test_no_port_is_free(tmp_path: Path) -> None:
    with pytest.raises(VirtualBusFullError):
        vhci.attach(Speed.FULL, controller(tmp_path, status=HEAD + line("hs", 0, 6) + line("ss", 8, 4)))


def test_no_virtual_bus(tmp_path: Path) -> None:
    with pytest.raises(NoVirtualBusError) as caught:
        vhci.attach(Speed.FULL, tmp_path)
    assert "modprobe vhci_hcd" in caught.value.next_step


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EACCES, VirtualBusForbiddenError),
        (errno.EPERM, VirtualBusForbiddenError),
        (errno.EROFS, VirtualBusForbiddenError),
        (errno.EIO, NoVirtualBusError),
        (errno.EBUSY, VirtualBusFullError),
        (errno.EINVAL, VirtualBusFullError),
    ],
)
def test_a_kernel_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: type[Exception]
) -> None:
    folder = controller(tmp_path, status=HEAD + line("hs", 0, 4))

    def refuse(self: Path, text: str) -> int:
        raise OSError(code, "refused")

    monkeypatch.setattr(Path, "write_text", refuse)
    opened: list[socket.socket] = []
    pair = socket.socketpair
    monkeypatch.setattr(socket, "socketpair", lambda *args: opened.extend(pair(*args)) or tuple(opened))
    with pytest.raises(expected):
        vhci.attach(Speed.FULL, folder)
    assert [one.fileno() for one in opened] == [-1, -1]


def test_somebody_else_was_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = controller(tmp_path, status=HEAD + line("hs", 0, 4) + line("hs", 1, 4))
    write = Path.write_text

    def refuse(self: Path, text: str) -> int:
        if text.startswith("0 "):
            raise OSError(errno.EBUSY, "taken")
        return write(self, text)

    monkeypatch.setattr(Path, "write_text", refuse)
    slot = vhci.attach(Speed.FULL, folder)
    assert slot.port == 1
    slot.detach()
