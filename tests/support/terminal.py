"""A person at a terminal: types, reads the screen, presses the token's keys and Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from support.shell import COLDSHARE

CTRL_C = "\x03"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _at_a_terminal() -> None:
    """A login does this: the terminal is ours, and no signal is ignored, whatever whoever runs the tests ignores."""
    os.login_tty(0)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """One command on a terminal of its own, which is its controlling one: passwords are asked there."""

    def __init__(self, *argv: str, cwd: Path, program: Sequence[str] = (COLDSHARE,)) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.mode = termios.tcgetattr(slave)
        self.raw = ""
        self._seen = 0
        self._slave = slave
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
        self.process = subprocess.Popen(
            [*program, *argv],
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=_at_a_terminal,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)

    @property
    def screen(self) -> str:
        """All that was ever on it, without colours and cursor movements."""
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n").replace("\r", "\n")

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self._master, 65536)
        self.raw += data.decode(errors="replace")
        return bool(data)

    def until(self, text: str, seconds: float = 30) -> str:
        """Wait for `text` to appear after what was waited for last. What came up to it."""
        end = time.monotonic() + seconds
        while True:
            new = self.screen[self._seen :]
            at = new.find(text)
            if at >= 0:
                self._seen += at + len(text)
                return new[: at + len(text)]
            if time.monotonic() > end or (self.process.poll() is not None and not self._read(0)):
                raise AssertionError(f"{text!r} never came. The screen:\n{self.screen}")
            self._read(0.1)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def press(self, key: str) -> None:
        """A key on the token's own buttons, once it asks. What was typed before that does not count."""
        self.until("press its button.")
        time.sleep(0.2)
        self.type(key)

    def answer(self, prompt: str, text: str) -> None:
        """A line at a prompt. It takes a moment until the echo is off."""
        self.until(prompt)
        time.sleep(0.1)
        self.type(text + "\n")

    def interrupt(self) -> int:
        """Ctrl-C at a prompt, and the exit status. Like a person, again when nothing happens: Python's line editor can
        sleep through a signal that comes in the instant before it begins to wait."""
        for _ in range(5):
            time.sleep(0.2)
            self.type(CTRL_C)
            end = time.monotonic() + 4
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    return self.finish()
                self._read(0.1)
        return self.finish()

    def finish(self, seconds: float = 30) -> int:
        """The exit status, once everything is read."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end. The screen:\n{self.screen}"
            self._read(0.1)
        while self._read(0):
            pass
        return self.process.returncode

    @property
    def sane(self) -> bool:
        """Whether the terminal is as it was: echo on, whole lines."""
        return termios.tcgetattr(self._slave)[:4] == self.mode[:4]
