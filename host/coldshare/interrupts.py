"""When Ctrl-C is taken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

__all__ = ["afterwards"]


@contextmanager
def afterwards() -> Iterator[None]:
    """Ctrl-C is taken when what is inside has come to its end. A second one is taken at once."""
    if current_thread() is not main_thread():
        yield
        return
    asked = False

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and callable(before):
            before(number, frame)
        asked = True

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if asked:
            signal.raise_signal(signal.SIGINT)
