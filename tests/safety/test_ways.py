"""A device is lost: every situation by its name, and what is possible in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.events import Place, Share
from coldshare.safety.sources import Opener, Source
from coldshare.safety.ways import Recommended, Ways, ways
from coldshare_iface import wire
from safety.story import (
    DESK,
    FILE_A,
    FILE_B,
    LAP,
    NEW,
    NEWEST,
    OLD,
    OTHER_VAULT,
    SAFE_A,
    SAFE_B,
    SAFE_C,
    SECOND,
    STICK_A,
    STICK_B,
    VAULT,
    Story,
    backup_id,
    share,
    vault_seen,
)

HERE = {SAFE_A: "--at hid:0101", STICK_A: "--at folder:/stick", FILE_A: "--from /a.seal"}
LOST = e.DeviceLost(VAULT, "Phone")


def judged(story: Story, party: str = "Phone", reached: Mapping[Place, str] | None = None) -> Ways:
    view = story.view()
    (vault,) = view.vaults()
    return ways(view, vault, party, HERE if reached is None else reached, host=DESK)


def codes(found: Ways, part: str) -> list[str]:
    return [note.code for note in getattr(found, part)]


def ids(sources: tuple[Source, ...]) -> list[int]:
    return [int.from_bytes(one.copy.backup.backup_id, "big") for one in sources]


def told(one: Source) -> list[tuple[Opener, str]]:
    return [(way.by, way.command) for way in one.openings]


# --- both ways


def test_one_of_three_is_lost_and_backed_up() -> None:
    found = judged(Story().seen().all_backed_up().tell(LOST))
    assert found.verdict == "both"
    assert found.helped
    assert found.recommended == Recommended("import", "reshare")
    (source,) = found.import_.sources
    assert source.at_hand
    assert told(source) == [
        (
            "password_and_token",
            "coldshare restore --backup 00000000 --out restored-Phone.vult --onto 'new Phone' --at hid:0101",
        )
    ]
    assert [one.party for one in found.reshare.ready] == ["Laptop", "Tablet"]
    assert found.reshare.first == found.import_.also == ()
    assert found.reshare.command == "coldshare reshare start Savings --leave Phone --new 1"
    assert codes(found, "never") == ["party_alive", "other_device_share"]
    assert [note.rule for note in found.never] == [3, 4]
    assert codes(found, "after") == ["same_share", "destroy_old", "back_up_again"]
    assert found.missing == found.older == ()


def test_a_bad_backup_beside_a_good_one_is_nothing_to_look_for() -> None:
    story = Story().seen().stored(1, SAFE_A).stored(2, SAFE_B).tell(e.BackupFailed(SAFE_B, backup_id(2), "x"), LOST)
    found = judged(story)
    assert (ids(found.import_.sources), found.missing) == ([1], ())
    assert "wrong_shares" in codes(found, "never")


def test_it_does_not_matter_whether_it_is_recorded() -> None:
    story = Story().seen().all_backed_up()
    before = judged(story)
    after = judged(story.tell(LOST))
    assert (before.verdict, before.import_, before.never) == (after.verdict, after.import_, after.never)


def test_rule_3_is_said_only_where_somebody_could_break_it() -> None:
    """The others have no backups: nobody could import one in the place of the lost one's."""
    found = judged(Story().seen().stored(1, SAFE_A))
    assert codes(found, "never") == ["other_device_share"]
    assert found.never[0].parties == ("Laptop", "Tablet")


def test_the_handiest_backup_comes_first_then_the_one_proved_last() -> None:
    story = Story().seen()
    story.stored(1, SAFE_B).stored(2, SAFE_C, opened=False).stored(3, STICK_B)
    assert ids(judged(story).import_.sources) == [3, 1, 2]
    assert ids(judged(story, reached={SAFE_C: "--at sim:c"}).import_.sources) == [2, 3, 1]
    story.tell(e.BackupVerified(SAFE_B, backup_id(1), share(), 1000, e.ACTIVE, None, opened=True))
    assert ids(judged(story).import_.sources) == [1, 3, 2]


def test_what_opens_each_kind_of_place() -> None:
    story = Story().seen()
    story.tell(e.PlaceNamed(STICK_A, "/media/you/my stick"), e.PlaceNamed(FILE_A, "/drive/coldshare-1.seal"))
    story.stored(1, SAFE_A, recovery=True).stored(2, STICK_A, recovery=True).stored(1, FILE_A, recovery=True)
    found = {one.copy.backup.place: one for one in judged(story, reached={}).import_.sources}
    tail = "--out restored-Phone.vult --onto 'new Phone'"
    assert told(found[SAFE_A]) == [
        ("password_and_token", f"coldshare restore --backup 00000000 {tail}"),
        ("recovery_code", f"coldshare restore --backup 00000000 {tail} --recovery"),
    ]
    assert told(found[STICK_A]) == [
        ("password", f"coldshare restore --backup 00000000 {tail} --at 'folder:/media/you/my stick'"),
        ("recovery_code", f"coldshare restore --backup 00000000 {tail} --recovery --at 'folder:/media/you/my stick'"),
    ]
    assert told(found[FILE_A]) == [
        ("password_and_token", f"coldshare restore {tail} --from /drive/coldshare-1.seal"),
        ("recovery_code", f"coldshare restore {tail} --recovery --from /drive/coldshare-1.seal"),
    ]
    assert not any(one.at_hand for one in found.values())


def test_a_file_opens_with_what_is_at_hand_first() -> None:
    story = Story().seen().stored(1, SAFE_A, recovery=True).stored(1, FILE_A, recovery=True)

    def first(*here: Place) -> tuple[Opener, bool]:
        found = judged(story, reached={place: HERE[place] for place in here}).import_.sources
        (file,) = (one for one in found if one.copy.backup.place == FILE_A)
        return file.openings[0].by, file.at_hand

    assert first(FILE_A) == ("recovery_code", True)
    assert first(FILE_A, SAFE_A) == ("password_and_token", True)
    assert first(SAFE_A) == ("password_and_token", False)


def test_a_burnt_token_opens_with_the_code_only() -> None:
    story = Story().seen().stored(1, SAFE_A, recovery=True)
    story.tell(e.BackupState(SAFE_A, backup_id(1), share(), 1000, e.KEYLESS))
    (source,) = judged(story).import_.sources
    assert [way.by for way in source.openings] == ["recovery_code"]


def openers(story: Story, place: Place) -> list[Opener]:
    (one,) = (one for one in judged(story).import_.sources if one.copy.backup.place == place)
    return [way.by for way in one.openings]


def test_what_opens_an_exported_file() -> None:
    story = Story().seen().stored(1, FILE_A, recovery=True)
    assert openers(story, FILE_A) == ["recovery_code"]
    assert openers(Story().seen().stored(1, FILE_A), FILE_A) == ["password_and_token"]  # a token that is not known here
    # What lies in a folder is sealed without a token, and so is a copy of it.
    assert openers(Story().seen().stored(1, STICK_A).stored(1, FILE_A), FILE_A) == ["password"]
    # A token without keys helps with no file.
    story.stored(1, SAFE_A, recovery=True).tell(e.BackupState(SAFE_A, backup_id(1), share(), 1000, e.KEYLESS))
    assert openers(story, FILE_A) == openers(story, SAFE_A) == ["recovery_code"]
    # Nor does one that is lost.
    story = Story().seen().stored(1, SAFE_A, recovery=True).stored(1, FILE_A, recovery=True).tell(e.PlaceLost(SAFE_A))
    assert openers(story, FILE_A) == ["recovery_code"]


def test_the_new_device_gets_a_name_that_nobody_has() -> None:
    story = Story().seen(signers=("Phone", "NEW phone", "Tablet")).stored(1, SAFE_A)
    assert judged(story).import_.onto == "new Phone 2"
    story.tell(e.DeviceRestored(VAULT, "Tablet", "New Phone 2", OLD, backup_id(9)))
    assert judged(story).import_.onto == "new Phone 3"


def test_names_are_quoted_for_a_shell() -> None:
    name = "Ada's phone; rm -rf"
    story = Story().seen(signers=(name, "Laptop", "Tablet")).stored(1, SAFE_A, name)
    (source,) = judged(story, name).import_.sources
    words = shlex.split(source.openings[0].command)
    assert words[words.index("--onto") + 1] == f"new {name}"
    assert words[words.index("--out") + 1] == "restored-Ada-s-phone-rm--rf.vult"


@pytest.mark.parametrize(
    ("other", "files"),
    [
        ("My coins!", ["restored-Savings-Phone.vult", "restored-My-coins-Phone.vult"]),
        ("SAVINGS", ["restored-02020202-Phone.vult", "restored-03030303-Phone.vult"]),
        ("$$$", ["restored-Savings-Phone.vult", "restored-03030303-Phone.vult"]),
    ],
)
def test_a_device_with_shares_of_two_vaults(other: str, files: list[str]) -> None:
    """Whoever pastes the commands of both gets two files."""
    second = replace(share("Phone", NEW, vault=OTHER_VAULT), name=other)
    story = Story().seen().stored(1, SAFE_A).tell(vault_seen(second, ("Phone", "Laptop", "Tablet")))
    story.stored(2, SAFE_B, whose=second).tell(LOST, e.DeviceLost(OTHER_VAULT, "Phone"))
    view = story.view()
    found = {one.vault: ways(view, one, "Phone", HERE).import_.sources[0] for one in view.vaults()}
    assert [found[vault].out for vault in (VAULT, OTHER_VAULT)] == files
    assert all(f"--out {one.out} " in one.openings[0].command for one in found.values())


# --- one way


def test_no_backup_of_the_lost_one_leaves_the_reshare() -> None:
    found = judged(Story().seen().stored(2, SAFE_B, "Laptop").tell(LOST))
    assert found.verdict == "reshare"
    assert found.recommended == Recommended("reshare", "reshare")
    assert codes(found, "missing") == ["no_backup"]
    assert codes(found, "never") == ["party_alive"]
    assert "same_share" not in codes(found, "after")


def test_a_lost_place_that_is_at_hand() -> None:
    """Nobody looks for what lies on the table."""
    story = Story().seen().stored(1, STICK_A).tell(e.PlaceLost(STICK_A), LOST)
    (note,) = (note for note in judged(story).missing if note.code == "place_lost")
    assert "is at hand. If you rely on it again, say so:" in note.words
    assert "Look for" not in note.words
    assert note.command == f"coldshare place found {STICK_A}"
    (note,) = (note for note in judged(story, reached={}).missing if note.code == "place_lost")
    assert f"Look for {STICK_A}. If it is found, say so:" in note.words


def test_a_file_that_went_with_its_computer() -> None:
    """That is what is to be found: the file was never called lost."""
    computer = Place(e.COMPUTER, LAP)
    story = Story(e.HostNamed("desk")).tell(e.HostNamed("lap"), host=LAP).seen()
    stored = e.BackupStored(FILE_B, backup_id(1), share(), 1000, e.ACTIVE, True)
    story.tell(stored, host=LAP).tell(e.PlaceLost(computer), LOST)
    (note,) = (note for note in judged(story).missing if note.code == "place_lost")
    assert "Look for the computer lap. If it is found, say so:" in note.words
    assert note.command == f"coldshare place found {computer}"
    story.tell(e.PlaceFound(computer))
    assert judged(story).verdict == "both"


def test_two_lost_at_once_of_a_vault_where_two_sign() -> None:
    """Phone can be imported. For a reshare it would have to come back first."""
    story = Story().seen().all_backed_up().tell(LOST, e.DeviceLost(VAULT, "Laptop"))
    phone = judged(story)
    assert phone.verdict == "both"
    assert phone.import_.also == ()
    assert [one.party for one in phone.reshare.ready] == ["Tablet"]
    (first,) = phone.reshare.first
    assert (first.party, first.device, first.onto) == ("Laptop", "lost", "new Laptop")
    assert first.sources[0].openings[0].command.startswith("coldshare restore --backup 00000000 --out restored-Laptop")
    assert codes(phone, "never") == ["party_alive", "other_device_share", "together"]
    assert phone.never[1].parties == ("Tablet",)
    laptop = judged(story, "Laptop")
    assert [one.party for one in laptop.reshare.first] == ["Phone"]


def test_all_three_lost_and_backed_up() -> None:
    """Nothing signs before a second one is back."""
    story = Story().seen().all_backed_up().tell(*(e.DeviceLost(VAULT, one) for one in ("Phone", "Laptop", "Tablet")))
    found = judged(story, reached={SAFE_C: "--at x"})
    assert found.verdict == "both"
    assert [one.party for one in found.import_.also] == ["Tablet"]  # it is at hand
    assert [one.party for one in found.reshare.first] == ["Tablet", "Laptop"]
    assert found.reshare.spare == ()
    (together,) = (note for note in found.never if note.code == "together")
    assert (together.rule, together.parties) == (1, ("Laptop", "Phone", "Tablet"))
    assert "other_device_share" not in codes(found, "never")  # nobody is left to be turned into it


def test_only_import_where_too_few_are_left_to_reshare() -> None:
    story = Story().seen(signers=("Phone", "Laptop")).stored(1, SAFE_A).tell(LOST)
    found = judged(story)
    assert found.verdict == "import"
    assert found.recommended == Recommended("import", "import")
    assert found.reshare.notes == ()


def test_a_device_that_was_restored_is_lost_again() -> None:
    story = Story().seen().all_backed_up().tell(LOST, e.DeviceRestored(VAULT, "Phone", "new Phone", OLD, backup_id(1)))
    story.tell(LOST)
    found = judged(story)
    assert (found.verdict, found.device_name, found.import_.onto) == ("both", "new Phone", "new Phone 2")
    assert "new Phone" in found.after[0].words  # two devices had that share


def test_a_survivor_that_was_restored_takes_part() -> None:
    story = Story().seen().all_backed_up()
    story.tell(e.DeviceLost(VAULT, "Laptop"), e.DeviceRestored(VAULT, "Laptop", "spare", OLD, backup_id(2)), LOST)
    assert [one.title for one in judged(story).reshare.ready] == ["Laptop (on spare)", "Tablet"]


def test_a_survivor_with_an_older_share_does_not() -> None:
    """It was restored from a backup of before the reshare."""
    story = Story().seen(NEW).seen(OLD).tell(e.GenerationNewer(VAULT, NEW, OLD))
    story.tell(e.DeviceLost(VAULT, "Laptop"), e.DeviceRestored(VAULT, "Laptop", "spare", OLD, backup_id(2)), LOST)
    found = judged(story)
    assert [one.party for one in found.reshare.ready] == ["Tablet"]
    assert found.verdict == "neither"


# --- neither


def test_below_the_threshold_a_backup_alone_is_no_way_back() -> None:
    story = Story().seen().stored(1, SAFE_A).tell(LOST, e.DeviceLost(VAULT, "Laptop"), e.DeviceLost(VAULT, "Tablet"))
    found = judged(story)
    assert (found.verdict, found.reach, found.needed) == ("neither", 1, 2)
    assert not found.helped
    assert ids(found.import_.sources) == [1]  # it is there, and told
    assert found.recommended == Recommended(None, None)
    assert [(note.code, note.parties) for note in found.missing] == [
        ("no_backup", ("Laptop",)),
        ("no_backup", ("Tablet",)),
        ("device", ("Laptop",)),
        ("device", ("Tablet",)),
    ]
    assert found.missing[2].command == "coldshare lost --found Laptop"
    assert found.after == ()


def test_what_to_look_for_first() -> None:
    story = Story().seen(signers=("Phone", "Laptop"))
    story.tell(e.PlaceNamed(STICK_A, "/media/stick"), e.PlaceNamed(FILE_A, "/drive/one.seal"))
    story.tell(e.PlaceDescribed(SAFE_B, "the red one", None, None, None, None))
    story.stored(1, SAFE_A).stored(2, SAFE_B).stored(3, STICK_A).stored(4, SAFE_C).stored(4, FILE_A).stored(5, STICK_B)
    story.tell(
        e.BackupState(SAFE_A, backup_id(1), share(), 1000, e.KEYLESS),
        e.PlaceLost(SAFE_B),
        e.BackupFailed(STICK_A, backup_id(3), "seal_damaged"),
        e.PlaceLost(SAFE_C),
        e.BackupState(STICK_B, backup_id(5), None, 1000, e.UNCONFIRMED),
        LOST,
    )
    found = judged(story)
    assert found.verdict == "neither"
    assert {(note.code, note.command) for note in found.missing} == {
        ("keyless", "coldshare verify --backup 00000000 --recovery"),
        ("place_lost", "coldshare place found 'the red one'"),
        ("failed", "coldshare verify --backup 00000000 --at folder:/media/stick"),
        ("place_lost", f"coldshare place found {SAFE_C}"),
        ("needs_token", "coldshare verify --from /drive/one.seal --recovery"),
        ("unconfirmed", "coldshare verify --backup 00000000 --at folder:PATH"),
        ("device", "coldshare lost --found Phone"),
    }
    assert codes(found, "never") == ["wrong_shares"]


def test_a_backup_without_a_name_may_be_what_is_needed() -> None:
    story = Story().seen(signers=("Phone", "Laptop")).tell(e.PlaceNamed(STICK_A, "/stick"), LOST)
    story.tell(e.BackupState(STICK_A, backup_id(7), None, 1000, e.ACTIVE))
    notes = [note for note in judged(story).missing if note.code == "nameless"]
    assert [(note.command, len(note.backups)) for note in notes] == [("coldshare verify --at folder:/stick", 1)]
    assert judged(Story(*[one.body for one in story.events]).stored(1, SAFE_A)).missing == ()  # nobody needs it
    story.tell(e.PlaceLost(STICK_A))
    assert "nameless" not in codes(judged(story), "missing")


def test_parties_without_even_a_name_may_be_alive() -> None:
    """A ledger made anew from one token: the other two are unknown, and presumably well."""
    found = judged(Story(e.BackupState(SAFE_A, backup_id(1), share(), 1000, e.ACTIVE), LOST))
    assert (found.verdict, found.reshare.unknown, found.reshare.ready) == ("both", 2, ())
    assert found.reshare.command == ""  # nobody could check that
    five = share(threshold=4, parties=5)
    story = Story(e.BackupState(SAFE_A, backup_id(1), five, 1000, e.ACTIVE))
    story.tell(e.BackupState(SAFE_B, backup_id(2), share("Laptop", threshold=4, parties=5), 1000, e.ACTIVE))
    story.tell(LOST, e.DeviceLost(VAULT, "Laptop"), e.PlaceLost(SAFE_A), e.PlaceLost(SAFE_B))
    found = judged(story)
    assert (found.verdict, found.reach) == ("neither", 3)
    assert found.missing[-1].command == "coldshare ledger join FILE"
    assert "3 parties" in found.missing[-1].words


def test_whoever_is_lost_is_not_presumed_well_for_want_of_a_name() -> None:
    """The older generation tells of the tablet; of the newer one only the laptop is known."""
    story = Story().seen().stored(1, SAFE_B, "Laptop", NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    assert judged(story.tell(LOST)).reshare.unknown == 1
    found = judged(story.tell(e.DeviceLost(VAULT, "Tablet")))
    assert (found.verdict, found.reshare.unknown, found.reach) == ("neither", 0, 1)
    assert ("device", ("Tablet",)) in [(note.code, note.parties) for note in found.missing]


# --- generations


def reshared(*, backed_up: bool = True) -> Story:
    """Phone, Laptop and Tablet before, and after; old backups in A, B, C, new ones on the sticks."""
    story = Story().seen().all_backed_up().seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    if backed_up:
        story.stored(11, STICK_A, "Phone", NEW).stored(12, STICK_B, "Laptop", NEW)
    return story


def test_rule_5_the_older_backups_are_named_and_never_used() -> None:
    found = judged(reshared().tell(LOST))
    assert found.verdict == "both"
    assert ids(found.import_.sources) == [11]
    (stale,) = (note for note in found.never if note.code == "stale_share")
    assert (stale.rule, stale.parties) == (5, ("Laptop", "Phone", "Tablet"))
    assert [int.from_bytes(one.backup_id, "big") for one in stale.backups] == [1, 2, 3]
    assert "still do with each other" in stale.words


def test_only_an_older_backup_is_no_backup() -> None:
    found = judged(reshared(backed_up=False).tell(LOST))
    assert found.verdict == "reshare"
    assert found.import_.sources == ()
    assert codes(found, "missing") == ["no_backup"]


def test_the_last_resort_is_a_whole_older_generation() -> None:
    story = reshared(backed_up=False).tell(LOST, e.DeviceLost(VAULT, "Laptop"))
    found = judged(story)
    assert (found.verdict, found.reach) == ("neither", 1)
    (old,) = found.older
    assert (old.generation.generation, list(old.sources), old.live) == (OLD, ["Laptop", "Phone", "Tablet"], ())
    command = old.sources["Phone"][0].openings[0].command
    assert command == "coldshare restore --backup 00000000 --out restored-Phone.vult --at hid:0101"  # onto nothing
    assert codes(found, "never") == ["mixed_generations", "together"]
    assert [note.rule for note in found.never] == [7, 1]


def test_too_few_of_the_older_ones_are_no_last_resort() -> None:
    story = Story().seen().stored(1, SAFE_A).seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    story.tell(LOST, e.DeviceLost(VAULT, "Laptop"))
    assert judged(story).older == ()
    # A device that took no part in the reshare still has its old share.
    story = Story().seen(signers=("Phone", "Laptop", "Watch")).stored(1, SAFE_A).seen(NEW)
    story.tell(e.GenerationNewer(VAULT, NEW, OLD), LOST, e.DeviceLost(VAULT, "Laptop"))
    (old,) = judged(story).older
    assert (old.parties, old.live) == (("Phone", "Watch"), ("Watch",))


def test_a_device_that_was_restored_from_an_old_backup_is_part_of_the_last_resort() -> None:
    story = Story().seen().stored(1, SAFE_A).seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    story.tell(e.DeviceRestored(VAULT, "Laptop", "spare", OLD, backup_id(9)), LOST, e.DeviceLost(VAULT, "Tablet"))
    found = judged(story)
    assert found.verdict == "neither"
    assert [(one.parties, one.live) for one in found.older] == [(("Laptop", "Phone"), ("Laptop",))]


def test_the_newest_of_several_older_generations_comes_first() -> None:
    story = Story().seen().all_backed_up().seen(NEW).all_backed_up(NEW, 11).seen(NEWEST)
    story.tell(e.GenerationNewer(VAULT, NEW, OLD), e.GenerationNewer(VAULT, NEWEST, NEW))
    story.tell(LOST, e.DeviceLost(VAULT, "Laptop"))
    assert [one.generation.generation for one in judged(story).older] == [NEW, OLD]


def test_nothing_is_recommended_while_nothing_orders_the_generations() -> None:
    story = Story().seen().all_backed_up().seen(NEW).stored(11, STICK_A, "Phone", NEW).tell(LOST)
    story.tell(e.PlaceNamed(STICK_A, "/stick"))
    found = judged(story)
    assert found.verdict == "unordered"
    assert not found.helped
    assert (found.generation, found.recommended) == (None, Recommended(None, None))
    assert {one.generation for one in found.candidates} == {OLD, NEW}
    assert not found.import_.possible
    assert ids(found.import_.sources) == [11, 1]
    assert [note.command for note in found.missing] == [
        "coldshare inspect FILE",
        f"coldshare retire --generation {NEW.hex()} --newer 00000000",
        f"coldshare retire --generation {OLD.hex()} --newer 00000000 --at folder:/stick",
    ]
    assert codes(found, "never") == ["unordered"]
    assert judged(story.tell(e.GenerationNewer(VAULT, NEW, OLD))).verdict == "both"


def test_what_is_known_to_be_older_is_no_candidate() -> None:
    story = Story().seen().seen(NEW).seen(NEWEST).tell(e.GenerationNewer(VAULT, NEW, OLD), LOST)
    assert {one.generation for one in judged(story).candidates} == {NEW, NEWEST}


def test_the_only_generation_was_retired() -> None:
    found = judged(Story().seen().all_backed_up().tell(e.GenerationRetired(VAULT, OLD, None), LOST))
    assert found.verdict == "unordered"
    assert [note.command for note in found.missing] == ["coldshare backup FILE --newer"]


def test_a_party_that_the_reshare_left_behind_is_missed_by_nobody() -> None:
    story = Story().seen(signers=("Phone", "Laptop", "Watch")).stored(1, SAFE_A, "Watch").seen(NEW)
    story.tell(e.GenerationNewer(VAULT, NEW, OLD), e.DeviceLost(VAULT, "Watch"))
    found = judged(story, "Watch")
    assert found.verdict == "not_member"
    assert found.helped
    assert codes(found, "after") == ["old_share", "destroy_old"]
    assert [note.rule for note in found.after] == [5, 5]
    assert found.after[1].backups[0].place == SAFE_A
    assert found.after[1].words.startswith("When the newer shares have signed once: destroy ")
    assert not found.import_.possible
    assert not found.reshare.possible


@pytest.mark.parametrize("party", ["Watch", "Phone"])
def test_while_a_reshare_is_under_way_nothing_is_destroyed(party: str) -> None:
    """One device has its new share. The others may still have old ones only."""
    story = Story().seen(signers=("Phone", "Laptop", "Watch")).stored(1, SAFE_A, "Watch").stored(2, SAFE_B, "Phone")
    story.tell(e.ReshareStarted(bytes(16), VAULT, OLD, ("Phone", "Laptop"), (), 2, 3)).seen(NEW)
    story.tell(e.GenerationNewer(VAULT, NEW, OLD)).stored(3, SAFE_C, "Phone", NEW).tell(e.DeviceLost(VAULT, party))
    found = judged(story, party)
    assert found.verdict == "half_reshared"
    assert codes(found, "after") == []
    (never,) = found.never
    assert "destroy no backup of either generation" in never.words
    assert codes(found, "missing") == ["half_reshared", "carry_on", "give_up", "ask_again"]


def test_whose_generation_names_too_few_may_be_a_member() -> None:
    story = Story().seen().stored(1, SAFE_B, "Laptop", NEW).tell(e.GenerationNewer(VAULT, NEW, OLD), LOST)
    found = judged(story)
    assert found.member
    assert (found.verdict, found.reshare.unknown) == ("reshare", 1)


# --- rule 1 on this computer


def test_rule_1_this_computer_has_had_another_share() -> None:
    story = Story().seen().all_backed_up().tell(LOST)
    story.tell(e.ShareHandled(share("Phone"), e.BACKED_UP), e.ShareHandled(share("Laptop"), e.BACKED_UP), host=LAP)
    assert "single_host" not in codes(judged(story), "never")  # another computer has
    story.tell(e.ShareHandled(share("Phone"), e.BACKED_UP))
    assert "single_host" not in codes(judged(story), "never")  # the very share
    story.tell(e.ShareHandled(share("Laptop"), e.BACKED_UP))
    (note,) = (one for one in judged(story).never if one.code == "single_host")
    assert (note.rule, note.parties) == (1, ("Laptop", "Phone"))
    story.tell(e.SingleHostAccepted(VAULT, OLD))
    assert "single_host" not in codes(judged(story), "never")


def test_rule_1_counts_to_the_threshold() -> None:
    def of(party: str) -> Share:
        return share(party, threshold=3, parties=4)

    names = ("Phone", "Laptop", "Tablet", "Desk")
    story = Story(vault_seen(of("Phone"), names)).stored(1, SAFE_A, whose=of("Phone"))
    story.tell(LOST, e.ShareHandled(of("Laptop"), e.BACKED_UP))
    assert "single_host" not in codes(judged(story), "never")
    story.tell(e.ShareHandled(of("Tablet"), e.VERIFIED))
    assert "single_host" in codes(judged(story), "never")


def test_rule_1_two_shares_of_a_vault_where_three_sign() -> None:
    names = ("Phone", "Laptop", "Tablet", "Desk")
    four = [share(name, threshold=3, parties=4) for name in names]
    story = Story(vault_seen(four[0], names), LOST, e.DeviceLost(VAULT, "Laptop"))
    for number, (one, place) in enumerate(zip(four, (SAFE_A, SAFE_B, SAFE_C), strict=False)):
        story.stored(number, place, whose=one)
    found = judged(story)
    assert [one.party for one in found.reshare.first] == ["Laptop"]
    assert "together" not in codes(found, "never")
    assert "together" in codes(judged(story.tell(e.DeviceLost(VAULT, "Tablet"))), "never")


# --- kinds of vaults


def fast(story: Story | None = None) -> Story:
    return (story or Story()).seen(signers=("Phone", "Server-1234", "Laptop"))


def test_a_fast_vaults_server_is_a_survivor() -> None:
    found = judged(fast().stored(1, SAFE_A).tell(LOST))
    assert found.verdict == "both"
    assert [(one.party, one.device) for one in found.reshare.ready] == [("Server-1234", "server"), ("Laptop", "alive")]
    assert [note.code for note in found.reshare.notes] == ["server"]
    assert found.never[0].parties == ("Laptop",)  # nobody would turn the server into anything


def test_the_servers_share_is_the_vendors_to_send() -> None:
    found = judged(fast().tell(e.DeviceLost(VAULT, "Server-1234")), "Server-1234")
    assert found.verdict == "reshare"
    assert codes(found, "missing") == ["server_lost", "no_backup"]
    assert "e-mail" in found.missing[0].words
    two = judged(Story().seen(signers=("Phone", "Server-1")).tell(e.DeviceLost(VAULT, "Server-1")), "Server-1")
    assert two.verdict == "neither"
    assert codes(two, "missing")[0] == "server_lost"


def kind(library: int, **more: tuple[str, ...]) -> Story:
    whose = Share(VAULT, "Savings", "Phone", OLD, 2, 3, library)
    story = Story(vault_seen(whose, ("Phone", "Laptop", "Tablet"))).stored(1, SAFE_A, whose=whose)
    if more:
        story.tell(e.VaultExtras(VAULT, OLD, more.get("keys", ()), more.get("chains", ())))
    return story.tell(LOST)


def test_gg20_is_migrated_first() -> None:
    found = judged(kind(wire.LIBRARY_GG20))
    assert [note.code for note in found.reshare.notes] == ["gg20_migrate"]
    assert found.reshare.command == ""  # it would be refused
    assert found.recommended == Recommended("import", "import")


def test_keys_that_a_reshare_does_not_renew() -> None:
    """Then an import loses nothing, and a thief is met with a new vault."""
    found = judged(kind(wire.LIBRARY_KEYIMPORT))
    assert [note.code for note in found.reshare.notes] == ["chain_keys"]
    assert found.recommended == Recommended("import", "import")
    assert judged(kind(wire.LIBRARY_DKLS, chains=("Bitcoin",))).recommended == Recommended("import", "import")
    found = judged(kind(wire.LIBRARY_DKLS, keys=("MLDSA44",)))
    assert [note.code for note in found.reshare.notes] == ["other_keys"]
    assert "MLDSA44" in found.reshare.notes[0].words
    assert found.recommended == Recommended("import", "reshare")


def test_of_a_reshare_that_is_impossible_nothing_is_said() -> None:
    story = kind(wire.LIBRARY_KEYIMPORT).tell(e.DeviceLost(VAULT, "Laptop"))
    found = judged(story)
    assert found.verdict == "import"
    assert found.reshare.notes == ()


def test_time_alone_changes_nothing() -> None:
    story = Story().seen().all_backed_up().tell(LOST)
    before = judged(story)
    story.now += 365 * 86_400 * SECOND
    assert judged(story) == before
