"""A board's console: Python that runs there, by way of mpremote."""

from __future__ import annotations

import ast
import base64
import contextlib
import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from coldshare_board.errors import (
    BoardBusyError,
    BoardFailedError,
    BoardGoneError,
    BoardPermissionError,
    NotMicroPythonError,
    ToolMissingError,
)

_HELLO = 10.0  # seconds
_READ = 5.0  # for a byte that has to come; without it a silent pseudo-terminal would be waited for for ever
#: Bytes of a file in one command; in base64, as mpremote paces the line.
_CHUNK = 768


class Board:
    """An open console. Every method raises BoardGoneError, and BoardFailedError for what fails on the board."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def run(self, code: str) -> str:
        """What `code` prints on the board."""
        from mpremote.transport import TransportError, TransportExecError  # type: ignore[import-untyped]

        try:
            said: bytes = self._transport.exec(code)
        except TransportExecError as error:
            last = str(error.error_output).strip().splitlines()
            raise BoardFailedError(f"On the board: {last[-1] if last else 'no reason given'}.") from None
        except (TransportError, OSError, EOFError) as error:
            raise BoardGoneError from error
        return said.decode(errors="replace")

    def ask(self, code: str) -> Any:
        """The value, a literal, that `code` prints as its last line."""
        lines = self.run(code).strip().splitlines()
        try:
            return ast.literal_eval(lines[-1])
        except (IndexError, ValueError, SyntaxError):
            raise BoardFailedError("The board's answer cannot be read.") from None

    def write(self, path: str, data: bytes) -> None:
        """Make or overwrite a file."""
        self.settle()
        self.run(f"from binascii import a2b_base64 as _b\n_file=open({path!r},'wb')")
        for at in range(0, len(data), _CHUNK):
            self.run(f"_file.write(_b({base64.b64encode(data[at : at + _CHUNK])!r}))")
        self.run("_file.close()")

    def settle(self) -> None:
        """Close what a connection that broke has left open: its rest would come late, over what is written next."""
        self.run("try:\n _file.close()\nexcept (NameError, OSError):\n pass")


@contextmanager
def connect(port: str) -> Iterator[Board]:
    """The console at `port`: a serial port, or socket://HOST:PORT.

    What runs there is interrupted, and nothing is started anew: a fresh start would start coldshare, and end the
    console. Raises the classes of `coldshare_board.errors`.
    """
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
    except ImportError:
        raise ToolMissingError("mpremote, which talks to boards, is not installed.") from None
    import serial  # type: ignore[import-untyped]

    try:
        transport: Any = SerialTransport(port, baudrate=115200, timeout=_READ)
    except TransportError:
        raise _unopened(port) from None
    except (OSError, serial.SerialException) as error:
        raise _reason(port, error) from None
    try:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it did not understand
                transport.enter_raw_repl(soft_reset=False, timeout_overall=_HELLO)
        except (TransportError, OSError):
            raise NotMicroPythonError(f"What is at {port} does not answer like MicroPython.") from None
        board = Board(transport)
        board.settle()
        yield board
        with suppress(TransportError, OSError):
            transport.exit_raw_repl()
    finally:
        with suppress(TransportError, OSError):
            transport.close()


def _unopened(port: str) -> Exception:
    """mpremote swallows why a port did not open, so it is tried once more for the reason's sake."""
    import serial

    try:
        serial.serial_for_url(port).close()
    except (OSError, serial.SerialException) as error:
        return _reason(port, error)
    return BoardBusyError(f"The port {port} did not open.")


def _reason(port: str, error: OSError) -> Exception:
    if error.errno in (errno.EACCES, errno.EPERM):
        return BoardPermissionError(f"This account may not use {port}.")
    if error.errno == errno.ENOENT:
        return BoardBusyError(f"There is no port {port}.")
    return BoardBusyError(f"The port {port} is in use, or gone.")
