"""Who may use a token: nobody but root at first; after `coldshare udev install` whoever sits at the computer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coldshare.device.errors import NoPermissionError
from coldshare.udev.rules import NAME
from kernel.guest.bus import Plug
from kernel.guest.users import coldshare_as, run_as
from support.shell import Said, Shell, failed

pytestmark = pytest.mark.kernel

INSTALLED = Path("/etc/udev/rules.d") / NAME
STATUS = 6


@pytest.fixture
def no_rules() -> Iterator[None]:
    """As on a computer that has never seen coldshare, before and after."""

    def remove() -> None:
        INSTALLED.unlink(missing_ok=True)
        subprocess.run(["udevadm", "control", "--reload-rules"], check=True)

    remove()
    yield
    remove()


NOBODY = {"hid": "no_permission", "usb": "no_permission"}
EVERYTHING = {"hid": "ok", "usb": "ok"}


def access(said: Said) -> dict[str, str]:
    """What the list of tokens says about each way to the only one."""
    (found,) = said.json["plugged_in"]
    return {way["address"].partition(":")[0]: way["access"] for way in found["ways"]}


def tells(said: Said) -> str:
    """What the token at an address says, or the code of the error. It needs no PIN and no pairing."""
    here = said.json["here"]
    return str(here["error"]["code"] if "error" in here else here["state"])


def test_a_refused_user_hears_what_to_do_and_the_real_command_lets_one_in(
    no_rules: None, shell: Shell, ready: Callable[..., Plug]
) -> None:
    plug = ready("hs")
    listed = ["tokens", "--json"]
    asked = [["tokens", "--json", "--at", plug.at(carrier)] for carrier in ("hid", "usb")]
    uses = [["list", "--at", plug.at(carrier), "--pin-file", "pin"] for carrier in ("hid", "usb")]

    seen, *refused, install = coldshare_as("alice", listed, *uses, ["udev", "install"])
    assert access(seen) == NOBODY
    for said in refused:
        assert "coldshare udev install" in failed(said, NoPermissionError.code, STATUS, as_json=False)
    failed(install, "needs_root", 5, as_json=False)
    assert shell("udev", "check").status == STATUS

    said = shell("udev", "install")
    assert said.status == 0, said.err
    assert INSTALLED.stat().st_mode & 0o777 == 0o644
    assert shell("udev", "check").status == 0
    # The token was plugged in all the while.
    seen, *told = coldshare_as("alice", listed, *asked)
    assert access(seen) == EVERYTHING
    assert [tells(said) for said in told] == ["ready", "ready"]
    seen, *told = coldshare_as("eve", listed, *asked)
    assert access(seen) == NOBODY
    assert [tells(said) for said in told] == [NoPermissionError.code] * 2

    plug.unplug()
    plug.plug()
    assert [access(*coldshare_as(user, listed)) for user in ("alice", "eve")] == [EVERYTHING, NOBODY]


def opens(user: str, plug: Plug) -> dict[str, bool]:
    """Whether that user may open the nodes."""
    script = "for node; do if (exec 3<>$node) 2>/dev/null; then echo 1; else echo 0; fi; done"
    nodes = plug.nodes
    answers = run_as(user, "sh", "-c", script, "sh", *map(str, nodes.values())).split()
    return {carrier: answer == "1" for carrier, answer in zip(nodes, answers, strict=True)}


def test_who_leaves_the_seat_loses_the_token(no_rules: None, shell: Shell, ready: Callable[..., Plug]) -> None:
    seat = Path("/run/systemd/seats/seat0")
    before = seat.read_text()
    assert shell("udev", "install").status == 0
    plug = ready("fs")
    assert opens("alice", plug) == {"hid": True, "usb": True}
    try:
        seat.write_text(before.replace("ACTIVE=1\n", "ACTIVE=0\n").replace("ACTIVE_UID", "OTHER_UID"))
        plug.unplug()
        plug.plug()
        assert opens("alice", plug) == {"hid": False, "usb": False}
    finally:
        seat.write_text(before)


def test_a_stranger_with_the_same_id_is_not_given_away(
    no_rules: None, folder: Path, shell: Shell, bus: Callable[..., Plug], stranger: tuple[str, ...]
) -> None:
    """1209:0001 is a test id that anybody may use: the rules are for tokens only."""
    assert shell("udev", "install").status == 0
    plug = bus(folder / "other.token", "hs", "--create", program=stranger)
    assert opens("alice", plug) == {"hid": False, "usb": False}


def test_nobody_is_there_to_apply_the_rules(
    no_rules: None, without_udevd: None, shell: Shell, ready: Callable[..., Plug]
) -> None:
    ready("fs")
    said = failed(shell("udev", "install", "--json"), "udev_failed", STATUS, as_json=True)
    assert "udevd is not running" in said
