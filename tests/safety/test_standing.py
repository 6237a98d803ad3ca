"""Every verdict with what leads to it, and that nothing better is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Place
from coldshare.ledger.store import Ledger
from coldshare.safety.conflicts import conflicts
from coldshare.safety.due import HALF_YEAR
from coldshare.safety.standing import VERDICTS, Finding, Standing, assess
from ledger.samples import Clock
from safety.story import (
    DESK,
    FILE_A,
    FILE_B,
    LAP,
    NEW,
    OLD,
    OTHER_VAULT,
    SAFE_A,
    SAFE_B,
    SAFE_C,
    SECOND,
    STICK_A,
    STICK_B,
    TABLE,
    VAULT,
    Story,
    backup_id,
    share,
)

EMPTY = Story().view()


def lost(*parties: str) -> list[Body]:
    return [e.DeviceLost(VAULT, party) for party in parties]


def safe() -> Story:
    return Story().seen().all_backed_up()


def codes(standing: Standing) -> list[str]:
    return [one.code for one in standing.findings]


def finding(standing: Standing, code: str) -> Finding:
    (found,) = (one for one in standing.findings if one.code == code)
    return found


def test_the_order_of_the_verdicts_is_that_of_their_exit_statuses() -> None:
    statuses = [status for _, status in VERDICTS.values()]
    assert statuses == sorted(statuses, reverse=True)
    assert statuses[0] == 9
    assert (list(VERDICTS)[-1], statuses[-1]) == ("safe", 0)
    assert set(statuses) == {0, 8, 9}


def test_safe() -> None:
    standing = safe().standing()
    assert (standing.verdict, standing.exit_status, standing.margin) == ("safe", 0, 3)
    assert standing.sentence == "safe: you can lose any 3 more things"
    assert [(one.party, one.device, one.live, len(one.usable)) for one in standing.parties] == [
        (party, "alive", True, 1) for party in TABLE
    ]
    assert standing.generation is not None
    assert standing.generation.generation == OLD
    assert not any(one.counts for one in standing.findings)


def test_two_of_two_with_a_backup_each() -> None:
    story = Story().seen(signers=("Phone", "Laptop")).stored(1, SAFE_A, whose=share("Phone", parties=2))
    story.stored(2, SAFE_B, whose=share("Laptop", parties=2))
    assert (story.standing().verdict, story.standing().margin) == ("safe", 1)
    assert story.standing().sentence == "safe: you can lose any one more thing"


def test_no_vault_is_nothing_to_be_glad_of() -> None:
    overview = assess(EMPTY, 0)
    assert (overview.standings, overview.exit_status) == ((), 8)


def test_a_backup_that_nobody_has_named_is_to_be_looked_at() -> None:
    overview = assess(safe().tell(e.BackupState(STICK_A, backup_id(9), None, 1000, e.ACTIVE)).view(), 0)
    assert [one.backup_id for one in overview.nameless] == [backup_id(9)]
    assert (overview.standings[0].verdict, overview.exit_status) == ("safe", 8)


def test_one_vault_that_is_not_safe_is_enough() -> None:
    story = safe().stored(9, STICK_A, whose=share(vault=OTHER_VAULT))
    overview = assess(story.view(), story.now)
    assert {one.verdict for one in overview.standings} == {"safe", "not_all_backed_up"}
    assert overview.exit_status == 8
    assert assess(story.tell(*(e.DeviceLost(OTHER_VAULT, one) for one in TABLE)).view(), 0).exit_status == 8


# --- below the threshold


def test_below_the_threshold() -> None:
    story = Story().seen().stored(1, SAFE_A, "Phone").tell(*lost(*TABLE))
    standing = story.standing()
    assert (standing.verdict, standing.exit_status, standing.margin) == ("below_threshold", 9, None)
    assert finding(standing, "below_threshold").parties == ("Phone",)
    assert story.tell(e.PlaceLost(SAFE_A)).standing().verdict == "below_threshold"


def test_exactly_the_threshold_can_sign_and_may_lose_nothing() -> None:
    standing = Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_B, "Laptop").tell(*lost(*TABLE)).standing()
    assert (standing.verdict, standing.margin) == ("not_all_backed_up", 0)


def test_what_is_found_again_counts_again() -> None:
    story = Story().seen().stored(1, SAFE_A, "Phone").tell(*lost(*TABLE), e.DeviceFound(VAULT, "Tablet"))
    assert story.standing().verdict != "below_threshold"


@pytest.mark.parametrize(
    "spoilt",
    [
        e.BackupState(SAFE_B, backup_id(2), None, 1000, e.KEYLESS),
        e.BackupState(SAFE_B, backup_id(2), share("Laptop"), 1000, e.UNCONFIRMED),
        e.BackupGone(SAFE_B, backup_id(2), e.MISSING),
        e.BackupFailed(SAFE_B, backup_id(2), "seal_damaged"),
        e.PlaceWiped(SAFE_B, bytes(8)),
        e.PlaceLost(SAFE_B),
    ],
    ids=lambda body: body.name,
)
def test_a_backup_that_would_not_open_is_none(spoilt: Body) -> None:
    story = Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_B, "Laptop").tell(*lost(*TABLE))
    assert story.standing().verdict == "not_all_backed_up"
    assert story.tell(spoilt).standing().verdict == "below_threshold"


# --- generations


def reshared(*, newer: bool = True) -> Story:
    story = safe().seen(NEW)
    return story.tell(e.GenerationNewer(VAULT, NEW, OLD)) if newer else story


def test_nothing_tells_which_generation_counts() -> None:
    standing = reshared(newer=False).standing()
    assert (standing.verdict, standing.exit_status, standing.generation, standing.margin) == (
        "mixed_generations",
        9,
        None,
        None,
    )
    assert {one.generation for one in standing.candidates} == {OLD, NEW}


def test_after_a_reshare_no_older_backup_counts() -> None:
    standing = reshared().standing()
    assert (standing.verdict, standing.margin) == ("mixed_generations", 1)
    assert all(not one.copies and len(one.older) == 1 for one in standing.parties)
    assert finding(standing, "mixed_generations").parties == TABLE
    assert finding(standing, "not_all_backed_up").parties == TABLE


def test_older_shares_are_listed_and_never_called_void() -> None:
    standing = reshared().all_backed_up(NEW, first=11).standing()
    assert (standing.verdict, standing.margin) == ("safe", 3)
    old = finding(standing, "old_copies")
    assert {one.backup_id for one in old.backups} == {backup_id(number) for number in (1, 2, 3)}
    assert "still sign with each other" in old.words
    assert "void" not in old.words


def test_the_old_share_of_a_party_that_left_is_listed_too() -> None:
    story = safe().seen(NEW, ("Phone", "Laptop", "Watch")).tell(e.GenerationNewer(VAULT, NEW, OLD))
    for number, (party, place) in enumerate(zip(("Phone", "Laptop", "Watch"), (SAFE_A, SAFE_B, STICK_A), strict=True)):
        story.stored(11 + number, place, party, NEW)
    standing = story.standing()
    assert [one.party for one in standing.parties] == ["Phone", "Laptop", "Watch"]
    assert [one.backup.party for one in standing.strangers] == ["Tablet"]
    assert backup_id(3) in {one.backup_id for one in finding(standing, "old_copies").backups}


def test_two_lost_devices_with_backups_of_two_generations_cannot_sign() -> None:
    story = reshared().stored(11, SAFE_A, "Phone", NEW).tell(*lost(*TABLE))
    standing = story.standing()
    assert (standing.verdict, standing.margin) == ("below_threshold", None)
    assert "mixed_generations" in codes(standing)


def test_the_party_that_was_not_backed_up_since_is_named() -> None:
    story = reshared().stored(11, SAFE_A, "Phone", NEW).stored(12, SAFE_B, "Laptop", NEW)
    standing = story.standing()
    assert standing.verdict == "not_all_backed_up"
    assert finding(standing, "not_all_backed_up").parties == ("Tablet",)


def test_a_newer_generation_of_which_nothing_else_is_known() -> None:
    assert safe().tell(e.GenerationNewer(VAULT, NEW, OLD)).standing().verdict == "mixed_generations"


def test_a_circle_of_generations_is_no_order() -> None:
    story = reshared().tell(e.GenerationNewer(VAULT, OLD, NEW))
    assert story.standing().verdict == "mixed_generations"
    assert assess(story.view(), story.now).conflicts


def test_retired_everywhere() -> None:
    assert safe().tell(e.GenerationRetired(VAULT, OLD, None)).standing().verdict == "mixed_generations"
    assert safe().tell(e.GenerationRetired(VAULT, OLD, SAFE_A)).standing().verdict == "safe"


# --- shares that are wrong


@pytest.mark.parametrize(
    "body",
    [
        e.BackupFailed(STICK_A, backup_id(9), "integrity"),
        e.BackupState(STICK_A, backup_id(9), None, 1000, e.DAMAGED),
        e.BackupVerified(STICK_A, backup_id(9), share("Laptop"), 1000, e.ACTIVE, None, opened=True),
        e.DrillResult(STICK_A, backup_id(9), share(), False, None, None, bytes(32)),
    ],
    ids=["failed", "damaged", "another share", "drill"],
)
def test_one_wrong_spare_among_good_ones_is_said_loudly(body: Body) -> None:
    story = safe().stored(9, STICK_A, "Phone")
    assert story.standing().verdict == "safe"
    standing = story.tell(body).standing()
    assert (standing.verdict, standing.exit_status) == ("wrong_shares", 9)
    assert [one.backup_id for one in finding(standing, "wrong_shares").backups] == [backup_id(9)]


def test_a_wrong_share_of_an_older_generation_is_not_about_this_one() -> None:
    story = reshared().all_backed_up(NEW, first=11).tell(e.BackupFailed(SAFE_A, backup_id(1), "integrity"))
    assert story.standing().verdict == "safe"


def test_a_threshold_told_in_two_ways_is_no_safety() -> None:
    story = safe().tell(e.BackupState(STICK_A, backup_id(9), share(threshold=3), 1000, e.ACTIVE))
    standing = story.standing()
    assert (standing.verdict, standing.exit_status) == ("wrong_shares", 9)
    assert OLD.hex()[:8] in finding(standing, "wrong_shares").words


def test_more_shares_than_parties_are_no_safety() -> None:
    """A place that makes up a party would make up a device that can be lost instead of a real one."""
    standing = safe().stored(9, STICK_A, "Ghost").standing()
    assert (standing.verdict, standing.exit_status) == ("wrong_shares", 9)
    assert "Ghost" in finding(standing, "wrong_shares").words


# --- what should be done


def test_together_comes_before_what_is_missing() -> None:
    standing = Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_A, "Laptop").standing()
    assert (standing.verdict, standing.exit_status) == ("together", 8)
    assert "not_all_backed_up" in codes(standing)


def test_accepted_together_is_only_said() -> None:
    story = safe().tell(e.ShareHandled(share("Phone"), 1), e.ShareHandled(share("Laptop"), 1))
    assert story.standing().verdict == "together"
    standing = story.tell(e.SingleHostAccepted(VAULT, OLD)).standing()
    assert (standing.verdict, standing.exit_status) == ("safe", 0)
    assert not finding(standing, "single_host").counts


def test_every_party_without_a_backup_is_named() -> None:
    standing = Story().seen().stored(1, SAFE_A, "Phone").standing()
    assert (standing.verdict, standing.margin) == ("not_all_backed_up", 1)
    assert finding(standing, "not_all_backed_up").parties == ("Laptop", "Tablet")


def test_parties_of_which_not_even_the_name_is_known_are_no_safety() -> None:
    """All that one token tells: one party of three."""
    standing = Story().stored(1, SAFE_A).standing()
    assert (standing.verdict, standing.exit_status, standing.unknown) == ("not_all_backed_up", 8, 2)
    assert "safe" not in standing.sentence


def test_never_opened() -> None:
    story = safe().tell(e.BackupGone(SAFE_A, backup_id(1), e.REMOVED)).stored(9, STICK_A, "Phone", opened=False)
    standing = story.standing()
    assert (standing.verdict, standing.exit_status) == ("never_verified", 8)
    assert finding(standing, "never_verified").parties == ("Phone",)
    story.tell(e.BackupVerified(STICK_A, backup_id(9), share(), 1000, e.ACTIVE, None, opened=False))
    assert story.standing().verdict == "never_verified"  # read back is not opened
    story.tell(e.BackupVerified(STICK_A, backup_id(9), share(), 1000, e.ACTIVE, None, opened=True))
    assert story.standing().verdict == "safe"


def test_one_that_was_opened_and_is_lost_proves_nothing_of_another_one() -> None:
    story = safe().stored(9, STICK_A, "Phone", opened=False).tell(e.PlaceLost(SAFE_A))
    assert story.standing().verdict == "never_verified"


def test_a_lost_device_until_its_share_is_on_a_new_one() -> None:
    story = safe().tell(*lost("Phone"))
    assert (story.standing().verdict, story.standing().exit_status, story.standing().margin) == ("device_lost", 8, 2)
    story.tell(e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1)))
    standing = story.standing()
    assert (standing.verdict, standing.margin, standing.parties[0].device_name) == ("safe", 3, "new phone")


def test_two_shares_that_came_onto_one_device_are_lost_with_it() -> None:
    """Two people, each with a ledger, restored onto what both call the tablet."""
    story = safe().tell(*lost("Phone", "Laptop"))
    story.tell(e.DeviceRestored(VAULT, "Phone", "New tablet", OLD, backup_id(1)))
    assert story.standing().margin == 2
    apart = Story(*(one.body for one in story.events))
    apart.tell(e.DeviceRestored(VAULT, "Laptop", "another one", OLD, backup_id(2)))
    assert apart.standing().margin == 3
    story.tell(e.DeviceRestored(VAULT, "Laptop", "new Tablet", OLD, backup_id(2)))
    assert story.standing().margin == 2


def test_an_old_share_on_a_new_device_is_no_device() -> None:
    story = reshared().all_backed_up(NEW, first=11).tell(*lost("Phone"))
    story.tell(e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1)))
    standing = story.standing()
    assert (standing.verdict, standing.margin, standing.parties[0].live) == ("device_lost", 2, False)
    assert "new phone" in finding(standing, "device_lost").words


def test_lost_without_a_backup_is_named_as_that() -> None:
    standing = Story().seen().stored(2, SAFE_B, "Laptop").stored(3, SAFE_C, "Tablet").tell(*lost("Phone")).standing()
    assert standing.verdict == "not_all_backed_up"
    assert finding(standing, "not_all_backed_up").parties == ("Phone",)


def test_what_is_due_changes_the_exit_status_and_not_the_verdict() -> None:
    story = safe()
    assert story.standing(after=HALF_YEAR - 60 * SECOND).exit_status == 0
    standing = story.standing(after=HALF_YEAR)
    assert (standing.verdict, standing.exit_status) == ("safe", 8)
    assert len(standing.reminders) == 3


# --- the vendor's server


def test_a_fast_vault_needs_one_backup() -> None:
    story = Story().seen(signers=("Phone", "Server-1"))
    assert finding(story.standing(), "not_all_backed_up").parties == ("Phone",)
    story.stored(1, SAFE_A, whose=share("Phone", parties=2))
    standing = story.standing()
    assert (standing.verdict, standing.margin) == ("safe", 1)
    assert finding(standing, "server").words
    assert story.tell(*lost("Phone")).standing().margin == 0


def test_a_server_that_is_gone_takes_its_share_along() -> None:
    story = Story().seen(signers=("Phone", "Server-1")).stored(1, SAFE_A, whose=share("Phone", parties=2))
    assert story.tell(*lost("Server-1")).standing().verdict == "below_threshold"


# --- things that are lost as one


def test_exported_files_on_one_computer_are_one_thing() -> None:
    story = Story().seen(signers=("Phone", "Laptop"), threshold=1).tell(*lost("Phone", "Laptop"))
    for number, place in enumerate((FILE_A, FILE_B), start=1):
        story.stored(number, place, whose=share("Phone", threshold=1, parties=2))
    assert story.standing().margin == 0
    elsewhere = e.PlaceDescribed(FILE_B, None, None, None, "Ada's cloud", None)
    assert story.tell(elsewhere).standing().margin == 1


def test_a_file_on_another_computer_is_another_thing() -> None:
    story = Story().seen(signers=("Phone",), threshold=1).tell(*lost("Phone"))
    whose = share("Phone", threshold=1, parties=1)
    story.tell(e.BackupStored(FILE_A, backup_id(1), whose, 1000, e.ACTIVE, None), host=DESK)
    story.tell(e.BackupStored(FILE_B, backup_id(2), whose, 1000, e.ACTIVE, None), host=LAP)
    assert story.standing().margin == 1


def test_a_file_that_rests_on_its_token_adds_nothing() -> None:
    story = Story().seen(signers=("Phone",), threshold=1).tell(*lost("Phone"))
    whose = share("Phone", threshold=1, parties=1)
    story.stored(1, SAFE_A, whose=whose).stored(1, FILE_A, whose=whose)
    assert story.standing().margin == 0


def test_two_sticks_are_two_things() -> None:
    story = Story().seen(signers=("Phone",), threshold=1).tell(*lost("Phone"))
    for number, place in enumerate((STICK_A, STICK_B), start=1):
        story.stored(number, place, whose=share("Phone", threshold=1, parties=1))
    assert story.standing().margin == 1


# --- several ledgers


def test_who_has_not_heard_that_it_was_found_and_says_again_that_it_is_lost_is_heard(tmp_path: Path) -> None:
    """Two people agree that a token is lost. One finds it; the other one, later, says once more that it is lost."""
    clock = Clock()
    with Ledger(tmp_path / "a", now=clock) as ada, Ledger(tmp_path / "b", now=clock) as bob:
        bob.record([e.HostNamed("bob")])
        ada.record([e.BackupStored(SAFE_A, backup_id(1), share(), 1000, e.ACTIVE, None), e.PlaceLost(SAFE_A)])
        bob.merge(ada.events())
        ada.record([e.PlaceFound(SAFE_A)])
        bob.record([e.PlaceLost(SAFE_A)])
        ada.merge(bob.events())
        bob.merge(ada.events())
        for ledger in (ada, bob):
            (standing,) = assess(ledger.view(), clock.now).standings
            assert not standing.parties[0].usable


def replaced(party: str, generation: bytes = OLD, number: int = 1) -> list[Body]:
    return [*lost(party), e.DeviceRestored(VAULT, party, f"new {party}", generation, backup_id(number))]


def test_a_lost_device_that_was_replaced_has_its_share_still() -> None:
    story = safe().tell(*replaced("Phone"))
    standing = story.standing()
    assert (standing.verdict, codes(standing)) == ("safe", ["old_device"])
    said = finding(standing, "old_device")
    assert said.parties == ("Phone",)
    assert "the lost one of Phone. What is on that one still works, until the vault is reshared." in said.words
    assert said.next_step == "Reshare it: coldshare reshare start Savings"
    assert codes(story.tell(e.DeviceFound(VAULT, "Phone")).standing()) == []


def test_enough_lost_devices_that_were_replaced_sign_alone() -> None:
    story = safe().tell(*replaced("Phone"), *replaced("Laptop", number=2))
    standing = story.standing()
    assert (standing.verdict, standing.exit_status) == ("safe", 0)
    said = finding(standing, "old_device")
    assert said.parties == ("Phone", "Laptop")
    assert said.words.endswith("still works, and whoever has the lost devices of Phone and Laptop can sign.")
    assert said.next_step.startswith("Move the funds to a new vault.")


def test_one_that_was_replaced_and_one_that_was_not_sign_together() -> None:
    said = finding(safe().tell(*replaced("Phone"), *lost("Laptop")).standing(), "old_device")
    assert said.parties == ("Phone",)
    assert said.words.endswith("whoever has the lost devices of Phone and Laptop can sign.")


def test_it_has_an_old_share_when_the_vault_was_reshared_since() -> None:
    story = safe().tell(*replaced("Phone"))
    story.seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD)).all_backed_up(NEW, first=4)
    assert "old_device" not in codes(story.standing())
    again = e.DeviceRestored(VAULT, "Phone", "newer phone", NEW, backup_id(4))
    assert "old_device" not in codes(story.tell(again).standing()), "nothing was lost since"
    assert "old_device" in codes(story.tell(*lost("Phone"), again).standing())


def test_whether_it_was_found_before_it_was_lost_or_after_nobody_can_say(tmp_path: Path) -> None:
    """What came last by the clocks does not count: lost it is, until somebody who knows of both says otherwise."""
    clock = Clock()
    with Ledger(tmp_path / "a", now=clock) as ada, Ledger(tmp_path / "b", now=clock) as bob:
        bob.record([e.HostNamed("bob")])
        ada.record([e.BackupStored(SAFE_A, backup_id(1), share(), 1000, e.ACTIVE, None)])
        bob.join(ada.events())
        ada.record([e.PlaceLost(SAFE_A)])
        bob.record([e.PlaceFound(SAFE_A)])
        ada.join(bob.events())
        (standing,) = assess(ada.view(), clock.now).standings
        assert not standing.parties[0].usable
        (conflict,) = conflicts(ada.view())
        assert conflict.code == "place_unordered"
        assert conflict.words.endswith(f"If it is there: coldshare place found {SAFE_A}")
        ada.record([e.PlaceFound(SAFE_A)])
        bob.join(ada.events())
        for ledger in (ada, bob):
            (standing,) = assess(ledger.view(), clock.now).standings
            assert standing.parties[0].usable
            assert conflicts(ledger.view()) == []


def test_a_place_that_was_perhaps_found_is_named_by_its_id_where_another_one_is_called_the_same(
    tmp_path: Path,
) -> None:
    """The command that settles it means one place."""
    clock = Clock()
    with Ledger(tmp_path / "a", now=clock) as ada, Ledger(tmp_path / "b", now=clock) as bob:
        ada.record([e.PlaceNamed(SAFE_A, "Safe"), e.PlaceNamed(SAFE_B, "Safe"), e.PlaceLost(SAFE_A)])
        bob.record([e.PlaceFound(SAFE_A)])
        ada.join(bob.events())
        words = [one.words for one in conflicts(ada.view()) if one.code == "place_unordered"]
        assert [one.rpartition(" ")[2] for one in words] == [str(SAFE_A)]


def test_a_file_is_looked_for_with_the_computer_that_it_went_with() -> None:
    story = Story().seen()
    story.tell(e.BackupStored(FILE_A, backup_id(1), share(), 1000, e.ACTIVE, True), host=LAP)
    story.tell(e.PlaceLost(Place(e.COMPUTER, LAP)), *lost("Phone", "Laptop"))
    (found,) = (one for one in story.standing().findings if one.code == "below_threshold")
    assert f"coldshare place found {Place(e.COMPUTER, LAP)};" in found.next_step
    assert str(FILE_A) not in found.next_step
