"""Backups with a recovery code: in whose hands it is when, and what it opens."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from coldshare import restore
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.files import OutputError, OutputExistsError
from coldshare.handover import Handover, ToFile
from coldshare.recovery import RecoveryCode, RecoveryFile, parse_file, short_id
from coldshare.restore import NotOnThisTokenError, ReadBackError
from coldshare.seal import MissingFactorError, WrongFactorError
from coldshare_firmware.person import BUTTON_NO, BUTTON_YES
from coldshare_iface import wire
from coldshare_iface.errors import CancelledError, RejectedError
from coldshare_sim.flash import Chip
from support.desk import PASSWORD, Desk, Presses, approves, put_share, rejects, slots, vault

SHARE = vault()[0].vult


class Hands(Handover):
    """A person's hands, and a note of what happened when."""

    def __init__(self, person: Presses) -> None:
        self.code = RecoveryCode.generate()
        self.person = person
        self.happened: list[str] = []
        self.asked_before = -1

    def give(self, backup_id: bytes) -> RecoveryCode:
        self.happened.append("give")
        self.asked_before = len(self.person.questions)
        return self.code

    def void(self) -> str:
        self.happened.append("void")
        return "Throw it away."

    def kept(self) -> str:
        self.happened.append("kept")
        return "Keep it."

    def say(self, words: str) -> None:
        self.happened.append(words)


def code_in(path: Path) -> RecoveryFile:
    return parse_file(path.read_text())


def with_code(desk: Desk, path: Path) -> tuple[Chip, bytes]:
    chip = desk.token()
    return chip, put_share(desk.client(chip), SHARE, recovery=ToFile(path)).backup_id


def test_the_code_is_in_hand_before_the_token_asks_for_anything(desk: Desk) -> None:
    person = approves()
    hands = Hands(person)
    done = put_share(desk.client(desk.token(), person), SHARE, recovery=hands)
    assert done.recovery
    assert hands.happened == ["give"]
    assert hands.asked_before == 0
    assert len(person.questions) == 1


def test_without_one_the_result_says_so(desk: Desk) -> None:
    chip = desk.token()
    assert not put_share(desk.client(chip), SHARE).recovery
    client = desk.client(chip)
    (held,) = client.backups()
    assert [slot.names for slot in restore.verify(client, held, None).slots] == [("password", "token")]


def test_it_opens_alone_and_so_does_the_password_with_the_token(desk: Desk, tmp_path: Path) -> None:
    chip, backup_id = with_code(desk, tmp_path / "code")
    file = code_in(tmp_path / "code")
    assert stat.S_IMODE((tmp_path / "code").stat().st_mode) == 0o600
    assert file.short_id == short_id(backup_id)
    client = desk.client(chip)
    (held,) = client.backups()
    for number, key in enumerate((file, file.code, PASSWORD)):
        checked = restore.verify(client, held, key)
        assert checked.opened
        assert [slot.names for slot in checked.slots] == [("password", "token"), ("recovery",)]
        assert checked.slots[1].kdf is None
        restore.restore(client, held, key, tmp_path / str(number))
        assert (tmp_path / str(number)).read_bytes() == SHARE


def test_an_exported_file_opens_with_the_code_and_no_token(desk: Desk, tmp_path: Path) -> None:
    chip, backup_id = with_code(desk, tmp_path / "code")
    client = desk.client(chip)
    (held,) = client.backups()
    sealed = restore.fetch(client, held, wire.PURPOSE_VERIFY).sealed
    checked = restore.restore_sealed(sealed, code_in(tmp_path / "code"), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == checked.original == SHARE
    assert (checked.backup_id, checked.declaration.party) == (backup_id, "Phone")
    # With the password it takes the token that made it.
    assert restore.verify_sealed(sealed, PASSWORD, client=client).original == SHARE
    with pytest.raises(MissingFactorError, match="the token"):
        restore.verify_sealed(sealed, PASSWORD)
    other = desk.client(desk.token(1, "Safe B"))
    with pytest.raises(NotOnThisTokenError, match=short_id(backup_id)):
        restore.verify_sealed(sealed, PASSWORD, client=other)
    with pytest.raises(OutputExistsError):
        restore.restore_sealed(sealed, code_in(tmp_path / "code"), tmp_path / "out")


def test_an_exported_file_that_is_damaged(desk: Desk, tmp_path: Path) -> None:
    chip, _ = with_code(desk, tmp_path / "code")
    client = desk.client(chip)
    (held,) = client.backups()
    sealed = bytearray(restore.fetch(client, held, wire.PURPOSE_VERIFY).sealed)
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(restore.ColdshareError) as caught:
        restore.verify_sealed(bytes(sealed), code_in(tmp_path / "code"))
    assert caught.value.code == "seal_damaged"


def test_the_code_of_another_backup(desk: Desk, tmp_path: Path) -> None:
    chip, backup_id = with_code(desk, tmp_path / "code")
    client = desk.client(chip)
    (held,) = client.backups()
    other = RecoveryCode.generate()
    with pytest.raises(WrongFactorError) as caught:
        restore.verify(client, held, other)
    assert short_id(backup_id) in caught.value.next_step
    assert "well-formed" in caught.value.next_step
    with pytest.raises(WrongFactorError) as caught:
        restore.verify(client, held, RecoveryFile(other, "1a2b3c4d"))
    assert "1a2b3c4d" in caught.value.next_step
    assert other.text not in str(caught.value) + caught.value.next_step


def test_a_backup_that_has_none(desk: Desk) -> None:
    chip, _ = desk.stored()
    client = desk.client(chip)
    (held,) = client.backups()
    with pytest.raises(MissingFactorError) as caught:
        restore.verify(client, held, RecoveryCode.generate())
    assert "without a recovery code" in caught.value.next_step


# --- what becomes of the code when the backup fails


@pytest.mark.parametrize("person", [rejects, lambda: Presses(BUTTON_NO, BUTTON_YES)])
def test_no_on_the_token_takes_the_file_back(desk: Desk, tmp_path: Path, person: Any) -> None:
    chip = desk.token()
    with pytest.raises(RejectedError):
        put_share(desk.client(chip, person()), SHARE, recovery=ToFile(tmp_path / "code"))
    assert not (tmp_path / "code").exists()
    assert slots(chip) == []


class StopError(Exception):
    """Something that nobody foresaw."""


@pytest.mark.parametrize("step", ["sealing", "writing", "confirming", "reading"])
@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt, CancelledError])
def test_stopping_at_any_step(desk: Desk, tmp_path: Path, step: str, error: type[BaseException]) -> None:
    chip = desk.token()

    def on_step(now: str, done: int, total: int) -> None:
        if now == step:
            raise error

    path = tmp_path / "code"
    with pytest.raises(error) as caught:
        put_share(desk.client(chip), SHARE, recovery=ToFile(path), on_step=on_step)
    if step != "reading":
        assert not path.exists()
        assert slots(chip) == []
        return
    assert code_in(path)
    if isinstance(caught.value, CancelledError):
        assert str(path) in caught.value.next_step
    client = desk.client(chip)
    (held,) = client.backups()
    assert held.pending
    assert restore.verify(client, held, code_in(path)).confirmed


def test_when_nobody_knows_whether_it_was_stored_the_code_stays(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = desk.token()
    commit = TokenClient.commit

    def answer_lost(client: TokenClient, backup_id: bytes) -> None:
        commit(client, backup_id)
        raise TokenGoneError

    path = tmp_path / "code"
    monkeypatch.setattr(TokenClient, "commit", answer_lost)
    with pytest.raises(TokenGoneError) as caught:
        put_share(desk.client(chip), SHARE, recovery=ToFile(path))
    assert "coldshare list" in caught.value.next_step
    assert str(path) in caught.value.next_step
    client = desk.client(chip)
    (held,) = client.backups()
    assert restore.verify(client, held, code_in(path)).opened


def test_words_that_no_error_can_carry_are_said(desk: Desk) -> None:
    def on_step(step: str, done: int, total: int) -> None:
        if step == "writing":
            raise KeyboardInterrupt

    hands = Hands(person := approves())
    with pytest.raises(KeyboardInterrupt):
        put_share(desk.client(desk.token(), person), SHARE, recovery=hands, on_step=on_step)
    assert hands.happened == ["give", "void", "Throw it away."]


def test_a_person_who_does_not_take_it(desk: Desk) -> None:
    class Refuses(Hands):
        def give(self, backup_id: bytes) -> RecoveryCode:
            raise StopError

    chip = desk.token()
    person = approves()
    with pytest.raises(StopError):
        put_share(desk.client(chip, person), SHARE, recovery=Refuses(person))
    assert slots(chip) == []
    assert person.questions == []


def test_a_file_that_cannot_be_written(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    with pytest.raises(OutputExistsError) as caught:
        ToFile(tmp_path / "there")
    assert "--recovery-out" in caught.value.next_step
    with pytest.raises(OutputError) as failed:
        ToFile(tmp_path / "missing" / "code")
    assert "--recovery-out" in failed.value.next_step
    # It appears in the meantime: it is not ours, so it stays.
    chip = desk.token()
    late = ToFile(tmp_path / "late")
    (tmp_path / "late").write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        put_share(desk.client(chip), SHARE, recovery=late)
    assert (tmp_path / "late").read_bytes() == b"mine"
    assert slots(chip) == []
    # A disk that gives back something else.
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "nonsense")
    with pytest.raises(ReadBackError):
        put_share(desk.client(chip), SHARE, recovery=ToFile(tmp_path / "bad"))
    assert not (tmp_path / "bad").exists()
