"""What a flaw is, and the ways to put one into firmware that runs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from coldshare_firmware import policy
from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_YES, OpError
from coldshare_iface import transfer

#: Changes a `coldshare_firmware.token.Token` that has just been powered up. Its docstring says what is wrong then.
Flaw = Callable[[Any], None]
#: The steps of an operation: keepalive statuses, and the reply at the end.
Job = Generator[int, None, Any]
FLAWS: dict[str, Flaw] = {}


def flaw(name: str) -> Callable[[Flaw], Flaw]:
    """Enter a flaw under the name of the row that it must make fail."""

    def enter(flaw: Flaw) -> Flaw:
        FLAWS[name] = flaw
        return flaw

    return enter


def with_words(flaw: Flaw, words: str) -> Flaw:
    flaw.__doc__ = words
    return flaw


def around(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace a method by `wrapper(original, *args)`."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *args: wrapper(original, *args))


# --- buttons
def no_is_yes(headline: str, words: str) -> Flaw:
    """A NO at that question counts as a YES."""
    return _buttons(headline, lambda pressed: BUTTON_YES if pressed == BUTTON_NO else pressed, words)


def no_is_hold(headline: str, words: str) -> Flaw:
    """A NO at that question counts as a button that was held."""
    return _buttons(headline, lambda pressed: BUTTON_HELD if pressed == BUTTON_NO else pressed, words)


def press_is_hold(headline: str, words: str) -> Flaw:
    """A short press at that question counts as one that was held."""
    return _buttons(headline, lambda pressed: BUTTON_HELD if pressed == BUTTON_YES else pressed, words)


def _buttons(headline: str, change: Callable[[int], int], words: str) -> Flaw:
    def flaw(token: Any) -> None:
        hal = token._hal
        asked = [False]

        def show(original: Any, lines: list[str], question: bool) -> None:
            asked[0] = question and any(headline in line for line in lines)
            original(lines, question)

        def button(original: Any) -> int:
            pressed = int(original())
            return change(pressed) if asked[0] else pressed

        around(hal, "show", show)
        around(hal, "button", button)

    return with_words(flaw, words)


# --- operations
def operations(*ops: int) -> Callable[[Callable[..., Job]], Flaw]:
    """Make a flaw of a generator `(token, job, op, values) -> reply` that runs instead of the job of these operations.

    `job()` is the right one. The generator's docstring is the flaw's.
    """

    def enter(wrong: Callable[..., Job]) -> Flaw:
        def flaw(token: Any) -> None:
            def run(original: Any, op: int, values: list[Any]) -> Job:
                if op not in ops:
                    job: Job = original(op, values)
                    return job
                return wrong(token, lambda: original(op, values), op, values)

            around(token._ops, "run", run)

        return with_words(flaw, wrong.__doc__ or "")

    return enter


def instead_of(op: int, status: int, reply: dict[int, Any] | int, words: str, when: Any = None) -> Flaw:
    """Where that operation is refused with that status there comes another reply, or another status."""

    def wrong(token: Any, job: Any, op: int, values: list[Any]) -> Job:
        try:
            return (yield from job())
        except (OpError, transfer.TransferError) as error:
            if error.status != status or (when is not None and not when(token, values)):
                raise
            if isinstance(reply, int):
                raise OpError(reply) from None
            return dict(reply)

    return with_words(operations(op)(wrong), words)


def slot_state(token: Any, backup_id: bytes) -> int:
    return policy.state(token._keys.slot(backup_id))
