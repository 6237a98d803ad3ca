"""A vault's generations on a token, from the host: two side by side, retire, un-retire, destroy, and rules 1 and 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coldshare import generations as use_case
from coldshare import restore
from coldshare.backup import BackupResult
from coldshare.device.errors import CapabilityError, TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.generations import NoNewerError, NotRetiredError, UnknownGenerationError
from coldshare.outbox import Entry, Outbox, outbox_path
from coldshare.reseal import ResealRetiredError, ResealWaitingError, reseal
from coldshare.restore import AmbiguousBackupError
from coldshare.resume import resume
from coldshare.vault import read_share
from coldshare_iface import wire
from coldshare_iface.errors import (
    BadStateError,
    OtherGenerationError,
    OtherPartyError,
    RejectedError,
    RetiredGenerationError,
)
from coldshare_iface.messages import Backup, Unnamed
from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import KDF, PASSWORD, Desk, Presses, approves, puppet_client, put_share, rejects
from support.reshare import generations

OLD, NEW, NEWEST = generations()
PHONE, LAPTOP = 0, 1


def put(client: TokenClient, run: list[Any], **options: Any) -> BackupResult:
    return put_share(client, run[PHONE].vult, **options)


def states(chip: Chip, desk: Desk) -> dict[str, int]:
    return {held.backup_id.hex()[:8]: held.state for held in desk.client(chip).backups()}


def by_id(client: TokenClient, backup_id: bytes) -> Backup:
    return next(held for held in client.backups() if held.backup_id == backup_id)


@pytest.fixture
def chip(desk: Desk) -> Chip:
    return desk.token()


@pytest.fixture
def both(desk: Desk, chip: Chip) -> tuple[BackupResult, BackupResult]:
    """The old share, active, and the new one beside it."""
    client = desk.client(chip)
    return put(client, OLD), put(client, NEW, newer=True)


def test_side_by_side(desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]) -> None:
    old, new = both
    assert (old.older, old.replaced) == (None, 0)
    assert new.older is not None
    assert (new.older.backup_id, new.replaced) == (old.backup_id, 0)
    assert list(states(chip, desk).values()) == [wire.BACKUP_ACTIVE, wire.BACKUP_NEXT]
    client = desk.client(chip)
    for result, run in ((old, OLD), (new, NEW)):
        checked = restore.verify(client, by_id(client, result.backup_id), PASSWORD)
        assert checked.original == run[PHONE].vult


def test_rule_1_the_shares_of_two_parties_never_meet(desk: Desk, chip: Chip) -> None:
    """Not beside an active share, not beside a next one, and not beside one that is retired: old shares still sign."""
    client = desk.client(chip)
    old = put(client, OLD)
    new = put(client, NEW, newer=True)
    for newer in (False, True):
        for run in (OLD, NEW, NEWEST):
            with pytest.raises(OtherPartyError, match="Phone"):
                put_share(client, run[LAPTOP].vult, newer=newer)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    client.remove(new.backup_id)
    assert [held.state for held in client.backups()] == [wire.BACKUP_RETIRED]
    with pytest.raises(OtherPartyError, match="Phone"):
        put_share(client, OLD[LAPTOP].vult, newer=True)


def test_rule_5_another_generation_is_refused_until_a_person_names_the_newer_one(desk: Desk, chip: Chip) -> None:
    client = desk.client(chip)
    put(client, OLD)
    with pytest.raises(OtherGenerationError) as caught:
        put(client, NEW)
    text = caught.value.message
    for run in (OLD, NEW):
        assert read_share(run[PHONE].vult).facts.generation.hex()[:8] in text
    assert "--newer" in caught.value.next_step
    person = rejects()
    with pytest.raises(RejectedError):
        put(desk.client(chip, person), NEW, newer=True)
    assert person.questions[-1][0] == "Keep as NEWER?"
    assert list(states(chip, desk).values()) == [wire.BACKUP_ACTIVE]


def test_rule_5_an_older_share_never_replaces_a_newer_one(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    old, new = both
    client = desk.client(chip)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    before = states(chip, desk)
    client = desk.client(chip)
    for newer in (False, True):
        with pytest.raises(RetiredGenerationError) as caught:
            put(client, OLD, newer=newer)
        assert f"{old.backup_id.hex()[:8]} (retired)" in caught.value.message
        assert "un-retire" in caught.value.next_step
    client.destroy(old.backup_id)
    with pytest.raises(RetiredGenerationError):
        put(client, OLD, newer=True)
    del before[old.backup_id.hex()[:8]]
    assert states(chip, desk) == before


def test_rule_5_what_is_retired_is_kept_and_opens(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult], tmp_path: Path
) -> None:
    """Old shares still work with each other, and a reshare can turn out to have failed."""
    old, new = both
    person = approves()
    client = desk.client(chip, person)
    step = use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    assert step.old is not None
    assert (step.old.backup_id, step.old.retired) == (old.backup_id, True)
    assert (step.newer.backup_id, step.newer.state) == (new.backup_id, wire.BACKUP_ACTIVE)
    assert person.questions[-1][0] == "RETIRE old share?"
    done = restore.restore(client, by_id(client, old.backup_id), PASSWORD, tmp_path / "old.vult")
    assert done.original == OLD[PHONE].vult
    assert "RETIRED: an old share" in person.questions[-1]


def test_rule_5_nothing_retired_is_chosen_unless_it_is_named(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    old, new = both
    client = desk.client(chip)
    held = restore.everything(client.contents())
    with pytest.raises(AmbiguousBackupError, match=r"Phone, next"):
        restore.choose(held, None)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    held = restore.everything(client.contents())
    assert restore.choose(held, None).backup_id == new.backup_id
    assert restore.choose(held, old.backup_id.hex()[:8]).backup_id == old.backup_id
    client.remove(new.backup_id)
    held = restore.everything(client.contents())
    assert restore.choose(held, None).backup_id == old.backup_id


def test_un_retire(desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]) -> None:
    old, new = both
    client = desk.client(chip)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    person = approves()
    client = desk.client(chip, person)
    step = use_case.un_retire(client, by_id(client, old.backup_id), old.declaration.generation)
    assert person.questions[-1][0] == "Take OLD share back?"
    assert step.old is not None
    assert (step.old.backup_id, step.old.state) == (old.backup_id, wire.BACKUP_ACTIVE)
    assert (step.newer.backup_id, step.newer.state) == (new.backup_id, wire.BACKUP_NEXT)
    with pytest.raises(NotRetiredError, match="is not retired"):
        use_case.un_retire(client, by_id(client, old.backup_id), old.declaration.generation)


def test_un_retire_of_one_that_was_destroyed(desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]) -> None:
    """Then a share of that generation may come back, and a person says again which one is newer."""
    old, new = both
    client = desk.client(chip)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    client.destroy(old.backup_id)
    step = use_case.un_retire(client, by_id(client, new.backup_id), old.declaration.generation)
    assert (step.old, step.newer.backup_id) == (None, new.backup_id)
    assert put(client, OLD, newer=True).older is not None


def test_un_retire_with_a_third_one_waiting(desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]) -> None:
    old, new = both
    client = desk.client(chip)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    put(client, NEWEST, newer=True)
    with pytest.raises(BadStateError) as caught:
        use_case.un_retire(client, by_id(client, old.backup_id), old.declaration.generation)
    assert "one waiting beside it" in caught.value.message
    assert "coldshare list" in caught.value.next_step


def test_what_cannot_be_retired(desk: Desk, chip: Chip) -> None:
    client = desk.client(chip)
    old = put(client, OLD)
    held = by_id(client, old.backup_id)
    with pytest.raises(NoNewerError) as caught:
        use_case.newer_than(client.contents(), held)
    assert "backup FILE --newer" in caught.value.next_step
    with pytest.raises(NoNewerError, match="itself of the generation"):
        use_case.retire(client, held, old.declaration.generation)
    new = put(client, NEW, newer=True)
    with pytest.raises(NoNewerError, match="newer one of the two") as caught:
        use_case.newer_than(client.contents(), by_id(client, new.backup_id))
    assert f"coldshare retire {old.backup_id.hex()[:8]}" in caught.value.next_step
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    with pytest.raises(NoNewerError, match="is retired itself"):
        use_case.retire(client, by_id(client, old.backup_id), new.declaration.generation)


def test_one_that_was_never_read_back_replaces_nothing(desk: Desk, chip: Chip) -> None:
    client = desk.client(chip)
    old = put(client, OLD)

    def stop(step: str, done: int, total: int) -> None:
        if step == "reading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(client, NEW, newer=True, on_step=stop)
    client = desk.client(chip)
    pending = client.backups()[1]
    assert pending.pending
    with pytest.raises(NoNewerError, match="never read back") as caught:
        use_case.newer_than(client.contents(), by_id(client, old.backup_id))
    assert f"verify --backup {pending.backup_id.hex()[:8]}" in caught.value.next_step
    with pytest.raises(NoNewerError, match="newer one of the two") as caught:
        use_case.newer_than(client.contents(), pending)
    assert f"verify --backup {pending.backup_id.hex()[:8]}" in caught.value.next_step
    assert f"coldshare retire {old.backup_id.hex()[:8]}" in caught.value.next_step
    with pytest.raises(NoNewerError, match="never read back"):
        use_case.retire(client, pending, old.declaration.generation)
    with pytest.raises(BadStateError):
        client.retire(pending.backup_id, old.declaration.generation)
    checked = restore.verify(client, pending, PASSWORD)
    assert (checked.confirmed, checked.backup.state) == (True, wire.BACKUP_NEXT)


def cut_short(client: TokenClient, outbox: Outbox) -> Entry:
    """The new share on its way, as a link that broke has left it."""

    def stop(step: str, done: int, total: int) -> None:
        if step == "writing" and done > 60_000:
            raise TokenGoneError

    with pytest.raises(TokenGoneError):
        put(client, NEW, newer=True, outbox=outbox, on_step=stop)
    (waiting,) = outbox.waiting()
    return outbox.load(waiting)


def test_a_newer_one_that_was_cut_short_is_resumed(desk: Desk, chip: Chip) -> None:
    """Nobody says --newer a second time: the person at the token is asked, as for the first time."""
    outbox = Outbox(outbox_path())
    client = desk.client(chip)
    old = put(client, OLD)
    entry = cut_short(client, outbox)
    person = approves()
    resume(desk.client(chip, person), entry, outbox=outbox)
    assert person.questions[-1][0] == "Keep as NEWER?"
    assert states(chip, desk) == {
        old.backup_id.hex()[:8]: wire.BACKUP_ACTIVE,
        entry.backup_id.hex()[:8]: wire.BACKUP_NEXT,
    }


def test_rule_5_one_whose_generation_was_retired_meanwhile_is_given_up(desk: Desk, chip: Chip) -> None:
    outbox = Outbox(outbox_path())
    client = desk.client(chip)
    old = put(client, OLD)
    entry = cut_short(client, outbox)
    client = desk.client(chip)
    use_case.retire(client, by_id(client, old.backup_id), entry.declaration.generation)
    with pytest.raises(RetiredGenerationError):
        resume(client, entry, outbox=outbox)
    assert outbox.waiting() == []
    assert states(chip, desk) == {old.backup_id.hex()[:8]: wire.BACKUP_ACTIVE}


def test_the_active_one_is_not_refreshed_while_another_waits(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    old, new = both
    client = desk.client(chip)
    for newer in (False, True):
        with pytest.raises(OtherGenerationError) as caught:
            put(client, OLD, newer=newer)
        assert f"coldshare retire {old.backup_id.hex()[:8]}" in caught.value.next_step
        assert f"coldshare remove {new.backup_id.hex()[:8]}" in caught.value.next_step


def test_a_next_one_gives_way_to_another_of_its_generation(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    again = put(desk.client(chip), NEW, newer=True)
    assert again.older is not None
    assert (again.older.backup_id, again.replaced) == (both[0].backup_id, 1)
    assert list(states(chip, desk)) == [both[0].backup_id.hex()[:8], again.backup_id.hex()[:8]]


def test_newer_with_nothing_older_is_an_ordinary_backup(desk: Desk, chip: Chip) -> None:
    client = desk.client(chip)
    first = put(client, OLD, newer=True)
    second = put(client, OLD, newer=True)
    assert (first.older, second.older, second.replaced) == (None, None, 1)
    assert states(chip, desk) == {second.backup_id.hex()[:8]: wire.BACKUP_ACTIVE}


def test_destroy_is_for_retired_ones(desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]) -> None:
    old, new = both
    client = desk.client(chip)
    for result in both:
        with pytest.raises(NotRetiredError):
            use_case.destroyable(client.contents(), result.backup_id.hex())
        with pytest.raises(BadStateError):
            client.destroy(result.backup_id)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    assert [held.backup_id for held in use_case.retired(client.contents())] == [old.backup_id]
    person = approves()
    client = desk.client(chip, person)
    client.destroy(use_case.destroyable(client.contents(), old.backup_id.hex()[:8]).backup_id)
    assert person.questions[-1][0] == "DESTROY old share?"
    assert list(states(chip, desk)) == [new.backup_id.hex()[:8]]


def test_removing_the_active_one_lets_the_next_one_count(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    client = desk.client(chip)
    client.remove(both[0].backup_id)
    assert states(chip, desk) == {both[1].backup_id.hex()[:8]: wire.BACKUP_ACTIVE}
    with pytest.raises(RetiredGenerationError):
        put(desk.client(chip), OLD, newer=True)


def test_reseal_waits_until_one_generation_counts(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult]
) -> None:
    """A next one would have to go before the new one is read back, and reseal never lets the only good one go."""
    old, new = both
    client = desk.client(chip, Presses(0))  # nobody presses: it is refused before anything is asked
    for result in both:
        with pytest.raises(ResealWaitingError):
            reseal(client, by_id(client, result.backup_id), PASSWORD, kdf=KDF)
    client = desk.client(chip)
    use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    with pytest.raises(ResealRetiredError):
        reseal(client, by_id(client, old.backup_id), PASSWORD, kdf=KDF)
    done = reseal(client, by_id(client, new.backup_id), PASSWORD, kdf=KDF)
    assert states(chip, desk) == {
        old.backup_id.hex()[:8]: wire.BACKUP_RETIRED,
        done.backup_id.hex()[:8]: wire.BACKUP_ACTIVE,
    }


def test_a_damaged_record_has_no_generation(
    desk: Desk, chip: Chip, both: tuple[BackupResult, BackupResult], tmp_path: Path
) -> None:
    old, new = both
    LittleFiles(chip).write(f"/r/{old.backup_id.hex()}", b"damaged")
    client = desk.client(chip)
    (unnamed,) = client.contents().unnamed
    assert unnamed == Unnamed(old.backup_id, wire.BACKUP_ACTIVE, unnamed.size)
    with pytest.raises(UnknownGenerationError) as caught:
        use_case.named(client.contents(), old.backup_id.hex())
    assert "--generation" in caught.value.next_step
    done = restore.restore(client, unnamed, PASSWORD, tmp_path / "out.vult")
    assert done.original == OLD[PHONE].vult
    assert restore.told(done) == old.declaration
    # Whoever knows the generation can still retire it.
    step = use_case.retire(client, by_id(client, new.backup_id), old.declaration.generation)
    assert (step.old, step.newer.state) == (None, wire.BACKUP_ACTIVE)
    (unnamed,) = client.contents().unnamed
    assert unnamed.state == wire.BACKUP_RETIRED
    client.destroy(unnamed.backup_id)
    assert client.contents().unnamed == ()


def test_a_damaged_record_of_an_unconfirmed_one(desk: Desk, chip: Chip) -> None:
    client = desk.client(chip)

    def stop(step: str, done: int, total: int) -> None:
        if step == "reading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(client, OLD, on_step=stop)
    (held,) = desk.client(chip).backups()
    LittleFiles(chip).write(f"/r/{held.backup_id.hex()}", b"damaged")
    client = desk.client(chip)
    (unnamed,) = client.contents().unnamed
    checked = restore.verify(client, unnamed, PASSWORD)
    assert (checked.confirmed, checked.backup.state) == (True, wire.BACKUP_ACTIVE)
    assert checked.declaration == held.declaration


def test_older_firmware_is_not_asked() -> None:
    client = puppet_client(lambda op, request: {})
    for ask in (
        lambda: client.reserve(b"", newer=True),
        lambda: client.retire(bytes(16), bytes(32)),
        lambda: client.un_retire(bytes(16), bytes(32)),
        lambda: client.destroy(bytes(16)),
        client.check_audit,
    ):
        with pytest.raises(CapabilityError, match="too old"):
            ask()
