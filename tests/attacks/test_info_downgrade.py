"""Who: somebody on the cable who alters the answer to `info`, which travels in the clear.
Wants: an older version, fewer capabilities, another state, or to pose as another token.
What stops him: the bytes of that answer are in the prologue of every handshake. When the two sides saw different ones
the handshake fails, and nothing was sent but its first message.
"""

from __future__ import annotations

from typing import Any

import pytest

from coldshare.device.errors import CapabilityError, NotPairedError, SessionRefusedError, VersionError
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import F_PAIRINGS
from coldshare_iface import codec, wire
from coldshare_iface.errors import BurntError, ColdshareError, ProtocolError
from coldshare_iface.session import Session
from coldshare_sim.token import SoftToken
from support.attacker import Wire
from support.client import PIN, Puppet, as_map
from support.desk import Desk, key_record, power_up

VERSIONS, MODEL, FIRMWARE, SERIAL, STATE, CAPABILITIES, MESSAGE_MAX, CHUNK = range(1, 9)
#: What he puts in the place of the truth; the host goes on with any of these.
LIES = {
    "versions": {VERSIONS: [wire.PROTOCOL_VERSION, 9]},
    "model": {MODEL: "somebody else's"},
    "firmware": {FIRMWARE: "99.0"},
    "state": {STATE: wire.TOKEN_NEW},
    "a state that there is not": {STATE: 77},
    "no management": {CAPABILITIES: [wire.CAP_BACKUP, wire.CAP_SCREEN]},
    "no screen": {CAPABILITIES: [wire.CAP_BACKUP, wire.CAP_MANAGE]},
    "more than it can": {CAPABILITIES: [*range(1, 64)]},
    "longest message": {MESSAGE_MAX: 100},
    "chunk": {CHUNK: 1},
    "a field of his own": {20: b"mine"},
}


class Alters(Wire):
    def __init__(self, token: SoftToken, lie: dict[int, Any]) -> None:
        super().__init__(token)
        self.lie = lie

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        answered, reply = super().pass_on(cmd, data)
        if cmd == wire.CMD_PLAIN:
            reply = codec.encode(dict(sorted((as_map(reply) | self.lie).items())))
        return answered, reply


def unbound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handshakes that do not hash `info`, on both sides."""
    pairing, session = Session.pairing, Session.session
    monkeypatch.setattr(Session, "pairing", lambda self, info, static: pairing(self, b"", static))
    monkeypatch.setattr(Session, "session", lambda self, info, psk_id, psk: session(self, b"", psk_id, psk))


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_at_pairing(desk: Desk, lie: dict[int, Any]) -> None:
    chip, person = desk.token(), Puppet()
    known = desk.store.all()
    middle = Alters(power_up(chip, person), lie)
    client = TokenClient(middle)
    codes: list[str] = []
    with pytest.raises(ProtocolError):
        client.pair(desk.store, lambda code: not codes.append(code))  # type: ignore[func-returns-value]
    assert codes == []
    assert [cmd for cmd, _ in middle.sent if cmd != wire.CMD_PLAIN] == [wire.CMD_PAIR]
    assert person.questions == []
    assert len(key_record(chip)[F_PAIRINGS]) == 1
    assert desk.store.all() == known


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_at_a_session(desk: Desk, lie: dict[int, Any]) -> None:
    middle = Alters(power_up(desk.token()), lie)
    client = TokenClient(middle)
    with pytest.raises(SessionRefusedError):
        client.connect(desk.store)
    assert [cmd for cmd, _ in middle.sent] == [wire.CMD_PLAIN, wire.CMD_SESSION] * 2
    with pytest.raises(ProtocolError, match="no secure channel"):
        client.unlock(PIN)
    assert middle.records == 0


class LiesOnce(Alters):
    """What the token says of itself was something else a while ago."""

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        answered, reply = super().pass_on(cmd, data)
        if cmd == wire.CMD_PLAIN:
            self.lie = {}
        return answered, reply


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_is_true_by_now_is_asked_for_once_more(desk: Desk, lie: dict[int, Any]) -> None:
    client = TokenClient(LiesOnce(power_up(desk.token()), lie))
    client.connect(desk.store)
    client.connect(desk.store)  # a second session asks again, too
    assert client.unlock(PIN) == "Safe A"


def test_but_not_as_another_token(desk: Desk) -> None:
    """Both are known here. The one that answers is not the one that was meant."""
    desk.token(1, "Safe B")
    other = desk.store.all()[0].serial
    middle = LiesOnce(power_up(desk.token(0)), {SERIAL: other})
    with pytest.raises(SessionRefusedError):
        TokenClient(middle).connect(desk.store)
    assert middle.records == 0


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_control_handshakes_that_hash_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, lie: dict[int, Any]) -> None:
    """The host believes every one of them, and goes on to the PIN."""
    unbound(monkeypatch)
    chip = desk.token()
    known = desk.store.all()
    client = TokenClient(Alters(power_up(chip), lie))
    client.pair(desk.store, lambda code: True)
    assert desk.store.all() != known
    client.connect(desk.store)
    assert client.unlock(PIN) == "Safe A"


@pytest.mark.parametrize("paired", [True, False], ids=["of a token that it knows", "of none that it knows"])
def test_the_serial_of_another_token(desk: Desk, paired: bool) -> None:
    """The host takes the key that belongs to that serial, and this token cannot answer to it."""
    desk.token(1, "Safe B")
    other = desk.store.all()[0].serial
    middle = Alters(power_up(desk.token(0)), {SERIAL: other if paired else bytes(8)})
    with pytest.raises(SessionRefusedError if paired else NotPairedError):
        TokenClient(middle).connect(desk.store)
    assert middle.records == 0


def test_another_serial_before_a_wipe(desk: Desk) -> None:
    """He lies once, and lets the truth pass when the handshake hashes it. The host would forget the pairing with the
    other token, and keep that with the one that is wiped."""

    class Once(Alters):
        def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
            answer = super().pass_on(cmd, data)
            self.lie = {}
            return answer

    client = TokenClient(Once(power_up(desk.token()), {SERIAL: b"other..."}))
    assert client.info.serial == b"other..."  # control: what was believed before the handshake
    assert client.wipe() == desk.store.all()[0].serial


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ({VERSIONS: [2]}, VersionError),
        ({VERSIONS: []}, VersionError),
        ({CAPABILITIES: []}, CapabilityError),
        ({STATE: wire.TOKEN_BURNT}, BurntError),
    ],
    ids=["another version", "no version", "no capability", "burnt"],
)
def test_what_he_gets_by_a_lie_that_ends_the_conversation(
    desk: Desk, lie: dict[int, Any], error: type[ColdshareError]
) -> None:
    """These the host believes, and does nothing: cutting the cable would have given him as much."""
    middle = Alters(power_up(desk.token()), lie)
    with pytest.raises(error):
        TokenClient(middle).connect(desk.store)
    assert middle.records == 0
