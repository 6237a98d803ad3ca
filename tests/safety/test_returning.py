"""Which share may go onto which device: rules 3, 4 and 5, a scenario for each."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from coldshare.ledger import events as e
from coldshare.safety.errors import (
    DuplicateVaultError,
    IncompatibleVaultError,
    OtherDeviceShareError,
    PartyAliveError,
    StaleShareError,
)
from coldshare.safety.returning import Allowed, Coming, Wish, check, notes, same_name
from safety.story import (
    FILE_A,
    NEW,
    NEWEST,
    OLD,
    OTHER_VAULT,
    SAFE_A,
    SAFE_B,
    STICK_A,
    VAULT,
    Story,
    backup_id,
    share,
    vault_seen,
)

LOST, FOUND = e.DeviceLost(VAULT, "Phone"), e.DeviceFound(VAULT, "Phone")
RESHARED = e.GenerationNewer(VAULT, NEW, OLD)


def comes(party: str = "Phone", generation: bytes = OLD, *, old_there: bool = False) -> Coming:
    return replace(Coming.of(backup_id(1), share(party, generation)), old_there=old_there)


def opened(party: str = "Phone", generation: bytes = OLD, **changes: Any) -> Coming:
    """As it is known when the seal is open."""
    whose = share(party, generation)
    seen = vault_seen(whose, ("Phone", "Laptop", "Tablet"))
    return replace(Coming.of(backup_id(1), whose), seen=replace(seen, **changes))


def goes(story: Story, coming: Coming | None = None, onto: str = "new phone", **wish: Any) -> Allowed:
    return check(story.view(), coming or comes(), Wish(onto, **wish))


# --- rule 3


def test_rule_3_a_lost_party_comes_back() -> None:
    story = Story().seen().tell(LOST)
    assert goes(story) == Allowed(None, True, ("Laptop", "Tablet"), ())
    assert goes(story, opened()) == goes(story)
    # Also onto a device that is called what the lost one was called, or the lost one itself, reset.
    assert goes(story, onto="Phone").turned is None


@pytest.mark.parametrize("onto", ["new phone", "Phone", "PHONE"])
def test_rule_3_a_party_that_is_alive(onto: str) -> None:
    with pytest.raises(PartyAliveError, match="two devices one share, and brings no party back") as caught:
        goes(Story().seen(), onto=onto)
    assert "coldshare lost Phone" in caught.value.next_step
    assert "--although-alive" in caught.value.next_step
    assert "without --onto" in caught.value.next_step


def test_rule_3_found_again_is_alive_again() -> None:
    with pytest.raises(PartyAliveError):
        goes(Story().seen().tell(LOST, FOUND))


def test_rule_3_the_loss_of_another_party_is_none_of_this_one() -> None:
    with pytest.raises(PartyAliveError):
        goes(Story().seen().tell(e.DeviceLost(VAULT, "Laptop")), onto="new laptop")
    with pytest.raises(PartyAliveError):
        goes(Story().seen().tell(e.DeviceLost(OTHER_VAULT, "Phone")))


def test_rule_3_a_name_for_the_shell_is_quoted() -> None:
    coming = comes("Ada's phone; reboot")
    with pytest.raises(PartyAliveError) as caught:
        goes(Story().seen(signers=("Ada's phone; reboot", "Laptop", "Tablet")), coming)
    assert """coldshare lost 'Ada'"'"'s phone; reboot'.""" in caught.value.next_step


def test_rule_3_although_alive_says_what_it_does() -> None:
    allowed = goes(Story().seen(), although_alive=True)
    assert (allowed.turned, allowed.replaces) == (None, False)
    assert "two devices one share" in allowed.warnings[0]


def test_rule_3_a_party_that_came_back_is_alive() -> None:
    story = Story().seen().tell(LOST, e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1)))
    with pytest.raises(PartyAliveError, match="on new phone") as caught:
        goes(story, onto="third phone")
    assert caught.value.code == "party_alive"
    assert goes(story.tell(LOST), onto="third phone").replaces


def test_rule_3_the_vendors_server_is_no_device() -> None:
    story = Story().seen(signers=("Phone", "Server-1234", "Tablet"))
    with pytest.raises(PartyAliveError, match="the vendor's server"):
        goes(story, comes("Server-1234"))
    assert "server" in goes(story, comes("Server-1234"), although_alive=True).warnings[0]
    assert goes(story.tell(e.DeviceLost(VAULT, "Server-1234")), comes("Server-1234")).warnings == ()


def test_rule_3_a_device_that_a_reshare_left_behind_gets_the_newer_share() -> None:
    """It has a share, and one that does not count."""
    story = Story().seen().tell(LOST, e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1)))
    story.seen(NEW).tell(RESHARED)
    assert goes(story, comes(generation=NEW)).warnings == ()


# --- the same share twice


def test_duplicate_the_device_has_this_share_already() -> None:
    restored = e.DeviceRestored(VAULT, "Phone", "New Phone", OLD, backup_id(1))
    story = Story().seen().tell(LOST, restored)
    for name, although in product(("New Phone", "new  phone"), (False, True)):
        with pytest.raises(DuplicateVaultError, match="New Phone has this very share") as caught:
            goes(story, onto=name, although_alive=although)
        assert "without --onto" in caught.value.next_step
    assert goes(story.tell(LOST), onto="New Phone").replaces


def test_duplicate_a_newer_share_is_another_one() -> None:
    story = Story().seen().tell(LOST, e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1)))
    story.seen(NEW).tell(RESHARED).stored(2, SAFE_A, generation=NEW)  # so the device took part in the reshare
    with pytest.raises(PartyAliveError):
        goes(story, comes(generation=NEW))


# --- rule 4


@pytest.mark.parametrize("onto", ["Laptop", "laptop", " LAPTOP ", "\uff2cAPTOP"])
def test_rule_4_the_device_of_another_party(onto: str) -> None:
    with pytest.raises(
        OtherDeviceShareError, match="would turn it into Phone, and the share of Laptop would be gone"
    ) as caught:
        goes(Story().seen().tell(LOST), onto=onto)
    assert (caught.value.other, caught.value.party) == ("Laptop", "Phone")
    assert "--turn Laptop --into Phone" in caught.value.next_step


def test_rule_4_the_device_that_another_party_was_restored_onto() -> None:
    story = Story().seen().tell(LOST, e.DeviceRestored(VAULT, "Laptop", "spare", OLD, backup_id(2)))
    with pytest.raises(OtherDeviceShareError, match=r"^Spare has the share of Laptop, a party"):
        goes(story, onto="Spare")
    with pytest.raises(OtherDeviceShareError, match=r"^Laptop is another party"):
        goes(story, onto="Laptop")  # nobody says that the first one is empty


def test_rule_4_a_lost_one_may_turn_up_again() -> None:
    with pytest.raises(OtherDeviceShareError):
        goes(Story().seen().tell(LOST, e.DeviceLost(VAULT, "Laptop")), onto="Laptop")


def test_rule_4_a_party_of_a_generation_that_is_over_has_its_share_still() -> None:
    story = Story().seen().seen(NEW, ("Phone", "Tablet", "Watch")).tell(RESHARED, LOST)
    with pytest.raises(OtherDeviceShareError):
        goes(story, comes(generation=NEW), onto="laptop")


def test_rule_4_names_that_differ_by_case_alone() -> None:
    story = Story().seen(signers=("Phone", "PHONE", "Tablet")).tell(LOST)
    assert goes(story, onto="Phone").turned is None
    with pytest.raises(OtherDeviceShareError, match="and the share of PHONE would be gone"):
        goes(story, onto="PHONE")
    assert goes(story, onto="PHONE", turn="PHONE", into="phone").turned == "PHONE"


def test_rule_4_a_device_that_was_turned_is_that_of_the_party_that_it_became() -> None:
    story = Story().seen().tell(LOST, e.DeviceLost(VAULT, "Laptop"))
    story.tell(e.DeviceRestored(VAULT, "Phone", "Laptop", OLD, backup_id(1)))
    # Its own name does not make it free.
    with pytest.raises(OtherDeviceShareError, match="would turn it into Laptop, and the share of Phone would be gone"):
        goes(story, comes("Laptop"), onto="Laptop")
    with pytest.raises(OtherDeviceShareError, match="would turn it into Tablet, and the share of Phone would be gone"):
        goes(story.tell(e.DeviceLost(VAULT, "Tablet")), comes("Tablet"), onto="Laptop")
    assert goes(story, comes("Laptop"), onto="new laptop").elsewhere == ("Phone",)


def test_rule_4_a_name_by_hand_that_could_be_two() -> None:
    story = Story().seen(signers=("Phone", "Laptop", "LAPTOP")).tell(LOST)
    with pytest.raises(OtherDeviceShareError, match="do not fit"):
        goes(story, onto="the old one", turn="laptop", into="Phone")
    assert goes(story, onto="the old one", turn="LAPTOP", into="Phone").turned == "LAPTOP"


def test_rule_4_a_device_of_another_vault_is_free() -> None:
    story = Story().seen().tell(LOST, e.ShareHandled(share("Watch", vault=OTHER_VAULT), e.BACKED_UP))
    assert goes(story, onto="Watch").turned is None


def test_rule_4_both_named_by_hand() -> None:
    story = Story().seen().tell(LOST).stored(2, SAFE_B, "Laptop")
    story.tell(e.PlaceNamed(SAFE_B, "Safe B"))
    allowed = goes(story, onto="Laptop", turn="laptop", into="Phone")
    assert (allowed.turned, allowed.elsewhere) == ("Laptop", ("Tablet",))
    assert allowed.warnings == ("That device loses the share of Laptop. Backups of it: Safe B.",)


def test_rule_4_the_last_copy_of_the_other_share_is_said_loudly() -> None:
    story = Story().seen().tell(LOST)
    (said,) = goes(story, onto="Laptop", turn="Laptop", into="Phone").warnings
    assert "NO backup of it is known" in said
    story.stored(2, SAFE_B, "Laptop").tell(e.PlaceLost(SAFE_B))
    assert goes(story, onto="Laptop", turn="Laptop", into="Phone").warnings == (said,)
    # One of a generation that does not count is none.
    story.stored(3, SAFE_A, "Laptop").seen(NEW).tell(RESHARED)
    assert goes(story, comes(generation=NEW), onto="Laptop", turn="Laptop", into="Phone").warnings == (said,)


def test_rule_4_a_device_under_another_name_is_told_by_hand() -> None:
    allowed = goes(Story().seen().tell(LOST), onto="the grey thing", turn="Tablet", into="Phone")
    assert allowed.turned == "Tablet"


@pytest.mark.parametrize(
    ("turn", "into"),
    [
        ("Laptop", None),
        (None, "Phone"),
        ("Laptop", "Tablet"),
        ("Tablet", "Phone"),
        ("Phone", "Laptop"),
        ("Phone", "Phone"),
        ("Watch", "Phone"),
        ("", ""),
    ],
)
def test_rule_4_names_that_do_not_fit(turn: str | None, into: str | None) -> None:
    with pytest.raises(OtherDeviceShareError, match="do not fit") as caught:
        goes(Story().seen().tell(LOST), onto="Laptop", turn=turn, into=into)
    assert caught.value.party == ""  # nobody is asked to type them again
    assert "Laptop, Tablet" in caught.value.next_step


def test_rule_3_comes_before_rule_4() -> None:
    """Nobody is asked to give up a share for nothing."""
    with pytest.raises(PartyAliveError):
        goes(Story().seen(), onto="Laptop", turn="Laptop", into="Phone")


# --- rule 5


def reshared() -> Story:
    return Story().seen().seen(NEW).tell(RESHARED, LOST)


def test_rule_5_an_older_share_never_replaces_a_newer_one() -> None:
    story = reshared().stored(1, SAFE_A)
    with pytest.raises(StaleShareError, match="04040404, and 05050505 has replaced it") as caught:
        goes(story)
    assert "coldshare lost Phone" in caught.value.next_step
    assert "without --onto" in caught.value.next_step
    assert goes(story, comes(generation=NEW)).warnings == ()


def test_rule_5_names_the_newer_backup_and_its_place() -> None:
    story = (
        reshared().stored(1, SAFE_A).stored(2, STICK_A, generation=NEW, opened=False).stored(3, SAFE_B, generation=NEW)
    )
    story.stored(9, SAFE_A, generation=NEW, opened=False)
    story.tell(e.PlaceNamed(SAFE_B, "Safe B"), e.PlaceNamed(STICK_A, "/media/stick"))
    with pytest.raises(StaleShareError) as caught:
        goes(story, onto="my phone")
    wanted = f"from Safe B: coldshare restore --backup {backup_id(3).hex()[:8]} --onto 'my phone' --out FILE"
    assert wanted in caught.value.next_step  # the one that was proved
    story.tell(e.PlaceLost(SAFE_B), e.PlaceLost(SAFE_A))
    with pytest.raises(StaleShareError) as caught:
        goes(story)
    assert f"--backup {backup_id(2).hex()[:8]} --at folder:/media/stick --onto" in caught.value.next_step
    story.tell(e.PlaceLost(SAFE_B), e.PlaceLost(STICK_A)).stored(4, FILE_A, generation=NEW, recovery=True)
    story.tell(e.PlaceNamed(FILE_A, "/media/my stick/x.seal"))
    with pytest.raises(StaleShareError) as caught:
        goes(story)
    assert "coldshare restore --from '/media/my stick/x.seal' --onto" in caught.value.next_step


def test_rule_5_a_retired_one_is_not_its_own_way_out() -> None:
    story = Story().seen().stored(1, SAFE_A).tell(LOST, e.GenerationRetired(VAULT, OLD, SAFE_A))
    with pytest.raises(StaleShareError, match="which was retired") as caught:
        goes(story)
    assert "No newer backup of it is known" in caught.value.next_step


def test_rule_5_replaced_by_way_of_another_one() -> None:
    story = Story().seen().seen(NEW).seen(NEWEST).tell(RESHARED, e.GenerationNewer(VAULT, NEWEST, NEW), LOST)
    with pytest.raises(StaleShareError, match="06060606 has replaced it"):
        goes(story)
    with pytest.raises(StaleShareError, match="06060606 has replaced it"):
        goes(story, comes(generation=NEW))


@pytest.mark.parametrize("place", [SAFE_A, None], ids=["at a place", "everywhere"])
def test_rule_5_retired(place: e.Place | None) -> None:
    story = Story().seen().tell(LOST, e.GenerationRetired(VAULT, OLD, place))
    with pytest.raises(StaleShareError, match="which was retired"):
        goes(story)
    assert goes(story.tell(e.GenerationUnRetired(VAULT, OLD, place))).warnings == ()


@pytest.mark.parametrize("story", [Story(), Story().seen().tell(LOST)], ids=["no vault", "the only one"])
def test_rule_5_its_own_place_says_so(story: Story) -> None:
    with pytest.raises(StaleShareError, match="its place has"):
        goes(story, comes(old_there=True))
    with pytest.raises(StaleShareError):
        check(None, comes(old_there=True), Wish("x"))


def test_rule_5_generations_that_nothing_orders() -> None:
    story = Story().seen().seen(NEW).tell(LOST)
    for one in (OLD, NEW):
        with pytest.raises(StaleShareError, match="nothing tells which of them counts") as caught:
            goes(story, comes(generation=one))
        assert "coldshare retire --generation OLD --newer ID" in caught.value.next_step
        assert "coldshare ledger join" in caught.value.next_step
    assert goes(story.tell(RESHARED), comes(generation=NEW)).warnings == ()


def test_rule_5_one_of_three_has_no_order() -> None:
    story = Story().seen().seen(NEW).seen(NEWEST).tell(RESHARED, LOST)
    with pytest.raises(StaleShareError, match=r"there is another one \(06060606\)"):
        goes(story, comes(generation=NEW))


def test_rule_5_a_generation_that_the_ledger_never_saw() -> None:
    with pytest.raises(StaleShareError, match="nothing tells which of them counts"):
        goes(Story().seen().tell(LOST), comes(generation=NEW))


def test_rule_5_the_token_knows_an_order_that_the_ledger_does_not() -> None:
    story = Story().seen().seen(NEW).tell(LOST)
    newer = replace(comes(generation=NEW), replaces=frozenset({OLD}))
    assert goes(story, newer).warnings == ()
    assert goes(Story().seen().tell(LOST), newer).warnings == ()  # the ledger never saw the newer one
    with pytest.raises(StaleShareError, match=r"there is another one \(06060606\)"):
        goes(story.seen(NEWEST), newer)
    with pytest.raises(StaleShareError, match="has replaced it"):  # what a person said counts
        goes(Story().seen().seen(NEW).tell(LOST, e.GenerationNewer(VAULT, OLD, NEW)), newer)


def test_rule_5_comes_before_rule_3() -> None:
    with pytest.raises(StaleShareError):
        goes(reshared().tell(FOUND))


# --- what does not belong to the vault


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"public_key_eddsa": bytes(32)}, "another EdDSA key"),
        ({"chain_code_digest": bytes(32)}, "another chain code"),
        ({"signers": ("Phone", "Laptop", "Watch")}, "other parties"),
        ({"public_shares_ecdsa": (bytes(33),) * 3}, "another public share of Phone"),
        ({"public_share_eddsa": bytes(32)}, "another public EdDSA share of Phone"),
    ],
)
def test_incompatible_by_what_was_opened(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(IncompatibleVaultError, match=words):
        goes(Story().seen().tell(LOST), opened(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": 3}, "another threshold"),
        ({"parties": 4}, "another number of parties"),
        ({"library": 1}, "another signing library"),
    ],
)
def test_incompatible_by_what_its_place_says(changes: dict[str, int], words: str) -> None:
    coming = Coming.of(backup_id(1), replace(share(), **changes))
    with pytest.raises(IncompatibleVaultError, match=words):
        goes(Story().seen().tell(LOST), coming)


def test_compatible_in_another_order_of_the_parties() -> None:
    """In vaults of the first library every device has an order of its own."""
    story = Story().seen().tell(LOST)
    turned = opened(
        signers=("Tablet", "Laptop", "Phone"),
        points_ecdsa=(b"\3", b"\2", b"\1"),
        public_shares_ecdsa=tuple(bytes([number]) * 33 for number in (3, 2, 1)),
    )
    assert goes(story, turned).warnings == ()
    assert goes(story, opened(points_ecdsa=(), public_shares_ecdsa=())).warnings == ()


def test_compatible_with_another_library_since_a_reshare() -> None:
    old = replace(share(), library=1)
    story = Story().seen(NEW).tell(e.ShareHandled(old, e.BACKED_UP), RESHARED, LOST)
    assert goes(story, opened(generation=NEW)).warnings == ()


def test_incompatible_comes_first() -> None:
    with pytest.raises(IncompatibleVaultError):
        goes(reshared().tell(FOUND), opened(chain_code_digest=bytes(32)), onto="Laptop")


# --- what nobody knows


@pytest.mark.parametrize("story", [Story(), Story().seen(signers=("Laptop", "Tablet", "Watch"))])
def test_nobody_knows_whether_the_party_is_alive(story: Story) -> None:
    (said,) = goes(story).warnings
    assert "stop" in said
    assert goes(story).replaces is False
    assert check(None, comes(), Wish("new phone")).warnings == (said,)


def test_a_party_that_nobody_knows_cannot_be_turned() -> None:
    with pytest.raises(OtherDeviceShareError):
        check(None, comes(), Wish("Laptop", turn="Laptop", into="Phone"))


# --- without --onto


def test_notes_where_nobody_says_which_device() -> None:
    (said,) = notes(Story().seen().view(), comes())
    assert "Phone is not lost" in said
    assert "its own device only" in said
    (turns,) = notes(Story().seen().tell(LOST).view(), comes())
    assert "On Laptop or Tablet this share would turn that device into Phone." in turns
    assert "--onto" in turns
    assert notes(Story().view(), comes()) == []
    (old,) = notes(reshared().tell(FOUND).view(), comes())
    assert "Old shares sign with each other, and never with newer ones" in old
    assert notes(reshared().view(), comes(old_there=True)) == []  # that is said without a ledger
    restored = e.DeviceRestored(VAULT, "Phone", "new phone", OLD, backup_id(1))
    assert "on new phone only" in notes(Story().seen().tell(LOST, restored).view(), comes())[0]
    assert "server" in notes(Story().seen(signers=("Server-1", "Tablet")).view(), comes("Server-1"))[0]
    for words in (*notes(reshared().view(), comes()), said):
        assert "void" not in words


def test_same_name() -> None:
    assert same_name("Zoë's  Phone", "zoe\u0308's phone")
    assert not same_name("Phone 1", "Phone1")
