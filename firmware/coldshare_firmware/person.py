"""Waiting, for a person or for time to pass, without blocking. Portable subset.

A job is a generator: it yields a keepalive status whenever it has to wait and is resumed at the next poll. The
token closes it when the host cancels.
"""

from coldshare_firmware import screens
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Iterator

    from coldshare_firmware.types import Hal

BUTTON_NONE = 0
BUTTON_YES = 1
BUTTON_NO = 2
BUTTON_HELD = 3  # YES, down for wire.HOLD_MS by now

# What a job yields when it is not waiting at all, only long: the host hears of it every quarter of a second.
BUSY = 0


class OpError(Exception):
    """A request is answered with `status`, and `detail` where the contract gives it one."""

    def __init__(self, status: int, detail: "int | None" = None) -> None:
        super().__init__("status " + str(status))
        self.status = status
        self.detail = detail


def ask(hal: "Hal", lines: "list[str]") -> "Iterator[int]":
    """Show `lines` and wait for YES. Raises OpError for NO and for a minute without an answer.

    Where the screen asks to hold, only BUTTON_HELD is a yes; a press that is shorter is told so, and nothing else.
    """
    hold = screens.asks_to_hold(lines)
    start = hal.now_ms()
    while hal.button() != BUTTON_NONE:
        # A button held, or pressed before the question was there, is no answer to it.
        _check_time(hal, start)
        yield wire.KEEPALIVE_PERSON
    hal.show(lines, True)
    start = hal.now_ms()
    settled = not hal.settle_ms
    while True:
        yield wire.KEEPALIVE_PERSON
        pressed = hal.button()
        if not settled:
            # Nor is a press that was on its way when another question stood here: nobody has read this one yet.
            settled = pressed == BUTTON_NONE and hal.now_ms() - start >= hal.settle_ms
        elif pressed == BUTTON_HELD or (pressed == BUTTON_YES and not hold):
            return
        elif pressed == BUTTON_NO:
            raise OpError(wire.STATUS_REJECTED)
        elif pressed == BUTTON_YES and lines[-1] != screens.HOLD_ON:
            lines = lines[:-1] + [screens.HOLD_ON]
            hal.show(lines, True)
        _check_time(hal, start)


def _check_time(hal: "Hal", start: int) -> None:
    if hal.now_ms() - start >= wire.PERSON_TIMEOUT_MS:
        raise OpError(wire.STATUS_TIMED_OUT)


def pause(hal: "Hal", until_ms: int) -> "Iterator[int]":
    """Let powered time pass."""
    while hal.now_ms() < until_ms:
        yield wire.KEEPALIVE_PROCESSING
