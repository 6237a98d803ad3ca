"""What the board's parts need from the machine and from each other. Read by type checkers only, never at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class UsbDevice(Protocol):
    """`machine.USBDevice`, as far as it is used."""

    BUILTIN_NONE: Any
    builtin_driver: Any

    def active(self, value: Any = ..., /) -> Any: ...
    def config(
        self,
        desc_dev: bytes,
        desc_cfg: bytes,
        desc_strs: Any,
        open_itf_cb: Callable[[Any], None],
        reset_cb: Callable[[], None],
        control_xfer_cb: Callable[[int, Any], Any],
        xfer_cb: Callable[[int, int, int], None],
        /,
    ) -> None: ...
    def submit_xfer(self, ep: int, buffer: Any, /) -> bool: ...


class Buttons(Protocol):
    """`coldshare_pico.buttons`: what is down, without bounces and slips."""

    legend: str

    def sample(self, now: int, yes: bool, no: bool) -> None: ...
    def bar(self) -> None: ...
    def level(self) -> int: ...


class Display(Protocol):
    """Rows of letters. `draw` raises OSError when the display does not answer."""

    def draw(self, rows: list[str]) -> None: ...


class Port(Protocol):
    """Reports to and from a computer."""

    def start(self, serial: str) -> None: ...
    def read(self) -> bytearray | None: ...
    def done(self, buffer: bytearray) -> None: ...
    def poke(self) -> None: ...
    def write(self, report: bytes) -> bool: ...


class Firmware(Protocol):
    """`coldshare_firmware.token.Token`."""

    @property
    def waiting(self) -> bool: ...
    @property
    def busy(self) -> bool: ...
    def feed(self, report: bytes) -> None: ...
    def poll(self) -> bytes | None: ...
    def info(self) -> bytes: ...


class Surroundings(Protocol):
    """What the main loop needs of the Hal."""

    on_progress: Callable[[], None] | None

    def now_ms(self) -> int: ...
    def tick(self) -> None: ...
    def stir(self, data: bytes | bytearray) -> None: ...
