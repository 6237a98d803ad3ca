"""Life with a token, seen from the host: what it asks for, what it keeps, and tokens that are old or lie."""

from __future__ import annotations

import contextlib

import pytest

from coldshare.device.errors import CapabilityError, NotPairedError, SessionLostError, SessionRefusedError
from coldshare.device.token import TokenClient
from coldshare_iface import codec, wire
from coldshare_iface.errors import (
    BurntError,
    CancelledError,
    NoSuchBackupError,
    PinFormatError,
    PinWrongError,
    RejectedError,
    ReplyError,
)
from support.desk import PIN, Cable, Desk, Puppet, power_up, puppet_client, put_share, rejects, vault

NEW_PIN = "271828"


def can_manage() -> bytes:
    """What a puppet says of itself that knows these requests."""
    info = codec.decode(Puppet(lambda op, fields: {}).info)
    assert isinstance(info, dict)
    return codec.encode({**info, 6: [wire.CAP_BACKUP, wire.CAP_MANAGE]})


def test_older_firmware_is_recognised_before_it_is_asked() -> None:
    client = puppet_client(lambda op, fields: {})
    puppet = client._transport
    assert isinstance(puppet, Puppet)
    for ask in (
        lambda: client.set_label("Safe B"),
        lambda: client.change_pin(PIN, NEW_PIN),
        client.pairings,
        lambda: client.unpair(bytes(8)),
        lambda: client.remove(bytes(16)),
        client.wipe,
    ):
        with pytest.raises(CapabilityError, match="too old"):
            ask()
    assert puppet.requests == []


def test_label(desk: Desk) -> None:
    chip = desk.token()
    client = desk.client(chip)
    assert desk.store.all()[0].label == "Safe A"
    client.set_label("Safe B")
    assert desk.store.all()[0].label == "Safe B"
    again = TokenClient(Cable(power_up(chip)))
    again.connect(desk.store)
    assert again.unlock(PIN) == "Safe B"


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from coldshare.device import pairings
    from coldshare.files import OutputError

    client = desk.client(desk.token())

    def fail(*_: object, **__: object) -> None:
        raise OutputError

    monkeypatch.setattr(pairings, "write_private", fail)
    client.set_label("Safe B")
    assert desk.store.all()[0].label == "Safe A"


def test_change_pin(desk: Desk) -> None:
    chip = desk.token()
    client = TokenClient(Cable(power_up(chip)))
    client.connect(desk.store)
    with pytest.raises(PinWrongError) as wrong:
        client.change_pin("000000", NEW_PIN)
    assert wrong.value.detail == 7
    for old, new in ((PIN, "12"), ("12a4", NEW_PIN)):
        with pytest.raises(PinFormatError):
            client.change_pin(old, new)
    client.change_pin(PIN, NEW_PIN)
    client.backups()
    with pytest.raises(PinWrongError):
        client.unlock(PIN)
    client.unlock(NEW_PIN)


def test_pairings(desk: Desk) -> None:
    client = desk.client(desk.token())
    (mine,) = client.pairings()
    assert (mine.psk_id, mine.host) == (client.psk_id, "desk")
    client.unpair(mine.psk_id)
    with pytest.raises(SessionLostError):
        client.backups()
    with pytest.raises(SessionRefusedError):
        client.connect(desk.store)


def test_remove(desk: Desk) -> None:
    chip, backup_id = desk.stored()
    with pytest.raises(RejectedError):
        desk.client(chip, rejects()).remove(backup_id)
    client = desk.client(chip)
    assert [held.backup_id for held in client.backups()] == [backup_id]
    client.remove(backup_id)
    assert client.backups() == []
    with pytest.raises(NoSuchBackupError):
        client.remove(backup_id)
    put_share(client, vault()[1].vult)


def test_wipe_by_a_stranger_with_the_token_in_hand(desk: Desk) -> None:
    chip, _ = desk.stored()
    with pytest.raises(RejectedError):
        TokenClient(Cable(power_up(chip, rejects()))).wipe()
    client = TokenClient(Cable(power_up(chip)))
    before = client.info
    client.wipe()
    assert (client.info.state, client.info.serial == before.serial) == (wire.TOKEN_NEW, False)
    with pytest.raises(NotPairedError):
        client.connect(desk.store)


def test_wipe_of_a_burnt_token(desk: Desk) -> None:
    chip, _ = desk.stored()
    client = TokenClient(Cable(power_up(chip)))
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(desk.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.change_pin("000000", NEW_PIN)
    client = TokenClient(Cable(power_up(chip)))
    assert client.info.state == wire.TOKEN_BURNT
    client.wipe()
    assert client.info.state == wire.TOKEN_NEW


def test_a_wipe_that_is_cancelled(desk: Desk) -> None:
    from threading import Event

    chip, backup_id = desk.stored()
    cancel = Event()
    cancel.set()
    with pytest.raises(CancelledError):
        TokenClient(Cable(power_up(chip)), cancel=cancel).wipe()
    assert desk.held(chip)[0][0] == backup_id.hex()


@pytest.mark.parametrize("budget", range(0, 60, 3))
def test_a_cable_pulled_out_while_it_is_wiped(desk: Desk, budget: int) -> None:
    """All of it is there, or nothing; and it can be wiped again."""
    from coldshare.device.errors import TokenGoneError

    chip, backup_id = desk.stored()
    cable = Cable(power_up(chip))
    client = TokenClient(cable)
    cable.passed, cable.budget = 0, budget
    with contextlib.suppress(TokenGoneError):
        client.wipe()
    again = TokenClient(Cable(power_up(chip)))
    if again.info.state == wire.TOKEN_READY:
        assert desk.held(chip)[0][0] == backup_id.hex()
        again = TokenClient(Cable(power_up(chip)))
    again.wipe()
    assert again.info.state == wire.TOKEN_NEW


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {1: {}},
        {1: [7]},
        {1: [{1: bytes(8)}]},
        {1: [{1: bytes(7), 2: "desk"}]},
        {1: [{1: bytes(8), 2: ""}]},
        {1: [{1: bytes(8), 2: "d" * 33}]},
        {1: [{1: bytes(8), 2: "desk"}] * 9},
    ],
)
def test_a_list_of_pairings_that_is_none(desk: Desk, reply: dict[int, codec.Encodable]) -> None:
    desk.store.keep(Puppet.pairing)
    client = TokenClient(Puppet(lambda op, fields: reply, can_manage()))
    client.connect(desk.store)
    with pytest.raises(ReplyError):
        client.pairings()
