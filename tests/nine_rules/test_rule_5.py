"""Rule 5: after a reshare every share is new. A backup of an older generation never replaces a newer one, and old
shares still work with each other."""

from __future__ import annotations

import pytest

from nine_rules.people import KINDS, PARTIES, PW, SEAL, People, good, stick, token

#: What a person must never hear of an old share.
NEVER = ("void", "worthless", "useless", "invalid", "harmless", "no longer work")
OTHER = {"token": "other_generation", "stick": "folder_other_generation"}
RETIRED = {"token": "retired_generation", "stick": "folder_retired_generation"}


def never_called_void(text: str) -> None:
    for word in NEVER:
        assert word not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_newer_share_comes_beside_the_old_one_and_only_when_somebody_says_so(people: People, kind: str) -> None:
    where = KINDS[kind]("phone")
    old = people.back_up("phone", *where)
    text = people.refused(("backup", "phone-2.vult", *SEAL, *where), OTHER[kind])
    assert "--newer" in text
    new = people.back_up("phone", *where, file="phone-2.vult", more=("--newer",))
    listed = {one["backup_id"]: one["state"] for one in people("list", *where, "--json").json["backups"]}
    assert listed == {old: "active", new: "next"}
    for backup_id, name in ((old, "phone"), (new, "phone-2")):
        good(people("restore", *PW, *where, "--backup", backup_id, "--out", f"back-{name}"))
        assert (people.folder / f"back-{name}").read_bytes() == (people.folder / f"{name}.vult").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_share_never_replaces_a_newer_one(people: People, kind: str) -> None:
    where = KINDS[kind]("phone")
    old = people.back_up("phone", *where)
    people.back_up("phone", *where, file="phone-2.vult", more=("--newer",))
    good(people("retire", old[:8], *where))
    for more in ((), ("--newer",)):
        text = people.refused(("backup", "phone.vult", *SEAL, *where, *more), RETIRED[kind])
        assert "stale" in text
        assert "coldshare un-retire" in text
        never_called_void(text)


def test_the_token_itself_is_asked_which_one_is_newer(people: People) -> None:
    people.back_up("phone", *token("phone"))
    people.refused(("backup", "phone-2.vult", *SEAL, *token("phone", person="reject"), "--newer"), "rejected")


@pytest.mark.parametrize("kind", KINDS)
def test_retired_is_not_erased_and_what_to_destroy_is_listed(people: People, kind: str) -> None:
    where = KINDS[kind]("phone")
    old = people.back_up("phone", *where)
    (people.folder / "cloud").mkdir()
    good(people("export", *where, "--backup", old[:8], "--out", "cloud"))
    people.back_up("phone", *where, file="phone-2.vult", more=("--newer",))
    said = good(people("retire", old[:8], *where))
    assert "Old shares still work with each other" in said.out
    assert f"coldshare-{old[:8]}.seal" in said.out
    never_called_void(said.out + said.err)
    good(people("restore", *PW, *where, "--backup", old[:8], "--out", "back"))
    assert (people.folder / "back").read_bytes() == (people.folder / "phone.vult").read_bytes()
    good(people("un-retire", old[:8], *where))
    good(people("retire", old[:8], *where))
    yes = ("--yes",) if kind == "stick" else ()  # a stick has no button to hold
    said = good(people("destroy", old[:8], *where, *yes))
    assert f"coldshare-{old[:8]}.seal" in said.out
    never_called_void(said.out + said.err)


def test_status_counts_no_older_share_and_lists_every_known_copy(people: People) -> None:
    old = people.back_up_all()
    new = people.back_up_all("-2", ("--newer",))
    people.gather()
    status, vault = people.status()
    assert (status, vault["verdict"]) == (0, "safe")
    text = good(people("status")).out
    for name in PARTIES:
        assert old[name][:8] in text
        assert new[name][:8] in str(vault)
    assert "They still sign with each other" in text
    never_called_void(text)


def test_backups_from_before_the_reshare_alone_are_loudly_not_enough(people: People) -> None:
    people.back_up_all()
    people.back_up("phone", *token("phone"), file="phone-2.vult", more=("--newer",))
    people.gather()
    status, vault = people.status()
    assert (status, vault["verdict"]) == (9, "mixed_generations")


def test_an_old_share_does_not_go_onto_a_new_device(people: People) -> None:
    old = people.back_up("phone", *token("phone"))
    people.back_up("phone", *token("phone"), file="phone-2.vult", more=("--newer",))
    assert people("lost", "Phone").status == 0
    argv = ("restore", *PW, *token("phone"), "--backup", old[:8], "--onto", "new phone", "--out", "back")
    text = people.refused(argv, "stale_share")
    never_called_void(text)
    # The way on: the newer one.
    new = next(one for one in people("list", *token("phone"), "--json").json["backups"] if one["backup_id"] != old)
    argv = ("restore", *PW, *token("phone"), "--backup", new["backup_id"], "--onto", "new phone", "--out", "back")
    good(people(*argv))
    assert (people.folder / "back").read_bytes() == (people.folder / "phone-2.vult").read_bytes()


def test_two_generations_that_nobody_has_ordered(people: People) -> None:
    """One computer has seen the old share, another one the new one; which is newer, no byte of them tells."""
    people.back_up("phone", *stick("phone"))
    people.back_up("laptop", *stick("laptop"), file="laptop-2.vult")
    people.gather()
    status, vault = people.status()
    assert (status, vault["verdict"]) == (9, "mixed_generations")
