"""What is plugged in: quick, without opening anything where the kernel tells, and one token where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coldshare.device import discovery, sysfs, turn
from coldshare.device.discovery import Change, Found, Way, best, changes, find, only
from coldshare.device.errors import LibraryMissingError, LibraryShadowedError, NoAddressError, SeveralTokensError
from coldshare.device.transport import hid, usb
from support.desk import Desk
from support.usbbus import Bus, Plug, Speed


@pytest.fixture
def plug(bus: Bus, desk: Desk) -> Plug:
    return bus.plug(desk.token(), Speed.HIGH)


@pytest.fixture
def linux(bus: Bus, plug: Plug, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """On Linux, where no library has to be asked."""

    def asked(*anything: object) -> None:
        raise AssertionError("the bus was touched")

    bus.linux()
    bus.tell(plug)
    bus.pyusb.on_open = bus.hidapi.on_open = asked
    monkeypatch.setattr(bus.pyusb, "enumerate_devices", asked)
    monkeypatch.setattr(bus.hidapi, "enumerate", asked)
    plug.frozen = True
    return plug


def accesses(found: Found) -> dict[str, str]:
    return {way.address.partition(":")[0]: way.access for way in found.ways}


# --- where the kernel tells


def test_a_token_and_its_two_ways(bus: Bus, linux: Plug) -> None:
    (found,) = find()
    assert found.serial == linux.serial
    assert (found.product, found.model, found.release) == ("coldshare token", "coldshare", "3.5")
    assert found.ways == (
        Way(f"usb:{linux.serial}", "ok", str(bus.nodes / "bus/usb/001/002"), None),
        Way(f"hid:{linux.serial}", "ok", str(bus.nodes / "hidraw2"), "usbhid"),
    )
    assert linux.opened == linux.passed == 0


def test_nothing_at_all(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    bus.linux()
    assert find() == []
    assert sysfs.tokens() == sysfs.strangers() == []
    monkeypatch.setattr(sysfs, "DEVICES", bus.devices / "nowhere")
    assert sysfs.tokens() == []
    assert not sysfs.present()


def test_a_foreign_device_with_the_same_ids(bus: Bus, linux: Plug) -> None:
    linux.product = "a keyboard"
    bus.tell(linux)
    assert find() == []
    (stranger,) = sysfs.strangers()
    assert (stranger.product, stranger.serial) == ("a keyboard", linux.serial)


@pytest.mark.parametrize("serial", ["", "12", "0011223344556677 ", "../../../../etc/", "\x1b[2J00112233445", "ÿ" * 16])
def test_a_serial_that_is_none(bus: Bus, linux: Plug, serial: str) -> None:
    linux.serial = serial
    bus.tell(linux)
    assert find() == []
    assert len(sysfs.tokens()) == 1


def test_what_the_kernel_tells_is_not_all_there(bus: Bus, linux: Plug) -> None:
    """It is being pulled out, or it is not what we think."""
    uevent = bus.devices / linux.port / "uevent"
    lines = uevent.read_text().splitlines()
    for name in ("PRODUCT", "BUSNUM", "DEVNUM"):
        for other in ([], [f"{name}="], [name], [f"{name}=x/y"], [f"{name}=1209/1"], [f"{name}=1209/1/\ufffd"]):
            uevent.write_text("\n".join([*(line for line in lines if not line.startswith(name)), *other]))
            assert find() == []
    uevent.write_bytes(b"\xff=\xfe\n\0=\n=\n" + "\n".join(lines).encode())
    (bus.devices / linux.port / "manufacturer").write_bytes(b"\xff\x1b\n")
    (found,) = find()
    assert (found.model, found.release) == ("\ufffd\x1b", "3.5")
    uevent.unlink()
    assert find() == []


def test_interfaces_that_are_not_all_there(bus: Bus, linux: Plug) -> None:
    uevent = bus.devices / linux.port / f"{linux.port}:1.1" / "uevent"
    for text in ("", "INTERFACE=", "INTERFACE=255/99", "INTERFACE=a/b/c", "INTERFACE=255/99/2"):
        uevent.write_text(text)
        assert [way.address for way in find()[0].ways] == [f"hid:{linux.serial}"]
    (bus.devices / linux.port / f"{linux.port}:1.0" / "uevent").unlink()
    assert find() == []


def test_other_things_on_the_bus(bus: Bus, linux: Plug) -> None:
    for name in ("usb1", "1-0:1.0", "2-1.4", "1-2.1", "1-22", f"{linux.port}2:1.0"):
        (bus.devices / name).mkdir()
    (bus.devices / "2-1.4" / "uevent").write_text("PRODUCT=46d/1/100\nBUSNUM=002\nDEVNUM=004\n")
    (found,) = find()
    assert (found.serial, len(found.ways)) == (linux.serial, 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use everything")
def test_nodes_that_this_account_may_not_use(bus: Bus, linux: Plug) -> None:
    Path(linux.hid_path).chmod(0o400)
    assert accesses(find()[0]) == {"usb": "ok", "hid": "no_permission"}


def test_permission_is_the_kernels_to_say(linux: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: "hidraw" in str(path))
    (found,) = find()
    assert accesses(found) == {"usb": "no_permission", "hid": "ok"}
    assert best(found).address == f"hid:{linux.serial}"


@pytest.mark.parametrize(
    ("hid_driver", "bulk_driver", "expected"),
    [
        ("usbhid", "usbfs", {"usb": "busy", "hid": "ok"}),
        ("usbfs", None, {"usb": "ok", "hid": "busy"}),
        ("usbfs", "usbfs", {"usb": "busy", "hid": "busy"}),
        (None, None, {"usb": "ok", "hid": "unknown"}),
    ],
)
def test_who_has_an_interface(
    bus: Bus, linux: Plug, hid_driver: str | None, bulk_driver: str | None, expected: dict[str, str]
) -> None:
    bus.tell(linux, hid=hid_driver, bulk=bulk_driver)
    (found,) = find()
    assert accesses(found) == expected
    assert [way.driver for way in found.ways] == [bulk_driver, hid_driver]


def test_another_coldshare_has_it(linux: Plug) -> None:
    held = turn.take(linux.serial)
    assert accesses(find()[0]) == {"usb": "busy", "hid": "busy"}
    held.close()
    assert accesses(find()[0]) == {"usb": "ok", "hid": "ok"}


def test_two_with_one_serial_are_two(bus: Bus, linux: Plug, desk: Desk) -> None:
    bus.plug(desk.token(), Speed.FULL)
    found = find()
    assert [one.serial for one in found] == [linux.serial] * 2
    assert len({one.place for one in found}) == 2


# --- where only the libraries tell


def test_both_libraries_see_one_token(plug: Plug) -> None:
    (found,) = find()
    assert found.ways == (Way(f"usb:{plug.serial}", "unknown"), Way(f"hid:{plug.serial}", "unknown"))
    assert (found.model, found.release) == ("coldshare", "3.5") or found.release
    assert plug.opened == 0


def test_a_dead_one_is_still_seen_by_hidapi(plug: Plug) -> None:
    plug.frozen = True
    assert accesses(find()[0]) == {"hid": "unknown"}


def test_without_a_library_the_other_one_tells(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise LibraryMissingError

    def shadowed() -> None:
        raise LibraryShadowedError

    monkeypatch.setattr(usb, "backend", missing)
    assert accesses(find()[0]) == {"hid": "unknown"}
    monkeypatch.setattr(hid, "library", shadowed)
    assert find() == []


def test_busy_and_of_no_serial_there(bus: Bus, plug: Plug, desk: Desk) -> None:
    held = turn.take(plug.serial)
    assert accesses(find()[0]) == {"usb": "busy", "hid": "busy"}
    held.close()
    plug.serial = "no serial"
    plug.gadget._strings[3] = plug.gadget._strings[1]
    assert find() == []


# --- which one


def found(serial: str = "00" * 8, place: str = "1-1", **access: str) -> Found:
    ways = tuple(Way(f"{scheme}:{serial}", said) for scheme, said in access.items())  # type: ignore[arg-type]
    return Found(serial, "coldshare token", "coldshare", "1.0", ways, place)


@pytest.mark.parametrize(
    ("usb_access", "hid_access", "chosen"),
    [
        ("ok", "ok", "usb"),
        ("no_permission", "ok", "hid"),
        ("busy", "ok", "hid"),
        ("unknown", "unknown", "usb"),
        ("unknown", "ok", "hid"),
        ("no_permission", "no_permission", "usb"),
        ("busy", "no_permission", "usb"),
    ],
)
def test_the_best_way(bus: Bus, usb_access: str, hid_access: str, chosen: str) -> None:
    assert best(found(usb=usb_access, hid=hid_access)).address.partition(":")[0] == chosen


def test_a_way_without_its_library_is_none(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise LibraryMissingError

    monkeypatch.setattr(usb, "backend", missing)
    assert best(found(usb="ok", hid="ok")).address.startswith("hid:")
    assert best(found(usb="ok")).address.startswith("usb:")  # whose opening says what is missing


def test_the_only_one(bus: Bus, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoAddressError, match="none is plugged in") as none:
        only({})
    assert "--at sim:PATH" in none.value.next_step
    bus.linux()
    first = bus.plug(desk.token(1), Speed.FULL)
    assert str(only({})) == f"usb:{first.serial}"
    second = bus.plug(desk.token(2), Speed.FULL)
    with pytest.raises(SeveralTokensError) as several:
        only({first.serial: "Safe A", second.serial: ""})
    assert f"usb:{first.serial} ('Safe A')" in several.value.message
    assert f"usb:{second.serial}" in several.value.message
    assert "--at" in several.value.next_step
    bus.unplug(first)
    assert str(only({})) == f"usb:{second.serial}"


# --- what happens


def test_changes() -> None:
    one, two = found("11" * 8), found("22" * 8, "1-2")
    again, busy = found("11" * 8, "1-1 later"), found("22" * 8, "1-2", usb="busy")
    assert changes([], []) == changes([one, two], [one, two]) == []
    assert changes([], [one]) == [Change("plugged", one)]
    assert changes([one], []) == [Change("unplugged", one)]
    assert changes([one, two], [again, busy]) == [
        Change("unplugged", one),
        Change("plugged", again),
        Change("changed", busy),
    ]


def test_plugged_in_anew_is_another_place(bus: Bus, desk: Desk) -> None:
    """Between two looks it may have been out and in again."""
    bus.linux()
    chip = desk.token()
    first = bus.plug(chip, Speed.FULL, port="1-1")
    before = discovery.find()
    bus.unplug(first)
    bus.plug(chip, Speed.FULL, port="1-1")
    assert [change.event for change in changes(before, discovery.find())] == ["unplugged", "plugged"]
