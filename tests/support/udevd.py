"""What is there of udevd for who only wants to know whether it is there."""

from __future__ import annotations

import socket
from pathlib import Path


def listening(control: Path) -> socket.socket:
    """Its control socket. The file stays behind when this is closed, as udevd's own does."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(str(control))
    sock.listen()
    return sock
