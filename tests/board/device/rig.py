"""A Pico's surroundings under MicroPython's unix port: chip, `rp2`, `machine`, `time`, console, power-up.

Runs in MicroPython only. littlefs, modules, hashes, AES and everything that is not named here are MicroPython's own.
"""

import io
import os
import select
import sys
import time

import vfs

import micropython

_BLOCK = 4096
_COUNT = 352
_SPEED = 10  # how much faster than the wall's the board's clock is
_MACHINE = "Raspberry Pi Pico with RP2040"


class Names:
    """A module that is none."""

    def __init__(self, **names: object) -> None:
        for name in names:
            setattr(self, name, names[name])


class Chip:
    """`rp2.Flash`: NOR flash in a file. A write without an offset erases first, as on the board."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * _BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        at = block * _BLOCK + (offset or 0)
        if offset is None:
            for n in range(len(buffer) // _BLOCK):
                self.ioctl(6, block + n)
        elif offset % 256 or len(buffer) % 256:
            raise ValueError("a program that is no page")
        self._file.seek(at)
        old = self._file.read(len(buffer))
        self._file.seek(at)
        self._file.write(bytes([old[i] & buffer[i] for i in range(len(buffer))]))
        self._file.flush()

    def ioctl(self, op, argument):
        if op == 4:
            return _COUNT
        if op == 5:
            return _BLOCK
        if op == 6:
            self._file.seek(argument * _BLOCK)
            self._file.write(b"\xff" * _BLOCK)
            self._file.flush()
        return 0


class Pin:
    """A pin; 0 on YES while the person presses."""

    IN = OUT = PULL_UP = 0
    pressed = ()

    def __init__(self, name, mode=0, pull=0):
        self._name = name

    def value(self, level=None):
        return 0 if self._name in Pin.pressed else 1


class NoI2C:
    """Nothing is wired to it."""

    def __init__(self, *arguments, **more):
        pass

    def scan(self):
        return []


class UsbDevice:
    """`machine.USBDevice` at the end of a socket: frames of two bytes of length and a report, both ways. Presses YES
    for a while whenever the token says that it waits for a person."""

    BUILTIN_NONE = 0
    socket = None
    live = None

    def __init__(self):
        self._out = None
        self._poll = select.poll()
        if UsbDevice.socket:
            self._poll.register(UsbDevice.socket, select.POLLIN)

    def active(self, value):
        if value:
            UsbDevice.live = self
            hello = b'{"coldshare-sim":1,"report_size":64}'
            UsbDevice.socket.write(len(hello).to_bytes(2, "big") + hello)
            micropython.schedule(self._opened, None)

    def config(self, device, configuration, strings, opened, reset, control, done):
        self._opened, self._done = opened, done

    def submit_xfer(self, endpoint, buffer):
        if endpoint & 0x80:
            UsbDevice.socket.write(len(buffer).to_bytes(2, "big") + bytes(buffer))
            if buffer[4] == 0xBB and buffer[7] == 2:
                _Person.asked()
            micropython.schedule(self._sent, None)
            return True
        self._out = buffer
        return True

    def _sent(self, _):
        self._done(0x81, 0, 64)

    def _received(self, size):
        self._done(0x01, 0, size)

    def look(self):
        _Person.look()
        if self._out is not None and self._poll.poll(0):
            head = UsbDevice.socket.read(2)
            if not head:
                sys.exit(0)
            buffer, self._out = self._out, None
            buffer[:] = UsbDevice.socket.read(64)
            micropython.schedule(self._received, 64)


class _Person:
    at = -1

    @staticmethod
    def asked():
        if _Person.at < 0:
            _Person.at = ticks_ms()

    @staticmethod
    def look():
        elapsed = ticks_ms() - _Person.at
        if _Person.at >= 0:
            Pin.pressed = (14,) if 800 <= elapsed < 3500 else ()
            if elapsed > 4000:
                _Person.at = -1


def ticks_ms():
    return time.ticks_ms() * _SPEED & 0x3FFFFFFF


def _sleep_ms(milliseconds):
    time.sleep_ms(milliseconds // _SPEED)


def _idle():
    if UsbDevice.live:
        UsbDevice.live.look()


def furnish(image, machine=_MACHINE, version=(1, 28, 0), usb=True):
    """Put everything in its place and mount the chip, as the official image does; the unix files are gone then."""
    chip = Chip(image)
    there = Names(Pin=Pin, I2C=NoI2C, unique_id=lambda: b"\x01" * 8, idle=_idle, reset=lambda: sys.exit(7))
    if usb:
        there.USBDevice = UsbDevice
    sys.modules["machine"] = there
    sys.modules["rp2"] = Names(Flash=lambda: chip, bootsel_button=lambda: 0)
    sys.modules["time"] = Names(
        ticks_ms=ticks_ms,
        ticks_us=time.ticks_us,
        ticks_diff=lambda a, b: (a - b + 0x20000000 & 0x3FFFFFFF) - 0x20000000,
        sleep_ms=_sleep_ms,
    )
    sys.modules["sys"] = Names(
        implementation=Names(name="micropython", version=version, _machine=machine),
        path=sys.path,
        modules=sys.modules,
        print_exception=sys.print_exception,
    )
    if "framebuf" not in sys.modules:
        try:
            import framebuf  # noqa: F401
        except ImportError:
            sys.modules["framebuf"] = Names(FrameBuffer=None, MONO_VLSB=0)
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(chip, progsize=256), "/")
    except OSError:
        vfs.VfsLfs2.mkfs(chip, progsize=256)
        vfs.mount(vfs.VfsLfs2(chip, progsize=256), "/")
    os.chdir("/")
    sys.path[:] = ["", "/lib"]


def power_up(image, socket):
    """boot.py, then main.py, as after plugging in."""
    UsbDevice.socket = open(socket, "r+b")
    furnish(image)
    for path in ("/boot.py", "/main.py"):
        with open(path) as file:
            source = file.read()
        exec(compile(source, path, "exec"), {"__name__": "__main__"})


def console(image, **identity):
    """The raw console that mpremote talks to, on standard input and output. Nothing of the board's is started."""
    furnish(image, **identity)
    take, give = sys.stdin.buffer.read, sys.stdout.buffer.write
    names = {"__name__": "__main__"}
    code = bytearray()
    raw = False
    while True:
        char = take(1)
        if not char:
            return
        if char == b"\x01":
            raw = True
            code = bytearray()
            give(b"\r\nraw REPL; CTRL-B to exit\r\n>")
        elif char == b"\x02":
            raw = False
            give(b"\r\n>>> ")
        elif char == b"\x03":
            code = bytearray()
        elif not raw:
            pass
        elif char == b"\x05":
            take(2)
            give(b"R\x00")  # no raw paste here
        elif char == b"\x04":
            give(b"OK")
            error = b""
            try:
                exec(compile(bytes(code), "<stdin>", "exec"), names)
            except BaseException as failure:
                out = io.StringIO()
                sys.print_exception(failure, out)
                error = out.getvalue().encode()
            code = bytearray()
            give(b"\x04" + error + b"\x04>")
        else:
            code += char
