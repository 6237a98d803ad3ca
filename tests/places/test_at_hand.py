"""What can be reached now: tokens, folders and files by the ledger, each only if it is really that one."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from coldshare.device import discovery, sysfs
from coldshare.device.address import Address
from coldshare.device.errors import LibraryShadowedError
from coldshare.device.transport import hid, usb
from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import View
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.places.at_hand import Reached, at_hand
from coldshare.places.files import OsFiles
from coldshare_sim.usb.descriptors import Speed
from support.desk import PASSWORD, PIN, Desk, vault
from support.shell import Said, Shell
from support.stages import Stages, same_folder
from support.usbbus import Bus

PW = ("--password-file", "pw", "--no-recovery")
SAFE = "sim:safe.token?user=approve"


@pytest.fixture(autouse=True)
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """What is plugged in is the test's, and the kernel tells of it."""
    bus = Bus(tmp_path / "bus")
    bus.linux()
    monkeypatch.setattr(hid, "library", lambda: bus.hidapi)
    monkeypatch.setattr(usb, "backend", lambda: bus.pyusb)
    monkeypatch.setattr(sysfs, "DEVICES", bus.devices)
    monkeypatch.setattr(sysfs, "NODES", bus.nodes)
    return bus


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def shell(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """With a token in the file `safe.token`, and the share of the phone."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("pw", PASSWORD, secret="password")
    shell.write("pin", PIN, secret="PIN")
    (share, *_) = vault()
    shell.write("phone.vult", share.vult)
    shell.secrets.add_share(share.vult)
    shell.stages = Stages(tmp_path, tmp_path_factory)
    shell.step("token", lambda: (tmp_path / "safe.token").write_bytes(Desk(shell.home).token().image))
    return shell


def good(said: Said) -> Said:
    assert said.status == 0, said.out + said.err
    return said


def view() -> View:
    with Ledger(ledger_path()) as ledger:
        return ledger.view()


def only(kind: int) -> Place:
    (place,) = [one.place for one in view().places() if one.place.kind == kind]
    return place


def backup(shell: Shell, at: str) -> None:
    pin = () if at.startswith("folder:") else ("--pin-file", "pin")
    shell.step(("backup", at), lambda: good(shell("backup", "phone.vult", *PW, *pin, "--at", at)))


def reached(named: str | None = None) -> tuple[list[tuple[str, str]], str]:
    found = at_hand(view(), named=Address.parse(named) if named else None)
    assert all(place == one.place and place in found for place, one in found.places.items())
    return sorted((one.address, one.command) for one in found.places.values()), "\n".join(found.notes)


def test_an_empty_ledger_looks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "find", lambda: pytest.fail("tokens were looked for"))
    assert reached() == ([], "")


# --- tokens


def test_a_token_that_is_plugged_in(shell: Shell, bus: Bus) -> None:
    backup(shell, SAFE)
    assert reached() == ([], ""), "a software token is never looked for"
    chip = Desk(shell.home).token()
    plug = bus.plug(chip, Speed.HIGH)
    found = at_hand(view())
    place = only(e.TOKEN)
    assert found.places == {place: Reached(place, f"usb:{plug.serial}", f"--at usb:{plug.serial}")}
    assert (plug.opened, plug.passed) == (0, 0)
    assert reached(f"hid:{plug.serial}") == ([(f"hid:{plug.serial}", f"--at hid:{plug.serial}")], "")
    bus.unplug(plug)
    assert reached() == reached(f"hid:{plug.serial}") == ([], "")


def test_a_token_that_the_ledger_does_not_know(shell: Shell, bus: Bus, stick: Path) -> None:
    backup(shell, SAFE)
    bus.plug(Desk(shell.home).token(5, "Other"), Speed.HIGH)
    assert reached() == ([], "")


def test_a_token_that_this_account_may_not_use(shell: Shell, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(shell, SAFE)
    plug = bus.plug(Desk(shell.home).token(), Speed.HIGH)
    monkeypatch.setattr(os, "access", lambda *given: False)
    places, notes = reached()
    assert places == [(f"usb:{plug.serial}", f"--at usb:{plug.serial}")]
    assert "coldshare doctor" in notes


@pytest.mark.parametrize("error", [LibraryShadowedError(), PermissionError(13, "no")])
def test_looking_for_tokens_fails(shell: Shell, monkeypatch: pytest.MonkeyPatch, stick: Path, error: Exception) -> None:
    """What else can be found is found."""

    def fails() -> list[discovery.Found]:
        raise error

    backup(shell, SAFE)
    backup(shell, "folder:stick")
    monkeypatch.setattr(discovery, "find", fails)
    places, notes = reached()
    assert [address for address, _ in places] == [f"folder:{stick}"]
    assert notes.startswith("Which tokens are plugged in could not be found out")


# --- software tokens


@pytest.mark.parametrize("named", [SAFE, "sim:safe.token", "sim:safe.token?carrier=bulk&user=reject"])
def test_a_software_token_that_is_named(shell: Shell, named: str) -> None:
    backup(shell, SAFE)
    quoted = f"'{named}'" if "?" in named else named
    assert reached(named) == ([(named, f"--at {quoted}")], "")


def test_the_faults_of_a_cable_wait_for_the_command(shell: Shell) -> None:
    backup(shell, SAFE)
    named = "sim:safe.token?user=approve&fault=unplug@1"
    ((address, _),), notes = reached(named)
    assert (address, notes) == (named, "")


def test_a_software_token_that_is_not_there_or_another_one(shell: Shell) -> None:
    backup(shell, SAFE)
    places, notes = reached("sim:none.token")
    assert places == []
    assert notes.startswith("sim:none.token cannot be reached. ")
    assert not (shell.folder / "none.token").exists()
    (shell.folder / "other.token").write_bytes(Desk(shell.home).token(5, "Other").image)
    places, notes = reached("sim:other.token")
    assert places == []
    assert notes.endswith("coldshare ledger rescan --at sim:other.token")
    (shell.folder / "other.token").write_bytes(b"rot")
    assert "cannot be reached" in reached("sim:other.token")[1]


# --- folders


def test_a_folder_where_the_ledger_has_it(shell: Shell, stick: Path) -> None:
    backup(shell, "folder:stick")
    assert reached() == ([(f"folder:{stick}", f"--at folder:{stick}")], "")
    stick.rename(stick.with_name("a b"))
    assert reached() == ([], "")
    assert reached("folder:a b") == ([("folder:a b", "--at 'folder:a b'")], "")
    stick.with_name("a b").rename(stick)
    assert reached("folder:stick") == ([("folder:stick", "--at folder:stick")], ""), "as it was named"


def test_another_stick_at_the_same_path(shell: Shell, stick: Path) -> None:
    backup(shell, "folder:stick")
    shutil.rmtree(stick / "coldshare")
    assert reached() == ([], "")
    assert reached("folder:stick")[1].startswith("folder:stick cannot be reached. ")
    shell.home.rename(shell.folder / "kept")
    backup(shell, "folder:stick")
    shutil.rmtree(shell.home)
    (shell.folder / "kept").rename(shell.home)
    assert reached() == ([], "")
    assert "coldshare ledger rescan --at folder:stick" in reached("folder:stick")[1]


def test_a_folder_with_a_broken_list(shell: Shell, stick: Path) -> None:
    backup(shell, "folder:stick")
    for name in ("index.a", "index.b"):
        (stick / "coldshare" / name).write_bytes(b"rot")
    assert reached() == ([], "")


def test_a_link_in_the_place_of_the_folder(shell: Shell, stick: Path) -> None:
    backup(shell, "folder:stick")
    (stick / "coldshare").rename(shell.folder / "elsewhere")
    (stick / "coldshare").symlink_to(shell.folder / "elsewhere")
    assert reached() == ([], "")


def test_nobody_who_writes_there_is_waited_for(shell: Shell, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(shell, "folder:stick")
    handle = os.open(stick / "coldshare", os.O_RDONLY)
    flock = fcntl.flock

    def at_once(number: int, how: int) -> None:
        assert how & fcntl.LOCK_NB or not os.path.samestat(os.fstat(number), os.fstat(handle)), "somebody waits"
        flock(number, how)

    try:
        flock(handle, fcntl.LOCK_EX)
        with monkeypatch.context() as patched:
            patched.setattr(fcntl, "flock", at_once)
            assert len(reached()[0]) == 1
    finally:
        os.close(handle)


def test_a_stick_that_is_pulled_out_while_it_is_looked_at(
    shell: Shell, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled(self: OsFiles) -> None:
        raise OSError(5, "pulled out")

    backup(shell, "folder:stick")
    monkeypatch.setattr(OsFiles, "scan", pulled)
    assert reached() == ([], "")
    assert "cannot be read or written any more" in reached("folder:stick")[1]


# --- exported files


@pytest.fixture
def exported(shell: Shell) -> Path:
    """A file that was exported from the token, in a folder whose name a shell would take apart."""
    backup(shell, SAFE)
    (shell.folder / "cloud drive").mkdir()
    good(shell("export", "--out", "cloud drive", "--pin-file", "pin", "--at", SAFE))
    (file,) = (shell.folder / "cloud drive").iterdir()
    return file


def test_an_exported_file(exported: Path) -> None:
    assert reached() == ([(str(exported), f"--from '{exported}'")], "")
    exported.rename(exported.with_name("x.seal"))
    assert reached() == ([], "")


@pytest.mark.parametrize("how", ["another backup", "rot", "empty", "a folder", "a pipe"])
def test_something_else_in_its_place(shell: Shell, exported: Path, how: str) -> None:
    exported.unlink()
    if how == "another backup":
        backup(shell, SAFE)
        good(shell("export", "--out", str(exported.parent), "--pin-file", "pin", "--at", SAFE))
        (other,) = exported.parent.iterdir()
        other.rename(exported)
        assert [address for address, _ in reached()[0]] == []
    elif how == "a folder":
        exported.mkdir()
    elif how == "a pipe":
        os.mkfifo(exported)
    else:
        exported.write_bytes(b"rot" if how == "rot" else b"")
    assert reached() == ([], "")
