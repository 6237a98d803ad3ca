"""A USB bus in this process: tokens of the simulator on it, a pyusb backend and a hidapi-shaped module in front.

pyusb's own core and coldshare's transports run unchanged; what libusb, hidapi and a kernel do is for tests/kernel. Time
is the tokens' own: whoever waits for one lets it pass.
"""

from __future__ import annotations

import array
import errno
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

from usb.backend import IBackend
from usb.core import USBError, USBTimeoutError

from coldshare.device.address import Address
from coldshare.device.token import TokenClient
from coldshare.device.transport import Transport, open_transport
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.person import Person
from coldshare_sim.token import SLICE, SoftToken
from coldshare_sim.usb.descriptors import CONFIGURATION_VALUE, HID_IN, HID_OUT, Speed
from coldshare_sim.usb.gadget import Gadget
from support.desk import PIN, Desk, approves

_CLEAR_FEATURE, _SET_CONFIGURATION = 1, 9
_IO, _ACCESS, _GONE, _BUSY, _TIMEOUT, _OVERFLOW, _PIPE = -1, -3, -4, -6, -7, -8, -9
_ERRNO = {
    _IO: errno.EIO,
    _ACCESS: errno.EACCES,
    _GONE: errno.ENODEV,
    _BUSY: errno.EBUSY,
    _OVERFLOW: errno.EOVERFLOW,
    _PIPE: errno.EPIPE,
}


def usb_error(code: int) -> USBError:
    """As pyusb's libusb backend raises it."""
    return USBError(os.strerror(_ERRNO[code]), code, _ERRNO[code])


class Plug:
    """A token in a socket. What happens to it there is the test's to set.

    `passes` is how many transfers still pass before it is pulled out. `frozen`: the firmware does nothing any more.
    `pieces`: how many packets each read and each write of a bulk endpoint gets done in its time, one after the other;
    without any, all of them.
    """

    def __init__(self, gadget: Gadget, bus: int, address: int, port: str) -> None:
        self.gadget = gadget
        self.bus = bus
        self.address = address
        self.port = port
        self.serial = gadget.serial
        self.product = wire.USB_PRODUCT_STRING
        self.here = True
        self.passes: int | None = None
        self.passed = 0
        self.frozen = False
        self.allowed = True
        self.claimed: dict[int, object] = {}  # which program has which interface
        self.opened = 0
        self.pieces: list[int] = []
        self.hid_path = ""
        self.gadget.control(struct.pack("<BBHHH", 0, _SET_CONFIGURATION, CONFIGURATION_VALUE, 0, 0), b"")

    def crossing(self) -> bool:
        """Whether one more transfer passes."""
        if self.passes is not None and self.passed >= self.passes:
            self.here = False
        self.passed += self.here
        return self.here

    def wait(self, endpoint: int, size: int, seconds: float) -> bytes | None:
        """What the token says in that time."""
        clock = self.gadget.token.clock
        end = clock.now_ms() + seconds * 1000
        while True:
            if not self.frozen:
                self.gadget.step()
            said = self.gadget.take(endpoint, size)
            if said is not None:
                return said
            if self.gadget.busy and not self.frozen:
                continue
            left = end - clock.now_ms()
            if left <= 0:
                return None
            clock.sleep(min(SLICE, left / 1000))

    def halt(self, endpoint: int) -> None:
        self.gadget.control(struct.pack("<BBHHH", 2, 3, 0, endpoint, 0), b"")


class Bus:
    """What is plugged in, for `pyusb` and `hidapi` to see. After `linux` there are a sysfs and nodes below `root`."""

    def __init__(self, root: Path) -> None:
        self.devices = root / "sys"
        self.nodes = root / "dev"
        self.plugs: list[Plug] = []
        self.pyusb = Backend(self)
        self.hidapi = Hidapi(self)
        self._address = 1
        self._linux = False

    def linux(self) -> None:
        """From here on the kernel tells about what is plugged in."""
        self._linux = True
        self.devices.mkdir(parents=True)
        (self.nodes / "bus" / "usb" / "001").mkdir(parents=True)

    def plug(self, chip: Chip, speed: Speed, person: Person | None = None, port: str = "") -> Plug:
        token = SoftToken(chip, person or approves(), clock=VirtualClock(), report_size=speed.report_size)
        self._address += 1
        plug = Plug(Gadget(token, speed), 1, self._address, port or f"1-{self._address}")
        plug.hid_path = str(self.nodes / f"hidraw{self._address}")
        self.plugs.append(plug)
        if self._linux:
            self.tell(plug)
        return plug

    def unplug(self, plug: Plug) -> None:
        plug.here = False
        self.plugs.remove(plug)
        if self._linux:
            for path in sorted((self.devices / plug.port).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            (self.devices / plug.port).rmdir()
            for number in (0, 1):
                (self.devices / f"{plug.port}:1.{number}").unlink()
            self._node(plug).unlink()
            Path(plug.hid_path).unlink(missing_ok=True)

    def _node(self, plug: Plug) -> Path:
        return self.nodes / "bus" / "usb" / f"{plug.bus:03}" / f"{plug.address:03}"

    def tell(self, plug: Plug, *, hid: str | None = "usbhid", bulk: str | None = None) -> None:
        """Write down what Linux says of it. `hid` and `bulk` are the drivers that have its interfaces."""
        folder = self.devices / plug.port
        told = {
            "DEVTYPE": "usb_device",
            "PRODUCT": f"{wire.USB_VENDOR:x}/{wire.USB_PRODUCT:x}/305",
            "TYPE": "0/0/0",
            "BUSNUM": f"{plug.bus:03}",
            "DEVNUM": f"{plug.address:03}",
            "DEVNAME": f"bus/usb/{plug.bus:03}/{plug.address:03}",
            "DRIVER": "usb",
        }
        strings = {"product": plug.product, "manufacturer": "coldshare", "serial": plug.serial}
        _write(folder, {"uevent": _uevent(told), **strings})
        self._node(plug).touch()
        for number, kind, driver in ((0, (3, 0, 0), hid), (1, wire.USB_BULK_INTERFACE, bulk)):
            name = f"{plug.port}:1.{number}"
            told = {"DEVTYPE": "usb_interface", "INTERFACE": "/".join(map(str, kind))}
            _write(folder / name, {"uevent": _uevent(told | ({} if driver is None else {"DRIVER": driver}))})
            link = self.devices / name
            if not link.is_symlink():
                link.symlink_to(folder / name)
        node = Path(plug.hid_path)
        raw = folder / f"{plug.port}:1.0" / "0003:1209:0001.0001" / "hidraw" / node.name
        if hid == "usbhid":
            raw.mkdir(parents=True, exist_ok=True)
            node.touch()
        elif raw.exists():
            raw.rmdir()
            node.unlink()


def _uevent(told: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in told.items())


def _write(folder: Path, attributes: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in attributes.items():
        (folder / name).write_text(f"{value}\n")


class Handle:
    def __init__(self, plug: Plug) -> None:
        self.plug = plug


class Backend(IBackend):  # type: ignore[misc]  # pyusb has no types
    """pyusb's side of the bus."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self.bus = bus
        #: Called before every transfer with the endpoint; what it raises the caller gets.
        self.before: Callable[[Plug, int], None] = lambda plug, endpoint: None
        #: What `open_device` does to the bus once pyusb has chosen a device.
        self.on_open: Callable[[Plug], None] = lambda plug: None

    def enumerate_devices(self) -> Iterator[Plug]:
        return iter(list(self.bus.plugs))

    def get_device_descriptor(self, dev: Plug) -> Any:
        names = (
            "bLength bDescriptorType bcdUSB bDeviceClass bDeviceSubClass bDeviceProtocol bMaxPacketSize0 idVendor "
            "idProduct bcdDevice iManufacturer iProduct iSerialNumber bNumConfigurations"
        )
        fields = struct.unpack("<BBHBBBBHHHBBBB", dev.gadget.device_descriptor)
        return SimpleNamespace(
            **dict(zip(names.split(), fields, strict=True)),
            address=dev.address,
            bus=dev.bus,
            port_number=dev.address,
            port_numbers=(dev.address,),
            speed=dev.gadget.speed.value,
        )

    def get_configuration_descriptor(self, dev: Plug, config: int) -> Any:
        if config:
            raise IndexError
        return _parsed(dev)[0]

    def get_interface_descriptor(self, dev: Plug, intf: int, alt: int, config: int) -> Any:
        if alt:
            raise IndexError
        return _parsed(dev)[1][intf][0]

    def get_endpoint_descriptor(self, dev: Plug, ep: int, intf: int, alt: int, config: int) -> Any:
        return _parsed(dev)[1][intf][1][ep]

    def open_device(self, dev: Plug) -> Handle:
        self.on_open(dev)
        if not dev.here:
            raise usb_error(_GONE)
        if not dev.allowed:
            raise usb_error(_ACCESS)
        dev.opened += 1
        return Handle(dev)

    def close_device(self, dev_handle: Handle) -> None:
        dev_handle.plug.opened -= 1
        for number, owner in list(dev_handle.plug.claimed.items()):
            if owner is dev_handle:
                del dev_handle.plug.claimed[number]

    def get_configuration(self, dev_handle: Handle) -> int:
        return CONFIGURATION_VALUE if dev_handle.plug.gadget.configured else 0

    def set_configuration(self, dev_handle: Handle, config_value: int) -> None:
        dev_handle.plug.gadget.control(struct.pack("<BBHHH", 0, _SET_CONFIGURATION, config_value, 0, 0), b"")

    def claim_interface(self, dev_handle: Handle, intf: int) -> None:
        if dev_handle.plug.claimed.setdefault(intf, dev_handle) is not dev_handle:
            raise usb_error(_BUSY)

    def release_interface(self, dev_handle: Handle, intf: int) -> None:
        if not dev_handle.plug.here:
            raise usb_error(_GONE)
        del dev_handle.plug.claimed[intf]

    def _transfer(self, handle: Handle, endpoint: int) -> Plug:
        self.before(handle.plug, endpoint)
        if not handle.plug.crossing():
            raise usb_error(_GONE)
        return handle.plug

    def bulk_write(self, dev_handle: Handle, ep: int, intf: int, data: array.array[int], timeout: int) -> int:
        plug = self._transfer(dev_handle, ep)
        if plug.claimed.get(intf) is not dev_handle:
            raise usb_error(_BUSY)
        if plug.frozen:
            raise USBTimeoutError("", _TIMEOUT, errno.ETIMEDOUT)
        packet = plug.gadget.speed.bulk_packet
        sent = data.tobytes()
        if sent and plug.pieces:
            sent = sent[: plug.pieces.pop(0) * packet]
            if not sent:
                raise USBTimeoutError("", _TIMEOUT, errno.ETIMEDOUT)
        if not plug.gadget.out(ep, sent):
            raise usb_error(_PIPE)
        return len(sent)

    def bulk_read(self, dev_handle: Handle, ep: int, intf: int, buff: array.array[int], timeout: int) -> int:
        plug = self._transfer(dev_handle, ep)
        if plug.claimed.get(intf) is not dev_handle:
            raise usb_error(_BUSY)
        assert timeout > 0, "0 is for ever"
        if plug.gadget.halted(ep):
            raise usb_error(_PIPE)
        size = len(buff)
        if plug.pieces:
            size = min(size, plug.pieces.pop(0) * plug.gadget.speed.bulk_packet)
        said = plug.wait(ep, size, timeout / 1000) if size else None
        if said is None:
            raise USBTimeoutError("", _TIMEOUT, errno.ETIMEDOUT)
        if plug.gadget.babbled:
            raise usb_error(_OVERFLOW)
        buff[: len(said)] = array.array("B", said)
        return len(said)

    def ctrl_transfer(
        self,
        dev_handle: Handle,
        bmRequestType: int,  # noqa: N803 - pyusb passes it by position, and calls it so
        bRequest: int,  # noqa: N803
        wValue: int,  # noqa: N803
        wIndex: int,  # noqa: N803
        data: array.array[int],
        timeout: int,
    ) -> int:
        plug = self._transfer(dev_handle, 0)
        assert 0 < timeout <= 500, "a device that is dead delays everybody for so long"
        if plug.frozen:
            raise USBTimeoutError("", _TIMEOUT, errno.ETIMEDOUT)
        setup = struct.pack("<BBHHH", bmRequestType, bRequest, wValue, wIndex, len(data))
        answer = plug.gadget.control(setup, b"" if bmRequestType & 0x80 else data.tobytes())
        if answer is None:
            raise usb_error(_PIPE)
        if bmRequestType & 0x80 == 0:
            return len(data)
        data[: len(answer)] = array.array("B", answer)
        return len(answer)

    def clear_halt(self, dev_handle: Handle, ep: int) -> None:
        plug = self._transfer(dev_handle, 0)
        plug.gadget.control(struct.pack("<BBHHH", 2, _CLEAR_FEATURE, 0, ep, 0), b"")


def _parsed(plug: Plug) -> tuple[Any, list[tuple[Any, list[Any]]]]:
    """The configuration, and its interfaces with their endpoints, as pyusb wants them."""
    data = plug.gadget.configuration_descriptor
    total, count, value, name, attributes, power = struct.unpack_from("<HBBBBB", data, 2)
    configuration = SimpleNamespace(
        bLength=9,
        bDescriptorType=2,
        wTotalLength=total,
        bNumInterfaces=count,
        bConfigurationValue=value,
        iConfiguration=name,
        bmAttributes=attributes,
        bMaxPower=power,
        extra_descriptors=b"",
    )
    interfaces: list[tuple[Any, list[Any]]] = []
    at = data[0]
    while at < len(data):
        length, kind = data[at], data[at + 1]
        if kind == 4:
            names = (
                "bLength bDescriptorType bInterfaceNumber bAlternateSetting bNumEndpoints bInterfaceClass "
                "bInterfaceSubClass bInterfaceProtocol iInterface"
            )
            fields = dict(zip(names.split(), struct.unpack_from("<9B", data, at), strict=True))
            interfaces.append((SimpleNamespace(**fields, extra_descriptors=b""), []))
        elif kind == 5:
            names = "bLength bDescriptorType bEndpointAddress bmAttributes wMaxPacketSize bInterval"
            fields = dict(zip(names.split(), struct.unpack_from("<BBBBHB", data, at), strict=True))
            more = {"bRefresh": 0, "bSynchAddress": 0, "extra_descriptors": b""}
            interfaces[-1][1].append(SimpleNamespace(**fields, **more))
        at += length
    return configuration, interfaces


class Hidapi:
    """A module that looks like hidapi's."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.report_descriptor: bytes | None = None  # instead of the token's own
        self.usage_page = wire.HID_USAGE_PAGE
        self.on_open: Callable[[Plug], None] = lambda plug: None
        #: Called before every read and write with the endpoint; what it raises the caller gets.
        self.before: Callable[[Plug, int], None] = lambda plug, endpoint: None

    def enumerate(self, vendor_id: int, product_id: int) -> list[dict[str, Any]]:
        assert (vendor_id, product_id) == (wire.USB_VENDOR, wire.USB_PRODUCT)
        return [
            {
                "path": plug.hid_path.encode(),
                "vendor_id": vendor_id,
                "product_id": product_id,
                "serial_number": plug.serial,
                "release_number": 0x0305,
                "manufacturer_string": "coldshare",
                "product_string": plug.product,
                "usage_page": self.usage_page,
                "usage": 1,
                "interface_number": 0,
                "bus_type": 1,
            }
            for plug in self.bus.plugs
        ]

    def device(self) -> OpenHid:
        return OpenHid(self)


class OpenHid:
    """What hidapi calls a device. `read` gives a list, `write` -1 when it fails."""

    def __init__(self, hidapi: Hidapi) -> None:
        self._hidapi = hidapi
        self._plug: Plug | None = None
        self._said = "Success"
        self._hurries = False

    def open_path(self, path: bytes) -> None:
        plug = next((one for one in self._hidapi.bus.plugs if one.hid_path.encode() == path), None)
        if plug is not None:
            self._hidapi.on_open(plug)
        if plug is None or not plug.here or not plug.allowed:
            raise OSError("open failed")
        plug.opened += 1
        self._plug = plug

    @property
    def plug(self) -> Plug:
        if self._plug is None:
            raise ValueError("not open")
        return self._plug

    def close(self) -> None:
        if self._plug is not None:
            self._plug.opened -= 1
            self._plug = None

    def write(self, data: bytes) -> int:
        self._hidapi.before(self.plug, HID_OUT)
        if not self.plug.crossing():
            self._said = os.strerror(errno.ENODEV)
            return -1
        if self.plug.frozen:
            self._said = os.strerror(errno.ETIMEDOUT)
            return -1
        assert data[0] == 0
        self.plug.gadget.out(HID_OUT, data[1:])
        return len(data)

    def read(self, size: int, timeout_ms: int) -> Sequence[int]:
        if timeout_ms == 0:
            assert self._hurries, "0 is for ever"
            here = self.plug.here and not self.plug.frozen
            return list((self.plug.gadget.take(HID_IN, size) if here else None) or b"")
        self._hidapi.before(self.plug, HID_IN)
        if not self.plug.crossing():
            raise OSError("read error")
        return list(self.plug.wait(HID_IN, size, timeout_ms / 1000) or b"")

    def set_nonblocking(self, v: int) -> int:
        self._hurries = v != 0
        return 0

    def get_report_descriptor(self) -> Sequence[int]:
        if not self.plug.here:
            raise OSError("get report descriptor error")
        return list(self._hidapi.report_descriptor or self.plug.gadget.report_descriptor)

    def get_serial_number_string(self) -> str | None:
        return self.plug.serial

    def error(self) -> str:
        return self._said


@dataclass(frozen=True)
class Road:
    """A carrier at a speed."""

    scheme: str
    speed: Speed


ROADS = {
    "hid at full speed": Road("hid", Speed.FULL),
    "hid at high speed": Road("hid", Speed.HIGH),
    "bulk at full speed": Road("usb", Speed.FULL),
    "bulk at high speed": Road("usb", Speed.HIGH),
}


class Port:
    """Where one road's tokens are plugged in."""

    def __init__(self, bus: Bus, desk: Desk, road: Road) -> None:
        self.bus = bus
        self.desk = desk
        self.road = road

    def plug(self, chip: Chip, person: Person | None = None) -> Plug:
        return self.bus.plug(chip, self.road.speed, person)

    def address(self, plug: Plug) -> Address:
        return Address.parse(f"{self.road.scheme}:{plug.serial}")

    def open(self, plug: Plug) -> Transport:
        return open_transport(self.address(plug))

    def client(
        self, plug: Plug, *, cancel: Event | None = None, on_status: Callable[[int], None] | None = None
    ) -> TokenClient:
        """Connected and unlocked."""
        transport = self.open(plug)
        try:
            client = TokenClient(transport, cancel=cancel, on_status=on_status)
            client.connect(self.desk.store)
            client.unlock(PIN)
        except BaseException:
            transport.close()
            raise
        return client
