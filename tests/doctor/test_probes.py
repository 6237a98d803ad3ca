"""What each probe finds on computers with one thing wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coldshare.device import sysfs, turn
from coldshare.device.address import Address
from coldshare.device.errors import LibraryMissingError, LibraryShadowedError, NoPermissionError
from coldshare.device.transport import hid, usb
from coldshare.doctor import software
from coldshare.doctor.conversation import Answer
from coldshare.doctor.examine import probed
from coldshare.doctor.finding import Finding, worst
from coldshare.udev.rules import NAME
from coldshare_iface import wire
from coldshare_sim.usb.descriptors import Speed

from .conftest import Computer

Process = Callable[..., None]


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.level, one.reason) for one in findings]


def test_a_computer_on_which_all_is_well(computer: Computer) -> None:
    computer.install_rules()
    plug = computer.plug()
    found = computer.examine()
    assert worst(found) == "ok", [one for one in found if one.level != "ok"]
    assert [one.check for one in found] == [
        *("coldshare", "hidapi", "libusb", "home", "udev_rules", "udevd", "tokens"),
        *("permission", "permission", "round_trip", "round_trip", "pairing"),
    ]
    assert all(one.mend == "" for one in found)
    assert {one.serial for one in found[6:]} == {plug.serial}
    assert computer.said == [f"Asking the token at {scheme}:{plug.serial} ..." for scheme in ("usb", "hid")]
    # It has let go of everything.
    assert plug.opened == 0
    assert not turn.taken(plug.serial)


# --- what it runs on
@pytest.mark.parametrize("kind", [LibraryMissingError, LibraryShadowedError])
def test_no_hidapi(kind: type[LibraryMissingError], computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise kind

    monkeypatch.setattr(hid, "library", none)
    (found,) = computer.found("hidapi")
    assert (found.level, found.reason, found.mend) == ("fail", kind.code, kind.next_step)


def test_hidapi_without_hidraw(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hid, "library", lambda: SimpleNamespace(__name__="hid"))
    assert told(probed("hidapi", software.hidapi)) == [("warn", "not_hidraw")]
    monkeypatch.setattr("sys.platform", "darwin")
    assert told(probed("hidapi", software.hidapi)) == [("ok", "found")]


def test_no_libusb_is_no_failure(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise LibraryMissingError

    monkeypatch.setattr(usb, "backend", none)
    (found,) = computer.found("libusb")
    assert (found.level, found.reason) == ("warn", "usb_library_missing")


def test_the_versions_of_this_computer() -> None:
    """The real libraries: nothing here stands in for them."""
    (found,) = probed("hidapi", software.hidapi)
    assert (found.level, found.facts["hidapi"]) == ("ok", metadata.version("hidapi"))
    (found,) = probed("libusb", software.libusb)
    assert (found.level, found.facts["pyusb"]) == ("ok", metadata.version("pyusb"))
    assert str(found.facts["libusb"]).startswith("1.0.")


# --- the rules
@pytest.mark.parametrize(
    ("content", "reason"), [(None, "missing"), (b"# of last year\n", "different"), (b"", "masked")]
)
def test_rules_that_do_not_count_are_a_warning(content: bytes | None, reason: str, computer: Computer) -> None:
    """Whether a token can be used is another line."""
    if content is not None:
        (computer.rules / NAME).write_bytes(content)
    (found,) = computer.found("udev_rules")
    assert (found.level, found.reason) == ("warn", reason)
    assert "coldshare udev install" in found.mend


def test_rules_that_are_read_too_late(computer: Computer) -> None:
    computer.install_rules()
    (computer.rules / "99-coldshare.rules").touch()
    assert told(computer.found("udev_rules")) == [("ok", "current"), ("warn", "misplaced")]


def test_an_installation_without_rules(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = computer.plug()
    monkeypatch.setattr(metadata, "files", lambda name: None)
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(computer.bus.nodes)))
    assert told(computer.found("udev_rules")) == [("warn", "udev_rules_missing")]
    assert {one.reason for one in computer.found("permission")} == {"denied"}
    assert plug.opened == 0


def test_no_udevd(computer: Computer) -> None:
    assert told(computer.found("udevd")) == [("warn", "not_running")]


# --- what is plugged in
def test_nothing(computer: Computer) -> None:
    (found,) = computer.found("tokens")
    assert (found.level, found.reason) == ("warn", "none")
    assert "cable" in found.mend


def test_something_else_with_our_id(computer: Computer) -> None:
    plug = computer.plug()
    computer.bus.unplug(plug)
    plug.product = "a stranger's lamp"
    computer.bus.plugs.append(plug)
    computer.bus.tell(plug)
    found = computer.found("tokens")
    assert told(found) == [("warn", "other_device"), ("warn", "none")]
    assert "a stranger's lamp" in found[0].says
    computer.plug(number=1)
    assert told(computer.found("tokens")) == [("ok", "plugged_in"), ("ok", "other_device")]


def test_a_token_without_a_serial(computer: Computer) -> None:
    plug = computer.plug()
    plug.serial = "none"
    computer.bus.tell(plug)
    assert told(computer.found("tokens")) == [("fail", "unfit")]


def test_two_with_one_serial(computer: Computer) -> None:
    computer.plug()
    computer.plug()
    assert told(computer.found("tokens")) == [("ok", "plugged_in"), ("ok", "plugged_in"), ("fail", "same_serial")]


# --- its nodes
def test_no_permission_without_rules(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = computer.plug()
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(computer.bus.nodes)))
    found = computer.found("permission")
    assert told(found) == [("fail", "denied")] * 2
    assert {one.mend for one in found} == {NoPermissionError.next_step}
    assert {one.facts["way"] for one in found} == {"usb", "hid"}
    # Nobody tries what cannot work, and says it again.
    assert computer.found("round_trip") == []
    assert plug.passed == 0


def test_no_permission_with_rules(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """To install them once more would not help."""
    computer.install_rules()
    computer.plug()
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(computer.bus.nodes)))
    for found in computer.found("permission"):
        assert "log in at its own screen" in found.mend
        assert "udev install" not in found.mend


def test_nodes_that_are_not_in_dev(computer: Computer) -> None:
    computer.plug()
    shutil.rmtree(computer.bus.nodes)
    found = computer.found("permission")
    assert told(found) == [("fail", "not_in_dev")] * 2
    assert "container" in found[0].mend


def test_an_interface_without_its_driver(computer: Computer) -> None:
    computer.bus.tell(computer.plug(), hid=None)
    assert told(computer.found("permission")) == [("ok", "allowed"), ("fail", "no_node")]
    (found,) = computer.found("drivers")
    assert (found.level, found.facts) == ("warn", {"way": "hid", "driver": None})


def test_a_driver_that_should_not_be_there(computer: Computer) -> None:
    computer.bus.tell(computer.plug(), bulk="usbtest")
    (found,) = computer.found("drivers")
    assert (found.level, found.facts) == ("warn", {"way": "usb", "driver": "usbtest"})


def test_a_program_that_has_it_open(computer: Computer, process: Process) -> None:
    plug = computer.plug()
    process(4711, "wallet", "/dev/null", plug.hid_path)
    process(4712, "editor", "/tmp/text")
    (found,) = computer.found("in_use")
    assert (found.level, found.reason) == ("warn", "open_elsewhere")
    assert f"{plug.hid_path} is open in wallet (process 4711)." in found.says


def test_a_program_that_has_claimed_it_and_that_only_root_sees(
    computer: Computer, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = computer.plug()
    computer.bus.tell(plug, bulk="usbfs")
    process(4711, "secret")
    real = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "fd":
            raise PermissionError
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    (found,) = computer.found("in_use")
    assert "a process of another account, which only root sees" in found.says


def test_a_program_that_has_taken_it_from_the_hid_driver(computer: Computer, process: Process) -> None:
    plug = computer.plug()
    computer.bus.tell(plug, hid="usbfs")
    process(4711, "wallet", str(computer.bus.nodes / "bus/usb" / f"{plug.bus:03}" / f"{plug.address:03}"))
    by_way = {one.says.partition(":")[0]: one for one in computer.found("in_use")}
    assert by_way["hid"].says == f"hid:{plug.serial}: its interface is taken by wallet (process 4711)."
    assert {one.level for one in by_way.values()} == {"warn"}
    # No driver is missing, and no node: they are back when that program ends.
    assert told(computer.found("permission")) == [("ok", "allowed")]
    assert computer.found("drivers") == []


def test_nobody_to_blame(computer: Computer) -> None:
    computer.bus.tell(computer.plug(), bulk="usbfs")
    (found,) = computer.found("in_use")
    assert "nobody that can be seen" in found.says


def test_this_process_is_not_among_them(computer: Computer, process: Process) -> None:
    process(os.getpid(), "python", computer.plug().hid_path)
    assert computer.found("in_use") == []


# --- its records
def test_no_home_yet(computer: Computer) -> None:
    assert told(computer.found("home")) == [("ok", "none_yet")]


def test_a_home_of_somebody_else(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.plug()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    found = computer.found("home")
    assert told(found) == [("fail", "not_ours"), ("ok", "usable")]
    assert "chown" in found[0].mend


def test_a_home_that_others_may_write_to(computer: Computer) -> None:
    computer.plug()
    computer.desk.store.path.parent.chmod(0o777)
    found = computer.found("home")
    assert told(found) == [("warn", "others_may_write"), ("ok", "usable")]
    assert found[0].facts == {"mode": "0777"}


def test_a_home_that_cannot_be_written(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.plug()
    home = computer.desk.store.path.parent
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != home)
    assert told(computer.found("home")) == [("fail", "not_writable")]


def test_pairings_that_are_damaged(computer: Computer) -> None:
    computer.plug()
    computer.desk.store.path.write_text("{", encoding="utf-8")
    assert told(computer.found("home")) == [("fail", "pairings_unreadable")]
    # The rest is looked at all the same.
    assert told(computer.found("round_trip")) == [("ok", "answers")] * 2


def test_another_coldshare_at_the_token(computer: Computer, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = computer.plug()
    ours = turn.take(plug.serial)
    lock = computer.desk.store.path.parent / "turns" / f"{plug.serial}.lock"
    process(4711, "coldshare", str(lock))
    try:
        (found,) = computer.found("turns", lambda address: Answer("token_in_use", "Another coldshare uses it."))
    finally:
        ours.close()
    assert (found.level, found.reason, found.serial) == ("warn", "taken", plug.serial)
    assert "coldshare (process 4711)" in found.says
    # What a process that died has left is no lock.
    assert lock.exists()
    assert computer.found("turns") == []


# --- round trips
@pytest.mark.parametrize("speed", Speed)
def test_a_round_trip_on_every_way(speed: Speed, computer: Computer) -> None:
    plug = computer.plug(speed)
    bulk, reports = computer.found("round_trip")
    assert (bulk.facts["way"], bulk.facts["report_size"]) == ("usb", wire.BULK_FRAME_MAX)
    assert (reports.facts["way"], reports.facts["report_size"]) == ("hid", speed.report_size)
    for found in (bulk, reports):
        assert (found.level, found.reason, found.serial) == ("ok", "answers", plug.serial)
        assert found.facts["state"] == "ready"


def test_a_token_that_is_dead(computer: Computer) -> None:
    """Its own clock stands still as well, so only what counts slices gives up."""
    plug = computer.plug()
    plug.frozen = True
    assert {one.level for one in computer.found("round_trip")} == {"fail"}
    assert {one.reason for one in computer.found("round_trip")} == {"token_timeout"}


def test_a_token_that_is_pulled_out(computer: Computer) -> None:
    computer.plug().passes = 5
    assert "token_gone" in {one.reason for one in computer.found("round_trip")}
    assert computer.found("pairing") == []


@pytest.mark.parametrize(
    ("answer", "level", "reason"),
    [
        (Answer("no_end", "Nothing came of it."), "fail", "no_end"),
        (Answer("token_in_use", "Another one uses it."), "warn", "token_in_use"),
        (Answer("channel_busy", "Another one talks to it."), "warn", "channel_busy"),
        (Answer(slowest=1500.0, state=1, serial="", firmware="0.1.0"), "warn", "slow"),
        (Answer(serial="ffffffffffffffff", state=1), "fail", "other_serial"),
    ],
)
def test_what_an_answer_means(answer: Answer, level: str, reason: str, computer: Computer) -> None:
    plug = computer.plug()
    if reason == "slow":
        answer = Answer(slowest=answer.slowest, state=1, serial=plug.serial, firmware="0.1.0")
    found = computer.found("round_trip", lambda address: answer)
    # Of one that hangs the other way is not tried: whoever hangs there has not let go of it.
    assert told(found) == [(level, reason)] * (1 if reason == "no_end" else 2)
    assert all(one.mend for one in found if reason in ("slow", "other_serial"))


def test_a_new_token_and_a_stranger(computer: Computer) -> None:
    plug = computer.plug_new()
    (found,) = computer.found("pairing")
    assert (found.level, found.reason, found.serial) == ("warn", "not_paired", plug.serial)
    assert "coldshare init" in found.mend
    computer.bus.unplug(plug)
    known = computer.plug()
    computer.desk.store.forget(bytes.fromhex(known.serial))
    (found,) = computer.found("pairing")
    assert found.mend == "coldshare pair"


def test_a_burnt_token(computer: Computer) -> None:
    plug = computer.plug()
    burnt = Answer(serial=plug.serial, state=wire.TOKEN_BURNT)
    assert told(computer.found("pairing", lambda address: burnt)) == [("warn", "burnt")]


def test_the_one_that_is_named(computer: Computer) -> None:
    plug = computer.plug()
    asked: list[str] = []

    def ask(address: Address) -> Answer:
        asked.append(str(address))
        return Answer(serial=plug.serial, state=1)

    computer.examine(Address.parse(f"hid:{plug.serial}"), ask)
    assert asked == [f"usb:{plug.serial}", f"hid:{plug.serial}"]
    computer.examine(Address.parse("sim:x.token"), ask)
    assert asked[2:] == [f"usb:{plug.serial}", f"hid:{plug.serial}", "sim:x.token"]


# --- nothing stops it
@pytest.mark.parametrize("error", [OSError(5, "I/O"), RuntimeError("of a library"), RecursionError()])
def test_a_probe_that_fails_is_a_line(error: Exception, computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> Any:
        raise error

    computer.plug()
    for module, name in ((sysfs, "strangers"), (hid, "library"), (usb, "backend")):
        monkeypatch.setattr(module, name, broken)
    found = computer.examine(ask=broken)
    kind = type(error).__name__
    failed = [one for one in found if one.reason == "not_examined"]
    assert {one.check for one in failed} >= {"hidapi", "libusb", "round_trip"}
    assert all(one.facts == {"kind": kind} and "of a library" not in one.says for one in failed)
    assert {"home", "udev_rules", "permission"} <= {one.check for one in found}


def test_what_a_probe_found_before_it_failed_stays() -> None:
    def probe() -> Iterator[Finding]:
        yield Finding("x", "ok", "first", "The first.")
        raise NoPermissionError

    assert told(probed("x", probe)) == [("ok", "first"), ("fail", "no_permission")]


def test_systems_without_udev_are_not_told_of_it(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = computer.plug()
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(sysfs, "DEVICES", computer.root / "none")
    found = computer.examine()
    assert not {"udev_rules", "udevd", "permission"} & {one.check for one in found}
    assert [one.serial for one in found if one.check == "tokens"] == [plug.serial]
    computer.bus.unplug(plug)
    assert told(computer.found("tokens")) == [("warn", "none")]


def test_a_kernel_that_somebody_gave_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "6.12.3-alices-own+")
    (found,) = probed("coldshare", software.coldshare)
    assert found.facts["kernel"] == "6.12.3"
