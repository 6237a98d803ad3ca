"""Rule 1: one place never holds shares of two parties of one vault, and no computer handles enough of them to sign."""

from __future__ import annotations

import pytest

from coldshare.handling import process
from nine_rules.people import KINDS, PW, SEAL, People, good, stick, token

FULL = {"token": "other_party", "stick": "folder_other_party"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_with_one_partys_share_takes_no_other_ones(people: People, kind: str) -> None:
    where = KINDS[kind]("phone")
    people.back_up("phone", *where)
    with people.at("laptop"):
        for more in ((), ("--newer",)):
            text = people.refused(("backup", "laptop.vult", *SEAL, *where, *more), FULL[kind])
        if kind == "token":
            assert "already holds the share of Phone, another party of the vault 'Savings'" in text
            assert "Use another token for this share" in text
        else:
            assert "in this folder is the share of another party of the same vault" in text
            assert "Use another stick for this share" in text
        # The way on: a place of its own.
        good(people("backup", "laptop.vult", *SEAL, *KINDS[kind]("laptop")))
    good(people("restore", *PW, *where, "--out", "back"))
    assert (people.folder / "back").read_bytes() == (people.folder / "phone.vult").read_bytes()


def test_the_token_refuses_by_itself(people: People) -> None:
    """Not because a computer remembers: this one has never seen the phone's share."""
    people.back_up("phone", *token("phone"))
    with people.at("tablet"):
        assert not (people.home / "ledger.sqlite").exists()
        people.refused(("backup", "tablet.vult", *SEAL, *token("phone")), "other_party")


def test_one_folder_never_gets_the_files_of_two_parties(people: People) -> None:
    people.back_up("phone", *token("phone"))
    people.back_up("laptop", *token("laptop"))
    (people.folder / "cloud").mkdir()
    (people.folder / "other cloud").mkdir()
    good(people("export", *token("phone"), "--out", "cloud"))
    text = people.refused(("export", *token("laptop"), "--out", "cloud"), "other_party_in_folder")
    assert "the sealed share of another party of this vault" in text
    good(people("export", *token("laptop"), "--out", "other cloud"))


def test_a_computer_that_handled_one_share_is_refused_the_one_that_is_enough_to_sign(people: People) -> None:
    people.back_up("phone", *stick("phone"))
    text = people.refused(("backup", "laptop.vult", *SEAL, *stick("laptop")), "single_host")
    assert "This computer has handled the share of Phone of 'Savings', and any 2 shares sign" in text
    assert "Do it on a computer that handles the shares of no other party" in text
    with people.at("laptop"):  # that is the way on
        good(people("backup", "laptop.vult", *SEAL, *stick("laptop")))


@pytest.mark.parametrize("verb", ["verify", "restore", "drill"])
@pytest.mark.parametrize("kind", KINDS)
def test_nor_does_it_open_one_that_others_have_backed_up(people: People, kind: str, verb: str) -> None:
    people.back_up("phone", *stick("phone"))
    people.back_up("laptop", *KINDS[kind]("laptop"))
    out = ("--out", "back") if verb == "restore" else ()
    text = people.refused((verb, *PW, *out, *KINDS[kind]("laptop")), "single_host")
    assert "Laptop" in text
    assert not (people.folder / "back").exists()


def test_who_accepts_it_hears_what_that_means_and_is_not_asked_again(people: People) -> None:
    people.back_up("phone", *token("phone"))
    said = good(people("backup", "laptop.vult", *SEAL, *token("laptop"), "--single-host"))
    assert "Whoever controls this computer, now or later, can then sign alone" in said.err
    assert "with 2 shares of 'Savings' it holds as much as the whole key" in said.err
    said = good(people("backup", "tablet.vult", *SEAL, *token("tablet")))
    assert "It was accepted that this computer handles enough shares of 'Savings' to sign alone" in said.err
    with people.at("tablet"):  # it is the phone's computer that was accepted, and no other
        good(people("verify", *PW, *token("tablet")))
        people.refused(("verify", *PW, *token("laptop")), "single_host")


def test_a_process_is_watched_like_a_computer(people: People) -> None:
    """A program that uses coldshare as a library has no ledger to remember by."""
    from coldshare import backup
    from coldshare.handling import SeveralSharesError
    from support.desk import PASSWORD, Desk

    desk = Desk(people.home)
    chips = [desk.token(number) for number in (0, 1)]
    with process.fresh():
        with desk.client(chips[0]) as client:
            backup.backup(client, (people.folder / "phone.vult").read_bytes(), PASSWORD)
        with desk.client(chips[1]) as client, pytest.raises(SeveralSharesError, match="one too many"):
            backup.backup(client, (people.folder / "laptop.vult").read_bytes(), PASSWORD)
    assert desk.held(chips[1]) == []


@pytest.mark.parametrize(
    "option",
    [
        "--location",
        pytest.param("--custodian", marks=pytest.mark.slow),
        pytest.param("--account", marks=pytest.mark.slow),
    ],
)
def test_the_ledger_warns_when_one_person_or_place_or_account_reaches_enough(people: People, option: str) -> None:
    for name in ("phone", "laptop", "tablet"):
        people.back_up(name, *token(name))
    people.gather()
    status, vault = people.status()
    assert (status, vault["verdict"]) == (0, "safe")
    good(people("place", "set", "Safe phone", option, "the bank"))
    said = good(people("place", "set", "Safe laptop", option, "The  bank"))
    assert "whoever gets at all of them can sign without you" in said.out
    status, vault = people.status()
    assert (status, vault["verdict"]) == (8, "together")
    good(people("place", "set", "Safe laptop", option, ""))
    assert people.status()[1]["verdict"] == "safe"


def test_the_ledger_warns_when_one_computer_reaches_enough_sticks(people: People) -> None:
    for name in ("phone", "laptop"):
        people.back_up(name, *stick(name))
    people.gather()
    assert people.status()[1]["verdict"] != "together"
    with people.at("phone"):
        good(people("ledger", "rescan", *stick("laptop")))  # to be there is enough to copy it
    status, vault = people.status()
    assert (status, vault["verdict"]) == (8, "together")
