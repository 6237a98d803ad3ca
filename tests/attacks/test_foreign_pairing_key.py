"""Who: a program on a computer that the token does not know, or on one that it knows and that wants to be another one.
Wants: a session. It has read the psk ids of other computers off the wire, where they are in the clear.
What stops it: an id opens nothing without its key. The key is in the handshake, and is another one for every pair of
computer and token.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from coldshare.device.errors import SessionRefusedError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import Keys
from coldshare_iface import wire
from coldshare_sim.flash import Chip
from support.attacker import Wire
from support.client import Bench, FrameRefusedError, Host
from support.desk import PIN, Desk, power_up

ANY = bytes(range(8))


def refused(host: Host, psk_id: bytes, psk: bytes) -> None:
    with pytest.raises(FrameRefusedError) as error:
        host.open(psk_id=psk_id, psk=psk)
    assert error.value.code == wire.ERR_SESSION


def two_hosts() -> tuple[Bench, Host, Host]:
    """The owner's computer, and another one that the token knows too."""
    bench = Bench()
    bench.host.pair()
    other = bench.second_host("laptop")
    other.pair()
    return bench, bench.host, other


def test_the_id_of_another_computer() -> None:
    _, owner, other = two_hosts()
    refused(other, owner.psk_id, other.psk)
    refused(other, owner.psk_id, bytes(32))
    other.open()  # control: with an id and its key it is let in


def test_an_id_that_the_token_does_not_know() -> None:
    """It costs the session that is open nothing."""
    _, owner, other = two_hosts()
    owner.open()
    refused(other, ANY, other.psk)
    assert owner.status(wire.OP_LIST, 0) == wire.STATUS_NOT_SET_UP


def test_the_key_of_another_token() -> None:
    """The owner has two tokens; what opens one opens nothing on the other, under either id."""
    _, owner, other = two_hosts()
    elsewhere = Bench(seed=8)
    elsewhere.host.pair()
    host = elsewhere.host
    refused(host, owner.psk_id, owner.psk)
    refused(host, host.psk_id, owner.psk)
    refused(other, host.psk_id, host.psk)
    host.open()


def test_control_a_token_that_looks_at_the_id_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the key did not matter, every id on the wire would be a way in."""
    bench, owner, _ = two_hosts()
    stranger = Host(bench.token, "stranger").hello()
    monkeypatch.setattr(Keys, "psk", lambda self, psk_id: bytes(32))
    stranger.open(psk_id=owner.psk_id, psk=bytes(32))
    assert stranger.status(wire.OP_LIST, 0) == wire.STATUS_NOT_SET_UP


def test_a_known_computer_without_the_pin_sees_nothing(desk: Desk) -> None:
    """A pairing key opens the channel, and no more than that."""
    chip, backup_id = desk.stored()
    pairing = desk.store.all()[0]
    host = Host(power_up(chip)).hello()
    host.open(psk_id=pairing.psk_id, psk=pairing.psk)
    for request in ((wire.OP_LIST, 0), (wire.OP_OPEN, backup_id, 1), (wire.OP_READ, backup_id, 0), (wire.OP_PAIRINGS,)):
        assert host.ask(*request) == {0: wire.STATUS_LOCKED}
    host.ok(wire.OP_UNLOCK, PIN)
    assert len(host.list()) == 1  # control: what the PIN shows


def test_the_real_client_with_the_wrong_key(desk: Desk, home: object) -> None:
    """Its file of pairing keys names the right token and id, and somebody else's key."""
    chip = desk.token()
    right = desk.store.all()[0]
    desk.store.keep(replace(right, psk=bytes(range(32))))
    cable = Wire(power_up(Chip(bytes(chip.image))))
    with pytest.raises(SessionRefusedError):
        TokenClient(cable).connect(desk.store)
    assert cable.records == 0
    PairingStore(desk.store.path).keep(right)
    TokenClient(cable).connect(desk.store)
