"""`coldshare-sim serve` and `exec`, without their options: a token, its sockets, its signals, and who is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any, Protocol

from coldshare_iface import wire
from coldshare_sim.clock import RealClock
from coldshare_sim.errors import BadPlaceError, NobodyToPressError, NoPersonError
from coldshare_sim.faults import Fault, FaultyToken, parse
from coldshare_sim.listen import Listener, listen_tcp, listen_unix
from coldshare_sim.panel import Panel
from coldshare_sim.person import Person, person_for
from coldshare_sim.server import Server

_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_SIGNALLED = 128


class Stoppable(Protocol):
    """A loop that can be told to end, by any thread and any signal handler."""

    def stop(self) -> None: ...


def listen(where: str) -> Listener:
    """A control socket at PATH or 127.0.0.1:PORT. A path with a colon in it needs a slash, too."""
    return listen_tcp(where) if ":" in where and os.sep not in where else listen_unix(Path(where))


@contextmanager
def serving(
    path: Path,
    listener: Listener,
    controls: Listener | None,
    user: str | None,
    *,
    create: bool = False,
    faults: Sequence[Fault] = (),
    flaw: str | None = None,
) -> Iterator[Server]:
    """A server for the token at `path`, which it does not run yet. Faults happen in real time.

    With `flaw` the token breaks that rule of the contract. Raises UnknownFlawError, among others.
    """
    with ExitStack() as stack:
        stack.callback(listener.close)
        if controls is not None:
            stack.callback(controls.close)
        panel = Panel(person(user, controls))
        token = software_token(path, panel, faults, flaw, create=create)
        stack.callback(token.close)
        server = Server(token, panel, listener, controls, user)
        stack.callback(server.close)
        yield server


def software_token(
    path: Path,
    panel: Panel,
    faults: Sequence[Fault],
    flaw: str | None,
    *,
    create: bool,
    report_size: int = wire.REPORT_FS,
) -> FaultyToken:
    """The token in that file, in real time. Raises UnknownFlawError and the classes of `coldshare_sim.errors`."""
    if flaw is None:
        return FaultyToken(path, panel, faults, create=create, clock=RealClock(), report_size=report_size)
    from coldshare_sim.broken.token import BrokenToken

    return BrokenToken(path, panel, flaw, faults, create=create, clock=RealClock(), report_size=report_size)


def person(user: str | None, controls: Listener | None) -> Person | None:
    """Who presses: `user`, or who is at the control socket, or who sits at the terminal."""
    if user is None and controls is not None:
        return None
    try:
        return person_for(user if user is not None else "terminal")
    except NoPersonError:
        raise NobodyToPressError from None


def serve(
    path: Path,
    unix: Path | None,
    tcp: str | None,
    user: str | None,
    control: str | None,
    ready_fd: int | None,
    *,
    create: bool,
    fault: str | None = None,
    flaw: str | None = None,
) -> None:
    """Serve the token at `path` until a signal says to stop. One line of JSON says when it can be used, and where."""
    if (unix is None) == (tcp is None):
        raise BadPlaceError("A token is served at one place: --unix PATH or --tcp 127.0.0.1:PORT.")
    faults = parse(fault) if fault is not None else ()
    with ExitStack() as stack:
        controls = listen(control) if control is not None else None
        if controls is not None:
            stack.callback(controls.close)
        listener = listen_unix(unix) if unix is not None else listen_tcp(tcp or "")
        server = stack.enter_context(serving(path, listener, controls, user, create=create, faults=faults, flaw=flaw))
        stack.enter_context(stopped_by_signals(server))
        place = controls.where if controls is not None else None
        announce({"command": "serve", "at": server.address, "control": place, "path": str(path)}, ready_fd)
        server.run()


def announce(facts: Mapping[str, object], ready_fd: int | None) -> None:
    """Say in one line of JSON that the token can be used: at that descriptor, or on standard output."""
    line = json.dumps({"ok": True, **facts, "pid": os.getpid()}, ensure_ascii=False)
    if ready_fd is None:
        with suppress(OSError):  # whoever started it need not listen
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        return
    try:
        with open(ready_fd, "w", encoding="utf-8") as ready:  # noqa: PTH123 - a descriptor, not a path
            ready.write(line + "\n")
    except OSError as error:
        what = os.strerror(error.errno or 0)
        raise BadPlaceError(
            f"Descriptor {ready_fd} cannot be written: {what}.", next_step="Pass an open one to --ready-fd."
        ) from error


@contextmanager
def stopped_by_signals(server: Stoppable) -> Iterator[None]:
    before: dict[int, Any] = {}
    try:
        for name in _STOPPING:
            number = getattr(signal, name, None)
            if number is not None:
                before[number] = signal.signal(number, lambda *_: server.stop())
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def execute(
    command: Sequence[str], user: str, pin_file: Path | None, label: str, *, tcp: bool, fault: str | None = None
) -> int:
    """Run `command` with a token and a home of its own, and clean up. The exit status, as a shell has it.

    `fault` counts from when the command starts: setting the token up is done by then.
    """
    faults = parse(fault) if fault is not None else ()
    with tempfile.TemporaryDirectory(prefix="coldshare-sim-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir(mode=0o700)
        path = folder / "a.token"
        environment = os.environ | {"COLDSHARE_HOME": str(home)}
        if pin_file is not None:
            status = _set_up(path, pin_file, label, environment)
            if status:
                return status
        with ExitStack() as stack:
            listener, controls = _places(folder, tcp=tcp)
            server = stack.enter_context(serving(path, listener, controls, user, create=True, faults=faults))
            environment["COLDSHARE_AT"] = server.address
            environment["COLDSHARE_SIM_CONTROL"] = controls.where
            # From the first moment on there is somebody to stop.
            child = stack.enter_context(_Child(server))
            status = child.start(command, environment)
            if status:
                return status
            server.run()
        return child.status


def _places(folder: Path, *, tcp: bool) -> tuple[Listener, Listener]:
    """A place for the token and one for its buttons; over TCP where unix sockets cannot be."""
    if not tcp:
        with suppress(BadPlaceError):
            token = listen_unix(folder / "token")
            try:
                return token, listen_unix(folder / "control")
            except BadPlaceError:
                token.close()
    return listen_tcp("127.0.0.1:0"), listen_tcp("127.0.0.1:0")


def _set_up(path: Path, pin_file: Path, label: str, environment: dict[str, str]) -> int:
    """By the command that people use, so that nothing here knows how."""
    at = f"sim:{path}?user=approve"
    arguments = ["init", "--at", at, "--label", label, "--pin-file", str(pin_file)]
    done = subprocess.run(  # noqa: S603 - this Python, and words of ours
        [sys.executable, "-m", "coldshare", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode if done.returncode >= 0 else _SIGNALLED - done.returncode


class _Child:
    """The command that is run. What would stop us is passed on to it, and we end when it does."""

    def __init__(self, server: Server) -> None:
        self.status = 0
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}
        self._early: list[int] = []
        self._watch: Thread | None = None

    def __enter__(self) -> _Child:
        for name in _STOPPING:
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.poll() is None:  # the simulator failed, and not the command
            process.terminate()
        if self._watch is not None:
            self._watch.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def start(self, command: Sequence[str], environment: dict[str, str]) -> int:
        """0, or the exit status that a shell has for a command that cannot be run."""
        try:
            self._process = subprocess.Popen(command, env=environment)  # noqa: S603 - it is what we are asked to run
        except OSError as error:
            sys.stderr.write(f"coldshare-sim: {command[0]}: {os.strerror(error.errno or 0)}\n")
            return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        for number in self._early:
            self._process.send_signal(number)
        self._watch = Thread(target=self._wait, args=(self._process,), daemon=True)
        self._watch.start()
        return 0

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()
        self.status = status if status >= 0 else _SIGNALLED - status
        self._server.stop()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and _from_terminal():
            return  # the terminal has told the command already
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)


def _from_terminal() -> bool:
    """Whether Ctrl-C reaches us and the command alike."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:  # noqa: PTH123
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except (OSError, AttributeError):
        return False
