"""Who: somebody on the cable who answers the host's `pair-accept` himself, though nobody has pressed at the token.
Wants: the host to keep a key of his, so that it takes him for the token and sends him the PIN.
What stops him: the answer is a record of the channel whose code the person has just compared; without that channel's
keys he cannot make one, and one from another pairing does not verify. With keys of his own the code is another one.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from coldshare.device.errors import CodeRejectedError
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import F_PAIRINGS
from coldshare_iface import codec, wire
from coldshare_iface.errors import ColdshareError, ProtocolError
from coldshare_iface.primitives import NativeSuite
from coldshare_iface.session import Session
from coldshare_sim.flash import Chip
from coldshare_sim.token import SoftToken
from support.attacker import Middle, Wire
from support.client import PIN, Puppet
from support.desk import Desk, key_record, power_up

#: The key that he would have the host keep.
HIS_ID, HIS_KEY = b"his key!", bytes(range(32))
HIS = codec.encode({0: wire.STATUS_OK, 1: HIS_ID, 2: HIS_KEY})


class Answers(Wire):
    """Keeps the host's acceptance from the token, and answers in its place."""

    def __init__(self, token: SoftToken, record: bytes) -> None:
        super().__init__(token)
        self.record = record

    def pass_on(self, cmd: int, data: bytes) -> tuple[int, bytes]:
        return (cmd, self.record) if cmd == wire.CMD_RECORD else super().pass_on(cmd, data)


def recorded(desk: Desk) -> bytes:
    """What a token answered in a pairing that went well."""
    listener = Wire(power_up(Chip(), Puppet()))
    TokenClient(listener).pair(desk.store, lambda code: True)
    (record,) = (data for cmd, data in listener.answered if cmd == wire.CMD_RECORD)
    return record


def refused(desk: Desk, record: bytes) -> None:
    chip, person = Chip(), Puppet()
    client = TokenClient(Answers(power_up(chip, person), record))
    with pytest.raises(ProtocolError, match="secure channel"):
        client.pair(desk.store, lambda code: True)
    assert desk.store.find(client.info.serial) is None
    assert person.questions == []
    assert key_record(chip)[F_PAIRINGS] == []


def test_an_answer_from_an_earlier_pairing(desk: Desk) -> None:
    refused(desk, recorded(desk))


@pytest.mark.parametrize("record", [b"", HIS, bytes(range(80)), bytes(7600)], ids=len)
def test_an_answer_that_he_makes_up(desk: Desk, record: bytes) -> None:
    refused(desk, record)


def test_control_a_channel_that_takes_any_record(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of the record the host keeps the key that he made up."""
    monkeypatch.setattr(Session, "open", lambda self, record: record)
    client = TokenClient(Answers(power_up(Chip(), Puppet()), HIS))
    client.pair(desk.store, lambda code: True)
    kept = desk.store.find(client.info.serial)
    assert kept is not None
    assert kept.psk == HIS_KEY


class Lies(Middle):
    """Has a channel of his own with each side, and says that the token's person has pressed."""

    def answer(self, plaintext: bytes) -> bytes:
        if self.psk:
            return codec.encode({0: wire.STATUS_OK, 1: "Safe A"})
        self.psk_id, self.psk = HIS_ID, HIS_KEY
        return HIS

    def _session(self, data: bytes) -> bytes:
        self.near = Session(NativeSuite(), initiator=False)
        self.near.session(self.far.info, self.psk_id, self.psk)
        self.near.read_handshake(data[wire.PSK_ID_SIZE :])
        return self.near.write_handshake()


def test_with_a_channel_of_his_own_the_code_gives_him_away(desk: Desk) -> None:
    person = Puppet()
    liar = Lies(power_up(Chip(), person))
    with pytest.raises(CodeRejectedError):
        TokenClient(liar).pair(desk.store, lambda code: code == " ".join(person.screen[1:3]))
    assert liar.requests == []


def test_control_who_does_not_compare_sends_him_the_pin(desk: Desk) -> None:
    """And the token, whose person has pressed nothing, knows nobody."""
    chip, person = Chip(), Puppet()
    liar = Lies(power_up(chip, person))
    client = TokenClient(liar)
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    with suppress(ColdshareError):  # whatever he answers to what comes next
        client.unlock(PIN)
    assert {0: wire.OP_UNLOCK, 1: PIN} in liar.requests
    assert person.questions == []
    assert key_record(chip)[F_PAIRINGS] == []
