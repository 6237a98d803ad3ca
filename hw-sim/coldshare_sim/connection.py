"""One connection of a loop that never waits: what has come, and what is still to go."""

from __future__ import annotations

import selectors
import socket

#: A client that lets this much lie unread is let go; the others do not wait for it.
UNREAD_MAX = 256 * 1024
READ_SIZE = 65536


class Connection:
    """A socket that does not block, and what is still to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.out = bytearray()

    def flush(self) -> bool:
        """False once the connection is of no use."""
        try:
            while self.out:
                del self.out[: self.sock.send(self.out)]
        except (BlockingIOError, InterruptedError):
            return len(self.out) <= UNREAD_MAX
        except OSError:
            return False
        return True

    def receive(self) -> bytes | None:
        """None when there is nothing now, b"" when there will be nothing any more."""
        try:
            return self.sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def attend(self, selector: selectors.BaseSelector) -> bool:
        """Send what goes now, and be told when there is room for the rest. False once it is of no use."""
        if not self.flush():
            return False
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0)
        key = selector.get_key(self.sock)
        if key.events != wanted:
            selector.modify(self.sock, wanted, key.data)
        return True

    def close(self, selector: selectors.BaseSelector) -> None:
        selector.unregister(self.sock)
        self.sock.close()
