"""The three use cases, with real tokens and real seals: what goes in comes out, and what is refused changes nothing."""

from __future__ import annotations

import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coldshare import declare, restore
from coldshare.declare import DeclarationMismatchError
from coldshare.device.token import TokenClient
from coldshare.files import OutputError, OutputExistsError
from coldshare.restore import AmbiguousBackupError, NothingToRestoreError, ReadBackError
from coldshare.seal.errors import WrongFactorError
from coldshare.vault import read_share
from coldshare.vault.errors import NotYetLibraryError, VaultPasswordNeededError, VaultPasswordWrongError
from coldshare.vault.synthetic import encrypt_vlt2
from coldshare.vault.vault_pb2 import Vault, VaultContainer
from coldshare_firmware.person import BUTTON_NO, BUTTON_YES
from coldshare_iface import wire
from coldshare_iface.errors import (
    ColdshareError,
    NoSpaceError,
    OtherGenerationError,
    OtherPartyError,
    PersonTimeoutError,
    RejectedError,
)
from coldshare_iface.messages import Backup, Declaration
from coldshare_sim.flash import Chip
from support.bits import flip
from support.desk import PASSWORD, Desk, Presses, approves, put_share, rejects, slots, stares, store_as, vault

PASSWORDS = {"made": "correct horse 2-of-3", "real": "Password123!"}


def dkls_files() -> list[Any]:
    """Every DKLS file among the fixtures, by its path in their folder; nothing when they are not at hand."""
    folder = Path(os.environ.get("COLDSHARE_FIXTURES") or "nowhere")
    names = sorted(
        str(path.relative_to(folder)) for path in folder.glob("**/*.vult") if not path.name.startswith("Test-part")
    )
    return [pytest.param(name, marks=[pytest.mark.slow] if number % 4 else []) for number, name in enumerate(names)]


def password_of(name: str, data: bytes) -> str | None:
    try:
        read_share(data)
    except VaultPasswordNeededError:
        return PASSWORDS[Path(name).parts[0]]
    return None


@pytest.mark.parametrize("name", dkls_files() or [pytest.param("", marks=pytest.mark.skip("no fixtures"))])
def test_every_file_goes_onto_a_token_and_comes_back(desk: Desk, fixtures_dir: Path, tmp_path: Path, name: str) -> None:
    data = (fixtures_dir / name).read_bytes()
    chip = desk.token()
    steps: list[tuple[str, int, int]] = []
    done = put_share(
        desk.client(chip),
        data,
        vault_password=password_of(name, data),
        on_step=lambda *step: steps.append(step),
    )
    assert {step for step, _, _ in steps} == {"sealing", "writing", "confirming", "reading"}
    assert steps[-1] == ("reading", done.sealed_size, done.sealed_size)
    assert (done.file_size, done.replaced) == (len(data), 0)

    client = desk.client(chip)
    (held,) = client.backups()
    assert held.backup_id == done.backup_id
    assert not held.pending
    assert held.size == done.sealed_size < 0.6 * len(data)
    assert (held.declaration.party, held.declaration.generation) == (done.facts.party, done.facts.generation)

    assert restore.verify(client, held, PASSWORD).opened
    assert not restore.verify(client, held, None).opened
    out = tmp_path / "back.vult"
    restore.restore(client, held, PASSWORD, out)
    assert out.read_bytes() == data
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.usefixtures("real_kdf")
def test_at_the_real_cost_of_a_password(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    put_share(desk.client(chip), vault()[0].vult)
    client = desk.client(chip)
    (held,) = client.backups()
    restore.restore(client, held, PASSWORD, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == vault()[0].vult


def test_none_of_them_is_left_out(fixtures_dir: Path) -> None:
    assert len(dkls_files()) == 18


# --- what is refused before anything is stored


def test_the_same_share_again_replaces_and_the_old_one_stays_until_the_new_is_read_back(desk: Desk) -> None:
    chip, first = desk.stored()
    seen: list[list[tuple[str, bool, str, str]]] = []
    client = desk.client(chip, person := approves())
    confirm = client.confirm

    def look_first(backup_id: bytes) -> None:
        seen.append(
            [
                (h.backup_id.hex(), h.pending, h.declaration.party, h.declaration.generation.hex())
                for h in client.backups()
            ]
        )
        confirm(backup_id)

    client.confirm = look_first  # type: ignore[method-assign]
    second = put_share(client, vault()[0].vult)
    assert second.replaced == 1
    assert "Replace this share?" in person.questions[0][0]
    assert [(entry[0], entry[1]) for entry in seen[0]] == [
        (first.hex(), False),
        (second.backup_id.hex(), True),
    ]
    assert [(entry[0], entry[1]) for entry in desk.held(chip)] == [(second.backup_id.hex(), False)]


def unchanged(desk: Desk, chip: Chip, attempt: Any, error: type[ColdshareError]) -> ColdshareError:
    """Run `attempt` with a client, expect `error`, and find the token as it was."""
    before, known = desk.held(chip), slots(chip)
    with pytest.raises(error) as caught:
        attempt()
    assert desk.held(chip) == before
    assert slots(chip) == known
    return caught.value


def test_another_party_of_the_vault_is_refused_by_name(desk: Desk) -> None:
    chip, _ = desk.stored()
    person = approves()
    error = unchanged(desk, chip, lambda: put_share(desk.client(chip, person), vault()[1].vult), OtherPartyError)
    assert "Phone" in error.message
    assert "Laptop" in error.message
    assert "'Savings'" in error.message
    assert person.questions == []


def test_a_party_of_another_vault_is_welcome(desk: Desk) -> None:
    chip, _ = desk.stored()
    put_share(desk.client(chip), vault("Other")[1].vult)
    assert [entry[2] for entry in desk.held(chip)] == ["Phone", "Laptop"]


@pytest.mark.parametrize("order", [("orig_2of3", "reshared_1_2_4"), ("reshared_1_2_4", "orig_2of3")])
def test_another_generation_of_the_same_party_is_refused(
    desk: Desk, fixtures_dir: Path, order: tuple[str, str]
) -> None:
    first, second = ((fixtures_dir / "made" / f / "SimVault-2903-share1of3.vult").read_bytes() for f in order)
    chip = desk.token()
    put_share(desk.client(chip), first)
    error = unchanged(desk, chip, lambda: put_share(desk.client(chip), second), OtherGenerationError)
    assert "reshared" in error.next_step


def test_the_party_that_came_in_by_a_reshare_is_another_party(desk: Desk, fixtures_dir: Path) -> None:
    """The new device has the lost one's index. A token that went by the index would take it for the same party."""
    old, new = (
        (fixtures_dir / "made" / folder / "SimVault-2903-share3of3.vult").read_bytes()
        for folder in ("orig_2of3", "reshared_1_2_4")
    )
    assert read_share(old).facts.index == read_share(new).facts.index
    chip = desk.token()
    put_share(desk.client(chip), old)
    unchanged(desk, chip, lambda: put_share(desk.client(chip), new), OtherPartyError)


def set_library(vult: bytes, number: int) -> bytes:
    """The same share, said to be of another signing library."""
    container = VaultContainer.FromString(b64decode(vult))
    inner = Vault.FromString(b64decode(container.vault))
    inner.lib_type = number  # type: ignore[assignment]
    container.vault = b64encode(inner.SerializeToString()).decode()
    return b64encode(container.SerializeToString())


def test_what_is_not_a_sound_share_never_reaches_the_token(desk: Desk) -> None:
    chip = desk.token()
    newer = set_library(vault()[0].vult, 7)
    locked = encrypt_vlt2(vault()[0].vult, "its own")
    for data, options, kind in (
        (newer, {}, NotYetLibraryError),
        (locked, {}, VaultPasswordNeededError),
        (locked, {"vault_password": "not its own"}, VaultPasswordWrongError),
        (vault()[0].vult[:1000], {}, ColdshareError),
        (b"", {}, ColdshareError),
    ):
        person = approves()
        unchanged(desk, chip, lambda: put_share(desk.client(chip, person), data, **options), kind)  # noqa: B023
        assert person.questions == []


@pytest.mark.parametrize("password", ["", "1234", "password", "Phone", "SavingsPhone1", "Safe A Savings"])
def test_a_weak_password_never_reaches_the_token(desk: Desk, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    from coldshare import backup

    chip = desk.token()
    unchanged(
        desk,
        chip,
        lambda: backup.backup(desk.client(chip), vault()[0].vult, password, label="Safe A"),
        ColdshareError,
    )


def test_a_token_without_room(desk: Desk) -> None:
    """Flash for three shares of this size or so: the one that does not fit leaves the others alone."""
    chip = desk.token()
    client = desk.client(chip)
    taken: list[str] = []

    def fill() -> None:
        for number in range(20):
            put_share(client, vault(f"Vault {number}", tuple(f"Device {i}" for i in range(7)))[0].vult)
            taken.append(f"Vault {number}")

    with pytest.raises(NoSpaceError):
        fill()
    assert [held.declaration.name for held in desk.client(chip).backups()] == taken
    assert len(slots(chip)) == len(taken) >= 2


# --- the person at the token


@pytest.mark.parametrize(("person", "error"), [(rejects, RejectedError), (stares, PersonTimeoutError)])
def test_no_press_no_backup(desk: Desk, person: Any, error: type[ColdshareError]) -> None:
    chip = desk.token()
    put_share(desk.client(chip), vault("Other")[0].vult)
    refused = unchanged(desk, chip, lambda: put_share(desk.client(chip, person()), vault()[0].vult), error)
    assert "Nothing was changed" in refused.next_step
    put_share(desk.client(chip), vault()[0].vult)


def test_no_press_no_replacing(desk: Desk) -> None:
    chip, _ = desk.stored()
    unchanged(desk, chip, lambda: put_share(desk.client(chip, rejects()), vault()[0].vult), RejectedError)


@pytest.mark.parametrize(("person", "error"), [(rejects, RejectedError), (stares, PersonTimeoutError)])
def test_no_press_no_release(desk: Desk, tmp_path: Path, person: Any, error: type[ColdshareError]) -> None:
    chip, _ = desk.stored()
    uses: list[Callable[[TokenClient, Backup], object]] = [
        lambda client, held: restore.verify(client, held, PASSWORD),
        lambda client, held: restore.restore(client, held, PASSWORD, tmp_path / "out"),
    ]
    for use in uses:
        client = desk.client(chip, person())
        (held,) = client.backups()
        with pytest.raises(error):
            use(client, held)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_verify_that_is_agreed_to_releases_no_second_one(desk: Desk) -> None:
    chip, _ = desk.stored()
    client = desk.client(chip, Presses(BUTTON_YES, BUTTON_NO))
    (held,) = client.backups()
    restore.verify(client, held, PASSWORD)
    with pytest.raises(RejectedError):
        restore.verify(client, held, PASSWORD)


# --- bringing it back


@pytest.fixture
def stored(desk: Desk) -> Chip:
    return desk.stored()[0]


def test_a_wrong_password_writes_nothing(desk: Desk, stored: Chip, tmp_path: Path) -> None:
    client = desk.client(stored)
    (held,) = client.backups()
    for wrong in ("wrong", PASSWORD + " ", PASSWORD[:-1]):
        with pytest.raises(WrongFactorError):
            restore.restore(client, held, wrong, tmp_path / "out")
        with pytest.raises(WrongFactorError):
            restore.verify(client, held, wrong)
    assert not (tmp_path / "out").exists()


def test_the_same_sealed_bytes_need_this_very_token(desk: Desk, stored: Chip) -> None:
    """The password alone opens nothing: the factor of a second backup of the same share is another one."""
    from coldshare.seal import Factors, parse

    client = desk.client(stored)
    (held,) = client.backups()
    opened = client.open(held.backup_id, wire.PURPOSE_VERIFY)
    envelope = parse(client.get(held.backup_id, opened.size, opened.digest))
    with pytest.raises(WrongFactorError):
        envelope.open(Factors(password=PASSWORD, token=bytes(32)))
    with pytest.raises(ColdshareError):
        envelope.open(Factors(password=PASSWORD))


def test_an_existing_file_is_noticed_before_anybody_is_asked(desk: Desk, stored: Chip, tmp_path: Path) -> None:
    client = desk.client(stored, person := approves())
    (held,) = client.backups()
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for out, kind in (
        (tmp_path / "file", OutputExistsError),
        (tmp_path / "link", OutputExistsError),
        (tmp_path, OutputExistsError),
        (tmp_path / "missing" / "out", OutputError),
        (tmp_path / "file" / "out", OutputError),
    ):
        with pytest.raises(kind):
            restore.restore(client, held, PASSWORD, out)
    assert person.questions == []
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_does_not_read_back_is_taken_away(
    desk: Desk, stored: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client(stored)
    (held,) = client.backups()
    read = Path.read_bytes
    out = tmp_path / "out"

    def other(path: Path) -> bytes:
        return flip(read(path)) if path == out else read(path)

    def failing(path: Path) -> bytes:
        if path == out:
            raise OSError(5, "the disk")
        return read(path)

    for broken in (other, failing):
        monkeypatch.setattr(Path, "read_bytes", broken)
        with pytest.raises(ReadBackError):
            restore.restore(client, held, PASSWORD, out)
        assert not out.exists()


def test_choosing(desk: Desk) -> None:
    chip = desk.token()
    with pytest.raises(NothingToRestoreError):
        restore.choose(desk.client(chip).backups(), None)
    first = put_share(desk.client(chip), vault()[0].vult).backup_id
    backups = desk.client(chip).backups()
    for prefix in (None, "", first.hex(), first.hex()[:1], first.hex()[:4].upper()):
        assert restore.choose(backups, prefix).backup_id == first
    with pytest.raises(NothingToRestoreError, match="begins with 'zz'"):
        restore.choose(backups, "zz")
    put_share(desk.client(chip), vault("Other")[0].vult)
    with pytest.raises(AmbiguousBackupError, match=first.hex()[:8]) as caught:
        restore.choose(desk.client(chip).backups(), None)
    assert "(Phone)" in caught.value.message


# --- a computer that lied when the backup was made


def truth() -> Declaration:
    return declare.declare(read_share(vault()[0].vult).facts)


def exposed(desk: Desk, chip: Chip, tmp_path: Path, *, closed: bool) -> None:
    client = desk.client(chip)
    (held,) = client.backups()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DeclarationMismatchError) as caught:
        restore.verify(client, held, PASSWORD)
    assert caught.value.code == "declaration_mismatch"
    with pytest.raises(DeclarationMismatchError):
        restore.restore(client, held, PASSWORD, tmp_path / "out")
    if closed:
        with pytest.raises(DeclarationMismatchError):
            restore.verify(client, held, None)
    assert sorted(tmp_path.iterdir()) == before


LIES: list[dict[str, Any]] = [
    {"party": "Laptop"},
    {"name": "Holidays"},
    {"vault": b"\x03" * 33},
    {"generation": bytes(32)},
    {"threshold": 3},
    {"parties": 4},
    {"library": wire.LIBRARY_GG20},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: next(iter(lie)))
def test_a_token_that_was_told_of_another_share(desk: Desk, tmp_path: Path, lie: dict[str, Any]) -> None:
    """The lie is told to the token, the header and the content alike; only the share itself contradicts."""
    chip = desk.token()
    store_as(desk.client(chip), replace(truth(), **lie), vault()[0].vult)
    exposed(desk, chip, tmp_path, closed=False)


def test_a_header_that_binds_another_declaration(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    store_as(desk.client(chip), replace(truth(), party="Laptop"), vault()[0].vult, header=truth(), inside=truth())
    exposed(desk, chip, tmp_path, closed=True)


def test_a_content_that_holds_another_declaration(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    lie = replace(truth(), party="Laptop")
    store_as(desk.client(chip), lie, vault()[0].vult, inside=truth())
    exposed(desk, chip, tmp_path, closed=False)


def test_the_same_declaration_with_another_nonce_is_another_one(desk: Desk, tmp_path: Path) -> None:
    chip = desk.token()
    store_as(desk.client(chip), truth(), vault()[0].vult, header=truth())
    exposed(desk, chip, tmp_path, closed=True)


@pytest.mark.parametrize("lie", [{"party": "Laptop"}, {"vault": b"\x03" * 33}, {"generation": bytes(32)}], ids=str)
def test_a_lie_about_an_encrypted_share_is_found_by_the_record(desk: Desk, tmp_path: Path, lie: dict[str, Any]) -> None:
    """Its own password is not at hand when it is verified, so the share itself cannot be asked."""
    chip = desk.token()
    locked = encrypt_vlt2(vault()[0].vult, "its own")
    store_as(desk.client(chip), replace(truth(), **lie), locked, vault_password="its own")
    exposed(desk, chip, tmp_path, closed=False)


@pytest.mark.parametrize("original", [b"garbage", b"", vault()[1].vult, vault()[0].vult[:-300]], ids=len)
def test_something_else_than_the_share_was_sealed(desk: Desk, tmp_path: Path, original: bytes) -> None:
    chip = desk.token()
    store_as(desk.client(chip), truth(), original, record=declare.record(read_share(vault()[0].vult)))
    exposed(desk, chip, tmp_path, closed=False)
