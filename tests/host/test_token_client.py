"""The client and a token, both real: getting to know each other, who may use it, what it keeps."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from coldshare.device import pairings
from coldshare.device.errors import (
    CodeRejectedError,
    NotPairedError,
    SessionLostError,
    SessionRefusedError,
    TokenGoneError,
)
from coldshare.device.pairings import Pairing, PairingsError, PairingStore
from coldshare.device.token import TokenClient, check_pin
from coldshare_firmware.person import BUTTON_NO, BUTTON_YES
from coldshare_iface import wire
from coldshare_iface.errors import (
    AlreadySetUpError,
    BadDeclarationError,
    BadRequestError,
    BurntError,
    LockedError,
    NoSuchBackupError,
    NotSetUpError,
    PersonTimeoutError,
    PinFormatError,
    PinReplugError,
    PinWrongError,
    ProtocolError,
    RejectedError,
)
from coldshare_sim.flash import Chip
from support.desk import PIN, Cable, Desk, Presses, approves, power_up, put_share, rejects, slots, stares, vault

WRONG = "000000"


def plug(chip: Chip, person: Presses | None = None) -> TokenClient:
    return TokenClient(Cable(power_up(chip, person)))


# --- pairing


def test_a_new_token_is_paired_set_up_and_used(desk: Desk) -> None:
    chip, person = Chip(), approves()
    with plug(chip, person) as client:
        codes: list[str] = []

        def compare(code: str) -> bool:
            codes.append(code)
            return True

        client.pair(desk.store, compare, "my computer")
        client.connect(desk.store)
        client.set_up(PIN, "Safe A")
        assert client.backups() == []
    pair, set_up = person.questions
    assert pair[0] == "Pair with my computer?"
    assert " ".join(pair[1:3]) == codes[0]
    assert set_up[:2] == ["Set up this token?", "Safe A"]
    with plug(chip) as client:
        client.connect(desk.store)
        assert client.unlock(PIN) == "Safe A"


def test_a_code_that_differs_pairs_nothing_and_leaves_no_code_on_the_screen(desk: Desk) -> None:
    chip = Chip()
    token = power_up(chip)
    client = TokenClient(Cable(token))
    with pytest.raises(CodeRejectedError):
        client.pair(desk.store, lambda code: False)
    assert desk.store.find(client.info.serial) is None
    assert isinstance(token.person, Presses)
    assert token.person.questions == []
    with pytest.raises(NotPairedError):
        client.connect(desk.store)
    client.pair(desk.store, lambda code: True)  # and the same link goes on
    client.connect(desk.store)


def test_ctrl_c_at_the_comparison_pairs_nothing(desk: Desk) -> None:
    def interrupt(code: str) -> bool:
        raise KeyboardInterrupt

    client = plug(Chip())
    with pytest.raises(KeyboardInterrupt):
        client.pair(desk.store, interrupt)
    assert desk.store.find(client.info.serial) is None


@pytest.mark.parametrize(("person", "error"), [(rejects, RejectedError), (stares, PersonTimeoutError)])
def test_no_press_no_pairing(desk: Desk, person: type[Presses], error: type[Exception]) -> None:
    chip = Chip()
    client = plug(chip, person())
    with pytest.raises(error):
        client.pair(desk.store, lambda code: True)
    assert desk.store.find(client.info.serial) is None
    with pytest.raises(NotPairedError):
        client.connect(desk.store)


def test_no_press_no_set_up(desk: Desk) -> None:
    chip = Chip()
    client = plug(chip, Presses(BUTTON_YES, BUTTON_NO))
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    with pytest.raises(RejectedError):
        client.set_up(PIN, "Safe A")
    assert plug(chip).info.state == wire.TOKEN_NEW
    with pytest.raises(NotSetUpError):
        client.unlock(PIN)


def test_a_key_that_could_not_be_kept_is_never_asked_for(desk: Desk) -> None:
    """The token has room for eight computers: none is wasted on a file that cannot be written."""
    desk.store.path.parent.mkdir(parents=True)
    desk.store.path.write_bytes(b"damaged")
    person = approves()
    with pytest.raises(PairingsError):
        plug(Chip(), person).pair(desk.store, lambda code: True)
    assert person.questions == []


@pytest.mark.parametrize("host", ["", "x" * 200, "n\x1b[2Jame\u202e", "\N{GRINNING FACE}" * 20, "\U000e0100"])
def test_any_name_of_a_computer_will_do(desk: Desk, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr("platform.node", lambda: host)
    client = plug(Chip())
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)


# --- whose token it is


def test_another_computer_is_not_known(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    with pytest.raises(NotPairedError) as caught:
        plug(chip).connect(PairingStore(tmp_path / "other" / "pairings.json"))
    assert "coldshare pair" in caught.value.next_step


def test_another_token_in_its_place_is_not_paired(desk: Desk) -> None:
    desk.token()
    with pytest.raises(NotPairedError):
        plug(Chip()).connect(desk.store)


@pytest.mark.parametrize("change", ["psk", "psk_id"])
def test_a_token_that_only_claims_the_serial_is_refused(desk: Desk, change: str) -> None:
    chip = desk.token()
    serial = plug(chip).info.serial
    real = desk.store.find(serial)
    assert real is not None
    fake = Pairing(serial, real.psk_id, bytes(32)) if change == "psk" else Pairing(serial, b"another!", real.psk)
    desk.store.keep(fake)
    client = plug(chip)
    with pytest.raises(SessionRefusedError) as caught:
        client.connect(desk.store)
    assert caught.value.code == "session_refused"
    with pytest.raises(ProtocolError):
        client.backups()


def test_a_computer_that_the_token_knows_no_more_pairs_again(desk: Desk) -> None:
    chip = desk.token()
    client = plug(chip)
    desk.store.keep(Pairing(client.info.serial, b"another!", bytes(32)))
    with pytest.raises(SessionRefusedError):
        client.connect(desk.store)
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    assert client.unlock(PIN) == "Safe A"


# --- the PIN


def test_nothing_without_the_pin(desk: Desk) -> None:
    client = plug(desk.token())
    client.connect(desk.store)
    for use in (client.backups, lambda: client.reserve(b"x"), lambda: client.open(bytes(16), wire.PURPOSE_VERIFY)):
        with pytest.raises(LockedError):
            use()


def test_wrong_pins_are_counted_down_in_words_and_end_in_a_burnt_token(desk: Desk) -> None:
    chip, _ = desk.stored()
    for left in (7, 6, 5, 4, 3, 2, 1):
        client = plug(chip)  # three are allowed per power-up
        client.connect(desk.store)
        with pytest.raises(PinWrongError) as caught:
            client.unlock(WRONG)
        assert f"{left} attempt{'s' if left > 1 else ''} left" in caught.value.message
        assert caught.value.detail == left
    client = plug(chip)
    client.connect(desk.store)
    with pytest.raises(BurntError):
        client.unlock(WRONG)
    for again in (client, plug(chip)):
        again.info = again._read_info()
        with pytest.raises(BurntError):
            again.connect(desk.store)
    assert slots(chip) == []


def test_the_right_pin_forgives(desk: Desk) -> None:
    chip = desk.token()
    client = plug(chip)
    client.connect(desk.store)
    for _ in range(2):
        with pytest.raises(PinWrongError):
            client.unlock(WRONG)
    client.unlock(PIN)
    with pytest.raises(PinWrongError) as caught:
        client.unlock(WRONG)
    assert caught.value.detail == 7


def test_after_three_wrong_ones_it_wants_to_be_plugged_in_again(desk: Desk) -> None:
    client = plug(desk.token())
    client.connect(desk.store)
    for _ in range(3):
        with pytest.raises(PinWrongError):
            client.unlock(WRONG)
    with pytest.raises(PinReplugError):
        client.unlock(PIN)


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "12 34", "\uff11\uff12\uff13\uff14", "-123", "9" * 5000])
def test_what_cannot_be_a_pin_costs_no_attempt(desk: Desk, pin: str) -> None:
    client = plug(desk.token())
    client.connect(desk.store)
    for use in (lambda: client.unlock(pin), lambda: check_pin(pin), lambda: client.set_up(pin, "x")):
        with pytest.raises(PinFormatError):
            use()
    with pytest.raises(PinWrongError) as caught:
        client.unlock(WRONG)
    assert caught.value.detail == 7


def test_a_token_is_set_up_once(desk: Desk) -> None:
    client = desk.client(desk.token())
    with pytest.raises(AlreadySetUpError):
        client.set_up("1234", "Mine now")


@pytest.mark.parametrize("label", ["", "x" * 33, "two\nlines"])
def test_a_label_that_the_token_cannot_show(desk: Desk, label: str) -> None:
    client = plug(Chip())
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    with pytest.raises(BadRequestError):
        client.set_up(PIN, label)


# --- what it keeps


def test_the_factor_of_a_backup_needs_a_press(desk: Desk) -> None:
    chip, backup_id = desk.stored()
    for purpose in (wire.PURPOSE_VERIFY, wire.PURPOSE_RESTORE):
        client = desk.client(chip, rejects())
        with pytest.raises(RejectedError):
            client.open(backup_id, purpose)
    person = approves()
    desk.client(chip, person).open(backup_id, wire.PURPOSE_RESTORE)
    assert {"Savings", "share of Phone"} <= set(person.questions[0])


def test_unknown_backups(desk: Desk) -> None:
    client = desk.client(desk.token())
    for use in (client.commit, client.confirm, lambda unknown: client.open(unknown, wire.PURPOSE_VERIFY)):
        with pytest.raises(NoSuchBackupError):
            use(bytes(16))
    client.give_up(bytes(16))  # cleaning up never fails


def test_a_declaration_the_token_cannot_read(desk: Desk) -> None:
    with pytest.raises(BadDeclarationError):
        desk.client(desk.token()).reserve(b"\xa0")


def test_a_second_host_takes_the_token_and_the_first_one_is_told(desk: Desk) -> None:
    """Two programs on one token: the first one's channel is closed, and it says that rather than "pair again"."""
    token = power_up(desk.token())
    first, second = TokenClient(Cable(token)), TokenClient(Cable(token))
    first.connect(desk.store)
    first.unlock(PIN)
    second.connect(desk.store)
    with pytest.raises(SessionLostError):
        first.backups()
    second.unlock(PIN)
    assert second.backups() == []


def test_a_token_that_was_unplugged_in_between(desk: Desk) -> None:
    token = power_up(desk.token())
    client = TokenClient(Cable(token))
    client.connect(desk.store)
    client.unlock(PIN)
    token.power_cycle()
    with pytest.raises(ProtocolError):  # the channel id means nothing to it any more
        client.backups()


def test_a_cable_that_is_pulled_out(desk: Desk) -> None:
    client = desk.client(desk.token(), budget=0)
    with pytest.raises(TokenGoneError):
        client.backups()


def test_identify_and_close(desk: Desk) -> None:
    cable = Cable(power_up(desk.token()))
    with TokenClient(cable) as client:
        client.identify()
        assert client.unattended
    assert cable.closed


def test_sixteen_backups_are_listed_over_two_pages(desk: Desk) -> None:
    chip = desk.token()
    client = desk.client(chip)
    for number in range(wire.BACKUPS_MAX):
        backup_id = client.reserve(small_declaration(number)).backup_id
        client.put(backup_id, b"sealed %d" % number)
        client.commit(backup_id)
        client.confirm(backup_id)
    assert [held.declaration.vault for held in client.backups()] == [b"vault %d" % n for n in range(wire.BACKUPS_MAX)]


def small_declaration(number: int) -> bytes:
    from coldshare_iface.messages import Declaration

    return Declaration(
        vault=b"vault %d" % number,
        name="",
        party="Phone",
        generation=bytes(32),
        threshold=2,
        parties=3,
        library=wire.LIBRARY_DKLS,
        nonce=bytes(16),
    ).encode()


def test_nothing_secret_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chip = desk.token()
    client = desk.client(chip)
    put_share(client, vault()[0].vult)
    pairing = desk.store.find(client.info.serial)
    assert pairing is not None
    text = caplog.text
    assert "channel" in text  # something is logged at all
    for secret in (PIN, pairing.psk.hex(), repr(pairing.psk), "tidal"):
        assert secret not in text
    assert pairings.__name__ not in text
