"""Reports through `machine.USBDevice`, on a model of it that calls back as MicroPython does."""

from __future__ import annotations

import random
from collections import deque

import pytest

from board.bus import UsbDevice
from coldshare_pico import descriptors
from coldshare_pico.hid import HidPort


@pytest.fixture
def usb() -> UsbDevice:
    return UsbDevice()


@pytest.fixture
def port(usb: UsbDevice) -> HidPort:
    """On the bus and configured."""
    port = HidPort(usb, usb.schedule)
    port.start("0001020304050607")
    usb.configure()
    return port


def report(n: int) -> bytes:
    return bytes((n,)) * 64


def test_it_appears_alone(usb: UsbDevice, port: HidPort) -> None:
    assert usb.running
    assert usb.builtin_driver is usb.BUILTIN_NONE
    assert usb.strings[3] == "0001020304050607"
    assert (usb.device, usb.configuration) == (descriptors.device(), descriptors.configuration())
    assert port.open


def test_what_a_computer_asks_at_first(usb: UsbDevice, port: HidPort) -> None:
    assert usb.request(0x81, 6, 0x2200, 255) == descriptors.report()
    assert usb.request(0x81, 6, 0x2100, 255) == descriptors.hid()
    assert usb.request(0x21, 0x0A, 0) is True  # SET_IDLE
    assert usb.request(0xA1, 0x02, 0, 1) == b"\x00"
    assert usb.request(0xA1, 0x01, 0x0100) == bytes(64)
    assert usb.request(0x21, 0x09, 0x0200) is False  # SET_REPORT: there is an endpoint for that
    assert usb.request(0x81, 6, 0x2300) is False
    assert port.fault is None


def test_reports_arrive_in_order_and_a_full_board_makes_the_computer_wait(usb: UsbDevice, port: HidPort) -> None:
    sent = 0
    while usb.send(report(sent)):
        sent += 1
    assert sent == 4
    for n in range(20):
        buffer = port.read()
        assert buffer == report(n)
        assert buffer is not None
        port.done(buffer)
        usb.run_scheduled()
        assert usb.send(report(sent))
        sent += 1


def test_a_buffer_in_the_hardware_is_never_lost_nor_handed_out(usb: UsbDevice, port: HidPort) -> None:
    """At random: reports, failed transfers, resets of the bus, a full queue. Every buffer is in one place."""
    chance = random.Random(5)
    expected: deque[bytes] = deque()
    held: list[bytearray] = []
    count = 0
    for _ in range(5000):
        what = chance.randrange(9)
        usb.full = chance.random() < 0.2
        usb.busy = chance.random() < 0.1
        usb.refuse = chance.random() < 0.1
        if what <= 2:
            data = report(count % 251)
            result = 0 if chance.random() < 0.8 else 1
            if usb.send(data, result) and result == 0:
                expected.append(data)
                count += 1
        elif what <= 4:
            buffer = port.read()
            assert (buffer is None) is (not expected)
            if buffer is not None:
                assert buffer == expected.popleft()
                held.append(buffer)
        elif what == 5 and held:
            port.done(held.pop(chance.randrange(len(held))))
        elif what == 6:
            usb.run_scheduled()
        elif what == 7 and chance.random() < 0.1:
            usb.reset_bus()
            usb.configure()
        else:
            port.poke()
        armed = usb.armed.get(descriptors.OUT)
        assert port._armed is armed
        every = [*port._free, *port._ready, *held] + ([armed] if armed is not None else [])
        assert len(every) == len({id(one) for one in every}) == 4
    assert port.fault is None
    assert count > 300
    usb.full = usb.busy = usb.refuse = False
    for buffer in held:
        port.done(buffer)
    while (left := port.read()) is not None:
        port.done(left)
    usb.run_scheduled()
    port.poke()
    usb.run_scheduled()
    assert usb.send(report(1))  # whatever happened, it goes on


def test_a_failed_transfer_is_no_report(usb: UsbDevice, port: HidPort) -> None:
    """0 is success, as TinyUSB counts; what the manual said up to 1.28 would take these for good."""
    assert usb.send(report(7), result=1)
    assert port.read() is None
    assert usb.send(report(8), result=0)
    assert port.read() == report(8)


def test_a_short_report_is_no_report(usb: UsbDevice, port: HidPort) -> None:
    assert usb.send(b"short")
    assert port.read() is None


def test_one_report_at_a_time_goes_out(usb: UsbDevice, port: HidPort) -> None:
    assert port.write(report(1))
    assert not port.write(report(2))
    assert usb.fetch() == report(1)
    assert port.write(report(2))
    assert usb.fetch() == report(2)


def test_what_goes_out_is_kept_until_it_is_gone(usb: UsbDevice, port: HidPort) -> None:
    assert port.write(report(1))
    assert usb.armed[descriptors.IN] is port._out


@pytest.mark.parametrize("how", ["busy", "refuse"])
def test_a_report_that_was_not_taken_is_not_said_to_be(usb: UsbDevice, port: HidPort, how: str) -> None:
    setattr(usb, how, True)
    assert not port.write(report(1))
    setattr(usb, how, False)
    assert port.write(report(1))


def test_nothing_goes_out_before_a_computer_is_there(usb: UsbDevice) -> None:
    port = HidPort(usb, usb.schedule)
    port.start("00")
    assert not port.write(report(1))
    assert not usb.listening


def test_a_reset_of_the_bus(usb: UsbDevice, port: HidPort) -> None:
    assert port.write(report(1))
    usb.reset_bus()
    assert not port.open
    assert not port.write(report(2))
    usb.configure()
    assert port.write(report(3))
    assert usb.send(report(4))
    assert port.read() == report(4)


def test_an_exception_in_a_callback_reaches_the_main_loop(usb: UsbDevice, port: HidPort) -> None:
    assert usb.control(1, None) is False
    with pytest.raises(TypeError):
        port.read()
    assert port.read() is None


def test_it_comes_back_under_another_serial(usb: UsbDevice, port: HidPort) -> None:
    port.start("ffffffffffffffff")
    assert not port.open
    usb.configure()
    assert (usb.starts, usb.strings[3]) == (2, "ffffffffffffffff")
    assert usb.send(report(1))
    assert port.read() == report(1)
