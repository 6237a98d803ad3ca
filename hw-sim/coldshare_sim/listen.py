"""Sockets to serve a token on: of this computer, and of this account where the system can tell."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coldshare_sim.errors import BadPlaceError, PlaceTakenError, SimulatorError

_BACKLOG = 128
#: As it is typed, and as it is bound: nobody's resolver is asked what "localhost" is.
_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}
_PORT_MAX = 65535
_PRIVATE = 0o177
_LOCK_SECONDS = 5.0


class Listener:
    """A listening socket that does not block. `where` is what follows the scheme of an address."""

    def __init__(self, sock: socket.socket, where: str, scheme: str, path: Path | None = None) -> None:
        self.sock = sock
        self.where = where
        self.scheme = scheme
        self._path = path
        self._identity = _identity(path)
        sock.setblocking(False)

    @property
    def address(self) -> str:
        return f"{self.scheme}:{self.where}"

    def accept(self) -> socket.socket | None:
        """The next connection; None when it has gone again already."""
        try:
            connection, _ = self.sock.accept()
        except OSError:
            return None
        connection.setblocking(False)
        if self.scheme == "sim+tcp":
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        self.sock.close()
        # Only what is still ours: another one may have taken the place since.
        if self._path is not None and self._identity is not None and _identity(self._path) == self._identity:
            with suppress(OSError):
                self._path.unlink()


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def listen_tcp(where: str) -> Listener:
    """At HOST:PORT, where HOST is this computer; with port 0 the system chooses one."""
    host, _, port = where.rpartition(":")
    if host not in _LOOPBACK:
        raise BadPlaceError(f"{where!r}: a token is served on this computer only: 127.0.0.1:PORT or [::1]:PORT.")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= len(str(_PORT_MAX)) else -1
    if not 0 <= number <= _PORT_MAX:
        raise BadPlaceError(f"{where!r} must end with a port; 0 lets the system choose one.")
    host = _LOOPBACK[host]
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would share the port with whoever has it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, number))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PlaceTakenError(f"Something else is served at {where} already.") from error
        raise BadPlaceError(f"Nothing can be served at {where}: {os.strerror(error.errno or 0)}.") from error
    shown = f"[{host}]" if ":" in host else host
    return Listener(sock, f"{shown}:{sock.getsockname()[1]}", "sim+tcp")


def listen_unix(path: Path) -> Listener:
    """At `path`, mode 0600. What a killed simulator left there is replaced; a living one is not, nor any other file."""
    if not hasattr(socket, "AF_UNIX"):
        raise BadPlaceError("This system has no unix sockets.", next_step="Use --tcp 127.0.0.1:0 instead.")
    path = path.absolute()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(path.parent):
            _make_room(path)
            before = os.umask(_PRIVATE)
            try:
                sock.bind(str(path))
            finally:
                os.umask(before)
            sock.listen(_BACKLOG)
        return Listener(sock, str(path), "sim+unix", path)
    except SimulatorError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        if error.errno is None:  # Python's own
            raise BadPlaceError(
                f"{path} is too long: the path of a unix socket has about 100 bytes.",
                next_step="Choose a folder with a shorter path, or use --tcp 127.0.0.1:0.",
            ) from error
        raise BadPlaceError(f"Nothing can be served at {path}: {os.strerror(error.errno)}.") from error


def _make_room(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise PlaceTakenError(f"There is a file at {path} already.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except TimeoutError:
            pass
    raise PlaceTakenError(f"Something else is served at {path} already.")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two simulators that begin at once must not each take the other's fresh socket for a leftover."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise PlaceTakenError(f"Another program keeps the folder {folder} locked.") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)
