"""`sim+unix:PATH` and `sim+tcp:HOST:PORT`: a software token that `coldshare-sim serve` runs in another process."""

from __future__ import annotations

import errno
import os
import socket
import time

from coldshare.device.address import Address, host_and_port
from coldshare.device.errors import (
    AddressError,
    DeviceError,
    TokenChannelBusyError,
    TokenGoneError,
    TokenTimeoutError,
    TransportUnavailableError,
)
from coldshare_iface import stream
from coldshare_iface.stream import Frames, Hello, StreamError

_CONNECT = 5.0
_HELLO = 5.0
_WRITE = 5.0
_READ_SIZE = 65536
_START = "Start one with: coldshare-sim serve TOKEN --unix PATH (or --tcp 127.0.0.1:0), and use the address it says."
_ABSENT = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTSOCK, errno.EPROTOTYPE, errno.EADDRNOTAVAIL)
_GONE = "The simulator has closed the connection."
_GONE_NEXT = "Start the simulator again and run the command again; nothing was left half-done."


class NoServerError(DeviceError):
    """No software token is served at that address."""

    code = "no_server"
    next_step = _START


class ServerForbiddenError(DeviceError):
    """You may not use the software token that is served there."""

    code = "server_forbidden"
    next_step = "Only the account that started the simulator may use its socket: run the command as that one."


class NotASimulatorError(DeviceError):
    """What answers at that address is not a software token."""

    code = "not_a_simulator"
    next_step = _START


class OtherUserError(DeviceError):
    """The address says that somebody else presses the token's buttons than it is."""

    code = "other_user"
    next_step = "Use the address that coldshare-sim serve says, with its ?user= or without one."


class ServedTransport:
    """A connection behind the three methods of a transport."""

    def __init__(self, connection: socket.socket, hello: Hello, frames: Frames) -> None:
        self.report_size = hello.report_size
        self.unattended = hello.user is not None
        self._socket = connection
        self._frames = frames
        self._unsent = bytearray()

    def write(self, report: bytes) -> None:
        # What Ctrl-C leaves unsent goes out before the next report: half a report would shift all that follow.
        self._unsent += stream.frame(report)
        self._socket.settimeout(_WRITE)
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except TimeoutError:
            raise TokenTimeoutError("The simulator does not take what is sent to it.") from None
        except OSError as error:
            raise TokenGoneError(_GONE, next_step=_GONE_NEXT) from error

    def read(self, timeout: float) -> bytes | None:
        try:
            return _receive(self._socket, self._frames, timeout)
        except StreamError as error:
            raise NotASimulatorError(f"The simulator does not keep to its own rules: {error}.") from error

    def close(self) -> None:
        self._socket.close()


def _receive(connection: socket.socket, frames: Frames, timeout: float) -> bytes | None:
    """The next whole frame; None after `timeout` seconds without one. Raises TokenGoneError and StreamError."""
    end = time.monotonic() + timeout
    while (data := frames.next()) is None:
        connection.settimeout(max(0.0, end - time.monotonic()))
        try:
            received = connection.recv(_READ_SIZE)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            raise TokenGoneError(_GONE, next_step=_GONE_NEXT) from error
        if not received:
            raise TokenGoneError(_GONE, next_step=_GONE_NEXT)
        frames.feed(received)
    return data


def open_served(address: Address) -> ServedTransport:
    """Connect, and hear whom we talk to.

    Whether the comparison of a pairing can be left out is for the address to say, as it is for a `sim:` address: a
    stranger at the other end must not be able to say it. That the two agree is checked.
    """
    connection = _connect(address)
    try:
        return _greet(connection, address)
    except BaseException:
        connection.close()
        raise


def _greet(connection: socket.socket, address: Address) -> ServedTransport:
    frames = Frames(1, stream.HELLO_MAX)
    try:
        first = _receive(connection, frames, _HELLO)
        if first is None:
            raise TokenTimeoutError(
                f"Nothing is said at {address}.",
                next_step="Check the address. If it is right, stop the simulator there and start it again.",
            )
        hello = Hello.decode(first)
    except (StreamError, TokenGoneError) as error:
        raise NotASimulatorError(f"What answers at {address} is not a software token.") from error
    if hello.refused is not None:
        raise TokenChannelBusyError(f"Too many programs use the software token at {address}.")
    said = address.options.get("user")
    if said is not None and said != hello.user:
        presses = "a person" if hello.user is None else f"user={hello.user}"
        raise OtherUserError(f"The address says user={said}, but {presses} presses the buttons at {address}.")
    frames.smallest = frames.largest = hello.report_size
    return ServedTransport(connection, Hello(hello.report_size, said), frames)


def _connect(address: Address) -> socket.socket:
    family, where = _target(address)
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT)
        connection.connect(where)
        if address.scheme == "sim+tcp":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError:
        connection.close()
        raise TokenTimeoutError(
            f"The software token at {address} does not answer.",
            next_step="Stop the simulator there and start it again.",
        ) from None
    except OSError as error:
        connection.close()
        raise _no_connection(address, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _target(address: Address) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if address.scheme == "sim+tcp":
        host, port = host_and_port(str(address), address.where)
        return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, port)
    if not hasattr(socket, "AF_UNIX"):
        raise TransportUnavailableError(
            "This system has no unix sockets.", next_step="Serve the token with --tcp 127.0.0.1:0 instead."
        )
    if "\0" in address.where:
        raise AddressError(f"{str(address)!r} is not a path.")
    # No shell expands a tilde behind "sim+unix:".
    path = os.path.expanduser(address.where)  # noqa: PTH111 - Path.expanduser raises for a user it does not know
    return socket.AF_UNIX, path


def _no_connection(address: Address, error: OSError) -> DeviceError | AddressError:
    if error.errno is None:  # Python's own: a path that is too long for a unix socket
        return AddressError(
            f"{address} is too long: the path of a unix socket has about 100 bytes.",
            next_step="Serve the token in a folder with a shorter path, or with --tcp 127.0.0.1:0.",
        )
    if error.errno in _ABSENT:
        return NoServerError(f"No software token is served at {address}.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ServerForbiddenError(f"You may not use the software token that is served at {address}.")
    if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
        return TokenChannelBusyError(f"Too many programs want the software token at {address}.")
    return NoServerError(f"The software token at {address} cannot be reached: {os.strerror(error.errno)}.")
