"""Rule 4: restoring share 3 onto device 1 or 2 would turn that device into device 3. Both must be named by hand."""

from __future__ import annotations

import pytest

from nine_rules.people import KINDS, PARTIES, PW, People, good


@pytest.fixture(params=KINDS)
def tablet(people: People, request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The tablet is lost; where its backup is. The others have theirs, too."""
    where: dict[str, tuple[str, ...]] = {name: KINDS[request.param](name) for name in PARTIES}
    for name in PARTIES:
        people.back_up(name, *where[name])
    people.gather("tablet")
    return where["tablet"]


def lost(people: People) -> None:
    assert people("lost", "Tablet").status == 0


@pytest.mark.parametrize("device", ["Phone", "laptop"])
def test_onto_the_device_of_another_party(people: People, tablet: tuple[str, ...], device: str) -> None:
    with people.at("tablet"):
        lost(people)
        before = people.status()[1]["members"]
        argv = ("restore", *PW, *tablet, "--onto", device, "--out", "back")
        text = people.refused(argv, "other_device_share")
        assert "would turn it into Tablet" in text
        assert f"--turn {device.capitalize()} --into Tablet" in text
        people.refused((*argv, "--turn", "Tablet", "--into", device.capitalize()), "other_device_share")
        people.refused((*argv, "--turn", device.capitalize()), "other_device_share")
        assert people.status()[1]["members"] == before
        # The way on: a device that is nobody's.
        good(people("restore", *PW, *tablet, "--onto", "new tablet", "--out", "back"))
        assert (people.folder / "back").read_bytes() == (people.folder / "tablet.vult").read_bytes()
        assert people.status()[1]["verdict"] == "safe"


def test_named_by_hand_it_is_done_and_one_device_fewer_can_sign(people: People, tablet: tuple[str, ...]) -> None:
    with people.at("tablet"):
        lost(people)
        names = ("--onto", "Phone", "--turn", "Phone", "--into", "Tablet")
        said = good(people("restore", *PW, *tablet, *names, "--out", "back"))
        assert "The device of Phone counts as lost now" in said.out
        _, vault = people.status()
        assert vault["verdict"] == "device_lost"
        assert {one["party"]: one["device"]["state"] for one in vault["members"]} == {
            "Phone": "lost",
            "Laptop": "alive",
            "Tablet": "restored",
        }


def test_lost_warns_of_it_by_name(people: People, tablet: tuple[str, ...]) -> None:
    with people.at("tablet"):
        said = people("lost", "Tablet")
        (line,) = (line for line in said.out.splitlines() if "(rule 4)" in line)
        assert "Phone" in line
        assert "Laptop" in line
