"""Rule 2: every party has its own share and needs its own backup; `status` names the parties without one."""

from __future__ import annotations

import pytest

from nine_rules.people import KINDS, People, stick, token


def findings(people: People) -> dict[str, list[str]]:
    """What spoils it, each with the parties that it names."""
    _, vault = people.status()
    return {one["code"]: one["parties"] for one in vault["findings"] if one["counts"]}


@pytest.mark.parametrize("kind", KINDS)
def test_one_backup_is_one_partys(people: People, kind: str) -> None:
    people.back_up("phone", *KINDS[kind]("phone"))
    status, vault = people.status()
    assert (status, vault["verdict"]) == (8, "not_all_backed_up")
    assert findings(people)["not_all_backed_up"] == ["Laptop", "Tablet"]
    said = people("status")
    assert said.status == 8
    assert "No backup that would open: Laptop, Tablet." in said.out
    assert "coldshare backup FILE" in said.out


def test_each_backup_takes_one_name_away_and_then_it_is_safe(people: People) -> None:
    left = ["Phone", "Laptop", "Tablet"]
    for name in ("phone", "laptop", "tablet"):
        people.back_up(name, *token(name))
        left.remove(name.capitalize())
        people.gather()
        assert findings(people).get("not_all_backed_up", []) == left
    said = people("status")
    assert said.status == 0
    assert "You can lose any 3 more things" in said.out


def test_a_second_backup_of_one_party_is_none_of_another_one(people: People) -> None:
    people.back_up("phone", *token("phone"))
    people.back_up("phone", *stick("phone"))
    assert findings(people)["not_all_backed_up"] == ["Laptop", "Tablet"]


def test_a_backup_at_a_lost_place_is_none(people: People) -> None:
    people.back_up_all()
    people.gather()
    assert people("place", "lost", "Safe laptop").status == 0
    assert findings(people)["not_all_backed_up"] == ["Laptop"]
    assert people("place", "found", "Safe laptop").status == 0
    assert findings(people) == {}


def test_one_that_was_removed_is_none(people: People) -> None:
    old = people.back_up("phone", *token("phone"))
    assert people("remove", old[:8], *token("phone")).status == 0
    assert findings(people)["not_all_backed_up"] == ["Phone", "Laptop", "Tablet"]


def test_after_a_reshare_it_is_the_new_share_that_needs_one(people: People) -> None:
    people.back_up_all()
    for name in ("phone", "laptop"):
        people.back_up(name, *token(name), file=f"{name}-2.vult", more=("--newer",))
    people.gather()
    assert findings(people)["not_all_backed_up"] == ["Tablet"]


def test_a_backup_that_nobody_has_opened_is_said_apart(people: People) -> None:
    from nine_rules.people import SEAL, good

    good(people("backup", "phone.vult", *SEAL, *token("phone")))
    assert findings(people)["never_verified"] == ["Phone"]
