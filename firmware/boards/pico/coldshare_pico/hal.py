"""The board as the firmware sees it (`coldshare_firmware.types.Hal`). Portable subset; the machine is handed in."""

from coldshare_iface import wire
from coldshare_micropython.aes import Aes

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable

    from coldshare_firmware import types
    from coldshare_iface.types import Aes as AnyAes
    from coldshare_micropython.clock import Clock
    from coldshare_pico.entropy import Pool
    from coldshare_pico.panel import Panel


class Hal:
    """`on_progress` is what a long key agreement calls on its way, if anything."""

    report_size = wire.REPORT_FS
    settle_ms = wire.SETTLE_MS

    def __init__(
        self, model: str, keys: "types.KeyFlash", files: "types.Files", panel: "Panel", pool: "Pool", clock: "Clock"
    ) -> None:
        self.model = model
        self.aes: AnyAes = Aes()
        self.keys = keys
        self.files = files
        self._panel = panel
        self._pool = pool
        self._clock = clock
        self.has_screen = panel.has_screen
        self.on_progress: Callable[[], None] | None = None

    def random(self, n: int) -> bytes:
        return self._pool.random(n)

    def stir(self, data: "bytes | bytearray") -> None:
        """Mix what came, and when, into the random bytes to come. Only beginnings of messages: that is enough."""
        if data[4] & 0x80:
            self._pool.stir(data)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def tick(self) -> None:
        """Let screen, light and buttons go on."""
        self._panel.tick(self._clock.now_ms())

    def show(self, lines: "list[str]", question: bool) -> None:
        self._panel.show(self._clock.now_ms(), lines, question)

    def button(self) -> int:
        return self._panel.button(self._clock.now_ms())

    def progress(self) -> None:
        if self.on_progress is not None:
            self.on_progress()
