"""One file is one token: what can be wrong with it, who has it, and what a failing disk or a kill leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coldshare_firmware.person import BUTTON_YES
from coldshare_iface import wire
from coldshare_sim import flash
from coldshare_sim.clock import RealClock, VirtualClock
from coldshare_sim.errors import (
    DamagedTokenError,
    NoPersonError,
    NoSuchTokenError,
    NotATokenError,
    SimulatorError,
    TokenBusyError,
    TokenExistsError,
    TokenFileError,
    UnknownPersonError,
)
from coldshare_sim.flash import SIZE, Chip, Flash, Operation
from coldshare_sim.person import AbsentPerson, ScriptedPerson, TerminalPerson, person_for
from coldshare_sim.token import SoftToken
from support.client import NOBODY, PIN, Bench, Host, Puppet, blob

TESTS = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.token"


@pytest.fixture
def made(path: Path) -> Path:
    SoftToken(path, AbsentPerson(), create=True).close()
    return path


def open_token(path: Path, **options: object) -> SoftToken:
    return SoftToken(path, Puppet(), clock=VirtualClock(), **options)  # type: ignore[arg-type]


def refuses(path: Path, kind: type[SimulatorError], *words: str, **options: object) -> None:
    with pytest.raises(kind) as raised:
        open_token(path, **options)
    error = raised.value
    assert error.next_step
    assert error.message.endswith(".")
    for word in (str(path), *words):
        assert word in error.message


def test_made_once_and_kept(path: Path) -> None:
    token = open_token(path, create=True)
    serial = Host(token).hello().read_info()[4]
    token.close()
    assert path.stat().st_size == SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    again = open_token(path, create=True)
    assert Host(again).hello().read_info()[4] == serial
    again.close()


def test_create_never_overwrites(path: Path) -> None:
    path.write_bytes(b"letters")
    with pytest.raises(TokenExistsError):
        flash.create(path)
    assert path.read_bytes() == b"letters"


def test_create_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory stick knows no links."""

    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    flash.create(path)
    assert path.read_bytes() == b"\xff" * SIZE
    with pytest.raises(TokenExistsError):
        flash.create(path)


def test_nothing_there(path: Path) -> None:
    refuses(path, NoSuchTokenError)
    assert not path.exists()


def test_no_such_folder(path: Path) -> None:
    refuses(path / "deeper", NoSuchTokenError)
    refuses(path.parent / "no" / "a.token", TokenFileError, "No such file or directory", create=True)


@pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE + 1])
def test_a_file_of_another_size(path: Path, size: int) -> None:
    path.write_bytes(bytes(size))
    refuses(path, NotATokenError, str(size), str(SIZE))
    assert path.read_bytes() == bytes(size)


def test_a_folder(tmp_path: Path) -> None:
    refuses(tmp_path, NotATokenError, "folder")


def test_a_pipe_and_a_device(path: Path) -> None:
    os.mkfifo(path)
    refuses(path, NotATokenError, "not a file")
    refuses(Path("/dev/zero"), NotATokenError, "not a file")
    with pytest.raises(NotATokenError):
        flash.read_image(path)


def test_a_file_of_the_right_size_that_is_something_else(path: Path) -> None:
    data = blob(SIZE)
    path.write_bytes(data)
    with pytest.raises(DamagedTokenError):
        open_token(path)
    assert path.read_bytes() == data


def test_files_damaged_under_good_keys(made: Path) -> None:
    data = bytearray(made.read_bytes())
    data[8192 : 8192 + 8192] = bytes(8192)
    made.write_bytes(data)
    with pytest.raises(DamagedTokenError):
        open_token(made)
    assert made.read_bytes() == data


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Without root's rights, which know no permissions."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(made: Path) -> None:
    made.parent.chmod(0o755)
    made.chmod(0o444)
    before = made.read_bytes()
    with nobody():
        refuses(made, TokenFileError, "ermission denied")
        refuses(made.parent / "new", TokenFileError, "ermission denied", create=True)
    assert made.read_bytes() == before


def test_two_in_one_process(made: Path) -> None:
    token = open_token(made)
    refuses(made, TokenBusyError)
    token.close()
    open_token(made).close()


HOLDER = """
import sys
from pathlib import Path
from coldshare_sim.person import AbsentPerson
from coldshare_sim.token import SoftToken
token = SoftToken(Path(sys.argv[1]), AbsentPerson())
print("held", flush=True)
sys.stdin.read()
"""


def test_two_processes(made: Path) -> None:
    """The second one is told; when the first one dies, however it dies, the token is free."""
    before = made.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(made)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refuses(made, TokenBusyError)
        with pytest.raises(TokenBusyError):
            flash.read_image(made)
        holder.kill()
        holder.wait()
    assert made.read_bytes() == before
    open_token(made).close()


# A host and a token in a process of their own, so that the limit and the kill hit nobody else.
CHILD = f"""
import os, resource, signal, sys
sys.path.insert(0, {str(TESTS)!r})
from pathlib import Path
from support.client import Bench, Host, PIN, Puppet, blob
from coldshare_iface import wire
from coldshare_sim.clock import VirtualClock
from coldshare_sim.errors import TokenFileError
from coldshare_sim.token import SoftToken
token = SoftToken(Path(sys.argv[1]), Puppet(), clock=VirtualClock())
host = Host(token)
host.psk_id, host.psk = bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
host.again()
"""

FULL = (
    CHILD
    + """
backup_id, _ = host.reserve()
host.send(backup_id, blob(9000))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
for attempt in range(3):
    try:
        print(host.status(wire.OP_COMMIT, backup_id))
    except TokenFileError as error:
        print(error.code, "File too large" in error.message)
"""
)

KILLED = (
    CHILD
    + """
left = int(sys.argv[4])
def before(operation):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
token.chip.before = before
host.put(blob(9000))
print("whole")
"""
)


def ready_file(path: Path) -> tuple[Bench, list[str]]:
    """A token in a file, paired and set up, and what a child needs to use it."""
    bench = Bench().make_ready()
    path.write_bytes(bench.image)
    return bench, [str(path), bench.host.psk_id.hex(), bench.host.psk.hex()]


def child(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)


def test_a_full_disk_is_never_success(path: Path) -> None:
    """Every try says so; with room again the token is as it was, and goes on."""
    bench, arguments = ready_file(path)
    done = child(FULL, *arguments)
    assert done.stderr == ""
    assert done.stdout == "token_file True\n" * 3
    again = bench.clone(path.read_bytes())
    again.host.again()
    assert again.host.list() == []
    backup_id, _ = again.host.put(blob(9000))
    assert again.host.get(backup_id, 9000) == blob(9000)


def test_a_full_disk_while_a_token_is_made(path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from coldshare_sim import flash, errors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "try: flash.create(Path(sys.argv[1]))\n"
        "except errors.TokenFileError as error: print(error.code)"
    )
    assert child(program, str(path)).stdout == "token_file\n"
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("operation", [1, 9, 40, 55, 60])
def test_killed_in_the_middle(path: Path, operation: int) -> None:
    """What the token was told is written is in the file, though nobody closed it."""
    bench, arguments = ready_file(path)
    done = child(KILLED, *arguments, str(operation))
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == ""
    again = bench.clone(path.read_bytes())
    again.host.again()
    backup_id, _ = again.host.put(blob(9000))
    assert again.host.get(backup_id, 9000) == blob(9000)


def test_power_cycle_forgets_what_is_not_on_the_chip(made: Path) -> None:
    token = open_token(made)
    host = Host(token).hello()
    host.pair()
    cid = host.cid
    token.power_cycle()
    host.hello().open()
    assert host.cid == cid, "channels are given out from the start again"
    token.close()


@pytest.mark.parametrize("report_size", [wire.REPORT_FS, wire.REPORT_HS])
def test_report_sizes(made: Path, report_size: int) -> None:
    token = open_token(made, report_size=report_size)
    assert token.report_size == report_size
    Host(token).hello()
    token.close()


def test_reading_with_nothing_to_read_takes_the_time_it_is_given(made: Path) -> None:
    clock = VirtualClock()
    token = SoftToken(made, Puppet(), clock=clock)
    assert token.read(5) is None
    assert clock.now_ms() == 5000
    assert token.read(0) is None
    token.close()


def test_real_clock() -> None:
    clock = RealClock()
    start = clock.now_ms()
    clock.sleep(0.002)
    assert 2 <= clock.now_ms() - start < 1000


# --- Ctrl-C
def test_ctrl_c_waits_for_the_end_of_a_step() -> None:
    """A real token is another computer: what the firmware has begun, it finishes, and the host gets its answer."""
    bench = Bench().make_ready()
    pressed = []

    def before(operation: Operation) -> None:
        if not pressed:
            pressed.append(operation)
            signal.raise_signal(signal.SIGINT)

    bench.chip.before = before
    bench.host.start(wire.OP_UNLOCK, PIN)
    with pytest.raises(KeyboardInterrupt):
        bench.token.read(1)
    assert bench.host.finish()[0] == wire.STATUS_OK
    assert len(pressed) == 1
    bench.host.ok(wire.OP_LIST, 0)


def test_ctrl_c_while_a_person_thinks() -> None:
    class Impatient(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.now_ms() > 2000:
                signal.raise_signal(signal.SIGINT)

    bench = Bench(person=Puppet(default=NOBODY), clock=Impatient())
    bench.host.handshake()
    bench.host.start(wire.OP_PAIR_ACCEPT, "desk")
    with pytest.raises(KeyboardInterrupt):
        bench.host.finish()
    bench.host.cancel()
    assert bench.host.finish() == {0: wire.STATUS_CANCELLED}


# --- persons
def test_who_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(person_for("approve"), ScriptedPerson)
    assert isinstance(person_for("reject"), ScriptedPerson)
    assert isinstance(person_for("absent"), AbsentPerson)
    with pytest.raises(UnknownPersonError):
        person_for("aprove")
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115, PTH123
    assert isinstance(person_for(None), AbsentPerson)
    with pytest.raises(NoPersonError):
        person_for("terminal")
    sys.stdin.close()
    primary, secondary = os.openpty()
    with open(secondary) as terminal:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", terminal)
        for user in (None, "terminal"):
            assert isinstance(person_for(user), TerminalPerson)
    os.close(primary)


def test_nobody_there_is_an_error_that_says_what_to_do() -> None:
    """And the token is none the worse for it."""
    token = SoftToken(Chip(), AbsentPerson(), clock=VirtualClock())
    host = Host(token).hello()
    host.handshake()
    with pytest.raises(NoPersonError) as raised:
        host.ask(wire.OP_PAIR_ACCEPT, "desk")
    assert "?user=approve" in raised.value.next_step
    token.person = ScriptedPerson(BUTTON_YES)
    token.power_cycle()
    assert Host(token).hello().pair()[0] == wire.STATUS_OK


def test_trouble_on_the_board_leaves_no_half_a_job() -> None:
    """What the screen or a button raises is not the host's doing: the next request is served as if nothing had been."""

    class Shaky(Puppet):
        broken = False

        def button(self) -> int:
            if self.broken:
                raise RuntimeError("a loose contact")
            return super().button()

    person = Shaky()
    bench = Bench(person=person).make_ready()
    backup_id, _ = bench.host.put(blob(300))
    person.broken = True
    bench.host.start(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    with pytest.raises(RuntimeError, match="loose contact"):
        bench.host.finish()
    person.broken = False
    assert bench.token.read(1) is None
    bench.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)
    assert bench.host.get(backup_id, 300) == blob(300)


def test_scripted_persons_remember_what_they_saw() -> None:
    person = ScriptedPerson(BUTTON_YES)
    token = SoftToken(Chip(), person, clock=VirtualClock())
    assert Host(token).hello().pair()[0] == wire.STATUS_OK
    assert [lines[0] for lines in person.screens] == [
        "coldshare",
        "Pair? Compare:",
        "Pair with desk?",
        "coldshare",
    ]


def test_a_chip_of_another_size() -> None:
    with pytest.raises(NotATokenError):
        Chip(b"")


def test_a_write_failure_ends_the_token(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first write that failed nothing is believed any more, not even what would work again."""
    token = open_token(made)
    host = Host(token).hello()
    chip = token.chip
    assert isinstance(chip, Flash)

    def failing(offset: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chip, "_write", failing)
    with pytest.raises(TokenFileError, match="No space left on device"):
        host.pair()
    monkeypatch.undo()
    with pytest.raises(TokenFileError):
        host.hello()
    token.close()
    reopened = open_token(made)
    assert Host(reopened).hello().pair()[0] == wire.STATUS_OK
    reopened.close()
