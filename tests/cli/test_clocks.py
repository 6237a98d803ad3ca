"""Computers whose clocks are wrong, or which have not heard of each other, and a reshare all the same."""

from __future__ import annotations

import shlex
import time

import pytest

from coldshare.ledger.events import GenerationNewer
from coldshare.ledger.store import Ledger, ledger_path
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import Shell

HOUR, TEN_YEARS = 3600 * 10**9, 3650 * 86_400 * 10**9
PASSWORD_FILE = SEAL[:2]


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def ahead(monkeypatch: pytest.MonkeyPatch, nanoseconds: int) -> None:
    real = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: real() + nanoseconds)


def device(who: Computer, party: str) -> dict[str, object]:
    (vault,) = who("status", "--json").json["vaults"]
    (found,) = (one["device"] for one in vault["members"] if one["party"] == party)
    assert isinstance(found, dict)
    return found


def test_a_report_by_a_clock_that_was_turned_back_is_later_than_the_one_before(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.backed_up()
    first = story.signed(story.report(story.phone))
    with monkeypatch.context() as clock:
        ahead(clock, -TEN_YEARS)
        good(story.next(story.phone, "--report", "again"))
    assert story.signed("again").report.time > first.report.time


@pytest.mark.parametrize("wrong", [-TEN_YEARS, HOUR], ids=["ten years behind", "an hour ahead"])
def test_a_restored_device_that_was_reshared_with_the_others_by_computers_that_never_met(
    story: Story, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    story.backed_up()
    phone, laptop, _ = story.everybody
    good(phone("lost", "Phone"))
    good(phone("restore", *phone.at, *PASSWORD_FILE, "--out", "back.vult", "--onto", "new phone"))
    assert device(phone, "Phone")["state"] == "restored"
    with monkeypatch.context() as clock:
        ahead(clock, wrong)
        report = story.report(laptop)
    story.report(phone)
    good(phone("ledger", "export", "phone.ledger"))
    # Nobody but the Phone's own report tells that its device was there, and not before it had got the older share.
    good(laptop("ledger", "join", "phone.ledger"))
    assert device(laptop, "Phone") == {**device(laptop, "Phone"), "state": "restored", "in_doubt": False}
    good(story.join(phone, report), 8)
    good(laptop("ledger", "export", "laptop.ledger"))
    good(phone("ledger", "join", "laptop.ledger"))
    assert device(phone, "Phone")["state"] == "restored"


def test_an_older_share_that_came_back_where_nobody_knew_of_the_reshare(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Phone's share of the newer generation was backed up on the Watch's computer, by a clock ten years ahead, and
    then its device was lost. Its own computer brings the older share back, and joins the Watch's ledger too late."""
    story.backed_up()
    phone, _, watch = story.everybody
    with monkeypatch.context() as clock:
        ahead(clock, TEN_YEARS)
        good(watch("backup", "new-phone.vult", *SEAL, *watch.at, "--newer"))
    good(phone("lost", "Phone"))
    good(phone("restore", *phone.at, *PASSWORD_FILE, "--out", "back.vult", "--onto", "new phone"))
    good(watch("ledger", "export", "watch.ledger"))
    good(phone("ledger", "join", "watch.ledger"))
    with phone.here(), Ledger(ledger_path()) as ledger:
        ledger.record([GenerationNewer(story.vault, story.new.generation, story.old.generation)])
    (found,) = phone("status", "--json").json["vaults"]
    assert device(phone, "Phone") == {**device(phone, "Phone"), "state": "stale", "in_doubt": True}
    (told,) = (one for one in found["findings"] if one["code"] == "device_lost")
    assert told["words"].startswith("Nothing tells whether the share on new phone is of the generation that counts")
    # What it says to do settles it.
    words = shlex.split(told["next"].partition("once more: coldshare ")[2].replace("FILE", "newer.vult"))
    good(phone(*words, *PASSWORD_FILE))
    assert device(phone, "Phone") == {**device(phone, "Phone"), "state": "restored", "in_doubt": False}


def test_lost_on_one_computer_and_found_on_another_one(story: Story) -> None:
    """What the line with CONFLICT says to do settles it."""
    story.backed_up()
    phone, laptop, _ = story.everybody
    good(phone("ledger", "export", "phone.ledger"))
    good(laptop("ledger", "join", "phone.ledger"))
    good(phone("lost", "Phone"))
    good(phone("place", "lost", "Safe Phone"))
    good(laptop("lost", "Phone"))
    good(laptop("place", "lost", "Safe Phone"))
    good(laptop("lost", "Phone", "--found"))
    good(laptop("place", "found", "Safe Phone"))
    good(phone("ledger", "export", "told.ledger"))
    said = good(laptop("ledger", "join", "told.ledger", "--json")).json
    assert len(said["conflicts"]) == 2
    assert device(laptop, "Phone")["state"] == "lost"
    for words in said["conflicts"]:
        good(laptop(*shlex.split(words.partition("If it is there: coldshare ")[2])))
    assert device(laptop, "Phone")["state"] == "alive"
    assert laptop("status", "--json").json["conflicts"] == []
