"""What the light on the board says. Portable subset; no machine access.

Each pattern is milliseconds on, off, on, off ... over and over. It is the screen of last resort: it can say that
there is a question, not which one.
"""

from coldshare_firmware import screens

IDLE = (40, 2960)
ASK = (250, 250)
HOLD = (80, 120, 80, 720)
IDENTIFY = (60, 60)
COMPARE = (700, 300)
LOST = (1000, 150)
FAULT = (120, 150, 120, 150, 120, 800)
MAINTENANCE = (30, 30)

_HERE = screens.identify("", b"")[0]
_COMPARE = screens.compare("")[0]
_LOST = ("BURNT", "KEYS LOST")


def pattern(lines: "list[str]", question: bool) -> "tuple[int, ...]":
    """The pattern for a screen of the firmware."""
    if question:
        return HOLD if screens.asks_to_hold(lines) else ASK
    head = lines[0]
    if head == _HERE:
        return IDENTIFY
    if head == _COMPARE:
        return COMPARE
    return LOST if head in _LOST else IDLE


def lit(steps: "tuple[int, ...]", elapsed: int) -> bool:
    """Whether the light is on `elapsed` milliseconds after the pattern began."""
    rest = elapsed % sum(steps)
    for i in range(len(steps)):
        if rest < steps[i]:
            return i % 2 == 0
        rest -= steps[i]
    return False
