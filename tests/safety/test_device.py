"""What became of a device: lost, found, restored, left behind by a reshare."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.safety.devices import Device, device
from safety.story import FILE_A, LAP, NEW, OLD, SAFE_A, SAFE_B, VAULT, Story, backup_id, share

LOST, FOUND = e.DeviceLost(VAULT, "Phone"), e.DeviceFound(VAULT, "Phone")


def restored(generation: bytes = OLD, party: str = "Phone") -> e.DeviceRestored:
    return e.DeviceRestored(VAULT, party, "new phone", generation, backup_id(1))


def is_now(story: Story, generation: bytes = OLD, party: str = "Phone") -> Device:
    view = story.view()
    (found,) = (one for one in view.parties(VAULT) if one.party == party)
    return device(view, found, generation)


def test_alive_until_somebody_says_otherwise() -> None:
    story = Story().seen()
    assert is_now(story) == "alive"
    assert is_now(story.tell(LOST)) == "lost"
    assert is_now(story, party="Laptop") == "alive"
    assert is_now(story.tell(FOUND)) == "alive"


def test_lost_is_lost_whichever_generation_is_asked_for() -> None:
    story = Story().seen().seen(NEW).tell(LOST)
    assert {is_now(story, one) for one in (OLD, NEW)} == {"lost"}


def test_a_new_one_has_its_share_and_may_be_lost_too() -> None:
    story = Story().seen().tell(LOST, restored())
    assert is_now(story) == "restored"
    assert is_now(story.tell(LOST)) == "lost"


def test_the_first_one_turns_up_again_and_the_new_one_stays_what_it_is() -> None:
    assert is_now(Story().seen().tell(LOST, restored(), FOUND)) == "restored"


def test_a_share_of_another_generation_does_not_count() -> None:
    story = Story().seen().seen(NEW).tell(LOST, restored(OLD))
    assert is_now(story, NEW) == "stale"
    assert is_now(story, OLD) == "restored"
    # And the other way round: the newer share does not sign with the older ones.
    assert is_now(Story().seen().seen(NEW).tell(LOST, restored(NEW)), OLD) == "stale"


def test_found_again_does_not_make_its_share_a_newer_one() -> None:
    assert is_now(Story().seen().seen(NEW).tell(LOST, restored(OLD), LOST, FOUND), NEW) == "stale"


def test_restored_and_then_reshared_with_the_others() -> None:
    story = Story().seen().stored(1, SAFE_A).tell(LOST, restored(OLD)).seen(NEW)
    assert is_now(story, NEW) == "stale"  # nothing says yet that it took part
    assert is_now(story.stored(2, SAFE_A, "Phone", NEW), NEW) == "restored"


def test_it_went_along_with_a_reshare_that_was_given_up() -> None:
    """Its app keeps no old share, so the old generation has to come back onto it."""
    newer, given_up = e.GenerationNewer(VAULT, NEW, OLD), e.GenerationRetired(VAULT, NEW, None)
    story = Story().seen().stored(1, SAFE_A).seen(NEW).tell(newer).stored(2, SAFE_A, "Phone", NEW)
    assert is_now(story, OLD) == "alive"  # the reshare is under way, and the newer share is what counts
    assert is_now(story.tell(given_up), OLD) == "stale"
    assert is_now(story, OLD, "Laptop") == "alive"
    assert is_now(story, NEW) == "alive"
    assert is_now(story.tell(e.PlaceWiped(SAFE_A, None)), OLD) == "stale"
    assert is_now(story.tell(restored(OLD)), OLD) == "restored"
    again = e.GenerationUnRetired(VAULT, NEW, None)
    story = Story().seen().seen(NEW).tell(newer).stored(2, SAFE_A, "Phone", NEW).tell(given_up, again)
    assert is_now(story, OLD) == "alive"


def test_what_was_replaced_is_not_what_was_given_up() -> None:
    newer, retired = e.GenerationNewer(VAULT, NEW, OLD), e.GenerationRetired(VAULT, OLD, None)
    story = Story().seen().stored(1, SAFE_A).seen(NEW).tell(newer, retired).stored(2, SAFE_A, "Phone", NEW)
    assert {is_now(story, one) for one in (OLD, NEW)} == {"alive"}


def test_the_backup_of_another_party_says_nothing_of_this_one() -> None:
    story = Story().seen().tell(LOST, restored(OLD)).seen(NEW).stored(2, SAFE_A, "Laptop", NEW)
    assert is_now(story, NEW) == "stale"


def test_it_took_part_though_its_backup_is_gone_since() -> None:
    story = Story().seen().tell(LOST, restored(OLD)).seen(NEW).stored(2, SAFE_A, "Phone", NEW)
    assert is_now(story.tell(e.PlaceWiped(SAFE_A, None)), NEW) == "restored"


# --- A share of the newer generation was backed up before an older one came onto the new device: then the device has
# --- the older one, whatever is done with that backup afterwards.


def test_a_backup_from_before_is_no_sign_that_it_took_part() -> None:
    story = Story().seen().seen(NEW).stored(2, SAFE_A, "Phone", NEW).tell(LOST, restored(OLD))
    assert is_now(story, NEW) == "stale"


def test_nor_is_a_file_exported_from_that_backup() -> None:
    story = Story().seen().seen(NEW).stored(2, SAFE_A, "Phone", NEW).tell(LOST, restored(OLD))
    assert is_now(story.stored(2, FILE_A, "Phone", NEW), NEW) == "stale"


def test_nor_is_the_same_share_sealed_anew() -> None:
    story = Story().seen().seen(NEW).stored(2, SAFE_A, "Phone", NEW).tell(LOST, restored(OLD))
    story.tell(e.BackupGone(SAFE_A, backup_id(2), e.REPLACED)).stored(3, SAFE_A, "Phone", NEW)
    assert is_now(story, NEW) == "stale"


def test_nor_when_only_the_others_had_backed_theirs_up() -> None:
    """That generation was there before: what comes later does not come from a reshare after the restore."""
    story = Story().seen().seen(NEW).stored(2, SAFE_B, "Laptop", NEW).tell(LOST, restored(OLD))
    assert is_now(story.stored(3, SAFE_A, "Phone", NEW), NEW) == "stale"


def test_nor_is_one_of_which_nobody_knows_since_when_it_is_there() -> None:
    """A token was listed, and tells of no time; what is exported from it later proves nothing."""
    story = Story().seen().seen(NEW).tell(LOST, restored(OLD))
    story.tell(e.BackupState(SAFE_A, backup_id(4), share("Phone", NEW), 1000, e.ACTIVE), host=LAP)
    assert is_now(story.stored(4, FILE_A, "Phone", NEW), NEW) == "stale"


# --- the vendor's server


def test_the_server_is_there_until_it_is_given_up() -> None:
    story = Story().seen(signers=("Phone", "Server-1"))
    assert is_now(story, party="Server-1") == "server"
    assert is_now(story.tell(e.DeviceLost(VAULT, "Server-1")), party="Server-1") == "lost"
    assert is_now(story.tell(e.DeviceFound(VAULT, "Server-1")), party="Server-1") == "server"


def test_the_servers_share_on_a_device_of_ones_own_is_as_easily_lost_as_any() -> None:
    story = Story().seen(signers=("Phone", "Server-1")).tell(e.DeviceLost(VAULT, "Server-1"))
    assert is_now(story.tell(restored(party="Server-1")), party="Server-1") == "restored"
