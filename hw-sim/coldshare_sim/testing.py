"""What a test of another project takes in hand: somebody who follows a script at the token, the token's flash, and
the cable to it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import GeneratorType

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.screens import asks_to_hold
from coldshare_sim.errors import NotATokenError
from coldshare_sim.faults import FaultyToken, Passed, parse
from coldshare_sim.flash import SIZE, Chip
from coldshare_sim.trace import FlashTrace

__all__ = ["HOLD", "NO", "NOBODY", "YES", "Actor", "Cable", "FlashProbe", "Script", "ScriptError", "Shown"]

YES, NO, HOLD = BUTTON_YES, BUTTON_NO, BUTTON_HELD
#: As a default: questions stay unanswered until the token gives up.
NOBODY = BUTTON_NONE

_NAMES = {YES: "YES", NO: "NO", HOLD: "HOLD"}


class Shown(tuple[str, ...]):
    """The lines on the token's screen."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """All of them, with line breaks."""
        return "\n".join(self)


Script = Generator["int | None", Shown, None]


class ScriptError(AssertionError):
    """Script and token do not tell the same story."""


class Actor:
    """The person at the token. Without a script every question gets the answer `default`, held where it must be.

    A script is a generator. A bare `yield` waits for the next question and gives its lines; `yield YES`, `yield NO`
    or `yield HOLD` presses, and goes on at once::

        def script():
            screen = yield
            assert "Savings" in screen.text
            yield YES

    What a script asserts fails in the call that made the token ask. A question after its end fails there, too; a
    script that has not come to its end by the end of its `with` block, or of the test, fails then.
    """

    def __init__(self, default: int = YES) -> None:
        self.default = default
        #: Everything that was on the screen, and the questions among it.
        self.screens: list[Shown] = []
        self.questions: list[Shown] = []
        self._script: Script | None = None
        self._asked: Shown | None = None  # a question that the script has not seen yet
        self._open = False  # a question is on the screen, and no button was pressed
        self._ended = False
        self._pressed = NOBODY

    def follow(self, script: Script | Callable[[], Script]) -> Following:
        """From now on, until the end of the test, or of the `with` block that this begins."""
        self.finish()
        self._script = script if isinstance(script, Generator) else script()
        self._ended = False
        self._run(None)
        return Following(self)

    def finish(self) -> None:
        """The script must be at its end. After that the default answers again."""
        script, self._script = self._script, None
        if script is None or self._ended:
            return
        place = _place(script)
        script.close()
        raise ScriptError(f"The script still waits for a screen{place}. The last one: {self._last()}")

    def forget(self) -> None:
        """Leave the script, wherever it is."""
        script, self._script = self._script, None
        if script is not None:
            script.close()

    # --- the token's side (`coldshare_sim.person.Person`)
    def show(self, lines: list[str], question: bool) -> None:
        shown = Shown(lines)
        self.screens.append(shown)
        self._pressed = NOBODY
        self._open = question
        self._asked = shown if question else None
        if question:
            self.questions.append(shown)

    def button(self) -> int:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._answer(asked)
        pressed, self._pressed = self._pressed, NOBODY
        return pressed

    def close(self) -> None:
        """The token is unplugged; the script may go on with the next."""
        self._asked = None
        self._open = False

    def _answer(self, asked: Shown) -> None:
        if self._script is None:
            self._pressed = HOLD if self.default == YES and asks_to_hold(list(asked)) else self.default
        elif self._ended:
            raise ScriptError(f"The script has ended, and the token asks: {' / '.join(asked)}")
        else:
            self._run(asked)

    def _run(self, shown: Shown | None) -> None:
        """Up to where the script waits for a screen."""
        script = self._script
        if script is None:
            return
        try:
            pressed = next(script) if shown is None else script.send(shown)
            while pressed is not None:
                self._press(script, pressed)
                pressed = next(script)
        except StopIteration:
            self._ended = True
        except BaseException:
            self._ended = True  # it has failed, and says so here
            raise

    def _press(self, script: Script, button: int) -> None:
        if button not in _NAMES:
            raise ScriptError(f"The script presses {button!r}{_place(script)}; that is no button.")
        if not self._open:
            raise ScriptError(f"The script presses {_NAMES[button]}{_place(script)}, and the token asks nothing.")
        self._open = False
        self._pressed = button

    def _last(self) -> str:
        return " / ".join(self.screens[-1]) if self.screens else "none"


class Following:
    """A script that has begun; as a `with` block, it has to end inside."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def __enter__(self) -> Actor:
        return self._actor

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._actor.finish()
        else:
            self._actor.forget()


def _place(script: Script) -> str:
    if not isinstance(script, GeneratorType) or script.gi_frame is None:
        return ""
    return f" ({script.gi_code.co_filename}:{script.gi_frame.f_lineno})"


class FlashProbe:
    """The flash chip of a token, as a laboratory sees it."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    @property
    def image(self) -> bytes:
        """Every byte, as it is now. Plug it in elsewhere, or put it back later with `restore`."""
        return bytes(self.chip.image)

    def restore(self, image: bytes) -> None:
        """Put an earlier image back. The firmware must not be running on it: plug the token in anew."""
        if len(image) != SIZE:
            raise NotATokenError(f"An image of {len(image)} bytes is not a token's: that has {SIZE}.")
        self.chip.image[:] = image

    @contextmanager
    def trace(self) -> Iterator[FlashTrace]:
        """Record every operation in the block. `trace.images()` is what power cuts would have left behind."""
        trace = FlashTrace(self.chip)
        try:
            yield trace
        finally:
            trace.stop()


class Cable:
    """The cable to a token: what goes wrong on it, and how much has passed. Nothing does until somebody says so."""

    def __init__(self) -> None:
        self._token: FaultyToken | None = None

    def attach(self, token: FaultyToken) -> None:
        """It is the cable to that token from now on."""
        self._token = token

    def fault(self, spec: str) -> None:
        """From now on `spec` (docs/simulator.md) is what goes wrong, and nothing else; numbers count from here.

        Raises FaultSpecError.
        """
        self._end.arm(parse(spec) if spec else ())

    @property
    def passed(self) -> Passed:
        """Reports to the token, reports to the host and operations of the flash since the last `fault`, or since the
        test got its token: the numbers that a spec can have."""
        return self._end.passed

    @property
    def happened(self) -> bool:
        """Whether all that was to go wrong has."""
        return not self._end.pending

    def unplug(self) -> None:
        """Pull the token out now."""
        self._end.unplug()

    @property
    def _end(self) -> FaultyToken:
        if self._token is None:
            raise ScriptError("There is no token at the cable: the test uses no coldshare_token or coldshare_address.")
        return self._token
