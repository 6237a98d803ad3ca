"""Rule 1 over places: what is together and should not be, and what only looks like it."""

from __future__ import annotations

import pytest

from coldshare.ledger import events as e
from coldshare.safety.apart import Together, together
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
    STICK_A,
    STICK_B,
    TABLE,
    VAULT,
    Story,
    backup_id,
    share,
)

PLACES = (SAFE_A, SAFE_B, SAFE_C)


def described(place: e.Place, **said: str) -> e.PlaceDescribed:
    fields: dict[str, str | None] = dict.fromkeys(("called", "location", "custodian", "account", "note"))
    return e.PlaceDescribed(place, **{**fields, **said})


def found(story: Story, by: str) -> list[Together]:
    return [one for one in together(story.view(), VAULT) if one.by == by]


def apart(*places: e.Place) -> Story:
    """A backup of another party at each of them, and no computer reaches any."""
    story = Story().seen()
    for number, (party, place) in enumerate(zip(TABLE, places, strict=False), start=1):
        story.stored(number, place, party).tell(e.PlaceReached(place, DESK, reaches=False))
    return story


def test_three_tokens_of_three_people_are_apart() -> None:
    story = apart(*PLACES)
    for place, who in zip(PLACES, ("Ada", "Bob", "Cyd"), strict=True):
        story.tell(described(place, location=f"{who}'s", custodian=who, account=who))
    assert together(story.view(), VAULT) == []


# --- one place


@pytest.mark.parametrize("place", [SAFE_A, STICK_A, FILE_A])
def test_one_place_with_two_parties(place: e.Place) -> None:
    story = Story().stored(1, place, "Phone").stored(2, place, "Laptop")
    (one,) = found(story, "place")
    assert (one.parties, one.places, one.serious, one.generation) == (("Laptop", "Phone"), (place,), True, None)
    assert "One place is for one party" in one.words


def test_in_one_place_two_parties_are_too_many_whatever_the_threshold_and_the_generation() -> None:
    story = Story().stored(1, STICK_A, whose=share("Phone", OLD, threshold=5, parties=9))
    story.stored(2, STICK_A, whose=share("Laptop", NEW, threshold=5, parties=9))
    assert [one.parties for one in found(story, "place")] == [("Laptop", "Phone")]


def test_one_place_with_two_backups_of_one_party() -> None:
    story = Story().stored(1, STICK_A, "Phone", OLD).stored(2, STICK_A, "Phone", NEW)
    assert found(story, "place") == []


def test_one_place_with_shares_of_two_vaults() -> None:
    story = Story().stored(1, STICK_A, "Phone").stored(2, STICK_A, whose=share("Laptop", vault=OTHER_VAULT))
    assert together(story.view(), VAULT) == together(story.view(), OTHER_VAULT) == []


def test_what_is_gone_is_together_with_nothing() -> None:
    story = Story().stored(1, STICK_A, "Phone").stored(2, STICK_A, "Laptop")
    assert found(story.tell(e.BackupGone(STICK_A, backup_id(2), e.REMOVED)), "place") == []


def test_a_lost_place_with_two_parties_is_said_all_the_same() -> None:
    """Whoever finds it has both."""
    story = Story().stored(1, STICK_A, "Phone").stored(2, STICK_A, "Laptop").tell(e.PlaceLost(STICK_A))
    assert len(found(story, "place")) == 1


def test_what_does_not_open_is_together_too() -> None:
    """It may be good for somebody else: a failure is often the reader's."""
    story = Story().stored(1, STICK_A, "Phone").stored(2, STICK_A, "Laptop")
    assert len(found(story.tell(e.BackupFailed(STICK_A, backup_id(2), "integrity")), "place")) == 1


# --- what people say of places


@pytest.mark.parametrize("by", ["location", "custodian", "account"])
def test_enough_to_sign_at_one(by: str) -> None:
    story = apart(*PLACES).tell(described(SAFE_A, **{by: "the bank"}))
    assert found(story, by) == []
    story.tell(described(SAFE_B, **{by: "the bank"}))
    (one,) = found(story, by)
    assert (one.what, one.threshold, one.serious) == ("the bank", 2, True)
    assert one.parties == ("Laptop", "Phone")
    assert one.places == (SAFE_A, SAFE_B)
    assert "the bank" in one.words
    # What is said of one thing is not said of another one.
    assert [other.by for other in together(story.view(), VAULT)] == [by]


@pytest.mark.parametrize("other", ["The  Bank", " the bank ", "THE BANK", "the\u00a0bank", "the bank", "\uff54he bank"])
def test_case_and_spaces_make_no_other_place(other: str) -> None:
    story = apart(*PLACES).tell(described(SAFE_A, location="the bank"), described(SAFE_B, location=other))
    assert len(found(story, "location")) == 1


def test_one_word_typed_on_two_systems_is_one_word() -> None:
    """One composes an umlaut, the other one does not."""
    story = apart(*PLACES).tell(described(SAFE_A, location="Z\u00fcrich"), described(SAFE_B, location="Zu\u0308rich"))
    assert len(found(story, "location")) == 1


def test_other_words_are_other_places() -> None:
    story = apart(*PLACES).tell(described(SAFE_A, location="the bank"), described(SAFE_B, location="the bank 2"))
    assert found(story, "location") == []
    assert found(story.tell(described(SAFE_A, location=" "), described(SAFE_B, location=" ")), "location") == []


def test_as_many_as_the_threshold_and_no_fewer() -> None:
    story = Story()
    for number, place in enumerate(PLACES, start=1):
        story.stored(number, place, whose=share(f"P{number}", threshold=3, parties=5))
        story.tell(e.PlaceReached(place, DESK, reaches=False), described(place, location="home"))
        assert len(found(story, "location")) == (number == 3)


def test_of_a_vault_that_one_share_signs_for_two_are_together() -> None:
    story = Story()
    for number, place in enumerate(PLACES[:2], start=1):
        story.stored(number, place, whose=share(f"P{number}", threshold=1)).tell(described(place, location="home"))
        assert len(found(story, "location")) == (number == 2)


def test_shares_of_two_generations_do_not_sign_together() -> None:
    story = Story().stored(1, SAFE_A, "Phone", OLD).stored(2, SAFE_B, "Laptop", NEW)
    story.tell(described(SAFE_A, location="home"), described(SAFE_B, location="home"))
    assert found(story, "location") == []
    story.stored(3, SAFE_C, "Tablet", OLD).tell(described(SAFE_C, location="home"))
    (one,) = found(story, "location")  # old shares still work with each other
    assert (one.generation, one.parties) == (OLD, ("Phone", "Tablet"))


def test_two_backups_of_one_party_are_one_party() -> None:
    story = Story().stored(1, SAFE_A, "Phone").stored(2, STICK_A, "Phone")
    story.tell(described(SAFE_A, location="home"), described(STICK_A, location="home"))
    assert found(story, "location") == []


def test_a_lost_place_is_at_no_location() -> None:
    story = apart(*PLACES).tell(described(SAFE_A, location="home"), described(SAFE_B, location="home"))
    assert found(story.tell(e.PlaceLost(SAFE_B)), "location") == []
    assert len(found(story.tell(e.PlaceFound(SAFE_B)), "location")) == 1


# --- computers


def test_a_computer_that_had_two_shares_in_the_clear() -> None:
    story = Story().seen().tell(e.ShareHandled(share("Phone"), e.BACKED_UP), e.ShareHandled(share("Phone"), e.VERIFIED))
    assert found(story, "computer") == []
    story.tell(e.ShareHandled(share("Laptop"), e.RESTORED))
    (one,) = found(story, "computer")
    assert (one.parties, one.serious, one.accepted) == (("Laptop", "Phone"), True, False)


def test_two_computers_with_one_share_each_are_apart() -> None:
    story = Story().seen().tell(e.ShareHandled(share("Phone"), e.BACKED_UP))
    story.tell(e.ShareHandled(share("Laptop"), e.BACKED_UP), host=LAP)
    assert found(story, "computer") == []


def test_a_computer_that_had_shares_of_two_generations() -> None:
    story = Story().tell(e.ShareHandled(share("Phone", OLD), 1), e.ShareHandled(share("Laptop", NEW), 1))
    assert found(story, "computer") == []


def test_a_computer_that_reaches_two_sticks_can_copy_both() -> None:
    story = Story().seen().stored(1, STICK_A, "Phone").stored(2, STICK_B, "Laptop")
    (one,) = found(story, "computer")
    assert (one.serious, one.places) == (True, (STICK_A, STICK_B))
    assert found(story.tell(e.PlaceReached(STICK_B, DESK, reaches=False)), "computer") == []


def test_a_computer_that_reaches_exported_files() -> None:
    story = Story().seen().stored(1, FILE_A, "Phone").stored(2, FILE_B, "Laptop")
    assert [one.serious for one in found(story, "computer")] == [True]


def test_tokens_ask_for_a_pin_and_a_button_and_so_it_is_only_said() -> None:
    story = Story().seen().stored(1, SAFE_A, "Phone").stored(2, SAFE_B, "Laptop")
    (one,) = found(story, "computer")
    assert (one.serious, one.accepted) == (False, False)
    assert "tokens" in one.words


def test_one_share_in_the_clear_and_another_one_on_a_stick() -> None:
    story = Story().seen().tell(e.ShareHandled(share("Phone"), e.VERIFIED)).stored(2, STICK_B, "Laptop")
    assert [one.serious for one in found(story, "computer")] == [True]


def test_one_share_in_the_clear_and_another_one_on_a_token() -> None:
    story = Story().seen().tell(e.ShareHandled(share("Phone"), e.VERIFIED)).stored(2, SAFE_B, "Laptop")
    assert [one.serious for one in found(story, "computer")] == [False]


def test_accepted_is_said_and_no_more() -> None:
    story = Story().seen().tell(e.ShareHandled(share("Phone"), 1), e.ShareHandled(share("Laptop"), 1))
    story.tell(e.SingleHostAccepted(VAULT, OLD), host=LAP)
    story.tell(e.SingleHostAccepted(VAULT, NEW), e.SingleHostAccepted(OTHER_VAULT, OLD))
    assert [one.serious for one in found(story, "computer")] == [True]  # none of that is this
    story.tell(e.SingleHostAccepted(VAULT, OLD))
    (one,) = found(story, "computer")
    assert (one.serious, one.accepted) == (False, True)
    assert "accepted" in one.words


def test_a_computer_stands_somewhere_too() -> None:
    """Whoever is where a share was in the clear is where a share may still be."""
    story = apart(SAFE_A).tell(described(SAFE_A, location="home"))
    story.tell(e.ShareHandled(share("Laptop"), e.BACKED_UP), described(e.Place(e.COMPUTER, DESK), location="home"))
    (one,) = found(story, "location")
    assert one.parties == ("Laptop", "Phone")
    assert e.Place(e.COMPUTER, DESK) in one.places
    assert found(story.tell(described(e.Place(e.COMPUTER, LAP), location="home")), "location") == [one]


def test_a_lost_stick_is_reached_by_no_computer() -> None:
    story = Story().seen().stored(1, STICK_A, "Phone").stored(2, STICK_B, "Laptop").tell(e.PlaceLost(STICK_B))
    assert found(story, "computer") == []
