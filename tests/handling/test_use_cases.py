"""Every use case that has a share in the clear asks first. A refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare import declare, reseal, restore
from coldshare.export_index import ExportIndex
from coldshare.handling import Before, SeveralSharesError, process
from coldshare.handover import ToFile
from coldshare.outbox import Outbox
from coldshare.places import shares
from coldshare.places.folder import Folder, Kept, open_folder
from coldshare.seal import WrongFactorError
from coldshare.vault import read_share
from coldshare_iface import wire
from coldshare_iface.messages import Declaration
from coldshare_sim.flash import Chip
from host.test_burnt import burn, copier, opener
from support.desk import KDF, PASSWORD, Desk, approves, put_share, rejects, slots, vault
from support.stages import Stages

PHONE, LAPTOP, _ = vault()
NEW_PASSWORD = "walnut-harbor-sixteen-lunar-moth"


def declared(vult: bytes) -> Declaration:
    return declare.declare(read_share(vult).facts)


class Room:
    """A token and a stick with the laptop's share, another token and another stick with nothing; and a folder to write
    to. What is tried here is tried by a process that has handled the phone's share."""

    def __init__(self, folder: Path, stages: Stages) -> None:
        self.desk = Desk(folder)
        self.stick, self.bare = folder / "stick", folder / "bare"
        self.out = folder / "out"
        self.index = ExportIndex(folder / "exports.json")
        self.outbox = Outbox(folder / "outbox")
        self.full, self.empty = map(Chip, stages.step("room", self._make))
        self.sealed = (self.stick / "coldshare" / f"{self.kept().backup_id.hex()[:8]}.a").read_bytes()
        self.person = rejects()

    def _make(self) -> tuple[bytes, bytes]:
        full, empty = self.desk.token(0), self.desk.token(1, "Safe B")
        for path in (self.stick, self.bare, self.out):
            path.mkdir()
        with process.fresh(), self.desk.client(full) as client:
            put_share(client, LAPTOP.vult)
        with process.fresh():
            shares.backup(str(self.stick), LAPTOP.vult, PASSWORD, index=self.index, kdf=KDF)
        return bytes(full.image), bytes(empty.image)

    def kept(self) -> Kept:
        with open_folder(str(self.stick), write=False) as folder:
            (kept,) = folder.contents().backups
            return kept

    def on_token(self, do: Callable[..., object], chip: Chip | None = None) -> None:
        with self.desk.client(chip or self.full, self.person) as client:
            do(client)

    def held(self, do: Callable[..., object]) -> None:
        self.on_token(lambda client: do(client, client.backups()[0]))

    def in_folder(self, do: Callable[[Folder, Kept], object]) -> None:
        with open_folder(str(self.stick), write=False) as folder:
            do(folder, folder.contents().backups[0])

    @property
    def code(self) -> ToFile:
        return ToFile(self.out / "code")

    def state(self) -> object:
        files = {
            path: path.read_bytes()
            for top in (self.stick, self.bare, self.out, self.outbox.folder)
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }
        return slots(self.full), slots(self.empty), files


def backup_to_token(room: Room) -> None:
    more = {"recovery": room.code, "outbox": room.outbox}
    room.on_token(lambda client: put_share(client, LAPTOP.vult, **more), room.empty)


def backup_to_folder(room: Room) -> None:
    index = ExportIndex(room.out.parent / "none.json")
    shares.backup(str(room.bare), LAPTOP.vult, PASSWORD, index=index, kdf=KDF, recovery=room.code)


def check_backup(room: Room) -> None:
    shares.check_backup(str(room.bare), read_share(LAPTOP.vult).facts, ExportIndex(room.out.parent / "none.json"))


def verify_token(room: Room) -> None:
    room.held(lambda client, held: restore.verify(client, held, PASSWORD))


def restore_token(room: Room) -> None:
    room.held(lambda client, held: restore.restore(client, held, PASSWORD, room.out / "back"))


def reseal_token(room: Room) -> None:
    room.held(
        lambda client, held: reseal.reseal(
            client, held, PASSWORD, password=NEW_PASSWORD, recovery=room.code, kdf=KDF, outbox=room.outbox
        )
    )


def verify_file(room: Room) -> None:
    restore.verify_sealed(room.sealed, PASSWORD)


def restore_file(room: Room) -> None:
    restore.restore_sealed(room.sealed, PASSWORD, room.out / "back")


def verify_folder(room: Room) -> None:
    room.in_folder(lambda folder, kept: shares.verify(folder, kept, PASSWORD))


def restore_folder(room: Room) -> None:
    room.in_folder(lambda folder, kept: shares.restore(folder, kept, PASSWORD, room.out / "back"))


def reseal_folder(room: Room) -> None:
    shares.reseal(str(room.stick), room.kept(), PASSWORD, password=NEW_PASSWORD, recovery=room.code, kdf=KDF)


BEFORE = (backup_to_token, backup_to_folder, verify_token, restore_token, reseal_token)
OPENED = (verify_file, restore_file, verify_folder, restore_folder, reseal_folder)
#: It has no share in the clear: its caller has.
ONLY_CHECKS = (check_backup,)


@pytest.fixture
def room(tmp_path: Path, stages: Stages) -> Room:
    return Room(tmp_path, stages)


@pytest.mark.parametrize("use_case", [*BEFORE, *OPENED, *ONLY_CHECKS])
def test_one_share_too_many(room: Room, use_case: Callable[[Room], None]) -> None:
    """Refused without a press and without a trace, though the person at the token would say no to anything."""
    process.take(declared(PHONE.vult))
    before = room.state()
    with pytest.raises(SeveralSharesError) as caught:
        use_case(room)
    assert room.state() == before
    assert not room.person.questions
    several = caught.value.several
    assert (several.share.party, several.others) == ("Laptop", ("Phone",))
    assert several.opened == (use_case in OPENED)


@pytest.mark.parametrize("use_case", [*BEFORE, *OPENED])
def test_alone_it_works_and_counts(room: Room, use_case: Callable[[Room], None]) -> None:
    room.person = approves()
    use_case(room)
    with pytest.raises(SeveralSharesError):
        process.check(declared(PHONE.vult))


@pytest.mark.parametrize("use_case", [*BEFORE, *OPENED, *ONLY_CHECKS])
def test_who_accepts_it_is_not_refused(room: Room, use_case: Callable[[Room], None]) -> None:
    asked: list[str] = []
    room.person = approves()
    with process.fresh(lambda several: bool(asked.append(several.share.party) or True)):
        process.take(declared(PHONE.vult))
        use_case(room)
        process.take(declared(LAPTOP.vult))
    assert asked == ["Laptop"]


@pytest.mark.parametrize("use_case", OPENED)
def test_what_the_records_know_is_not_even_opened(room: Room, use_case: Callable[[Room], None]) -> None:
    known = Before(backups={room.kept().backup_id: declared(LAPTOP.vult)})
    process.take(declared(PHONE.vult))
    with process.watching(lambda several: False, lambda: known), pytest.raises(SeveralSharesError) as caught:
        use_case(room)
    assert not caught.value.several.opened
    process.take(declared(PHONE.vult))  # so the laptop's share was never handled


def test_a_token_that_has_forgotten_whose_share_it_is(tmp_path: Path) -> None:
    """Nobody knows before the seal is open. Then it counts, and goes nowhere."""
    desk, code, out = Desk(tmp_path), tmp_path / "code", tmp_path / "back"
    chip = desk.token()
    with process.fresh(), desk.client(chip) as client:
        put_share(client, LAPTOP.vult, recovery=ToFile(code))
    burn(desk, chip)
    process.take(declared(PHONE.vult))
    with copier(desk, chip) as client:
        (held,) = client.contents().unnamed
        restore.verify(client, held, None)
        known = Before(backups={held.backup_id: declared(LAPTOP.vult)})
        with process.watching(lambda several: False, lambda: known), pytest.raises(SeveralSharesError) as caught:
            restore.restore(client, held, opener(code), out)
        assert not caught.value.several.opened, "the records of this computer know better than the token"
        with pytest.raises(SeveralSharesError) as caught:
            restore.restore(client, held, opener(code), out)
    assert caught.value.several.opened
    assert not out.exists()


def test_what_was_fetched_is_not_opened_either(room: Room) -> None:
    """Whoever fetches and opens in two steps is asked at the second one, and before the password is tried."""
    room.person = approves()
    with room.desk.client(room.full, room.person) as client:
        fetched = restore.fetch(client, client.backups()[0], wire.PURPOSE_VERIFY)
    process.take(declared(PHONE.vult))
    with pytest.raises(SeveralSharesError) as caught:
        restore.open_fetched(fetched, "not-the-password-at-all")
    assert not caught.value.several.opened


def test_only_what_was_really_opened_counts(room: Room) -> None:
    """A wrong password has opened nothing, and to compare digests opens nothing."""
    with pytest.raises(WrongFactorError):
        restore.verify_sealed(room.sealed, "not-the-password-at-all")
    room.person = approves()
    room.held(lambda client, held: restore.verify(client, held, None))
    process.take(declared(PHONE.vult))
