"""Rule 6: a lost device has two ways back. `lost` says which of them is possible now, and with which commands."""

from __future__ import annotations

import shlex
from typing import Any

from nine_rules.people import PARTIES, PW, People, good, stick, token


def lost(people: People, party: str, status: int = 0, *more: str) -> dict[str, Any]:
    said = people("lost", party, "--json", *more)
    assert said.status == status, said.out
    (found,) = said.json["vaults"]
    assert isinstance(found, dict)
    return found


def everybody(people: People) -> None:
    """The tablet's computer is where people come together; the tablet's share is on its stick."""
    for name in PARTIES:
        people.back_up(name, *(stick if name == "tablet" else token)(name))
    people.gather("tablet")


def test_both_ways(people: People) -> None:
    everybody(people)
    with people.at("tablet"):
        found = lost(people, "Tablet")
        assert found["verdict"] == "both"
        assert [one["party"] for one in found["reshare"]["ready"]] == ["Phone", "Laptop"]
        (source,) = found["import"]["backups"]
        command = shlex.split(source["openings"][0]["command"])
        assert command[:2] == ["coldshare", "restore"]
        # It is typed as it stands, and the password at the prompt comes from a file.
        good(people(*command[1:], *PW))
        assert (people.folder / source["out"]).read_bytes() == (people.folder / "tablet.vult").read_bytes()
        assert people.status()[1]["verdict"] == "safe"


def test_it_says_both_whatever_it_recommends(people: People) -> None:
    everybody(people)
    with people.at("tablet"):
        said = people("lost", "Tablet")
        assert said.status == 0
        assert "coldshare restore --backup" in said.out
        assert "eshare" in said.out
        assert lost(people, "Tablet")["recommended"] == {"destroyed": "import", "stolen": "reshare"}


def test_only_a_reshare_where_there_is_no_backup(people: People) -> None:
    people.back_up("phone", *token("phone"))
    found = lost(people, "Laptop")
    assert found["verdict"] == "reshare"
    assert found["import"]["backups"] == []
    assert [one["party"] for one in found["reshare"]["ready"]] == ["Phone", "Tablet"]


def test_only_the_import_where_too_few_devices_are_left(people: People) -> None:
    everybody(people)
    with people.at("tablet"):
        good(people("place", "lost", "Safe laptop"))
        people("lost", "Laptop")
        found = lost(people, "Tablet")
        assert found["verdict"] == "import"
        assert [one["party"] for one in found["reshare"]["ready"]] == ["Phone"]


def test_neither_and_why_and_what_to_look_for(people: People) -> None:
    everybody(people)
    with people.at("tablet"):
        for name in ("Safe phone", "Safe laptop", "folder:media/tablet/stick"):
            good(people("place", "lost", name))
        people("lost", "Phone")
        people("lost", "Tablet")
        said = people("lost", "Laptop")
        assert said.status == 9
        assert "coldshare place found 'Safe laptop'" in said.out
        assert "coldshare lost --found Phone" in said.out
        assert lost(people, "Laptop", 9)["verdict"] == "neither"
        # What it says to look for is what helps.
        good(people("place", "found", "Safe laptop"))
        assert lost(people, "Laptop", 9)["verdict"] == "neither"
        people("lost", "Phone", "--found")
        assert lost(people, "Laptop")["verdict"] == "import"


def test_a_plan_changes_nothing_and_what_was_lost_may_be_found(people: People) -> None:
    everybody(people)
    with people.at("tablet"):
        lost(people, "Phone", 0, "--plan")
        assert people.status()[1]["verdict"] == "safe"
        lost(people, "Phone")
        assert people.status()[1]["verdict"] == "device_lost"
        good(people("lost", "Phone", "--found"))
        assert people.status()[1]["verdict"] == "safe"
