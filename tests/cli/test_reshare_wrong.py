"""`coldshare reshare` with what does not belong: false reports, foreign keys, mixed shares, too many parties."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from coldshare.identity import Identity, fingerprint
from coldshare.reshare.report import Report, Signed, encode, sign
from reshare.story import AFTER, TABLE, identity, made, reported
from support.computers import SEAL, Computer
from support.resharing import Story, good
from support.shell import Shell, failed
from support.terminal import Terminal


@pytest.fixture
def story(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(shell, monkeypatch, tmp_path_factory)


def awaited(story: Story, who: Computer) -> dict[str, str]:
    """The state of each party, as `reshare status` has it on that computer."""
    return {one["party"]: one["state"] for one in story.state(who)["awaited"]}


def keep(story: Story, name: str, signed: Signed) -> str:
    story.file(name).write_bytes(encode(signed))
    return name


def by(who: Computer, told: Report) -> Signed:
    """The same, signed with that computer's own key."""
    return sign(told, Identity.load(who.home / "identity.key"))


# --- reports: how they come


def test_a_report_comes_in_every_way(story: Story) -> None:
    """As a file, in a folder among other files, as the text itself, and on standard input: with what a mail does."""
    phone, laptop, watch = story.reported()
    story.file("mails").mkdir()
    for name in (laptop, watch):
        story.file(name).rename(story.file(f"mails/{name}"))
    story.file("mails/holiday.txt").write_text("Dear Ada,\nnothing of interest.\n")
    story.file("mails/folder").mkdir()
    keys = [
        one for name in (laptop, watch) for one in ("--trust", fingerprint(story.signed(f"mails/{name}").public_key))
    ]
    answer = good(story.phone("reshare", "join", "mails", *keys, "--json"), 8).json
    assert (answer["taken"], answer["strangers"]) == (2, [])
    assert answer["reshares"][0]["ready"] is True

    data = story.file(phone).read_bytes()
    line = data.decode().strip()
    trust = ("--trust", fingerprint(story.signed(phone).public_key))
    assert good(story.laptop("reshare", "join", line.lower(), *trust, "--json"), 8).json["taken"] == 1
    quoted = b"\r\n".join(b"> " + data[at : at + 60].strip() for at in range(0, len(data), 60)) + b"\r\n"
    assert good(story.laptop("reshare", "join", "-", "--json", stdin=quoted), 8).json["taken"] == 1
    binary = story.signed(phone).data
    assert good(story.laptop("reshare", "join", "-", "--json", stdin=binary), 8).json["taken"] == 1
    assert awaited(story, story.laptop) == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}
    assert story.laptop.told().count("reshare_reported") == 2  # its own and the Phone's, once


def test_what_is_no_report(story: Story) -> None:
    (name, *_) = story.reported()
    before = story.watch.told()
    story.file("empty").mkdir()
    line = story.file(name).read_text().strip()
    for argv in (["new-phone.vult"], ["nothing-there"], ["empty"], ["-"], [line[:-8]], [line.replace(":1:", ":2:")]):
        failed(story.watch("reshare", "join", *argv), "report_unreadable", 3, as_json=False)
        failed(story.watch("reshare", "join", *argv, "--json"), "report_unreadable", 3, as_json=True)
    assert "other version" in story.watch("reshare", "join", line.replace(":1:", ":2:")).err.replace("another", "other")
    assert story.watch.told() == before


def test_a_bad_report_in_a_folder_is_named_and_the_others_are_taken_in(story: Story) -> None:
    reports = story.reported()
    story.file("all").mkdir()
    for name in reports:
        data = bytearray(story.signed(name).data)
        if name.startswith("Laptop"):
            data[len(data) // 2] ^= 1
        text = base64.b32encode(bytes(data)).decode().rstrip("=")
        story.file(f"all/{name}").write_text(f"COLDSHARE:REPORT:1:{text}\n")
    line = story.file(reports[0]).read_text()
    story.file("all/cut").write_text(line[: len(line) // 2])
    keys = [one for name in reports for one in ("--trust", fingerprint(story.signed(name).public_key))]
    answer = good(story.phone("reshare", "join", "all", *keys, "--json"), 8).json
    assert (answer["taken"], answer["strangers"]) == (2, [])
    bad = {one["code"]: one for one in answer["unread"]}
    assert set(bad) == {"report_forged", "report_unreadable"}
    assert "all/Laptop-new.report" in bad["report_forged"]["words"]
    assert "all/cut" in bad["report_unreadable"]["words"]
    assert awaited(story, story.phone) == {"Phone": "reported", "Laptop": "awaited", "Watch": "reported"}
    said = good(story.phone("reshare", "join", "all"), 8)
    assert "NOT read: all/Laptop-new.report: " in said.out.replace(f"{story.shell.folder}/", "")
    # Where nothing can be read, and of a file that was named, that is an error.
    for name in (reports[0], reports[2]):
        story.file(f"all/{name}").unlink()
    before = story.phone.told()
    failed(story.phone("reshare", "join", "all"), "report_forged", 7, as_json=False)
    failed(story.phone("reshare", "join", reports[2], "all/cut"), "report_unreadable", 3, as_json=False)
    assert story.phone.told() == before


# --- reports: whose they are


def test_a_stranger_says_nothing(story: Story) -> None:
    """Somebody else signs a report on the Watch's share, and it stands in nobody's way."""
    reports = story.reported()
    good(story.join(story.phone, reports[1]), 8)
    before = story.phone.told()
    forged = keep(story, "forged", sign(story.signed(reports[2]).report, identity(9)))
    said = good(story.phone("reshare", "join", forged, reports[2]), 8)
    assert "Taken in: 0 of 2 reports." in said.out
    assert said.out.count("NOT taken in: that of Watch") == 2
    assert "No reshare is under way" not in said.out
    assert story.phone.told() == before
    wrong = fingerprint(story.signed(reports[0]).public_key)
    good(story.phone("reshare", "join", forged, reports[2], "--trust", wrong), 8)
    assert story.phone.told() == before
    assert awaited(story, story.phone)["Watch"] == "awaited"
    assert good(story.join(story.phone, reports[2]), 8).out.count("backed up and reported") == 3


def test_another_key_than_before(story: Story) -> None:
    """A computer that signs with a new key is as strange as any other one, and is told of in a terminal."""
    reports = story.reported()
    good(story.join(story.phone, *reports), 8)
    other = keep(story, "other", sign(replace(story.signed(reports[1]).report, digest=bytes(32)), identity(9)))
    answer = good(story.phone("reshare", "join", other, "--json"), 8).json
    assert answer["taken"] == 0
    (stranger,) = answer["strangers"]
    assert (stranger["party"], stranger["host"]) == ("Laptop", "Laptop's desk")
    assert (stranger["fingerprint"], stranger["why"]) == (fingerprint(identity(9).public), "other_key")
    assert story.state(story.phone)["ready"] is True
    # And who believes it all the same has two keys that speak for one party.
    said = good(story.join(story.phone, other), 8)
    assert "NOT GOOD: Laptop is reported by two computers, which say different things: " in said.out
    for key in (fingerprint(identity(9).public), fingerprint(story.signed(reports[1]).public_key)):
        assert f'"Laptop\'s desk" ({key})' in said.out
    text = failed(story.phone("reshare", "finish"), "reshare_incomplete", 5, as_json=False)
    assert "Laptop is reported by two computers" in text


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True], ids=["no", "yes"])
def test_a_person_compares(story: Story, yes: bool) -> None:
    (name, *_) = story.reported()
    with (
        story.computers.somewhere("Tablet").here(),
        Terminal("reshare", "join", name, cwd=story.shell.folder) as terminal,
    ):
        shown = terminal.until("every character?")
        assert fingerprint(story.signed(name).public_key) in shown
        terminal.type("y\n" if yes else "\n")
        assert terminal.finish() == 8
        assert ("Taken in: 1 report." if yes else "Taken in: 0 of 1 report.") in terminal.screen


@pytest.mark.slow
def test_a_person_is_told_of_another_key(story: Story) -> None:
    reports = story.joined()
    keep(story, "other", sign(story.signed(reports[1]).report, identity(9)))
    with story.phone.here(), Terminal("reshare", "join", "other", cwd=story.shell.folder) as terminal:
        terminal.until("CAREFUL: Laptop's desk signed with another key before.")
        terminal.answer("every character?", "n")
        assert terminal.finish() == 8


# --- reports: of what they are


def test_a_report_of_another_vault_or_another_reshare(story: Story) -> None:
    """It is taken in, since it is true, and counts for nothing here."""
    story.joined()
    strange = made(seed="another vault", name="Holidays")
    other = keep(story, "other vault", reported(strange.reshared(AFTER, 2), 0, strange.generation))
    answer = good(story.join(story.phone, other), 8)
    assert "'Holidays', 2 of 3: being reshared" in answer.out
    text = failed(story.phone("reshare", "finish"), "usage", 2, as_json=False)
    assert "name the VAULT" in text
    failed(story.phone("reshare", "finish", "Holidays"), "reshare_incomplete", 5, as_json=False)

    # Of the same vault away from another generation: this one cannot be ordered, and the true ones stand.
    fork = story.old.reshared(TABLE, 2, "an earlier attempt").reshared(AFTER, 2, "and another one")
    story.shell.secrets.add_share(fork.vults[2])
    earlier = keep(
        story, "other reshare", reported(fork, 2, story.old.reshared(TABLE, 2, "an earlier attempt").generation)
    )
    good(story.join(story.phone, earlier), 8)
    assert len(story.phone("reshare", "status", "Savings", "--json").json["reshares"]) == 1


def test_an_old_report_replayed(story: Story) -> None:
    """What a computer said before does not take the place of what it says now."""
    reports = story.reported()
    first = story.signed(reports[1])
    good(story.laptop("reshare", "next", "new-laptop.vult", *SEAL, *story.laptop.at, "--report", "later"))
    later = story.signed("later")
    assert later.report.time > first.report.time
    for order in ((reports[1], "later"), ("later", reports[1])):
        good(story.join(story.phone, *order), 8)
        (kept,) = [
            one
            for one in story.phone.view().reports(story.phone.view().reshares()[-1].plan)
            if one.report == later.data
        ]
        assert kept.party == "Laptop"
        assert story.state(story.phone)["objections"] == []
        assert awaited(story, story.phone) == {"Phone": "reported", "Laptop": "reported", "Watch": "awaited"}


def test_reports_that_disagree_name_the_odd_one_out(story: Story) -> None:
    """The Watch's app was in another run of the reshare than those of the others."""
    reports = story.reported()
    other = story.old.reshared(AFTER, 2, "another run")
    told = story.signed(reports[2]).report
    apart = reported(other, 2, story.old.generation, host=told.host, host_name=told.host_name, time=told.time + 1)
    keep(story, "apart", by(story.watch, apart.report))
    said = good(story.join(story.phone, reports[1], "apart"), 8)
    assert "NOT GOOD: Watch says another generation than Phone, Laptop: Watch is the odd one out." in said.out
    text = failed(story.phone("reshare", "finish"), "reshare_incomplete", 5, as_json=False)
    assert "Watch is the odd one out" in text
    assert "Export the vault again" in text.splitlines()[1]
    (objection,) = story.state(story.phone)["objections"]
    assert (objection["code"], objection["party"]) == ("disagrees", "Watch")
    # What it said before was right, and does not count any more, until it says so again.
    good(story.join(story.phone, reports[2]), 8)
    assert awaited(story, story.phone)["Watch"] == "rejected"


def test_two_that_disagree_have_no_odd_one(story: Story) -> None:
    reports = story.reported()
    other = story.old.reshared(AFTER, 2, "another run")
    told = story.signed(reports[1]).report
    apart = reported(other, 1, story.old.generation, host=told.host, host_name=told.host_name, time=told.time + 1)
    keep(story, "apart", by(story.laptop, apart.report))
    said = good(story.join(story.phone, "apart"), 8)
    assert "nothing tells which is right: Phone; Laptop" in said.out
    assert story.state(story.phone)["newer"] is None


# --- shares


def test_old_and_new_are_recognised(story: Story) -> None:
    """Before an app would say it: at next, with the old file, and with one of another run than that of the others."""
    story.backed_up()
    good(story.phone("reshare", "start", "Savings", "--leave", "Tablet", "--new", "1"))
    before = story.phone.told()
    text = failed(story.next(story.phone, run="old"), "reshare_new_share", 5, as_json=False)
    assert f"This is the share from before the reshare: generation {story.old.generation.hex()[:8]}." in text
    assert story.phone.told() == before
    story.report(story.phone)
    story.write("run", story.old.reshared(AFTER, 2, "another run"))
    good(story.laptop("ledger", "join", _ledger_of(story.phone)))
    for as_json in (False, True):
        said = story.next(story.laptop, *(["--json"] if as_json else []), run="run")
        text = failed(said, "reshare_new_share", 5, as_json=as_json)
        assert "Shares of different generations never sign together" in text
        assert "Invalid final_session_id" in text
        assert story.new.generation.hex()[:8] in text
    assert [one["state"] for one in story.laptop("list", *story.laptop.at, "--json").json["backups"]] == ["active"]


def _ledger_of(who: Computer) -> str:
    good(who("ledger", "export", "told.ledger"))
    return "told.ledger"


def test_a_share_that_is_not_as_planned(story: Story) -> None:
    story.backed_up()
    good(story.phone("reshare", "start", "Savings", "--leave", "Tablet"))
    text = failed(story.next(story.phone), "reshare_new_share", 5, as_json=False)
    assert "By this share 2 of 3 can sign, and planned were 2 of 2." in text
    assert "coldshare reshare abort" in text
    assert story.state(story.phone)["newer"] is None


@pytest.mark.parametrize("as_json", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["text", "json"])
def test_rule_1_two_parties_on_one_computer(story: Story, as_json: bool) -> None:
    """The second one is refused before it is stored anywhere; it goes on where that is accepted."""
    story.backed_up()
    story.report(story.phone)
    before = story.phone.told()
    argv = ("reshare", "next", "new-laptop.vult", *SEAL, *story.laptop.at)
    text = failed(story.phone(*argv, *(["--json"] if as_json else [])), "single_host", 5, as_json=as_json)
    assert "Phone" in text
    assert [one for one in story.phone.told()[len(before) :] if one != "host_named"] == []
    assert [one["state"] for one in story.laptop("list", *story.laptop.at, "--json").json["backups"]] == ["active"]
    answer = good(story.phone(*argv, "--single-host", "--json")).json
    assert "can then sign alone" in " ".join([*answer["warnings"], *answer["backup"]["warnings"]])
    assert "Laptop" in awaited(story, story.phone)


def test_the_place_of_a_new_share_is_lost(story: Story) -> None:
    """Its party has reported, and nothing is left of what it told of: the old shares are not retired for that."""
    watchs = story.signed(story.joined()[2]).report
    good(story.phone("place", "lost", str(watchs.kept[0].place)))
    said = good(story.phone("reshare", "status"), 8)
    assert "NOT GOOD: No backup of the new share of Watch is left: " in said.out
    text = failed(story.phone("reshare", "finish", *story.phone.at), "reshare_incomplete", 5, as_json=False)
    assert "is lost" in text
    assert "coldshare reshare next NEW.vult --at PLACE" in text.splitlines()[1]
    assert [one["code"] for one in story.state(story.phone)["objections"]] == ["no_backup"]
    assert [one["state"] for one in story.phone("list", *story.phone.at, "--json").json["backups"]] == [
        "active",
        "next",
    ]
