"""`coldshare-board` with real mpremote and a real MicroPython at the other end of a pseudo-terminal, and what it put
there, started: a token under MicroPython, with its keys beside littlefs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from board.console import PluggedIn, blank, console
from coldshare_board import device, install, link, ports, release
from coldshare_board.cli import run
from coldshare_board.errors import (
    BoardBusyError,
    BoardFailedError,
    BoardGoneError,
    BootselError,
    CopyError,
    ForeignFilesError,
    MicroPythonTooOldError,
    NoBoardError,
    NoRoomError,
    NotMicroPythonError,
    RunningTokenError,
    SeveralBoardsError,
    WrongBoardError,
)
from coldshare_board.link import Board, connect
from coldshare_board.release import Release
from coldshare_iface import wire
from coldshare_sim.mpy.engine import Engine
from support.client import LABEL, PIN, Host, blob


@pytest.fixture(scope="module")
def ours() -> Release:
    return release.build()


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    return blank(tmp_path / "chip")


@pytest.fixture(scope="module")
def installed(engine: Engine, ours: Release, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The chip of a board after `install`."""
    path = blank(tmp_path_factory.mktemp("board") / "chip")
    with console(engine, path) as port, connect(port) as board:
        install.install(board, install.plan(board, ours))
    return path.read_bytes()


@pytest.fixture
def with_token(installed: bytes, chip: Path) -> Path:
    chip.write_bytes(installed)
    return chip


#: Releases of files that start nothing, for what does not depend on what is in them.
OLD = Release("0123456789ab", {"coldshare_pico/main.mpy": b"not a module", "coldshare_firmware/x.mpy": b"\x00" * 9000})
NEW = Release("ba9876543210", {"coldshare_pico/main.mpy": b"new" * 400, "coldshare_firmware/a.mpy": b"a"})


# --- the command line
def test_three_commands(engine: Engine, chip: Path, ours: Release, capsys: pytest.CaptureFixture[str]) -> None:
    with console(engine, chip) as port:
        assert run(["install", "--port", port, "--dry-run", "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["changed"], said["files"], said["release"]) == (False, len(ours.files), ours.id)
        assert run(["check", "--port", port, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == "none"
        assert run(["install", "--port", port]) == 0
        assert f"Release {ours.id} is on the board" in capsys.readouterr().out
        assert run(["check", "--port", port]) == 0
        said_now = capsys.readouterr().out
        assert f"release {ours.id}, every file as it should be" in said_now
        assert "buttons       pins" in said_now
        assert "key area      not made yet" in said_now
        assert run(["install", "--port", port]) == 0
        assert "has this firmware already" in capsys.readouterr().out
        assert run(["install", "--port", port, "--buttons", "bootsel", "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["changed"], said["files"], said["buttons"]) == (True, 0, "bootsel")
        assert run(["install", "--port", port, "--json"]) == 0  # it keeps its buttons
        assert json.loads(capsys.readouterr().out)["buttons"] == "bootsel"


def test_errors_have_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--port", "/dev/no-such-port", "--json"]) == 6
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "board_busy"
    assert error["next"]
    assert run(["install", "--buttons", "three"]) == 2
    assert "--help" in capsys.readouterr().err


# --- what is refused
def test_a_port_that_is_none() -> None:
    with pytest.raises(BoardBusyError, match="no port"), connect("/dev/no-such-port"):
        pass


def test_something_else_at_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_HELLO", 0.2)
    monkeypatch.setattr(link, "_READ", 0.1)
    master, slave = os.openpty()
    try:
        with pytest.raises(NotMicroPythonError), connect(os.ttyname(slave)):
            pass
    finally:
        os.close(master)
        os.close(slave)


def test_what_fails_on_the_board(engine: Engine, chip: Path) -> None:
    with console(engine, chip) as port, connect(port) as board:
        with pytest.raises(BoardFailedError, match="ValueError: x"):
            board.run("raise ValueError('x')")
        with pytest.raises(BoardFailedError, match="cannot be read"):
            board.ask("print('not a literal')")
        assert board.ask("print(1 + 1)") == 2


@pytest.mark.parametrize(
    ("identity", "error"),
    [
        ({"machine": "ESP32 module with ESP32"}, WrongBoardError),
        ({"version": (1, 22, 2)}, MicroPythonTooOldError),
        ({"usb": False}, WrongBoardError),
    ],
)
def test_another_board(
    engine: Engine, chip: Path, ours: Release, identity: dict[str, object], error: type[Exception]
) -> None:
    with console(engine, chip, **identity) as port, connect(port) as board, pytest.raises(error):
        install.plan(board, ours)


def test_somebody_elses_program(engine: Engine, chip: Path, ours: Release) -> None:
    with console(engine, chip) as port, connect(port) as board:
        board.write("/main.py", b"print('blink')\n")
        with pytest.raises(ForeignFilesError, match=r"main\.py"):
            install.plan(board, ours)
        assert install.plan(board, ours, replace=True).main


def test_a_full_board(engine: Engine, chip: Path, ours: Release) -> None:
    with console(engine, chip) as port, connect(port) as board:
        board.run("f=open('/big','wb')\nfor _ in range(300):\n f.write(bytes(4096))\nf.close()")
        with pytest.raises(NoRoomError, match="are free"):
            install.plan(board, ours)


# --- what is on the bus, when no board is
class Plugged:
    """A serial port as pyserial lists it."""

    def __init__(self, name: str, vid: int | None = 0x2E8A, pid: int | None = 0x0005) -> None:
        self.device, self.vid, self.pid = name, vid, pid


@pytest.mark.parametrize(
    ("serial", "bus", "expected"),
    [
        ([Plugged("/dev/ttyACM0"), Plugged("/dev/ttyS0", None, None)], [], "/dev/ttyACM0"),
        ([Plugged("/dev/ttyACM1"), Plugged("/dev/ttyACM0")], [], SeveralBoardsError),
        ([], [(0x2E8A, 0x000F, "")], BootselError),
        ([], [(0x1209, 0x0001, "coldshare token")], RunningTokenError),
        ([Plugged("/dev/ttyUSB0", 0x1A86, 0x7523)], [(0x1209, 0x0001, "something else")], NoBoardError),
    ],
)
def test_the_board_is_found_or_it_is_said_why_not(
    serial: list[Plugged],
    bus: list[tuple[int, int, str]],
    expected: str | type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No board can be plugged in here; the lists are what pyserial, pyusb and hidapi would give."""
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: serial)
    monkeypatch.setattr(ports, "_on_the_bus", lambda: bus)
    if isinstance(expected, str):
        assert ports.find() == expected
        return
    with pytest.raises(expected):
        ports.find()


def test_the_bus_of_this_computer_can_be_asked() -> None:
    assert all(isinstance(vendor, int) for vendor, _, _ in ports._on_the_bus())


# --- half an installation
class Cut(Board):
    """A console that goes away after so many commands."""

    left = 0

    def run(self, code: str) -> str:
        if not self.left:
            raise BoardGoneError
        self.left -= 1
        return super().run(code)


def test_cut_anywhere_the_board_starts_the_old_release_or_the_new_one(engine: Engine, chip: Path) -> None:
    starts: list[str] = []
    with console(engine, chip) as port, connect(port) as board:
        install.install(board, install.plan(board, OLD))
        for commands in range(100):
            cut = Cut(board._transport)
            cut.left = commands
            try:
                install.install(cut, install.plan(cut, NEW))
            except BoardGoneError:
                done = False
            else:
                done = True
            board.settle()
            facts = device.look(board)
            starts.append(facts.release)
            install.verify(board, OLD if facts.release == OLD.id else NEW)  # what it names is whole
            if done:
                break
            if facts.release == NEW.id:
                install.install(board, install.plan(board, OLD))
    assert done
    assert starts[0] == OLD.id
    assert starts[-1] == NEW.id
    assert len(starts) > 10


def test_a_byte_that_changed_on_the_way_is_noticed(engine: Engine, chip: Path) -> None:
    class Flipped(Board):
        def write(self, path: str, data: bytes) -> None:
            super().write(path, data if not path.endswith("x.mpy") else data[:-1] + bytes((data[-1] ^ 1,)))

    with console(engine, chip) as port, connect(port) as board:
        bad = Flipped(board._transport)
        with pytest.raises(CopyError, match="1 of 2"):
            install.install(bad, install.plan(bad, OLD))
        assert device.look(board).release == ""  # boot.py comes last


def test_an_update_removes_the_old_release_and_nothing_else(engine: Engine, chip: Path) -> None:
    with console(engine, chip) as port, connect(port) as board:
        install.install(board, install.plan(board, OLD))
        board.run("import os\nos.mkdir('/b')")
        board.write("/b/00112233", b"x" * 5000)
        what = install.plan(board, NEW)
        assert what.old == (OLD.id,)
        install.install(board, what)
        facts = device.look(board)
        assert (facts.releases, facts.blobs) == ((NEW.id,), 1)
        assert board.ask("import os\nprint(os.stat('/b/00112233')[6])") == 5000


# --- the token that comes of it
@pytest.fixture
def plugged(engine: Engine, with_token: Path) -> Iterator[PluggedIn]:
    board = PluggedIn(engine, with_token)
    yield board
    board.unplug()


def test_a_share_survives_unplugging_an_update_and_a_check(
    engine: Engine, plugged: PluggedIn, with_token: Path, ours: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Host(plugged).hello()
    assert host.pair()[0] == wire.STATUS_OK
    host.open()
    host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.again()
    data = blob(30_000)
    backup_id, factor = host.put(data)
    plugged.unplug()

    with console(engine, with_token) as port:
        assert run(["check", "--port", port, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["keys"], found["shares"], found["state"]) == ("in use", 1, "same")
        with connect(port) as board:
            install.install(board, install.plan(board, OLD))
            install.install(board, install.plan(board, ours))

    assert with_token.read_bytes().count(factor) == 1  # in the key area, and littlefs has no copy of it
    again = PluggedIn(engine, with_token)
    try:
        host.token = again  # type: ignore[assignment]
        host.again()
        assert host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)[4] == factor
        assert host.get(backup_id, len(data)) == data
        host.hello()
        assert host.wipe()[0] == wire.STATUS_OK
    finally:
        again.unplug()
    assert factor not in with_token.read_bytes()


def test_a_board_without_a_screen_says_so(plugged: PluggedIn) -> None:
    host = Host(plugged).hello()
    assert wire.CAP_SCREEN not in host.read_info()[6]
    assert host.read_info()[2] == "coldshare-pico"


def test_a_half_installed_board_is_a_plain_one(engine: Engine, with_token: Path) -> None:
    """Modules without boot.py start nothing."""
    with console(engine, with_token) as port, connect(port) as board:
        board.run("import os\nos.remove('/boot.py')")
        assert board.ask("exec(open('/main.py').read())\nprint(1)") == 1


def test_what_is_installed_is_what_is_tested(ours: Release) -> None:
    names = {name.removesuffix(".mpy") for name in ours.files}
    assert {
        "coldshare_firmware/token",
        "coldshare_iface/wire",
        "coldshare_micropython/files",
        "coldshare_pico/main",
    } <= names
    assert not {name for name in names if name.endswith("/types")}
    assert all(data[:1] == b"M" for data in ours.files.values())
