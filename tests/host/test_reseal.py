"""Sealing anew on the same token: what changes, what does not, and that a good copy is there at every moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coldshare import reseal as module
from coldshare import restore
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.handover import ToFile
from coldshare.recovery import RecoveryCode, RecoveryFile, parse_file
from coldshare.reseal import ResealCheckError, ResealResult, reseal
from coldshare.seal import DEFAULT_KDF, Content, KdfCostError, KdfParams, WeakPasswordError, WrongFactorError
from coldshare_firmware.person import BUTTON_NO, BUTTON_YES
from coldshare_iface import wire
from coldshare_iface.errors import CancelledError, ColdshareError, OtherPartyError, RejectedError
from coldshare_iface.messages import Backup
from coldshare_sim.flash import Chip
from support.desk import KDF, PASSWORD, Cable, Desk, Presses, approves, put_share, slots, vault

SHARE = vault()[0].vult
NEW = "quartz-lantern-marble-57-otter"


def only(client: TokenClient) -> Backup:
    (held,) = client.backups()
    return held


def again(desk: Desk, chip: Chip, key: Any = PASSWORD, person: Presses | None = None, **options: Any) -> ResealResult:
    client = desk.client(chip, person)
    options = {"password": NEW, "kdf": KDF} | options
    return reseal(client, only(client), key, **options)


def inside(desk: Desk, chip: Chip, key: restore.Key) -> tuple[restore.Fetched, Content]:
    client = desk.client(chip)
    fetched = restore.fetch(client, client.backups()[-1], wire.PURPOSE_VERIFY)
    return fetched, restore.open_fetched(fetched, key, allow_cost=lambda cost: True)


def code_in(path: Path) -> RecoveryFile:
    return parse_file(path.read_text())


def test_another_password_and_the_same_share(desk: Desk) -> None:
    chip, old_id = desk.stored()
    old, before = inside(desk, chip, PASSWORD)
    person = approves()
    done = again(desk, chip, person=person)
    assert [lines[0] for lines in person.questions] == ["RELEASE to verify?", "Replace this share?"]
    assert (done.old_id, done.recovery, done.had_recovery) == (old_id, False, False)
    assert [entry[:2] for entry in desk.held(chip)] == [(done.backup_id.hex(), False)]
    assert slots(chip) == [(done.backup_id, wire.BACKUP_ACTIVE)]
    new, after = inside(desk, chip, NEW)
    assert (after.original, after.record) == (before.original, before.record)
    assert after.original == SHARE
    with pytest.raises(WrongFactorError):
        inside(desk, chip, PASSWORD)
    # The token and the seal were told the same, and nothing in the open ties the new one to the old.
    assert replace(new.backup.declaration, nonce=old.backup.declaration.nonce) == old.backup.declaration
    assert new.declared == after.declaration == done.declaration.encode() != old.declared
    assert new.factor != old.factor
    for field in ("backup_id", "declaration_digest", "iv", "commitment"):
        assert getattr(new.envelope, field) != getattr(old.envelope, field)
    assert {slot.salt for slot in new.envelope.slots}.isdisjoint(slot.salt for slot in old.envelope.slots)


def test_a_recovery_code_comes_changes_and_goes(desk: Desk, tmp_path: Path) -> None:
    chip, _ = desk.stored()
    first = again(desk, chip, password=None, recovery=ToFile(tmp_path / "1"))
    assert (first.had_recovery, first.recovery) == (False, True)
    assert inside(desk, chip, code_in(tmp_path / "1"))[1].original == SHARE
    exported = inside(desk, chip, PASSWORD)[0].sealed
    second = again(desk, chip, password=None, recovery=ToFile(tmp_path / "2"))
    assert (second.had_recovery, second.recovery) == (True, True)
    with pytest.raises(WrongFactorError) as caught:
        inside(desk, chip, code_in(tmp_path / "1"))
    assert first.backup_id.hex()[:8] in caught.value.next_step
    assert inside(desk, chip, code_in(tmp_path / "2"))[1].original == SHARE
    third = again(desk, chip, password=None)
    assert (third.had_recovery, third.recovery) == (True, False)
    assert [slot.names for slot in third.slots] == [("password", "token")]
    # What was exported before still opens with the code of its time, and with nothing else.
    assert restore.verify_sealed(exported, code_in(tmp_path / "1")).original == SHARE
    with pytest.raises(WrongFactorError):
        restore.verify_sealed(exported, code_in(tmp_path / "2"))
    with pytest.raises(restore.NotOnThisTokenError):
        restore.verify_sealed(exported, PASSWORD, client=desk.client(chip))


def test_a_forgotten_password(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    put_share(desk.client(chip), SHARE, recovery=ToFile(tmp_path / "code"))
    with pytest.raises(ValueError, match="needs a new password"):
        again(desk, chip, code_in(tmp_path / "code"), password=None)
    again(desk, chip, code_in(tmp_path / "code"))
    assert inside(desk, chip, NEW)[1].original == SHARE


def test_what_a_password_costs(desk: Desk) -> None:
    chip, _ = desk.stored()  # sealed at the least
    assert again(desk, chip, password=None, kdf=None).slots[0].kdf == DEFAULT_KDF
    dear = KdfParams(512 << 10)
    assert again(desk, chip, password=None, kdf=dear).slots[0].kdf == dear
    with pytest.raises(KdfCostError) as caught:
        again(desk, chip, password=None, kdf=None)
    assert "--allow-cost" in caught.value.next_step
    kept = again(desk, chip, password=None, kdf=None, allow_cost=lambda cost: True)
    assert kept.slots[0].kdf == dear
    for cost in (KdfParams(63 << 10), KdfParams(passes=2), KdfParams(2 << 20)):
        person = approves()
        with pytest.raises(KdfCostError):
            again(desk, chip, person=person, kdf=cost)
        assert person.questions == []
    assert [entry[:2] for entry in desk.held(chip)] == [(kept.backup_id.hex(), False)]


def test_what_is_refused_changes_nothing(desk: Desk) -> None:
    chip, old_id = desk.stored()
    yes, no = BUTTON_YES, BUTTON_NO
    for key, options, buttons, error, presses in (
        (PASSWORD, {"password": "sunshine"}, (yes,), WeakPasswordError, 0),
        (PASSWORD, {"password": "Savings Phone"}, (yes,), WeakPasswordError, 0),
        (NEW, {}, (yes,), WrongFactorError, 1),
        (RecoveryCode.generate(), {}, (yes,), ColdshareError, 1),
        (PASSWORD, {}, (no,), RejectedError, 1),
        (PASSWORD, {}, (yes, no), RejectedError, 2),
    ):
        person = Presses(*buttons)
        with pytest.raises(error):
            again(desk, chip, key, person, **options)
        assert len(person.questions) == presses
        assert slots(chip) == [(old_id, wire.BACKUP_ACTIVE)]
    assert inside(desk, chip, PASSWORD)[1].original == SHARE


def test_an_unconfirmed_one_is_not_pushed_aside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It proves good when it is opened, so it counts from then on, and the new one takes its place in turn."""
    chip, _ = desk.stored()
    with monkeypatch.context() as patch:
        patch.setattr(TokenClient, "confirm", lambda *_: None)
        pending = put_share(desk.client(chip), SHARE).backup_id
    client = desk.client(chip)
    held = client.backups()[-1]
    assert (held.backup_id, held.pending) == (pending, True)
    states: list[Any] = []
    put = client.put

    def look_first(*args: Any) -> None:
        states.extend((other.backup_id, other.pending) for other in client.backups())
        put(*args)

    client.put = look_first  # type: ignore[method-assign]
    done = reseal(client, held, PASSWORD, password=NEW, kdf=KDF)
    assert states == [(pending, False)]
    assert [entry[0] for entry in desk.held(chip)] == [done.backup_id.hex()]


# --- cut short: the old one counts until the new one has proved good


class StopError(Exception):
    """Something that nobody foresaw."""


def good(desk: Desk, chip: Chip, old_id: bytes) -> str:
    """What the token holds. Every backup on it opens: the old one with the old password, others with the new one."""
    client = desk.client(chip)
    found = client.backups()
    for held in found:
        key = PASSWORD if held.backup_id == old_id else NEW
        fetched = restore.fetch(client, held, wire.PURPOSE_VERIFY)
        assert restore.open_fetched(fetched, key).original == SHARE
    assert not found[0].pending, "there is none that counts"
    if found[0].backup_id == old_id:
        return "both" if len(found) == 2 else "old"
    assert len(found) == 1
    return "new"


ON_STEPS = ["confirming", "reading", "opening", "sealing", "writing", "confirming", "reading", "opening"]


@pytest.mark.parametrize("number", range(len(ON_STEPS)))
@pytest.mark.parametrize(
    "error", [StopError, *(pytest.param(one, marks=pytest.mark.slow) for one in (KeyboardInterrupt, CancelledError))]
)
def test_stopping_at_any_step(desk: Desk, tmp_path: Path, number: int, error: type[BaseException]) -> None:
    chip, old_id = desk.stored()
    seen: list[str] = []

    def on_step(step: str, done: int, total: int) -> None:
        if not seen or seen[-1] != step:
            seen.append(step)
            if len(seen) == number + 1:
                raise error

    path = tmp_path / "code"
    with pytest.raises(error) as caught:
        again(desk, chip, recovery=ToFile(path), on_step=on_step)
    assert seen == ON_STEPS[: number + 1]
    after_the_press = number > 5
    assert good(desk, chip, old_id) == ("both" if after_the_press else "old")
    assert path.exists() == after_the_press
    if isinstance(caught.value, CancelledError) and after_the_press:
        assert "still counts" in caught.value.next_step
        assert str(path) in caught.value.next_step
    if after_the_press:
        # As the next step says: the new one proves good, and the old one goes.
        client = desk.client(chip)
        assert restore.verify(client, client.backups()[-1], NEW).confirmed
        assert good(desk, chip, old_id) == "new"
        assert inside(desk, chip, code_in(path))[1].original == SHARE
    else:
        again(desk, chip)
        assert good(desk, chip, old_id) == "new"


@pytest.mark.slow
def test_a_cable_pulled_out_after_any_report(desk: Desk) -> None:
    chip, old_id = desk.stored()
    image = bytes(chip.image)
    client = desk.client(chip)
    carrier = client._transport
    assert isinstance(carrier, Cable)
    held = only(client)
    carrier.passed = 0
    reseal(client, held, PASSWORD, password=NEW, kdf=KDF)
    total = carrier.passed
    outcomes = []
    # All through it now and then, and closely around the end, where it is decided.
    for budget in sorted({*range(0, total, total // 12), *range(total - 8, total)}):
        chip = Chip(image)
        desk.rewind()
        client = desk.client(chip)
        cable = client._transport
        assert isinstance(cable, Cable)
        held = only(client)
        cable.passed, cable.budget = 0, budget
        with pytest.raises(TokenGoneError):
            reseal(client, held, PASSWORD, password=NEW, kdf=KDF)
        outcomes.append(good(desk, chip, old_id))
    assert outcomes == sorted(outcomes, key=["old", "both", "new"].index)
    assert set(outcomes) == {"old", "both", "new"}


def test_one_that_does_not_come_back_as_it_should(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    chip, old_id = desk.stored()
    with monkeypatch.context() as patch:
        patch.setattr(module, "_same", lambda *_: False)
        with pytest.raises(ResealCheckError) as caught:
            again(desk, chip)
    assert "still counts" in caught.value.next_step
    assert good(desk, chip, old_id) == "both"


def test_another_party_stays_out_all_the_same(desk: Desk) -> None:
    chip, old_id = desk.stored()
    again(desk, chip)
    with pytest.raises(OtherPartyError):
        put_share(desk.client(chip), vault()[1].vult)
    assert good(desk, chip, old_id) == "new"
