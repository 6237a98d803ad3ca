"""The framing code's CPU against python-fido2's, which speaks the same frames.

Both send the same messages in the same reports through the same echo, and read them back. `frame_cpu_vs_fido2` is
the shared framing code by itself; `link_cpu_vs_fido2` is the host's whole `Link.call`, which also waits, filters
channels and hears keepalives, as python-fido2's `call` does.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from importlib.metadata import version

from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from bench.figures import Figure
from coldshare.device.link import Link
from coldshare_iface import wire
from coldshare_iface.framing import Assembler, split

_SIZE = 400 * 1024
_ROUNDS = 15
_CID = b"\x00\x00\x00\x01"


class Echo(CtapHidConnection):
    """Answers INIT, then gives every report back: a transport for Link, a connection for python-fido2.

    After INIT both its methods are the queue's own, so that next to nothing of what is measured is the echo.
    """

    report_size = wire.REPORT_FS
    unattended = True

    def __init__(self) -> None:
        self._queue: deque[bytes] = deque()

    def write_packet(self, data: bytes) -> None:
        nonce = data[7 : 7 + wire.INIT_NONCE]
        answer = nonce + _CID + bytes((wire.FRAME_VERSION, 0, 0, 0, 0))
        self._queue.extend(split(data[:4], wire.CMD_INIT, answer))
        vars(self).update(write_packet=self._queue.append, write=self._queue.append, read_packet=self._queue.popleft)

    def read_packet(self) -> bytes:
        return self._queue.popleft()

    def write(self, report: bytes) -> None:
        self.write_packet(report)

    def read(self, timeout: float) -> bytes | None:
        return self._queue.popleft()

    def close(self) -> None:
        pass


Ping = Callable[[bytes], bytes]


def ours() -> Ping:
    """`split` and `Assembler.feed` with nothing around them but the echo."""
    echo = Echo()
    echo.write_packet(split(wire.CID_BROADCAST, wire.CMD_INIT, bytes(wire.INIT_NONCE))[0])
    echo.read_packet()
    assembler = Assembler()

    def ping(data: bytes) -> bytes:
        for report in split(_CID, wire.CMD_PING, data):
            echo.write_packet(report)
        while True:
            message = assembler.feed(echo.read_packet())
            if message is not None:
                return message[2]

    return ping


def link() -> Ping:
    conversation = Link(Echo())
    return lambda data: conversation.call(wire.CMD_PING, data)


def fido2() -> Ping:
    size = wire.REPORT_FS
    return CtapHidDevice(HidDescriptor("echo", 0, 0, size, size, None, None), Echo()).ping


def messages() -> list[bytes]:
    data = secrets.token_bytes(_SIZE)
    return [data[at : at + wire.MESSAGE_MAX] for at in range(0, _SIZE, wire.MESSAGE_MAX)]


def measure() -> list[Figure]:
    """Best of several interleaved rounds each."""
    batch = messages()
    pings = {"ours": ours(), "link": link(), "fido2": fido2()}
    best = dict.fromkeys(pings, float("inf"))
    for _ in range(_ROUNDS):
        for name, ping in pings.items():
            best[name] = min(best[name], _cpu(ping, batch))
    peer = f"python-fido2 {version('fido2')}, {best['fido2'] * 1000:.1f} ms"
    return [
        Figure("frame_cpu_vs_fido2", best["ours"] / best["fido2"], f"{peer}; ours {best['ours'] * 1000:.2f} ms"),
        Figure("link_cpu_vs_fido2", best["link"] / best["fido2"], f"{peer}; ours {best['link'] * 1000:.2f} ms"),
    ]


def _cpu(ping: Ping, batch: list[bytes]) -> float:
    start = time.process_time()
    back = [ping(message) for message in batch]
    spent = time.process_time() - start
    if back != batch:
        raise ValueError("the echo did not come back")
    return spent
