"""What a person sees while a command works: steps, progress, and when it is their turn. All on standard error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from coldshare.cli.render import safe
from coldshare_iface import wire

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_WORDS = {
    "sealing": "Sealing (this takes a second or two on purpose)",
    "opening": "Opening the seal (this takes a second or two on purpose)",
    "writing": "Writing to the token",
    "storing": "Writing two copies",
    "reading": "Reading back",
}


class Ui:
    """`quiet` (with --json) says nothing at all; away from a terminal there are lines instead of bars."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.cancel = Event()
        #: Nobody has to be told to press a button.
        self.unattended = False
        #: What the token asks is answered by a button that is held.
        self.holding = False
        #: What the token works on now is a PIN.
        self.unlocking = False
        self._live = not quiet and sys.stderr.isatty()
        self._step = ""
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def note(self, text: str) -> None:
        if not self.quiet:
            self._stop()
            click.echo(safe(text), err=True)

    def on_status(self, status: int) -> None:
        """Called when what the token waits for changes."""
        if status == wire.KEEPALIVE_PERSON and not self.unattended:
            if self.holding:
                self.note("Look at the token. If you are sure, HOLD its button for two seconds.")
            else:
                self.note("Look at the token and press its button.")
        elif status == wire.KEEPALIVE_PROCESSING and self.unlocking:
            self.note("The token makes you wait before it takes another PIN: up to a minute, by how many were wrong.")

    def on_step(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._step = step
            self._stop()
            if step in _WORDS and not self.quiet and not (self._live and total and step in ("writing", "reading")):
                click.echo(f"{_WORDS[step]} ...", err=True)
        if self._live and step in ("writing", "reading"):
            self._bar(step, done, total)
        if total and done == total:
            self._stop()

    def _bar(self, step: str, done: int, total: int) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

            self._progress = Progress(
                "{task.description}",
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._progress.start()
            self._task = self._progress.add_task(_WORDS[step], total=total)
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._task = None

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C asks the token to cancel and waits for its answer; a second one stops at once."""
        if current_thread() is not main_thread():
            yield
            return

        def handler(number: int, frame: FrameType | None) -> None:
            if self.cancel.is_set():
                raise KeyboardInterrupt
            self.cancel.set()

        before = signal.signal(signal.SIGINT, handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            self._stop()

    @contextmanager
    def prompting(self) -> Iterator[None]:
        """While a person is asked something here, Ctrl-C means what it always does."""
        if current_thread() is not main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
