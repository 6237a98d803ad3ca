"""A token that has destroyed its keys: who may pair with it, what it still gives, and what opens that."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare import restore
from coldshare.device.errors import SessionRefusedError
from coldshare.device.token import TokenClient
from coldshare.errors import ColdshareError
from coldshare.export import UnnamedNeighbourError, check_export, export, export_unnamed
from coldshare.export_index import ExportIndex, OtherPartyInFolderError
from coldshare.handover import ToFile
from coldshare.recovery import RecoveryFile, parse_file
from coldshare.restore import NotOnThisTokenError
from coldshare.seal import MissingFactorError
from coldshare_firmware.person import BUTTON_YES
from coldshare_iface import wire
from coldshare_iface.errors import BurntError, PinWrongError, RejectedError
from coldshare_sim.flash import KEY_SIZE, Chip
from support.desk import PASSWORD, Cable, Desk, Presses, approves, power_up, put_share, rejects, vault

SHARE = vault()[0].vult


class ShortPress(Presses):
    """Presses YES and lets go, whatever the screen asks for; gives up with NO."""

    def show(self, lines: list[str], question: bool) -> None:
        super().show(lines, question)
        if self._pending != 0:
            self._pending = BUTTON_YES if len(self.questions) == 1 else 2


def burn(desk: Desk, chip: Chip) -> None:
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(desk.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.unlock("000000")


def plugged_in(chip: Chip, person: Presses | None = None) -> TokenClient:
    return TokenClient(Cable(power_up(chip, person)))


def copier(desk: Desk, chip: Chip, person: Presses | None = None) -> TokenClient:
    client = plugged_in(chip, person)
    client.pair(desk.store, lambda code: True)
    client.connect(desk.store)
    return client


@pytest.fixture
def code(tmp_path: Path) -> Path:
    return tmp_path / "code"


def opener(code: Path) -> RecoveryFile:
    return parse_file(code.read_text())


@pytest.fixture
def burnt(desk: Desk, code: Path) -> tuple[Chip, bytes]:
    """A burnt token, and the id of the backup that was made on it with a recovery code."""
    chip = desk.token()
    backup_id = put_share(desk.client(chip), SHARE, recovery=ToFile(code)).backup_id
    burn(desk, chip)
    return chip, backup_id


def test_no_session_without_a_new_pairing(desk: Desk, burnt: tuple[Chip, bytes], tmp_path: Path) -> None:
    for store in (desk.store, Desk(tmp_path / "other").store):
        with pytest.raises(BurntError) as caught:
            plugged_in(burnt[0]).connect(store)
        for words in ("HELD", "coldshare pair", "recovery", "coldshare wipe"):
            assert words in caught.value.next_step


def test_a_short_press_pairs_nobody(desk: Desk, burnt: tuple[Chip, bytes]) -> None:
    chip, _ = burnt
    before = desk.store.all()
    for person in (ShortPress(BUTTON_YES), rejects()):
        with pytest.raises(RejectedError):
            plugged_in(chip, person).pair(desk.store, lambda code: True)
        assert "to copy sealed shares" in person.questions[0]
    assert desk.store.all() == before
    with pytest.raises(BurntError):
        plugged_in(chip).connect(desk.store)


def test_it_lists_what_is_left_and_names_nobody(desk: Desk, burnt: tuple[Chip, bytes]) -> None:
    chip, backup_id = burnt
    contents = copier(desk, chip).contents()
    assert contents.backups == ()
    (one,) = contents.unnamed
    assert (one.backup_id, one.state) == (backup_id, wire.BACKUP_KEYLESS)


def test_the_recovery_code_opens_it_without_pin_or_password(
    desk: Desk, burnt: tuple[Chip, bytes], code: Path, tmp_path: Path
) -> None:
    client = copier(desk, burnt[0])
    held = restore.choose(restore.everything(client.contents()), None)
    done = restore.restore(client, held, opener(code), tmp_path / "back.vult")
    assert (tmp_path / "back.vult").read_bytes() == SHARE
    told = restore.told(done)
    assert (told.party, told.name) == ("Phone", "Savings")
    checked = restore.verify(client, held, opener(code))
    assert (checked.opened, checked.confirmed) == (True, False)
    closed = restore.verify(client, held, None)
    assert (closed.opened, closed.declaration) == (False, None)
    with pytest.raises(ValueError, match="stayed closed"):
        restore.told(closed)


def test_a_password_alone_says_why_it_cannot(desk: Desk, burnt: tuple[Chip, bytes], tmp_path: Path) -> None:
    client = copier(desk, burnt[0])
    (held,) = client.contents().unnamed
    with pytest.raises(MissingFactorError, match="destroyed its secret") as caught:
        restore.restore(client, held, PASSWORD, tmp_path / "back.vult")
    assert "--recovery-file" in caught.value.next_step
    assert not (tmp_path / "back.vult").exists()
    fetched = restore.fetch(client, held, wire.PURPOSE_VERIFY)
    assert (fetched.factor, fetched.declared) == (b"", b"")
    with pytest.raises(MissingFactorError, match="destroyed its secret"):
        restore.verify_sealed(fetched.sealed, PASSWORD, client=client)
    other, _ = Desk(tmp_path / "other").stored()
    with pytest.raises(NotOnThisTokenError):
        restore.verify_sealed(fetched.sealed, PASSWORD, client=Desk(tmp_path / "other").client(other))


def test_one_without_a_recovery_code_opens_no_more(desk: Desk, tmp_path: Path) -> None:
    chip, _ = desk.stored()
    burn(desk, chip)
    client = copier(desk, chip)
    (held,) = client.contents().unnamed
    with pytest.raises(MissingFactorError) as caught:
        restore.verify(client, held, PASSWORD)
    assert "nothing opens it any more" in caught.value.next_step


def test_nothing_else_is_possible(desk: Desk, burnt: tuple[Chip, bytes]) -> None:
    chip, backup_id = burnt
    client = copier(desk, chip)
    for ask in (
        lambda: client.unlock("483920483920"),
        lambda: client.set_label("Safe B"),
        lambda: client.change_pin("483920483920", "271828"),
        client.pairings,
        client.audit,
        lambda: client.reserve(b"x"),
        lambda: client.remove(backup_id),
        lambda: client.destroy(backup_id),
        lambda: client.retire(backup_id, bytes(32)),
    ):
        with pytest.raises(BurntError):
            ask()
    assert client.contents().unnamed


def test_another_token_cannot_take_the_burnt_ones_place(desk: Desk, burnt: tuple[Chip, bytes]) -> None:
    """This pairing is for a token without keys: one that asks for a PIN again is another one."""
    chip, _ = burnt
    copier(desk, chip)
    (pairing,) = desk.store.all()
    assert (pairing.burnt, pairing.label) == (True, "Safe A")
    fresh, _ = Desk(desk.store.path.parent / "x").stored()
    client = plugged_in(fresh)
    assert client.info.serial == pairing.serial
    with pytest.raises(SessionRefusedError):
        client.connect(desk.store)


def test_a_token_whose_key_area_is_lost(desk: Desk, code: Path, tmp_path: Path) -> None:
    chip = desk.token()
    put_share(desk.client(chip), SHARE, recovery=ToFile(code))
    chip.image[:KEY_SIZE] = b"\xff" * KEY_SIZE
    client = copier(desk, chip, approves())
    assert client.info.state == wire.TOKEN_BURNT
    (held,) = client.contents().unnamed
    done = restore.restore(client, held, opener(code), tmp_path / "back.vult")
    assert done.original == SHARE


# --- exports of it, and rule 1


@pytest.fixture
def sealed(desk: Desk, burnt: tuple[Chip, bytes]) -> tuple[bytes, bytes]:
    client = copier(desk, burnt[0])
    (held,) = client.contents().unnamed
    return restore.fetch(client, held, wire.PURPOSE_VERIFY).sealed, burnt[1]


def other_share(desk: Desk, tmp_path: Path, index: ExportIndex) -> Path:
    """The share of another party, exported to a folder."""
    chip = desk.token(1, "Safe B")
    client = desk.client(chip)
    put_share(client, vault()[1].vult)
    fetched = restore.fetch(client, client.backups()[0], wire.PURPOSE_VERIFY)
    folder = tmp_path / "cloud"
    folder.mkdir()
    return export(fetched.sealed, folder, declared=fetched.declared, index=index).path


def test_rule_1_an_unnamed_share_goes_to_no_folder_with_another_one(
    desk: Desk, sealed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    index = ExportIndex(tmp_path / "exports.json")
    folder = other_share(desk, tmp_path, index).parent
    before = sorted(folder.iterdir())
    for attempt in (
        lambda: check_export(folder, sealed[1], None, index),
        lambda: export_unnamed(sealed[0], folder, index=index),
    ):
        with pytest.raises(UnnamedNeighbourError, match="Nobody here knows"):
            attempt()
    assert sorted(folder.iterdir()) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    check_export(empty, sealed[1], None, index)
    done = export_unnamed(sealed[0], empty, index=index)
    assert done.path.read_bytes() == sealed[0]
    # A second copy beside the first one is no other share.
    assert export_unnamed(sealed[0], empty / "again.seal", index=index).size == len(sealed[0])
    assert index.files(sealed[1]) == ()


def test_rule_1_this_computer_may_still_know_whose_it_is(
    desk: Desk, sealed: tuple[bytes, bytes], tmp_path: Path
) -> None:
    index = ExportIndex(tmp_path / "exports.json")
    path = other_share(desk, tmp_path, index)
    vault_key = desk.client(desk.token(2, "Safe C"))
    put_share(vault_key, SHARE)
    told = vault_key.backups()[0].declaration
    index.remember(sealed[1], told.vault, told.party)
    with pytest.raises(OtherPartyInFolderError):
        export_unnamed(sealed[0], path.parent, index=index)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "stranger.seal").write_bytes(b"?")
    done = export_unnamed(sealed[0], elsewhere, index=index)
    assert (done.unknown, done.elsewhere) == ((elsewhere / "stranger.seal",), (path,))
    assert index.files(sealed[1]) == (done.path,)


def test_an_error_while_writing_is_told(desk: Desk, sealed: tuple[bytes, bytes], tmp_path: Path) -> None:
    index = ExportIndex(tmp_path / "exports.json")
    done = export_unnamed(sealed[0], tmp_path, index=index)
    with pytest.raises(ColdshareError, match="never overwrites"):
        export_unnamed(sealed[0], tmp_path, index=index)
    assert done.path.read_bytes() == sealed[0]
