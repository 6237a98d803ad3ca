"""Random bytes from several sources, none of them trusted alone. Portable subset; the machine's part is handed in.

An RP2040 has no generator made for keys: `os.urandom` there is a noisy oscillator and timers behind a mixer. So its
bytes are hashed together with what a guesser would have to know as well: the secrets that lie in the key area, when
reports came, and what was in them. An RP2350 has a real generator, and `os.urandom` uses it.
"""

from coldshare_iface.suite import sha256

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = 32


class Pool:
    """A hash over everything it ever saw. `urandom(n)` gives n bytes, `ticks()` the finest counter there is."""

    def __init__(self, urandom: "Callable[[int], bytes]", ticks: "Callable[[], int]") -> None:
        self._urandom = urandom
        self._ticks = ticks
        self._pool = bytes(_STEP)
        self._count = 0
        for _ in range(64):
            self.stir(urandom(_STEP))

    def stir(self, data: "bytes | bytearray") -> None:
        """Mix in something and when it came."""
        self._pool = sha256(b"stir" + self._pool + self._ticks().to_bytes(8, "big") + bytes(data))

    def random(self, n: int) -> bytes:
        """`n` bytes. What was given out before cannot be computed from what the pool is afterwards."""
        out = b""
        while len(out) < n:
            self._count += 1
            seed = self._pool + self._count.to_bytes(8, "big") + self._ticks().to_bytes(8, "big") + self._urandom(_STEP)
            out += sha256(b"out" + seed)
            self._pool = sha256(b"next" + seed)
        return out[:n]
