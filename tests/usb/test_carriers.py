"""What must hold on every carrier alike: HID at both speeds and bulk at both, through pyusb's own core."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from coldshare import restore
from coldshare.device.errors import (
    DeviceError,
    NoPermissionError,
    NotPluggedInError,
    SameSerialError,
    TokenGoneError,
    TokenTimeoutError,
)
from coldshare.device.link import Link
from coldshare.device.token import TokenClient
from coldshare.device.transport import hid, open_transport
from coldshare.device.transport.hid import open_hid
from coldshare.device.transport.usb import open_usb
from coldshare.device.turn import Turn
from coldshare.outbox import Outbox, outbox_path
from coldshare.resume import resume
from coldshare_iface import wire
from coldshare_iface.errors import CancelledError, PinWrongError
from coldshare_sim.flash import Chip
from support.desk import PASSWORD, Desk, put_share, slots, stares, vault
from support.usbbus import Plug, Port

SHARE = vault()[0].vult


def test_a_share_goes_onto_a_token_and_comes_back(port: Port, desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    plug = port.plug(chip)
    with port.client(plug) as client:
        assert client.info.serial.hex() == plug.serial
        done = put_share(client, SHARE)
        (held,) = client.backups()
        assert restore.verify(client, held, PASSWORD).opened
        restore.restore(client, held, PASSWORD, tmp_path / "back.vult")
    assert (tmp_path / "back.vult").read_bytes() == SHARE
    assert slots(chip) == [(done.backup_id, wire.BACKUP_ACTIVE)]
    assert (plug.opened, plug.claimed) == (0, {})


@pytest.mark.parametrize(
    "size",
    # Around whole packets and reports of all kinds, and as long as there is.
    [0, 1, 56, 57, 58, 64, 121, 504, 505, 506, 1016, 1017, 1018, 2041, 7545, 7608, wire.MESSAGE_MAX],
)
def test_a_message_of_any_length(port: Port, desk: Desk, size: int) -> None:
    transport = port.open(port.plug(desk.token()))
    link = Link(transport)
    message = bytes(i * 7 & 255 for i in range(size))
    for _ in range(2):
        assert link.call(wire.CMD_PING, message) == message
    link.close()


def test_a_token_that_says_nothing(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    link = Link(port.open(plug))
    plug.frozen = True
    with pytest.raises(TokenTimeoutError):
        link.call(wire.CMD_PING, b"?")
    plug.frozen = False
    link.close()
    assert Link(port.open(plug)).call(wire.CMD_PING, b"?") == b"?"


def test_a_token_that_is_dead_already(port: Port, desk: Desk) -> None:
    port.bus.linux()  # elsewhere a device that does not tell its name is nobody's
    plug = port.plug(desk.token())
    plug.frozen = True
    with pytest.raises(TokenTimeoutError):
        port.client(plug)
    assert plug.opened == 0


def transfers(port: Port, chip: Chip) -> int:
    """How many of them a whole backup takes, from opening to closing."""
    plug = port.plug(chip)
    with port.client(plug) as client:
        put_share(client, SHARE)
    port.bus.unplug(plug)
    return plug.passed


@pytest.mark.slow
def test_pulled_out_at_many_points_and_resumed(port: Port, desk: Desk) -> None:
    """Whenever that is: it is said, what is left can be resumed, and the token can be used at once."""
    total = transfers(port, desk.token())
    assert total > 50
    outbox = Outbox(outbox_path())
    resumed = 0
    for passes in {0, 1, 2, 3, *range(4, total, total // 6), total - 2, total - 1}:
        desk.rewind()
        chip = desk.token()
        plug = port.plug(chip)
        plug.passes = passes
        with pytest.raises(DeviceError) as caught, port.client(plug) as client:
            put_share(client, SHARE, outbox=outbox)
        assert isinstance(caught.value, TokenGoneError | NotPluggedInError), passes
        assert plug.opened == 0
        port.bus.unplug(plug)
        again = port.plug(chip)
        with port.client(again) as client:
            for waiting in outbox.waiting():
                resume(client, outbox.load(waiting), outbox=outbox)
                resumed += 1
            held = client.backups()
            assert [one.pending for one in held] in ([], [False])
            for one in held:
                assert restore.verify(client, one, PASSWORD).original == SHARE
        port.bus.unplug(again)
        assert outbox.waiting() == []
    assert resumed > 2


def test_cancelling_lets_the_token_say_so_and_go_on(port: Port, desk: Desk) -> None:
    cancel = Event()
    chip = desk.token()
    plug = port.plug(chip, stares())
    with port.client(plug, cancel=cancel, on_status=lambda status: cancel.set()) as client:
        with pytest.raises(CancelledError):
            put_share(client, SHARE)
        cancel.clear()
        assert client.backups() == []


def test_what_an_earlier_program_left_unread_is_not_taken_for_an_answer(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    first = port.open(plug)
    link = Link(first)
    read = first.read
    first.read = lambda timeout: None  # type: ignore[method-assign]
    with pytest.raises(TokenTimeoutError):
        link.call(wire.CMD_PING, b"left behind" * 600)
    for _ in range(20):
        plug.gadget.step()  # so much of the answer waits at the endpoint already
    first.read = read  # type: ignore[method-assign]
    first.close()
    # Whoever comes next gets their own answer, at once.
    assert Link(port.open(plug)).call(wire.CMD_PING, b"mine") == b"mine"


def test_ctrl_c_in_the_middle_of_a_message(port: Port, desk: Desk) -> None:
    """The half that has arrived is nobody's beginning."""
    plug = port.plug(desk.token())
    transport = port.open(plug)
    link = Link(transport)
    passed = 0

    def interrupt(plug: Plug, endpoint: int) -> None:
        nonlocal passed
        passed += 1
        if passed == 3:
            raise KeyboardInterrupt

    carrier = port.bus.pyusb if port.road.scheme == "usb" else port.bus.hidapi
    plug.pieces = [3, 3, 3]
    carrier.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        link.call(wire.CMD_PING, bytes(7000))
    carrier.before = lambda plug, endpoint: None
    transport.close()
    plug.pieces = []
    with port.client(plug) as client:
        assert client.backups() == []


def test_each_of_two_tokens_is_reached_by_its_own_address(port: Port, desk: Desk) -> None:
    plugs = [port.plug(desk.token(number)) for number in (1, 2)]
    clients = [port.client(plug) for plug in plugs]
    assert [client.info.serial.hex() for client in clients] == [plug.serial for plug in plugs]
    assert plugs[0].serial != plugs[1].serial
    for client in clients:
        client.close()


def test_no_token_of_that_serial(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    port.bus.unplug(plug)
    port.plug(desk.token(1))
    with pytest.raises(NotPluggedInError, match="No token with that serial is plugged in"):
        port.open(plug)


def test_a_serial_in_capital_letters(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    plug.serial = plug.serial.upper()
    port.client(plug).close()


def test_a_foreign_device_with_the_same_ids_is_never_opened(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    plug.product = "a keyboard"
    if port.road.scheme == "usb":
        plug.gadget._strings[2] = plug.gadget._strings[1]
    with pytest.raises(NotPluggedInError):
        port.open(plug)
    assert plug.passed == 0 or port.road.scheme == "usb"  # where the kernel tells nothing, its name is asked for


def test_two_devices_with_one_serial(port: Port, desk: Desk) -> None:
    chip = desk.token()
    plug = port.plug(chip)
    port.plug(Chip(bytes(chip.image)))
    with pytest.raises(SameSerialError, match="Two devices have that serial"):
        port.open(plug)


def test_another_device_came_to_its_place_while_it_was_opened(port: Port, desk: Desk) -> None:
    plug, other = port.plug(desk.token()), desk.token(1)

    def swap(opened: Plug) -> None:
        if port.bus.pyusb.on_open is not ignore:
            port.bus.pyusb.on_open = port.bus.hidapi.on_open = ignore
            strange = port.bus.plug(other, port.road.speed)
            port.bus.plugs.remove(strange)
            plug.gadget, plug.serial = strange.gadget, strange.serial

    def ignore(opened: Plug) -> None:
        pass

    port.bus.linux()  # or its strings are asked for before it is opened
    port.bus.tell(plug)
    address = port.address(plug)
    port.bus.pyusb.on_open = port.bus.hidapi.on_open = swap
    with pytest.raises(NotPluggedInError, match="Another device was plugged in"):
        open_transport(address)
    assert (plug.opened, plug.claimed) == (0, {})


def test_an_account_that_may_not_use_it(port: Port, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = port.plug(desk.token())
    port.bus.linux()
    port.bus.tell(plug)
    plug.allowed = False
    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(hid, "_refusal", lambda path: PermissionError(13, "no"))
    with pytest.raises(NoPermissionError) as caught:
        port.open(plug)
    assert "coldshare udev install" in caught.value.next_step


def test_a_wrong_pin_is_still_a_wrong_pin(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    with TokenClient(port.open(plug)) as client:
        client.connect(desk.store)
        with pytest.raises(PinWrongError):
            client.unlock("000001")


def test_waiting_takes_slices_and_not_for_ever(port: Port, desk: Desk) -> None:
    """So that Ctrl-C is heard: no call into a library waits for longer than it was asked to."""
    plug = port.plug(desk.token(), stares())
    transport = port.open(plug)
    clock = plug.gadget.token.clock
    before = clock.now_ms()
    assert transport.read(0.1) is None
    assert clock.now_ms() - before == 100
    assert transport.read(0.0) is None
    transport.close()


def test_closing_twice_is_closing_once(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    transport = port.open(plug)
    transport.close()
    transport.close()
    assert plug.opened == 0
    port.open(plug).close()


def test_closing_after_it_was_pulled_out(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    transport = port.open(plug)
    plug.here = False
    with pytest.raises(TokenGoneError):
        transport.write(bytes(transport.report_size if port.road.scheme == "hid" else 9))
    with pytest.raises(TokenGoneError):
        transport.read(0.1)
    transport.close()
    assert plug.opened == 0


def test_one_road_does_not_hear_the_other(desk: Desk, port: Port) -> None:
    """The firmware answers on the carrier that it was asked on, so both can be open at once."""
    plug = port.plug(desk.token())
    links = [Link(way(plug.serial, Turn(None))) for way in (open_hid, open_usb)]
    for _ in range(3):
        for number, link in enumerate(links):
            message = bytes((number,)) * 300
            assert link.call(wire.CMD_PING, message) == message
    for link in links:
        link.close()
