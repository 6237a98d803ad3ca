"""Who: somebody on the cable while a computer is paired: a hub, a program that owns the USB port, a borrowed adapter.
Wants: a pairing key, so that he reads the PIN and everything after it.
What stops him: two handshakes have two comparison codes, and each of the two people accepts only the code that both
see. The key crosses after both have.
"""

from __future__ import annotations

import pytest

from coldshare.device.errors import CodeRejectedError, NotPairedError
from coldshare.device.token import TokenClient
from coldshare_firmware.keys import F_PAIRINGS
from coldshare_iface import wire
from coldshare_sim.flash import Chip
from support.attacker import Middle, Wire, bare
from support.client import NO, NOBODY, PIN, YES, Puppet
from support.desk import Desk, key_record, power_up


class Careful(Puppet):
    """Presses YES for the code that is on the computer's screen, and NO for any other."""

    on_the_computer = ""

    def show(self, lines: list[str], question: bool) -> None:
        super().show(lines, question)
        if question and lines[0].startswith("Pair with"):
            self.press(YES if " ".join(lines[1:3]) == self.on_the_computer else NO)


def shown(person: Puppet) -> str:
    """The code on the token's screen."""
    return " ".join(person.screen[1:3])


def test_the_person_at_the_computer_sees_two_codes(desk: Desk) -> None:
    chip, person = Chip(), Puppet()
    middle = Middle(power_up(chip, person))
    client = TokenClient(middle)
    with pytest.raises(CodeRejectedError):
        client.pair(desk.store, lambda code: code == shown(person))
    assert middle.psk == b""
    assert middle.requests == []
    assert person.questions == []
    assert key_record(chip)[F_PAIRINGS] == []
    with pytest.raises(NotPairedError):
        client.connect(desk.store)


def test_control_who_accepts_without_comparing_has_paired_with_him(desk: Desk) -> None:
    """The same man in the same place: all that stopped him was the comparison."""
    middle = Middle(power_up(Chip(), Puppet()))
    client = TokenClient(middle)
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    client.set_up(PIN, "Safe A")
    assert {0: wire.OP_SET_UP, 1: PIN, 2: "Safe A"} in middle.requests


def test_the_same_code_is_on_both_screens_when_nobody_is_between(desk: Desk) -> None:
    """Or the comparison would refuse everybody, and prove nothing above."""
    person = Puppet()
    TokenClient(Wire(power_up(Chip(), person))).pair(desk.store, lambda code: code == shown(person))


@pytest.mark.parametrize(("compares", "status"), [(True, wire.STATUS_REJECTED), (False, wire.STATUS_OK)])
def test_he_says_accepted_to_the_token_before_the_person_at_the_computer_has(
    desk: Desk, compares: bool, status: int
) -> None:
    """The token asks its own person, with his code on the screen. The control: one who presses without comparing."""
    chip, person = Chip(), Careful() if compares else Puppet()
    middle = Middle(power_up(chip, person))
    replies = []

    def compare(code: str) -> bool:
        if isinstance(person, Careful):
            person.on_the_computer = code
        replies.append(middle.far.ask(wire.OP_PAIR_ACCEPT, "desk"))
        return False

    with pytest.raises(CodeRejectedError):
        TokenClient(middle).pair(desk.store, compare)
    assert replies[0][0] == status
    assert (2 in replies[0]) is not compares
    assert len(key_record(chip)[F_PAIRINGS]) == (not compares)
    assert len(person.questions) == 1


def test_an_honest_pairing_has_a_careful_persons_yes(desk: Desk) -> None:
    person = Careful()

    def compare(code: str) -> bool:
        person.on_the_computer = code
        return code == shown(person)

    TokenClient(Wire(power_up(Chip(), person))).pair(desk.store, compare)


@pytest.mark.parametrize("defended", [True, False])
def test_nobody_presses_and_the_token_gives_nobody_a_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, defended: bool
) -> None:
    """He alone with the token. The control: firmware that does not wait for its button."""
    if not defended:
        monkeypatch.setattr("coldshare_firmware.ops.ask", lambda hal, lines: iter(()))
    chip = Chip()
    middle = Middle(power_up(chip, Puppet(default=NOBODY)))
    middle.far.handshake()
    reply = middle.far.ask(wire.OP_PAIR_ACCEPT, "desk")
    assert reply[0] == (wire.STATUS_TIMED_OUT if defended else wire.STATUS_OK)
    assert len(key_record(chip)[F_PAIRINGS]) == (not defended)


@pytest.mark.parametrize("defended", [True, False])
def test_whoever_only_listens_hears_no_key(desk: Desk, monkeypatch: pytest.MonkeyPatch, defended: bool) -> None:
    """The control: a channel that does not encrypt its records."""
    if not defended:
        bare(monkeypatch)
    listener = Wire(power_up(Chip(), Puppet()))
    client = TokenClient(listener)
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    client.set_up(PIN, "Safe A")
    kept = desk.store.find(client.info.serial)
    assert kept is not None
    assert listener.records == 2
    assert (kept.psk in listener.heard) is not defended
    assert (PIN.encode() in listener.heard) is not defended
