"""Every test here has a folder and a home of its own, and tokens that are plugged in for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coldshare.seal import primitives
from kernel.guest.bus import Plug, settle, udevd_listens, wait_for
from support.desk import PASSWORD, PIN, Desk, quick_argon2id, vault
from support.shell import Shell
from support.terminal import Terminal

#: `coldshare` as a process of its own, with cheap passwords.
QUICK = (sys.executable, str(Path(__file__).with_name("quick.py")))
_SECRETS = ["--pin-file", "pin"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / ".home"))
    for name in ("COLDSHARE_AT", "COLDSHARE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    return tmp_path


def _start_udevd() -> None:
    subprocess.run(["/lib/systemd/systemd-udevd", "--daemon"], check=True, capture_output=True)
    wait_for("udevd", udevd_listens)
    settle()


def _stop_udevd() -> None:
    subprocess.run(["udevadm", "control", "--exit"], check=True)
    wait_for("the end of udevd", lambda: not udevd_listens())


@pytest.fixture(scope="session", autouse=True)
def udevd() -> Iterator[None]:
    """As on any Linux: it names devices, and says who may use them."""
    _start_udevd()
    yield
    _stop_udevd()


@pytest.fixture
def without_udevd() -> Iterator[None]:
    """As on a few Linux systems."""
    _stop_udevd()
    yield
    _start_udevd()


@pytest.fixture
def shell(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """With the files `pin` and `pw`."""
    shell = Shell(folder, monkeypatch, capsys)
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    return shell


@pytest.fixture
def desk(folder: Path) -> Desk:
    """The computer whose pairings the commands of this test use."""
    return Desk(folder / ".home")


@pytest.fixture
def bus() -> Iterator[Callable[..., Plug]]:
    """Plug tokens in: `bus(path, speed, *options)`. They are pulled out at the end."""
    with ExitStack() as stack:

        def plugged(path: Path, speed: str, *options: str, user: str = "approve", **more: object) -> Plug:
            plug = Plug(path, speed, "--user", user, *options, **more)  # type: ignore[arg-type]
            stack.callback(plug.close)
            return plug

        yield plugged


@pytest.fixture
def ready(folder: Path, desk: Desk, bus: Callable[..., Plug]) -> Callable[..., Plug]:
    """Plug in a token that is set up, paired with this computer and empty; `number` tells several apart."""

    def plugged(speed: str, *options: str, number: int = 0, label: str = "Safe A", **more: object) -> Plug:
        path = folder / f"{number}.token"
        path.write_bytes(desk.token(number, label).image)
        return bus(path, speed, *options, **more)

    return plugged


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., Terminal]]:
    """A command on a terminal of its own."""
    with ExitStack() as stack:
        yield lambda *argv: stack.enter_context(Terminal(*argv, cwd=folder, program=QUICK))


def _real(name: str) -> bytes:
    """A vault file that a vendor's app has written, where those are at hand; else one of ours."""
    folder = os.environ.get("COLDSHARE_FIXTURES")
    return (Path(folder) / "real" / name).read_bytes() if folder else vault()[0].vult


@pytest.fixture(scope="session")
def share() -> bytes:
    """A vault file. Its backup has 66 kilobytes."""
    return _real("TestDKLS1of2.vult")


@pytest.fixture(scope="session")
def small() -> bytes:
    """A vault file whose backup has 11 kilobytes: for tests that look at the link more than at what it carries."""
    return _real("Test-part1of2.vult")


@pytest.fixture
def stranger(folder: Path) -> tuple[str, ...]:
    """A simulator whose devices have our USB id and are called something else."""
    return (sys.executable, str(Path(__file__).with_name("stranger.py")))
