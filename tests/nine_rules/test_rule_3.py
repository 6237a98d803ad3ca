"""Rule 3: a backup restores the party it came from, no other. The share of a party that is alive is refused."""

from __future__ import annotations

import pytest

from nine_rules.people import KINDS, PW, People, good

ONTO = ("--onto", "new phone", "--out", "back")


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_of_a_party_that_is_alive_goes_onto_no_device(people: People, kind: str) -> None:
    where = KINDS[kind]("phone")
    people.back_up("phone", *where)
    text = people.refused(("restore", *PW, *where, *ONTO), "party_alive")
    assert "it gives two devices one share, and brings no party back" in text
    assert "coldshare lost Phone" in text
    assert not (people.folder / "back").exists()
    # The way on, if its device is gone.
    assert people("lost", "Phone").status == 0
    good(people("restore", *PW, *where, *ONTO))
    assert (people.folder / "back").read_bytes() == (people.folder / "phone.vult").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_it_brings_back_the_party_that_it_came_from(people: People, kind: str) -> None:
    """The laptop is lost, and the phone's backup does not help."""
    where = KINDS[kind]("phone")
    people.back_up("phone", *where)
    assert people("lost", "Laptop").status == 0
    people.refused(("restore", *PW, *where, "--onto", "new laptop", "--out", "back"), "party_alive")
    _, vault = people.status()
    assert {one["party"]: one["device"]["state"] for one in vault["members"]}["Laptop"] == "lost"


def test_lost_says_that_no_other_share_helps(people: People) -> None:
    people.back_up_all()
    people.gather()
    said = people("lost", "Phone")
    assert "(rule 3)" in said.out
    (found,) = people("lost", "Phone", "--plan", "--json").json["vaults"]
    assert 3 in {one["rule"] for one in found["never"]}


def test_two_devices_with_one_share_only_when_somebody_insists(people: People) -> None:
    where = KINDS["token"]("phone")
    people.back_up("phone", *where)
    said = good(people("restore", *PW, *where, *ONTO, "--although-alive"))
    assert "two devices one share" in said.err


def test_the_same_share_comes_onto_the_same_device_once(people: People) -> None:
    where = KINDS["token"]("phone")
    people.back_up("phone", *where)
    assert people("lost", "Phone").status == 0
    good(people("restore", *PW, *where, *ONTO))
    people.refused(("restore", *PW, *where, "--onto", "new phone", "--out", "again"), "duplicate_vault")
