"""One case: what happens, what the host is told, and whether everything can be put right afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event

from coldshare.device import link
from coldshare.device.errors import (
    CodeRejectedError,
    DeviceError,
    SessionRefusedError,
    TokenGoneError,
    TokenTimeoutError,
)
from coldshare.device.token import TokenClient
from coldshare_iface import framing, wire
from coldshare_iface.errors import CancelledError, ColdshareError, ProtocolError
from coldshare_sim.faults import parse
from link.cases import TOO_LONG, Case, baseline, must_succeed
from link.conversations import CONVERSATIONS, Conversation, Start, Talk, WrongError, sure
from link.world import HOST, PIN, HangError, Memory, Store, Token

RIGHT = "right"
_ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"
#: A busy token is asked again, as its error says, and after so many seconds.
_TRIES = 3
_PAUSE = 2.0


@dataclass(frozen=True)
class Outcome:
    """`name` is "right", "interrupted" or the code of the error that the host gave; `bad` says what is wrong.

    `resumed` is where an interrupted transfer went on, and how much of it the first program knew to be there.
    """

    case: Case
    name: str
    bad: str = ""
    resumed: tuple[int, int] | None = None


@cache
def documented() -> frozenset[str]:
    """The codes of all errors that a person can look up."""
    return frozenset(re.findall(r"^\| `([a-z0-9_]+)` \|", _ERRORS.read_text(encoding="utf-8"), re.MULTILINE))


def judge(case: Case) -> Outcome:
    """Never raises for what the case does."""
    trial = _Trial(case)
    try:
        trial.run()
    except (WrongError, HangError) as error:
        return Outcome(case, trial.outcome, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Outcome(case, trial.outcome, f"{trial.phase}: {type(error).__name__}: {error}")
    finally:
        trial.token.sim.close()
    return Outcome(case, trial.outcome, resumed=trial.memory.resumed)


class _Trial:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.outcome = "none"
        self.phase = "start"
        self.base = baseline(case.conversation)
        self.conversation: Conversation = CONVERSATIONS[case.conversation]()
        self.start: Start = self.conversation.start()
        self.memory: Memory = self.start.memory()
        self.who, _, place = case.what.partition("@") if "@" in case.what else ("", "", "")
        direction, _, number = place.partition(":")
        self.place = (direction, int(number)) if place else None
        self.token = Token(self.start.image, () if place else parse(case.what))

    def run(self) -> None:
        self.phase = "talk"
        talk = self._talk(Event())
        self._install(talk)
        self._limit()
        error = self._first(talk)
        sure(not self.token.sim.pending, "the fault never happened")
        if must_succeed(self.case):
            sure(error is None, f"this is nothing to fail for: {error!r}")
        elif error is not None:
            sure(self._allowed(error), f"this fault does not explain {error!r}")
        self.phase = "check"
        self.conversation.check(talk)
        self.phase = "go on"
        self._go_on(talk)
        self.conversation.check(talk)
        self.phase = "finish"
        self._finish()

    def _talk(self, cancel: Event | None = None) -> Talk:
        return Talk(self.start, self.token, self.memory, self.token.carrier(), cancel)

    def _limit(self) -> None:
        """One patience of the host is used up, and then it says so."""
        seconds = self.base.seconds + TOO_LONG + 2 * link._SILENCE
        self.token.until = self.token.now + seconds
        self.token.reads = 0
        self.token.reads_max = 3 * self.base.reads + int(seconds / link._SLICE)

    def _first(self, talk: Talk) -> BaseException | None:
        try:
            self.conversation.talk(talk)
        except ColdshareError as error:
            self.outcome = error.code
            return error
        except KeyboardInterrupt as error:
            self.outcome = "interrupted"
            return error
        self.outcome = RIGHT
        return None

    # --- what may be said
    def _allowed(self, error: BaseException) -> bool:
        if self.who in ("cancel", "ctrl-c"):
            return isinstance(error, CancelledError if self.who == "cancel" else KeyboardInterrupt)
        if not isinstance(error, ColdshareError) or error.code not in documented():
            return False
        kind = self.case.what.partition(":")[0]
        if kind in ("unplug", "cut"):
            return isinstance(error, TokenGoneError)
        if kind == "stall":
            return isinstance(error, TokenTimeoutError)
        if self.who == "takes-over" and isinstance(error, CodeRejectedError):
            return True  # the token shows the code of the pairing that came in between, and the person sees that
        command = self._command()
        if command in (wire.CMD_INIT, wire.CMD_PLAIN):
            return True  # in the clear anything can be made of what was said
        if command == wire.CMD_SESSION and isinstance(error, SessionRefusedError):
            return True
        # Inside a secure channel nothing can be made of it: the token cannot be heard, or not understood.
        return isinstance(error, (DeviceError, ProtocolError))

    def _command(self) -> int:
        direction, number = self.place or (self.case.what.split(":")[1], int(re.split("[:=]", self.case.what)[2]))
        return next(one.command for one in self.base.way(direction) if one.number == number)

    # --- who else is there
    def _install(self, talk: Talk) -> None:
        act: dict[str, Callable[[Talk], None]] = {
            "asks": self._asks,
            "takes-over": self._takes_over,
            "half": self._half,
            "cancel": self._cancels,
            "ctrl-c": self._interrupts,
        }
        if self.place is None:
            return

        def before(direction: str, number: int) -> None:
            if (direction, number) == self.place:
                talk.carrier.before = None
                act[self.who](talk)

        talk.carrier.before = before

    def _cancels(self, talk: Talk) -> None:
        assert talk.cancel is not None
        talk.cancel.set()

    def _interrupts(self, talk: Talk) -> None:
        raise KeyboardInterrupt

    def _second(self) -> TokenClient | None:
        """Another program at the same token, unless that is busy."""
        with suppress(DeviceError, ProtocolError):
            client = TokenClient(self.token.carrier())
            sure(client.info.state in (wire.TOKEN_NEW, wire.TOKEN_READY), "the second host got a wrong info")
            return client
        return None

    def _asks(self, talk: Talk) -> None:
        self._second()

    def _takes_over(self, talk: Talk) -> None:
        client = self._second()
        if client is None:
            return
        store = Store(*talk.memory.store.pairings.values())
        with suppress(DeviceError, ProtocolError, SessionRefusedError):
            if not store.pairings:
                client.pair(store, lambda code: True, HOST)
            client.connect(store)
            if client.info.state == wire.TOKEN_READY:
                client.unlock(PIN)
                talk.list(client)

    def _half(self, talk: Talk) -> None:
        """Begins a message and never ends it."""
        carrier = self.token.carrier()
        with suppress(DeviceError, ProtocolError):
            other = link.Link(carrier)
            carrier.write(framing.split(other._cid, wire.CMD_PING, bytes(wire.REPORT_FS * 2))[0])

    # --- afterwards
    def _go_on(self, talk: Talk) -> None:
        """The same program tries to go on with what it has. What it is told is right, or it is told that it is not."""
        client = talk.client
        if client is None or self.token.sim.gone:
            return
        assert talk.cancel is not None
        talk.cancel.clear()
        self._limit()
        if self.who == "cancel" and "unlock" in self.memory.done:
            talk.list(client)  # cancelling costs nothing but the request
            return
        self._pause()
        for _ in range(2):
            self._probe(client)
            with suppress(DeviceError, ProtocolError):
                if "unlock" in self.memory.done:
                    talk.list(client)
        with suppress(ColdshareError):
            client.connect(self.memory.store)
            self._probe(client)
            sure(client.unlock(PIN), "no label")
            talk.list(client)

    def _probe(self, client: TokenClient) -> None:
        """A request that is always refused: only the answer to another one could say that it is done."""
        try:
            client.confirm(bytes(wire.BACKUP_ID_SIZE))
        except ColdshareError:
            return
        raise WrongError("a stale answer was taken for a fresh one")

    def _finish(self) -> None:
        """A new program, with what the first one had written down; for half of the cases with new power, too."""
        sim = self.token.sim
        if sim.gone or self.case.what.startswith("stall") or len(self.case.what) % 2:
            self.token.plug_in()
        for attempt in range(1, _TRIES + 1):
            self._limit()
            talk = self._talk()
            try:
                self.conversation.finish(talk)
            except (DeviceError, ProtocolError):
                if attempt == _TRIES:
                    raise
                self._pause()
                continue
            break
        self.conversation.check(talk)

    def _pause(self) -> None:
        """Time passes for the token, too: it may be in the middle of something."""
        until = self.token.now + _PAUSE
        while self.token.now < until:
            self.token.pump(link._SLICE)
