"""`coldshare reshare` and whose word a report is: a computer speaks for itself alone, and can be distrusted again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coldshare.identity import Identity, fingerprint
from coldshare.reshare.report import Signed, encode, sign
from support.computers import Computer
from support.resharing import Story, good
from support.shell import Shell, failed
from support.terminal import Terminal


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def key_of(who: Computer) -> str:
    return fingerprint(identity_of(who).public)


def identity_of(who: Computer) -> Identity:
    return Identity.load(who.home / "identity.key")


def keep(story: Story, name: str, signed: Signed) -> str:
    story.file(name).write_bytes(encode(signed))
    return name


def forged(story: Story, whose: str, as_host: str | None) -> str:
    """The Phone's computer signs that with its own key, as the computer of `as_host`, or that of `whose`."""
    told = story.signed(f"{whose}-new.report").report
    if as_host is not None:
        other = story.signed(f"{as_host}-new.report").report
        told = replace(told, host=other.host, host_name=other.host_name)
    return keep(story, "forged", sign(told, identity_of(story.phone)))


def states(story: Story, who: Computer) -> dict[str, str]:
    return {one["party"]: one["state"] for one in story.state(who)["awaited"]}


#: Whose share the report is of, whose computer it says that it comes from, and why it is not taken in.
LIES = {
    "the Laptop's, as its computer": ("Laptop", None, "other_computer"),
    "the Laptop's, as itself": ("Laptop", "Phone", "other_party"),
    "its own, as the Laptop's computer": ("Phone", "Laptop", "other_computer"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_compared_computer_lies(story: Story, name: str) -> None:
    """The Watch's computer has compared the Phone's key. No more is taken in with it, not even with a plain --trust."""
    whose, as_host, why = LIES[name]
    reports = story.reported()
    watch, phones = story.watch, key_of(story.phone)
    good(watch("reshare", "distrust", key_of(story.laptop), "--yes"))  # it came first, by a mistake
    good(story.join(watch, reports[0]), 8)
    before = watch.told()
    lie = forged(story, whose, as_host)
    answer = good(watch("reshare", "join", lie, "--trust", phones, "--json"), 8).json
    assert (answer["taken"], [one["why"] for one in answer["strangers"]]) == (0, [why])
    assert (answer["strangers"][0]["party"], answer["strangers"][0]["fingerprint"]) == (whose, phones)
    said = good(watch("reshare", "join", lie), 8)
    assert f"NOT taken in: that of {whose}" in said.out
    assert f"coldshare reshare join REPORT --trust {phones}={whose}" in said.out
    assert watch.told() == before
    for party in {"Phone", "Laptop", "Watch"} - {whose}:
        assert good(watch("reshare", "join", lie, "--trust", f"{phones}={party}", "--json"), 8).json["taken"] == 0
    assert states(story, watch) == {"Phone": "reported", "Laptop": "awaited", "Watch": "reported"}
    # A person says that it is so: one computer with the shares of both.
    answer = good(watch("reshare", "join", lie, "--trust", f"{phones}={whose}", "--json"), 8).json
    assert answer["taken"] == 1
    if whose == "Laptop":
        assert "One computer, " in good(watch("reshare", "status"), 8).out


def test_what_is_trusted_for_nothing(story: Story) -> None:
    """An option that fits no report is said; and a party is named by as much as tells it from the others."""
    reports = story.reported()
    phone, watchs = story.phone, key_of(story.watch)
    answer = good(
        phone("reshare", "join", *reports[1:], "--trust", "nonsense", "--trust", f"{watchs}=Lap", "--json"), 8
    )
    assert answer.json["taken"] == 0
    nonsense, party = answer.json["warnings"]
    assert "--trust nonsense" in nonsense
    assert f"--trust {watchs}=Lap" in party
    assert "Watch" in party
    said = good(phone("reshare", "join", reports[2], "--trust", "nonsense"), 8)
    assert "Note: --trust nonsense fits none of the reports that were given." in said.out
    answer = good(phone("reshare", "join", reports[2], "--trust", f"{watchs}=wat", "--json"), 8)
    assert (answer.json["taken"], answer.json["warnings"]) == (1, [])


def test_a_report_as_if_of_this_computer(story: Story) -> None:
    """Whoever has this computer's id, from a report of its own, speaks for it as little."""
    story.joined()
    lie = keep(story, "lie", sign(story.signed("Phone-new.report").report, identity_of(story.laptop)))
    before = story.phone.told()
    for trust in (key_of(story.laptop), f"{key_of(story.laptop)}=Phone"):
        answer = good(story.phone("reshare", "join", lie, "--trust", trust, "--json"), 8).json
        assert [one["why"] for one in answer["strangers"]] == ["ours"]
    assert "Ask in person who has made it." in good(story.phone("reshare", "join", lie), 8).out
    assert story.phone.told() == before


def test_two_computers_report_of_one_party(story: Story) -> None:
    """They say the same, and one of them has perhaps made no backup. Both are named, and one is taken back."""
    story.joined()
    phone, laptops = story.phone, key_of(story.laptop)
    told = replace(story.signed("Watch-new.report").report, **_named(story, "Laptop"))
    lie = keep(story, "lie", sign(told, identity_of(story.laptop)))
    assert good(phone("reshare", "join", lie, "--trust", laptops, "--json"), 8).json["taken"] == 0
    said = good(phone("reshare", "join", lie, "--trust", f"{laptops}=Watch"), 8)
    assert "NOT GOOD: Watch is reported by two computers, which say the same: " in said.out
    for who in (story.laptop, story.watch):
        assert f'"{who.name}\'s desk" ({key_of(who)})' in said.out
    text = failed(phone("reshare", "finish"), "reshare_incomplete", 5, as_json=False)
    assert "Watch is reported by two computers" in text
    assert "coldshare reshare distrust FINGERPRINT" in text.splitlines()[1]
    assert "who is missing" not in text
    said = good(phone("reshare", "distrust", laptops))
    assert "the report of Laptop of 'Savings': it has to be reported again, with another key." in said.out
    assert states(story, phone) == {"Phone": "reported", "Laptop": "awaited", "Watch": "reported"}
    assert story.state(phone)["objections"] == []


def _named(story: Story, party: str) -> dict[str, Any]:
    told = story.signed(f"{party}-new.report").report
    return {"host": told.host, "host_name": told.host_name}


def _told_by_a_ledger(story: Story) -> tuple[Computer, str]:
    """A computer that has compared the Phone's key, and joined the ledger of the Laptop's, which speaks for the Watch,
    too; and that report."""
    reports = story.reported()
    laptop, nobody = story.laptop, story.computers.somewhere("Nobody")
    told = replace(story.signed("Watch-new.report").report, **_named(story, "Laptop"))
    lie = keep(story, "lie", sign(told, identity_of(laptop)))
    good(laptop("reshare", "join", lie, "--trust", f"{key_of(laptop)}=Watch"), 8)
    good(laptop("ledger", "export", "laptop.ledger"))
    good(story.join(nobody, reports[0]), 8)
    good(nobody("ledger", "join", "laptop.ledger"))
    return nobody, lie


def test_a_joined_ledger_speaks_for_several(story: Story) -> None:
    """Its computer has compared nothing and said that two shares are its own. finish asks before it believes that."""
    nobody, lie = _told_by_a_ledger(story)
    reports, laptops = story.reported(), key_of(story.laptop)
    said = good(nobody("reshare", "status"), 8)
    for party in ("Laptop", "Watch"):
        assert f'Compared by another computer, not here: "Laptop\'s desk", {laptops} of {party}.' in said.out
    assert 'not here: "Phone\'s desk"' not in said.out
    state = story.state(nobody)
    assert state["ready"] is True
    assert [(one["party"], one["fingerprint"]) for one in state["compared_elsewhere"]] == [
        ("Laptop", laptops),
        ("Watch", laptops),
    ]
    before = nobody.told()
    for as_json in (False, True):
        text = failed(
            nobody("reshare", "finish", *(["--json"] if as_json else [])), "reshare_refused", 5, as_json=as_json
        )
        assert "has reported of Laptop, Watch. A ledger that was joined has brought that" in text
        assert "--accept several_parties" in text
    assert nobody.told() == before
    # To say that it may speak for one of them is not to say that it may speak for both.
    assert good(nobody("reshare", "join", reports[1], "--trust", laptops, "--json"), 8).json["taken"] == 0
    good(nobody("reshare", "join", reports[1], "--trust", f"{laptops}=Laptop"), 8)
    assert [one["party"] for one in story.state(nobody)["compared_elsewhere"]] == []
    failed(nobody("reshare", "finish"), "reshare_refused", 5, as_json=False)
    assert good(nobody("reshare", "join", lie, "--json"), 8).json["strangers"][0]["why"] == "other_party"
    assert "counts from now on" in good(nobody("reshare", "finish", "--accept", "several_parties"), 8).out


def test_a_comparison_is_taken_back(story: Story) -> None:
    """What was signed counts no more, here and in every ledger that joins this one; the computer makes a new key."""
    reports = story.joined()
    phone, laptop, key = story.phone, story.laptop, key_of(story.laptop)
    good(phone("ledger", "export", "before.ledger"))
    before = phone.told()
    text = failed(phone("reshare", "distrust", "AAAA-BBBB-CCCC-DDDD"), "no_such_key", 3, as_json=False)
    assert f'{key} of "Laptop\'s desk"' in text
    assert phone.told() == before
    answer = good(phone("reshare", "distrust", key.lower(), "--json")).json
    assert (answer["fingerprint"], answer["hosts"]) == (key, ["Laptop's desk"])
    assert [(one["party"], one["finished"]) for one in answer["reports"]] == [("Laptop", None)]
    kept = story.signed(reports[1]).report.kept
    assert [one["backup_id"] for one in answer["to_verify"]] == [one.backup_id.hex() for one in kept]
    said = good(phone("reshare", "status"), 8)
    assert f'Counts no more: the report of Laptop by "Laptop\'s desk", whose key {key} was taken back.' in said.out
    (listed,) = story.state(phone)["taken_back"]
    assert (listed["party"], listed["fingerprint"]) == ("Laptop", key)
    assert "Not reported yet: Laptop." in failed(phone("reshare", "finish"), "reshare_incomplete", 5, as_json=False)

    # Neither the report, nor a ledger from before it, brings the key back.
    said = good(story.join(phone, reports[1]), 8)
    assert f'NOT taken in: that of Laptop, by "Laptop\'s desk": The key {key} was taken back.' in said.out
    good(phone("ledger", "join", "before.ledger"))
    assert states(story, phone)["Laptop"] == "awaited"
    nobody = story.computers.somewhere("Nobody")
    good(nobody("ledger", "join", "before.ledger"))
    assert story.state(nobody)["ready"] is True
    good(phone("ledger", "export", "after.ledger"))
    for who in (nobody, laptop):
        good(who("ledger", "join", "after.ledger"))
        assert states(story, who)["Laptop"] == "awaited"

    # Its own computer hears of it, and makes a new one.
    for argv in (["report"], ["next", "new-laptop.vult", *laptop.at]):
        text = failed(laptop("reshare", *argv), "key_taken_back", 5, as_json=False)
        assert str(laptop.home / "identity.key") in text
    (laptop.home / "identity.key").unlink()
    good(story.next(laptop, "--report", "anew"))
    assert key_of(laptop) != key
    good(story.join(phone, "anew"), 8)
    assert story.state(phone)["ready"] is True
    said = good(phone("reshare", "finish", *phone.at), 8)
    assert "counts from now on" in said.out
    assert "Counts no more: the report of Laptop" in good(phone("reshare", "status"), 8).out


def test_a_computer_distrusts_itself(story: Story) -> None:
    good(story.join(story.watch, story.joined()[0]), 8)
    phone, key = story.phone, key_of(story.phone)
    said = good(phone("reshare", "distrust", key))
    assert "It is this computer's own key" in said.out
    assert str(phone.home / "identity.key") in said.out
    assert good(phone("reshare", "distrust", key, "--json")).json["ours"] is True
    # Of an old one of its own there is nothing to be moved away, and none is made to find that out.
    (phone.home / "identity.key").unlink()
    assert good(phone("reshare", "distrust", key, "--json")).json["ours"] is False
    assert not (phone.home / "identity.key").exists()
    assert good(story.watch("reshare", "distrust", key, "--json")).json["ours"] is False


@pytest.mark.slow
def test_a_person_is_asked_about_another_party(story: Story) -> None:
    story.joined()
    told = replace(story.signed("Watch-new.report").report, **_named(story, "Laptop"))
    keep(story, "lie", sign(told, identity_of(story.laptop)))
    with story.phone.here(), Terminal("reshare", "join", "lie", cwd=story.shell.folder) as terminal:
        terminal.until('CAREFUL: "Laptop\'s desk" has reported of Laptop already, and now of Watch')
        terminal.answer("every character, and is the share of Watch on it?", "n")
        assert terminal.finish() == 8
        assert "Taken in: 0 of 1 report." in terminal.screen


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True], ids=["no", "yes"])
def test_a_person_is_asked_whether_one_computer_has_several(story: Story, yes: bool) -> None:
    nobody, _ = _told_by_a_ledger(story)
    with nobody.here(), Terminal("reshare", "finish", cwd=story.shell.folder) as terminal:
        terminal.until("has reported of Laptop, Watch.")
        terminal.answer("Go on all the same?", "y" if yes else "")
        assert terminal.finish() == (8 if yes else 5)
    assert (story.state(nobody)["finished"] is not None) is yes


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True], ids=["no", "yes"])
def test_a_person_takes_it_back(story: Story, yes: bool) -> None:
    story.joined()
    key = key_of(story.laptop)
    with story.phone.here(), Terminal("reshare", "distrust", key, cwd=story.shell.folder) as terminal:
        terminal.until("the report of Laptop of 'Savings'")
        terminal.answer("Let it count no more?", "y" if yes else "")
        assert terminal.finish() == (0 if yes else 130)
    assert states(story, story.phone)["Laptop"] == ("awaited" if yes else "reported")
