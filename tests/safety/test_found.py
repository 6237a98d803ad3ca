"""A lost device has been found: what its share is worth by then."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.safety.found import found
from safety.story import NEW, OLD, SAFE_A, VAULT, Story, backup_id, share

LOST = e.DeviceLost(VAULT, "Phone")
ONTO = e.DeviceRestored(VAULT, "Phone", "new Phone", OLD, backup_id(1))


def code(story: Story, party: str = "Phone") -> tuple[str, int | None]:
    view = story.view()
    (vault,) = view.vaults()
    (one,) = (one for one in view.parties(VAULT) if one.party == party)
    note = found(view, vault, one)
    return note.code, note.rule


def test_nothing_has_happened_meanwhile() -> None:
    assert code(Story().seen().tell(LOST)) == ("found", None)


def test_it_was_not_lost() -> None:
    assert code(Story().seen()) == ("not_lost", None)


def test_two_devices_have_one_share() -> None:
    assert code(Story().seen().tell(LOST, ONTO)) == ("two_devices", 3)
    assert code(Story().seen().tell(LOST, ONTO, LOST)) == ("two_devices", 3)


def test_a_reshare_without_it_makes_its_share_old() -> None:
    story = Story().seen(signers=("Phone", "Laptop", "Tablet")).tell(LOST)
    story.seen(NEW, ("Laptop", "Tablet", "Desk")).tell(e.GenerationNewer(VAULT, NEW, OLD))
    assert code(story) == ("stale_share", 5)


def test_a_reshare_with_the_device_that_took_its_place() -> None:
    story = Story().seen().stored(1, SAFE_A).tell(LOST, ONTO).seen(NEW).tell(e.GenerationNewer(VAULT, NEW, OLD))
    assert code(story) == ("stale_share", 5)


def test_nobody_knows_which_generation_counts() -> None:
    assert code(Story().seen().seen(NEW).tell(LOST)) == ("unordered", 7)


def test_a_party_whose_generation_names_too_few_may_be_a_member() -> None:
    story = Story().seen().stored(1, SAFE_A, "Laptop", NEW, whose=share("Laptop", NEW))
    story.tell(e.GenerationNewer(VAULT, NEW, OLD), LOST)
    assert code(story) == ("found", None)
