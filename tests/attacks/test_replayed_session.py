"""Who: somebody who recorded a session on the cable and plays it again, to the token or to the computer.
Wants: the token to do once more what its owner had it do (unlock, give a label), or the computer to believe old
answers.
What stops him: both sides make a fresh key for every handshake, so that no record of an old one verifies in a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from coldshare.device.errors import SessionRefusedError
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import F_FAILS, F_LABEL
from coldshare_iface import wire
from coldshare_iface.errors import ProtocolError
from coldshare_iface.primitives import NativeSuite
from coldshare_sim.clock import VirtualClock
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from support.attacker import Wire
from support.client import PIN, FrameRefusedError, Host, Puppet
from support.desk import Desk, key_record


def plugged(chip: Chip, random: Callable[[int], bytes], person: Puppet | None = None) -> SoftToken:
    return SoftToken(chip, person or Puppet(), clock=VirtualClock(), random=random)


def stuck() -> Callable[[int], bytes]:
    """What a token draws whose random numbers begin anew at every power-up."""
    return Random(1).randbytes


def fresh() -> Iterator[Callable[[int], bytes]]:
    seed = 0
    while True:
        seed += 1
        yield Random(seed).randbytes


def recorded(desk: Desk, token: SoftToken) -> Wire:
    """The owner gives the token another label; somebody listens."""
    listener = Wire(token)
    client = TokenClient(listener)
    client.connect(desk.store)
    client.unlock(PIN)
    client.set_label("Safe B")
    return listener


def played(token: SoftToken, recording: Wire) -> list[int]:
    """The errors that the token answers with."""
    errors = []
    host = Host(token).hello()
    for cmd, data in recording.sent:
        try:
            host.call(cmd, data)
        except FrameRefusedError as error:
            errors.append(error.code)
    return errors


@pytest.mark.parametrize("power", ["still on", "cycled"])
def test_to_the_token(desk: Desk, power: str) -> None:
    chip, person, randoms = desk.token(), Puppet(), fresh()
    token = plugged(chip, next(randoms), person)
    recording = recorded(desk, token)
    client = TokenClient(Wire(token))
    client.connect(desk.store)
    client.unlock(PIN)
    client.set_label("Safe A")
    person.screens.clear()
    if power == "cycled":
        token = plugged(chip, next(randoms), person)
    before = bytes(chip.image)
    # The first record closes the channel that his handshake opened; the others find none.
    assert played(token, recording) == [wire.ERR_SESSION] * recording.records
    assert person.questions == []
    assert bytes(chip.image) == before
    assert key_record(chip)[F_LABEL] == "Safe A"
    assert key_record(chip)[F_FAILS] == 0


def test_control_a_token_whose_random_numbers_repeat(desk: Desk) -> None:
    """The same recording, the same player: this token does it all again."""
    chip, person = desk.token(), Puppet()
    recording = recorded(desk, plugged(chip, stuck()))
    chip = desk.token()  # as it was before
    assert played(plugged(chip, stuck(), person), recording) == []
    assert [lines[0] for lines in person.questions] == ["New label?"]
    assert key_record(chip)[F_LABEL] == "Safe B"


class Player(Wire):
    """Answers as the token did when he listened."""

    def __init__(self, token: SoftToken, recording: Wire) -> None:
        super().__init__(token)
        self._records = [answer for answer in recording.answered if answer[0] == wire.CMD_RECORD]
        self._others = {answer[0]: answer for answer in recording.answered if answer[0] != wire.CMD_RECORD}

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        return self._records.pop(0) if cmd == wire.CMD_RECORD else self._others[cmd]


@pytest.mark.parametrize("defended", [True, False])
def test_to_the_computer(desk: Desk, monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """The control: a computer whose fresh key is that of the recorded session."""
    keys = [NativeSuite().generate() for _ in range(3)]
    pending = [keys[0], *(keys[1:] if defended else keys[:1])]  # a computer that is refused tries once more
    monkeypatch.setattr(NativeSuite, "generate", lambda self: pending.pop(0))
    token = plugged(desk.token(), next(fresh()))
    as_it_was = desk.store.all()[0]
    recording = recorded(desk, token)
    desk.store.keep(as_it_was)  # or the computer would miss what the token has done since
    player = Player(token, recording)
    client = TokenClient(player)
    if defended:
        with pytest.raises(SessionRefusedError):
            client.connect(desk.store)
        assert player.records == 0
        return
    client.connect(desk.store)
    assert client.unlock(PIN) == "Safe A"
    client.set_label("Safe B")  # it is told "done", and no token was there
    assert key_record(token.chip)[F_LABEL] == "Safe B"


def test_an_answer_of_the_same_session_once_more(desk: Desk) -> None:
    """Records count: the answer to one request does not verify as the answer to the next."""

    class Repeats(Wire):
        last: tuple[int, bytes] | None = None

        def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
            if cmd != wire.CMD_RECORD:
                return super().pass_on(cmd, data)
            self.last = self.last or super().pass_on(cmd, data)
            return self.last

    client = TokenClient(Repeats(plugged(desk.token(), next(fresh()))))
    client.connect(desk.store)
    client.unlock(PIN)
    with pytest.raises(ProtocolError, match="secure channel"):
        client.backups()
