"""The token under test, its operator, and a host at its cable: brought into the state that a row begins with."""

from __future__ import annotations

import random
from collections.abc import Callable

from coldshare.conformance.operator import AGREE, NOBODY, PRESS, CannotError, Operator
from coldshare.conformance.rules import ANY, BULK, HID, NEW, PAIRED, READY, BrokenRuleError
from coldshare.conformance.speaker import (
    NONCE,
    FrameRefusedError,
    Map,
    SilenceError,
    Speaker,
    UnexpectedAnswerError,
    Wire,
    declaration,
    status_name,
)
from coldshare_iface import wire

#: Seconds for one report of a token under test.
PATIENCE = 10.0
# What a row has left on the cable: reports at most, and seconds without one.
_LEFT_OVER = 300
_QUIET = 0.2
#: Milliseconds after a short press in which a question must stay.
_STAYS = 1500

PIN = "483920"
WRONG = "000000"
LABEL = "Conformance"


class Bench:
    """`host` speaks on a channel of its own; a row may use it as it likes, and make others.

    `reconnect` gives the way to the token anew after it was without power, `unplug` lets go of it in the end. `other`
    is the way over the token's other carrier, where that can be used at the same time.
    """

    def __init__(
        self,
        token: Wire,
        operator: Operator,
        reconnect: Callable[[], Wire] | None = None,
        unplug: Callable[[], None] | None = None,
        other: Wire | None = None,
    ) -> None:
        self.token = token
        self._other = other
        self.operator = operator
        self._reconnect = reconnect
        self._unplug = unplug
        self.host = Speaker(token)
        #: Questions that somebody had to answer since this was set to 0.
        self.presses = 0
        self._speakers: list[Speaker] = []
        self._key = (b"", b"")  # psk id and psk of `host`
        self._images: dict[str, tuple[bytes, tuple[bytes, bytes]]] = {}
        self._pristine = ""  # the state that the token is known to be in, untouched
        self._noise = random.Random(1)  # noqa: S311 - bytes to store, no secret

    @property
    def carrier(self) -> str:
        """HID or BULK."""
        return BULK if self.token.report_size == wire.BULK_FRAME_MAX else HID

    # --- the parties
    def speaker(self, name: str = "desk") -> Speaker:
        """Another host at the same cable, on a channel of its own."""
        other = self.stranger(name)
        other.hello()
        return other

    def stranger(self, name: str = "stranger") -> Speaker:
        """One that has no channel yet."""
        return self._at(self.token, name)

    def across(self, name: str = "across") -> Speaker:
        """Another host, with a channel on the token's other carrier. Raises CannotError."""
        if self._other is None:
            raise CannotError("only one of the token's carriers is at hand here")
        other = self._at(self._other, name)
        other.hello()
        return other

    def _at(self, token: Wire, name: str) -> Speaker:
        other = Speaker(token, name, self._keepalive)
        other.patience = PATIENCE
        self._speakers.append(other)
        return other

    def _keepalive(self, status: int, new: bool) -> None:
        if status == wire.KEEPALIVE_PERSON:
            if new and self.operator.answer != NOBODY:
                self.presses += 1
            self.operator.asked(new=new)
        elif status == wire.KEEPALIVE_PROCESSING:
            self.operator.passing()

    def power_cycle(self) -> None:
        """Without power and back; `host` is on a new channel afterwards, without a session."""
        self._cut()
        self._fresh_host()

    def _cut(self) -> None:
        self.operator.power_cycle()
        self._speakers.clear()
        if self._reconnect is not None:
            self.token = self._reconnect()

    def _fresh_host(self) -> None:
        """`host` on a new channel, with the pairing key that it has."""
        self.host = self.speaker()
        self.host.psk_id, self.host.psk = self._key

    # --- states
    def begin(self, state: str) -> None:
        """Bring the token into that state, with as little as it takes."""
        self.operator.answer = AGREE
        if state != ANY and self._pristine != state:
            self._make(state)
        self._fresh_host()
        if state == READY:
            self.unlock()

    def _make(self, state: str) -> None:
        if state in self._images:
            image, self._key = self._images[state]
            self.operator.load(image)
        else:
            self._fresh_host()
            self.wipe()
            self._key = (b"", b"")
            if state in (PAIRED, READY):
                self.pair()
                self._key = (self.host.psk_id, self.host.psk)
            if state == READY:
                self.host.open()
                self.host.ok(wire.OP_SET_UP, PIN, LABEL)
            saved = self.operator.save()
            if saved is not None:
                self._images[state] = (saved, self._key)
        self._pristine = state

    def end(self, state: str, *, spoilt: bool, clean: bool) -> None:
        """After a row: what it left behind is not taken for what it found. `clean` says that nothing is under way."""
        self.operator.answer = AGREE
        if spoilt and state != ANY:
            self._pristine = ""
        if not clean and not self.operator.by_hand:
            self._cut()
        elif not clean:
            for speaker in self._speakers:
                if speaker.cid != wire.CID_BROADCAST:
                    speaker.write(wire.CMD_INIT, NONCE)
            for _ in range(_LEFT_OVER):
                if self.token.read(_QUIET) is None:
                    break
        self._speakers.clear()

    def revive(self) -> bool:
        """After silence: cut the power, if this operator can. False when the token says nothing all the same."""
        try:
            self._cut()
        except CannotError:
            return False
        try:
            self.stranger().channel()
        except SilenceError:
            return False
        except (FrameRefusedError, UnexpectedAnswerError):
            pass
        return True

    def close(self) -> None:
        if self._unplug is not None:
            self._unplug()
        self.operator.close()

    # --- steps
    def wipe(self) -> None:
        reply = self.host.wipe()
        if reply[0] != wire.STATUS_OK:
            raise UnexpectedAnswerError(f"wipe is refused with {status_name(reply[0])}")
        self.host = self.speaker()

    def pair(self, host: Speaker | None = None) -> Map:
        reply = (host or self.host).pair()
        if reply[0] != wire.STATUS_OK:
            raise UnexpectedAnswerError(f"pair-accept is refused with {status_name(reply[0])}")
        return reply

    def unlock(self, host: Speaker | None = None) -> Speaker:
        host = host or self.host
        host.open()
        host.ok(wire.OP_UNLOCK, PIN)
        return host

    def blob(self, size: int) -> bytes:
        return self._noise.randbytes(size)

    def put(self, data: bytes, *, confirm: bool = True, host: Speaker | None = None, **changes: object) -> bytes:
        """A whole backup; its id. `changes` are those of its declaration."""
        host = host or self.host
        backup_id, _ = host.reserve(declaration(**changes))
        self.send(backup_id, data, host)
        host.ok(wire.OP_COMMIT, backup_id)
        if confirm:
            host.ok(wire.OP_CONFIRM, backup_id)
        return backup_id

    def send(self, backup_id: bytes, data: bytes, host: Speaker | None = None) -> None:
        (host or self.host).send(backup_id, data, self.chunk)

    @property
    def chunk(self) -> int:
        """The longest chunk that the token takes, in bytes."""
        chunk = self.host.read_info().get(8)
        if not isinstance(chunk, int):
            raise BrokenRuleError("info does not say how long a chunk may be")
        return chunk

    def states(self, host: Speaker | None = None) -> dict[bytes, int]:
        """Of each backup on the token, by id."""
        return {held[1]: held[2] for held in (host or self.host).list()}

    def short_press(self, op: int, *fields: object) -> None:
        """Ask for what takes a button that is held, and let it be pressed for a moment: the question must stay."""
        self.operator.answer = PRESS
        self.host.start(op, *fields)
        cmd, _ = self.host.read(keepalives=True)
        if cmd != wire.CMD_KEEPALIVE:
            raise BrokenRuleError("it is done without a button")
        cmd = self.keeps_asking(_STAYS)
        self.operator.answer = AGREE
        if cmd != wire.CMD_KEEPALIVE:
            raise BrokenRuleError("a short press is taken for one that is held")
        self.withdraw()

    def keeps_asking(self, milliseconds: int) -> int:
        """Listen to `host` for so long: the first command that is no KEEPALIVE, or else that."""
        until = self.operator.now_ms() + milliseconds
        while True:
            cmd, _ = self.host.read(keepalives=True)
            if cmd != wire.CMD_KEEPALIVE or self.operator.now_ms() >= until:
                return cmd

    def withdraw(self) -> Map:
        """Cancel what `host` asked for; its answer."""
        self.host.cancel()
        return self.host.finish()

    def nobody(self) -> None:
        """From here on no question is answered."""
        self.operator.answer = NOBODY


__all__ = ["ANY", "LABEL", "NEW", "PAIRED", "PIN", "READY", "WRONG", "Bench"]
