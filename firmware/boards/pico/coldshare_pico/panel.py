"""Screen, light and buttons as one thing a person deals with. Portable subset; the machine's part is handed in.

A question is there once its last page was shown, and no press counts that began before. A display that fails in the
middle is no screen any more: then no question can be answered but with NO.
"""

from coldshare_firmware.person import BUTTON_NO, BUTTON_NONE
from coldshare_pico import led, text

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable

    from coldshare_pico.types import Buttons, Display

#: How long a page stands when there are several.
PAGE_MS = 2500
#: Milliseconds between two looks at the buttons.
_LOOK_MS = 5
_COLUMNS = 16
_ROWS = 8


class Panel:
    """`pressed` says which of YES and NO are down now, `light` switches the light. `display` is None without one."""

    def __init__(
        self,
        display: "Display | None",
        light: "Callable[[bool], None]",
        pressed: "Callable[[], tuple[bool, bool]]",
        buttons: "Buttons",
    ) -> None:
        self._display = display
        self._light = light
        self._pressed = pressed
        self._buttons = buttons
        self._lines: list[str] = []
        self._question = False
        self._pages: list[list[str]] = [[]]
        self._page = 0
        self._page_at = 0
        self._seen = True  # whether every page was shown
        self._broken = False
        self._steps: tuple[int, ...] = led.IDLE
        self._steps_at = 0
        self._lit = False
        self._looked = -_LOOK_MS

    @property
    def has_screen(self) -> bool:
        return self._display is not None

    def show(self, now: int, lines: "list[str]", question: bool) -> None:
        # With nothing but its last line changed it is the same question: the press under way goes on.
        same = question and self._question and lines[:-1] == self._lines[:-1]
        self._lines = lines
        self._question = question
        self.signal(now, led.pattern(lines, question))
        shown = lines + [self._buttons.legend] if question and self._buttons.legend else lines
        self._pages = text.pages(shown, _COLUMNS, _ROWS)
        self._page = len(self._pages) - 1 if same and self._seen else 0
        self._page_at = now
        if not same:
            if question:
                self._buttons.bar()
            self._seen = len(self._pages) == 1 or self._display is None
        self._draw()

    def signal(self, now: int, steps: "tuple[int, ...]") -> None:
        """Let the light say something else."""
        if steps != self._steps:
            self._steps = steps
            self._steps_at = now

    def _draw(self) -> None:
        if self._display is None:
            return
        try:
            self._display.draw(self._pages[self._page])
            self._broken = False
        except OSError:
            self._broken = True  # unplugged, say; `_turn` tries again

    def tick(self, now: int) -> None:
        """Let time pass: buttons, light, pages. To be called all the time."""
        if now - self._looked >= _LOOK_MS:
            self._looked = now
            yes, no = self._pressed()
            self._buttons.sample(now, yes, no)
        lit = led.lit(self._steps, now - self._steps_at)
        if lit != self._lit:
            self._lit = lit
            self._light(lit)
        if now - self._page_at >= PAGE_MS and (self._broken or len(self._pages) > 1):
            self._turn(now)

    def _turn(self, now: int) -> None:
        """The next page, or the first one again on a display that was gone."""
        lost = self._broken
        self._page_at = now
        self._page = 0 if lost else (self._page + 1) % len(self._pages)
        self._draw()
        if self._broken:
            return
        if lost:
            self._seen = False
        if not self._seen and self._page == len(self._pages) - 1:
            self._seen = True
            self._buttons.bar()

    def button(self, now: int) -> int:
        self.tick(now)
        level = self._buttons.level()
        if level in (BUTTON_NONE, BUTTON_NO) or not self._question:
            return level
        return level if self._seen and not self._broken else BUTTON_NONE
