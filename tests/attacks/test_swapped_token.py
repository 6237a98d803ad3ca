"""Who: somebody who took the token and left another one that looks the same: same label, and the same serial too.
Wants: the PIN and the share that the owner then gives it.
What stops him: a session needs the pairing key, and the impostor has not got it. The host notices at the handshake,
before it asks for a PIN. Who pairs again is told that a device with this serial had other keys.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coldshare.device.errors import NotPairedError, OtherTokenError, SessionRefusedError
from coldshare.device.token import TokenClient
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_LABEL, F_PIN, F_SERIAL, F_STATE
from coldshare_firmware.pin import PinGate
from coldshare_iface import wire
from coldshare_iface.errors import ProtocolError
from coldshare_sim.flash import Chip, KeyBlocks
from support.attacker import Wire
from support.desk import PIN, Desk, _ready_image, approves, key_record, power_up
from support.shell import Shell, failed

AT = "sim:a.token?user=approve"


def impostor(chip: Chip, *, serial: bool) -> Chip:
    """The real firmware with keys of its own, under the label of the token on `chip`, and under its serial if so."""
    other = Chip(_ready_image(5, "Safe B")[0])
    original = key_record(chip)
    return rewritten(other, {field: original[field] for field in (F_LABEL, F_SERIAL)[: 1 + serial]})


def rewritten(chip: Chip, changes: dict[int, Any]) -> Chip:
    """With other fields in its key area, as only somebody with the chip in his hands can do."""
    area = KeyArea(KeyBlocks(chip))
    record = area.load()
    assert record is not None
    area.store(record | changes)
    return chip


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every PIN that reaches a token: firmware that tells somebody."""
    pins: list[object] = []
    attempt = PinGate.attempt

    def telling(self: PinGate, pin: object) -> object:
        pins.append(pin)
        return attempt(self, pin)

    monkeypatch.setattr(PinGate, "attempt", telling)
    return pins


@pytest.mark.parametrize("serial", [True, False], ids=["the same serial", "another serial"])
def test_the_host_notices_before_the_pin(desk: Desk, taken: list[object], serial: bool) -> None:
    cable = Wire(power_up(impostor(desk.token(), serial=serial)))
    client = TokenClient(cable)
    with pytest.raises(SessionRefusedError if serial else NotPairedError):
        client.connect(desk.store)
    with pytest.raises(ProtocolError, match="no secure channel"):
        client.unlock(PIN)
    assert cable.records == 0
    assert taken == []


def test_control_an_impostor_with_the_tokens_keys(desk: Desk, taken: list[object]) -> None:
    """A copy of the whole flash is the token, as far as any computer can tell: it gets the PIN."""
    client = TokenClient(Wire(power_up(Chip(bytes(desk.token().image)))))
    client.connect(desk.store)
    client.unlock(PIN)
    assert taken == [PIN]


@pytest.mark.parametrize("serial", [True, False], ids=["the same serial", "another serial"])
@pytest.mark.parametrize("command", ["list", "verify", "backup"])
def test_no_command_reads_the_pin_for_it(
    desk: Desk, shell: Shell, taken: list[object], serial: bool, command: str
) -> None:
    """A file with the PIN that does not exist would be missed: it is not even looked for."""
    shell.write("a.token", bytes(impostor(desk.token(), serial=serial).image))
    options = {"list": [], "verify": ["--password-file", "pw"]}
    options["backup"] = ["phone.vult", "--no-recovery", "--password-file", "pw"]
    said = shell(command, *options[command], "--at", AT, "--pin-file", "no such file")
    failed(said, "session_refused" if serial else "not_paired", said.status, as_json=False)
    assert taken == []


def test_control_the_same_commands_and_the_right_token(desk: Desk, shell: Shell, taken: list[object]) -> None:
    shell.write("a.token", bytes(desk.token().image))
    said = shell("list", "--at", AT, "--pin-file", "pin")
    assert said.status == 0
    assert taken == [PIN]


# --- the owner is told "session refused", and pairs again


def test_pairing_again_meets_other_keys(desk: Desk, taken: list[object]) -> None:
    """Whoever pairs with the impostor sees the same code on both, for nobody is between them. Its keys are others."""
    chip = desk.token()
    known, person = desk.store.all(), approves()
    false = impostor(chip, serial=True)
    client = TokenClient(Wire(power_up(false, person)))
    codes: list[str] = []
    with pytest.raises(OtherTokenError):
        client.pair(desk.store, lambda code: not codes.append(code))  # type: ignore[func-returns-value]
    assert codes == []
    assert person.questions == []
    assert desk.store.all() == known
    client = desk.client(chip)
    client.pair(desk.store, lambda code: True)  # the real one may be paired as often as one likes
    assert desk.store.all() != known


def test_control_a_computer_that_has_not_kept_the_tokens_key(desk: Desk, taken: list[object]) -> None:
    """As one that was paired by an early version: the impostor takes the token's place, and the PIN."""
    false = impostor(desk.token(), serial=True)
    desk.store.keep(replace(desk.store.all()[0], token_key=b""))
    client = TokenClient(Wire(power_up(false)))
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    client.unlock(PIN)
    assert taken == [PIN]


@pytest.mark.parametrize("command", [["pair"], ["restore", "--out", "x.vult"], ["init", "--label", "Safe A"]], ids=str)
def test_no_command_takes_it_for_the_old_one(desk: Desk, shell: Shell, taken: list[object], command: list[str]) -> None:
    false = impostor(desk.token(), serial=True)
    if command[0] == "init":  # it says that it is new
        rewritten(false, {F_STATE: wire.TOKEN_NEW, F_PIN: []})
    shell.write("a.token", bytes(false.image))
    pin = [] if command[0] == "pair" else ["--pin-file", "pin"]
    said = shell(*command, "--at", AT, *pin)
    failed(said, "session_refused" if command[0] == "restore" else "other_token", said.status, as_json=False)
    assert taken == []


@pytest.mark.parametrize("defended", [True, False])
def test_it_says_that_it_is_burnt_and_is_not_any_more(desk: Desk, taken: list[object], defended: bool) -> None:
    """A burnt token has other keys, and may be paired again, to copy what is on it. The impostor says so, is paired,
    and then says that it is ready. The control: a computer that does not keep what it was told."""
    chip = desk.token()
    false = rewritten(impostor(chip, serial=True), {F_STATE: wire.TOKEN_BURNT})
    TokenClient(Wire(power_up(false))).pair(desk.store, lambda code: True)
    rewritten(false, {F_STATE: wire.TOKEN_READY})
    if not defended:
        desk.store.keep(replace(desk.store.all()[0], burnt=False))
    client = TokenClient(Wire(power_up(false)))
    if defended:
        with pytest.raises(SessionRefusedError):
            client.connect(desk.store)
        with pytest.raises(OtherTokenError):
            client.pair(desk.store, lambda code: True)
        assert taken == []
        TokenClient(Wire(power_up(chip))).pair(desk.store, lambda code: True)  # the owner's own one, found again
        desk.client(chip)
    else:
        client.connect(desk.store)
        client.unlock(PIN)
        assert taken == [PIN]


def test_what_remains_a_label_is_no_proof(desk: Desk, shell: Shell, taken: list[object]) -> None:
    """Under another serial it is a new token to the host. `restore` would introduce the two: it says which tokens it
    knows, and that this is none of them. Who goes on has given his PIN away."""
    serial = key_record(desk.token())[F_SERIAL].hex()
    false = impostor(desk.token(), serial=False)
    desk.client(desk.token())  # so that the label is known here
    taken.clear()
    shell.write("a.token", bytes(false.image))
    said = shell("restore", "--out", "x.vult", "--at", AT, "--pin-file", "no such file", "--password-file", "pw")
    assert f"It knows other ones: 'Safe A' ({serial})." in said.err
    assert taken == []
