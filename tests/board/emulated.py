"""A Pico in PyPI's rp2040py, with a real MicroPython image and what was installed onto it, behind a socket.

    python emulated.py IMAGE.uf2 FILES.img SOCKET

The emulator executes the image's own machine code; this file is the computer on the other end of the USB cable, and
the person: it enumerates the board, hands reports on in both directions, framed as `coldshare_iface.stream` has it,
and holds YES down for a while whenever the token says that it waits for a person. Every line that it prints is JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import sys
from collections import deque
from pathlib import Path
from typing import Any

from coldshare_iface import wire
from coldshare_iface.stream import Frames, Hello, frame

PIN_YES = 14
_POLL_US = 1000  # an interrupt endpoint's turn
_REACTION_NS = 600e6
_PRESS_NS = 2_500e6


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


class Computer:
    """The host side of the bus: enumeration by hand, then reports."""

    def __init__(self, usb: Any) -> None:
        self.usb = usb
        self.step = ""
        self.device = b""
        self.configuration = b""
        self.report = b""
        self.strings: list[str] = []
        self.ready = asyncio.Event()
        self.to_board: deque[bytes] = deque()
        self.from_board: deque[bytes] = deque()
        self.got = asyncio.Event()
        self._wants = False
        usb.on_usb_enabled = usb.reset_device
        usb.on_reset_received = self._reset
        usb.on_endpoint_write = self._in
        usb.on_endpoint_read = self._out
        usb.on_reset = lambda: None
        usb.read_delay_microseconds = 10
        usb.write_delay_microseconds = 10

    def _setup(self, step: str, kind: int, request: int, value: int, index: int, length: int) -> None:
        self.step = step
        self.usb.send_setup_packet(struct.pack("<BBHHH", kind, request, value, index, length))

    def _reset(self) -> None:
        self.configuration = b""
        self.strings = []
        self._setup("address", 0, 5, 1, 0, 0)

    def _in(self, endpoint: int, data: bytes) -> None:
        data = bytes(data)
        if endpoint:
            self.from_board.append(data)
            self.got.set()
        elif self.step == "address":
            self._setup("device", 0x80, 6, 0x0100, 0, 18)
        elif self.step == "device" and data:
            self.device = data
            self._setup("length", 0x80, 6, 0x0200, 0, 9)
        elif self.step == "length" and data:
            self._setup("configuration", 0x80, 6, 0x0200, 0, struct.unpack_from("<H", data, 2)[0])
        elif self.step == "configuration" and data:
            self.configuration += data
            if len(self.configuration) >= struct.unpack_from("<H", self.configuration, 2)[0]:
                self._setup("string", 0x80, 6, 0x0301, 0x0409, 255)
        elif self.step == "string" and data:
            self.strings.append(data[2:].decode("utf-16-le"))
            if len(self.strings) < 3:
                self._setup("string", 0x80, 6, 0x0301 + len(self.strings), 0x0409, 255)
            else:
                self._setup("configure", 0, 9, 1, 0, 0)
        elif self.step == "configure":
            self._setup("report", 0x81, 6, 0x2200, 0, 255)
        elif self.step == "report" and data:
            self.step = ""
            self.report = data
            self.usb.write_delay_microseconds = _POLL_US
            self.ready.set()

    def _out(self, endpoint: int, size: int) -> None:
        if endpoint:
            self._wants = True
            self.pump()

    def pump(self) -> None:
        if self._wants and self.to_board:
            self._wants = False
            self.usb.endpoint_read_done(1, self.to_board.popleft(), _POLL_US)


class Person:
    """Holds YES down for a while when a question waits."""

    def __init__(self, board: Any, clock: Any) -> None:
        self._pin = board.gpio[PIN_YES]
        self._busy = False
        self._down = clock.create_alarm(self._press)
        self._up = clock.create_alarm(self._release)
        self.presses = 0

    def asked(self) -> None:
        if not self._busy:
            self._busy = True
            self._down.schedule(_REACTION_NS)

    def _press(self) -> None:
        self.presses += 1
        self._pin.set_input_value(False)
        self._up.schedule(_PRESS_NS)

    def _release(self) -> None:
        self._pin.release_input()
        self._busy = False


async def _some(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionResetError:
        return b""


async def serve(image: str, files: str, path: str) -> None:
    from rp2040py.boards import resolve_board_spec
    from rp2040py.device import MicroPythonDevice
    from rp2040py.utils.firmware_retrieve import MICROPYTHON

    emulated = MicroPythonDevice(board=resolve_board_spec("pico", MICROPYTHON, image), filesystem=files)
    computer = Computer(emulated.mcu.usb_ctrl)
    simulator = emulated.simulator
    person = Person(emulated.mcu, simulator.clock)
    simulator.bind_loop()
    emulated.mcu.core.pc = 0x10000000
    simulator.start_execution()
    await simulator.wait_for(computer.ready, 600)
    say(
        device=computer.device.hex(),
        configuration=computer.configuration.hex(),
        report=computer.report.hex(),
        strings=computer.strings,
        seconds=simulator.clock.nanos / 1e9,
    )

    async def attached(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(Hello(wire.REPORT_FS).encode()))
        computer.from_board.clear()

        async def downward() -> None:
            frames = Frames(wire.REPORT_FS, wire.REPORT_FS)
            while data := await _some(reader):
                frames.feed(data)
                while (report := frames.next()) is not None:
                    computer.to_board.append(report)
                computer.pump()

        async def upward() -> None:
            while True:
                while computer.from_board:
                    report = computer.from_board.popleft()
                    if report[4] == wire.CMD_KEEPALIVE | 0x80:
                        if report[7] == wire.KEEPALIVE_PERSON:
                            person.asked()
                        say(keepalive=report[7], seconds=simulator.clock.nanos / 1e9)
                    writer.write(frame(report))
                computer.got.clear()
                await simulator.wait_for(computer.got, None)

        up = asyncio.ensure_future(upward())
        try:
            await downward()
        finally:
            up.cancel()
            writer.close()
            say(presses=person.presses, seconds=simulator.clock.nanos / 1e9)

    server = await asyncio.start_unix_server(attached, path)
    async with server:
        say(serving=path)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await simulator.wait_for(stop, None)
    emulated.dump_flash_image(Path(files))
    emulated.stop()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]))
