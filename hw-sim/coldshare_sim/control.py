"""What the control socket understands: one JSON object per line, each way. Sans-IO.

No answer holds anything that is not on the token's screen or in `coldshare-sim show`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_YES
from coldshare_sim.errors import SimulatorError
from coldshare_sim.flash import Chip
from coldshare_sim.look import look_at
from coldshare_sim.panel import Panel, Screen

LINE_MAX = 4096
_ID_MAX = 64
BUTTONS = {"yes": BUTTON_YES, "no": BUTTON_NO, "hold": BUTTON_HELD}

Answer = dict[str, Any]


class GarbageError(Exception):
    """That was no line of JSON. Whoever sent it is no client of ours: a browser, perhaps, that was made to."""


class _Refused(Exception):  # noqa: N818 - it never leaves this file
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cable(Protocol):
    """The cable of a token that can be out of the bus for a while."""

    @property
    def plugged(self) -> bool: ...
    def plug(self) -> None: ...
    def unplug(self) -> None: ...


class Control:
    """Answers requests. `power` pulls the plug and puts it back; `clients` counts who is connected to the token."""

    def __init__(
        self,
        panel: Panel,
        chip: Chip,
        power: Callable[[], None],
        clients: Callable[[], int],
        cable: Cable | None = None,
    ) -> None:
        self._panel = panel
        self._chip = chip
        self._power = power
        self._clients = clients
        self._cable = cable
        self._actions: Mapping[str, Callable[[dict[str, Any]], Answer]] = {
            "screen": self._screen,
            "press": self._press,
            "events": self._events,
            "power": self._cycle,
            "state": self._state,
        }
        if cable is not None:
            self._actions = {
                **self._actions,
                "plug": lambda request: self._move(request, cable, into=True),
                "unplug": lambda request: self._move(request, cable, into=False),
            }

    def answer(self, line: bytes) -> Answer:
        """The answer to one line. Raises GarbageError when it is no JSON object."""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            raise GarbageError from None
        if not isinstance(request, dict):
            raise GarbageError
        answer: Answer = {"ok": True}
        given = request.pop("id", None)
        if type(given) is int or (isinstance(given, str) and len(given) <= _ID_MAX):
            answer["id"] = given
        do = request.pop("do", None)
        action = self._actions.get(do) if isinstance(do, str) else None
        try:
            if action is None:
                raise _Refused("unknown_request", f"do is one of {', '.join(self._actions)}.")
            answer["do"] = do
            answer |= action(request)
            if request:
                raise _Refused("unknown_member", f"{do} does not take {', '.join(map(repr, sorted(request)))[:200]}.")
        except _Refused as error:
            answer["ok"] = False
            answer["error"] = {"code": error.code, "message": str(error)}
        except SimulatorError as error:
            answer["ok"] = False
            answer["error"] = {"code": error.code, "message": error.message}
        return answer

    def _screen(self, request: dict[str, Any]) -> Answer:
        return seen(self._panel.screen)

    def _press(self, request: dict[str, Any]) -> Answer:
        name = request.pop("button", None)
        button = BUTTONS.get(name) if isinstance(name, str) else None
        if button is None:
            raise _Refused("unknown_button", f"button is one of {', '.join(BUTTONS)}.")
        number = request.pop("screen", None)
        if request:
            return {}
        if number is not None and (type(number) is not int or number != self._panel.screen.number):
            raise _Refused("other_screen", "Another screen is there by now. Nothing was pressed.")
        if not self._panel.press(button):
            raise _Refused("no_question", "The token asks nothing. Nothing was pressed.")
        return {"screen": self._panel.screen.number}

    def _events(self, request: dict[str, Any]) -> Answer:
        return seen(self._panel.screen)

    def _cycle(self, request: dict[str, Any]) -> Answer:
        if not request:
            self._power()
        return {}

    def _move(self, request: dict[str, Any], cable: Cable, *, into: bool) -> Answer:
        if request:
            return {}
        if cable.plugged == into:
            raise _Refused("no_change", f"The token is {'plugged in' if into else 'unplugged'} already.")
        (cable.plug if into else cable.unplug)()
        return {}

    def _state(self, request: dict[str, Any]) -> Answer:
        facts = look_at(Chip(bytes(self._chip.image)))
        return {
            "state": facts.state,
            "serial": facts.serial,
            "attempts_left": facts.attempts_left,
            "pairings": facts.pairings,
            "backups": facts.backups,
            "free": facts.free,
            "clients": self._clients(),
            **({"plugged": self._cable.plugged} if self._cable is not None else {}),
        }


def seen(screen: Screen) -> Answer:
    return {"number": screen.number, "lines": list(screen.lines), "question": screen.question}
