"""A token that is served to this process and others, and a cable to it that does what a test says."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from coldshare.device.address import Address
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare_iface import framing, stream, wire
from coldshare_sim.listen import Listener
from coldshare_sim.panel import Panel
from coldshare_sim.server import Server
from coldshare_sim.token import SoftToken

NONCE = b"12345678"


@dataclass
class Served:
    server: Server
    panel: Panel
    token: SoftToken
    controls: Listener

    @property
    def address(self) -> str:
        return self.server.address

    def client(self) -> TokenClient:
        transport = open_transport(Address.parse(self.address))
        try:
            return TokenClient(transport)
        except BaseException:
            transport.close()
            raise

    def raw(self) -> socket.socket:
        """A connection past its hello."""
        sock = dial(self.address)
        frames = stream.Frames(1, stream.HELLO_MAX)
        while frames.next() is None:
            frames.feed(sock.recv(1))
        return sock

    def control(self) -> socket.socket:
        return dial(self.controls.address)


def dial(address: str) -> socket.socket:
    scheme, _, where = address.partition("?")[0].partition(":")
    if scheme == "sim+unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(10)
        try:
            sock.connect(where)
        except OSError:
            sock.close()
            raise
        return sock
    host, _, port = where.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def init_report(cid: bytes = wire.CID_BROADCAST, nonce: bytes = NONCE) -> bytes:
    return framing.split(cid, wire.CMD_INIT, nonce)[0]


def report_from(sock: socket.socket) -> bytes:
    """The next report; b"" when the connection is over."""
    frames = stream.Frames(wire.REPORT_FS, wire.REPORT_FS)
    while (report := frames.next()) is None:
        try:
            data = sock.recv(wire.REPORT_FS + 2)
        except ConnectionResetError:
            data = b""
        if not data:
            return b""
        frames.feed(data)
    return report


def channel(sock: socket.socket) -> bytes:
    sock.sendall(stream.frame(init_report()))
    while True:
        report = report_from(sock)
        if report[:4] == wire.CID_BROADCAST and report[7:15] == NONCE:
            return report[15:19]
