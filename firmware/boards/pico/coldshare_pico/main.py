"""Power-up and main loop on the board itself. Runs on a Pico or Pico 2 under MicroPython only.

boot.py calls `boot`, before MicroPython starts USB; main.py calls `run`. Between plugging in and `boot` doing anything
the light flutters for a second: whoever presses BOOTSEL (or holds NO) then gets MicroPython and its console, and no
coldshare. There is no other way to a console, and this one is always there, whatever is wrong with the rest.

A failure that is nobody's request ends in `_fail`: it shows, is written to FAULTS without a single value, only names
and lines, and the board starts again. There is no watchdog: on these chips it cannot be stopped once it runs, its
longest time is 8 s, and a flash that takes long would be cut off in the middle over and over.
"""

import gc
import io
import os
import sys
import time

import framebuf
import machine
import rp2

import micropython
from coldshare_firmware.token import Token
from coldshare_micropython.clock import Clock
from coldshare_pico import flash, led, wiring
from coldshare_pico.buttons import OneButton, TwoButtons
from coldshare_pico.entropy import Pool
from coldshare_pico.hal import Hal
from coldshare_pico.hid import HidPort
from coldshare_pico.loop import Loop
from coldshare_pico.oled import ADDRESSES, Oled
from coldshare_pico.panel import Panel

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FAULTS = "/coldshare.fault"
BOOTSEL = "bootsel"
PINS = "pins"
_FLUTTER_MS = 1000
_FAULT_MS = 20_000
_FAULT_LINES = 12


class _State:
    """What `boot` leaves to `run`."""

    loop: "Loop | None" = None
    panel: "Panel | None" = None
    files: "flash.Files | None" = None
    failure: "BaseException | None" = None


def _button(pin: int) -> "Callable[[], bool]":
    button = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)
    return lambda: button.value() == 0


def _wanted(light: machine.Pin, no: "Callable[[], bool]") -> bool:
    """Whether somebody asks for the console: BOOTSEL or NO, in the first second."""
    start = time.ticks_ms()
    while True:
        elapsed = time.ticks_diff(time.ticks_ms(), start)
        if rp2.bootsel_button() or no():
            return True
        if elapsed >= _FLUTTER_MS:
            return False
        light.value(led.lit(led.MAINTENANCE, elapsed))
        time.sleep_ms(5)


def _display() -> "Oled | None":
    try:
        i2c = machine.I2C(
            wiring.I2C, sda=machine.Pin(wiring.SDA), scl=machine.Pin(wiring.SCL), freq=wiring.I2C_HZ, timeout=50_000
        )
        found = i2c.scan()
    except (OSError, ValueError):
        return None
    for address in ADDRESSES:
        if address in found:
            try:
                return Oled(i2c, framebuf.FrameBuffer, framebuf.MONO_VLSB, address)
            except OSError:
                pass
    return None


def _panel(light: machine.Pin, buttons: str, no: "Callable[[], bool]") -> Panel:
    display = _display()
    if buttons == PINS:
        yes = _button(wiring.YES)
        return Panel(display, light.value, lambda: (yes(), no()), TwoButtons())
    return Panel(display, light.value, lambda: (bool(rp2.bootsel_button()), False), OneButton())


def _build(panel: Panel, clock: Clock) -> Loop:
    chip: Any = rp2.Flash()
    usb: Any = machine.USBDevice()
    _State.files = files = flash.Files(chip)
    ticks: Any = time.ticks_us
    pool = Pool(os.urandom, ticks)
    pool.stir(machine.unique_id())
    keys = flash.KeyBlocks(chip, flash.reserve(chip, files, pool.random))
    for block in range(2):
        pool.stir(keys.read(block, 0, keys.block_size))
    model = "coldshare-pico2" if "RP2350" in sys.implementation._machine else "coldshare-pico"
    hal = Hal(model, keys, files, panel, pool, clock)
    return Loop(Token(hal), HidPort(usb, micropython.schedule), hal)


def boot(buttons: str) -> None:
    """Get everything ready, and the computer to see a token. `buttons` is PINS or BOOTSEL."""
    light = machine.Pin(wiring.LED, machine.Pin.OUT)
    no = _button(wiring.NO) if buttons == PINS else lambda: False
    if _wanted(light, no):
        light.value(1)
        return
    clock = Clock()
    _State.panel = panel = _panel(light, buttons, no)
    try:
        loop = _build(panel, clock)
        gc.collect()
        loop.start()
        _State.loop = loop
    except BaseException as error:
        _State.failure = error


def run() -> None:
    """The main loop. Comes back only when the console was asked for."""
    if _State.panel is None:
        return
    loop = _State.loop
    if loop is None:
        _fail(_State.panel, _State.failure)
        return
    while True:
        try:
            if not loop.step():
                machine.idle()
        except MemoryError:
            gc.collect()
        except BaseException as error:
            _fail(_State.panel, error)


def _fail(panel: Panel, error: "BaseException | None") -> None:
    """Say what went wrong, keep it for `coldshare-board check`, and start again."""
    where = _trace(error)
    try:
        if _State.files is not None:
            _State.files.write(FAULTS, "\n".join(where).encode())
    except OSError:
        pass
    clock = Clock()
    panel.show(clock.now_ms(), ["FAULT", "starting again"] + where[-1:], False)
    panel.signal(clock.now_ms(), led.FAULT)
    while clock.now_ms() < _FAULT_MS:
        panel.tick(clock.now_ms())
        time.sleep_ms(5)
    machine.reset()


def _trace(error: "BaseException | None") -> "list[str]":
    """Where it happened and of what kind it is. Never its text, which may hold a value."""
    if error is None:
        return ["unknown"]
    out = io.StringIO()
    sys.print_exception(error, out)
    lines = [line.strip() for line in out.getvalue().split("\n") if line.startswith("  File ")]
    return lines[-_FAULT_LINES:] + [error.__class__.__name__]
