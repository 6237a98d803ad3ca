"""Two coldshare processes at one token take turns, over whichever carrier, and a process that dies leaves no lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coldshare.device import turn
from coldshare.device.errors import TokenInUseError
from coldshare.device.transport import open_transport
from support.desk import Desk
from support.usbbus import Port

SERIAL = "00112233445566ff"

HOLDS = """
import sys
from coldshare.device import turn
held = turn.take(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hours() -> Hours:
    return Hours()


def test_one_after_the_other(hours: Hours) -> None:
    waited: list[float] = []
    first = turn.take(SERIAL)

    def finish(seconds: float) -> None:
        waited.append(seconds)
        if seconds >= 3:
            first.close()

    second = turn.take(SERIAL, finish, clock=hours, sleep=hours.sleep)
    assert waited[0] == 0
    assert len(waited) == pytest.approx(31, abs=1)
    assert turn.taken(SERIAL)
    second.close()
    assert not turn.taken(SERIAL)


def test_ten_seconds_and_no_longer(hours: Hours) -> None:
    first = turn.take(SERIAL)
    with pytest.raises(TokenInUseError, match="did not finish in ten seconds"):
        turn.take(SERIAL, clock=hours, sleep=hours.sleep)
    assert hours.now == pytest.approx(110, abs=0.2)
    first.close()
    turn.take(SERIAL).close()


def test_whoever_hears_of_the_waiting_may_end_it(hours: Hours) -> None:
    first = turn.take(SERIAL)

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    descriptors = _descriptors()
    with pytest.raises(KeyboardInterrupt):
        turn.take(SERIAL, stop, clock=hours, sleep=hours.sleep)
    assert _descriptors() == descriptors
    first.close()
    turn.take(SERIAL).close()


def _descriptors() -> int:
    folder = Path("/dev/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_other_tokens_are_nobodys_business() -> None:
    first, second = turn.take(SERIAL), turn.take("0" * 16)
    assert turn.taken(SERIAL.upper())
    assert not turn.taken("1" * 16)
    first.close()
    second.close()


def test_asking_makes_nothing(home: Path) -> None:
    assert not turn.taken(SERIAL)
    assert not home.exists()


def test_a_process_that_dies_leaves_no_lock() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, SERIAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert turn.taken(SERIAL)
    process.kill()
    process.communicate()
    assert not turn.taken(SERIAL)
    turn.take(SERIAL).close()


def test_where_nothing_can_be_locked_a_token_can_still_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / "file"))
    turn.take(SERIAL).close()
    assert not turn.taken(SERIAL)


def test_a_link_in_the_place_of_the_lock_is_not_followed(home: Path, tmp_path: Path) -> None:
    (home / "turns").mkdir(parents=True)
    (home / "turns" / f"{SERIAL}.lock").symlink_to(tmp_path / "planted")
    turn.take(SERIAL).close()
    assert not (tmp_path / "planted").exists()


def test_a_token_is_ones_own_from_opening_to_closing(
    port: Port, desk: Desk, hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = port.plug(desk.token())
    waits: list[str] = []

    def refused(serial: str, on_wait: turn.OnWait | None = None) -> turn.Turn:
        return take(serial, lambda seconds: waits.append(serial), clock=hours, sleep=hours.sleep)

    take = turn.take
    first = port.client(plug)
    monkeypatch.setattr(turn, "take", refused)
    for scheme in ("hid", "usb"):
        address = type(port.address(plug))(scheme, plug.serial)
        with pytest.raises(TokenInUseError):
            open_transport(address)
    assert set(waits) == {plug.serial}
    assert first.backups() == []
    first.close()
    port.client(plug).close()


def test_what_cannot_be_opened_is_not_kept(port: Port, desk: Desk) -> None:
    plug = port.plug(desk.token())
    port.bus.plugs.remove(plug)
    for _ in range(2):
        with pytest.raises(Exception, match="No token with that serial"):
            port.open(plug)
        assert not turn.taken(plug.serial)
