"""The operator of a served software token: it presses and cuts power through the control socket, in real time.

What the socket understands is in docs/simulator.md.
"""

from __future__ import annotations

import json
import os
import socket
import time
from typing import Any

from coldshare.conformance.operator import AGREE, NOBODY, PRESS, REFUSE, CannotError
from coldshare.device.address import host_and_port
from coldshare.device.errors import DeviceError

_TIMEOUT = 10.0
_LINE_MAX = 65536
#: A button that is held is a YES to every question.
_BUTTONS = {AGREE: "hold", PRESS: "yes", REFUSE: "no"}
#: What a press is refused with when the question has gone away in the meantime.
_TOO_LATE = ("no_question", "other_screen")


class NoControlError(DeviceError):
    """The control socket of the software token cannot be used."""

    code = "no_control"
    next_step = "Name the one that coldshare-sim serve --control was given."


class ControlOperator:
    """Speaks to the control socket at PATH or HOST:PORT. Raises NoControlError."""

    by_hand = False
    reads_screen = True

    def __init__(self, where: str) -> None:
        self.answer = AGREE
        self._where = where
        self._answered = -1  # the number of the screen that was answered last
        self._held = b""
        self._socket = _connect(where)

    def begins(self, title: str) -> None:
        """Nobody has to be told."""

    def asked(self, *, new: bool) -> None:
        if self.answer == NOBODY:
            return
        screen = self._do("screen")
        number = int(screen.get("number", -1))
        if screen.get("question") and number != self._answered:
            self._answered = number
            self._do("press", button=_BUTTONS[self.answer], screen=number)

    def passing(self) -> None:
        """Real time passes by itself."""

    def screen(self) -> list[str]:
        return [str(line) for line in self._do("screen").get("lines", ())]

    def power_cycle(self) -> None:
        self._do("power")

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def save(self) -> bytes | None:
        return None

    def load(self, image: bytes) -> None:
        raise CannotError("it saves nothing")

    def close(self) -> None:
        self._socket.close()

    def _do(self, what: str, **fields: object) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps({"do": what, **fields}).encode() + b"\n")
            while b"\n" not in self._held:
                received = self._socket.recv(_LINE_MAX)
                if not received or len(self._held) > _LINE_MAX:
                    raise NoControlError(f"The control socket at {self._where} has closed the connection.")
                self._held += received
        except OSError as error:
            raise NoControlError(f"The control socket at {self._where} does not answer.") from error
        line, _, self._held = self._held.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NoControlError(f"What answers at {self._where} is not the control socket of a software token.")
        refusal = answer.get("error")
        if not answer.get("ok") and not (isinstance(refusal, dict) and refusal.get("code") in _TOO_LATE):
            raise NoControlError(f"The control socket at {self._where} refuses to do {what}.")
        return answer


def _connect(where: str) -> socket.socket:
    """A path with a colon in it needs a slash, too, as for `coldshare-sim serve`."""
    by_port = ":" in where and os.sep not in where
    if not by_port and not hasattr(socket, "AF_UNIX"):
        raise NoControlError("This system has no unix sockets.")
    target: Any = host_and_port(where, where) if by_port else os.path.expanduser(where)  # noqa: PTH111
    family = socket.AF_UNIX if not by_port else socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(_TIMEOUT)
        connection.connect(target)
    except (OSError, ValueError) as error:
        connection.close()
        raise NoControlError(f"There is no control socket at {where}.") from error
    return connection
