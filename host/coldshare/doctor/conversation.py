"""A round trip with a token, in a process of its own: `python -m coldshare.doctor.conversation ADDRESS`.

A device that is dead can hold up a call into a library or into the kernel for ever. Here that call is another
process's, and whoever asked goes on without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from coldshare.device.address import Address
from coldshare.device.errors import FrameProtocolError, TokenInUseError
from coldshare.errors import ColdshareError
from coldshare_iface import wire

if TYPE_CHECKING:
    from coldshare.device.link import Link

#: The code of an answer that did not come.
HANGS = "no_end"
#: Seconds. A token that only does not answer is given up on long before that, with a better sentence.
LIMIT = 20.0
_PINGS = 8
_PING = bytes(range(8))
# Many reports, or a frame of many packets: a bad cable loses some of them.
_LONG_PING = bytes(range(250)) * 16
_WAIT = 1.0


@dataclass(frozen=True)
class Answer:
    """Times are in milliseconds: until INIT was answered, and for a small message there and back, the usual one and
    the slowest. `failed` is the code of an error, with its sentence and next step; then the rest is nothing."""

    failed: str = ""
    message: str = ""
    next_step: str = ""
    init: float = 0.0
    usual: float = 0.0
    slowest: float = 0.0
    report_size: int = 0
    serial: str = ""
    state: int = -1
    firmware: str = ""
    model: str = ""


#: How `examine` has a round trip made.
Ask = Callable[[Address], Answer]


def converse(address: Address) -> Answer:
    """Open the token, let it say its own message again, and ask what it is. In this process, so it may hang."""
    from coldshare.device.link import Link
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import open_transport

    try:
        transport = open_transport(address, on_wait=_impatient)
        try:
            begun = time.perf_counter()
            link = Link(transport)
            init = time.perf_counter() - begun
            times = sorted(_ping(link, _PING) for _ in range(_PINGS))
            _ping(link, _LONG_PING)
            info = TokenClient(transport).info
        finally:
            transport.close()
    except ColdshareError as error:
        return Answer(error.code, error.message, error.next_step)
    return Answer(
        init=_ms(init),
        usual=_ms(times[len(times) // 2]),
        slowest=_ms(times[-1]),
        report_size=transport.report_size,
        serial=info.serial.hex(),
        state=info.state,
        firmware=info.firmware,
        model=info.model,
    )


def _ping(link: Link, message: bytes) -> float:
    begun = time.perf_counter()
    if link.call(wire.CMD_PING, message) != message:
        raise FrameProtocolError("The token says something else than it was told to say again.")
    return time.perf_counter() - begun


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _impatient(waited: float) -> None:
    """Another coldshare has the token: a doctor does not wait for it."""
    if waited >= _WAIT:
        raise TokenInUseError("Another coldshare uses this token.")


def ask(address: Address, limit: float = LIMIT) -> Answer:
    """`converse` in a process of its own, for at most `limit` seconds."""
    options = f"?{urlencode(address.options)}" if address.options else ""
    # Not what lies in the present folder under our name: -P.
    command = [sys.executable, "-P", "-m", __name__, f"{address}{options}"]
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        said, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        return Answer(
            HANGS,
            f"Nothing came of it in {limit:.0f} seconds: the token, a library or the kernel's driver hangs.",
            "Unplug the token and plug it in again. If that does not help, start the computer anew.",
        )
    finally:
        _leave(child)
    try:
        return Answer(**json.loads(said))
    except (ValueError, TypeError):
        return Answer(
            "broke_off",
            f"What talks to the token has crashed ({child.returncode}).",
            "Install the libraries anew: pip install --force-reinstall hidapi pyusb libusb-package",
        )


def _leave(child: subprocess.Popen[bytes]) -> None:
    """It is told to end. One that the kernel does not let go of is left behind."""
    if child.poll() is None:
        child.kill()
        try:
            child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            # So that nobody asks for it any more: it ends when the kernel lets it.
            child.returncode = -9
        if child.stdout is not None:
            child.stdout.close()


def main(argv: Sequence[str]) -> int:
    try:
        answer = converse(Address.parse(argv[0]))
    except ColdshareError as error:
        answer = Answer(error.code, error.message, error.next_step)
    sys.stdout.write(json.dumps(asdict(answer)))
    sys.stdout.flush()
    # A library that hangs when it is unloaded would spoil the answer.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
